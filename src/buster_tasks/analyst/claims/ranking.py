"""Ranks: whether the name that a sentence puts first, second or last is there in the evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from buster_tasks.analyst.claims.index import Column, Table, words_of
from buster_tasks.analyst.claims.mention import Mention
from buster_tasks.analyst.claims.scope import Name, Scope

_SUPERLATIVE: Final = (
    r"(?:most|highest|largest|biggest|best|greatest|lowest|least|fewest|smallest|worst|top|strongest|weakest|busiest|"
    r"leading)\b(?!\s+(?:of|recent|likely|common|\d|two|three|four|five|ten)\b)"
)
_VERB: Final = r"(?!(?:among|in|of|with|from|for|by|at|to|and|or|than|on|as)\b)[a-z]+(?:\s+in)?"
# "France leads", "Germany has the highest revenue"
_LEADS: Final = re.compile(
    r"^(?:'s)?\s*,?\s*(?:\([^)]*\)\s*)?(?:(?:clearly|still|also|again)\s+)?"
    r"(?:leads?|led|tops|topped|(?:ranks?|ranked)\s+(?:first|highest|last|lowest)|(?:comes?|came)\s+(?:first|last)|"
    rf"dominates?|{_VERB}\s+(?:by\s+far\s+)?(?:the|our)\s+(?!second|third|fourth|fifth|\d+(?:nd|rd|th))"
    rf"(?:single\s+)?{_SUPERLATIVE})",
    re.IGNORECASE,
)
# "the highest revenue came from Germany", "the best month was March"
_LED: Final = re.compile(
    rf"(?<!second )(?<!third )(?<!second-)(?<!third-)(?<!of the )\b{_SUPERLATIVE}(?:\s+[\w'-]+){{0,4}}?"
    r"\s+(?:is|was|comes?\s+from|came\s+from|belongs?\s+to|in|at|by)\s+(?:the\s+)?$",
    re.IGNORECASE,
)
_LOW: Final = re.compile(r"\b(?:lowest|least|fewest|smallest|weakest|last)\b", re.IGNORECASE)
_HIGH: Final = re.compile(
    r"\b(?:most|highest|largest|biggest|greatest|strongest|busiest)\b", re.IGNORECASE
)
_NAME: Final = re.compile(
    r"[A-Z][\w&'\u2019.-]*(?:\s+(?:of|de|and|the|&)\s+[A-Z][\w&'\u2019.-]*|\s+[A-Z][\w&'\u2019.-]*)*"
)
_NOT_A_NAME_TEXT: Final = """
the this that these those it its our we i he she they in on at by for from with of and or but however overall
total revenue sale sales order orders customer customers product products one two no all each every only while
although among across during since after before a an which what who there here both january february march
april may june july august september october november december monday tuesday wednesday thursday friday
saturday sunday
"""
_NOT_A_NAME: Final = frozenset(_NOT_A_NAME_TEXT.split())


def rank_of(mention: Mention, scope: Scope, tables: Sequence[Table]) -> str:
    """By what a rank holds for the name of the sentence that stands nearest; `no claim` where none does."""
    rank = int(mention.value or 0)
    if not scope.names:
        most = max((table.rows for table in tables), default=0)
        return "no claim" if rank <= max(most, 1) else ""
    name = min(scope.names, key=lambda one: abs(one.start - mention.start))
    table = _table_of(name, tables)
    after = scope.text[mention.end - scope.start :][:20]
    side = 1 if _LOW.search(after) else 0
    for row in sorted(name.rows):
        for column in table.measures:
            ranks = column.rank(row)
            if ranks is not None and ranks[side] == rank:
                return f"the rank in {table.id}.{column.name}"
        if row + 1 == rank and not (_HIGH.search(after) or side):
            return f"row {row} of {table.id}"
    return ""


def leaders(
    scope: Scope, tables: Sequence[Table], question: str, filled: Sequence[tuple[int, int]]
) -> Iterator[tuple[Mention, str]]:
    """The names that a sentence puts first or last, and by what they are there; empty for by nothing."""
    text = scope.text
    taken = [*filled, *((name.start, name.end) for name in scope.names)]
    taken += [(mention.start, mention.end) for mention in scope.mentions]
    for name in scope.names:
        start, end = name.start - scope.start, name.end - scope.start
        found = _LEADS.match(text[end:]) or _LED.search(text[:start])
        if found:
            yield _entity(text, start, end, scope.start), _extreme(name, found[0], scope, tables)
    if not any(column.texts for table in tables for column in table.columns):
        return
    for capital in _NAME.finditer(text):
        start, end = capital.span()
        if any(scope.start + start < stop and begin < scope.start + end for begin, stop in taken):
            continue
        if _is_unknown(capital[0], tables, question) and _puts_first(text, start, end):
            yield _entity(text, start, end, scope.start), ""


def _puts_first(text: str, start: int, end: int) -> bool:
    return bool(_LEADS.match(text[end:]) or _LED.search(text[:start]))


def _entity(text: str, start: int, end: int, offset: int) -> Mention:
    return Mention(text[start:end], offset + start, offset + end, "entity")


def _extreme(name: Name, words: str, scope: Scope, tables: Sequence[Table]) -> str:
    """By what the rows of a name are the greatest or the least; the first row too, where the word says no side."""
    table = _table_of(name, tables)
    said = words_of(scope.text)
    named = [one for one in table.measures if one.traits.words & said and not one.traits.is_generic]
    sides = (False,) if _LOW.search(words) else (True,) if _HIGH.search(words) else (True, False)
    if 0 in name.rows and len(sides) == 2:
        return f"the first row of {table.id}"
    for column in named or table.measures:
        if any(_is_end(name, column, greatest) for greatest in sides):
            return f"the {'least' if sides[0] is False else 'greatest'} of {table.id}.{column.name}"
    return "" if table.measures else f"{table.id} has no numbers"


def _is_end(name: Name, column: Column, greatest: bool) -> bool:
    """Whether one row of the name has the greatest number, or all of them together do."""
    if not column.numbers:
        return False
    end = max if greatest else min
    values = [column.numbers[row] for row in name.rows if row in column.numbers]
    if end(column.numbers.values()) in values:
        return True
    totals = {
        text: sum(column.numbers.get(row, 0) for row in rows)
        for text, rows in name.column.texts.items()
    }
    return name.text in totals and totals[name.text] == end(totals.values())


def _is_unknown(name: str, tables: Sequence[Table], question: str) -> bool:
    words = words_of(name)
    asked = words_of(question)
    columns = {word for table in tables for column in table.columns for word in column.traits.words}
    first = name.split(maxsplit=1)[0].lower()
    if first in _NOT_A_NAME or not words or words & (asked | columns):
        return False
    lowered = name.lower()
    return not any(
        lowered in text.lower()
        for table in tables
        for column in table.columns
        for text in column.texts
    )


def _table_of(name: Name, tables: Sequence[Table]) -> Table:
    return next(table for table in tables if name.column in table.columns)
