"""Whether a day, month or year that a claim names is one of the evidence."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Final

from buster_tasks.analyst.claims.date_mentions import dates
from buster_tasks.analyst.claims.index import Table
from buster_tasks.analyst.claims.mention import Mention
from buster_tasks.analyst.claims.period import Period, period_of_cell
from buster_tasks.analyst.claims.scope import Scope

_TOKEN: Final = re.compile(r"'(?P<text>(?:[^']|'')*)'|(?<![\w.])(?P<year>(?:19|20)\d\d)(?![\w.])")
_COMPARED: Final = re.compile(
    r"(?P<how><>|!=|>=|<=|=|>|<|\bBETWEEN|\bAND|\bIN\s*\(|,)\s*"
    r"(?:(?:DATE|TIMESTAMP|DATETIME|TIMESTAMPTZ|CAST|N)\s*\(?|\()?\s*$",
    re.IGNORECASE,
)


def days_of_sql(sql: str) -> list[tuple[Period, str]]:
    """The days that a statement compares with, each with the comparison: `>=`, `<`, `BETWEEN`, `AND`, `=`."""
    found: list[tuple[Period, str]] = []
    for literal in _TOKEN.finditer(sql):
        days = period_of_cell(literal["text"] or literal["year"])
        compared = _COMPARED.search(sql[max(0, literal.start() - 40) : literal.start()])
        if days is not None and compared is not None:
            found.append((days, compared["how"].upper()))
    return found


def is_dated(mention: Mention, scope: Scope, tables: Iterable[Table], question: str) -> str:
    """By what the evidence has these days: a cell, a filter of the statement, the question; empty for by nothing.

    Of a sentence that names rows, the cells of these rows count.
    """
    for table in tables:
        rows = scope.named_rows(table)
        for column in table.dated:
            cells = [days for row, days in column.periods.items() if not rows or row in rows]
            if _in_cells(mention, cells):
                return f"{table.id}.{column.name}"
        if any(_in_filter(days, table.sql) for days in mention.periods):
            return f"the filter of {table.id}"
    asked = [days for other in dates(question) for days in other.periods]
    if any(_same(days, other) for days in mention.periods for other in asked):
        return "the question"
    return ""


def _in_cells(mention: Mention, cells: Iterable[Period]) -> bool:
    """Whether the cells have the days: one is the mention, or lies within it."""
    known = set(cells)
    return any(days in known or any(days.holds(cell) for cell in known) for days in mention.periods)


def _in_filter(days: Period, sql: str) -> bool:
    """Whether a statement's filter is these days, begins or ends with them, or lies within them."""
    compared = days_of_sql(sql)
    equal = [one for one, how in compared if how == "=" or how.startswith(("IN", ","))]
    if any(_same(days, one) or days.holds(one) for one in equal):
        return True
    first = [one.first for one, how in compared if how in {">=", "BETWEEN"}]
    first += [one.after for one, how in compared if how == ">"]
    after = [one.first for one, how in compared if how == "<"]
    # the last moment of a day may be written as its last second, or as the day
    after += [one.after for one, how in compared if how in {"<=", "AND"}]
    return (
        any(_is_day(days, days.first, one) for one in first)
        or any(_is_day(days, days.after, one) for one in after)
        or any(days.holds(Period(one, other)) for one in first for other in after if one < other)
    )


def _same(days: Period, other: Period) -> bool:
    return days == other or (days.any_year and days.holds(other) and days.days == other.days)


def _is_day(days: Period, one: date, other: date) -> bool:
    return (one.month, one.day) == (other.month, other.day) if days.any_year else one == other
