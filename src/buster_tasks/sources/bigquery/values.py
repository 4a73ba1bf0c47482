"""From the client's values to ours, by the type of the column.

The client makes NUMERIC and BIGNUMERIC Decimal, TIMESTAMP datetime in UTC, DATETIME datetime without a zone, JSON what
it holds, BYTES bytes, ARRAY a list, STRUCT a dict, RANGE a dict of `start` and `end`, and GEOGRAPHY text (WKT). An
INTERVAL, which it makes an object of another library, is a timedelta where it has no months, else BigQuery's own text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

Convert = Callable[[Any], object]


def type_name(field: Any) -> str:
    """The type as SQL spells it, of a field of a result's schema."""
    known = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}
    name = known.get(field.field_type, str(field.field_type))
    return f"ARRAY<{name}>" if field.mode == "REPEATED" else name


def converters(schema: Sequence[Any]) -> list[tuple[int, Convert]]:
    """What has still to be made of which columns."""
    found = ((at, _converter(field)) for at, field in enumerate(schema))
    return [(at, convert) for at, convert in found if convert is not None]


def converted(values: tuple[object, ...], made: list[tuple[int, Convert]]) -> tuple[object, ...]:
    """The row with these columns converted."""
    if not made:
        return values
    row = list(values)
    for at, convert in made:
        row[at] = convert(row[at])
    return tuple(row)


def _converter(field: Any) -> Convert | None:
    one: Convert | None = None
    if field.field_type == "INTERVAL":
        one = _interval
    elif field.fields:
        inner = {part.name: _converter(part) for part in field.fields}
        if any(inner.values()):
            one = _of_struct(inner)
    if one is None or field.mode != "REPEATED":
        return one
    return _of_array(one)


def _of_array(one: Convert) -> Convert:
    return lambda values: values if values is None else [one(value) for value in values]


def _of_struct(inner: dict[str, Convert | None]) -> Convert:
    def convert(value: Any) -> object:
        if value is None:
            return None
        made = ((name, inner.get(name)) for name in value)
        return {name: value[name] if one is None else one(value[name]) for name, one in made}

    return convert


def _interval(value: Any) -> object:
    if value is None:
        return None
    days = int(value.days)
    time = timedelta(
        hours=value.hours,
        minutes=value.minutes,
        seconds=value.seconds,
        microseconds=value.microseconds,
    )
    months = 12 * int(value.years) + int(value.months)
    if months == 0:
        return timedelta(days=days) + time
    years, months_left = divmod(abs(months), 12)
    sign, clock = "-" if time < timedelta(0) else "", abs(time)
    hours, rest = divmod(clock, timedelta(hours=1))
    minutes, seconds = divmod(rest, timedelta(minutes=1))
    parts = f"{seconds.seconds}.{seconds.microseconds:06}".rstrip("0").rstrip(".")
    return (
        f"{'-' if months < 0 else ''}{years}-{months_left} {days} {sign}{hours}:{minutes}:{parts}"
    )
