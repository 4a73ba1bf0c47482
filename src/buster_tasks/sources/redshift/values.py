"""Values of a result as Python's own types, from the text that Redshift sends, by the number of their type.

By type: bool, int, float, Decimal, str, bytes (VARBYTE), date, time, datetime (with its zone for TIMESTAMPTZ),
timedelta (INTERVAL DAY TO SECOND), dict and list and the like from SUPER, lists from the catalog's arrays. As text:
dates that Python cannot hold (`infinity`, before year 1 or after 9999), intervals of months or years, which are no
fixed time, GEOMETRY and GEOGRAPHY (as hex), HLLSKETCH and the rest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

Convert = Callable[[bytes, int, int], Any]
"""What makes a value of a part of a message: all of it, where the value begins, and its length."""

_HEADER = 4
_INTERVAL = re.compile(
    r"(?:(?P<days>[-+]?\d+) days?)? ?(?:(?P<sign>[-+]?)(?P<hours>\d+):(?P<minutes>\d\d):(?P<seconds>\d\d(?:\.\d+)?))?"
)
_ITEM = re.compile(r'"((?:[^"\\]|\\.)*)"|([^,{}"]+)')
_NAMES = {
    16: "boolean", 17: "bytea", 18: '"char"', 19: "name", 20: "bigint", 21: "smallint", 23: "integer", 25: "text",
    26: "oid", 114: "json", 700: "real", 701: "double precision", 1005: "smallint[]", 1007: "integer[]",
    1009: "text[]", 1042: "character", 1043: "character varying", 1082: "date", 1083: "time without time zone",
    1114: "timestamp without time zone", 1184: "timestamp with time zone", 1186: "interval",
    1188: "interval year to month", 1190: "interval day to second", 1266: "time with time zone", 1700: "numeric",
    2950: "uuid", 3000: "geometry", 3001: "geography", 3802: "jsonb", 4000: "super", 6551: "varbyte",
}  # fmt: skip
_SIZED = (1042, 1043, 6551)
_NUMERIC = 1700


def converters() -> dict[int, Convert]:
    """What reads the text of each type, by its number; 25 is for all that are not here."""
    return {oid: _of(read) for oid, read in _READERS.items()}


def type_name(oid: int, modifier: int) -> str | None:
    """The type's name as Redshift writes it; None for one that is not known here."""
    name = _NAMES.get(oid)
    if name is None or modifier < _HEADER:
        return name
    if oid in _SIZED:
        return f"{name}({modifier - _HEADER})"
    if oid == _NUMERIC:
        packed = modifier - _HEADER
        return f"{name}({packed >> 16},{packed & 0xFFFF})"
    return name


def _of(read: Callable[[str], Any]) -> Convert:
    def convert(data: bytes, offset: int, length: int) -> Any:
        text = data[offset : offset + length].decode("utf-8", "replace")
        try:
            return read(text)
        except (ValueError, ArithmeticError, RecursionError):
            return text  # an error here would leave the rest of the message unread

    return convert


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("\\x"))


def _interval(text: str) -> object:
    match = _INTERVAL.fullmatch(text)
    if match is None or not text:
        return text
    seconds = Decimal(match["seconds"] or 0)
    part = timedelta(
        hours=int(match["hours"] or 0),
        minutes=int(match["minutes"] or 0),
        microseconds=int(seconds * 1_000_000),
    )
    days = timedelta(days=int(match["days"] or 0))
    return days - part if match["sign"] == "-" else days + part


def _array(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """One dimension, as all arrays of the catalog have."""

    def items(text: str) -> list[Any]:
        found: list[Any] = []
        for quoted, plain in _ITEM.findall(text[1:-1]):
            if plain:
                found.append(None if plain == "NULL" else read(plain))
            else:
                found.append(read(re.sub(r"\\(.)", r"\1", quoted)))
        return found

    return items


def _bool(text: str) -> bool:
    return text in ("t", "true", "1")


_READERS: dict[int, Callable[[str], Any]] = {
    16: _bool,
    17: _bytes,
    20: int,
    21: int,
    23: int,
    25: str,
    26: int,
    28: int,
    114: json.loads,
    700: float,
    701: float,
    1005: _array(int),
    1007: _array(int),
    1009: _array(str),
    1015: _array(str),
    1082: date.fromisoformat,
    1083: time.fromisoformat,
    1114: datetime.fromisoformat,
    1184: datetime.fromisoformat,
    1186: _interval,
    1190: _interval,
    1266: time.fromisoformat,
    1700: Decimal,
    2950: UUID,
    3802: json.loads,
    4000: json.loads,
    6551: _bytes,
}
