"""Statistics of a column from the values that were read of it; pure, in Python's own types, which lose nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from pydantic import JsonValue

from buster_tasks.sources.schema import NormalizedType, TopValue
from buster_tasks.sources.statistics.histogram import histogram
from buster_tasks.sources.statistics.model import ColumnStatistics, TargetColumn
from buster_tasks.sources.statistics.semantics import semantic_type
from buster_tasks.sources.statistics.values import (
    date_key,
    is_nan,
    json_value,
    order_key,
)

MOST_TOP_VALUES = 10
MOST_SAMPLE_VALUES = 10
_DATES = ("date", "timestamp", "timestamptz")
_ORDERED = ("integer", "decimal", "float", "text", "time", "unknown", *_DATES)
_COUNTED = ("boolean", "uuid", "interval", *_ORDERED)
_NAN = float("nan")
_ORDERED_BY_THEMSELVES: set[type] = {int, float, Decimal, date, datetime, time}

Counts = Sequence[tuple[object, int]]
Key = Callable[[object], Any]


@dataclass(frozen=True, slots=True)
class Cells:
    """What was read of a column: a value for each row (None for null), cut where it is long, and its whole length."""

    values: Sequence[object]
    lengths: Sequence[int | None] | None = None
    was_cut: bool = False


def is_counted(column: TargetColumn) -> bool:
    """Whether values of its type are told apart and counted."""
    return column.normalized_type in _COUNTED


def is_ordered(column: TargetColumn) -> bool:
    """Whether the least and the greatest value of its type say something."""
    return column.normalized_type in _ORDERED


def summarize(
    column: TargetColumn, cells: Cells, *, rows: int | None, is_whole: bool
) -> ColumnStatistics:
    """The statistics of a column of a table with `rows` rows (None: nobody knows), of which the cells are some or all.

    Of a part of the rows, counts are scaled to all of them, distinct values are those that Duj1 expects (Haas and
    Stokes 1998), and least, greatest and lengths are those of the part.
    """
    measured = len(cells.values)
    total = measured if is_whole else rows
    present = measured - sum(1 for value in cells.values if value is None)
    known: dict[str, object] = {
        "statistics_kind": "exact" if is_whole and not cells.was_cut else "estimate",
        "measured_rows": measured,
        "null_count": _scaled(measured - present, measured, total),
        **_lengths(cells.lengths),
    }
    if column.normalized_type in ("json", "unknown") or is_counted(column):
        counts = counted(cells.values)
        known["sample_values"] = _samples(counts)
        values = [value for value, _count in counts]
        known["semantic_type"] = semantic_type(
            column.name, column.normalized_type, values, rows=present
        )
        if is_counted(column):
            scale = None if total is None else _Scale(present, measured, total)
            known |= _of_counts(column, counts, scale)
    return ColumnStatistics.model_validate(known)


def of_frequencies(column: TargetColumn, counts: Counts) -> dict[str, object]:
    """Top values, histogram and semantic type of a column of which each value is known with its number of rows."""
    known = _of_counts(column, counts, _Scale.whole(counts))
    values = [value for value, _count in counts]
    rows = sum(count for _value, count in counts)
    return {
        "top_values": known["top_values"],
        "histogram": known["histogram"],
        "semantic_type": semantic_type(column.name, column.normalized_type, values, rows=rows),
    }


def counted(values: Iterable[object]) -> list[tuple[object, int]]:
    """Each value but null with how often it comes, in the order of their first coming; NaN is one value."""
    try:
        counter: Counter[object] = Counter(value for value in values if value is not None)
    except TypeError:  # lists and the like
        counter = Counter(_hashable(value) for value in values if value is not None)
    nans = [value for value in counter if value != value]  # noqa: PLR0124 - as NaN alone does
    if nans:
        counter[_NAN] = sum(counter.pop(value) for value in nans)
    return list(counter.items())


def bounds(column: TargetColumn, values: Iterable[object]) -> tuple[object, object] | None:
    """The least and the greatest value; None where there is none, or where they cannot be compared. NaN is no value."""
    kept: list[Any] = [value for value in values if not is_nan(value)]
    key = _key_of(column.normalized_type, kept)
    try:
        return (min(kept, key=key), max(kept, key=key)) if kept else None
    except TypeError:  # some with a zone and some without
        return None


def top(column: TargetColumn, counts: Counts) -> Counts:
    """The most frequent, equally frequent ones by value; empty where none comes twice and they are many."""
    numbers = sorted((count for _value, count in counts), reverse=True)
    if len(numbers) > MOST_TOP_VALUES and numbers[0] < 2:
        return []
    least = numbers[:MOST_TOP_VALUES][-1] if numbers else 0
    ahead = [one for one in counts if one[1] >= least]
    key = _key_of(column.normalized_type, [value for value, _count in ahead]) or _itself
    try:
        ahead.sort(key=lambda one: (-one[1], is_nan(one[0]), key(one[0])))
    except TypeError:
        ahead.sort(key=lambda one: (-one[1], str(one[0])))
    return ahead[:MOST_TOP_VALUES]


def duj1(distinct: int, once: int, measured: int, total: int) -> int:
    """How many distinct values `total` have when `measured` of them have so many, of which some came only once."""
    if measured == 0 or total <= measured:
        return distinct
    estimate = measured * distinct / (measured - once + once * measured / total)
    return max(distinct, min(total, round(estimate)))


@dataclass(frozen=True, slots=True)
class _Scale:
    """From what was read to the whole: rows with a value, rows read, rows of the table."""

    present: int
    measured: int
    total: int

    @classmethod
    def whole(cls, counts: Counts) -> _Scale:
        rows = sum(count for _value, count in counts)
        return cls(rows, rows, rows)

    def of(self, count: int) -> int:
        return _scaled(count, self.measured, self.total) or 0

    def distinct(self, counts: Counts) -> int:
        once = sum(1 for _value, count in counts if count == 1)
        total = max(self.present, self.of(self.present))
        return duj1(len(counts), once, self.present, total)


def _of_counts(column: TargetColumn, counts: Counts, scale: _Scale | None) -> dict[str, object]:
    """What follows from the values and how often each comes; without a scale only what needs no number of rows."""
    known: dict[str, object] = {"top_values": None, "histogram": None}
    found = bounds(column, (value for value, _count in counts)) if is_ordered(column) else None
    if found is not None:
        known["min_value"], known["max_value"] = map(json_value, found)
    if scale is not None:
        known["distinct_count"] = scale.distinct(counts)
        known["top_values"] = [
            TopValue(value=json_value(value), count=scale.of(count))
            for value, count in top(column, counts)
        ] or None
        known["histogram"] = histogram(column.normalized_type, counts, scale.of)
    return known


def _scaled(count: int, measured: int, total: int | None) -> int | None:
    if total is None:
        return None
    return count if measured in (0, total) else round(count * total / measured)


def _lengths(lengths: Sequence[int | None] | None) -> dict[str, object]:
    known = [length for length in lengths or () if length is not None]
    if not known:
        return {}
    return {
        "shortest_length": min(known),
        "longest_length": max(known),
        "average_length": round(sum(known) / len(known), 2),
    }


def _samples(counts: Counts) -> list[JsonValue] | None:
    return [json_value(value) for value, _count in counts[:MOST_SAMPLE_VALUES]] or None


def _key_of(normalized_type: NormalizedType, values: Iterable[object]) -> Key | None:
    """What to order the values by; None where they are in order by themselves, which is the quicker."""
    kinds = set(map(type, values))
    is_date = normalized_type in _DATES
    if len(kinds) == 1 and kinds <= (
        _ORDERED_BY_THEMSELVES if is_date else {*_ORDERED_BY_THEMSELVES, str}
    ):
        return None
    return date_key if is_date else order_key


def _itself(value: object) -> Any:
    return value


def _hashable(value: object) -> object:
    return json_value(value) if isinstance(value, list | dict) else value  # pyright: ignore[reportUnknownArgumentType]  # of anything
