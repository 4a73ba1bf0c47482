"""Bounds that speak of several rows, `both`, `every month`, `neither`, `the only one`, and the count that pass one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from buster_tasks.analyst.claims.comparing import asked
from buster_tasks.analyst.claims.index import Column, Table
from buster_tasks.analyst.claims.mention import Mention
from buster_tasks.analyst.claims.scope import Scope

_BOTH: Final = re.compile(r"\b(?:both|each)\b", re.IGNORECASE)
_EVERY: Final = re.compile(r"\b(?:every|each)\s+[a-z]+", re.IGNORECASE)
_NO: Final = re.compile(r"\s*no\s+[a-z]+\s+(?!than\b)", re.IGNORECASE)
_NEITHER: Final = re.compile(r"\b(?:neither|none\s+of)\b", re.IGNORECASE)
_ONLY: Final = re.compile(
    r"\b(?:the\s+only\s+(?!two|three|four|five|\d)[a-z]+|no\s+(?:other|one\s+else)|alone)\b|\bonly\s+$",
    re.IGNORECASE,
)
_REACHED: Final = re.compile(
    r"\b(?:reach(?:es|ed)?|hit|attain(?:s|ed)?|made\s+it\s+to)\s*[$€£¥₹]?$", re.IGNORECASE
)
_NEAR: Final = 3


def bound_of_rows(mention: Mention, scope: Scope, tables: Sequence[Table]) -> str | None:
    """By what all named rows pass a bound, none, or one alone; empty for by nothing, None where it is not said."""
    before = scope.text[: mention.start - scope.start]
    if mention.kind == "number" and mention.comparison == "exact" and _REACHED.search(before):
        mention = replace(mention, comparison="at_least")
    if mention.kind != "number" or mention.is_change or not mention.is_bound:
        return None
    how = _how(scope)
    if how is None:
        return None
    for table in tables:
        rows = scope.span(table) or scope.rows_meant(mention, table)
        if how in {"every", "none"}:
            rows = rows or frozenset(range(table.rows))
        for column in asked(table, mention, scope.text) if rows else ():
            if _is_so(mention, how, column, rows):
                return f"rows of {table.id} by {column.name}"
    return ""


def count_of_bound(mention: Mention, scope: Scope, tables: Sequence[Table]) -> str:
    """A bound by itself says nothing; with the count of those that pass it, it does."""
    if mention.kind != "number" or not mention.is_bound:
        return ""
    for other in scope.mentions:
        is_count = other.kind == "number" and (other.noun or other.of) and not other.is_change
        if other is mention or not is_count:
            continue
        for table in tables:
            for column in table.measures:
                passing = sum(mention.passes(number) for number in column.numbers.values())
                if passing and passing == other.value:
                    return f"rows of {table.id} by {column.name}"
    return ""


def _how(scope: Scope) -> str | None:
    names = len({name.text for name in scope.names})
    first = scope.names[0].start - scope.start if names else 0
    if names > 1 and _NEITHER.search(scope.text):
        return "neither"
    if names > 1 and _BOTH.search(scope.text):
        return "both"
    if not names and _EVERY.search(scope.text):
        return "every"
    if not names and _NO.match(scope.text):
        return "none"
    if names and (_ONLY.search(scope.text[:first]) or (names == 1 and _ONLY.search(scope.text))):
        return "only"
    return None


def _is_so(mention: Mention, how: str, column: Column, rows: frozenset[int]) -> bool:
    bound = abs(mention.value or Decimal(0))
    # a bound that is far from all numbers of a column speaks of another
    if not any(
        bound <= abs(number) * _NEAR and abs(number) <= bound * _NEAR
        for number in column.numbers.values()
    ):
        return False
    passing = frozenset(row for row, number in column.numbers.items() if mention.passes(number))
    match how:
        case "both" | "every":
            return rows <= passing
        case "neither" | "none":
            return not rows & passing and rows <= column.numbers.keys()
        case _:
            return passing == rows
