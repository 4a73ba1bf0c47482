"""Values of a source as statistics tell them: in JSON, short, and in an order of their own whatever their types are."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from numbers import Number

from pydantic import JsonValue

_LONGEST_TEXT = 200
_LONGEST_BYTES = 32
_MARK = "…"

OrderKey = tuple[int, object]


def json_value(value: object) -> JsonValue:
    """The value in JSON: numbers as such, Decimals, dates and the like as text, bytes as hexadecimal digits.

    A long text is cut and ends in an ellipsis.
    """
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, bytes | bytearray):
        return _bytes(bytes(value))
    return shortened(_text(value))


def shortened(text: str) -> str:
    """The text, cut where it is long, without what UTF-8 cannot write."""
    if len(text) > _LONGEST_TEXT:
        text = text[: _LONGEST_TEXT - 1] + _MARK
    return text.encode("utf-8", "replace").decode()


def order_key(value: object) -> OrderKey:
    """What values are sorted by: numbers, then dates and times, then texts, then bytes. NaN has no place: see is_nan.

    Dates that Python has no value for come as text, and stand before or behind all others as they should.
    """
    if isinstance(value, Number):
        return 1, value
    if isinstance(value, datetime | date | time | timedelta):
        return 3, value
    if isinstance(value, str):
        return 5, value
    return 6, bytes(value) if isinstance(value, bytes | bytearray) else _text(value)


def date_key(value: object) -> OrderKey:
    """The same among dates, of which a text is one that Python cannot hold."""
    if not isinstance(value, str):
        return order_key(value)
    if value == "-infinity" or value.startswith("0000"):  # the latter is no date to anybody
        return 0, (-1, 0)
    if value.endswith("BC"):
        year, _, rest = value.partition("-")
        return 0, (0, -int(year) if year.isdigit() else 0, rest)
    digits = value.partition("-")[0]
    if digits.isdigit() and len(digits) > len("9999"):
        return 4, (0, int(digits), value)
    # a source without dates has texts in their place, which are in order when all are written alike
    return (4, (1,)) if value == "infinity" else (2, value)


def is_nan(value: object) -> bool:
    """Whether it is a number that is none."""
    return value != value  # noqa: PLR0124 - which is so of nothing else that a source has


def is_finite(value: object) -> bool:
    """Whether it is a number that a histogram can have."""
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return True
    return (isinstance(value, float) and math.isfinite(value)) or (
        isinstance(value, Decimal) and value.is_finite()
    )


def _float(value: float) -> JsonValue:
    if math.isfinite(value):
        return value + 0.0  # no negative zero
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _bytes(value: bytes) -> str:
    digits = value[:_LONGEST_BYTES].hex()
    return f"0x{digits}{_MARK if len(value) > _LONGEST_BYTES else ''}"


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _decimal(value: Decimal) -> str:
    """Its digits without an exponent, unless that would be endless."""
    if not value.is_finite() or abs(value.adjusted()) > _LONGEST_TEXT:
        return str(value)
    return format(value or abs(value), "f")


def _duration(value: timedelta) -> str:
    """In days and seconds as ISO 8601 writes them."""
    sign, length = ("-", -value) if value < timedelta(0) else ("", value)
    seconds = Decimal(length.seconds) + Decimal(length.microseconds) / 1_000_000
    return f"{sign}P{length.days}DT{seconds.normalize():f}S"
