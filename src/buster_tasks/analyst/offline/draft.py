"""A statement before it is spelt: what is read, computed, kept, ordered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from buster_tasks.analyst.offline.intent import Aggregate
from buster_tasks.analyst.offline.relation import Column, Edge
from buster_tasks.analyst.offline.times import Grain, Span

Operator = Literal["=", "<>", ">", ">=", "<", "<=", "begins", "ends", "contains", "empty", "filled"]


@dataclass(frozen=True, slots=True)
class Condition:
    """What a row has to meet: a column, an operator and a value; `empty` and `filled` need none."""

    column: Column
    operator: Operator
    value: str | float | bool | None = None


@dataclass(frozen=True, slots=True)
class Measure:
    """Something computed: an aggregate over a column, a product of columns, or the rows of a table.

    `where` are conditions of this measure alone; a share is the part of the rows that meets them, times `scale`. With
    `formula` it is arithmetic over `parts`.
    """

    aggregate: Aggregate
    name: str
    columns: tuple[Column, ...] = ()
    less: Column | None = None
    is_distinct: bool = False
    where: tuple[Condition, ...] = ()
    scale: float = 100.0
    formula: str = ""
    parts: tuple[Measure, ...] = ()

    def used(self) -> Iterator[Column]:
        """All columns that it names."""
        yield from self.columns
        if self.less is not None:
            yield self.less
        yield from (one.column for one in self.where)
        for part in self.parts:
            yield from part.used()


@dataclass(frozen=True, slots=True)
class Dimension:
    """What rows are told apart by; with a grain a time cut to it."""

    column: Column
    name: str
    grain: Grain | None = None


@dataclass(frozen=True, slots=True)
class Absent:
    """Rows of another table that there must be none of; `way` leads from it to the rows that are read."""

    table: str
    way: tuple[Edge, ...]
    conditions: tuple[Condition, ...] = ()
    span: Span | None = None
    span_column: Column | None = None


@dataclass(slots=True)
class Draft:
    """One statement over a table and what its rows lead to.

    `shown` is what stands in the result, in order; without it all dimensions and measures do. Each of `conditions` is
    met when one of its alternatives is. `keys` are grouped by beside the dimensions. `unexplained` are the words of the
    question that nothing here stands for, `doubts` why the reading may not be the one that was meant.
    """

    fact: str
    ways: dict[str, list[Edge]] = field(default_factory=dict[str, list[Edge]])
    measures: list[Measure] = field(default_factory=list[Measure])
    dimensions: list[Dimension] = field(default_factory=list[Dimension])
    shown: list[Measure | Dimension] = field(default_factory=list[Measure | Dimension])
    conditions: list[tuple[Condition, ...]] = field(default_factory=list[tuple[Condition, ...]])
    span: Span | None = None
    span_column: Column | None = None
    having: list[tuple[Measure, str, float]] = field(
        default_factory=list[tuple[Measure, str, float]]
    )
    absent: Absent | None = None
    order: Measure | Dimension | None = None
    is_descending: bool = True
    is_ranked: bool = False
    limit: int | None = None
    is_distinct: bool = False
    keys: list[Column] = field(default_factory=list[Column])
    assumptions: list[str] = field(default_factory=list[str])
    entity: str = ""
    parts: list[float] = field(default_factory=list[float])
    heard: set[str] = field(default_factory=set[str])
    unexplained: list[str] = field(default_factory=list[str])
    doubts: list[str] = field(default_factory=list[str])
    score: float = 0.0

    @property
    def columns(self) -> list[Measure | Dimension]:
        """What stands in the result, in order."""
        return list(self.shown) or [*self.dimensions, *self.measures]

    @property
    def is_grouped(self) -> bool:
        """Whether rows are put together."""
        return bool(self.measures or self.having)

    @property
    def tables(self) -> list[str]:
        """The tables that its rows are of, the fact first."""
        found = {self.fact: None}
        for column in self.used():
            for edge in self.ways.get(column.table, ()):
                found[edge.to] = None
        return list(found)

    def used(self) -> list[Column]:
        """All columns that it names, those of what must be absent left out."""
        found = [column for measure in self.measures for column in measure.used()]
        found += [column for measure, _, _ in self.having for column in measure.used()]
        found += [dimension.column for dimension in self.dimensions]
        if isinstance(self.order, Dimension):
            found.append(self.order.column)
        found += [one.column for any_of in self.conditions for one in any_of]
        found += self.keys
        return [*found, self.span_column] if self.span_column is not None else found
