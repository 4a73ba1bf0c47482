"""What measuring columns costs, beside the bare statements: `python -m benchmarks.statistics`.

Makes a table of a million rows and six columns in SQLite, DuckDB and, where it is installed, a PostgreSQL server of its
own. `sample` is put beside one bare SELECT of as many rows by the same sampling, `full` beside one bare SELECT of the
counts, distinct counts, least and greatest values. Prints seconds and the ratio.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.servers import ServerMissingError, postgres_server
from buster_tasks.sources import DataSource, connect
from buster_tasks.sources.schema import Introspection
from buster_tasks.sources.statistics import MeasuredLevel, Sampling, measure
from buster_tasks.sources.statistics.dialect import SampleWanted, dialect_of

_COLUMNS = ("id", "few", "thousand", "email", "day", "price")
_ROWS = 1_000_000
_PATIENT = Sampling(statement_seconds=300)
_SQLITE = """WITH RECURSIVE s(g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM s WHERE g < {rows})
INSERT INTO million SELECT g, g % 7, CASE WHEN g % 4 THEN g % 1000 END, 'user' || g || '@example.org',
date('2000-01-01', (g % 3000) || ' days'), (g % 100000) / 8.0 FROM s"""
_DUCKDB = """CREATE TABLE million AS SELECT g::INT AS id, (g % 7)::INT AS few,
CASE WHEN g % 4 != 0 THEN (g % 1000)::INT END AS thousand, 'user' || g || '@example.org' AS email,
DATE '2000-01-01' + (g % 3000)::INT AS day, ((g % 100000) / 8)::DECIMAL(12, 3) AS price
FROM range(1, {rows} + 1) t(g)"""
_POSTGRES = """CREATE TABLE million AS SELECT g AS id, g % 7 AS few, CASE WHEN g % 4 != 0 THEN g % 1000 END AS thousand,
'user' || g || '@example.org' AS email, DATE '2000-01-01' + g % 3000 AS day,
((g % 100000) / 8.0)::numeric(12, 3) AS price FROM generate_series(1, {rows}) g"""


def _sqlite(path: Path, rows: int) -> dict[str, Any]:
    with sqlite3.connect(path) as connection:
        types = "id INT, few INT, thousand INT, email TEXT, day DATE, price DECIMAL(12, 3)"
        connection.execute(f"CREATE TABLE million ({types})")
        connection.execute(_SQLITE.format(rows=rows))
    return {"type": "sqlite", "path": str(path)}


def _duckdb(path: Path, rows: int) -> dict[str, Any]:
    import duckdb

    with duckdb.connect(str(path)) as connection:
        connection.execute(_DUCKDB.format(rows=rows))
    return {"type": "duckdb", "path": str(path)}


@contextmanager
def _places(rows: int) -> Iterator[dict[str, dict[str, Any]]]:
    """Credentials by the name of the source."""
    with tempfile.TemporaryDirectory() as folder:
        places = {
            "SQLite": _sqlite(Path(folder) / "million.db", rows),
            "DuckDB": _duckdb(Path(folder) / "million.duckdb", rows),
        }
        try:
            with postgres_server() as server:
                import psycopg

                with psycopg.connect(server.dsn(), autocommit=True) as connection:
                    connection.execute(_POSTGRES.format(rows=rows).encode())
                    connection.execute("ANALYZE million")
                yield {**places, "PostgreSQL": server.credentials("postgres")}
        except ServerMissingError as error:
            print(f"without PostgreSQL: {error}")
            yield places


async def _seconds(work: Callable[[], Awaitable[Any]], times: int) -> float:
    """The median."""
    took: list[float] = []
    for _ in range(times):
        began = time.perf_counter()
        await work()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def _bare_sample(source: DataSource, found: Introspection, rows: int) -> str:
    of = found.tables[0].row_count or rows
    table = source.qualified(found.databases[0].name, found.tables[0].schema_name, "million")
    wanted = SampleWanted(table, 9_700, of, 0)
    return dialect_of(source).samples("*", wanted)[0]


def _bare_aggregates(source: DataSource, found: Introspection) -> str:
    table = source.qualified(found.databases[0].name, found.tables[0].schema_name, "million")
    parts = [
        f"COUNT({name}), COUNT(DISTINCT {name}), MIN({name}), MAX({name})" for name in _COLUMNS
    ]
    return f"SELECT COUNT(*), {', '.join(parts)} FROM {table}"


async def _compare(name: str, credentials: dict[str, Any], rows: int, times: int) -> None:
    async with connect(credentials) as source:
        found = await source.introspect(statistics="catalog")
        floors: dict[MeasuredLevel, str] = {
            "sample": _bare_sample(source, found, rows),
            "full": _bare_aggregates(source, found),
        }
        for level, floor in floors.items():
            bare = await _seconds(
                partial(source.execute, floor, max_rows=10_000, timeout=300), times
            )
            ours = await _seconds(
                partial(measure, [source], found, level, sampling=_PATIENT), times
            )
            figures = f"{ours:8.3f} s   bare {bare:8.3f} s   ratio {ours / bare:6.2f}"
            print(f"{name:12} {level:8} {figures}", flush=True)


async def _main(rows: int, times: int) -> None:
    with _places(rows) as places:
        for name, credentials in places.items():
            await _compare(name, credentials, rows, times)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=_ROWS)
    parser.add_argument("--times", type=int, default=3)
    given = parser.parse_args()
    asyncio.run(_main(given.rows, given.times))
