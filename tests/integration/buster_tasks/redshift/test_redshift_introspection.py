"""What is found of a database: everything that Redshift's catalog has, in a number of statements that does not grow."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from buster_tasks.sources import Introspection
from buster_tasks.sources.redshift import RedshiftSource
from buster_tasks.sources.schema import Column, Filters, NestedField, Table

if TYPE_CHECKING:
    from tests.integration.buster_tasks.redshift.conftest import MakeDatabase, Redshift

pytestmark = pytest.mark.anyio

SourceOf = Callable[..., RedshiftSource]


async def found_in(source: RedshiftSource, **options: Any) -> Introspection:
    async with source:
        return await source.introspect(**options)


def table(found: Introspection, name: str) -> Table:
    [one] = [one for one in found.tables if one.name == name]
    return one


def column(found: Introspection, table: str, name: str) -> Column:
    [one] = [one for one in found.columns if (one.table, one.name) == (table, name)]
    return one


async def test_keys_of_storage(
    redshift: Redshift, make_database: MakeDatabase, source_of: SourceOf
) -> None:
    name = make_database(
        "CREATE TABLE sales (id bigint, day date, shop int, price numeric(12,2))",
        "INSERT INTO sales VALUES (1, '2024-01-01', 2, 3), (2, '2024-01-02', 2, 3)",
        "CREATE TABLE nothing (id int)",
    )
    redshift.tell(
        name, "public", "sales", "table", diststyle="KEY(shop)", distkey="shop", size=12, sortkey1="day",
        sortkeys={"shop": 2, "day": 1}, encodings={"day": "az64", "price": "zstd"}, unsorted=12.5,
        defaults={"id": "\"identity\"(104803, 0, '1,2'::text)", "shop": "7"},
    )  # fmt: skip
    found = await found_in(source_of(name))
    sales = table(found, "sales")
    assert (sales.row_count, sales.row_count_kind, sales.size_bytes) == (
        2,
        "estimate",
        12 * 2**20,
    )
    assert (sales.owner, sales.created) == ("postgres", datetime(2024, 2, 29, 12, tzinfo=UTC))
    assert sales.clustering_keys == ["day", "shop"]
    assert sales.metadata == {
        "distStyle": "KEY(shop)", "distKey": "shop", "sortStyle": "compound", "unsortedPercent": 12.5,
        "staleStatisticsPercent": 0.0,
    }  # fmt: skip
    number = column(found, "sales", "id")
    assert (number.identity, number.default_value) == ("always", None)
    assert number.metadata == {"identitySeed": 1, "identityStep": 2}
    assert column(found, "sales", "shop").default_value == "7"
    assert column(found, "sales", "shop").metadata == {"distKey": True, "sortKey": 2}
    assert column(found, "sales", "day").metadata == {"encoding": "az64", "sortKey": 1}
    empty = table(found, "nothing")  # svv_table_info leaves it out
    assert (empty.row_count, empty.row_count_kind, empty.size_bytes) == (0, "estimate", 0)
    assert empty.metadata["distStyle"] == "AUTO(EVEN)"
    assert found.databases[0].metadata == {"serverVersion": "1.0.127374"}
    assert (found.complete, found.issues) == (True, [])


async def test_views_of_all_kinds(
    redshift: Redshift, make_database: MakeDatabase, source_of: SourceOf
) -> None:
    name = make_database(
        "CREATE TABLE t (a int, b varchar(9))",
        "CREATE VIEW plain AS SELECT b, a FROM t",
        "CREATE VIEW late AS SELECT",
        "CREATE VIEW broken AS SELECT",
        "CREATE VIEW kept AS SELECT a, 1::bigint AS n FROM t",
        "CREATE TABLE mv_tbl__kept__0 (a int, n bigint)",
        "INSERT INTO mv_tbl__kept__0 VALUES (1, 1), (2, 1), (3, 1)",
    )
    redshift.tell(
        name, "public", "late", "late", columns=[["x", "character varying(20)"], ["y", "super"]]
    )
    redshift.tell(name, "public", "kept", "materialized", stale="t")
    found = await found_in(source_of(name))
    views = {view.name: view for view in found.views}
    assert set(views) == {"plain", "late", "broken", "kept"}
    assert "SELECT" in (views["plain"].definition or "")
    assert views["late"].metadata == {"lateBinding": True}
    told = [
        (one.name, one.position, one.data_type, one.normalized_type)
        for one in found.columns
        if one.table == "late"
    ]
    assert told == [("x", 1, "character varying(20)", "text"), ("y", 2, "super", "json")]
    assert views["kept"].is_materialized
    assert views["kept"].metadata == {
        "stale": True, "autoRefresh": True, "autoRewrite": False, "state": 1,
    }  # fmt: skip
    kept = table(found, "kept")
    assert (kept.type, kept.row_count, kept.size_bytes) == ("MATERIALIZED_VIEW", 3, 6 * 2**20)
    assert {one.name for one in found.tables} == {"t", "kept"}
    assert [(one.code, one.object) for one in found.issues] == [
        ("COLUMNS_UNKNOWN", "public.broken")
    ]
    assert not found.complete


async def test_external_tables(
    redshift: Redshift, make_database: MakeDatabase, source_of: SourceOf
) -> None:
    name = make_database("CREATE SCHEMA lake", "CREATE TABLE own (a int)")
    redshift.tell(
        name, "lake", "clicks", "external", location="s3://bucket/clicks", input="parquet",
        parameters='{"numRows": "172456", "EXTERNAL": "TRUE", "spectrum_oid": "1"}',
        columns=[["who", "struct<id:int,names:array<string>>"], ["price", "decimal(8,2)"], ["day", "date", "1"]],
    )  # fmt: skip
    found = await found_in(source_of(name))
    clicks = table(found, "clicks")
    assert (clicks.type, clicks.schema_name, clicks.row_count) == ("EXTERNAL_TABLE", "lake", 172456)
    assert (clicks.partition_keys, clicks.size_bytes) == (["day"], None)
    assert clicks.metadata == {
        "location": "s3://bucket/clicks", "inputFormat": "parquet",
        "parameters": {"numRows": "172456", "EXTERNAL": "TRUE"},
    }  # fmt: skip
    who = column(found, "clicks", "who")
    assert (who.normalized_type, who.is_nullable) == ("struct", True)
    element = NestedField(name="element", data_type="string", normalized_type="text")
    assert who.fields == [
        NestedField(name="id", data_type="int", normalized_type="integer"),
        NestedField(
            name="names", data_type="array<string>", normalized_type="array", fields=[element]
        ),
    ]
    assert who.metadata == {}
    price = column(found, "clicks", "price")
    assert (price.normalized_type, price.precision, price.scale) == ("decimal", 8, 2)
    assert {one.name: one.metadata for one in found.schemas}["lake"] == {"external": True}
    narrowed = await found_in(source_of(name), filters=Filters(tables=["lake.clicks", "clicsk"]))
    assert [one.name for one in narrowed.tables] == ["clicks"]
    assert narrowed.issues[0].fix == "Nearest names: clicks."


async def test_the_database_of_a_datashare(
    redshift: Redshift, make_database: MakeDatabase, source_of: SourceOf
) -> None:
    name = make_database()
    redshift.tell(name, "public", "orders", "shared", type="TABLE", columns={"id": "bigint"})
    redshift.tell(name, "public", "totals", "shared", type="VIEW", columns={"n": "numeric(9,1)"})
    found = await found_in(source_of(name))
    assert [(one.name, one.metadata) for one in found.tables] == [("orders", {"shared": True})]
    assert [(one.name, one.metadata) for one in found.views] == [("totals", {"shared": True})]
    assert [(one.name, one.normalized_type) for one in found.columns] == [
        ("id", "integer"),
        ("n", "decimal"),
    ]


async def test_statements_do_not_grow_with_tables(
    make_database: MakeDatabase, source_of: SourceOf
) -> None:
    counted = []
    for tables in (1, 300):
        name = make_database(
            f"DO $$ BEGIN FOR i IN 1..{tables} LOOP"
            " EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, a int REFERENCES t%s (id))', i, i);"
            " END LOOP; END $$"
        )
        async with source_of(name) as source:
            found = await source.introspect(statistics="none")
            assert (len(found.tables), len(found.foreign_keys)) == (tables, tables)
            counted.append(source.statements)
    assert counted == [6, 6]


async def test_all_that_is_rare_takes_two_more(
    redshift: Redshift, make_database: MakeDatabase, source_of: SourceOf
) -> None:
    name = make_database("CREATE VIEW late AS SELECT", "CREATE TABLE mv_tbl__m__0 (a int)")
    async with source_of(name) as source:
        await source.introspect()
        assert source.statements == 8


async def test_statistics_of_the_catalog(make_database: MakeDatabase, source_of: SourceOf) -> None:
    name = make_database(
        "CREATE TABLE t (a int, b int)",
        "INSERT INTO t SELECT i, CASE WHEN i % 4 > 0 THEN i % 5 END FROM generate_series(1, 100) AS i",
        "ANALYZE t",
    )
    found = await found_in(source_of(name), statistics="catalog")
    told = [(one.distinct_count, one.null_count, one.statistics_kind) for one in found.columns]
    assert told == [(100, 0, "estimate"), (5, 25, "estimate")]


async def test_a_user_with_few_rights(
    redshift: Redshift, make_database: MakeDatabase, source_of: SourceOf
) -> None:
    name = make_database(
        "DROP ROLE IF EXISTS clerk",
        "CREATE ROLE clerk LOGIN PASSWORD 'x'",
        "CREATE TABLE open (a int, b int); GRANT SELECT ON open TO clerk",
        "CREATE TABLE half (a int, b int); GRANT SELECT (a) ON half TO clerk",
        "CREATE TABLE shut (a int)",
        "CREATE SCHEMA private; CREATE TABLE private.t (a int)",
        "INSERT INTO open VALUES (1); ANALYZE open",
    )
    found = await found_in(source_of(name, username="clerk", password="x"))
    assert not found.complete
    assert {one.name for one in found.tables} == {"open", "half", "shut", "t"}
    assert [(one.table, one.name) for one in found.columns] == [
        ("half", "a"),
        ("open", "a"),
        ("open", "b"),
    ]
    told = {(one.code, one.object): one.fix for one in found.issues}
    assert told == {
        ("PERMISSION_DENIED", f"{name}: rows, sizes and distribution of tables"):
            'As a superuser: GRANT SELECT ON svv_table_info TO "clerk";',
        ("PERMISSION_DENIED", "private"): 'GRANT USAGE ON SCHEMA "private" TO "clerk";',
        ("PERMISSION_DENIED", "public.shut"): 'GRANT SELECT ON "public"."shut" TO "clerk";',
    }  # fmt: skip
    opened = table(found, "open")  # by pg_class.reltuples and pg_class_info instead
    assert (opened.row_count, opened.row_count_kind, opened.size_bytes) == (1, "estimate", None)
    assert opened.metadata == {"distStyle": "AUTO(EVEN)"}
    assert table(found, "shut").row_count_kind == "unknown"
    assert table(found, "shut").metadata["readable"] is False


async def test_past_the_time_limit_a_slow_part_is_left_out_and_told(
    make_database: MakeDatabase, source_of: SourceOf
) -> None:
    name = make_database(
        "CREATE TABLE t (a int PRIMARY KEY); INSERT INTO t VALUES (1)",
        "ALTER VIEW pg_catalog.svv_table_info RENAME TO svv_table_info_as_it_was",
        "CREATE VIEW pg_catalog.svv_table_info AS"
        " SELECT * FROM pg_catalog.svv_table_info_as_it_was WHERE pg_sleep(600) IS NOT NULL",
    )
    async with source_of(name) as source:
        began = time.monotonic()
        found = await source.introspect(time_limit=1)
        assert 1 <= time.monotonic() - began < 5
        assert {issue.code for issue in found.issues} == {"TIME_LIMIT_REACHED"}
        assert any("rows, sizes" in issue.message for issue in found.issues)
        assert all(issue.fix for issue in found.issues)
        assert (len(found.columns), len(found.primary_keys), found.complete) == (1, 1, False)
        assert (await source.execute("SELECT 1")).rows == [(1,)]
