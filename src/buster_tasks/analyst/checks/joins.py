"""Joins that repeat rows, and joins that nothing connects."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from buster_tasks.analyst.checks.statement import Select, Source, Statement, condition_of
from buster_tasks.analyst.findings import Check

if TYPE_CHECKING:
    from sqlglot import exp

_ALL: Final = re.compile(
    r"\b(?:for\s+(?:all|each|every)|all\s+(?:the\s+|our\s+)?\w+s\b|every|including\s+those)\b",
    re.IGNORECASE,
)


def fan_out(statement: Statement) -> Iterator[Check]:
    """FAN_OUT: a sum, average or count of columns whose rows a join repeats.

    MIN, MAX and DISTINCT do not mind. A warning: the cost of a product for each of its sales is meant now and then.
    """
    from sqlglot import exp

    for select in statement.selects:
        if len(select.sources) < 2:
            continue
        for found in select.aggregates():
            if not isinstance(found, (exp.Sum, exp.Avg, exp.Count)) or found.find(exp.Distinct):
                continue
            owners = [select.owner(column) for column in found.find_all(exp.Column)]
            known = {owner.alias: owner for owner in owners if owner is not None}
            if not known or len(owners) != len([one for one in owners if one is not None]):
                continue
            by = [_repeated_by(select, owner) for owner in known.values()]
            if all(by):
                yield Check(
                    code="FAN_OUT",
                    severity="warning",
                    message=f"{found.sql()} counts rows of {_names(known.values())} more than once: the join with "
                    f"{by[0]} repeats them. Aggregate {by[0]} in a subquery before it is joined, or count DISTINCT.",
                )


def _names(sources: Iterable[Source]) -> str:
    return ", ".join(sorted(one.table.name if one.table else one.alias for one in sources))


def _repeated_by(select: Select, source: Source) -> str:
    """The alias that repeats the rows of a source, on whatever way it is joined to it; empty for none that is known."""
    seen, ahead = {source.alias}, [source.alias]
    while ahead:
        here = ahead.pop()
        for alias, columns in _joined(select, here).items():
            if alias in seen:
                continue
            seen.add(alias)
            ahead.append(alias)
            other = select.sources.get(alias)
            if (
                other is not None
                and other.is_unique(columns) is False
                and not _is_one_per_group(select, other)
            ):
                return alias
    return ""


def _joined(select: Select, alias: str) -> dict[str, frozenset[str]]:
    """By the alias of what is joined to a source, its columns that are held equal to something, or to a constant."""
    found: dict[str, frozenset[str]] = {}
    for one, other in select.equal:
        for (here, _), (there, column) in ((one, other), (other, one)):
            if here == alias:
                found[there] = found.get(there, frozenset()) | {column} | _constant(select, there)
    return found


def _constant(select: Select, alias: str) -> frozenset[str]:
    """The columns of a source that are held equal to a constant: `rn = 1`."""
    from sqlglot import exp

    found: set[str] = set()
    for equal in select.find(exp.EQ):
        sides = (equal.left, equal.right)
        for side, other in (sides, sides[::-1]):
            owner = select.owner(side) if isinstance(side, exp.Column) else None
            if (
                owner is not None
                and owner.alias == alias
                and isinstance(other, (exp.Literal, exp.Boolean))
            ):
                found.add(side.name.lower())
    return frozenset(found)


def _is_one_per_group(select: Select, source: Source) -> bool:
    """Whether each group has one row of a source at most, so that it repeats nothing within the group."""
    from sqlglot import exp

    group = select.group
    if group is None:
        return False
    columns = [one for one in group.expressions if isinstance(one, exp.Column)]
    grouped = {column.name.lower() for column in columns if select.owner(column) is source}
    return bool(source.is_unique(frozenset(grouped)))


def missing_condition(statement: Statement) -> Iterator[Check]:
    """MISSING_JOIN_CONDITION: tables that nothing connects; a warning for a CROSS JOIN that is meant."""
    for select in statement.selects:
        if len(select.sources) < 2:
            continue
        linked = _linked(select)
        for join in select.joins:
            alias = join.alias_or_name.lower()
            source = select.sources.get(alias)
            if source is None or alias in linked or _is_connected(join, source):
                continue
            if all(_is_one_row(one) for name, one in select.sources.items() if name != alias):
                continue
            yield Check(
                code="MISSING_JOIN_CONDITION",
                severity="warning" if _is_meant(select, join, source) else "error",
                message=f"Nothing connects {alias!r} with the other tables, so each of its rows meets all of theirs. "
                "Add the condition of the join: ON, USING, or an equality in WHERE.",
            )


def _is_connected(join: exp.Join, source: Source) -> bool:
    from sqlglot import exp

    # with two conditions in ON that belong to one table, somebody meant it
    return bool(
        condition_of(join)
        or join.args.get("using")
        or join.method.upper() in {"NATURAL", "ASOF"}
        or source.is_function
        or isinstance(join.this, (exp.Lateral, exp.Unnest, exp.Values))
        or _is_one_row(source)
    )


def _is_meant(select: Select, join: exp.Join, source: Source) -> bool:
    """Whether CROSS JOIN is written, between tables that do not refer to each other.

    Some dialects read a comma as CROSS JOIN, so that the words alone do not tell.
    """
    others = [one for one in select.sources.values() if one is not source]
    return join.kind.upper() == "CROSS" and not any(
        _refers(one, source) or _refers(source, one) for one in others
    )


def _refers(one: Source, other: Source) -> bool:
    if one.table is None or other.table is None:
        return False
    return any(reference.table == other.table.name.lower() for reference in one.table.references)


def _is_one_row(source: Source) -> bool:
    return source.is_function or (source.query is not None and source.query.is_one_row)


def _linked(select: Select) -> set[str]:
    """The aliases that any condition holds against another, or of which a column's owner is unknown."""
    from sqlglot import exp

    found: set[str] = set()
    conditions = [select.where, *map(condition_of, select.joins)]
    for condition in conditions:
        if condition is None:
            continue
        for part in condition.find_all(exp.Predicate):
            if isinstance(part, exp.Connector):
                continue
            columns = list(part.find_all(exp.Column))
            owners = {
                owner.alias for column in columns if (owner := select.owner(column)) is not None
            }
            if len(owners) > 1:
                found |= owners
            elif columns and any(
                not column.table and select.owner(column) is None for column in columns
            ):
                return set(select.sources)
    return found


def inner_join(statement: Statement, question: str) -> Iterator[Check]:
    """INNER_JOIN: advice where the question asks for all of something, and those without a match are left out."""
    if not _ALL.search(question):
        return
    for select in statement.selects:
        left_out = _left_out(select)
        if left_out:
            yield Check(
                code="INNER_JOIN",
                severity="info",
                message=f"The question asks for all; {left_out!r} without a row on the other side of the inner join "
                "are left out. A LEFT JOIN keeps them.",
            )
            return


def _left_out(select: Select) -> str:
    """The table that is grouped by, and whose rows need one in a table with many of them."""
    from sqlglot import exp

    if select.group is None:
        return ""
    columns = select.group.find_all(exp.Column)
    grouped = {owner.alias: owner for column in columns if (owner := select.owner(column))}
    inner = {
        join.alias_or_name.lower()
        for join in select.joins
        if not join.side and join.kind.upper() != "CROSS"
    }
    for here, source in grouped.items():
        for name, given in _joined(select, here).items():
            other = select.sources.get(name)
            is_inner = bool({here, name} & inner)
            if source.table and other and is_inner and other.is_unique(given) is False:
                return source.table.name
    return ""
