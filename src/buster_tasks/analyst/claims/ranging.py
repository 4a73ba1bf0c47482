"""Ranges: whether what something `ranged from` and `to` are the least and the greatest of what is spoken of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from buster_tasks.analyst.claims.cells import admits
from buster_tasks.analyst.claims.comparing import asked
from buster_tasks.analyst.claims.index import Column, Table
from buster_tasks.analyst.claims.mention import Mention
from buster_tasks.analyst.claims.reading import scale_of_column
from buster_tasks.analyst.claims.scope import Scope

_ABOUT: Final = (
    r"(?:(?:about|around|roughly|nearly|over|a\s+(?:low|high|minimum|maximum)\s+of)\s+)*[$€£¥₹]?"
)
_RANGED: Final = re.compile(
    r"\b(?:rang(?:e[sd]?|ing)|var(?:y|ies|ied|ying)|fluctuat(?:e[sd]?|ing)|span(?:s|ned)?|oscillat(?:e[sd]?|ing)|"
    rf"mov(?:e[sd]?|ing)|stay(?:s|ed)?)\b[^.;\d]*?\s(?:from|between)\s+{_ABOUT}$"
    r"|\bfrom\s+a\s+(?:low|minimum)\s+of\s+[$€£¥₹]?$",
    re.IGNORECASE,
)
_UNTIL: Final = re.compile(
    rf"(?:\s+[a-z]+)?(?:\s+(?:in|for|of|at)\s[^\d.;]*?)?\s*(?:to|and|[-\u2013])\s*{_ABOUT}",
    re.IGNORECASE,
)


def is_end(mention: Mention, scope: Scope, tables: Sequence[Table]) -> str | None:
    """By what a number is an end of a range, nothing for by nothing; None for a number that is no end of one."""
    other = _other_end(mention, scope)
    if other is None:
        return None
    for table in tables:
        rows = scope.span(table) or scope.rows_meant(mention, table) or frozenset(range(table.rows))
        if len(scope.rows_meant(mention, table)) == 1:  # an end that is told with its own row
            rows = frozenset(range(table.rows))
        for column in asked(table, mention, scope.text):
            own = scope.paired.get((mention.start, table.id), rows)
            if _is_met(mention, other, column, rows, own):
                return f"the range of {table.id}.{column.name}"
    return ""


def _other_end(mention: Mention, scope: Scope) -> Mention | None:
    numbers = [one for one in scope.mentions if one.kind in {"number", "percent"}]
    for first, last in pairwise(numbers):
        before = scope.text[: first.start - scope.start]
        between = scope.text[first.end - scope.start : last.start - scope.start]
        if mention in (first, last) and _RANGED.search(before) and _UNTIL.fullmatch(between):
            return last if mention is first else first
    return None


def _is_met(
    mention: Mention, other: Mention, column: Column, rows: frozenset[int], own: frozenset[int]
) -> bool:
    numbers = [column.numbers[row] for row in rows if row in column.numbers]
    if not numbers:
        return False
    is_low = (mention.value or 0) <= (other.value or 0)
    scale = scale_of_column(column)
    end = min(numbers) if is_low else max(numbers)
    is_there = any(column.numbers.get(row) == end for row in own)
    return is_there and admits(mention, end, scale, column.traits)
