"""What the text of a statement tells, and the statement that looks for a value, in each dialect."""

from datetime import UTC, datetime

import pytest

from buster_tasks.analyst.known_tables import KnownTables
from buster_tasks.analyst.statements import containing, near_columns, orders_its_rows, sqlglot_name
from buster_tasks.sources.schema import Column, Introspection, Table
from buster_tasks.sql_guard import Allowed, check

KINDS = [
    "sqlite", "duckdb", "postgres", "redshift", "mysql", "sqlserver", "snowflake", "bigquery", "databricks",
]  # fmt: skip
QUOTES = {"mysql": "``", "sqlserver": "[]", "bigquery": "``", "databricks": "``"}
HOSTILE = [
    "ada", "O'Brien", "100%", "a_b", "\\", "' OR 1=1 --", "'; DROP TABLE t; --", "é", "/* x", "\\' OR 1=1", "x" * 500,
]  # fmt: skip

TABLES = KnownTables(
    Introspection(
        data_source_name="shop",
        data_source_type="sqlite",
        introspected_at=datetime(2024, 1, 1, tzinfo=UTC),
        tables=[Table(name="Orders", database="d", schema="s")],
        columns=[
            Column(
                name=name, table="Orders", position=at, data_type="text", database="d", schema="s"
            )
            for at, name in enumerate(["id", "Customer_Id", "total", "ordered_on"], 1)
        ],
    )
)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("kind", KINDS)
def test_a_look_for_a_value_passes_the_guard_as_one_statement_of_one_table(
    kind: str, text: str
) -> None:
    begin, end = QUOTES.get(kind, '""')
    relation, column = f"{begin}s{end}.{begin}t{end}", f"{begin}the name{end}"
    sql = containing(relation, column, text, kind, most=20)
    verdict = check(sql, kind, relations=[("", "s", "t")])
    assert isinstance(verdict, Allowed), (sql, verdict)
    assert "20" in sql
    assert "the name" in sql


@pytest.mark.parametrize("kind", KINDS)
def test_the_outermost_order_is_seen(kind: str) -> None:
    assert orders_its_rows("SELECT a FROM t ORDER BY a", kind)
    assert not orders_its_rows("SELECT a FROM (SELECT a FROM t ORDER BY a) AS x", kind)
    assert not orders_its_rows("SELECT ROW_NUMBER() OVER (ORDER BY a) AS n FROM t", kind)
    assert not orders_its_rows("this is ) no SQL (", kind)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT totl FROM Orders", "'totl' is no column there; near it are total."),
        ("SELECT o.customerid FROM orders AS o", "near it are Customer_Id"),
        ("SELECT zzz FROM orders", "'zzz' is no column of orders."),
        ("SELECT total AS t FROM orders ORDER BY t", ""),
        ("WITH x AS (SELECT total AS t FROM orders) SELECT x.t FROM x", ""),
        ("SELECT ) FROM", ""),
        ("", ""),
        ("(" * 5_000, ""),
    ],
    ids=range(8),
)
def test_columns_that_no_table_has_are_told_with_the_nearest(sql: str, said: str) -> None:
    told = near_columns(sql, "sqlite", TABLES)
    assert told == said if not said else said in told


def test_at_most_three_are_told() -> None:
    told = near_columns("SELECT aaa, bbb, ccc, ddd, eee FROM orders", "sqlite", TABLES)
    assert told.count("is no column of") == 3


def test_kinds_are_spelt_as_the_parser_has_them() -> None:
    assert [sqlglot_name(kind) for kind in ("sqlserver", "postgresql", "mariadb", "duckdb")] == [
        "tsql",
        "postgres",
        "mysql",
        "duckdb",
    ]
