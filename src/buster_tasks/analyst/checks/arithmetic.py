"""Numbers that a statement computes otherwise than it seems."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from buster_tasks.analyst.checks.statement import Select, Statement
from buster_tasks.analyst.findings import Check

if TYPE_CHECKING:
    from sqlglot import exp

_TRUNCATING: Final = frozenset(
    {"postgres", "redshift", "sqlite", "tsql", "fabric", "trino", "presto", "athena"}
)
_UNGROUPED: Final = frozenset({"mysql", "sqlite"})


def average_of_averages(statement: Statement) -> Iterator[Check]:
    """AVERAGE_OF_AVERAGES: AVG of what a SELECT within gives as AVG, which weighs small groups as large ones."""
    from sqlglot import exp

    for select in statement.selects:
        for found in select.aggregates():
            column = found.this
            if not isinstance(found, exp.Avg) or not isinstance(column, exp.Column):
                continue
            source = select.owner(column)
            if (
                source is not None
                and source.query is not None
                and _is_average(source.query, column.name.lower())
            ):
                yield Check(
                    code="AVERAGE_OF_AVERAGES",
                    severity="warning",
                    message=f"{found.sql()} is an average of averages: each group counts the same, however many rows "
                    "it has. Average the rows, or divide the sum of sums by the sum of counts.",
                )


def _is_average(select: Select, name: str) -> bool:
    from sqlglot import exp

    if select.group is None:
        return False
    for given in select.tree.expressions:
        if given.alias_or_name.lower() == name:
            value = given.unalias()
            while isinstance(value, (exp.Round, exp.Cast, exp.Paren, exp.Coalesce)):
                value = value.this
            return isinstance(value, exp.Avg)
    return False


def integer_division(statement: Statement) -> Iterator[Check]:
    """INTEGER_DIVISION: whole numbers divided where the dialect leaves out what is behind the point."""
    from sqlglot import exp

    if statement.dialect not in _TRUNCATING:
        return
    for select in statement.selects:
        for found in select.find(exp.Div):
            one, other = found.left, found.right
            if isinstance(one.unnest(), exp.Literal) and isinstance(other.unnest(), exp.Literal):
                continue
            if _is_meant(found) or not (
                _is_whole(one, select, statement) and _is_whole(other, select, statement)
            ):
                continue
            yield Check(
                code="INTEGER_DIVISION",
                severity="warning",
                message=f"{found.sql(dialect=statement.dialect)} divides whole numbers, and leaves out what is behind "
                "the point. Multiply by 1.0, or cast one side to a decimal.",
            )


def _is_meant(found: exp.Div) -> bool:
    """Whether it is for steps of a scale, `x / 10 * 10`, or made whole anyway."""
    from sqlglot import exp

    parent = found.parent
    while isinstance(parent, exp.Paren):
        parent = parent.parent
    if isinstance(parent, exp.Mul):
        return (
            parent.right.unnest() == found.right.unnest()
            or parent.left.unnest() == found.right.unnest()
        )
    return isinstance(parent, (exp.Floor, exp.Ceil, exp.Mod)) or (
        isinstance(parent, exp.Cast) and parent.to.is_type(*exp.DataType.INTEGER_TYPES)
    )


def _is_whole(node: exp.Expr, select: Select, statement: Statement) -> bool:
    """Whether an expression is surely of an integer type."""
    from sqlglot import exp

    match node:
        case exp.Count():
            return True
        case exp.Literal():
            return bool(node.is_int)
        case exp.Column():
            facts = select.facts(node)
            return (
                _is_whole_given(node, select, statement)
                if facts is None
                else facts.type == "integer"
            )
        case exp.Sum():
            return _is_whole_sum(node, select, statement)
        case exp.Cast():
            return bool(node.to.is_type(*exp.DataType.INTEGER_TYPES))
        case _:
            parts = _results(node)
            return bool(parts) and all(_is_whole(part, select, statement) for part in parts)


def _results(node: exp.Expr) -> list[exp.Expr]:
    """The parts whose types decide that of an expression; none where others do."""
    from sqlglot import exp

    match node:
        case exp.Paren() | exp.Neg() | exp.Max() | exp.Min() | exp.Abs() | exp.Nullif():
            return [node.this]
        case exp.Add() | exp.Sub() | exp.Mul() | exp.Mod() | exp.Div():
            return [node.left, node.right]
        case exp.Coalesce():
            return [node.this, *node.expressions]
        case exp.Case():
            default = node.args.get("default")
            return [
                *(one.args["true"] for one in node.args["ifs"]),
                *([default] if default else []),
            ]
        case _:
            return []


def _is_whole_sum(node: exp.Sum, select: Select, statement: Statement) -> bool:
    """Whether a sum is whole: PostgreSQL sums bigint to numeric, so that a column is left in doubt there."""
    from sqlglot import exp

    if isinstance(node.this, exp.Column):
        return statement.dialect in {"sqlite", "tsql"} and _is_whole(node.this, select, statement)
    return isinstance(node.this, (exp.Case, exp.Literal)) and _is_whole(
        node.this, select, statement
    )


def _is_whole_given(column: exp.Column, select: Select, statement: Statement) -> bool:
    """Whether the SELECT that gives a column surely gives integers."""
    source = select.owner(column)
    if source is None or source.query is None:
        return False
    for given in source.query.tree.expressions:
        if given.alias_or_name.lower() == column.name.lower():
            return _is_whole(given.unalias(), source.query, statement)
    return False


def not_in_nulls(statement: Statement) -> Iterator[Check]:
    """NOT_IN_NULLS: `NOT IN (SELECT ...)` of a column that may be NULL, with which no row comes through."""
    from sqlglot import exp

    by_tree = {id(select.tree): select for select in statement.selects}
    for inner in _excluded(statement.tree):
        select, given = by_tree.get(id(inner)), inner.expressions[:1]
        column = given[0].unalias() if given else None
        if select is None or not isinstance(column, exp.Column):
            continue
        facts = select.facts(column)
        if facts is not None and facts.is_nullable and not _is_filtered(inner, column.name):
            yield Check(
                code="NOT_IN_NULLS",
                severity="warning",
                message=f"NOT IN lets no row through when {column.name!r} is NULL in one row. Use NOT EXISTS, or leave "
                "the NULLs out within.",
            )


def _excluded(tree: exp.Expr) -> Iterator[exp.Select]:
    """The SELECTs of NOT IN, which some dialects read as `<> ALL`."""
    from sqlglot import exp

    queries: list[object] = [
        found.args.get("query")
        for found in tree.find_all(exp.In)
        if isinstance(found.parent, exp.Not) or found.args.get("negate")
    ]
    queries += [
        found.right.this for found in tree.find_all(exp.NEQ) if isinstance(found.right, exp.All)
    ]
    for query in queries:
        inner = query.unnest() if isinstance(query, exp.Expr) else None
        if isinstance(inner, exp.Select):
            yield inner


def _is_filtered(inner: exp.Select, name: str) -> bool:
    """Whether a condition on the column leaves NULLs out, as any comparison does."""
    from sqlglot import exp

    where = inner.args.get("where")
    return isinstance(where, exp.Where) and any(
        column.name.lower() == name.lower() and not _is_null(column)
        for column in where.find_all(exp.Column)
    )


def _is_null(column: exp.Column) -> bool:
    """Whether the condition is IS NULL, which alone lets NULLs through."""
    from sqlglot import exp

    test = column.parent
    if not isinstance(test, exp.Is):
        return False
    return not (test.args.get("negate") or isinstance(test.parent, exp.Not))


def ungrouped(statement: Statement) -> Iterator[Check]:
    """UNGROUPED_COLUMN: a column beside aggregates that is not grouped by, of which MySQL and SQLite take any row's."""
    from sqlglot import exp

    if statement.dialect not in _UNGROUPED:
        return
    for select in statement.selects:
        found = list(select.aggregates())
        if not found and select.group is None:
            continue
        # SQLite takes the row of the one MIN or MAX
        if (
            statement.dialect == "sqlite"
            and sum(isinstance(one, (exp.Min, exp.Max)) for one in found) == 1
        ):
            continue
        for given in select.tree.expressions:
            column = next(_bare(select, given), None)
            if column is not None:
                yield Check(
                    code="UNGROUPED_COLUMN",
                    severity="warning",
                    message=f"{column.sql()} is neither in GROUP BY nor in an aggregate, so it is that of any row of "
                    "the group.",
                )


def _bare(select: Select, given: exp.Expr) -> Iterator[exp.Column]:
    """The columns of an expression that have several values in a group."""
    from sqlglot import exp

    group = select.group
    grouped = list(group.expressions) if group is not None else []
    if group is not None and any(
        group.args.get(one) for one in ("rollup", "cube", "grouping_sets")
    ):
        return
    given_names = {str(one.name).lower() for one in grouped if isinstance(one, exp.Column)}
    places = {int(one.name) for one in grouped if one.is_int}
    if (
        given.alias_or_name.lower() in given_names
        or select.tree.expressions.index(given) + 1 in places
    ):
        return
    value = given.unalias()
    if value in grouped or isinstance(value, (exp.Star, exp.Subquery)):
        return
    for column in value.find_all(exp.Column):
        if column.find_ancestor(exp.AggFunc, exp.Window, exp.Subquery) is not None:
            continue
        if any(column == one or one.find(exp.Column) == column for one in grouped):
            continue
        if column.name.lower() in given_names or _is_determined(select, column, grouped):
            continue
        if select.owner(column) is not None:
            yield column


def _is_determined(select: Select, column: exp.Column, grouped: list[exp.Expr]) -> bool:
    """Whether the key of the column's table is grouped by, also by the column that is held equal to it."""
    from sqlglot import exp

    source = select.owner(column)
    if source is None:
        return False
    known: set[str] = set()
    owned = {
        (owner.alias, one.name.lower())
        for one in grouped
        if isinstance(one, exp.Column) and (owner := select.owner(one)) is not None
    }
    for one, other in select.equal:
        owned |= {other} if one in owned else {one} if other in owned else set()
    known = {name for alias, name in owned if alias == source.alias}
    return bool(known) and source.is_unique(frozenset(known)) is not False
