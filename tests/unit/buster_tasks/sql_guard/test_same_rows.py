"""What is written anew gives the same rows as what was asked, on real databases."""

import sqlite3

import duckdb
import pytest

from buster_tasks.sql_guard import Allowed, check
from tests.doubles.analysis_data import queries, script


@pytest.mark.parametrize("sql", queries("sqlite"))
def test_sqlite(sql: str) -> None:
    connection = sqlite3.connect(":memory:")
    connection.executescript(";".join(script()))
    try:
        asked = connection.execute(sql)
        columns, rows = [one[0] for one in asked.description], asked.fetchall()
        allowed = check(sql, "sqlite")
        assert isinstance(allowed, Allowed), allowed
        written = connection.execute(allowed.sql)
        assert written.fetchall() == rows
        assert len(written.description) == len(columns)
        assert rows or " EXCEPT " in sql
    finally:
        connection.close()


@pytest.mark.parametrize("sql", queries("duckdb"))
def test_duckdb(sql: str) -> None:
    connection = duckdb.connect()
    for statement in script():
        connection.execute(statement)
    rows = connection.execute(sql).fetchall()
    allowed = check(sql, "duckdb")
    assert isinstance(allowed, Allowed), allowed
    written = connection.execute(allowed.sql).fetchall()
    ordered = "ORDER BY" in sql
    assert (written if ordered else sorted(written, key=repr)) == (rows if ordered else sorted(rows, key=repr))
    connection.close()
