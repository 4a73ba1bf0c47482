"""How fast a whole database is introspected, beside SQLAlchemy: `python -m benchmarks.introspection`.

Makes a PostgreSQL database of 10,000 tables with keys, indexes and comments in a server of its own, or with
`--server mariadb` one of 1,000 in MariaDB, and reads it in processes of their own, one after the other: ours, and
`MetaData.reflect`. Prints seconds, statements and the growth of
the peak of memory. SQLAlchemy is needed beside the development environment: `pip install sqlalchemy`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import psycopg

from benchmarks.mariadb import MariadbServer, mariadb_server
from benchmarks.servers import postgres_server

_TABLES_PER_TRANSACTION = 500
_TABLES = {"postgres": 10_000, "mariadb": 1_000}
_DRIVERS = {"postgres": "postgresql+psycopg", "mysql": "mysql+pymysql"}


def make_tables(dsn: str, count: int, schemas: int = 1) -> None:
    """Tables of ten columns, each with a primary key, a foreign key, an index and comments."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for number in range(schemas):
            connection.execute(f"CREATE SCHEMA s{number}".encode())
        for first in range(0, count, _TABLES_PER_TRANSACTION):
            numbers = range(first, min(count, first + _TABLES_PER_TRANSACTION))
            connection.execute(";".join(_table(number, schemas) for number in numbers).encode())
        connection.execute(
            "VACUUM ANALYZE pg_class, pg_attribute, pg_index, pg_constraint, pg_description"
        )


def _table(number: int, schemas: int) -> str:
    name = f"s{number % schemas}.table_{number}"
    # SQLAlchemy follows keys from table to table, and falls over a long chain
    parent = f"s{number % schemas}.table_{number % schemas}"
    return f"""CREATE TABLE {name} (
        id bigint PRIMARY KEY, parent_id bigint REFERENCES {parent}, label varchar(80) NOT NULL DEFAULT 'none',
        amount numeric(12, 2), created timestamptz DEFAULT now(), flags integer[], is_open boolean, payload jsonb,
        note text, ratio double precision);
        CREATE INDEX ON {name} (label, created);
        COMMENT ON TABLE {name} IS 'table number {number}';
        COMMENT ON COLUMN {name}.label IS 'what table {number} calls it'"""


def make_mariadb_tables(server: MariadbServer, database: str, count: int) -> None:
    """The same tables in a new database of MariaDB."""
    server.run(f"CREATE DATABASE {database}")
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:
        for number in range(count):
            cursor.execute(_mariadb_table(number))


def _mariadb_table(number: int) -> str:
    return f"""CREATE TABLE table_{number} (
        id bigint PRIMARY KEY, parent_id bigint, label varchar(80) NOT NULL DEFAULT 'none'
            COMMENT 'what table {number} calls it',
        amount decimal(12, 2), created timestamp DEFAULT now(), flags int, is_open boolean, payload json, note text,
        ratio double, KEY (label, created), FOREIGN KEY (parent_id) REFERENCES table_0 (id)
    ) COMMENT 'table number {number}'"""


@contextmanager
def full_server(kind: str, tables: int) -> Iterator[dict[str, object]]:
    """Credentials of a database with so many tables, in a server of its own."""
    if kind == "mariadb":
        with mariadb_server() as mariadb:
            make_mariadb_tables(mariadb, "s0", tables)
            yield mariadb.credentials("s0")
        return
    with postgres_server() as postgres:
        make_tables(postgres.dsn(), tables)
        yield postgres.credentials()


async def _ours(credentials: Mapping[str, Any]) -> dict[str, Any]:
    from buster_tasks.sources import connect

    async with connect(credentials) as source:
        before, started = _peak_mb(), time.perf_counter()
        ran = source.statements  # type: ignore[attr-defined]  # not in the protocol, each source has it
        found = await source.introspect()
        return {
            "seconds": time.perf_counter() - started,
            "statements": source.statements - ran,  # type: ignore[attr-defined]  # as above
            "growth_mb": _peak_mb() - before,
            **found.counts(),
        }


def _sqlalchemy(credentials: Mapping[str, Any]) -> dict[str, Any]:
    import sqlalchemy as sa

    url = sa.URL.create(
        _DRIVERS[credentials["type"]], credentials["username"], credentials["password"],
        credentials["host"], credentials["port"], credentials["database"],
    )  # fmt: skip
    engine, statements = sa.create_engine(url), 0

    @sa.event.listens_for(engine, "before_cursor_execute")
    def count(*_args: object) -> None:
        nonlocal statements
        statements += 1

    with engine.connect() as connection:
        schemas = [
            name
            for name in sa.inspect(connection).get_schema_names()
            if name[0] == "s" and name != "sys"
        ]
        before, ran, started = _peak_mb(), statements, time.perf_counter()
        metadata = sa.MetaData()
        for schema in schemas:
            metadata.reflect(connection, schema=schema)
        return {
            "seconds": time.perf_counter() - started,
            "statements": statements - ran,
            "growth_mb": _peak_mb() - before,
            "tables": len(metadata.tables),
        }


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024


def measured(what: str, credentials: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of one of the two, from a process of its own."""
    command = [sys.executable, "-m", "benchmarks.introspection", "--measure", what]
    done = subprocess.run(
        command, input=json.dumps(credentials), check=True, stdout=subprocess.PIPE, text=True
    )
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def main() -> None:
    """Print the figures of each round and what they come to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", choices=tuple(_TABLES), default="postgres")
    parser.add_argument("--tables", type=int, help="default: 10,000, in MariaDB 1,000")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measure", choices=("ours", "sqlalchemy"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        credentials = json.load(sys.stdin)
        figures = (
            asyncio.run(_ours(credentials))
            if options.measure == "ours"
            else _sqlalchemy(credentials)
        )
        print(json.dumps(figures))
        return
    with full_server(options.server, options.tables or _TABLES[options.server]) as credentials:
        rounds = [
            {what: measured(what, credentials) for what in ("ours", "sqlalchemy")}
            for _round in range(options.rounds)
        ]
    for one in rounds:
        for what, figures in one.items():
            print(what, " ".join(f"{name}={value:,.6g}" for name, value in figures.items()))
    ratio = statistics.median(
        one["sqlalchemy"]["seconds"] / one["ours"]["seconds"] for one in rounds
    )
    print(f"{ratio:.1f} times as fast as MetaData.reflect (median of {len(rounds)} rounds)")


if __name__ == "__main__":
    main()
