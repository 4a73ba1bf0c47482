import re
from collections.abc import Mapping
from typing import Any

import pytest

from buster_tasks.errors import (
    ConnectionFailedError,
    PermissionDeniedError,
    QueryCanceledError,
    QueryFailedError,
    SourceError,
    SourceTimeoutError,
)
from buster_tasks.sources.base import QueryColumn, QueryResult
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.schema import Column, Introspection, Table, View
from buster_tasks.sources.statistics import (
    ColumnStatistics,
    Measured,
    Sampling,
    Target,
    measure,
    measure_tables,
    targets_of,
    with_statistics,
)
from buster_tasks.testing import FakeSource
from tests.unit.buster_tasks.catalog.introspections import column, found, table

pytestmark = pytest.mark.anyio

ROWS = [(1,), (2,), (2,), (None,)]


def shop(*names: str, columns: int = 1) -> Introspection:
    return found(
        tables=[table(name) for name in names],
        columns=[
            column(name, f"c{at}", normalized_type="integer")
            for name in names
            for at in range(columns)
        ],
    )


def answered(sql: str) -> QueryResult:
    """Four rows, as many columns as asked for."""
    width = len(re.findall(r" AS c\d+", sql))
    columns = tuple(QueryColumn(f"c{at}") for at in range(width))
    return QueryResult(columns, [row * width for row in ROWS], truncated=False)


def column_of(measured: Introspection, name: str) -> Column:
    return next(one for one in measured.columns if one.table == name)


async def test_what_was_measured_is_put_into_the_columns() -> None:
    told: list[tuple[str, float, dict[str, int]]] = []

    async def report(phase: str, fraction: float, counts: Mapping[str, int]) -> None:
        told.append((phase, fraction, dict(counts)))

    known = shop("a", "b")
    measured = await measure([FakeSource(known, answered)], known, "sample", progress=report)
    one = column_of(measured, "a")
    assert (one.distinct_count, one.null_count, one.min_value, one.max_value) == (2, 1, 1, 2)
    assert [(row.row_count, row.row_count_kind) for row in measured.tables] == [(4, "exact")] * 2
    assert (measured.statistics, measured.issues) == ("sample", [])
    assert told == [
        ("measuring", 0.0, {"tables_measured": 0, "columns_measured": 0}),
        ("measuring", 0.5, {"tables_measured": 1, "columns_measured": 1}),
        ("measuring", 1.0, {"tables_measured": 2, "columns_measured": 2}),
    ]


async def test_a_part_goes_through_json_and_back() -> None:
    known = shop("a", "b", "c")
    targets = [Target.model_validate_json(one.model_dump_json()) for one in targets_of(known)]
    parts = [
        Measured.model_validate_json(
            (await measure_tables([FakeSource(known, answered)], part, "sample")).model_dump_json()
        )
        for part in (targets[:1], targets[1:])
    ]
    whole = await measure([FakeSource(known, answered)], known, "sample")
    assert with_statistics(known, "sample", parts) == whole


def test_tables_are_measured_from_the_smallest_on_and_plain_views_are_not() -> None:
    known = found(
        tables=[
            table("unknown"),
            table("large", row_count=9),
            table("small", row_count=1),
            table("without columns"),
            table("seen", type="MATERIALIZED_VIEW", row_count=5),
        ],
        views=[
            View(name="seen", schema="main", database="shop", is_materialized=True),
            View(name="kept", schema="main", database="shop", is_materialized=True),
            View(name="plain", schema="main", database="shop"),
        ],
        columns=[
            column(name, "c") for name in ("unknown", "large", "small", "seen", "kept", "plain")
        ],
    )
    assert [one.name for one in targets_of(known)] == ["small", "seen", "large", "kept", "unknown"]


@pytest.mark.parametrize("bad", range(7))
async def test_one_bad_column_is_found_and_the_others_are_measured(bad: int) -> None:
    known = shop("t", columns=7)
    asked: list[str] = []

    def answer(sql: str) -> QueryResult:
        asked.append(sql)
        if f'"c{bad}"' in sql:
            raise QueryFailedError("There is no order.", fix="Leave it out.")
        return answered(sql)

    measured = await measure([FakeSource(known, answer)], known, "sample")
    [issue] = measured.issues
    assert (issue.scope, issue.object) == ("column", f"shop.main.t.c{bad}")
    assert issue.code == "NOT_MEASURED_QUERY_FAILED"
    # the statement is ours: to correct it is not for whoever reads this
    assert issue.fix == "Query it by hand: its type, or one of its values, may not be readable."
    kinds = [one.statistics_kind for one in measured.columns]
    assert kinds == [None if at == bad else "exact" for at in range(7)]
    assert len(asked) <= 1 + 2 * 3


async def test_a_table_that_may_not_be_read_is_one_issue_after_two_statements() -> None:
    known, asked = shop("t", columns=50), list[str]()

    def answer(sql: str) -> QueryResult:
        asked.append(sql)
        raise PermissionDeniedError("No.")

    measured = await measure([FakeSource(known, answer)], known, "full")
    assert [(one.scope, one.object) for one in measured.issues] == [("table", "shop.main.t")]
    assert len(asked) == 2
    assert measured.statistics == "none"


async def test_issues_of_many_tables_are_counted() -> None:
    known = shop(*(f"t{at:02}" for at in range(30)))

    def answer(sql: str) -> QueryResult:
        raise SourceTimeoutError("It took too long.", fix="Wait.")

    measured = await measure([FakeSource(known, answer)], known, "sample")
    assert len(measured.issues) == 21
    last = measured.issues[-1]
    assert (last.scope, last.code) == ("source", "NOT_MEASURED_SOURCE_TIMEOUT")
    assert last.message.startswith("The same is true of 10 ")


async def test_a_connection_that_is_lost_leaves_the_tables_to_the_others() -> None:
    known = shop(*(f"t{at}" for at in range(6)))
    broken, whole = FakeSource(known, answered), FakeSource(known, answered)
    broken.fail("execute", ConnectionFailedError("It is gone."), times=99)
    measured = await measure([broken, whole], known, "sample")
    lost = [one.object for one in measured.issues]
    assert len(lost) == 2
    assert {one.code for one in measured.issues} == {"NOT_MEASURED_CONNECTION_FAILED"}
    done = [one.table for one in measured.columns if one.statistics_kind == "exact"]
    assert sorted([*done, *(name.removeprefix("shop.main.") for name in lost)]) == [
        f"t{at}" for at in range(6)
    ]


async def test_without_any_connection_the_rest_is_told() -> None:
    known = shop(*(f"t{at}" for at in range(6)))
    broken = FakeSource(known, answered)
    broken.fail("execute", ConnectionFailedError("It is gone."), times=99)
    measured = await measure([broken], known, "sample")
    assert [one.code for one in measured.issues] == [
        *["NOT_MEASURED_CONNECTION_FAILED"] * 2,
        "STATISTICS_INCOMPLETE",
    ]
    assert "4 tables: shop.main.t2, " in measured.issues[-1].message


@pytest.mark.parametrize("connections", [1, 2])
async def test_cancel_is_no_issue(connections: int) -> None:
    known = shop("a", "b", "c")
    sources: list[Any] = [FakeSource(known, answered) for _ in range(connections)]
    for source in sources:
        source.fail("execute", QueryCanceledError("Stopped."))
    with pytest.raises(QueryCanceledError):
        await measure(sources, known, "sample")


async def test_a_source_without_sampling_gives_its_first_rows_and_this_is_told() -> None:
    known = found(
        tables=[
            Table(name="t", schema="main", database="shop", row_count=100, row_count_kind="exact")
        ],
        columns=[column("t", "c", normalized_type="integer")],
    )

    def answer(sql: str) -> QueryResult:
        if "TABLESAMPLE" in sql:
            raise QueryFailedError("There is no sampling.")
        rows: list[tuple[object, ...]] = [(at,) for at in range(5)]
        return QueryResult((QueryColumn("c0"),), rows, truncated=True)

    source = FakeSource(known, answer)
    measured = await measure([source], known, "sample", sampling=Sampling(sample_rows=5))
    assert [one.code for one in measured.issues] == ["SAMPLE_OF_FIRST_ROWS"]
    one = column_of(measured, "t")
    assert (one.statistics_kind, one.measured_rows, one.null_count) == ("estimate", 5, 0)
    assert one.distinct_count == 100


async def test_no_time_is_no_error_and_nothing_is_asked() -> None:
    known = shop("a", "b")
    source = FakeSource(known, answered)
    measured = await measure([source], known, "full", ends=Budget(0))
    assert [one.code for one in measured.issues] == ["STATISTICS_INCOMPLETE"]
    assert source.calls == []
    assert (measured.columns, measured.statistics) == (known.columns, "none")


async def test_a_source_without_tables_is_measured_at_once() -> None:
    measured = await measure([FakeSource(found())], found(), "full")
    assert (measured.statistics, measured.issues) == ("full", [])


async def test_what_goes_wrong_in_our_code_is_not_swallowed() -> None:
    def answer(sql: str) -> QueryResult:
        raise AssertionError(sql)

    with pytest.raises(AssertionError):
        await measure([FakeSource(shop("a"), answer)], shop("a"), "sample")
    assert not issubclass(AssertionError, SourceError)


def test_each_field_that_is_measured_is_one_of_a_column() -> None:
    fields = ColumnStatistics.model_fields
    assert {name: field.annotation for name, field in fields.items()} == {
        name: Column.model_fields[name].annotation for name in fields
    }
