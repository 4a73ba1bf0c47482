"""From the bytes of a result to Python's values, by the type that the server gives; never an error.

DECIMAL is Decimal, DATE date, DATETIME and TIMESTAMP datetime without a zone (TIMESTAMP in the zone of the session),
TIME a time of day where it is one, else timedelta, JSON (MySQL's own) what it holds, BIT int, text str, and binary as
well as spatial values bytes (spatial: four bytes of SRID, then WKB). What Python's type cannot hold, such as the date
0000-00-00, stays the text that the server sent.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

Convert = Callable[[bytes], object]

_BINARY_CHARSET = 63
_UNSIGNED, _ENUM, _SET = 32, 256, 2048

_INTEGERS = {1: "tinyint", 2: "smallint", 3: "int", 8: "bigint", 9: "mediumint"}
_BLOBS = {249: "tinyblob", 250: "mediumblob", 251: "longblob", 252: "blob"}
_NAMES = {
    0: "decimal",
    4: "float",
    5: "double",
    6: "null",
    7: "timestamp",
    10: "date",
    11: "time",
    12: "datetime",
    13: "year",
    14: "date",
    16: "bit",
    242: "vector",
    245: "json",
    246: "decimal",
    255: "geometry",
}
_DAY = timedelta(days=1)
_MIDNIGHT = datetime(1970, 1, 1)  # noqa: DTZ001  # the day does not matter, a time has no zone


class Field(NamedTuple):
    """What the server tells about a column of a result."""

    name: str
    type_code: int
    charset: int
    flags: int


def type_name(field: Field) -> str:
    """The type as MySQL spells it, without lengths."""
    is_binary = field.charset == _BINARY_CHARSET
    if field.type_code in _INTEGERS:
        unsigned = " unsigned" if field.flags & _UNSIGNED else ""
        return _INTEGERS[field.type_code] + unsigned
    if field.type_code in _BLOBS:
        name = _BLOBS[field.type_code]
        return name if is_binary else name.replace("blob", "text")
    if field.type_code in _NAMES:
        return _NAMES[field.type_code]
    if field.flags & _ENUM:
        return "enum"
    if field.flags & _SET:
        return "set"
    base = "char" if field.type_code == 254 else "varchar"
    return base.replace("char", "binary") if is_binary else base


def converter(field: Field, encoding: str) -> Convert:
    """What makes a value of the bytes of this column."""
    made = _BY_CODE.get(field.type_code)
    if made is not None:
        return _or_text(made)
    if field.type_code == 16:
        return _bits
    return (lambda value: _text(value, encoding)) if _is_text(field) else bytes


def quick_converter(field: Field, encoding: str) -> Convert:
    """The same for nearly all values at a third of the cost; raises ValueError or ArithmeticError for the others."""
    if field.type_code in (*_INTEGERS, 13):
        return int
    if field.type_code not in _BY_CODE and _is_text(field) and encoding == "utf8":
        return bytes.decode
    return converter(field, encoding)


def is_bytes(field: Field) -> bool:
    """Whether its values are bytes; a column that is nothing but NULL has none."""
    return field.type_code != 6 and converter(field, "utf8") is bytes


def _is_text(field: Field) -> bool:
    return field.charset != _BINARY_CHARSET and field.type_code not in (16, 242, 255)


def _or_text(convert: Callable[[str], object]) -> Convert:
    def safely(value: bytes) -> object:
        text = value.decode("utf-8", "replace")
        try:
            return convert(text)
        except (ValueError, InvalidOperation, OverflowError, RecursionError):
            return text

    return safely


def _text(value: bytes, encoding: str) -> object:
    try:
        return value.decode(encoding)
    except UnicodeDecodeError:
        return value  # bytes rather than characters lost


def _bits(value: bytes) -> int:
    return int.from_bytes(value, "big")


def _time(text: str) -> object:
    sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text)
    hours, minutes, seconds = digits.split(":")
    length = timedelta(hours=int(hours), minutes=int(minutes), seconds=0)
    length = sign * (length + timedelta(microseconds=round(Decimal(seconds) * 1_000_000)))
    if timedelta(0) <= length < _DAY:
        return (_MIDNIGHT + length).time()
    return length


_BY_CODE: dict[int, Callable[[str], object]] = {
    **dict.fromkeys((*_INTEGERS, 13), int),
    **dict.fromkeys((0, 246), Decimal),
    **dict.fromkeys((4, 5), float),
    **dict.fromkeys((10, 14), date.fromisoformat),
    **dict.fromkeys((7, 12), datetime.fromisoformat),
    11: _time,
    245: json.loads,
}
