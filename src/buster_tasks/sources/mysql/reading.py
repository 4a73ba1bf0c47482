"""All that was read of a server, with the look-ups that making models from it needs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import TypeVar

from buster_tasks.errors import SourceError
from buster_tasks.sources.mysql.catalog import (
    ColumnRow,
    IndexRow,
    PartitionRow,
    Place,
    ReferenceRow,
    RelationRow,
    RuleRow,
    ViewRow,
)
from buster_tasks.sources.mysql.rights import Rights
from buster_tasks.sources.mysql.server import Server

Placed = TypeVar("Placed", ColumnRow, PartitionRow)

PRIMARY = "PRIMARY"
"""The name of every primary key."""

DATABASE, VIEW, SEQUENCE = "DATABASE", "VIEW", "SEQUENCE"


@dataclass(slots=True)
class Reading:
    """The catalog's rows about what was kept; `failed` are the parts of it that could not be read, and why."""

    server: Server
    databases: list[RelationRow]
    relations: list[RelationRow]
    rights: Rights | None = None
    columns: list[ColumnRow] = field(default_factory=list[ColumnRow])
    indexes: list[IndexRow] = field(default_factory=list[IndexRow])
    references: list[ReferenceRow] = field(default_factory=list[ReferenceRow])
    rules: list[RuleRow] = field(default_factory=list[RuleRow])
    views: list[ViewRow] = field(default_factory=list[ViewRow])
    partitions: list[PartitionRow] = field(default_factory=list[PartitionRow])
    failed: dict[str, SourceError] = field(default_factory=dict[str, SourceError])

    @property
    def tables(self) -> Iterator[RelationRow]:
        """What holds rows."""
        return (relation for relation in self.relations if relation.kind != VIEW)

    def view_places(self) -> list[Place]:
        """Where the views are."""
        return [relation.place for relation in self.relations if relation.kind == VIEW]

    def partitioned_places(self) -> list[Place]:
        """Where tables are that have partitions."""
        return [one.place for one in self.tables if "partitioned" in (one.options or "").lower()]

    def sort(self) -> None:
        """Put the rows in order, and leave out what belongs to nothing that was kept."""
        kept = {relation.place for relation in self.relations}
        self.columns = _sorted(self.columns, kept)
        self.indexes = sorted(
            (row for row in self.indexes if (row.schema, row.table) in kept),
            key=lambda row: (row.schema, row.table, row.name != PRIMARY, row.name, row.position),
        )
        self.references = sorted(
            (row for row in self.references if (row.schema, row.table) in kept),
            key=lambda row: (row.schema, row.table, row.name, row.position),
        )
        self.partitions = _sorted(self.partitions, kept)

    def by_index(self) -> Iterator[list[IndexRow]]:
        """The parts of each index; after `sort`."""
        groups = groupby(self.indexes, key=lambda row: (row.schema, row.table, row.name))
        return (list(group) for _key, group in groups)

    def by_reference(self) -> Iterator[list[ReferenceRow]]:
        """The columns of each foreign key; after `sort`."""
        groups = groupby(self.references, key=lambda row: (row.schema, row.table, row.name))
        return (list(group) for _key, group in groups)

    def actions(self) -> dict[tuple[str, str, str], RuleRow]:
        """What foreign keys do on a change, by database, table and name."""
        return {
            (row.schema, row.table, row.name): row for row in self.rules if row.kind == "REFERENCE"
        }

    def checks(self) -> dict[Place, list[str]]:
        """The clauses of CHECK constraints by table."""
        found: dict[Place, list[str]] = defaultdict(list)
        for row in self.rules:
            if row.kind == "CHECK" and row.first is not None:
                found[row.schema, row.table].append(row.first)
        return found

    def partitions_of(self) -> dict[Place, list[PartitionRow]]:
        """The partitions by table."""
        found: dict[Place, list[PartitionRow]] = defaultdict(list)
        for row in self.partitions:
            found[row.schema, row.table].append(row)
        return found


def _sorted(rows: list[Placed], kept: set[Place]) -> list[Placed]:
    inside = [row for row in rows if (row.schema, row.table) in kept]
    return sorted(inside, key=lambda row: (row.schema, row.table, row.position))
