"""Equal parts of what lies between the least and the greatest value, and how many values are in each."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any

from buster_tasks.sources.schema import HistogramBucket, NormalizedType
from buster_tasks.sources.statistics.values import is_finite, json_value

MOST_BUCKETS = 20
_MICROSECOND = timedelta(microseconds=1)
_NUMBERS = ("integer", "decimal", "float", "unknown")
_DATES = ("date", "timestamp", "timestamptz")


def histogram(
    normalized_type: NormalizedType,
    counts: Iterable[tuple[object, int]],
    scaled: Callable[[int], int] = int,
) -> list[HistogramBucket] | None:
    """The buckets of these values with how often each comes; None for types that have no distances.

    Values without a place among the others count nowhere: NaN, infinities, texts in a column of numbers.
    """
    kept: list[tuple[Any, int]] = [
        (at, count)
        for value, count in counts
        if (at := on_scale(normalized_type, value)) is not None
    ]
    try:
        kept.sort(key=lambda one: one[0])
    except TypeError:  # numbers beside dates, or some with a zone and some without
        return None
    if not kept:
        return None
    cuts: list[Any] = edges(kept[0][0], kept[-1][0])
    found = [0] * max(1, len(cuts) - 1)
    for value, count in kept:
        found[bisect_right(cuts, value, 1, max(1, len(cuts) - 1)) - 1] += count
    return buckets(cuts, [scaled(count) for count in found])


def buckets(cuts: Sequence[object], counts: Sequence[int]) -> list[HistogramBucket]:
    """Buckets between these edges."""
    told = [json_value(cut) for cut in cuts]
    pairs = zip(told, told[1:] or told, strict=False)
    return [
        HistogramBucket(low=low, high=high, count=count)
        for (low, high), count in zip(pairs, counts, strict=True)
    ]


def on_scale(normalized_type: NormalizedType, value: object) -> object | None:
    """The value where it has a distance to others of its type, else None; a date that is written as text is read."""
    if normalized_type in _NUMBERS:
        return value if is_finite(value) else None
    if normalized_type not in _DATES:
        return None
    if isinstance(value, str):
        return _read(normalized_type, value)
    return value if isinstance(value, date) else None


def edges(low: object, high: object) -> list[object]:
    """From the least to the greatest value, each type in its own steps; a single one where both are the same."""
    if low == high:
        return [low]
    if isinstance(low, int) and isinstance(high, int):
        return list(_steps(high - low, lambda step: low + step))
    if isinstance(low, datetime) and isinstance(high, datetime):
        return list(_steps((high - low) // _MICROSECOND, lambda step: low + step * _MICROSECOND))
    if isinstance(low, date) and isinstance(high, date):
        return list(_steps((high - low).days, lambda step: low + timedelta(days=step)))
    if isinstance(low, Decimal) and isinstance(high, Decimal):
        return list(_decimals(low, high))
    return list(_floats(float(low), float(high)))  # type: ignore[arg-type]  # a number, as nothing else is left


def _steps(span: int, at: Callable[[int], object]) -> Iterable[object]:
    """Whole steps, at most `MOST_BUCKETS`, rounded up, so that none is narrower than one."""
    number = min(MOST_BUCKETS, span)
    return [at(-(-span * part // number)) for part in range(number + 1)]


def _decimals(low: Decimal, high: Decimal) -> Iterable[object]:
    with localcontext() as context:
        context.prec = 200
        step = (high - low) / MOST_BUCKETS
        inner = [low + step * part for part in range(1, MOST_BUCKETS)]
        context.prec = max(len(low.as_tuple().digits), len(high.as_tuple().digits)) + 2
        return [low, *(+cut for cut in inner), high]


def _floats(low: float, high: float) -> Iterable[object]:
    # in two parts, since the distance of two numbers may be more than the largest number
    inner = [
        low * (1 - part / MOST_BUCKETS) + high * (part / MOST_BUCKETS)
        for part in range(1, MOST_BUCKETS)
    ]
    return [low, *(min(max(cut, low), high) for cut in inner), high]


def _read(normalized_type: NormalizedType, text: str) -> object | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.date() if normalized_type == "date" else found
