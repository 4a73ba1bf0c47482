"""DATE_RANGE."""

import pytest

from tests.unit.buster_tasks.analyst.checks.shop import codes

CUT = [
    (
        "postgres",
        "SELECT COUNT(*) FROM orders WHERE placed_at BETWEEN '2024-01-01' AND '2024-03-31'",
    ),
    ("mysql", "SELECT COUNT(*) FROM orders o WHERE o.placed_at <= '2024-03-31'"),
    (
        "snowflake",
        (
            "SELECT COUNT(*) FROM orders WHERE placed_at BETWEEN '2024-01-01'::DATE AND "
            "'2024-03-31'::DATE"
        ),
    ),
    (
        "bigquery",
        (
            "SELECT COUNT(*) FROM orders WHERE placed_at BETWEEN DATE '2024-01-01' AND DATE "
            "'2024-12-31'"
        ),
    ),
    (
        "tsql",
        (
            "SELECT COUNT(*) FROM orders WHERE placed_at >= '2024-01-01' AND placed_at <= "
            "CAST('2024-03-31' AS DATE)"
        ),
    ),
]
WHOLE = [
    (
        "postgres",
        "SELECT COUNT(*) FROM orders WHERE placed_at >= '2024-01-01' AND placed_at < '2024-04-01'",
    ),
    (
        "mysql",
        (
            "SELECT COUNT(*) FROM orders WHERE placed_at BETWEEN '2024-01-01' AND '2024-03-31 "
            "23:59:59'"
        ),
    ),
    ("snowflake", "SELECT COUNT(*) FROM orders WHERE due BETWEEN '2024-01-01' AND '2024-03-31'"),
    (
        "bigquery",
        "SELECT COUNT(*) FROM orders WHERE DATE(placed_at) BETWEEN '2024-01-01' AND '2024-03-31'",
    ),
    ("tsql", "SELECT COUNT(*) FROM orders WHERE CAST(placed_at AS DATE) <= '2024-03-31'"),
    ("sqlite", "SELECT COUNT(*) FROM unknown WHERE placed_at <= '2024-03-31'"),
    ("duckdb", "SELECT COUNT(*) FROM orders WHERE placed_at <= '2024-04-01'"),
]


@pytest.mark.parametrize(("dialect", "sql"), CUT)
def test_a_last_day_that_is_cut_is_told(dialect: str, sql: str) -> None:
    assert "DATE_RANGE" in codes(sql, dialect)


@pytest.mark.parametrize(("dialect", "sql"), WHOLE)
def test_a_last_day_that_is_whole_is_not(dialect: str, sql: str) -> None:
    assert "DATE_RANGE" not in codes(sql, dialect)
