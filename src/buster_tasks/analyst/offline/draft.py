"""A statement before it is spelt: what is read, computed, kept, ordered."""

from __future__ import annotations

from dataclasses import dataclass, field

from buster_tasks.analyst.offline.intent import Aggregate
from buster_tasks.analyst.offline.schema import Column, Edge
from buster_tasks.analyst.offline.times import Grain, Span


@dataclass(frozen=True, slots=True)
class Measure:
    """Something computed: an aggregate over a column, a product of columns, or the rows of a table."""

    aggregate: Aggregate
    name: str
    columns: tuple[Column, ...] = ()
    less: Column | None = None
    is_distinct: bool = False

    @property
    def is_money(self) -> bool:
        """Whether it looks like an amount."""
        return self.aggregate != "count"


@dataclass(frozen=True, slots=True)
class Dimension:
    """What rows are told apart by; with a grain a time cut to it."""

    column: Column
    name: str
    grain: Grain | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """What a row has to meet: a column, an operator (=, <>, >, ..., contains) and a value."""

    column: Column
    operator: str
    value: str | float


@dataclass(slots=True)
class Draft:
    """One statement over a table and what its rows lead to."""

    fact: str
    ways: dict[str, list[Edge]] = field(default_factory=dict[str, list[Edge]])
    measures: list[Measure] = field(default_factory=list[Measure])
    dimensions: list[Dimension] = field(default_factory=list[Dimension])
    conditions: list[Condition] = field(default_factory=list[Condition])
    span: Span | None = None
    span_column: Column | None = None
    having: list[tuple[Measure, str, float]] = field(
        default_factory=list[tuple[Measure, str, float]]
    )
    without: Edge | None = None
    order: Measure | Dimension | None = None
    is_descending: bool = True
    limit: int | None = None
    is_distinct: bool = False
    keys: list[Column] = field(default_factory=list[Column])
    assumptions: list[str] = field(default_factory=list[str])
    score: float = 0.0

    @property
    def tables(self) -> list[str]:
        """The tables that it reads, the fact first."""
        found = {self.fact: None}
        for column in self.used():
            for edge in self.ways.get(column.table, ()):
                found[edge.to] = None
        if self.without is not None:
            found[self.without.table] = None
        return list(found)

    def used(self) -> list[Column]:
        """All columns that it names."""
        found = [column for measure in self.measures for column in measure.columns]
        found += [measure.less for measure in self.measures if measure.less is not None]
        found += [column for measure, _, _ in self.having for column in measure.columns]
        found += [dimension.column for dimension in self.dimensions]
        found += [condition.column for condition in self.conditions]
        found += self.keys
        return [*found, self.span_column] if self.span_column is not None else found
