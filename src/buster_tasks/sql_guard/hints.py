"""Whether a hint only advises the planner: by its word."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from buster_tasks.sql_guard.dialect import Dialect
from buster_tasks.sql_guard.verdict import Code, RefusedError

HINTS = (exp.Hint, exp.WithTableHint, exp.IndexTableHint, exp.QueryOption)


def check(node: exp.Expr, dialect: Dialect) -> None:
    """Raise RefusedError for a hint that locks, sets a variable, or is not on the list."""
    for word in _words(node):
        if word.upper() not in dialect.hints:
            raise RefusedError(
                Code.HINT_NOT_ALLOWED,
                f"The hint {word[:40]} is not on the list of those that only advise the planner.",
                "Leave the hint out.",
            )


def _words(node: exp.Expr) -> Iterator[str]:
    if isinstance(node, exp.IndexTableHint):
        yield "INDEX"
    elif isinstance(node, exp.QueryOption):
        if not isinstance(node.parent, exp.ForClause):
            yield node.name
    else:
        for hint in node.expressions:
            yield hint.name or hint.sql_name() if isinstance(hint, exp.Func) else hint.name
