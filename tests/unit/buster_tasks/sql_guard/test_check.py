"""The door: dialects, texts of all kinds, limits, relations, functions of one's own."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from buster_tasks.sources import KINDS
from buster_tasks.sql_guard import (
    Allowed,
    Code,
    Refused,
    RelationName,
    UnknownDialectError,
    check,
)
from buster_tasks.sql_guard.limits import MOST_CHARACTERS, MOST_LEVELS
from taskkit.errors import MissingExtraError, TaskkitError


def code_of(sql: object, name: str = "postgres", **options: object) -> Code | None:
    verdict = check(sql, name, **options)  # type: ignore[arg-type]  # options of all kinds
    return verdict.code if isinstance(verdict, Refused) else None


def test_what_runs_is_written_anew() -> None:
    assert check("select  1 -- one", "postgres") == Allowed("SELECT 1")


def test_a_refusal_says_why_and_what_to_do() -> None:
    assert check("DELETE FROM orders", "sqlite") == Refused(
        code=Code.NOT_A_READ,
        reason="The source is only read, and the statement begins with 'DELETE'.",
        fix="Begin with one of: SELECT, VALUES, WITH.",
    )


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_kinds_of_sources_are_dialects(kind: str) -> None:
    assert isinstance(check("SELECT 1", kind), Allowed)


@pytest.mark.parametrize("name", ["postgresql", "mariadb", "sqlserver", "TSQL", "DuckDB"])
def test_other_spellings_of_dialects(name: str) -> None:
    assert isinstance(check("SELECT 1", name), Allowed)


@pytest.mark.parametrize("name", ["oracle", "", "postgres ", None, 3])
def test_a_dialect_that_is_none_names_those_that_are(name: str) -> None:
    with pytest.raises(UnknownDialectError, match=r"postgres.*sqlserver") as raised:
        check("SELECT 1", name)
    assert isinstance(raised.value, TaskkitError)
    assert isinstance(raised.value, ValueError)


class Unprintable:
    def __repr__(self) -> str:
        raise RecursionError


@pytest.mark.parametrize(
    "sql",
    [None, b"SELECT 1", 1, ["SELECT 1"], Unprintable(), "SELECT 1\0", "SELECT '\ud800'", "\x1bSELECT 1"],
    ids=["None", "bytes", "int", "list", "unprintable", "NUL", "surrogate", "escape"],
)  # fmt: skip
def test_what_is_no_text(sql: object, dialect: str) -> None:
    assert code_of(sql, dialect) == Code.NOT_TEXT


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("", Code.EMPTY),
        (" \n\t", Code.EMPTY),
        (";;", Code.EMPTY),
        ("-- nothing", Code.EMPTY),
        ("/* nothing */", Code.EMPTY),
        ("(", Code.EMPTY),
        ("SELECT 'a", Code.NOT_PARSED),
        ("SELECT 1 /*", Code.NOT_PARSED),
        ("SELECT 1 FROM", Code.NOT_PARSED),
        ("\ufeffSELECT 1", Code.NOT_A_READ),
        ("SELECT 1; SELECT 2", Code.SEVERAL_STATEMENTS),
        ("SELECT 1;", None),
        ("; SELECT 1;;", None),
    ],
)
def test_what_is_no_statement(sql: str, code: Code | None) -> None:
    assert code_of(sql) == code


HUGE = {
    "10 MB": "SELECT '" + "x" * 10_000_000 + "'",
    "parentheses": "SELECT " + "(" * 100_000 + "1" + ")" * 100_000,
    "open": "(" * 30_000,
    "words": "SELECT " + "a, " * 30_000 + "a",
    "values": "SELECT 1 WHERE 1 IN (" + "1, " * 15_000 + "1)",
    "not": "SELECT " + "NOT " * 4_000 + "a",
    "minus": "SELECT " + "- " * 4_000 + "1",
    "and": "SELECT 1 WHERE " + "a AND " * 3_000 + "a",
    "plus": "SELECT " + "1 + " * 9_000 + "1",
    "union": "SELECT 1 " + "UNION ALL SELECT 1 " * 1_000,
    "queries": "SELECT * FROM " + "(SELECT * FROM " * 600 + "t" + ") x" * 600,
    "cases": "SELECT " + "CASE WHEN a THEN " * 600 + "1" + " END" * 600,
    "casts": "SELECT 1" + "::int" * 2_000,
    "indexes": "SELECT a" + "[1]" * 5_000,
    "names": "SELECT a" + ".b" * 5_000,
    "arrows": "SELECT a" + " -> 'b'" * 1_500,
    "joins": "SELECT 1 FROM a" + " JOIN b ON 1 = 1" * 800,
    "withs": "WITH " + "a AS (WITH " * 300 + "b AS (SELECT 1) SELECT 1" + ") SELECT 1" * 300,
    "quotes": "SELECT " + "'" * 80_001,
    "comments": "SELECT 1 " + "/*" * 40_000,
}


@pytest.mark.parametrize("shape", list(HUGE))
def test_whatever_is_huge_has_a_verdict(shape: str, dialect: str) -> None:
    verdict = check(HUGE[shape], dialect)
    assert isinstance(verdict, Allowed | Refused)
    if shape in ("10 MB", "parentheses", "words", "queries", "not"):
        assert isinstance(verdict, Refused)
        assert verdict.code in {Code.TOO_LONG, Code.TOO_DEEP}


AMBIGUOUS = [
    "ARRAY[",
    "ARRAY[(",
    "INT[",
    "DATE(",
    "VARCHAR(",
    "TIMESTAMP(",
    "ENUM(",
    "JSON(",
    "STRUCT(",
]


@pytest.mark.parametrize("opening", AMBIGUOUS)
def test_what_can_be_read_in_many_ways_is_given_up(opening: str, dialect: str) -> None:
    """Each level doubles the ways to read it: without a limit these 20 levels take the parser minutes."""
    closing = "".join({"[": "]", "(": ")"}.get(sign, "") for sign in reversed(opening))
    levels = MOST_LEVELS // sum(opening.count(sign) for sign in "[(") - 1
    verdict = check("SELECT " + opening * levels + "1" + closing * levels, dialect)
    assert isinstance(verdict, Allowed | Refused)


def test_ways_to_read_are_counted() -> None:
    assert code_of("SELECT " + "ARRAY[" * 20 + "1" + "]" * 20) == Code.TOO_DEEP


def test_the_limits_are_met_exactly() -> None:
    text = "SELECT '{}'"
    fits = text.format("x" * (MOST_CHARACTERS - len(text) + 2))
    assert isinstance(check(fits, "postgres"), Allowed)
    assert code_of(fits + " ") == Code.TOO_LONG
    assert isinstance(check("SELECT " + "(" * 24 + "1" + ")" * 24, "postgres"), Allowed)
    assert code_of("SELECT " + "(" * 25 + "1" + ")" * 25) == Code.TOO_DEEP


def deep(levels: int) -> Allowed | Refused:
    return (
        check("SELECT " + "abs(" * 20 + "1" + ")" * 20, "postgres")
        if not levels
        else deep(levels - 1)
    )


def test_a_caller_with_a_deep_stack_gets_a_verdict() -> None:
    verdict = deep(sys.getrecursionlimit() - 350)
    assert isinstance(verdict, Refused)
    assert verdict.code == Code.TOO_DEEP


@dataclass
class Listed:
    name: str
    schema: str
    database: str


SHOP = [
    ["shop.public.orders"],
    [("shop", "public", "orders")],
    [Listed("orders", "public", "shop")],
    ("shop.public.orders",),
]


@pytest.mark.parametrize("relations", SHOP, ids=["text", "parts", "catalog", "tuple"])
def test_relations_are_given_in_many_ways(relations: Sequence[RelationName]) -> None:
    for sql in ("orders", "public.orders", "shop.public.orders", "ORDERS", '"orders"'):
        assert isinstance(check(f"SELECT * FROM {sql}", "postgres", relations=relations), Allowed)
    for sql in ("customers", "secret.orders", "other.public.orders", '"public.orders"'):
        assert code_of(f"SELECT * FROM {sql}", relations=relations) == Code.RELATION_NOT_ALLOWED


def test_a_name_with_dots_is_given_in_parts() -> None:
    only = [("public", "order.items")]
    assert isinstance(check('SELECT * FROM "order.items"', "postgres", relations=only), Allowed)
    assert code_of("SELECT * FROM items", relations=only) == Code.RELATION_NOT_ALLOWED


def test_no_relations_means_none() -> None:
    assert code_of("SELECT * FROM orders", relations=[]) == Code.RELATION_NOT_ALLOWED
    assert isinstance(check("SELECT 1", "postgres", relations=[]), Allowed)


@pytest.mark.parametrize(
    ("sql", "allowed"),
    [
        ("WITH x AS (SELECT * FROM orders) SELECT * FROM x", True),
        ("WITH x AS (SELECT * FROM orders), y AS (SELECT * FROM x) SELECT * FROM y", True),
        ("WITH RECURSIVE x AS (SELECT 1 AS a UNION ALL SELECT a FROM x WHERE a < 3) SELECT * FROM x", True),
        ("SELECT * FROM orders WHERE id IN (WITH x AS (SELECT 1 AS a) SELECT a FROM x)", True),
        ("WITH x AS (SELECT 1 AS a) SELECT (SELECT a FROM x) FROM orders", True),
        ("SELECT * FROM orders o, LATERAL (SELECT o.id) y", True),
        ("WITH secret AS (SELECT * FROM secret) SELECT * FROM secret", False),
        ("WITH x AS (SELECT * FROM secret), secret AS (SELECT 1) SELECT * FROM x", False),
        ("WITH RECURSIVE x AS (SELECT * FROM secret), secret AS (SELECT 1) SELECT * FROM x", False),
        ("SELECT * FROM secret WHERE EXISTS (WITH secret AS (SELECT 1) SELECT * FROM secret)", False),
        ("SELECT * FROM (WITH secret AS (SELECT 1) SELECT * FROM secret) x, secret", False),
        ("WITH secret AS (SELECT 1) SELECT * FROM public.secret", False),
        ("SELECT * FROM orders UNION SELECT * FROM secret", False),
        ("SELECT (SELECT max(a) FROM secret) FROM orders", False),
        ("TABLE secret", False),
    ],
)  # fmt: skip
def test_relations_and_queries_of_with(sql: str, allowed: bool) -> None:
    verdict = check(sql, "postgres", relations=["public.orders"])
    assert isinstance(verdict, Allowed) is allowed, verdict


@pytest.mark.parametrize(
    ("kind", "sql", "allowed"),
    [
        ("postgres", 'WITH "Secret" AS (SELECT 1) SELECT * FROM secret', False),
        ("postgres", 'WITH secret AS (SELECT 1) SELECT * FROM "SECRET"', False),
        ("postgres", "WITH É AS (SELECT 1) SELECT * FROM é", False),
        ("postgres", 'WITH Mine AS (SELECT 1) SELECT * FROM mine, "mine" AS m', True),
        ("redshift", 'WITH "Secret" AS (SELECT 1) SELECT * FROM secret', False),
        ("snowflake", 'WITH "secret" AS (SELECT 1) SELECT * FROM secret', False),
        ("snowflake", 'WITH mine AS (SELECT 1) SELECT * FROM Mine, "MINE" AS m', True),
        ("mysql", "WITH secret AS (SELECT 1) SELECT * FROM Secret", False),
        ("mysql", "WITH Mine AS (SELECT 1) SELECT * FROM `Mine`", True),
        ("tsql", "WITH Mine AS (SELECT 1 AS a) SELECT * FROM [mine]", True),
        ("duckdb", 'WITH "Mine" AS (SELECT 1) SELECT * FROM mine', True),
    ],
)
def test_names_of_with_are_compared_as_the_database_does(
    kind: str, sql: str, allowed: bool
) -> None:
    verdict = check(sql, kind, relations=["orders"])
    assert isinstance(verdict, Allowed) is allowed, verdict


@pytest.mark.parametrize(
    ("kind", "sql"),
    [
        ("sqlite", "SELECT * FROM orders WHERE id IN secret"),
        ("sqlite", "SELECT * FROM orders WHERE (id, 1) NOT IN main.secret"),
        ("tsql", "SELECT * FROM CONTAINSTABLE(dbo.secret, name, 'a')"),
        ("tsql", "SELECT * FROM orders JOIN FREETEXTTABLE(secret, name, 'a') AS f ON f.[KEY] = orders.id"),
        ("snowflake", "SELECT * FROM SEMANTIC_VIEW(secret METRICS a)"),
    ],
)  # fmt: skip
def test_relations_that_stand_elsewhere_than_behind_from(kind: str, sql: str) -> None:
    assert isinstance(check(sql, kind, relations=["orders"]), Refused)
    listed = check(sql, kind, relations=["orders", "dbo.secret"])
    assert isinstance(listed, Allowed) is (kind != "sqlite")


def test_arrays_of_a_row_are_no_relations() -> None:
    for dialect in ("bigquery", "redshift"):
        sql = "SELECT i.sku FROM orders o, o.items i"
        assert isinstance(check(sql, dialect, relations=["orders"]), Allowed)


def test_listed_relations_of_the_system_may_be_read() -> None:
    assert code_of("SELECT * FROM pg_class") == Code.RELATION_NOT_ALLOWED
    assert code_of("SELECT * FROM pg_class", relations=["pg_catalog.pg_class"]) is None


def test_functions_of_ones_own() -> None:
    sql = "SELECT fiscal_year(d), Analytics.Fiscal_Week(d) FROM orders"
    assert code_of(sql) == Code.FUNCTION_NOT_ALLOWED
    assert code_of(sql, functions=["fiscal_year"]) == Code.FUNCTION_NOT_ALLOWED
    assert code_of(sql, functions=["fiscal_year", "analytics.fiscal_week"]) is None
    assert code_of("SELECT other.fiscal_year(1)", functions=["fiscal_year"]) is not None


@pytest.mark.parametrize(
    ("dialect_of", "sql", "code"),
    [
        ("postgres", "SELECT pg_sleep(1)", Code.FUNCTION_NOT_ALLOWED),
        ("postgres", "SELECT $1", Code.VARIABLE_NOT_ALLOWED),
        ("mysql", "SELECT @@version", Code.VARIABLE_NOT_ALLOWED),
        ("tsql", "SELECT * FROM a WITH (TABLOCKX)", Code.HINT_NOT_ALLOWED),
        ("tsql", "SELECT 1 SHUTDOWN", Code.SEVERAL_STATEMENTS),
        ("postgres", "SELECT 1 INTO x", Code.NOT_A_READ),
        ("postgres", "SELECT 1 FOR UPDATE", Code.SYNTAX_NOT_ALLOWED),
        ("duckdb", "SELECT * FROM 'x.csv'", Code.RELATION_NOT_ALLOWED),
        ("duckdb", "SELECT * FROM histogram('x.csv', a)", Code.FUNCTION_NOT_ALLOWED),
        ("postgres", "SELECT repeat('x', 1e9)", Code.TOO_MUCH),
        ("postgres", "SELECT repeat('x', 20000 * 100000)", Code.TOO_MUCH),
        ("postgres", "SELECT array_fill(1, ARRAY[5000, 5000])", Code.TOO_MUCH),
        ("postgres", "SELECT * FROM orders TABLESAMPLE system_time (60000)", Code.SYNTAX_NOT_ALLOWED),
        ("duckdb", "SELECT * FROM range((1000 * 1000) * 1000)", Code.TOO_MUCH),
        ("duckdb", "SELECT * FROM generate_series(1, 10 ** 12)", Code.TOO_MUCH),
        ("duckdb", "SELECT * FROM generate_series(1, 10 ** 999)", Code.TOO_MUCH),
        ("sqlite", "SELECT zeroblob(CAST(999999 AS INT) + 999999)", Code.TOO_MUCH),
        ("snowflake", "SELECT RANDSTR(1000000000, RANDOM())", Code.TOO_MUCH),
        ("snowflake", "SELECT * FROM TABLE(GENERATOR(ROWCOUNT => 1000 * 10000))", Code.TOO_MUCH),
        ("sqlite", "WITH RECURSIVE n AS (SELECT 1 UNION ALL SELECT 1 FROM n WHERE 1) SELECT * FROM n", Code.TOO_MUCH),
        ("sqlite", "WITH RECURSIVE n AS (SELECT 1 UNION ALL SELECT 1 FROM n) SELECT * FROM n", Code.TOO_MUCH),
        ("snowflake", "SELECT 1 FROM TABLE(GENERATOR(TIMELIMIT => 600))", Code.FUNCTION_NOT_ALLOWED),
        ("postgres", "SELECT 1 \u00a0pg\u200b_sleep", Code.SYNTAX_NOT_ALLOWED),
        ("bigquery", "WITH c(a) AS (SELECT * FROM t) SELECT a FROM c", Code.NOT_STABLE),
    ],
)  # fmt: skip
def test_codes_name_the_case(dialect_of: str, sql: str, code: Code) -> None:
    assert code_of(sql, dialect_of) == code


def test_refusals_of_a_parser_are_short_and_plain() -> None:
    refused = check("SELECT a, FROM b WHERE (", "postgres")
    assert isinstance(refused, Refused)
    assert "line 1, column" in refused.reason
    assert "\x1b" not in refused.reason


def test_importing_costs_no_parser() -> None:
    code = "import sys, buster_tasks.sql_guard; print('sqlglot' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert run.stdout.strip() == "False"


def test_without_sqlglot_the_error_names_what_brings_it() -> None:
    code = (
        "import sys; sys.modules['sqlglot'] = None\n"
        "from buster_tasks.sql_guard import check\n"
        "from taskkit.errors import MissingExtraError\n"
        "try: check('SELECT 1', 'postgres')\n"
        "except MissingExtraError as error: print(error.extra, str(error))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert run.stdout.startswith("sqlguard ")
    assert 'pip install "buster-tasks[sqlguard]"' in run.stdout
    assert issubclass(MissingExtraError, TaskkitError)
