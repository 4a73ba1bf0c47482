"""Which rows a sentence speaks of: those whose names and days it mentions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import Final

from buster_tasks.analyst.claims.index import Column, Table, words_of
from buster_tasks.analyst.claims.mention import Mention

_SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"'“(*\d])|\n+|;\s+")
_LONGEST_NAME: Final = 200
_SHORT: Final = 3
_NO_NAMES_TEXT: Final = """
a an the no yes of in on at to by or and for all any is was are with other others none total new old true
false na n/a unknown not it he we i us this that
"""
_NO_NAMES: Final = frozenset(_NO_NAMES_TEXT.split())
_OF_ROWS: Final = frozenset({"number", "percent", "points", "fraction"})
# words that lead from a row to the ones beside it
_BESIDE: Final = re.compile(
    r"\b(?:next|runner-up|followed|ahead\s+of|others?|previous(?:ly)?|prior|earlier|respectively)\b",
    re.IGNORECASE,
)
_COMPARED: Final = re.compile(
    r"\b(?:from|versus|vs\.?|compared\s+(?:to|with)|against)\s*[$€£¥₹]?$", re.IGNORECASE
)
_LISTED: Final = re.compile(r"[\s,]*(?:(?:and|plus|&)\s+)?(?:the\s+)?")
_LEADS_TO: Final = re.compile(
    r"[\d%]\s*(?:[a-z]+\s+)?(?:for|in|from|of|by|at)\s+(?:the\s+)?$", re.IGNORECASE
)
_TOGETHER: Final = re.compile(r"\b(?:together|combined|jointly)\b", re.IGNORECASE)
_SINCE: Final = re.compile(r"\b(?:from|between|since)\s+(?:the\s+)?$", re.IGNORECASE)
_UNTIL: Final = re.compile(
    r"\s*(?:(?:and|to|through|until|till|up\s+to)(?:\s+(?:the|in))?|[-\u2013])\s*", re.IGNORECASE
)
_FROM: Final = re.compile(r"\bfrom\s*[$€£¥₹]?$", re.IGNORECASE)
# what follows these is no cell, unless its row is named
_AGGREGATE: Final = re.compile(
    r"\b(?:(?:on|an|the)\s+average(?:\s+of|\s+is|\s+was)?|mean|median|in\s+(?:total|all)|altogether|a\s+total\s+of|"
    r"combined|together)\b[^,;:()]*$",
    re.IGNORECASE,
)
_EXTREME: Final = re.compile(
    r"(?<!second )(?<!third )(?<!second-)(?<!third-)\b(?:highest|maximum|largest|biggest|peak|lowest|minimum|smallest)"
    r"(?:\s+[a-z]+){0,3}\s+(?:was|is|of|at)\s*[$€£¥₹]?$",
    re.IGNORECASE,
)
_PEAK: Final = re.compile(
    r"\b(?:peak|high|low|maximum|minimum|highest|lowest|best|worst)\w*\b(?:\s+[a-z]+){0,3}\s+(?:was|is|of|at|with)\s*[$€£¥₹]?$"
    r"|\b(?:peaked|bottomed\s+out)\s+at\s*[$€£¥₹]?$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Name:
    """A text of a cell that stands in the text: its place, and the rows that have it."""

    start: int
    end: int
    text: str
    column: Column
    rows: frozenset[int]


@dataclass(slots=True)
class Scope:
    """What a sentence speaks of: the names and mentions in it, and by result the rows, where it tells.

    `paired` has the rows of a single number where numbers and names take turns: `A had 3, B 4`.
    """

    start: int
    text: str
    names: list[Name]
    mentions: list[Mention]
    rows: dict[str, frozenset[int]] = field(default_factory=dict[str, frozenset[int]])
    paired: dict[tuple[int, str], frozenset[int]] = field(
        default_factory=dict[tuple[int, str], frozenset[int]]
    )

    @property
    def days(self) -> list[Mention]:
        """The days that it has, without those that are part of a name: `Q4 Plan`."""
        return [
            mention
            for mention in self.mentions
            if mention.kind == "date"
            and not any(
                name.start <= mention.start and mention.end <= name.end for name in self.names
            )
        ]

    @property
    def _has_range(self) -> bool:
        """Whether it says from when, so that what it rose from is told."""
        days = self.days
        return len(days) > 1 and bool(_SINCE.search(self.text[: days[0].start - self.start]))

    @property
    def ends(self) -> tuple[Mention, Mention] | None:
        """The days that a stretch of time is said to begin and end with: `between March and June 2024`."""
        for one, other in pairwise(self.days):
            between = self.text[one.end - self.start : other.start - self.start]
            if _UNTIL.fullmatch(between) and _SINCE.search(self.text[: one.start - self.start]):
                return one, other
        return None

    def span(self, table: Table) -> frozenset[int] | None:
        """The rows from one day to another; None where it says no such days, or no rows have them."""
        if self.ends is None:
            return None
        first, last = (rows_of_days(table, [day]) for day in self.ends)
        return _within(table, first, last) if first and last else None

    def rows_beside(self, table: Table, column: str) -> frozenset[int] | None:
        """The rows of its days, and of the names in other columns than this one; None where it has none."""
        others = [rows for name, rows in _named(table, self.names).items() if name != column]
        days = self.span(table) or _dated(table, self.days)
        groups = [rows for rows in (*others, days) if rows]
        return _met(groups) if groups else None

    @property
    def unnamed(self) -> str:
        """The sentence without the names in it."""
        text = self.text
        for name in reversed(self.names):
            text = text[: name.start - self.start] + " " + text[name.end - self.start :]
        return text

    def named_rows(self, table: Table) -> frozenset[int]:
        """The rows of the names that the sentence has, whatever its dates are."""
        groups = [group for group in _named(table, self.names).values() if group]
        return _met(groups) if groups else frozenset()

    def rows_of(self, mention: Mention, table: Table) -> frozenset[int] | None:
        """The rows that a number of the sentence may come from; None is all of them."""
        paired = self.paired.get((mention.start, table.id))
        if paired is not None:
            return paired
        rows = self.rows.get(table.id)
        before = self.text[: mention.start - self.start]
        span = self.span(table)
        if (rows is None and _EXTREME.search(before)) or (span and _PEAK.search(before)):
            among = span or frozenset(range(table.rows))
            return frozenset[int]().union(*(_ends(column, among) for column in table.measures))
        if rows is None and table.rows > 1 and _AGGREGATE.search(before):
            return frozenset()
        if self.is_together and self.is_list and not self.paired:
            return frozenset()
        if rows and _FROM.search(before) and not self._has_range:
            # what it rose from is told of the time before
            rows |= {row - 1 for row in rows if row > 0}
        compared = rows is not None and len(rows) == 1 and _COMPARED.search(before)
        if rows is None or not (compared or _BESIDE.search(before)):
            return rows
        beside = {row + step for row in rows for step in (-1, 1)}
        return rows | {row for row in beside if 0 <= row < table.rows}

    def rows_meant(self, mention: Mention, table: Table) -> frozenset[int]:
        """The rows that arithmetic for a number is over; none where the sentence names none."""
        paired = self.paired.get((mention.start, table.id))
        return paired if paired is not None else self.rows.get(table.id, frozenset())

    @property
    def is_list(self) -> bool:
        """Whether the names follow each other, `Norway, Chile and Peru`, so that their sum may be meant."""
        ends = [name.end - self.start for name in self.names]
        begins = [name.start - self.start for name in self.names]
        return len(ends) > 1 and all(
            _LISTED.fullmatch(self.text[end:begin])
            for end, begin in zip(ends, begins[1:], strict=False)
        )

    @property
    def is_together(self) -> bool:
        """Whether a sum is meant, and none of its parts."""
        return len(self.names) > 1 and bool(_TOGETHER.search(self.text))


def sentences(text: str) -> list[tuple[int, str]]:
    """The sentences of a text, each with its place."""
    found: list[tuple[int, str]] = []
    start = 0
    for end in _SENTENCE_END.finditer(text):
        found.append((start, text[start : end.start()]))
        start = end.end()
    return [*found, (start, text[start:])]


def names_in(text: str, tables: Iterable[Table]) -> list[Name]:
    """The texts of cells that stand in a text as words of their own, longer ones before those within them."""
    lowered = text.lower()
    found: list[Name] = []
    for table in tables:
        for column in table.columns:
            for cell, rows in column.texts.items():
                # a day is found by its own ways to write it
                if rows[0] not in column.periods and _is_name(cell, table):
                    # "US" is no "us"
                    is_sign = len(cell) <= _SHORT and cell.isupper()
                    sought = (text, cell) if is_sign else (lowered, cell.lower())
                    found += [
                        Name(start, end, cell, column, frozenset(rows))
                        for start, end in _places(*sought)
                    ]
    found.sort(key=lambda name: (name.start - name.end, name.start))
    kept: list[Name] = []
    for name in found:
        if not any(
            other.start <= name.start and name.end <= other.end and other.text != name.text
            for other in kept
        ):
            kept.append(name)
    return sorted(kept, key=lambda name: name.start)


def scope_of(
    start: int,
    text: str,
    names: Sequence[Name],
    mentions: Sequence[Mention],
    tables: Sequence[Table],
) -> Scope:
    """The rows that one sentence speaks of."""
    end = start + len(text)
    within = [name for name in names if start <= name.start < end]
    numbers = [mention for mention in mentions if start <= mention.start < end]
    scope = Scope(start, text, within, numbers)
    for table in tables:
        named = _named(table, within)
        dated = _dated(table, scope.days)
        groups = [group for group in (*named.values(), dated) if group]
        if groups:
            scope.rows[table.id] = _met(groups)
        _pair(scope, table, named)
    return scope


def _is_name(cell: str, table: Table) -> bool:
    if not 0 < len(cell) <= _LONGEST_NAME or cell.lower() in _NO_NAMES:
        return False
    if len(cell) == 1 and not cell.isupper():
        return False
    words = words_of(cell)
    # "success" in "the success rate" is the column's name, not the row's
    return not any(words <= column.traits.words for column in table.columns)


def _places(text: str, sought: str) -> Iterator[tuple[int, int]]:
    """Where a name stands as words of its own."""
    place = text.find(sought)
    while place >= 0:
        end = place + len(sought)
        before, after = text[place - 1 : place], text[end : end + 1]
        if not (before.isalnum() and sought[0].isalnum()) and not (
            after.isalnum() and sought[-1].isalnum()
        ):
            yield place, end
        place = text.find(sought, end)


def _named(table: Table, names: Iterable[Name]) -> Mapping[str, frozenset[int]]:
    """By column, the rows whose text the sentence has; a text that all rows have tells nothing."""
    found: dict[str, frozenset[int]] = {}
    for name in names:
        if name.column in table.columns and len(name.rows) < table.rows:
            found[name.column.name] = found.get(name.column.name, frozenset()) | name.rows
    return found


def rows_of_days(table: Table, mentions: Iterable[Mention]) -> frozenset[int]:
    """The rows of the days that are mentioned."""
    return frozenset[int]().union(*(table.rows_of_days(mention.periods) for mention in mentions))


def _dated(table: Table, mentions: Iterable[Mention]) -> frozenset[int]:
    """The same; days that all rows have tell nothing."""
    rows = rows_of_days(table, mentions)
    return rows if len(rows) < table.rows else frozenset()


def _ends(column: Column, rows: frozenset[int]) -> frozenset[int]:
    """Those of some rows that have the greatest or the least number of them."""
    numbers = {row: column.numbers[row] for row in rows if row in column.numbers}
    ends = {max(numbers.values()), min(numbers.values())} if numbers else set[Decimal]()
    return frozenset(row for row, number in numbers.items() if number in ends)


def _within(table: Table, first: frozenset[int], last: frozenset[int]) -> frozenset[int]:
    """The rows whose days are in a stretch that begins and ends with those of some rows."""
    column = table.dated[0]
    begins = [column.periods[row].first for row in first if row in column.periods]
    ends = [column.periods[row].after for row in last if row in column.periods]
    return frozenset(
        row
        for row, period in column.periods.items()
        if begins and ends and min(begins) <= period.first and period.after <= max(ends)
    )


def _met(groups: Sequence[frozenset[int]]) -> frozenset[int]:
    """The rows that all groups have; where there is none, those of any."""
    common = groups[0].intersection(*groups[1:])
    return common or groups[0].union(*groups[1:])


def _pair(scope: Scope, table: Table, named: Mapping[str, frozenset[int]]) -> None:
    """Gives each number the rows of its own name or day, where the sentence has one for each."""
    keys: list[tuple[int, frozenset[int]]] = []
    if len(named) == 1:
        keys = [(name.start, name.rows) for name in scope.names if name.column in table.columns]
    elif not named:
        keys = [(mention.start, _dated(table, [mention])) for mention in scope.days]
    # "38.5% for February": then numbers do not follow their names
    before = [scope.text[: place - scope.start] for place, _ in keys[1:]]
    may_follow = not any(_LEADS_TO.search(text) for text in before)
    numbers = [mention for mention in scope.mentions if mention.kind in _OF_ROWS]
    for changes in (False,) if named else (False, True):
        places = [mention.start for mention in numbers if mention.is_change == changes]
        if _is_mirrored(places, keys) and not may_follow:
            for place, (_, rows) in zip(places, keys, strict=True):
                scope.paired[place, table.id] = rows
            continue
        for place, rows in _turns(places, keys, may_follow=may_follow):
            scope.paired[place, table.id] = rows


def _is_mirrored(places: Sequence[int], keys: Sequence[tuple[int, frozenset[int]]]) -> bool:
    """Whether two numbers stand between their names: `Q2 had 5, compared with 4 in Q1`."""
    return (
        len(places) == len(keys) == 2
        and all(rows for _, rows in keys)
        and keys[0][0] < places[0] < places[1] < keys[1][0]
    )


def _turns(
    places: Sequence[int], keys: Sequence[tuple[int, frozenset[int]]], *, may_follow: bool
) -> Iterator[tuple[int, frozenset[int]]]:
    """Numbers with the rows of their names: taking turns, or all after their names, `A had 3 and 4, B 5 and 6`."""
    turns = sorted([*((place, None) for place in places), *keys], key=lambda turn: turn[0])
    if len(keys) < 2 or not places or any(not rows for _, rows in keys):
        return
    is_key = [rows is not None for _, rows in turns]
    alternate = all(one != other for one, other in pairwise(is_key)) and len(keys) == len(places)
    follow = may_follow and is_key[0] and not is_key[-1] and not any(map(all, pairwise(is_key)))
    if alternate and not is_key[0]:
        yield from ((place, rows) for place, (_, rows) in zip(places, keys, strict=True))
    elif alternate or follow:
        last = keys[0][1]
        for place, rows in turns:
            if rows is None:
                yield place, last
            else:
                last = rows
