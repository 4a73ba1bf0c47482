"""NON_REPRODUCIBLE."""

import pytest

from buster_tasks.sources.base import QueryColumn, QueryResult
from tests.unit.buster_tasks.analyst.checks.shop import SOME, checks

CHANGES = [
    ("postgres", "SELECT random() AS a, 1 AS b", "warning"),
    ("mysql", "SELECT name, RAND() FROM customers", "warning"),
    ("tsql", "SELECT TOP 2 name, NEWID() FROM customers ORDER BY name", "warning"),
    ("bigquery", "SELECT GENERATE_UUID(), 1", "warning"),
    ("snowflake", "SELECT name, id FROM customers SAMPLE (10)", "warning"),
    ("duckdb", "SELECT name, id FROM customers USING SAMPLE 10", "warning"),
    ("postgres", "SELECT name, id FROM customers TABLESAMPLE SYSTEM (10)", "warning"),
    ("sqlite", "SELECT name, id FROM customers LIMIT 2", "warning"),
    ("tsql", "SELECT TOP 2 name, id FROM customers", "warning"),
    ("postgres", "SELECT name, id FROM customers FETCH FIRST 2 ROWS ONLY", "warning"),
    ("postgres", "SELECT COUNT(*), 1 FROM (SELECT id FROM orders LIMIT 100) o", "warning"),
    ("postgres", "SELECT name, id FROM customers WHERE created > now()", "info"),
    ("mysql", "SELECT name, id FROM customers WHERE created > CURDATE()", "info"),
    ("sqlite", "SELECT name, id FROM customers WHERE created > date('now', '-7 days')", "info"),
    ("tsql", "SELECT name, id FROM customers WHERE created > GETDATE()", "info"),
    ("snowflake", "SELECT name, id FROM customers WHERE created > CURRENT_DATE", "info"),
    ("bigquery", "SELECT name, id FROM customers WHERE created > CURRENT_TIMESTAMP()", "info"),
]
STAYS = [
    ("postgres", "SELECT name, id FROM customers"),
    ("mysql", "SELECT name, id FROM customers ORDER BY id LIMIT 2"),
    ("sqlite", "SELECT name, id FROM customers LIMIT 100"),  # two rows came: none was left out
    ("tsql", "SELECT TOP 2 name, id FROM customers ORDER BY id DESC"),
    ("bigquery", "SELECT COUNT(*), 1 FROM orders LIMIT 2"),
    ("duckdb", "SELECT o.id, 1 FROM (SELECT id FROM orders ORDER BY id LIMIT 100) o"),
    ("postgres", "SELECT name, id FROM customers WHERE name = 'now'"),
    ("snowflake", "SELECT name, id FROM customers WHERE created > DATE '2024-03-01'"),
]


@pytest.mark.parametrize(("dialect", "sql", "severity"), CHANGES)
def test_what_may_be_other_at_the_next_run_is_told(dialect: str, sql: str, severity: str) -> None:
    found = [check.severity for check in checks(sql, dialect) if check.code == "NON_REPRODUCIBLE"]
    assert severity in found


@pytest.mark.parametrize(("dialect", "sql"), STAYS)
def test_what_stays_is_not(dialect: str, sql: str) -> None:
    assert [
        check.message for check in checks(sql, dialect) if check.code == "NON_REPRODUCIBLE"
    ] == []


@pytest.mark.parametrize(
    ("order", "rows", "told"),
    [
        ("b DESC", [("x", 5), ("y", 5)], True),
        ("2 DESC", [("x", 5), ("y", 5)], True),
        ("COUNT(*) DESC", [("x", 5), ("y", 5)], True),
        ("b DESC, a", [("x", 5), ("x", 5)], True),
        ("b DESC", [("x", 5), ("y", 4)], False),
        ("b DESC, a", [("x", 5), ("y", 5)], False),
        ("elsewhere", [("x", 5), ("y", 5)], False),
        ("b DESC", [("x", 5)], False),
    ],
)
def test_equal_rows_at_the_limit(order: str, rows: list[tuple[object, ...]], told: bool) -> None:
    sql = f"SELECT status AS a, COUNT(*) AS b FROM orders GROUP BY status ORDER BY {order} LIMIT {len(rows)}"
    result = QueryResult(SOME.columns, rows, truncated=False)
    assert bool(checks(sql, result=result)) is told


def test_one_row_has_no_row_beside_it() -> None:
    one = QueryResult((QueryColumn("a"),), [("x",)], truncated=False)
    assert [check.code for check in checks("SELECT a FROM t LIMIT 1", result=one)] == [
        "NON_REPRODUCIBLE"
    ]
    assert checks("SELECT MAX(a) FROM t LIMIT 1", result=one) == []
