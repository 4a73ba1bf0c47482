"""What a sentence may say something of: a name or a day in it, with its rows and those that it stands among."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from buster_tasks.analyst.claims.cells import admits
from buster_tasks.analyst.claims.index import Column, Table, stem
from buster_tasks.analyst.claims.mention import Mention
from buster_tasks.analyst.claims.period import Period
from buster_tasks.analyst.claims.reading import fits_unit, scale_of_column
from buster_tasks.analyst.claims.scope import Scope, rows_of_days

_TOLD: Final = frozenset({"number", "percent", "points", "fraction"})
_WHOLE: Final = 100


@dataclass(frozen=True, slots=True)
class Subject:
    """A name or a day, its place in the text, and its rows; `groups` are its rows and those of each other one."""

    start: int
    end: int
    text: str
    table: Table
    rows: frozenset[int]
    groups: tuple[frozenset[int], ...]
    is_day: bool = False

    def number(self, column: Column, rows: frozenset[int]) -> Decimal | None:
        """What a column has in these rows: the number of one, else the sum; None for none."""
        found = [column.numbers[row] for row in rows if row in column.numbers]
        return sum(found, Decimal(0)) if found else None

    def place(self, column: Column, *, greatest: bool) -> set[int]:
        """Its places from 1, by the numbers of its rows together, and by any one of them."""
        own = self.number(column, self.rows)
        if own is None:
            return set()
        sums = [one for rows in self.groups if (one := self.number(column, rows)) is not None]
        singles = [column.numbers[row] for row in self._among if row in column.numbers]
        best = [column.numbers[row] for row in self.rows if row in column.numbers]
        edge = max(best) if greatest else min(best)
        return {_place(own, sums, greatest=greatest), _place(edge, singles, greatest=greatest)}

    @property
    def _among(self) -> frozenset[int]:
        return frozenset[int]().union(*self.groups)

    def told(self, mention: Mention) -> list[Column]:
        """The columns of which a number of the sentence may be this one's cell, sum, or share."""
        columns = [column for column in self.table.measures if self._is_told(mention, column)]
        noun = stem(mention.noun) if mention.noun else ""
        return [column for column in columns if noun in column.traits.words] or columns

    def _is_told(self, mention: Mention, column: Column) -> bool:
        if mention.kind not in _TOLD or mention.is_change or not fits_unit(mention, column.traits):
            return False
        scale = scale_of_column(column)
        own = [column.numbers[row] for row in self.rows if row in column.numbers]
        if any(admits(mention, one, scale, column.traits) for one in (*own, sum(own, Decimal(0)))):
            return bool(own)
        is_share = mention.kind != "number" and column.total and not column.traits.is_percent
        return bool(is_share) and mention.admits(sum(own, Decimal(0)) * _WHOLE / column.total)


def subjects(scope: Scope, tables: Iterable[Table]) -> list[Subject]:
    """The names and days of a sentence that some rows of a result have, in their order."""
    found = [one for table in tables for one in (*_names(scope, table), *_days(scope, table))]
    return sorted(found, key=lambda one: one.start)


def _names(scope: Scope, table: Table) -> Iterator[Subject]:
    for name in scope.names:
        if name.column in table.columns:
            within = scope.rows_beside(table, name.column.name)
            groups = name.column.groups
            yield _subject(name.start, name.end, name.text, table, name.rows, groups, within)


def _days(scope: Scope, table: Table) -> Iterator[Subject]:
    held = {one.start: rows_of_days(table, [one]) for one in scope.days}
    for one in scope.days:
        rows = held[one.start]
        if not rows or len(rows) == table.rows > 1:
            continue
        # "in 2023, March was best": among the months of that year
        wider = [other for other in held.values() if rows < other]
        within = frozenset[int]().union(*wider) if wider else scope.span(table)
        others = _by_length(table, one.periods[0])
        groups = (rows, *(group for group in others if not group & rows))
        subject = _subject(one.start, one.end, one.text, table, rows, groups, within)
        yield replace(subject, is_day=True)


def _subject(
    start: int,
    end: int,
    text: str,
    table: Table,
    rows: frozenset[int],
    groups: tuple[frozenset[int], ...],
    within: frozenset[int] | None,
) -> Subject:
    """Of a sentence that has other names or days as well, their rows alone count."""
    if within and rows & within:
        rows = rows & within
        groups = tuple(found for group in groups if (found := group & within))
    return Subject(start, end, text, table, rows, groups)


def _by_length(table: Table, days: Period) -> Sequence[frozenset[int]]:
    """The rows of each year, quarter, month or day, by which the sentence names them."""
    found: dict[tuple[int, int, int], set[int]] = {}
    for column in table.dated[:1]:
        for row, one in column.periods.items():
            found.setdefault(_key(one, days), set()).add(row)
    return [frozenset(rows) for rows in found.values()]


def _key(one: Period, length: Period) -> tuple[int, int, int]:
    first = one.first
    match length.days:
        case days if days > 300:
            return first.year, 0, 0
        case days if days > 80:
            return first.year, (first.month + 2) // 3, 0
        case days if days > 20:
            return first.year, first.month, 0
        case _:
            return first.year, first.month, first.day


def _place(number: Decimal, among: Sequence[Decimal], *, greatest: bool) -> int:
    return 1 + sum(one > number if greatest else one < number for one in among)
