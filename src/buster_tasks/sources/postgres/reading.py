"""All that was read of one database, with the look-ups that making models from it needs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from buster_tasks.errors import SourceError
from buster_tasks.sources.postgres.catalog import (
    ConstraintRow,
    DatabaseRow,
    IndexRow,
    RelationRow,
    SchemaRow,
)
from buster_tasks.sources.schema import Column


@dataclass(slots=True)
class Reading:
    """The catalog's rows about what was kept; columns are models at once, since there are so many.

    Relations are known by their oid: two schemas may have tables of the same name.
    """

    database: DatabaseRow
    schemas: Sequence[SchemaRow]
    relations: Sequence[RelationRow]
    constraints: Sequence[ConstraintRow] = ()
    indexes: Sequence[IndexRow] = ()
    found_columns: defaultdict[int, list[Column]] = field(default_factory=lambda: defaultdict(list))
    names: defaultdict[int, dict[int, str]] = field(default_factory=lambda: defaultdict(dict))
    left_out: Sequence[str] = ()
    why_left_out: SourceError | None = None
    by_oid: dict[int, RelationRow] = field(init=False)

    def __post_init__(self) -> None:
        self.by_oid = {relation.oid: relation for relation in self.relations}

    def leave_out(self, parts: Sequence[str], error: SourceError) -> None:
        """Do without these parts. A key whose columns have no names is none, and half of the columns mislead."""
        self.left_out, self.why_left_out = parts, error
        if "columns" in parts:
            self.constraints = ()
            self.found_columns.clear()
            self.names.clear()

    def counts(self) -> dict[str, int]:
        """How much is read up to now."""
        columns = sum(map(len, self.found_columns.values()))
        return {"columns": columns, "indexes": len(self.indexes)}

    def keys(self, kind: str) -> list[ConstraintRow]:
        """The constraints of this kind."""
        return [row for row in self.constraints if row.kind == kind]

    def columns_of(self, row: ConstraintRow) -> list[str]:
        """The names of a key's columns, in key order."""
        names = self.names.get(row.relation, {})
        return [names[number] for number in row.key or () if number in names]

    def target_columns_of(self, row: ConstraintRow) -> list[str]:
        """The names of the columns that a foreign key refers to, paired with its own."""
        if row.target_columns is not None:
            return row.target_columns
        names = self.names.get(row.target_oid or 0, {})
        return [names[number] for number in row.target_key or () if number in names]

    def columns(self) -> list[Column]:
        """All columns, those of each relation by their place in it."""
        ordered: list[Column] = []
        for relation in self.relations:
            ordered += sorted(self.found_columns.get(relation.oid, ()), key=_position)
        return ordered


def _position(column: Column) -> int:
    return column.position
