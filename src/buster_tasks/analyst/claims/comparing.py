"""Numbers that a sentence compares: their difference, growth, multiple and ratio.

What is compared are two rows that are named, a row and those beside it, a row and the average, or two columns of a row;
what is later, or named first, is held against the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations, islice
from typing import Final

from buster_tasks.analyst.claims.index import GENERIC, Column, Table, stem, words_of
from buster_tasks.analyst.claims.mention import Mention
from buster_tasks.analyst.claims.reading import fits_unit
from buster_tasks.analyst.claims.scope import Scope

MOST_ROWS: Final = 12
"""More rows than these are not compared with each other."""
_MOST_PAIRS: Final = 400


def words(alternatives: str) -> re.Pattern[str]:
    """A pattern of whole words, in any case."""
    return re.compile(rf"\b(?:{alternatives})\b", re.IGNORECASE)


MEAN: Final = words("average[sd]?|averaging|mean|avg|typical(?:ly)?")
SHARE: Final = re.compile(
    r"\b(?:shares?|proportion|portion|account(?:s|ed|ing)?|represent(?:s|ed|ing)?|mak(?:e|es|ing)\s+up|made\s+up|"
    r"contribut\w*|compris\w*|constitut\w*|rate|ratio|percentage)\b"
    r"|(?:%|percent|per\s+cent|half|thirds?|quarters?|fifths?|tenths?)\s+(?:of|in|from|came|come|are|were|is)\b",
    re.IGNORECASE,
)
_COMPARED: Final = words("change[ds]?|differences?|year[- ]over[- ]year|yoy")
_RANKED: Final = words(
    "than|ahead|behind|leads?|led|next|second|runner-up|gap|margin|twice|times|first|above|below|others?|followed"
)
_MULTIPLE: Final = words(
    "times|twice|doubl\\w+|tripl\\w+|halv\\w+|as\\s+(?:many|much|high|large|big)|factor|fold|ratio"
)
_EARLIER_TEXT: Final = """
prev previous prior last before after current earlier later old new first budget budgeted target plan planned forecast
actual expected baseline base
"""
_EARLIER: Final = frozenset(_EARLIER_TEXT.split())


@dataclass(frozen=True, slots=True)
class Derived:
    """A number and how it came about. `of_one` where it is a part of one, `change` where it has a direction."""

    exact: Decimal
    by: str
    of_one: bool = False
    change: bool = False


def changes(mention: Mention, text: str, one: Decimal, base: Decimal, by: str) -> Iterator[Derived]:
    """What a number and the one that it is compared with make: difference, growth, multiple, share."""
    is_signed = mention.is_change or (mention.value or 0) < 0
    asks = is_signed or bool(_COMPARED.search(text))
    match mention.kind:
        case "number" | "points" if mention.is_change or (asks and mention.kind == "points"):
            yield Derived(one - base, f"{by}: difference", change=True)
            if mention.kind == "points":
                yield Derived(one - base, f"{by}: difference", of_one=True, change=True)
        case "percent" | "fraction" if base:
            if asks:
                yield Derived((one - base) / abs(base), f"{by}: growth", of_one=True, change=True)
            if SHARE.search(text) and not mention.is_change:
                yield Derived(one / base, f"{by}: ratio", of_one=True)
        case "factor" if base and _MULTIPLE.search(text + mention.text + " times"):
            yield Derived(one / base, f"{by}: multiple")
        case _:
            return


def asked(table: Table, mention: Mention, text: str = "") -> list[Column]:
    """The columns that the counted noun names, else those that the sentence does, else all that may be told."""
    fitting = [column for column in table.measures if fits_unit(mention, column.traits)]
    for said in ({stem(mention.noun)} if mention.noun else set[str](), words_of(text) - GENERIC):
        named = [column for column in fitting if said & column.traits.words]
        if named:
            return named
    return fitting


def numbers_of(column: Column, rows: frozenset[int] | None) -> list[Decimal]:
    return [column.numbers[row] for row in sorted(rows or ()) if row in column.numbers]


def pairs(
    mention: Mention, scope: Scope, table: Table, columns: Sequence[Column]
) -> Iterator[tuple[Decimal, Decimal, str]]:
    """Numbers that the sentence may compare, the later or first-named one before the one it is compared with."""
    # a part is one of what is named, never of what stands beside it
    is_part = mention.kind in {"percent", "fraction"} and not mention.is_change
    pairs = list(islice(_row_pairs(mention, scope, table, named=is_part), _MOST_PAIRS))
    for column in columns:
        for row, base in pairs:
            if row in column.numbers and base in column.numbers:
                yield column.numbers[row], column.numbers[base], f"{column.result}.{column.name}"
        if MEAN.search(scope.text) and column.numbers and not table.truncated:
            average = column.total / len(column.numbers)
            for number in numbers_of(column, scope.rows_meant(mention, table)):
                yield number, average, f"{column.result}.{column.name} and its average"
    rows = scope.rows_meant(mention, table) or frozenset(range(table.rows))
    if len(rows) <= 3:
        for row in sorted(rows):
            found = [column for column in table.measures if row in column.numbers]
            for one, other in islice(combinations(found, 2), _MOST_PAIRS):
                if (
                    mention.kind == "percent"
                    and mention.is_change
                    and not _is_like(one, other, scope)
                ):
                    continue
                by = f"{table.id}: {one.name} and {other.name}"
                yield one.numbers[row], other.numbers[row], by
                yield other.numbers[row], one.numbers[row], by


def _is_like(one: Column, other: Column, scope: Scope) -> bool:
    """Whether two columns count the same, so that one may have grown from the other, or are both named."""
    said = words_of(scope.unnamed) - GENERIC
    if one.traits.words & said and other.traits.words & said:
        return True
    words = one.traits.words | other.traits.words
    return bool((one.traits.words & other.traits.words) - {"total"} or words & _EARLIER)


def _row_pairs(
    mention: Mention, scope: Scope, table: Table, *, named: bool
) -> Iterator[tuple[int, int]]:
    meant = scope.rows_meant(mention, table) if mention.is_change else scope.rows.get(table.id, ())
    rows = sorted(meant)
    if len(rows) > MOST_ROWS or (named and len(rows) < 2):
        return
    if len(rows) > 1:
        for one, other in combinations(rows, 2):
            yield from _in_order(scope, table, one, other)
    elif rows:
        yield from _beside_row(mention, scope, table, rows[0])
    elif table.rows > 1 and not scope.rows:  # else the sentence speaks of another result
        last = table.rows - 1
        yield from _in_order(scope, table, 0, last)
        if table.rows <= MOST_ROWS and not table.dated:
            yield from _in_order(scope, table, 0, 1)


def _beside_row(
    mention: Mention, scope: Scope, table: Table, row: int
) -> Iterator[tuple[int, int]]:
    """A row, and those before and after it, the first, the last, and that of a year before."""
    is_paired = (mention.start, table.id) in scope.paired
    # `up 5% from April` in April: what it is compared with is named, and the same
    if not is_paired and len(scope.days) > 1:
        return
    if not table.dated and not _RANKED.search(scope.text):
        return
    last = table.rows - 1
    beside = {row - 1, row + 1, 0, last} | _year_before(table, row)
    if not _RANKED.search(scope.text):
        beside &= _of_same_name(table, row)
    for other in sorted(beside - {row}):
        # what happened in a year is compared with one before
        if 0 <= other <= last and not (is_paired and _is_before(table, row, other)):
            yield from _beside(table, row, other)


def _of_same_name(table: Table, row: int) -> frozenset[int]:
    """The rows that differ from one in their days alone: what a product grew by is no other product."""
    rows = frozenset(range(table.rows))
    for column in table.columns:
        own = next((found for found in column.texts.values() if row in found), None)
        if own is not None and not column.periods:
            rows &= frozenset(own)
    return rows


def _in_order(scope: Scope, table: Table, one: int, other: int) -> Iterator[tuple[int, int]]:
    """By days, the later first; by names, the one that the sentence has first; else both ways."""
    days, other_days = table.first_day(one), table.first_day(other)
    if days and other_days and days.first != other_days.first:
        yield (one, other) if days.first > other_days.first else (other, one)
        return
    places = [_place(scope, table, row) for row in (one, other)]
    if None not in places and places[0] != places[1]:
        yield (one, other) if (places[0] or 0) < (places[1] or 0) else (other, one)
        return
    yield one, other
    yield other, one


def _beside(table: Table, row: int, other: int) -> Iterator[tuple[int, int]]:
    """A row that is named, and one beside it: what is earlier is what it is compared with."""
    yield (other, row) if _is_before(table, row, other) else (row, other)


def _is_before(table: Table, row: int, other: int) -> bool:
    days, other_days = table.first_day(row), table.first_day(other)
    return bool(days and other_days and days.first < other_days.first)


def _place(scope: Scope, table: Table, row: int) -> int | None:
    found: Iterable[int] = (
        name.start for name in scope.names if row in name.rows and name.column in table.columns
    )
    return min(found, default=None)


def _year_before(table: Table, row: int) -> set[int]:
    days = table.first_day(row)
    if days is None:
        return set()
    before = (days.first.year - 1, days.first.month, days.first.day)
    return {
        other
        for column in table.dated[:1]
        for other, period in column.periods.items()
        if (period.first.year, period.first.month, period.first.day) == before
    }
