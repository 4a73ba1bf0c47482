"""Stretches of days, as cells and sentences name them: a day, a month, a quarter, a year."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

_ISO: Final = re.compile(
    r"(?P<year>1[6-9]\d\d|20\d\d|21\d\d)(?:[-/]?(?:Q(?P<quarter>[1-4])|(?P<month>0[1-9]|1[0-2])(?:[-/]?(?P<day>[0-3]\d))?))?"
    r"(?:[ T]\d\d:.*)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Period:
    """The days from `first` until before `after`; `any_year` where a sentence names no year."""

    first: date
    after: date
    any_year: bool = False

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.after - self.first).days

    @property
    def is_day(self) -> bool:
        """Whether it is one day."""
        return self.days == 1

    def holds(self, other: Period) -> bool:
        """Whether all of the other lies within it, by month and day alone where it names no year."""
        if self.any_year:
            other = _moved(other, self.first.year)
        return self.first <= other.first and other.after <= self.after


def period(
    year: int, month: int | None = None, day: int | None = None, *, months: int = 0
) -> Period | None:
    """A year, a month, a day, or so many months from one on; None for a date that no calendar has."""
    try:
        first = date(year, month or 1, day or 1)
        if day:
            return Period(first, first + timedelta(days=1))
        length = months or (1 if month else 12)
        ending = first.year * 12 + first.month - 1 + length
        return Period(first, date(ending // 12, ending % 12 + 1, 1))
    except (ValueError, OverflowError):
        return None


def period_of_cell(cell: object) -> Period | None:
    """The days that a cell names: a date, a time, or text such as `2024-03-01`, `2024-03`, `2024-Q1`, `202403`."""
    match cell:
        case datetime() | date():
            return period(cell.year, cell.month, cell.day)
        case int() | Decimal() if not isinstance(cell, bool):
            return _written(str(cell))
        case str():
            return _written(cell.strip())
        case _:
            return None


def _written(text: str) -> Period | None:
    found = _ISO.fullmatch(text) if 4 <= len(text) <= 40 else None
    if found is None:
        return None
    year = int(found["year"])
    if found["quarter"]:
        return period(year, int(found["quarter"]) * 3 - 2, months=3)
    return period(year, *(int(found[part]) if found[part] else None for part in ("month", "day")))


def _moved(one: Period, year: int) -> Period:
    """The same days in another year; the 29th of February becomes the 1st of March."""
    first = _in_year(one.first, year)
    return Period(first, _in_year(one.after, year + one.after.year - one.first.year))


def _in_year(day: date, year: int) -> date:
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, 3, 1)
