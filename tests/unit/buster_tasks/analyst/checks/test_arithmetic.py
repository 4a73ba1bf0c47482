"""AVERAGE_OF_AVERAGES, INTEGER_DIVISION, NOT_IN_NULLS and UNGROUPED_COLUMN."""

import pytest

from tests.unit.buster_tasks.analyst.checks.shop import codes

AVERAGES = [
    (
        "postgres",
        "SELECT AVG(a) FROM (SELECT status, AVG(amount) AS a FROM orders GROUP BY status) t",
    ),
    (
        "mysql",
        (
            "WITH t AS (SELECT status, AVG(amount) AS a FROM orders GROUP BY status) SELECT "
            "AVG(t.a) FROM t"
        ),
    ),
    (
        "bigquery",
        (
            "SELECT AVG(a) FROM (SELECT status, ROUND(AVG(amount), 2) AS a FROM orders GROUP BY "
            "status)"
        ),
    ),
    (
        "snowflake",
        "SELECT AVG(a) AS x FROM (SELECT status, AVG(amount)::FLOAT AS a FROM orders GROUP BY 1) t",
    ),
    (
        "tsql",
        (
            "SELECT AVG(t.a) FROM (SELECT status, COALESCE(AVG(amount), 0) AS a FROM orders GROUP "
            "BY status) t"
        ),
    ),
]
NO_AVERAGES = [
    ("postgres", "SELECT AVG(amount) FROM orders"),
    (
        "mysql",
        "SELECT AVG(n) FROM (SELECT customer_id, COUNT(*) AS n FROM orders GROUP BY customer_id) t",
    ),
    (
        "bigquery",
        "SELECT MAX(a) FROM (SELECT status, AVG(amount) AS a FROM orders GROUP BY status)",
    ),
    (
        "snowflake",
        "SELECT AVG(s) FROM (SELECT customer_id, SUM(amount) AS s FROM orders GROUP BY 1) t",
    ),
    ("tsql", "SELECT AVG(a), 1 FROM (SELECT amount AS a FROM orders) t"),
]


@pytest.mark.parametrize(("dialect", "sql"), AVERAGES)
def test_an_average_of_averages_is_told(dialect: str, sql: str) -> None:
    assert "AVERAGE_OF_AVERAGES" in codes(sql, dialect)


@pytest.mark.parametrize(("dialect", "sql"), NO_AVERAGES)
def test_other_averages_are_not(dialect: str, sql: str) -> None:
    assert "AVERAGE_OF_AVERAGES" not in codes(sql, dialect)


CUT = [
    ("postgres", "SELECT COUNT(CASE WHEN status = 'paid' THEN 1 END) / COUNT(*) FROM orders"),
    ("sqlite", "SELECT SUM(points) / COUNT(*) FROM orders"),
    ("tsql", "SELECT points / 3 FROM orders"),
    (
        "redshift",
        "SELECT COUNT(*) * 100 / (SELECT 7) , COUNT(*) / COUNT(DISTINCT customer_id) FROM orders",
    ),
    (
        "sqlite",
        (
            "WITH t AS (SELECT COUNT(*) AS n, COUNT(DISTINCT status) AS m FROM orders) SELECT n / "
            "m FROM t"
        ),
    ),
    ("postgres", "SELECT SUM(CASE WHEN status = 'paid' THEN 1 ELSE 0 END) / COUNT(*) FROM orders"),
    ("postgres", "SELECT COUNT(*) / NULLIF(COUNT(DISTINCT status), 0) FROM orders"),
]
NOT_CUT = [
    ("postgres", "SELECT 100.0 * COUNT(*) / COUNT(DISTINCT status) FROM orders"),
    ("mysql", "SELECT SUM(points) / COUNT(*) FROM orders"),
    ("bigquery", "SELECT COUNT(*) / COUNT(DISTINCT status) FROM orders"),
    ("snowflake", "SELECT points / 3 FROM orders"),
    ("duckdb", "SELECT points / 3 FROM orders"),
    ("sqlite", "SELECT CAST(SUM(points) AS REAL) / COUNT(*) FROM orders"),
    ("postgres", "SELECT SUM(amount) / COUNT(*) FROM orders"),
    ("postgres", "SELECT points / 10 * 10 FROM orders"),
    ("postgres", "SELECT SUM(points) / COUNT(*) FROM orders"),  # a sum of bigint is numeric there
    ("tsql", "SELECT FLOOR(points / 10) FROM orders"),
    ("sqlite", "SELECT points / elsewhere FROM unknown"),
]


@pytest.mark.parametrize(("dialect", "sql"), CUT)
def test_a_division_that_is_cut_is_told(dialect: str, sql: str) -> None:
    assert "INTEGER_DIVISION" in codes(sql, dialect)


@pytest.mark.parametrize(("dialect", "sql"), NOT_CUT)
def test_other_divisions_are_not(dialect: str, sql: str) -> None:
    assert "INTEGER_DIVISION" not in codes(sql, dialect)


NULLS = [
    ("postgres", "SELECT id FROM customers WHERE id NOT IN (SELECT customer_id FROM orders)"),
    ("mysql", "SELECT id FROM customers c WHERE c.id NOT IN (SELECT o.customer_id FROM orders o)"),
    (
        "sqlite",
        "SELECT id FROM customers WHERE NOT id IN (SELECT DISTINCT customer_id FROM orders)",
    ),
    (
        "tsql",
        (
            "SELECT id FROM customers WHERE id NOT IN (SELECT customer_id FROM orders WHERE amount "
            "> 5)"
        ),
    ),
    (
        "bigquery",
        "SELECT COUNT(*) FROM customers WHERE id NOT IN (SELECT customer_id AS c FROM orders)",
    ),
]
NULLS.append(
    ("snowflake", "SELECT id FROM customers WHERE id NOT IN (SELECT customer_id FROM orders)")
)
NO_NULLS = [
    (
        "postgres",
        (
            "SELECT id FROM customers WHERE id NOT IN (SELECT customer_id FROM orders WHERE "
            "customer_id IS NOT NULL)"
        ),
    ),
    ("mysql", "SELECT id FROM orders WHERE id NOT IN (SELECT order_id FROM lines)"),
    ("sqlite", "SELECT id FROM customers WHERE id IN (SELECT customer_id FROM orders)"),
    ("tsql", "SELECT id FROM customers WHERE id NOT IN (1, 2)"),
    (
        "bigquery",
        (
            "SELECT id FROM customers c WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE "
            "o.customer_id = c.id)"
        ),
    ),
    ("duckdb", "SELECT id FROM customers WHERE id NOT IN (SELECT x FROM unknown)"),
    (
        "postgres",
        (
            "SELECT id FROM customers WHERE id NOT IN (SELECT customer_id FROM orders WHERE "
            "customer_id > 5)"
        ),
    ),
]


@pytest.mark.parametrize(("dialect", "sql"), NULLS)
def test_not_in_over_nulls_is_told(dialect: str, sql: str) -> None:
    assert "NOT_IN_NULLS" in codes(sql, dialect)


@pytest.mark.parametrize(("dialect", "sql"), NO_NULLS)
def test_not_in_without_nulls_is_not(dialect: str, sql: str) -> None:
    assert "NOT_IN_NULLS" not in codes(sql, dialect)


ANY_ROW = [
    ("mysql", "SELECT status, amount, COUNT(*) FROM orders GROUP BY status"),
    ("sqlite", "SELECT name, COUNT(*) FROM customers"),
    ("mysql", "SELECT c.name, c.country, COUNT(*) FROM customers c GROUP BY c.country"),
    ("sqlite", "SELECT o.amount * 2 AS x, COUNT(*) FROM orders o GROUP BY o.status"),
    (
        "mysql",
        (
            "SELECT c.name, o.status, COUNT(*) FROM customers c JOIN orders o ON o.customer_id = "
            "c.id GROUP BY o.status"
        ),
    ),
]
ONE_ROW = [
    ("mysql", "SELECT status, COUNT(*) FROM orders GROUP BY status"),
    ("sqlite", "SELECT c.id, c.name, COUNT(*) FROM customers c GROUP BY c.id"),
    ("sqlite", "SELECT name, MAX(id) FROM customers"),  # SQLite takes the row of the maximum
    ("mysql", "SELECT YEAR(placed_at) AS y, COUNT(*) FROM orders GROUP BY y"),
    ("mysql", "SELECT YEAR(placed_at), COUNT(*) FROM orders GROUP BY 1"),
    (
        "sqlite",
        "SELECT strftime('%Y', placed_at), COUNT(*) FROM orders GROUP BY strftime('%Y', placed_at)",
    ),
    (
        "mysql",
        (
            "SELECT c.name, COUNT(*) FROM customers c JOIN orders o ON o.customer_id = c.id GROUP "
            "BY o.customer_id"
        ),
    ),
    ("postgres", "SELECT name, COUNT(*) FROM customers"),  # refused there anyway
    ("mysql", "SELECT status, (SELECT MAX(id) FROM lines), COUNT(*) FROM orders GROUP BY status"),
]


@pytest.mark.parametrize(("dialect", "sql"), ANY_ROW)
def test_a_column_of_any_row_is_told(dialect: str, sql: str) -> None:
    assert "UNGROUPED_COLUMN" in codes(sql, dialect)


@pytest.mark.parametrize(("dialect", "sql"), ONE_ROW)
def test_a_column_of_the_group_is_not(dialect: str, sql: str) -> None:
    assert "UNGROUPED_COLUMN" not in codes(sql, dialect)
