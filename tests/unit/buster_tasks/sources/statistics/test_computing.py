from collections import Counter
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, strategies as st

from buster_tasks.sources.schema import NormalizedType
from buster_tasks.sources.statistics import ColumnStatistics, TargetColumn
from buster_tasks.sources.statistics.computing import (
    MOST_TOP_VALUES,
    Cells,
    duj1,
    summarize,
    top,
)
from buster_tasks.sources.statistics.values import json_value

VALUES: dict[NormalizedType, st.SearchStrategy[Any]] = {
    "integer": st.integers(-(10**20), 10**20) | st.integers(0, 5),
    "decimal": st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**30), max_value=10**30),
    "float": st.floats(allow_nan=False),
    "text": st.text(max_size=5),
    "date": st.dates(),
    "timestamp": st.datetimes(),
    "time": st.times(),
    "boolean": st.booleans(),
    "uuid": st.uuids(),
}  # fmt: skip


def columns_of(kind: NormalizedType) -> st.SearchStrategy[tuple[NormalizedType, list[Any]]]:
    return st.tuples(st.just(kind), st.lists(st.none() | VALUES[kind], max_size=60))


any_column = st.sampled_from(list(VALUES)).flatmap(columns_of)


def column(kind: NormalizedType, name: str = "c") -> TargetColumn:
    return TargetColumn(name=name, normalized_type=kind)


def whole(kind: NormalizedType, values: list[Any]) -> ColumnStatistics:
    return summarize(column(kind), Cells(values), rows=None, is_whole=True)


@given(any_column)
def test_the_whole_is_told_as_a_naive_count_tells_it(
    given: tuple[NormalizedType, list[Any]],
) -> None:
    kind, values = given
    told = whole(kind, values)
    present = [value for value in values if value is not None]
    assert told.statistics_kind == "exact"
    assert told.measured_rows == len(values)
    assert told.null_count == values.count(None)
    assert told.distinct_count == len(set(present))
    if kind in ("boolean", "uuid"):
        assert (told.min_value, told.max_value) == (None, None)
    elif present:
        assert told.min_value == json_value(min(present))
        assert told.max_value == json_value(max(present))
    counts = Counter(present)
    for one in told.top_values or []:
        assert one.count in {
            count for value, count in counts.items() if json_value(value) == one.value
        }
    if counts and (counts.most_common(1)[0][1] > 1 or len(counts) <= MOST_TOP_VALUES):
        told_counts = [one.count for one in told.top_values or []]
        assert told_counts == [count for _, count in counts.most_common(MOST_TOP_VALUES)]
    else:
        assert told.top_values is None


@given(any_column)
def test_a_histogram_holds_each_value_once_in_its_place(
    given: tuple[NormalizedType, list[Any]],
) -> None:
    kind, values = given
    told = whole(kind, values).histogram
    finite = [value for value in values if value is not None and abs_is_finite(value)]
    if kind not in ("integer", "decimal", "float", "date", "timestamp") or not finite:
        assert told is None
        return
    assert told is not None
    assert sum(one.count for one in told) == len(finite)
    assert (told[0].low, told[-1].high) == (json_value(min(finite)), json_value(max(finite)))
    assert [one.high for one in told[:-1]] == [one.low for one in told[1:]]
    for at, one in enumerate(told):
        last = at == len(told) - 1
        low, high = parsed(kind, one.low), parsed(kind, one.high)
        within = [value for value in finite if low <= value < high or (last and value == high)]
        assert one.count == len(within)


def abs_is_finite(value: Any) -> bool:
    return not isinstance(value, float) or abs(value) < float("inf")


def parsed(kind: NormalizedType, value: Any) -> Any:
    if kind == "decimal":
        return Decimal(value)
    if kind == "date":
        return date.fromisoformat(value)
    return datetime.fromisoformat(value) if kind == "timestamp" else value


@given(
    st.lists(st.none() | st.integers(0, 50), min_size=1, max_size=80),
    st.integers(0, 10_000),
)
def test_estimates_stay_within_what_can_be(values: list[int | None], more: int) -> None:
    rows = len(values) + more
    told = summarize(column("integer"), Cells(values), rows=rows, is_whole=False)
    present = [value for value in values if value is not None]
    assert told.statistics_kind == "estimate"
    assert told.distinct_count is not None
    assert told.null_count is not None
    assert len(set(present)) <= told.distinct_count <= max(len(set(present)), rows)
    assert 0 <= told.null_count <= rows
    assert told.null_count + told.distinct_count <= rows + 1


@given(st.integers(1, 1_000), st.integers(1, 10))
def test_values_that_come_again_are_not_more_than_were_seen(distinct: int, times: int) -> None:
    measured = distinct * (times + 1)
    assert duj1(distinct, 0, measured, measured * 100) == distinct


def test_values_of_which_none_comes_again_are_all_different() -> None:
    assert duj1(1_000, 1_000, 1_000, 5_000_000) == 5_000_000
    assert duj1(0, 0, 0, 100) == 0


def test_counts_of_a_sample_speak_of_the_table() -> None:
    values = [*["a"] * 60, *["b"] * 20, *[None] * 20]
    told = summarize(column("text"), Cells(values), rows=10_000, is_whole=False)
    assert told.null_count == 2_000
    assert [(one.value, one.count) for one in told.top_values or []] == [("a", 6_000), ("b", 2_000)]
    assert (told.distinct_count, told.measured_rows) == (2, 100)


def test_without_a_number_of_rows_nothing_is_counted() -> None:
    told = summarize(column("integer"), Cells([1, 1, None]), rows=None, is_whole=False)
    assert (told.null_count, told.distinct_count, told.top_values, told.histogram) == (None,) * 4
    assert (told.min_value, told.max_value, told.measured_rows) == (1, 1, 3)


def test_nan_is_one_value_without_an_order() -> None:
    told = whole("float", [float("nan"), float("nan"), 1.0, -0.0, 0.0, float("-inf")])
    assert told.distinct_count == 4
    assert (told.min_value, told.max_value) == ("-Infinity", 1.0)
    assert [(one.value, one.count) for one in told.top_values or []][:2] == [(0.0, 2), ("NaN", 2)]
    assert sum(one.count for one in told.histogram or []) == 3
    assert whole("decimal", [Decimal("NaN")]).min_value is None


def test_values_of_several_types_are_in_an_order() -> None:
    told = whole("unknown", ["b", 2, b"\x00\xff", 1.5, None])
    assert (told.min_value, told.max_value) == (1.5, "0x00ff")
    assert told.distinct_count == 4


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        (["infinity", date(1969, 7, 20), "-infinity"], "-infinity", "infinity"),
        (["0044-03-15 BC", "0100-01-01 BC", date(1, 1, 1)], "0100-01-01 BC", "0001-01-01"),
        ([date(9999, 12, 31), "10000-01-01", "20000-01-01"], "9999-12-31", "20000-01-01"),
        (["0000-00-00", date(2024, 1, 1)], "0000-00-00", "2024-01-01"),
    ],
)
def test_dates_that_python_cannot_hold_have_their_place(
    values: list[Any], low: str, high: str
) -> None:
    told = whole("date", values)
    assert (told.min_value, told.max_value) == (low, high)


def test_dates_that_are_texts_have_a_histogram() -> None:
    told = whole("date", ["2024-01-01", "2024-01-11", "never"])
    assert [one.count for one in told.histogram or []] == [1, *[0] * 8, 1]


def test_some_times_with_a_zone_have_no_order() -> None:
    aware = datetime.fromisoformat("2024-01-01T00:00:00+00:00")
    told = whole("timestamp", [datetime.fromisoformat("2024-01-01T00:00:00"), aware])
    assert (told.min_value, told.histogram, told.distinct_count) == (None, None, 2)


def test_lengths_are_those_of_the_whole_values() -> None:
    cells = Cells(["abc", "abc", None], [3, 5_000, None], was_cut=True)
    told = summarize(column("text"), cells, rows=None, is_whole=True)
    assert (told.shortest_length, told.longest_length, told.average_length) == (3, 5_000, 2501.5)
    # two values that begin alike may be the same or not
    assert told.statistics_kind == "estimate"


@pytest.mark.parametrize("kind", ["array", "struct", "geography", "binary"])
def test_what_cannot_be_compared_has_its_nulls_counted_alone(kind: NormalizedType) -> None:
    told = whole(kind, [1, None])
    known = told.model_dump(exclude_none=True)
    assert known == {"statistics_kind": "exact", "measured_rows": 2, "null_count": 1}


def test_equally_frequent_values_come_in_order() -> None:
    assert [value for value, _ in top(column("integer"), [(3, 1), (1, 1), (2, 5)])] == [2, 1, 3]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (Decimal("1E+5"), "100000"),
        (Decimal("-0.00"), "0.00"),
        (Decimal("1E+9999"), "1E+9999"),
        (time(1, 2, 3), "01:02:03"),
        (timedelta(days=-1, seconds=5), "-P0DT86395S"),
        (timedelta(hours=30, microseconds=5), "P1DT21600.000005S"),
        (b"\x00" * 40, "0x" + "00" * 32 + "…"),
        ("x" * 201, "x" * 199 + "…"),
        ("\ud800", "?"),
        ({"a": [1, None]}, '{"a": [1, null]}'),
        (-0.0, 0.0),
        (10**40, 10**40),
        (True, True),
    ],
)
def test_values_are_json(value: object, told: object) -> None:
    assert json_value(value) == told
    assert str(json_value(value)) == str(told)
