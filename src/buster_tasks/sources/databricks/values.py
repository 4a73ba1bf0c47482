"""From the driver's values to ours, by the type that Databricks gives; never an error.

DECIMAL is Decimal; TIMESTAMP a datetime in UTC, which the session's zone is, TIMESTAMP_NTZ one without a zone; ARRAY,
MAP, STRUCT and VARIANT what their JSON holds; BINARY bytes; INTERVAL DAY TO SECOND timedelta, INTERVAL YEAR TO MONTH
its text. A JSON text that is none stays the text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from buster_tasks.sources.converting import Convert

_JSON = ("array", "map", "struct", "variant", "geography", "geometry")
_DAYS = re.compile(r"(-?)(\d+) (\d+):(\d+):(\d+)(?:\.(\d{1,6})\d*)?")
AMBIGUOUS = ("timestamp", "string")
"""What the driver calls types that it does not tell apart: with and without a zone, text and VARIANT."""


def converters(types: Sequence[str | None]) -> list[tuple[int, Convert]]:
    """What makes a value of the driver's, by the place of the column; the other columns are as they are."""
    return [(at, made) for at, name in enumerate(types) if (made := _converter(name or ""))]


def _converter(name: str) -> Convert | None:
    base = re.split(r"[<( ]", name.lower(), maxsplit=1)[0]
    if base in _JSON:
        return _json
    if base == "interval" or name.startswith("interval_day"):
        return _interval
    if base == "timestamp":
        return _zoned
    return bytes if base == "binary" else None


def _json(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _zoned(value: object) -> object:
    if not isinstance(value, datetime):
        return value
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _interval(value: object) -> object:
    match = _DAYS.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return value
    sign, days, hours, minutes, seconds, part = match.groups()
    made = timedelta(
        days=int(days), hours=int(hours), minutes=int(minutes), seconds=int(seconds),
        microseconds=int((part or "0").ljust(6, "0")),
    )  # fmt: skip
    return -made if sign else made
