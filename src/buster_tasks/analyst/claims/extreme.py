"""Who is first, last, best or worst: whether the rows of a name or a day are so, in the column that is meant.

That column is the one that the words after the superlative name, else the one that the number beside it stands in,
else any that the sentence names, else any.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from buster_tasks.analyst.claims.index import GENERIC, Column, words_of
from buster_tasks.analyst.claims.scope import Scope
from buster_tasks.analyst.claims.subject import Subject

_LOW: Final = re.compile(
    r"\b(?:lowest|least|fewest|smallest|weakest|slowest|cheapest|fewer|less|lower|bottom(?:ed)?|low|trough(?:ed)?|"
    r"minimum)\b",
    re.IGNORECASE,
)
_HIGH: Final = re.compile(
    r"\b(?:most|highest|largest|biggest|greatest|strongest|busiest|priciest|more|higher|peak(?:ed)?|maximum|high)\b",
    re.IGNORECASE,
)
_GOOD: Final = re.compile(r"\bbest\b", re.IGNORECASE)
_BAD: Final = re.compile(r"\b(?:worst|last|poorest)\b", re.IGNORECASE)
# of these, less is better
_UNWANTED_TEXT: Final = """
return refund churn cost error defect complaint cancellation fault failure delay duration latency wait day hour minute
second time rank position place loss expense price bounce risk debt age overdue
"""
_UNWANTED: Final = frozenset(_UNWANTED_TEXT.split())
_HARMFUL: Final = frozenset(
    {
        "churn",
        "refund",
        "error",
        "defect",
        "complaint",
        "fault",
        "failure",
        "bounce",
        "delay",
        "latency",
    }
)
# what words say of a column without its name
_MEANT: Final = (
    (
        re.compile(r"\b(?:sellers?|(?:out)?sold|(?:out)?sells?|selling)\b", re.IGNORECASE),
        frozenset({"unit", "quantity", "qty", "sold", "sale", "revenue", "turnover"}),
    ),
    (
        re.compile(r"\b(?:expensive|cheapest|priciest|cheap)\b", re.IGNORECASE),
        frozenset({"price", "cost", "fee", "rate"}),
    ),
    (
        re.compile(r"\b(?:earn(?:s|ed|ers?|ing)?|grossing|lucrative)\b", re.IGNORECASE),
        frozenset(
            {"revenue", "sale", "amount", "income", "earning", "turnover", "profit", "total"}
        ),
    ),
)
# a change or a ratio, of which the rows may have no column
_COMPUTED: Final = re.compile(
    r"\b(?:growth|increase|decrease|decline|drop|jump|change|gains?|rise|fall|loss|improvement|average|mean|per|ratio|"
    r"spread|swing|gap|difference)\b",
    re.IGNORECASE,
)
_RATIO: Final = re.compile(r"\b(?:average|mean|per)\b", re.IGNORECASE)
_FEW: Final = 2
_HIDDEN_ORDER: Final = re.compile(
    r"\bORDER\s+BY\s+(?P<by>[\w.\"`\[\]]+)(?P<call>\s*\()?", re.IGNORECASE
)
_PHRASE: Final = re.compile(
    r"(?:\s+(?!(?:with|in|at|among|of|from|and|but|for|by|on|than|is|was|came|comes)\b)[A-Za-z_'-]+){0,4}"
)


def extreme(subject: Subject, said: re.Match[str], after: int, scope: Scope) -> str:
    """By what a subject is first or last, as a superlative says that ends at `after`; empty for by nothing."""
    table = subject.table
    if not table.measures:
        return f"{table.id} has no numbers"
    phrase = said[0] + (_PHRASE.match(scope.text[after:]) or [""])[0]
    columns = meant(subject, phrase, scope, after)
    if columns is None:
        return "no claim"
    for column in columns or table.measures:
        for greatest in sides(said[0], column):
            if 1 in subject.place(column, greatest=greatest):
                what = "greatest" if greatest else "least"
                return f"the {what} of {table.id}.{column.name}"
    is_told = bool(columns) and bool(_nearest(subject, scope))
    return "" if is_told else by_hidden_order(subject, 1)


def meant(subject: Subject, phrase: str, scope: Scope, place: int = 0) -> list[Column] | None:
    """The columns that a superlative speaks of; empty where nothing tells, None for what no column has.

    It ends at that place of the sentence, and the number that follows it is its own.
    """
    measures = subject.table.measures
    named = _named(measures, words_of(phrase) - GENERIC)
    told = _nearest(subject, scope, place)
    computed = _COMPUTED.search(phrase) or (None if told else _RATIO.search(scope.text))
    if computed and not any(words_of(computed[0]) & column.traits.words for column in measures):
        return None
    both = [column for column in named if column in told]
    if both or named or told:
        return both or named or told
    for words, traits in _MEANT:
        found = [column for column in measures if column.traits.words & traits]
        if words.search(phrase) and found:
            return found
    return _named(measures, words_of(scope.unnamed) - GENERIC) or _sorted_by(measures)


def sides(words: str, column: Column) -> tuple[bool, ...]:
    """Whether the greatest or the least is meant; both of a column where less may be better."""
    if _LOW.search(words):
        return (False,)
    if _HIGH.search(words):
        return (True,)
    if column.traits.words & _HARMFUL and (_BAD.search(words) or _GOOD.search(words)):
        return (bool(_BAD.search(words)),)
    if column.traits.words & _UNWANTED:
        return (True, False)
    return (not _BAD.search(words),)


def by_hidden_order(subject: Subject, place: int) -> str:
    """By the place of its row, where the statement sorts by what it does not show."""
    found = _HIDDEN_ORDER.search(subject.table.sql)
    if found is None or place - 1 not in subject.rows:
        return ""
    by = re.sub(r"\W", "", found["by"].rpartition(".")[2]).lower()
    shown = {column.name.lower() for column in subject.table.columns}
    if not found["call"] and (by.isdigit() or by in shown):
        return ""
    return f"row {place - 1} of {subject.table.id}"


def _named(columns: Sequence[Column], words: frozenset[str]) -> list[Column]:
    """The columns that have most of the words."""
    most = max((len(column.traits.words & words) for column in columns), default=0)
    return [column for column in columns if most and len(column.traits.words & words) == most]


def _sorted_by(columns: Sequence[Column]) -> list[Column]:
    """The first column whose numbers fall from row to row: it is what the result is about."""
    for column in columns:
        numbers = [column.numbers[row] for row in sorted(column.numbers)]
        if len(numbers) > _FEW and numbers == sorted(numbers, reverse=True):
            return [column]
    return []


def _nearest(subject: Subject, scope: Scope, place: int = 0) -> list[Column]:
    """The columns of the number that stands nearest, first of those that follow."""
    plain = [one for one in scope.mentions if one.kind != "date" and not one.is_change]
    end = max(subject.end, scope.start + place)
    after = [one for one in plain if one.start >= end]
    before = [one for one in reversed(plain) if one.end <= end]
    for mention in (*after, *before):
        columns = subject.told(mention)
        if columns:
            return columns
    return []
