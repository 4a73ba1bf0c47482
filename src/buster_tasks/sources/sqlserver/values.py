"""Values by the type that the server gives, where the driver's own choice is another or none.

A uniqueidentifier is UUID, datetimeoffset datetime with its zone, decimal and money Decimal, bit bool, varbinary and
the server's own binary types (geography, hierarchyid) bytes, xml str; of date, time and datetime2 the seventh decimal
of a second is cut off, as Python has six.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

GUID, DATETIMEOFFSET, UDT = -11, -155, -151
_MOMENT = struct.Struct("<hHHHHHIhh")
_INTEGERS = {3: "tinyint", 5: "smallint", 10: "int", 19: "bigint"}
_CONVERTED: dict[type, str] = {UUID: "uniqueidentifier", datetime: "datetimeoffset"}
_NAMES: dict[type, str] = {
    bool: "bit",
    date: "date",
    time: "time",
    datetime: "datetime2",
    str: "nvarchar",
    bytes: "varbinary",
    bytearray: "varbinary",
}


def moment(data: bytes) -> datetime:
    """A datetimeoffset of the bytes of SQL_SS_TIMESTAMPOFFSET_STRUCT."""
    year, month, day, hour, minute, second, nanoseconds, hours, minutes = _MOMENT.unpack(data)
    zone = timezone(timedelta(hours=hours, minutes=minutes))
    return datetime(year, month, day, hour, minute, second, nanoseconds // 1_000, zone)


def guid(data: bytes) -> UUID:
    """A uniqueidentifier of its sixteen bytes."""
    return UUID(bytes_le=data)


CONVERTERS: Mapping[int, Callable[[bytes], object]] = {GUID: guid, DATETIMEOFFSET: moment}
"""By the number of the SQL type; pyodbc leaves NULL to itself."""


def type_name(described: Sequence[Any], values: Iterable[object]) -> str | None:
    """The type of a column of a result, as near as the driver tells it: the family for texts, bytes and moments.

    Of what `CONVERTERS` make the driver says that it is text, so the first of the values tells.
    """
    kind, precision, scale = described[1], described[4], described[5]
    if kind is int:
        return _INTEGERS.get(precision, "bigint")
    if kind is Decimal:
        return f"decimal({precision},{scale})"
    if kind is float:
        return "real" if precision == 24 else "float"
    first = next((value for value in values if value is not None), None) if kind is str else None
    return _CONVERTED.get(type(first)) or _NAMES.get(kind)
