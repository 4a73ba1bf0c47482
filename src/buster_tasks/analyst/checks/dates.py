"""Stretches of time that a filter cuts short."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from buster_tasks.analyst.checks.statement import Select, Statement
from buster_tasks.analyst.findings import Check

if TYPE_CHECKING:
    from sqlglot import exp

_DAY: Final = re.compile(r"\d{4}-\d\d-(?P<day>\d\d)")


def cut_day(statement: Statement) -> Iterator[Check]:
    """DATE_RANGE: times up to a day that is written without a time end at its midnight, and leave out the day.

    Only of columns that are known to have times; the first day of a month may be meant as the end of the one before.
    """
    from sqlglot import exp

    for select in statement.selects:
        for found in select.find(exp.Between, exp.LTE):
            column = found.this
            last = (
                found.args.get("high")
                if isinstance(found, exp.Between)
                else found.args["expression"]
            )
            if not isinstance(column, exp.Column) or not _has_times(select, column):
                continue
            day = _day(last)
            if day is not None and day["day"] != "01":
                yield Check(
                    code="DATE_RANGE",
                    severity="warning",
                    message=f"{column.sql()} has times, and {day[0]!r} is its midnight: the rows of that day are left "
                    "out. Use `<` with the day after.",
                )


def _has_times(select: Select, column: exp.Column) -> bool:
    facts = select.facts(column)
    return (
        facts is not None
        and facts.type in {"timestamp", "timestamptz"}
        and facts.has_times is not False
    )


def _day(last: object) -> re.Match[str] | None:
    """The day that a literal is, also as DATE '...' or a cast of it."""
    from sqlglot import exp

    node = last
    while (
        isinstance(node, (exp.Cast, exp.Paren, exp.TsOrDsToDate, exp.Date, exp.TsOrDsToTimestamp))
        and node.this
    ):
        node = node.this
    if isinstance(node, exp.Literal) and node.is_string:
        return _DAY.fullmatch(str(node.this))
    return None
