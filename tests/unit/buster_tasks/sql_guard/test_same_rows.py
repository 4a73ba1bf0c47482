"""What is written anew gives the same rows as what was asked, on real databases."""

import sqlite3

import duckdb
import pytest

from buster_tasks.sql_guard import Allowed, check
from tests.doubles.analysis_data import queries, script


def in_order(sql: str, rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """The rows as they came where an order was asked for, otherwise sorted."""
    return rows if "ORDER BY" in sql else sorted(rows, key=repr)


@pytest.mark.parametrize("sql", queries("sqlite"))
def test_sqlite(sql: str) -> None:
    connection = sqlite3.connect(":memory:")
    try:
        connection.executescript(";".join(script()))
        rows = connection.execute(sql).fetchall()
        allowed = check(sql, "sqlite")
        assert isinstance(allowed, Allowed), allowed
        assert in_order(sql, connection.execute(allowed.sql).fetchall()) == in_order(sql, rows)
    finally:
        connection.close()


@pytest.mark.parametrize("sql", queries("duckdb"))
def test_duckdb(sql: str) -> None:
    with duckdb.connect() as connection:
        for statement in script():
            connection.execute(statement)
        rows = connection.execute(sql).fetchall()
        allowed = check(sql, "duckdb")
        assert isinstance(allowed, Allowed), allowed
        assert in_order(sql, connection.execute(allowed.sql).fetchall()) == in_order(sql, rows)
