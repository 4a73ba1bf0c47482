import asyncio
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from benchmarks.servers import PostgresServer
from buster_tasks.errors import QueryCanceledError
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.postgres import PostgresSource
from buster_tasks.sources.schema import Column, Introspection
from buster_tasks.sources.statistics import Sampling, measure

pytestmark = pytest.mark.anyio

MakeDatabase = Callable[..., str]
SourceOf = Callable[..., PostgresSource]

NASTY = "no \"such\" 'na`me'; DROP %s {x} ünï"
QUOTED = '"' + NASTY.replace('"', '""') + '"'
EVERYTHING = (
    "CREATE TYPE mood AS ENUM ('sad', 'glad')",
    """CREATE TABLE every (f float8, n numeric(38, 10), d date, ts timestamptz, m money, mood mood, u uuid, j jsonb,
        a int[], b bytea, ip inet, r int4range, i interval, yes bool, t text, nothing int)""",
    """INSERT INTO every VALUES ('NaN', 'NaN', '0044-03-15 BC', '-infinity', 1.5, 'sad', gen_random_uuid(), '{}',
        '{1}', '\\x00ff', '10.0.0.1', '[1,2)', '1 mon', true, 'Ä', NULL)""",
    """INSERT INTO every VALUES ('Infinity', 9999999999999999999999999999.9999999999, 'infinity', 'infinity', -1,
        'glad', gen_random_uuid(), '[1]', '{}', '\\x', '10.0.0.2', '[3,4)', '2 days', false, 'b', NULL)""",
    """INSERT INTO every VALUES ('-0', -9999999999999999999999999999.9999999999, '1969-07-20', '1969-07-20 20:17Z',
        10, 'glad', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'B', NULL)""",
    """INSERT INTO every (f, n, d, ts, m, t) VALUES (0, 0, '2024-02-29', '2024-02-29 12:00+05', 9, '')""",
)


async def measured(source: PostgresSource, level: Any, **sampling: Any) -> Introspection:
    async with source:
        found = await source.introspect(statistics="catalog")
        return await measure([source], found, level, sampling=Sampling(**sampling))


def column(found: Introspection, name: str, table: str | None = None) -> Column:
    [one] = [one for one in found.columns if one.name == name and table in (None, one.table)]
    return one


def bounds(one: Column) -> tuple[Any, Any]:
    return one.min_value, one.max_value


# with a sample of one row the table does not fit, so that `full` has to ask for aggregates
@pytest.mark.parametrize(("level", "rows"), [("sample", 100), ("full", 100), ("full", 1)])
async def test_values_of_every_kind(
    make_database: MakeDatabase, source_of: SourceOf, level: str, rows: int
) -> None:
    found = await measured(source_of(make_database(*EVERYTHING)), level, sample_rows=rows)
    assert found.issues == []
    assert {one.statistics_kind for one in found.columns} == {"exact"}
    assert {one.measured_rows for one in found.columns} == {4}
    assert bounds(column(found, "f")) == (0.0, "Infinity")
    assert column(found, "f").distinct_count == 3
    digits = "9999999999999999999999999999.9999999999"
    assert bounds(column(found, "n")) == (f"-{digits}", digits)
    assert bounds(column(found, "d")) == ("0044-03-15 BC", "infinity")
    assert bounds(column(found, "ts")) == ("-infinity", "infinity")
    assert bounds(column(found, "m")) == ("-1.00", "10.00")
    assert (column(found, "mood").distinct_count, column(found, "mood").null_count) == (2, 1)
    assert column(found, "u").distinct_count == 2
    assert (column(found, "a").null_count, column(found, "a").distinct_count) == (2, None)
    binary = column(found, "b")
    assert (binary.shortest_length, binary.longest_length, binary.average_length) == (0, 2, 1.0)
    assert (binary.min_value, binary.top_values, binary.sample_values) == (None, None, None)
    assert column(found, "ip").semantic_type == "ip_address"
    assert column(found, "j").semantic_type == "json"
    # by their characters, whatever the collation of the database
    assert bounds(column(found, "t")) == ("", "Ä")
    nothing = column(found, "nothing")
    assert (nothing.null_count, nothing.distinct_count, bounds(nothing)) == (4, 0, (None, None))
    top = column(found, "mood").top_values
    assert top is not None
    assert [(one.value, one.count) for one in top] == [("glad", 2), ("sad", 1)]
    assert [one.value for one in column(found, "t").top_values or []] == ["", "B", "b", "Ä"]
    found.model_validate_json(found.model_dump_json(by_alias=True))


async def test_nasty_names_and_empty_tables(
    make_database: MakeDatabase, source_of: SourceOf
) -> None:
    name = make_database(
        f"CREATE TABLE {QUOTED} ({QUOTED} int, note text)",
        f"INSERT INTO {QUOTED} SELECT g, 'x' FROM generate_series(1, 3) g",
        "CREATE TABLE empty (a int, t text); CREATE TABLE nothing_in_it ()",
        f"CREATE MATERIALIZED VIEW seen AS SELECT * FROM {QUOTED}",
        f"CREATE VIEW looked AS SELECT * FROM {QUOTED}",
    )
    found = await measured(source_of(name), "full", sample_rows=2)
    assert found.issues == []
    assert bounds(column(found, NASTY, NASTY)) == (1, 3)
    assert bounds(column(found, NASTY, "seen")) == (1, 3)
    assert column(found, NASTY, "looked").statistics_kind is None
    empty = column(found, "a", "empty")
    assert (empty.statistics_kind, empty.measured_rows, empty.null_count) == ("exact", 0, 0)


async def test_a_column_that_may_not_be_read_costs_the_others_nothing(
    make_database: MakeDatabase, source_of: SourceOf, server: PostgresServer
) -> None:
    name = make_database(
        "CREATE TABLE part (a int, secret text, b text, c text, d text)",
        "INSERT INTO part VALUES (1, 's', 'x', 'y', 'z')",
        "CREATE TABLE none (a int, b int)",
        "DROP ROLE IF EXISTS reader_of_columns; CREATE ROLE reader_of_columns LOGIN PASSWORD 'pw'",
        "GRANT SELECT (a, b, c, d) ON part TO reader_of_columns",
    )
    source = source_of(name, username="reader_of_columns", password="pw")
    found = await measured(source, "sample")
    new = [one for one in found.issues if one.code.startswith("NOT_MEASURED")]
    assert [(one.scope, one.object, one.code) for one in new] == [
        ("table", f"{name}.public.none", "NOT_MEASURED_PERMISSION_DENIED"),
        ("column", f"{name}.public.part.secret", "NOT_MEASURED_PERMISSION_DENIED"),
    ]
    assert [column(found, one, "part").distinct_count for one in ("a", "b", "c", "d")] == [1] * 4
    assert column(found, "secret").statistics_kind is None
    with psycopg.connect(server.dsn(name), autocommit=True) as connection:
        connection.execute("DROP OWNED BY reader_of_columns; DROP ROLE reader_of_columns")


POLICIES = (
    "CREATE TABLE hidden (a int); INSERT INTO hidden SELECT generate_series(1, 50)",
    "CREATE TABLE shown (a int); INSERT INTO shown SELECT generate_series(1, 50)",
    "CREATE TABLE off (a int); INSERT INTO off SELECT generate_series(1, 50)",
    "ALTER TABLE hidden ENABLE ROW LEVEL SECURITY; ALTER TABLE shown ENABLE ROW LEVEL SECURITY",
    "CREATE POLICY few ON shown USING (a <= 3); CREATE POLICY unused ON off USING (false)",
    "ANALYZE; DROP ROLE IF EXISTS some_rows; CREATE ROLE some_rows LOGIN PASSWORD 'pw'",
    "GRANT SELECT ON ALL TABLES IN SCHEMA public TO some_rows",
)


@pytest.mark.parametrize("level", ["sample", "full"])
async def test_what_a_policy_hides_is_told_and_no_count_of_the_rest_is_exact(
    make_database: MakeDatabase, source_of: SourceOf, server: PostgresServer, level: str
) -> None:
    name = make_database(*POLICIES)
    found = await measured(source_of(name, username="some_rows", password="pw"), level)
    told = [(one.scope, one.object, one.code) for one in found.issues]
    assert told == [
        ("table", "public.hidden", "ROWS_HIDDEN"),
        ("table", "public.shown", "ROWS_HIDDEN"),
    ]
    assert found.issues[0].fix == 'ALTER ROLE "some_rows" BYPASSRLS;'
    assert found.complete, "the structure is all there"
    assert {one.name: (one.row_count, one.row_count_kind) for one in found.tables} == {
        "hidden": (50, "estimate"),
        "shown": (50, "estimate"),
        "off": (50, "exact"),
    }
    columns = {one.table: (one.statistics_kind, one.measured_rows) for one in found.columns}
    assert columns == {
        "hidden": ("estimate", 0),
        "shown": ("estimate", 3),
        "off": ("exact", 50),
    }
    owner = await measured(source_of(name), level)
    assert owner.issues == []
    with psycopg.connect(server.dsn(name), autocommit=True) as connection:
        connection.execute("DROP OWNED BY some_rows; DROP ROLE some_rows")


async def test_many_tables_with_policies_are_one_issue(
    make_database: MakeDatabase, source_of: SourceOf, server: PostgresServer
) -> None:
    tables = [f"CREATE TABLE t{number} (a int)" for number in range(30)]
    secured = [f"ALTER TABLE t{number} ENABLE ROW LEVEL SECURITY" for number in range(30)]
    name = make_database(*tables, *secured, *POLICIES[5:])
    async with source_of(name, username="some_rows", password="pw") as source:
        [issue] = (await source.introspect()).issues
    assert (issue.scope, issue.object, issue.code) == ("schema", "public", "ROWS_HIDDEN")
    assert "30 tables" in issue.message
    with psycopg.connect(server.dsn(name), autocommit=True) as connection:
        connection.execute("DROP OWNED BY some_rows; DROP ROLE some_rows")


MILLION = (
    """CREATE TABLE million AS SELECT g AS id, g % 7 AS few,
        CASE WHEN g % 4 = 0 THEN NULL ELSE g % 1000 END AS thousand, 'user' || g || '@example.org' AS email,
        date '2000-01-01' + g % 3000 AS day, (g % 100000)::numeric / 8 AS price
        FROM generate_series(1, 1000000) g""",
    "ANALYZE million",
)


async def test_a_sample_of_a_million_rows_is_bounded_and_near(
    make_database: MakeDatabase, source_of: SourceOf
) -> None:
    name = make_database(*MILLION)
    source = source_of(name)
    began = time.perf_counter()
    found = await measured(source, "sample")
    assert time.perf_counter() - began < 10
    assert found.issues == []
    assert {one.statistics_kind for one in found.columns} == {"estimate"}
    [looked] = {one.measured_rows for one in found.columns}
    assert looked is not None
    assert 9_000 < looked <= 10_000
    assert column(found, "few").distinct_count == 7
    assert column(found, "thousand").distinct_count == pytest.approx(750, rel=0.02)
    assert column(found, "thousand").null_count == pytest.approx(250_000, rel=0.1)
    assert column(found, "id").distinct_count == pytest.approx(1_000_000, rel=0.01)
    assert (column(found, "email").semantic_type, column(found, "id").semantic_type) == (
        "email",
        "id",
    )
    assert column(found, "price").semantic_type == "amount"
    top = column(found, "few").top_values or []
    assert sum(one.count for one in top) == pytest.approx(1_000_000, rel=0.001)
    # the same rows with the same seed, others with another
    assert (await measured(source_of(name), "sample")).columns == found.columns
    other = await measured(source_of(name), "sample", seed=1)
    assert column(other, "id").sample_values != column(found, "id").sample_values


async def test_all_of_a_million_rows_is_exact(
    make_database: MakeDatabase, source_of: SourceOf
) -> None:
    found = await measured(source_of(make_database(*MILLION)), "full")
    assert found.issues == []
    assert {one.statistics_kind for one in found.columns} == {"exact"}
    assert {one.measured_rows for one in found.columns} == {1_000_000}
    counts = {one.name: (one.distinct_count, one.null_count) for one in found.columns}
    assert counts == {
        "id": (1_000_000, 0), "few": (7, 0), "thousand": (750, 250_000), "email": (1_000_000, 0), "day": (3000, 0),
        "price": (100_000, 0),
    }  # fmt: skip
    assert bounds(column(found, "day")) == ("2000-01-01", "2008-03-18")
    assert [Decimal(one) for one in bounds(column(found, "price"))] == [0, Decimal("12499.875")]
    for name in ("id", "few", "thousand", "day", "price"):
        one = column(found, name)
        assert one.histogram is not None
        assert sum(bucket.count for bucket in one.histogram) == 1_000_000 - (one.null_count or 0)
        assert (one.histogram[0].low, one.histogram[-1].high) == bounds(one)
    assert [bucket.count for bucket in column(found, "id").histogram or []] == [50_000] * 20
    assert column(found, "email").top_values is None
    day = column(found, "day").top_values or []
    assert (len(day), day[0].value, day[0].count) == (10, "2000-01-02", 334)


async def test_what_the_catalog_has_wrong_is_counted(
    make_database: MakeDatabase, source_of: SourceOf
) -> None:
    """The table was analyzed when it was small, or large."""
    name = make_database(
        "CREATE TABLE grown (a int) WITH (autovacuum_enabled = false); INSERT INTO grown SELECT 1; ANALYZE grown",
        "INSERT INTO grown SELECT generate_series(1, 50000)",
        "CREATE TABLE shrunk (a int) WITH (autovacuum_enabled = false)",
        "INSERT INTO shrunk SELECT generate_series(1, 50000); ANALYZE shrunk; DELETE FROM shrunk WHERE a > 30",
    )
    found = await measured(source_of(name), "sample", sample_rows=1_000)
    grown, shrunk = column(found, "a", "grown"), column(found, "a", "shrunk")
    assert (grown.statistics_kind, shrunk.statistics_kind) == ("estimate", "exact")
    assert 800 < (grown.measured_rows or 0) <= 1_000
    assert grown.distinct_count == pytest.approx(50_000, rel=0.02)
    assert (shrunk.measured_rows, bounds(shrunk)) == (30, (1, 30))
    rows = {one.name: (one.row_count, one.row_count_kind) for one in found.tables}
    assert rows == {"grown": (50_001, "exact"), "shrunk": (30, "exact")}


async def test_when_time_is_up_the_rest_is_told_in_one_issue(
    make_database: MakeDatabase, source_of: SourceOf
) -> None:
    source = source_of(make_database(*(f"CREATE TABLE t{at} (a int)" for at in range(8))))
    async with source:
        found = await source.introspect(statistics="catalog")
        late = await measure([source], found, "sample", ends=Budget(0))
    [issue] = late.issues
    assert (issue.code, issue.scope) == ("STATISTICS_INCOMPLETE", "source")
    assert "8 tables: " in issue.message
    assert "and 3 more" in issue.message
    assert (late.complete, late.statistics) == (True, "catalog")


async def test_a_statement_that_takes_too_long_leaves_the_estimates(
    make_database: MakeDatabase, source_of: SourceOf
) -> None:
    name = make_database(
        "CREATE TABLE slow AS SELECT g AS a, repeat('x', 10) || g AS t FROM generate_series(1, 1500000) g",
        "ANALYZE slow",
    )
    found = await measured(source_of(name), "full", sample_rows=100, statement_seconds=0.5)
    [issue] = found.issues
    assert (issue.scope, issue.code) == ("table", "NOT_MEASURED_SOURCE_TIMEOUT")
    assert {one.statistics_kind for one in found.columns} == {"estimate"}
    assert 50 < (column(found, "a").measured_rows or 0) <= 100


async def test_cancel_ends_all_of_it(make_database: MakeDatabase, source_of: SourceOf) -> None:
    source = source_of(make_database(*MILLION))
    async with source:
        measuring = asyncio.Event()

        async def report(phase: str, fraction: float, counts: object) -> None:
            if phase == "measuring":
                measuring.set()

        running = asyncio.create_task(source.introspect(progress=report, statistics="full"))
        await measuring.wait()
        await source.cancel()
        with pytest.raises(QueryCanceledError):
            await running
        assert (await source.execute("SELECT 1")).rows == [(1,)]
