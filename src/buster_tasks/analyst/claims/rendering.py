"""Values as a sentence shows them: thousands, decimals, percents, currencies, dates, months."""

from __future__ import annotations

from calendar import month_name
from datetime import date, datetime, time
from decimal import Decimal
from typing import Final

from buster_tasks.analyst.claims.currency import SIGNS
from buster_tasks.analyst.claims.expression import rounded
from buster_tasks.analyst.claims.period import period_of_cell
from buster_tasks.analyst.evidence import shown
from buster_tasks.analyst.findings import ValueFormat

NOTHING: Final = "no value"
_DECIMALS: Final = 2
_SIGNIFICANT: Final = 3


class FormatMismatchError(Exception):
    """A value is not of the sort that its format shows."""


def render(
    value: object, shape: ValueFormat, *, decimals: int | None = None, unit: str = ""
) -> str:
    """The text of a value: `1,234.5`, `12.5%`, `$1,234.50`, `2024-03-01`, `March 2024`.

    Percent takes a fraction: 0.125 is 12.5%. Numbers are rounded half up; without `decimals`, to two (small ones to
    three digits, a percent to one), and no zeros behind. None is `no value`. Raises FormatMismatchError.
    """
    if value is None:
        return NOTHING
    match shape:
        case "text":
            text = str(shown(value))
        case "date" | "month":
            text = _day(value) if shape == "date" else _month(value)
        case "auto" if not isinstance(value, Decimal):
            text = _plain(value)
        case _:
            return _number(value, shape, decimals, unit)
    return f"{text} {unit}" if unit else text


def _number(value: object, shape: ValueFormat, decimals: int | None, unit: str) -> str:
    if not isinstance(value, Decimal):
        raise FormatMismatchError(f"{_plain(value)[:80]!r} is no number")
    match shape:
        case "percent":
            return f"{digits(value.scaleb(2), 1 if decimals is None else decimals, cut=decimals is None)}%"
        case "currency":
            return _money(value, decimals, unit)
        case "integer":
            text = digits(value, 0)
        case _:
            places = _places(value) if decimals is None else decimals
            text = digits(value, places, cut=decimals is None)
    if unit and unit in SIGNS:
        return _money(value, decimals, unit)
    return f"{text}%" if unit == "%" else f"{text} {unit}".rstrip()


def digits(value: Decimal, places: int, *, cut: bool = False) -> str:
    """The number with thousands apart; `cut` leaves out zeros at the end of its decimals."""
    text = format(rounded(value, places), ",f")
    if cut and "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.removeprefix("-") if Decimal(text.replace(",", "")) == 0 else text


def _money(value: Decimal, decimals: int | None, unit: str) -> str:
    whole = value == value.to_integral_value()
    places = decimals if decimals is not None else (0 if whole else _DECIMALS)
    text = digits(value, places)
    if unit and unit in SIGNS:
        return f"-{unit}{text[1:]}" if text.startswith("-") else f"{unit}{text}"
    return f"{text} {unit}".rstrip()


def _places(value: Decimal) -> int:
    """Two, or what shows three digits of a number near zero."""
    if value == 0 or value.adjusted() >= -1:
        return _DECIMALS
    return min(_SIGNIFICANT - 1 - value.adjusted(), 30)


def _plain(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case datetime():
            return value.isoformat(sep=" ", timespec="seconds")
        case date() | time():
            return value.isoformat()
        case _:
            return str(shown(value))


def _day(value: object) -> str:
    if isinstance(value, date):  # a datetime is one too
        return value.isoformat()[:10]
    period = period_of_cell(value)
    if period is None:
        raise FormatMismatchError(f"{_plain(value)[:80]!r} is no date")
    return period.first.isoformat() if period.is_day else _plain(value)


def _month(value: object) -> str:
    period = period_of_cell(value)
    if period is None or period.days > 31:
        raise FormatMismatchError(f"{_plain(value)[:80]!r} is no month")
    return f"{month_name[period.first.month]} {period.first.year}"
