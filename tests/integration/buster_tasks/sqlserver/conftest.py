import asyncio
import importlib.util
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from benchmarks.servers import ServerMissingError
from buster_tasks.errors import DriverMissingError
from buster_tasks.sources import SqlserverCredentials
from buster_tasks.sources.sqlserver import SqlserverSource
from buster_tasks.sources.sqlserver.driver import bundled_driver, find_driver, load_pyodbc
from tests.doubles.sqlserver import SqlserverDouble, make_certificates, sqlserver_double

_numbers = itertools.count(1)
ENDLESS = (
    "SELECT SUM(CAST(a.column_id AS bigint) * b.column_id % 7) "
    "FROM sys.all_columns AS a CROSS JOIN sys.all_columns AS b"
)


def check_installed() -> None:
    """Raise ServerMissingError where the driver, or what the double is made of, is not there."""
    missing = [name for name in ("duckdb", "sqlglot") if importlib.util.find_spec(name) is None]
    if missing:
        raise ServerMissingError(f"The double of SQL Server needs {', '.join(missing)}.")
    try:
        find_driver(None, load_pyodbc().drivers(), bundled_driver())
    except DriverMissingError as error:
        raise ServerMissingError(str(error)) from error


@dataclass(frozen=True)
class Account:
    """A login and a database of one name, which it may enter and no other."""

    server: SqlserverDouble
    name: str

    def credentials(self, **changes: Any) -> SqlserverCredentials:
        known = {"database": self.name, "username": self.name}
        return SqlserverCredentials.model_validate(self.server.credentials(**{**known, **changes}))

    def run(self, *statements: str) -> None:
        """As the administrator, in this database."""
        self.server.run(self.name, *statements)

    def duckdb(self, sql: str) -> list[list[str]]:
        """In this database's catalog, in the double's own SQL."""
        found: list[list[str]] = self.server.ask("duckdb", database=self.name, sql=sql)
        return found

    def limit(self, **changes: Any) -> None:
        """Change what the login may do."""
        self.server.account(self.name, **{"databases": [self.name, "master"], **changes})

    def connections(self) -> int:
        return len(self.server.sessions(self.name))

    def running(self) -> bool:
        """Whether the server is at work on the endless statement."""
        return self.server.running(self.name, ENDLESS)

    async def until_running(self, call: "asyncio.Task[Any]") -> None:
        while not await asyncio.to_thread(self.running):
            assert not call.done(), call.result()

    async def until_alone(self) -> None:
        """Until the server has no connection of the user."""
        for _ in range(2_000):
            if not await asyncio.to_thread(self.connections):
                return
        pytest.fail(f"{self.connections()} connections are left")


@pytest.fixture(scope="session")
def installed(missing_server: Callable[[], AbstractContextManager[None]]) -> None:
    with missing_server():
        check_installed()


@pytest.fixture(scope="session")
def certificates(installed: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificates(Path(tmp_path_factory.mktemp("sqlserver")))


@pytest.fixture(scope="session")
def server(installed: None, certificates: tuple[Path, Path]) -> Iterator[SqlserverDouble]:
    with sqlserver_double(certificates[1]) as running:
        yield running


@pytest.fixture
def account(server: SqlserverDouble) -> Account:
    one = Account(server, f"shop_{next(_numbers)}")
    server.database(one.name)
    one.limit()
    return one


@pytest.fixture
async def open_source(account: Account) -> AsyncIterator[Callable[..., SqlserverSource]]:
    """Sources of the account, closed at the end; each then has no connection left on the server."""
    async with AsyncExitStack() as stack:

        def opened(**changes: Any) -> SqlserverSource:
            source = SqlserverSource(account.credentials(**changes))
            stack.push_async_callback(source.close)
            return source

        yield opened
    await account.until_alone()


@pytest.fixture
def source(open_source: Callable[..., SqlserverSource]) -> SqlserverSource:
    return open_source()
