import asyncio
import importlib
import importlib.util
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from benchmarks.servers import ServerMissingError
from buster_tasks.sources import DatabricksCredentials
from buster_tasks.sources.databricks import DatabricksSource

_numbers = itertools.count(1)


def check_installed() -> None:
    """Raise ServerMissingError where the driver, or what the double is made of, is not there."""
    needed = ("databricks.sql", "duckdb", "sqlglot")
    missing = [name for name in needed if not _is_there(name)]
    if missing:
        raise ServerMissingError(f"The double of Databricks needs {', '.join(missing)}.")


def _is_there(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


@dataclass(frozen=True)
class Account:
    """A user with a token of its own, and a catalog of its own name."""

    server: Any
    name: str

    @property
    def token(self) -> str:
        return f"dapi-{self.name}"

    def credentials(self, **changes: Any) -> DatabricksCredentials:
        known = {"access_token": self.token, "catalog": self.name}
        return DatabricksCredentials.model_validate(self.server.credentials(**{**known, **changes}))

    def run(self, *statements: str) -> None:
        """As the administrator, in this catalog."""
        self.server.run(*statements, catalog=self.name)

    def deny(self, *parts: str) -> None:
        """Refuse statements of this user that have one of the parts in them."""
        self.server.ask("deny", user=self.name, parts=list(parts))

    def told(self) -> dict[str, Any]:
        found: dict[str, Any] = self.server.told(self.name)
        return found

    def seen(self) -> list[str]:
        """All statements that the server was ever sent."""
        found: list[str] = self.server.ask("seen")
        return found

    async def until_running(self, call: "asyncio.Task[Any]") -> None:
        while not (await asyncio.to_thread(self.told))["running"]:
            assert not call.done(), call.result()

    async def until_alone(self) -> None:
        """Until the server has no session of the user."""
        for _ in range(2_000):
            if not (await asyncio.to_thread(self.told))["sessions"]:
                return
        pytest.fail(f"{self.told()} is left")


@pytest.fixture(scope="session")
def installed(missing_server: Callable[[], AbstractContextManager[None]]) -> None:
    with missing_server():
        check_installed()
    importlib.import_module("databricks.sql.client")  # seconds, which no test's limit is about


@pytest.fixture(scope="session")
def server(installed: None) -> Iterator[Any]:
    from tests.doubles.databricks import databricks_double

    with databricks_double() as running:
        yield running


@pytest.fixture(scope="session")
def spark(
    installed: None, missing_server: Callable[[], AbstractContextManager[None]]
) -> Iterator[Any]:
    """A real Spark behind the protocol adapter."""
    from tests.doubles.databricks import databricks_double, spark_thrift_server

    with missing_server(), spark_thrift_server() as port, databricks_double(str(port)) as running:
        yield running


@pytest.fixture
def account(server: Any) -> Account:
    one = Account(server, f"shop_{next(_numbers)}")
    server.ask("catalog", name=one.name)
    server.user(one.name, one.token)
    return one


@pytest.fixture
async def open_source(account: Account) -> AsyncIterator[Callable[..., DatabricksSource]]:
    """Sources of the account, closed at the end; each then has no session left on the server."""
    async with AsyncExitStack() as stack:

        def opened(**changes: Any) -> DatabricksSource:
            source = DatabricksSource(account.credentials(**changes))
            stack.push_async_callback(source.close)
            return source

        yield opened
    await account.until_alone()


@pytest.fixture
def source(open_source: Callable[..., DatabricksSource]) -> DatabricksSource:
    return open_source()
