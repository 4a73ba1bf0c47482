"""The cells of results, made ready to be looked for: numbers in order, days, texts, and what a column counts."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Final

from buster_tasks.analyst.claims.currency import currency_of
from buster_tasks.analyst.claims.period import Period, period_of_cell
from buster_tasks.analyst.evidence import ResultSet

_PARTS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_NUMERIC: Final = re.compile(r"[+-]?\d{1,40}(?:\.\d{1,40})?")
_PERCENT: Final = frozenset({"pct", "percent", "percentage", "perc", "%"})
_RATE_TEXT: Final = """
share rate ratio growth margin proportion gpm ctr cvr fraction yoy mom qoq change discount conversion
retention churn utilization utilisation
"""
_RATE: Final = frozenset(_RATE_TEXT.split())
_CHANGE_TEXT: Final = """
growth change diff difference delta increase decrease decline drop rise gain loss yoy mom qoq variance uplift
gap reduction improvement
"""
_CHANGE: Final = frozenset(_CHANGE_TEXT.split())
_DECLINE: Final = frozenset(
    {"decrease", "decline", "drop", "loss", "reduction", "fall", "shortfall", "deficit"}
)
_COUNT: Final = frozenset({"num", "n", "count", "cnt", "number", "qty", "quantity", "nr"})
_FACTOR: Final = frozenset({"ratio", "times", "factor", "multiple", "growth", "fold"})
_GENERIC_TEXT: Final = """
n cnt count total num number value amount sum avg average min max quantity qty result metric all rows
"""
GENERIC: Final = frozenset(_GENERIC_TEXT.split())
"""Words of names that do not tell what is counted."""
_CURRENCY: Final = ("usd", "eur", "gbp", "jpy", "dollar", "euro")
TIME_UNITS: Final = frozenset(
    {"second", "minute", "hour", "day", "week", "month", "quarter", "year", "millisecond"}
)
_SLACK: Final = 1e-9  # a float compares nearly as its decimal does


@lru_cache(maxsize=4_000)
def stem(word: str) -> str:
    """A word without its plural: `countries` and `country` are one."""
    word = word.lower()
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    if len(word) > 4 and word.endswith(("sses", "xes", "ches", "shes", "zes")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


@lru_cache(maxsize=4_000)
def words_of(name: str) -> frozenset[str]:
    """The words of a name, without plurals: `TotalSales` is `total`, `sale`."""
    words = [stem(word) for word in _PARTS.findall(name)]
    return frozenset([*words, "%"] if "%" in name else words)


def number_of(cell: object) -> Decimal | None:
    """The number of a cell, exact; text counts where it is nothing but a number."""
    number: Decimal | None = None
    match cell:
        case bool() | None:
            pass
        case int() | Decimal():
            number = Decimal(cell)
        case float():
            number = Decimal(repr(cell))
        case str() if _NUMERIC.fullmatch(cell):
            number = Decimal(cell)
        case _:
            pass
    return number if number is not None and number.is_finite() else None


@dataclass(frozen=True, slots=True)
class Traits:
    """What the names of a column, or of a value, and its unit tell of its numbers."""

    words: frozenset[str]
    unit: str = ""

    @property
    def is_percent(self) -> bool:
        """Whether its numbers are parts of something: `growth`, `share`, `success_rate`, `discount_pct`."""
        return bool(self.words & (_PERCENT | _RATE))

    @property
    def is_percent_by_word(self) -> bool:
        """The same, said by the word percent itself."""
        return bool(self.words & _PERCENT)

    @property
    def is_change(self) -> bool:
        """Whether its numbers are differences."""
        return bool(self.words & _CHANGE)

    @property
    def is_decline(self) -> bool:
        """Whether it counts downwards: a `drop` of 5 is a change of -5."""
        return bool(self.words & _DECLINE)

    @property
    def is_count(self) -> bool:
        """Whether it counts things, so that neither money nor percent is meant."""
        return bool(self.words & _COUNT)

    @property
    def is_factor(self) -> bool:
        """Whether a number may be told as so many times."""
        return bool(self.words & _FACTOR)

    @property
    def is_id(self) -> bool:
        """Whether its numbers are names of rows."""
        return "id" in self.words or "key" in self.words or "uuid" in self.words

    @property
    def is_generic(self) -> bool:
        """Whether the name does not tell what it counts."""
        return self.words <= GENERIC

    @property
    def currency(self) -> str:
        """The currency that the name tells, or nothing."""
        return currency_of(self.unit) or next(
            (currency_of(word) for word in _CURRENCY if word in self.words), ""
        )

    @property
    def time_unit(self) -> str:
        """The unit of time that the name tells, or nothing."""
        return next(iter(sorted((self.words | {stem(self.unit)}) & TIME_UNITS)), "")


@dataclass(eq=False)
class Column:
    """A column of a result: numbers by row and in order, days by row, the rows of each text."""

    result: str
    name: str
    traits: Traits
    numbers: dict[int, Decimal] = field(default_factory=dict[int, Decimal])
    periods: dict[int, Period] = field(default_factory=dict[int, Period])
    texts: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    nulls: int = 0

    @cached_property
    def _ordered(self) -> tuple[list[float], list[int]]:
        pairs = sorted((float(number), row) for row, number in self.numbers.items())
        return [number for number, _ in pairs], [row for _, row in pairs]

    def between(self, low: Decimal, high: Decimal) -> Iterator[tuple[int, Decimal]]:
        """The rows whose numbers are in a stretch, or hardly outside it."""
        keys, rows = self._ordered
        slack = _SLACK * max(1.0, abs(float(low)), abs(float(high)))
        first, last = bisect_left(keys, float(low) - slack), bisect_right(keys, float(high) + slack)
        for row in rows[first:last]:
            yield row, self.numbers[row]

    @cached_property
    def groups(self) -> tuple[frozenset[int], ...]:
        """The rows of each of its texts."""
        return tuple(map(frozenset, self.texts.values()))

    @cached_property
    def is_measure(self) -> bool:
        """Whether it has numbers that are no names of rows and no years."""
        years = all(
            1900 <= number <= 2100 and number == int(number) for number in self.numbers.values()
        )
        dated = bool(self.traits.words & {"year", "yr"})
        return bool(self.numbers) and not self.traits.is_id and not (years and dated)

    @cached_property
    def is_whole(self) -> bool:
        """Whether all of its numbers are whole."""
        return all(number == number.to_integral_value() for number in self.numbers.values())

    @cached_property
    def greatest(self) -> Decimal:
        """The greatest number, whatever its sign."""
        return max((abs(number) for number in self.numbers.values()), default=Decimal(0))

    @cached_property
    def total(self) -> Decimal:
        """The sum of its numbers."""
        return sum(self.numbers.values(), Decimal(0))

    @cached_property
    def extreme_rows(self) -> frozenset[int]:
        """The rows with its greatest and its least number."""
        if not self.numbers:
            return frozenset()
        ends = {max(self.numbers.values()), min(self.numbers.values())}
        return frozenset(row for row, number in self.numbers.items() if number in ends)

    def rank(self, row: int) -> tuple[int, int] | None:
        """The place of a row among the greatest, and among the least, from 1; equal numbers share the best."""
        number = self.numbers.get(row)
        if number is None:
            return None
        values = self.numbers.values()
        return 1 + sum(v > number for v in values), 1 + sum(v < number for v in values)


@dataclass(eq=False)
class Table:
    """A result: its columns, and how many rows there are; `truncated` where there were more."""

    id: str
    rows: int
    truncated: bool
    sql: str
    columns: list[Column]
    _held: dict[tuple[Period, ...], frozenset[int]] = field(
        default_factory=dict[tuple[Period, ...], frozenset[int]]
    )

    @classmethod
    def of(cls, result: ResultSet) -> Table:
        """The cells of a result, sorted by what they are."""
        columns = [Column(result.id, name, Traits(words_of(name))) for name in result.columns]
        for place, column in enumerate(columns):
            _fill(column, [row[place] for row in result.result.rows])
        return cls(result.id, result.result.row_count, result.result.truncated, result.sql, columns)

    @cached_property
    def measures(self) -> list[Column]:
        """The columns whose numbers a claim may tell."""
        return [column for column in self.columns if column.is_measure]

    @cached_property
    def dated(self) -> list[Column]:
        """The columns that name days."""
        return [column for column in self.columns if column.periods]

    def rows_of_days(self, days: tuple[Period, ...]) -> frozenset[int]:
        """The rows whose days are some of these, or lie within them."""
        if days not in self._held:
            self._held[days] = frozenset(
                row
                for column in self.dated
                for row, period in column.periods.items()
                if any(one == period or one.holds(period) for one in days)
            )
        return self._held[days]

    def first_day(self, row: int) -> Period | None:
        """The days of a row, by its first column that has any."""
        return next((column.periods[row] for column in self.dated if row in column.periods), None)


def _fill(column: Column, cells: Sequence[object]) -> None:
    dated = bool(
        column.traits.words & {"year", "yr", "month", "date", "day", "quarter", "period", "week"}
    )
    for row, cell in enumerate(cells):
        if cell is None:
            column.nulls += 1
            continue
        number = number_of(cell)
        if number is not None:
            column.numbers[row] = number
        if isinstance(cell, str) and number is None:
            column.texts.setdefault(cell, []).append(row)
        if number is None or dated:
            days = period_of_cell(cell)
            if days is not None:
                column.periods[row] = days
