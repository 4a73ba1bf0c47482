import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from buster_tasks.sources import SnowflakeCredentials
from buster_tasks.sources.snowflake import SnowflakeSource
from tests.doubles.snowflake_account import SnowflakeServer, snowflake_server

SERVER_PORT = "SNOWFLAKE_SERVER_PORT"
_numbers = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test of all waits for the stand-in's environment to be made, which takes minutes on a busy machine."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.timeout(300))


@dataclass(frozen=True)
class Account:
    """A database of its own, and a user of the same name."""

    server: SnowflakeServer
    name: str

    def credentials(self, **changes: Any) -> SnowflakeCredentials:
        known = {"username": self.name, "default_schema": "APP", **changes}
        database = known.pop("database", self.name)
        return SnowflakeCredentials.model_validate(self.server.credentials(database, **known))

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        """As the administrator, in this database."""
        return self.server.run(f"USE DATABASE {self.name}", *statements, database=self.name)

    def sessions(self) -> int:
        """How many sessions the user has."""
        return self.server.state()["sessions"].count(self.name)

    def asked(self) -> list[dict[str, Any]]:
        """What the user asked, in order."""
        return [one for one in self.server.state()["asked"] if one["user"] == self.name]

    async def until_running(self, text: str) -> None:
        """Until a statement with this text runs."""
        await until(lambda: any(text in sql for sql in self.server.state()["running"]))

    async def until_nothing_runs(self, text: str) -> None:
        await until(lambda: not any(text in sql for sql in self.server.state()["running"]))

    async def until_alone(self) -> None:
        """Until the user has no session."""
        await until(lambda: self.sessions() == 0)


async def until(holds: Callable[[], bool]) -> None:
    """As soon as the condition, which asks a server, holds."""
    for _ in range(2_000):
        if await asyncio.to_thread(holds):
            return
    pytest.fail("it never came to that")


@pytest.fixture(scope="session")
def server(missing_server: Callable[[], AbstractContextManager[None]]) -> Iterator[SnowflakeServer]:
    port = os.environ.get(SERVER_PORT)
    if port is not None:  # these are the tests that another process has begun, with another driver
        yield SnowflakeServer(int(port))
        return
    with missing_server(), snowflake_server() as running:
        yield running


@pytest.fixture
def account(server: SnowflakeServer) -> Account:
    one = Account(server, f"SHOP_{os.getpid()}_{next(_numbers)}")
    server.run(f"CREATE DATABASE {one.name}", f"CREATE SCHEMA {one.name}.APP")
    return one  # the stand-in cannot drop a database


@pytest.fixture
async def open_source(account: Account) -> AsyncIterator[Callable[..., SnowflakeSource]]:
    """Sources of the account, closed at the end; the user then has no session."""
    async with AsyncExitStack() as stack:

        def opened(*, network_seconds: float = 10.0, **changes: Any) -> SnowflakeSource:
            source = SnowflakeSource(
                account.credentials(**changes), network_seconds=network_seconds
            )
            stack.push_async_callback(source.close)
            return source

        yield opened
    await account.until_alone()


@pytest.fixture
def source(open_source: Callable[..., SnowflakeSource]) -> SnowflakeSource:
    return open_source()
