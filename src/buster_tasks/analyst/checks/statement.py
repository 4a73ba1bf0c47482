"""A statement as checks see it: its SELECTs, what each reads from, and how that is joined."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar, cast

from buster_tasks.analyst.checks.facts import ColumnFacts, Facts, TableFacts

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope

Node = TypeVar("Node", bound="exp.Expr")
Pair = tuple[tuple[str, str], tuple[str, str]]


@dataclass(eq=False)
class Source:
    """What a SELECT reads from, under its alias: a table that is known, another SELECT, or something unknown."""

    alias: str
    table: TableFacts | None = None
    query: Select | None = None
    is_function: bool = False

    def is_unique(self, columns: frozenset[str]) -> bool | None:
        """Whether a value of the columns names one row at most; None where nobody knows."""
        if self.table is not None:
            return self.table.is_unique(columns) if self.table.keys else None
        return self.query.is_unique(columns) if self.query is not None else None

    def has(self, column: str) -> bool | None:
        """Whether it has a column of that name; None where nobody knows."""
        if self.table is not None:
            return column in self.table.columns
        names = self.query.names if self.query is not None else None
        return None if names is None else column in names


@dataclass(eq=False)
class Select:
    """One SELECT with what it reads from, and the pairs of columns that its conditions hold equal."""

    tree: exp.Select
    scope: Scope
    sources: dict[str, Source]
    equal: list[Pair] = field(default_factory=list[Pair])

    @property
    def names(self) -> set[str] | None:
        """The names of its columns, in lower case; None where a star hides them."""
        if self.tree.is_star:
            return None
        return {one.alias_or_name.lower() for one in self.tree.expressions}

    @property
    def joins(self) -> list[exp.Join]:
        """Its joins, in order."""
        return cast("list[exp.Join]", self.tree.args.get("joins") or [])

    @property
    def where(self) -> exp.Where | None:
        """Its WHERE."""
        return cast("exp.Where | None", self.tree.args.get("where"))

    @property
    def group(self) -> exp.Group | None:
        """Its GROUP BY."""
        return cast("exp.Group | None", self.tree.args.get("group"))

    @property
    def is_one_row(self) -> bool:
        """Whether it gives one row at most: totals, `LIMIT 1`, or no table."""
        limit = self.tree.args.get("limit")
        if limit is not None and limit.expression is not None and limit.expression.name == "1":
            return True
        return not self.sources or (self.group is None and bool(list(self.aggregates())))

    def is_unique(self, columns: frozenset[str]) -> bool | None:
        """Whether the columns name one row of what it gives, by its GROUP BY or DISTINCT."""
        if self.is_one_row:
            return True
        group = self.group
        names = {one.alias_or_name.lower(): one for one in self.tree.expressions}
        if group is not None:
            grouped = [self.grouped_name(one) for one in group.expressions]
            return None not in grouped and set(grouped) <= columns
        if self.tree.args.get("distinct") is not None:
            return set(names) <= columns
        return None

    def grouped_name(self, one: exp.Expr) -> str | None:
        """The name, in what it gives, of an expression that it groups by; None where it does not give it."""
        expressions = self.tree.expressions
        if one.is_int and 0 < int(one.name) <= len(expressions):
            return str(expressions[int(one.name) - 1].alias_or_name).lower()
        for given in expressions:
            if given.unalias() == one or (given.alias and given.alias.lower() == one.name.lower()):
                return str(given.alias_or_name).lower()
        return None

    def aggregates(self) -> Iterator[exp.AggFunc]:
        """The aggregates of this SELECT itself, but for those of windows."""
        from sqlglot import exp

        for found in self.find(exp.AggFunc):
            if not isinstance(found.parent, (exp.Window, exp.IgnoreNulls, exp.WithinGroup)) or not (
                found.find_ancestor(exp.Window)
            ):
                yield found

    def find(self, *kinds: type[Node]) -> Iterator[Node]:
        """The nodes of these kinds in this SELECT, not in those within it."""
        return self.scope.find_all(*kinds)

    def owner(self, column: exp.Column) -> Source | None:
        """The source of a column; None where it is from outside, or nobody knows."""
        if column.table:
            return self.sources.get(column.table.lower())
        name = column.name.lower()
        known = [(source, source.has(name)) for source in self.sources.values()]
        sure = [source for source, has in known if has]
        if len(sure) == 1:
            return sure[0]
        unsure = [source for source, has in known if has is None]
        return unsure[0] if len(self.sources) == 1 and unsure else None

    def facts(self, column: exp.Column) -> ColumnFacts | None:
        """What is known of a column of a table."""
        source = self.owner(column)
        if source is None or source.table is None:
            return None
        return source.table.columns.get(column.name.lower())


@dataclass(eq=False)
class Statement:
    """A statement: its tree, its dialect, and its SELECTs, inner ones first."""

    tree: exp.Expr
    dialect: str
    selects: list[Select]

    @property
    def outer(self) -> Select | None:
        """The SELECT whose rows are the result; None for a UNION and the like."""
        return next((one for one in self.selects if one.tree is self.tree), None)


def parsed(sql: str, dialect: str, facts: Facts) -> Statement | None:
    """The statement; None for what cannot be read, which others refuse."""
    from sqlglot import exp, parse_one
    from sqlglot.errors import SqlglotError
    from sqlglot.optimizer.scope import traverse_scope

    try:
        tree = parse_one(sql, read=dialect)
        selects: dict[int, Select] = {}
        for scope in traverse_scope(tree):
            if isinstance(scope.expression, exp.Select):
                selects[id(scope)] = _select(scope, selects, facts)
    except (SqlglotError, ValueError, RecursionError):
        return None
    return Statement(tree, dialect, list(selects.values()))


def _select(scope: Scope, selects: dict[int, Select], facts: Facts) -> Select:
    read = set(scope.selected_sources)  # a scope knows all common table expressions too
    sources = {
        alias.lower(): _source(alias, source, selects, facts)
        for alias, source in scope.sources.items()
        if alias in read
    }
    one = Select(cast("exp.Select", scope.expression), scope, sources)
    one.equal = list(_equal(one))
    return one


def _source(alias: str, source: object, selects: dict[int, Select], facts: Facts) -> Source:
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope

    if isinstance(source, exp.Table):
        is_function = not isinstance(source.this, exp.Identifier)
        table = None if is_function else facts.table(source.name, source.db)
        return Source(alias.lower(), table, is_function=is_function)
    if isinstance(source, Scope):
        query = selects.get(id(source))
        is_function = source.is_udtf
        return Source(alias.lower(), query=query, is_function=is_function)
    return Source(alias.lower())


def _equal(select: Select) -> Iterator[Pair]:
    """Pairs of columns of two sources that ON, USING, or WHERE hold equal."""
    from sqlglot import exp

    conditions = [condition_of(join) for join in select.joins]
    conditions.append(select.where.this if select.where is not None else None)
    for condition in conditions:
        for part in _parts(condition):
            pair = _pair(select, part) if isinstance(part, exp.EQ) else None
            if pair is not None:
                yield pair
    before = _first(select)
    for join in select.joins:
        alias = join.alias_or_name.lower()
        for name in cast("list[exp.Expr]", join.args.get("using") or []):
            column = name.name.lower()
            others = [
                one for one in before if one in select.sources and select.sources[one].has(column)
            ]
            if others or len(before) == 1:
                yield (others[0] if others else before[0], column), (alias, column)
        before.append(alias)


def condition_of(join: exp.Join) -> exp.Expr | None:
    """The condition of ON; `ON TRUE`, which some dialects write where there is none, is none."""
    from sqlglot import exp

    on = cast("exp.Expr | None", join.args.get("on"))
    return None if isinstance(on, exp.Boolean) else on


def _first(select: Select) -> list[str]:
    source = cast("exp.From | None", select.tree.args.get("from_"))
    return [source.alias_or_name.lower()] if source is not None else []


def _parts(condition: exp.Expr | None) -> Iterator[exp.Expr]:
    """The conditions that all have to hold."""
    from sqlglot import exp

    match condition:
        case None:
            return
        case exp.Paren():
            yield from _parts(condition.this)
        case exp.And():
            yield from _parts(condition.left)
            yield from _parts(condition.right)
        case _:
            yield condition


def _pair(select: Select, equal: exp.EQ) -> Pair | None:
    from sqlglot import exp

    left, right = equal.left.unnest(), equal.right.unnest()
    if not isinstance(left, exp.Column) or not isinstance(right, exp.Column):
        return None
    one, other = select.owner(left), select.owner(right)
    if one is None or other is None or one is other:
        return None
    return (one.alias, left.name.lower()), (other.alias, right.name.lower())
