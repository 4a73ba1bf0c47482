"""Many tables take no more statements than few, and little memory: `benchmarks.introspection`, reduced."""

import tracemalloc
from collections.abc import Callable

import psycopg
import pytest

from benchmarks.introspection import make_tables
from benchmarks.servers import PostgresServer
from buster_tasks.sources import Filters
from buster_tasks.sources.postgres import PostgresSource

pytestmark = pytest.mark.anyio

TABLES = 500
# What 10,000 tables may take, for one of them; measured there: 17 KB of resident memory.
BYTES_PER_TABLE = 250 * 2**20 / 10_000


async def test_the_number_of_statements_is_the_same_for_any_number_of_tables(
    server: PostgresServer,
    make_database: Callable[..., str],
    source_of: Callable[..., PostgresSource],
) -> None:
    few, many = make_database(), make_database()
    make_tables(server.dsn(few), 5)
    make_tables(server.dsn(many), TABLES, schemas=4)
    counted: list[int] = []
    for name in (few, many):
        with psycopg.connect(server.dsn(name), autocommit=True) as other:
            other.execute(f"ALTER DATABASE {name} SET log_statement = 'all'".encode())
        async with source_of(name) as source:
            before = seen(server)
            found = await source.introspect()
            counted.append(len(seen(server)) - len(before))
            assert source.statements == counted[-1]
            told = await source.introspect(Filters(tables=["table_1", "no_such"]))
            assert len(told.tables) == 1
            assert source.statements - counted[-1] == 6
    assert counted == [5, 5]
    assert found.counts() == {
        "databases": 1, "schemas": 5, "tables": TABLES, "columns": 10 * TABLES, "views": 0, "primary_keys": TABLES,
        "unique_keys": 0, "indexes": 2 * TABLES, "foreign_keys": TABLES, "issues": 0,
    }  # fmt: skip


def seen(server: PostgresServer) -> list[str]:
    """The statements with parameters that the server has logged, as only introspection sends them."""
    lines = (server.folder / "log").read_text(errors="replace").splitlines()
    return [line for line in lines if "LOG:  execute <unnamed>:" in line]


async def test_memory_for_each_table(
    server: PostgresServer,
    make_database: Callable[..., str],
    source_of: Callable[..., PostgresSource],
) -> None:
    name = make_database()
    make_tables(server.dsn(name), TABLES)
    async with source_of(name) as source:
        await source.introspect(Filters(tables=["table_0"]))
        tracemalloc.start()
        found = await source.introspect()
        _now, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert len(found.columns) == 10 * TABLES
    print(f"{peak / TABLES / 1024:.1f} KB for each table")
    assert peak / TABLES < BYTES_PER_TABLE
