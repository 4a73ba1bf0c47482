import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import psycopg
import pytest

from benchmarks.servers import PostgresServer, postgres_server
from buster_tasks.sources import connect
from buster_tasks.sources.postgres import PostgresSource

_numbers = itertools.count()

MakeDatabase = Callable[..., str]


@pytest.fixture(scope="session")
def server(missing_server: Callable[[], AbstractContextManager[None]]) -> Iterator[PostgresServer]:
    with missing_server(), postgres_server() as server:
        yield server


@pytest.fixture
def admin(server: PostgresServer) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        yield connection


@pytest.fixture
def make_database(server: PostgresServer, admin: psycopg.Connection[Any]) -> Iterator[MakeDatabase]:
    """Makes a database from statements, and drops it at the end."""
    made: list[str] = []

    def make(*statements: str) -> str:
        name = f"test_{next(_numbers)}"
        admin.execute(f"CREATE DATABASE {name}".encode())
        made.append(name)
        with psycopg.connect(server.dsn(name), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())
        return name

    yield make
    for name in made:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def source_of(server: PostgresServer) -> Callable[..., PostgresSource]:
    """Makes a source for a database of the server, not connected yet."""

    def make(database: str = "postgres", **changes: object) -> PostgresSource:
        source = connect(server.credentials(database, **changes))
        assert isinstance(source, PostgresSource)
        return source

    return make


@pytest.fixture
def sessions(admin: psycopg.Connection[Any]) -> Callable[[], int]:
    """How many connections of data sources the server has now."""

    def count() -> int:
        [row] = admin.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'buster-tasks'"
        ).fetchall()
        return int(row[0])

    return count
