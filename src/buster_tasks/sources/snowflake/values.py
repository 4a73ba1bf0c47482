"""From the driver's values to ours, by the type that Snowflake gives; never an error.

NUMBER is int, or Decimal where it has decimals; FLOAT float; TIMESTAMP_NTZ datetime without a zone, TIMESTAMP_LTZ and
TIMESTAMP_TZ with one (as a fixed offset); VARIANT, OBJECT, ARRAY, MAP, VECTOR, GEOGRAPHY and GEOMETRY what their JSON
holds; BINARY bytes. A JSON text that is none stays the text.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, NamedTuple

from buster_tasks.sources.converting import Convert

_NAMES = {
    0: "NUMBER", 1: "FLOAT", 2: "VARCHAR", 3: "DATE", 4: "TIMESTAMP_NTZ", 5: "VARIANT", 6: "TIMESTAMP_LTZ",
    7: "TIMESTAMP_TZ", 8: "TIMESTAMP_NTZ", 9: "OBJECT", 10: "ARRAY", 11: "BINARY", 12: "TIME", 13: "BOOLEAN",
    14: "GEOGRAPHY", 15: "GEOMETRY", 16: "VECTOR", 17: "MAP", 18: "FILE", 19: "INTERVAL YEAR TO MONTH",
    20: "INTERVAL DAY TO SECOND", 21: "DECFLOAT",
}  # fmt: skip
_NUMBER, _JSON = 0, (5, 9, 10, 14, 15, 16, 17, 18)


class Field(NamedTuple):
    """What the driver tells about a column of a result."""

    name: str
    type_code: int
    precision: int | None
    scale: int | None


def fields_of(description: Sequence[Any] | None) -> list[Field]:
    """The columns of a result, from the cursor's `description`."""
    return [Field(str(entry[0]), int(entry[1]), entry[4], entry[5]) for entry in description or ()]


def type_name(field: Field) -> str | None:
    """The type as Snowflake spells it; None for one that is newer than this."""
    name = _NAMES.get(field.type_code)
    if field.type_code == _NUMBER and field.precision is not None:
        return f"{name}({field.precision},{field.scale or 0})"
    return name


def converters(fields: Sequence[Field]) -> list[tuple[int, Convert]]:
    """What makes a value of the driver's, by the place of the column; the other columns are as they are."""
    return [(at, made) for at, field in enumerate(fields) if (made := _converter(field))]


def _converter(field: Field) -> Convert | None:
    if field.type_code == _NUMBER:
        return _decimal if field.scale else _integer
    if field.type_code in _JSON:
        return _json
    return _BY_CODE.get(field.type_code)


def _integer(value: object) -> object:
    return int(value) if isinstance(value, (Decimal, float)) else value


def _decimal(value: object) -> object:
    return value if isinstance(value, Decimal) else Decimal(str(value))


def _json(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _zoned(value: object) -> object:
    if not isinstance(value, datetime) or value.tzinfo is None:
        return value
    return value.replace(tzinfo=timezone(value.utcoffset() or timedelta(0)))


_BY_CODE: dict[int, Convert] = {6: _zoned, 7: _zoned, 11: bytes}
