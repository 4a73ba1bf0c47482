"""Facts of an introspection."""

import pytest
from hypothesis import given, strategies as st

from buster_tasks.analyst.checks import Facts, check_statement, facts_of
from buster_tasks.sources.schema import Index, IndexPart, PrimaryKey, UniqueKey
from tests.unit.buster_tasks.analyst.checks.shop import NONE, SHOP, SOME, codes
from tests.unit.buster_tasks.catalog.introspections import column, foreign_key, found, table


def index(name: str, *columns: str, predicate: str | None = None, **part: int) -> Index:
    return Index(
        name=name,
        table="orders",
        schema="main",
        database="shop",
        columns=list(columns),
        parts=[IndexPart(column=one, **part) for one in columns],
        is_unique=True,
        is_primary_key=False,
        predicate=predicate,
    )


def known() -> Facts:
    place = {"table": "orders", "schema": "main", "database": "shop"}
    return facts_of(
        found(
            tables=[table("orders"), table("customers")],
            columns=[
                column("orders", "ID", normalized_type="integer", is_primary_key=True, is_nullable=True),
                column("orders", "customer_id", is_nullable=True),
                column(
                    "orders", "status", normalized_type="text", statistics_kind="exact", distinct_count=2,
                    sample_values=["open", "paid"],
                ),
                column("orders", "note", statistics_kind="exact", distinct_count=9, sample_values=["a", "b"]),
                column("orders", "guess", statistics_kind="estimate", distinct_count=2, sample_values=["a", "b"]),
                column("orders", "day", normalized_type="timestamp", min_value="2024-01-01 00:00:00"),
                column("orders", "moment", normalized_type="timestamp", max_value="2024-01-01T10:30:00"),
                column("customers", "id"),
            ],
            primary_keys=[PrimaryKey(columns=["ID"], **place)],
            unique_keys=[UniqueKey(columns=["customer_id", "status"], **place)],
            indexes=[
                index("u", "note"),
                index("partial", "guess", predicate="guess > 1"),
                index("prefix", "status", prefix_length=3),
            ],
            foreign_keys=[foreign_key("orders", "customer_id", "customers")],
        )
    )  # fmt: skip


def test_columns_keys_and_references() -> None:
    orders = known().table("Orders")
    assert orders is not None
    assert orders.keys == (
        frozenset({"id"}),
        frozenset({"customer_id", "status"}),
        frozenset({"note"}),
    )
    assert orders.is_unique(["id", "status"])
    assert not orders.is_unique(["status"])
    [reference] = orders.references
    assert (reference.columns, reference.table, reference.referenced) == (
        ("customer_id",),
        "customers",
        ("id",),
    )
    columns = orders.columns
    assert columns["id"].is_nullable is False
    assert columns["status"].values == {"open", "paid"}
    assert columns["note"].values is None
    assert columns["guess"].values is None
    assert (columns["day"].has_times, columns["moment"].has_times, columns["note"].has_times) == (
        False,
        True,
        False,
    )


def test_a_name_of_two_schemas_is_told_by_the_schema_alone() -> None:
    both = facts_of(found(columns=[column("t", "a"), column("t", "b", schema="other")]))
    assert both.table("t") is None
    of_other = both.table("t", "OTHER")
    assert of_other is not None
    assert "b" in of_other.columns
    assert both.table("missing") is None


def test_checks_go_by_the_catalog() -> None:
    facts = known()
    sql = "SELECT note FROM orders WHERE status = 'sent'"
    assert {one.code for one in check_statement(sql, "sqlite", NONE, facts)} == {
        "UNKNOWN_LITERAL",
        "EMPTY_EVIDENCE",
    }
    assert check_statement(sql, "sqlite", SOME, Facts()) == []


def test_kinds_of_sources_are_dialects() -> None:
    sql = "SELECT points / 3 FROM orders"
    assert codes(sql, "postgresql") == codes(sql, "sqlserver") == ["INTEGER_DIVISION"]


ODD = [
    "",
    ";",
    "SELECT",
    "SELECT 1; SELECT 2",
    "DROP TABLE t",
    "(" * 5_000,
    "SELECT " + "a," * 60_000,
    "\0",
    "WITH a AS (SELECT 1) SELECT * FROM a, a",
    "SELECT * FROM a UNION SELECT * FROM b ORDER BY 1 LIMIT 3",
    "SELECT * FROM t PIVOT (SUM(x) FOR y IN ('a'))",
    "VALUES (1)",
    "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT * FROM r LIMIT 2",
]


@pytest.mark.parametrize("sql", ODD, ids=range(len(ODD)))
def test_odd_statements_raise_nothing(sql: str) -> None:
    for dialect in ("postgres", "tsql", "sqlite", "no such dialect"):
        check_statement(sql, dialect, SOME, SHOP)


WORDS = """
SELECT FROM WHERE GROUP BY ORDER LIMIT JOIN LEFT ON USING ( ) , . * = < BETWEEN AND NOT IN orders o customers c lines
id amount customer_id COUNT SUM AVG AS 1 2.5 'paid' / NULL CASE WHEN THEN END UNION WITH x DISTINCT OVER
"""
TOKENS = WORDS.split()


@given(
    st.lists(st.sampled_from(TOKENS), max_size=25),
    st.sampled_from(["postgres", "mysql", "tsql", "bigquery"]),
)
def test_no_heap_of_words_raises(tokens: list[str], dialect: str) -> None:
    check_statement(" ".join(["SELECT", *tokens]), dialect, SOME, SHOP, question="for each")
