"""Whether a query that refers to itself can end."""

from __future__ import annotations

from sqlglot import exp

from buster_tasks.sql_guard.verdict import Code, RefusedError

_ENDS = ("where", "joins", "laterals", "limit", "group", "having", "qualify", "connect")


def check(query: exp.CTE) -> None:
    """Raise RefusedError for `... UNION ALL SELECT ... FROM itself` with nothing that ends it."""
    union = query.this
    if not isinstance(union, exp.Union) or union.args.get("distinct") or union.args.get("limit"):
        return
    step = union.expression.unnest()
    if not isinstance(step, exp.Select) or any(_may_end(step.args.get(part)) for part in _ENDS):
        return
    source = step.args.get("from_")
    table = source.this if isinstance(source, exp.From) else None
    if isinstance(table, exp.Table) and table.name.lower() == query.alias.lower() and not table.db:
        raise RefusedError(
            Code.TOO_MUCH,
            f"{query.alias} adds rows to itself without an end.",
            "Give its second SELECT a WHERE that ends it.",
        )


def _may_end(clause: object) -> bool:
    """Whether it is there, and more than a WHERE that is true of every row."""
    return bool(clause) and not (isinstance(clause, exp.Where) and clause.find(exp.Column) is None)
