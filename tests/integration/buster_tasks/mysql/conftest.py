import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from benchmarks.mariadb import MariadbServer, mariadb_server
from benchmarks.servers import ServerMissingError
from buster_tasks.sources import MysqlCredentials
from buster_tasks.sources.mysql import MysqlSource

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Account:
    """A database of its own, and a user of the same name who may do everything in it and nothing elsewhere."""

    server: MariadbServer
    name: str

    def credentials(self, **changes: Any) -> MysqlCredentials:
        known = {"database": self.name, "username": self.name, "password": "p/w€"}
        return MysqlCredentials.model_validate(self.server.credentials(**{**known, **changes}))

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        """As the administrator, in this database."""
        return self.server.run(*statements, database=self.name)

    def connections(self) -> int:
        query = f"SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = '{self.name}'"
        return int(self.server.run(query)[0][0])

    def running(self, text: str) -> bool:
        """Whether the user's statement that begins so is being carried out."""
        query = f"SELECT INFO FROM information_schema.PROCESSLIST WHERE USER = '{self.name}'"
        return any(str(row[0]).startswith(text) for row in self.server.run(query))

    async def until_alone(self) -> None:
        """Until the server has no connection of the user."""
        await until(lambda: self.connections() == 0)

    async def until_connected_once(self) -> None:
        """Until the connection that killed a statement is gone."""
        await until(lambda: self.connections() == 1)


async def until(holds: Callable[[], bool]) -> None:
    """As soon as the condition, which asks a server, holds."""
    for _ in range(2_000):
        if await asyncio.to_thread(holds):
            return
    pytest.fail("it never came to that")


@pytest.fixture(scope="session")
def server() -> Iterator[MariadbServer]:
    try:
        with mariadb_server() as running:
            yield running
    except ServerMissingError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"NOT TESTED against MariaDB: {error}")


@pytest.fixture
def account(server: MariadbServer) -> Iterator[Account]:
    one = Account(server, f"shop_{next(_numbers)}")
    server.run(
        f"CREATE DATABASE {one.name}",
        f"CREATE USER {one.name}@'%' IDENTIFIED BY 'p/w€'",
        f"GRANT ALL ON {one.name}.* TO {one.name}@'%'",
    )
    yield one
    server.run(f"DROP USER {one.name}@'%'", f"DROP DATABASE {one.name}")


@pytest.fixture
async def open_source(account: Account) -> AsyncIterator[Callable[..., MysqlSource]]:
    """Sources of the account, closed at the end; each then has no connection left on the server."""
    async with AsyncExitStack() as stack:

        def opened(**changes: Any) -> MysqlSource:
            source = MysqlSource(account.credentials(**changes))
            stack.push_async_callback(source.close)
            return source

        yield opened
    await account.until_alone()


@pytest.fixture
def source(open_source: Callable[..., MysqlSource]) -> MysqlSource:
    return open_source()
