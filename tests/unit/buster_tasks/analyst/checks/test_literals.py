"""UNKNOWN_LITERAL."""

import pytest

from buster_tasks.analyst.checks import check_statement
from tests.unit.buster_tasks.analyst.checks.shop import NONE, SHOP, SOME, checks, codes

UNKNOWN = [
    ("postgres", "SELECT * FROM customers WHERE country = 'Frnce'"),
    ("sqlite", "SELECT * FROM customers c WHERE c.country = 'france'"),
    ("mysql", "SELECT * FROM orders WHERE status IN ('done', 'paid')"),
    (
        "bigquery",
        (
            "SELECT COUNT(*) FROM orders AS o JOIN customers AS c ON c.id = o.customer_id WHERE "
            "'Spain' = c.country"
        ),
    ),
    ("snowflake", "SELECT * FROM customers WHERE LOWER(country) = 'spain'"),
    (
        "duckdb",
        "WITH f AS (SELECT * FROM customers WHERE country = 'Norway') SELECT COUNT(*) FROM f",
    ),
    ("tsql", "SELECT SUM(CASE WHEN status = 'closed' THEN 1 ELSE 0 END) FROM orders"),
]
KNOWN = [
    ("postgres", "SELECT * FROM customers WHERE country = 'France'"),
    ("mysql", "SELECT * FROM customers WHERE country = 'france'"),
    ("tsql", "SELECT * FROM customers WHERE country = 'FRANCE '"),
    ("sqlite", "SELECT * FROM customers WHERE LOWER(country) = 'france'"),
    ("bigquery", "SELECT * FROM orders WHERE status IN ('open', 'paid')"),
    ("duckdb", "SELECT * FROM customers WHERE name = 'Nobody'"),  # not all names are known
    ("snowflake", "SELECT * FROM customers WHERE country LIKE 'Spa%'"),
    ("redshift", "SELECT * FROM elsewhere WHERE country = 'Spain'"),
    ("postgres", "SELECT * FROM orders WHERE status <> 'closed'"),
    ("postgres", "SELECT country FROM orders o WHERE o.country = 'Spain'"),
]


@pytest.mark.parametrize(("dialect", "sql"), UNKNOWN)
def test_a_text_that_the_column_does_not_have_is_told(dialect: str, sql: str) -> None:
    assert "UNKNOWN_LITERAL" in codes(sql, dialect)


@pytest.mark.parametrize(("dialect", "sql"), KNOWN)
def test_one_that_it_has_or_that_nobody_knows_is_not(dialect: str, sql: str) -> None:
    assert "UNKNOWN_LITERAL" not in codes(sql, dialect)


def test_near_names_are_told() -> None:
    [check] = checks("SELECT name, id FROM customers WHERE country = 'new zeeland'")
    assert "Near are 'New Zealand'" in check.message


def test_it_is_an_error_where_nothing_came_of_it() -> None:
    sql = "SELECT name FROM customers WHERE country = 'Spain'"
    assert [check.severity for check in checks(sql, result=SOME)] == ["warning"]
    assert {check.code: check.severity for check in checks(sql, result=NONE)} == {
        "UNKNOWN_LITERAL": "error",
        "EMPTY_EVIDENCE": "warning",
    }


def test_what_a_question_to_the_source_told_is_known() -> None:
    facts = SHOP.with_values("Customers", "NAME", ["Ada", "Ben"])
    sql = "SELECT id FROM customers WHERE name = 'Bem'"
    [check] = check_statement(sql, "postgres", SOME, facts)
    assert "'Ben'" in check.message
    assert check_statement(sql.replace("Bem", "Ben"), "postgres", SOME, facts) == []
    assert SHOP.with_values("nowhere", "name", ["a"]).table("nowhere") is None
