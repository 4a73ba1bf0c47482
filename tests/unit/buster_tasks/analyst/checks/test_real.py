"""Checks over statements that SQLite runs, with the facts of its own catalog."""

import sqlite3
from pathlib import Path

import pytest

from buster_tasks import introspect
from buster_tasks.analyst.checks import Facts, check_statement, facts_of
from buster_tasks.sources.base import QueryColumn, QueryResult

SCHEMA = """
CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT NOT NULL, country TEXT);
CREATE TABLE invoice (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customer(id), total NUMERIC);
CREATE TABLE line (
  invoice_id INTEGER REFERENCES invoice(id), number INTEGER, price NUMERIC, PRIMARY KEY (invoice_id, number)
);
INSERT INTO customer VALUES (1, 'Ada', 'Norway'), (2, 'Ben', 'Chile'), (3, 'Cleo', 'Norway');
INSERT INTO invoice VALUES (1, 1, 30), (2, 1, 20), (3, 2, 5), (4, NULL, 1);
INSERT INTO line VALUES (1, 1, 10), (1, 2, 20), (2, 1, 20), (3, 1, 5);
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Facts]:
    path = tmp_path_factory.mktemp("shop") / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(SCHEMA)
    connection.close()
    return path, facts_of(introspect.sync(f"sqlite:///{path}", statistics="full"))


def codes(shop: tuple[Path, Facts], sql: str) -> list[str]:
    path, facts = shop
    connection = sqlite3.connect(path)
    try:
        cursor = connection.execute(sql)
        columns = tuple(QueryColumn(one[0]) for one in cursor.description)
        result = QueryResult(columns, cursor.fetchall(), truncated=False)
    finally:
        connection.close()
    return [check.code for check in check_statement(sql, "sqlite", result, facts)]


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        (
            (
                "SELECT country, SUM(total) FROM customer c JOIN invoice i ON i.customer_id = c.id "
                "GROUP BY country"
            ),
            [],
        ),
        ("SELECT SUM(total) FROM invoice i JOIN line l ON l.invoice_id = i.id", ["FAN_OUT"]),
        ("SELECT COUNT(*) FROM customer, invoice", ["MISSING_JOIN_CONDITION"]),
        (
            "SELECT name FROM customer WHERE country = 'Norwy'",
            ["EMPTY_EVIDENCE", "UNKNOWN_LITERAL"],
        ),
        (
            "SELECT name FROM customer WHERE id NOT IN (SELECT customer_id FROM invoice)",
            ["EMPTY_EVIDENCE", "NOT_IN_NULLS"],
        ),
        ("SELECT SUM(total) FROM invoice WHERE id > 9", ["ALL_NULL"]),
        ("SELECT COUNT(customer_id) / COUNT(*) FROM invoice", ["INTEGER_DIVISION"]),
        (
            "SELECT country, COUNT(*) AS n FROM customer GROUP BY country ORDER BY n DESC LIMIT 1",
            [],
        ),
        ("SELECT name FROM customer ORDER BY country LIMIT 2", []),
    ],
)
def test_of_a_real_catalog(shop: tuple[Path, Facts], sql: str, told: list[str]) -> None:
    assert codes(shop, sql) == told
