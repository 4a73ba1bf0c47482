"""All that was read of one database, with the look-ups that making models from it needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import TypeVar

from buster_tasks.errors import SourceError
from buster_tasks.sources.sqlserver.catalog import (
    ColumnRow,
    DatabaseRow,
    HistogramRow,
    IndexRow,
    PartitionRow,
    ReferenceRow,
    RelationRow,
    SizeRow,
    TextRow,
)

Numbered = TypeVar("Numbered", ColumnRow, IndexRow, ReferenceRow)

SCHEMA, TABLE, VIEW, CHECK = "SCHEMA", "U", "V", "CHECK"


@dataclass(slots=True)
class Reading:
    """The catalog's rows about what was kept; `failed` are the parts of it that could not be read, and why."""

    database: DatabaseRow
    schemas: list[RelationRow]
    relations: list[RelationRow]
    columns: list[ColumnRow] = field(default_factory=list[ColumnRow])
    indexes: list[IndexRow] = field(default_factory=list[IndexRow])
    references: list[ReferenceRow] = field(default_factory=list[ReferenceRow])
    texts: list[TextRow] = field(default_factory=list[TextRow])
    sizes: list[SizeRow] = field(default_factory=list[SizeRow])
    partitions: list[PartitionRow] = field(default_factory=list[PartitionRow])
    histograms: list[HistogramRow] = field(default_factory=list[HistogramRow])
    failed: dict[str, SourceError] = field(default_factory=dict[str, SourceError])

    @property
    def name(self) -> str:
        """The database's."""
        return self.database.name

    @property
    def has_partitions(self) -> bool:
        """Whether a table is partitioned."""
        return any(row.partition_position for row in self.indexes)

    def sort(self) -> None:
        """Put the rows in order, and leave out what belongs to nothing that was kept."""
        self.schemas.sort(key=lambda row: row.schema)
        self.relations.sort(key=lambda row: (row.schema, row.name))
        order = {row.number: at for at, row in enumerate(self.relations)}
        self.columns = _kept(self.columns, order)
        self.columns.sort(key=lambda row: (order[row.number], row.position))
        self.indexes = _kept(self.indexes, order)
        self.indexes.sort(
            key=lambda row: (
                order[row.number],
                not row.is_primary,
                row.name or "",
                row.index_number,
                row.key_position or 1_000,
                row.position,
            )
        )
        self.references = _kept(self.references, order)
        self.references.sort(key=lambda row: (order[row.number], row.name, row.position))

    def places(self) -> dict[int, RelationRow]:
        """Tables and views by their number."""
        return {row.number: row for row in self.relations}

    def by_index(self) -> Iterator[list[IndexRow]]:
        """The columns of each index that has a name; after `sort`."""
        groups = groupby(self.indexes, key=lambda row: (row.number, row.index_number))
        return (rows for _key, group in groups if (rows := list(group))[0].name)

    def by_reference(self) -> Iterator[list[ReferenceRow]]:
        """The columns of each foreign key; after `sort`."""
        groups = groupby(self.references, key=lambda row: (row.number, row.name))
        return (list(group) for _key, group in groups)


def _kept(rows: list[Numbered], order: dict[int, int]) -> list[Numbered]:
    return [row for row in rows if row.number in order]
