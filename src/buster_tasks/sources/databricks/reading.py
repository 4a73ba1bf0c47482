"""All that was read, with the look-ups that making models from it needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import TypeVar

from buster_tasks.errors import SourceError
from buster_tasks.sources.databricks.catalog import (
    ColumnRow,
    DetailRow,
    KeyRow,
    PartitionRow,
    Place,
    PlaceRow,
    ReferenceRow,
    RelationRow,
    ViewRow,
)

Placed = TypeVar("Placed", ColumnRow, KeyRow, ReferenceRow, PartitionRow)

VIEWS = ("VIEW", "MATERIALIZED_VIEW", "METRIC_VIEW")
TEXTS, KEYS, REFERENCES, PARTITIONS, DETAILS = (
    "texts of views", "primary keys", "foreign keys", "partition columns", "sizes",
)  # fmt: skip


@dataclass(slots=True)
class Reading:
    """The rows about what was kept; `failed` are the parts that could not be read, and why.

    `legacy` are catalogs outside of Unity Catalog, which tell less.
    """

    catalogs: list[PlaceRow] = field(default_factory=list[PlaceRow])
    schemas: list[PlaceRow] = field(default_factory=list[PlaceRow])
    relations: list[RelationRow] = field(default_factory=list[RelationRow])
    columns: list[ColumnRow] = field(default_factory=list[ColumnRow])
    partitions: list[PartitionRow] = field(default_factory=list[PartitionRow])
    views: list[ViewRow] = field(default_factory=list[ViewRow])
    keys: list[KeyRow] = field(default_factory=list[KeyRow])
    references: list[ReferenceRow] = field(default_factory=list[ReferenceRow])
    details: list[DetailRow] = field(default_factory=list[DetailRow])
    legacy: list[str] = field(default_factory=list[str])
    failed: dict[str, SourceError] = field(default_factory=dict[str, SourceError])
    unread_schemas: dict[tuple[str, str], SourceError] = field(
        default_factory=dict[tuple[str, str], SourceError]
    )
    left_out: int = 0
    """Tables whose size was not asked for, since each would be a statement."""

    def sort(self) -> None:
        """Put the rows in order, and leave out what belongs to nothing that was kept."""
        self.catalogs.sort(key=lambda row: row.catalog)
        self.schemas.sort(key=lambda row: (row.catalog, row.schema or ""))
        self.relations.sort(key=lambda row: row.place)
        order = {row.place: at for at, row in enumerate(self.relations)}
        self.columns = _kept(self.columns, order)
        self.columns.sort(key=lambda row: (order[row.place], row.position))
        self.partitions = _kept(self.partitions, order)
        self.partitions.sort(key=lambda row: (order[row.place], row.position))
        self.keys = _kept(self.keys, order)
        self.keys.sort(key=lambda row: (order[row.place], row.kind, row.name, row.position))
        self.references = _kept(self.references, order)
        self.references.sort(key=lambda row: (order[row.place], row.name, row.position))

    def by_key(self, kind: str) -> Iterator[list[KeyRow]]:
        """The columns of each key of this kind; after `sort`."""
        groups = groupby(self.keys, key=lambda row: (row.place, row.kind, row.name))
        return (list(group) for (_place, found, _name), group in groups if found == kind)

    def by_reference(self) -> Iterator[list[ReferenceRow]]:
        """The columns of each foreign key; after `sort`."""
        groups = groupby(self.references, key=lambda row: (row.place, row.name))
        return (list(group) for _key, group in groups)


def is_view(row: RelationRow) -> bool:
    """Whether it is told among the views."""
    return row.kind in VIEWS


def _kept(rows: list[Placed], order: dict[Place, int]) -> list[Placed]:
    return [row for row in rows if row.place in order]
