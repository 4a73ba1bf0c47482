"""How well words fit tables and columns, and which way a question takes where there are several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from buster_tasks.analyst.offline.relation import Column, Edge, Table
from buster_tasks.analyst.offline.schema import Schema
from buster_tasks.analyst.offline.words import best, words as listed

GOOD = 0.6
"""From here on a column or table is what the words name."""

LIGHT = listed(
    "name id type number date code total amount value title status key full record overall time no"
)
_LIGHT_WEIGHT = 0.35
_LEAST = 0.2
_OF_TABLE = 0.85
_PER_STEP = 0.04

Ways = dict[str, list[Edge]]


@dataclass(slots=True)
class Matcher:
    """Scores words against one schema; what was scored once is not scored again."""

    schema: Schema
    words: tuple[str, ...]
    _columns: dict[tuple[tuple[str, ...], str, str, tuple[str, ...]], float] = field(
        default_factory=dict[tuple[tuple[str, ...], str, str, tuple[str, ...]], float]
    )

    def table(self, words: Sequence[str], table: Table) -> float:
        """How well the words name a table, 0 to 1."""
        if not words or not table.words:
            return 0.0
        told = sum(best(one, words) for one in table.words) / len(table.words)
        return _covered(words, table.words, ()) * (0.65 + 0.35 * told)

    def column(self, words: Sequence[str], column: Column, role: tuple[str, ...] = ()) -> float:
        """How well the words name a column: by its own words, with those of its table where they are said too.

        `role` are the words of the references that led to it, as `destination` for the city of an airport.
        """
        key = (tuple(words), column.table, column.name, role)
        if key not in self._columns:
            self._columns[key] = self._column(words, column, role)
        return self._columns[key]

    def _column(self, words: Sequence[str], column: Column, role: tuple[str, ...]) -> float:
        table = self.schema.tables[column.table]
        own = max((best(one, column.words) * _weight(one) for one in words), default=0.0)
        heavy = [one for one in words if _weight(one) == 1.0]
        is_light = own <= _LIGHT_WEIGHT and bool(heavy)
        if own < _LEAST or (is_light and all(best(one, table.words) < GOOD for one in heavy)):
            return 0.0
        known = (*words, *table.words)
        weights = [_weight(one) for one in column.words]
        told = sum(
            weight * best(one, known) for weight, one in zip(weights, column.words, strict=True)
        )
        share = told / (sum(weights) or 1.0)
        return _covered(words, column.words, (*table.words, *role)) * (0.65 + 0.35 * share)

    def find(
        self, words: Sequence[str], ways: Mapping[str, Sequence[Edge]], *, numbers: bool = True
    ) -> list[tuple[float, Column]]:
        """The columns that rows lead to and that fit, the best first."""
        found = [
            (score - _PER_STEP * len(way), column)
            for name, way in ways.items()
            for column in self.schema.tables[name].columns.values()
            if (numbers or not column.is_number)
            and (score := self.column(words, column, self.role(way))) >= GOOD
        ]
        return sorted(found, key=lambda one: -one[0])

    def role(self, way: Sequence[Edge]) -> tuple[str, ...]:
        """What the references of a way are called beside what they lead to."""
        return tuple(
            word
            for edge in way
            for name in edge.columns
            for word in self.schema.tables[edge.table].columns[name].words
            if word not in LIGHT
        )

    def ways(self, fact: str) -> tuple[Ways, set[str]]:
        """A way to each table that a row of the fact leads to, by the words of the question; where that is a guess."""
        chosen: Ways = {}
        unsure: set[str] = set()
        for name, ways in self.schema.reach(fact).items():
            ranked = sorted(
                ((self._cost(way), at, way) for at, way in enumerate(ways)), key=lambda one: one[:2]
            )
            chosen[name] = ranked[0][2]
            if len(ranked) > 1 and ranked[1][0] - ranked[0][0] < 0.05:
                unsure.add(name)
        return chosen, unsure

    def _cost(self, way: Sequence[Edge]) -> float:
        """A step each, less what the question says of it: by the name of its column or of where it leads."""
        cost = 0.0
        for at, edge in enumerate(way):
            cost += 1.0
            role = [word for name in edge.columns for word in self.schema.tables[edge.table].columns[name].words
                    if word not in LIGHT and word not in self.schema.tables[edge.to].words]  # fmt: skip
            cost -= 0.4 * max((best(word, self.words) for word in role), default=0.0)
            if at + 1 < len(way):
                words = self.schema.tables[edge.to].words
                cost -= 0.5 * (sum(best(word, self.words) for word in words) / len(words) >= GOOD)
        return cost


def _covered(words: Sequence[str], own: Sequence[str], beside: Sequence[str]) -> float:
    """How much of the words is there, those that say little counted little."""
    total = got = 0.0
    for word in words:
        weight = _weight(word)
        total += weight
        got += weight * max(best(word, own), _OF_TABLE * best(word, beside))
    return got / total if total else 0.0


def _weight(word: str) -> float:
    return _LIGHT_WEIGHT if word in LIGHT else 1.0
