"""Statements that give something else at another time, or by chance."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from buster_tasks.analyst.checks.statement import Select, Statement
from buster_tasks.analyst.findings import Check, Severity
from buster_tasks.sources.base import QueryResult

_CHANCE: Final = frozenset(
    {"rand", "random", "randn", "uuid", "newid", "newsequentialid", "generate_uuid", "gen_random_uuid", "uuid_string",
     "uuid_generate_v4", "randomblob", "uniform", "normal", "uuidv4", "uuidv7"}
)  # fmt: skip
_CLOCK: Final = frozenset(
    {"now", "getdate", "getutcdate", "sysdate", "sysdatetime", "sysutcdatetime", "systimestamp", "localtimestamp",
     "clock_timestamp", "statement_timestamp", "transaction_timestamp", "utc_timestamp", "utc_date", "curdate",
     "curtime", "today", "unix_timestamp", "current_date", "current_timestamp", "current_time", "currentdate",
     "currenttimestamp", "currenttime", "currentdatetime", "current_datetime"}
)  # fmt: skip
_NOW: Final = re.compile(r"now|today|yesterday|tomorrow", re.IGNORECASE)


def non_reproducible(statement: Statement, result: QueryResult) -> Iterator[Check]:
    """NON_REPRODUCIBLE: chance, samples, a LIMIT that no order decides; the clock is told as information."""
    from sqlglot import exp

    for node in statement.tree.walk():
        name = _function(node)
        if name in _CHANCE:
            yield _check("warning", f"{name} gives something else at each run.")
        elif name in _CLOCK:
            yield _check(
                "info", f"{name} makes the result depend on when it is run. Name the dates."
            )
        elif isinstance(node, exp.TableSample):
            yield _check("warning", "A sample of rows is another at each run.")
    for select in statement.selects:
        yield from _limits(statement, select, result)


def _function(node: object) -> str:
    """The name of a function in lower case; empty for any other node."""
    from sqlglot import exp

    match node:
        case exp.Anonymous():
            return str(node.this).lower()
        case exp.Literal(is_string=True) if _NOW.fullmatch(str(node.this)) and isinstance(
            node.parent, exp.Func
        ):
            return "now"  # date('now') of SQLite, DATE 'today' of PostgreSQL
        case exp.Func():
            return str(node.sql_name()).lower()
        case _:
            return ""


def _limits(statement: Statement, select: Select, result: QueryResult) -> Iterator[Check]:
    limit = _count(select)
    if limit is None or (select.is_one_row and limit != 1):
        return
    is_outer = select is statement.outer
    if is_outer and result.row_count < limit:
        return  # nothing was left out
    order = select.tree.args.get("order")
    if order is None:
        if not (select.tree.args.get("group") is None and list(select.aggregates())):
            yield _check(
                "warning", f"LIMIT {limit} without ORDER BY takes any rows. Say which by ORDER BY."
            )
    elif is_outer and _tied(select, result):
        yield _check(
            "warning",
            f"Rows at the end of LIMIT {limit} are equal in what they are ordered by, so any of them may be there. Add "
            "a column to ORDER BY that tells them apart.",
        )


def _count(select: Select) -> int | None:
    """How many rows LIMIT, TOP or FETCH let through."""
    from sqlglot import exp

    limit = select.tree.args.get("limit")
    if isinstance(limit, exp.Limit):
        number = limit.expression
    elif isinstance(limit, exp.Fetch):
        number = limit.args.get("count")
    else:
        return None
    number = number.unnest() if isinstance(number, exp.Expr) else number
    return int(number.name) if isinstance(number, exp.Literal) and number.is_int else None


def _tied(select: Select, result: QueryResult) -> bool:
    """Whether the last two rows are equal in all that they are ordered by, as far as the result shows it."""
    if result.row_count < 2:
        return False
    names = [column.name.lower() for column in result.columns]
    places: list[int] = []
    for ordered in select.tree.args["order"].expressions:
        name = _given(select, ordered.this, names)
        if name is None:
            return False
        places.append(name)
    last, before = result.rows[-1], result.rows[-2]
    return bool(places) and all(last[place] == before[place] for place in places)


def _given(select: Select, ordered: object, names: list[str]) -> int | None:
    """The place in the result of what it is ordered by."""
    from sqlglot import exp

    assert isinstance(ordered, exp.Expr)
    if ordered.is_int:
        place = int(ordered.name) - 1
        return place if 0 <= place < len(names) else None
    for place, given in enumerate(select.tree.expressions):
        if given.unalias() == ordered and place < len(names):
            return place
    if isinstance(ordered, exp.Column) and names.count(ordered.name.lower()) == 1:
        return names.index(ordered.name.lower())
    return None


def _check(severity: Severity, message: str) -> Check:
    return Check(code="NON_REPRODUCIBLE", severity=severity, message=message)
