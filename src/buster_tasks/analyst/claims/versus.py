"""Which of two is ahead: whether `A outsold B`, or `A has fewer orders than B`, is so by the rows of both."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from buster_tasks.analyst.claims.direction import direction
from buster_tasks.analyst.claims.extreme import meant
from buster_tasks.analyst.claims.index import Column
from buster_tasks.analyst.claims.mention import Mention
from buster_tasks.analyst.claims.scope import Scope
from buster_tasks.analyst.claims.subject import Subject

# between two names, `ahead of` or `more orders than`; what the second one is of may follow
_ORDER: Final = re.compile(
    r"(?:[^.;]|\.\d)*?\b(?P<said>"
    r"(?P<above>outs(?:old|ells?)|outperform(?:s|ed)?|outrank(?:s|ed)?|beats?|surpass(?:es|ed)?|exceed(?:s|ed)?|overtook|"
    r"ahead\s+of|followed\s+by|leads?|led|tops|topped)"
    r"|(?P<below>trail(?:s|ed)?|lag(?:s|ged)?(?:\s+behind)?|underperform(?:s|ed)?|behind)"
    r"|(?P<more>more|higher|larger|bigger|greater|stronger)(?:\s+[a-z_]+){0,4}?\s+than"
    r"|(?P<less>less|fewer|lower|smaller|weaker)(?:\s+[a-z_]+){0,4}?\s+than)"
    r"(?:\s+(?:the|that|those|it|was|were|did|of|in|on|at|from|for|by|during))*\s+",
    re.IGNORECASE,
)
_NOT: Final = re.compile(r"\b(?:not|never|no|neither|nor|hardly)\b|n't\b", re.IGNORECASE)
_NEXT_CLAUSE: Final = re.compile(
    r"\b(?:while|whereas|although|though|but\s+(?!(?:is|was|has|had|stays|remains|still)\b))",
    re.IGNORECASE,
)


def orders(scope: Scope, known: Sequence[Subject]) -> Iterator[tuple[Mention, str]]:
    """The comparisons of two names or two days in a sentence, and by what they hold; empty for by nothing.

    One that a number tells, `5 more than`, is held against the rows by that number.
    """
    for one, other in pairwise(known):
        if one.table is not other.table or one.is_day != other.is_day or one.rows & other.rows:
            continue
        judged = _rise(one, other, scope) or _order(one, other, scope)
        if judged is not None:
            yield judged


def _order(one: Subject, other: Subject, scope: Scope) -> tuple[Mention, str] | None:
    found = _ORDER.fullmatch(scope.text, one.end - scope.start, other.start - scope.start)
    if found is None or _is_else(found[0], one, other, scope):
        return None
    place = scope.start + found.start("said")
    said = Mention(found["said"], place, place + len(found["said"]), "comparison")
    return said, _holds(one, other, found, scope)


def _rise(one: Subject, other: Subject, scope: Scope) -> tuple[Mention, str] | None:
    """`Sales rose from January to March`, where no number says by how much."""
    way = _way(scope, one, other)
    if not way:
        return None
    columns = meant(one, "", scope) or one.table.measures
    is_so = any(_is_so(other, one, column, is_above=way > 0) for column in columns)
    text = scope.text[: other.end - scope.start]
    said = Mention(text, scope.start, other.end, "comparison")
    return said, f"{one.table.id}: {one.text} and {other.text}" if is_so else ""


def _way(scope: Scope, one: Subject, other: Subject) -> int:
    """1 for what `rose from January to March`, -1 for what fell, 0 where no such is said of these two days."""
    ends = scope.ends
    if ends is None or (ends[0].start, ends[1].start) != (one.start, other.start):
        return 0
    before = scope.text[: one.start - scope.start].rstrip()
    return direction(before.removesuffix("from"), "") if before.endswith(" from") else 0


def _is_else(between: str, one: Subject, other: Subject, scope: Scope) -> bool:
    """Whether something else is compared: by how much, not at all, or in another clause."""
    changes = (
        mention.is_change or mention.kind == "factor" or mention.is_bound
        for mention in scope.mentions
        if one.end <= mention.start < other.start
    )
    return any(changes) or bool(_NOT.search(between) or _NEXT_CLAUSE.search(between))


def _holds(one: Subject, other: Subject, found: re.Match[str], scope: Scope) -> str:
    columns = meant(one, found["said"] + _after(other, scope), scope)
    if columns is None:
        return "no claim"
    is_above = bool(found["above"] or found["more"])
    for column in columns or one.table.measures:
        if _is_so(one, other, column, is_above=is_above):
            return f"{one.table.id}.{column.name}"
    return "" if one.table.measures else "no claim"


def _after(other: Subject, scope: Scope) -> str:
    """Words that follow the second name up to where the clause ends: `outsold B in units`."""
    return re.split(r"[,.;(\d]", scope.text[other.end - scope.start :], maxsplit=1)[0]


def _is_so(one: Subject, other: Subject, column: Column, *, is_above: bool) -> bool:
    first, second = one.number(column, one.rows), other.number(column, other.rows)
    if first is None or second is None:
        return False
    return first > second if is_above else first < second
