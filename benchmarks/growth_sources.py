"""Databases of many tables, a maker for each kind of source: real servers where they run here, else the doubles."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import psycopg

from benchmarks.introspection import make_mariadb_tables, make_tables
from benchmarks.mariadb import mariadb_server
from benchmarks.servers import postgres_server

Credentials: TypeAlias = dict[str, Any]
Made: TypeAlias = Iterator[list[Credentials]]

_TEN = (
    "id {big} NOT NULL, parent_id {big}, label {text}, amount {decimal}, created {moment}, flags {integer}, "
    "is_open {truth}, payload {text}, note {text}, ratio {float}"
)
_PLAIN = {
    "big": "bigint", "text": "varchar(80)", "decimal": "decimal(12, 2)", "moment": "timestamp", "integer": "integer",
    "truth": "boolean", "float": "double precision",
}  # fmt: skip


def ten_columns(
    number: int, more: str = ", PRIMARY KEY (id)", place: str = "", **types: str
) -> str:
    """CREATE TABLE of ten columns."""
    columns = _TEN.format(**{**_PLAIN, **types})
    return f"CREATE TABLE {place}table_{number} ({columns}{more})"


@contextmanager
def postgres(counts: Sequence[int]) -> Made:
    """In PostgreSQL."""
    with postgres_server() as server, psycopg.connect(server.dsn(), autocommit=True) as admin:
        for count in counts:
            admin.execute(f"CREATE DATABASE many_{count}".encode())
            make_tables(server.dsn(f"many_{count}"), count)
        yield [server.credentials(f"many_{count}") for count in counts]


@contextmanager
def mysql(counts: Sequence[int]) -> Made:
    """In MariaDB."""
    with mariadb_server() as server:
        for count in counts:
            make_mariadb_tables(server, f"many_{count}", count)
        # the administrator sees all databases of the server
        yield [server.credentials(f"many_{count}", only=[f"many_{count}"]) for count in counts]


@contextmanager
def sqlite(counts: Sequence[int]) -> Made:
    """In SQLite files; each table has a row."""
    with TemporaryDirectory() as folder:
        made: list[Credentials] = []
        for count in counts:
            path = str(Path(folder, f"many_{count}.db"))
            connection = sqlite3.connect(path, isolation_level=None)
            connection.execute("BEGIN")
            for number in range(count):
                keys = ", PRIMARY KEY (id), FOREIGN KEY (parent_id) REFERENCES table_0 (id)"
                connection.execute(ten_columns(number, keys))
                connection.execute(f"CREATE INDEX i{number} ON table_{number} (label, created)")
                connection.execute(f"INSERT INTO table_{number} (id) VALUES (1)")
            connection.execute("COMMIT")
            connection.close()
            made.append({"type": "sqlite", "path": path})
        yield made


@contextmanager
def duckdb(counts: Sequence[int]) -> Made:
    """In DuckDB files."""
    import duckdb as library

    with TemporaryDirectory() as folder:
        made: list[Credentials] = []
        for count in counts:
            path = str(Path(folder, f"many_{count}.duckdb"))
            with library.connect(path) as connection:
                connection.execute("BEGIN")
                for number in range(count):
                    connection.execute(ten_columns(number))
                    connection.execute(f"CREATE INDEX i{number} ON table_{number} (label, created)")
                connection.execute("COMMIT")
            made.append({"type": "duckdb", "path": path})
        yield made


@contextmanager
def redshift(counts: Sequence[int]) -> Made:
    """In PostgreSQL with Redshift's catalog, behind the proxy."""
    from tests.doubles.redshift_catalog import CATALOG
    from tests.doubles.redshift_proxy import redshift_proxy

    settings = (
        "allow_system_table_mods=on",
        "password_encryption=md5",
        "max_locks_per_transaction=2048",
    )
    with postgres_server(*settings) as server:
        with psycopg.connect(server.dsn(), autocommit=True) as admin:
            admin.execute(f"ALTER USER {server.user} PASSWORD '{server.password}'".encode())
            rules = server.folder / "data" / "pg_hba.conf"
            rules.write_text(rules.read_text().replace("scram-sha-256", "md5"))
            admin.execute("SELECT pg_reload_conf()")
            for count in counts:
                admin.execute(f"CREATE DATABASE many_{count}".encode())
        for count in counts:
            with psycopg.connect(server.dsn(f"many_{count}"), autocommit=True) as connection:
                connection.execute(CATALOG.encode())
            make_tables(server.dsn(f"many_{count}"), count)
        with redshift_proxy(server.port) as proxy:
            changes = {"type": "redshift", "port": proxy.port, "ssl": False}
            yield [server.credentials(f"many_{count}", **changes) for count in counts]


@contextmanager
def sqlserver(counts: Sequence[int]) -> Made:
    """In the catalog of the double of SQL Server."""
    from tests.doubles.sqlserver import sqlserver_double

    with sqlserver_double() as server:
        for count in counts:
            server.database(f"many_{count}")
            for sql in _SYS:
                text = sql.format(span=f"range({count}) AS t(n)")
                server.ask("duckdb", database=f"many_{count}", sql=text)
        yield [server.credentials(f"many_{count}") for count in counts]


# what the double's catalog of `sys` has, without the T-SQL that would fill it table by table
_SYS = (
    """INSERT INTO objects (name, object_id, schema_id, parent_object_id, type, type_desc)
    SELECT 'table_' || n, 1000000 + n, 1, 0, 'U', 'USER_TABLE' FROM {span}""",
    "INSERT INTO tables (object_id) SELECT 1000000 + n FROM {span}",
    """INSERT INTO columns (object_id, name, column_id, system_type_id, user_type_id, max_length, precision, scale,
    is_nullable) SELECT 1000000 + t.n, 'column_' || c.n, c.n, 56, 56, 4, 10, 0, c.n > 1
    FROM {span} CROSS JOIN range(1, 11) AS c(n)""",
    """INSERT INTO indexes (object_id, name, index_id, type, type_desc, is_unique, is_primary_key)
    SELECT 1000000 + n, 'pk_' || n, 1, 1, 'CLUSTERED', true, true FROM {span}""",
    """INSERT INTO index_columns (object_id, index_id, index_column_id, column_id, key_ordinal)
    SELECT 1000000 + n, 1, 1, 1, 1 FROM {span}""",
    "INSERT INTO partitions (object_id, index_id, rows) SELECT 1000000 + n, 1, n FROM {span}",
)


@contextmanager
def databricks(counts: Sequence[int]) -> Made:
    """In the double of Databricks."""
    from tests.doubles.databricks import TOKEN, databricks_double

    made: list[Credentials] = []
    with databricks_double() as server:
        for count in counts:
            name = f"many_{count}"
            server.ask("catalog", name=name)
            for some in _batches(count, 500):
                types = {
                    "text": "string",
                    "float": "double",
                    "moment": "timestamp_ntz",
                    "integer": "int",
                }
                server.run(*(ten_columns(number, **types) for number in some), catalog=name)
            made.append(server.credentials(access_token=TOKEN, catalog=name))
        yield made


@contextmanager
def snowflake(counts: Sequence[int]) -> Made:
    """In the stand-in for Snowflake."""
    from tests.doubles.snowflake_account import snowflake_server

    with snowflake_server() as server:
        for count in counts:
            name = f"MANY_{count}"
            server.run(f"CREATE DATABASE {name}", f"CREATE SCHEMA {name}.APP")
            server.run(
                f"USE DATABASE {name}",
                *(ten_columns(number, place="APP.") for number in range(count)),
                database=name,
            )
        yield [server.credentials(f"MANY_{count}") for count in counts]


@contextmanager
def bigquery(counts: Sequence[int]) -> Made:
    """Rows in BigQuery's shape, without a server."""
    yield [{"type": "recorded-bigquery", "tables": count} for count in counts]


def _batches(count: int, size: int) -> Iterator[range]:
    for first in range(0, count, size):
        yield range(first, min(count, first + size))


MAKERS: dict[str, Callable[[Sequence[int]], Any]] = {
    "postgres": postgres, "mysql": mysql, "sqlite": sqlite, "duckdb": duckdb, "redshift": redshift,
    "sqlserver": sqlserver, "databricks": databricks, "snowflake": snowflake, "bigquery": bigquery,
}  # fmt: skip
