"""How tables can be joined, by the foreign keys that were found."""

from __future__ import annotations

import json
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from buster_tasks.sources.schema import ForeignKey

TableName = tuple[str, str, str]
"""Database, schema and name."""
_LONGEST_PATH = 6


@dataclass(frozen=True, slots=True)
class Join:
    """One step from a table to another, over columns that are paired by position.

    `is_to_one` says that a row of the one meets at most one row of the other: it follows the reference. Against it,
    rows may multiply.
    """

    table: TableName
    columns: Sequence[str]
    to_table: TableName
    to_columns: Sequence[str]
    is_to_one: bool

    def turned(self) -> Join:
        """The same step the other way, against the reference."""
        return Join(self.to_table, self.to_columns, self.table, self.columns, not self.is_to_one)


@dataclass(frozen=True, slots=True)
class JoinPath:
    """Steps that lead from one table to another; `is_to_one` where none of them multiplies rows."""

    joins: Sequence[Join]

    @property
    def is_to_one(self) -> bool:
        """Whether a row of the first table meets at most one row of the last."""
        return all(join.is_to_one for join in self.joins)


def as_json(keys: Iterable[ForeignKey]) -> str:
    """The foreign keys, as they are kept for `joins_from`."""
    return json.dumps(
        [
            [
                [key.source_database, key.source_schema, key.source_table],
                key.source_columns,
                [key.referenced_database, key.referenced_schema, key.referenced_table],
                key.referenced_columns,
            ]
            for key in keys
        ]
    )


def joins_from(kept: Iterable[str]) -> list[Join]:
    """A step for each foreign key, along the reference; those that several snapshots have once."""
    joins: dict[Join, Join] = {}
    for keys in kept:
        for table, columns, to_table, to_columns in json.loads(keys):
            start, end = (table[0], table[1], table[2]), (to_table[0], to_table[1], to_table[2])
            step = Join(start, tuple(columns), end, tuple(to_columns), is_to_one=True)
            joins[step] = step
    return list(joins)


def direct(joins: Iterable[Join], table: TableName) -> list[JoinPath]:
    """What the table can be joined with in one step."""
    return [JoinPath([join]) for join in _steps(joins)[table]]


def shortest(joins: Iterable[Join], table: TableName, to: TableName, most: int) -> list[JoinPath]:
    """The paths to another table with the fewest steps, those that multiply no rows first; none if it is too far."""
    steps = _steps(joins)
    found: list[JoinPath] = []
    known, ways = {table: 0}, Counter[TableName]()
    waiting: deque[tuple[TableName, tuple[Join, ...]]] = deque([(table, ())])
    while waiting and len(found) < most:
        place, path = waiting.popleft()
        if len(path) == _LONGEST_PATH or (found and len(path) >= len(found[0].joins)):
            continue
        for join in steps[place]:
            if join.to_table == to:
                found.append(JoinPath((*path, join)))
            elif known.setdefault(join.to_table, len(path) + 1) == len(path) + 1:
                ways[join.to_table] += 1
                if ways[join.to_table] <= most:
                    waiting.append((join.to_table, (*path, join)))
    return sorted(found, key=lambda path: not path.is_to_one)[:most]


def _steps(joins: Iterable[Join]) -> Mapping[TableName, list[Join]]:
    steps: defaultdict[TableName, list[Join]] = defaultdict(list)
    for join in joins:
        steps[join.table].append(join)
        if join.table != join.to_table:
            steps[join.to_table].append(join.turned())
    return steps
