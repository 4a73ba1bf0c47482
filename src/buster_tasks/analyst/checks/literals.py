"""Texts that a filter looks for, and that the column does not have."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from buster_tasks.analyst.checks.facts import ColumnFacts
from buster_tasks.analyst.checks.statement import Select, Statement
from buster_tasks.analyst.findings import Check

if TYPE_CHECKING:
    from sqlglot import exp

_FOLDING: Final = frozenset({"mysql", "tsql", "fabric", "singlestore", "doris", "starrocks"})
_MOST_SHOWN: Final = 5


def unknown_literal(statement: Statement, *, is_empty: bool) -> Iterator[Check]:
    """UNKNOWN_LITERAL: `=` or IN with a text that a column, all of whose values are known, does not hold.

    An error where the result has nothing; else a warning, as other parts of the statement may have filled it.
    """
    for select in statement.selects:
        for column, texts, folded in _compared(select):
            facts = select.facts(column)
            if facts is None or facts.values is None:
                continue
            missing = [
                text
                for text in texts
                if not _holds(facts, text, folded or statement.dialect in _FOLDING)
            ]
            if missing:
                yield Check(
                    code="UNKNOWN_LITERAL",
                    severity="error" if is_empty and len(missing) == len(texts) else "warning",
                    message=_told(column.name, missing[0], facts),
                )


def _compared(select: Select) -> Iterator[tuple[exp.Column, list[str], bool]]:
    """The columns that are compared with texts, and whether letters of either case count alike."""
    from sqlglot import exp

    for found in select.find(exp.EQ, exp.In):
        if isinstance(found, exp.EQ):
            sides = (found.left, found.right)
            pairs = [(one, [other]) for one, other in (sides, sides[::-1])]
        else:
            pairs = [(found.this, list(found.expressions))]  # none for a subquery
        for side, others in pairs:
            column = side.this if isinstance(side, (exp.Lower, exp.Upper)) else side
            texts = [
                other.this for other in others if isinstance(other, exp.Literal) and other.is_string
            ]
            if isinstance(column, exp.Column) and texts and len(texts) == len(others):
                yield column, texts, column is not side


def _holds(facts: ColumnFacts, text: str, folded: bool) -> bool:
    values = facts.values or frozenset()
    if text in values:
        return True
    # a fixed-length column is padded, and ignores it
    plain = {value.rstrip() for value in values}
    if text.rstrip() in plain:
        return True
    return folded and text.rstrip().casefold() in {value.casefold() for value in plain}


def _told(column: str, text: str, facts: ColumnFacts) -> str:
    values = sorted(facts.values or ())
    folded = {value.casefold(): value for value in values}
    near = [folded[one] for one in get_close_matches(text.casefold(), folded, n=3, cutoff=0.6)]
    shown = near or values[:_MOST_SHOWN]
    what = "Near are" if near else "It has"
    more = "" if near or len(values) <= _MOST_SHOWN else f" and {len(values) - _MOST_SHOWN} more"
    return f"No row has {text!r} in {column!r}. {what} {', '.join(map(repr, shown))}{more}."
