"""All that was read of an account, with the look-ups that making models from it needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import TypeVar

from buster_tasks.errors import SourceError
from buster_tasks.sources.snowflake.catalog import (
    ColumnRow,
    DatabaseRow,
    KeyRow,
    Place,
    ReferenceRow,
    RelationRow,
    SchemaRow,
    ViewRow,
)
from buster_tasks.sources.snowflake.session import Facts

Keyed = TypeVar("Keyed", KeyRow, ReferenceRow)

VIEW, MATERIALIZED_VIEW = "VIEW", "MATERIALIZED VIEW"


@dataclass(frozen=True, slots=True)
class Failure:
    """A part of a database's catalog that could not be read, and why."""

    database: str
    part: str
    error: SourceError


@dataclass(frozen=True, slots=True)
class Cut:
    """Keys of which SHOW gives the first 10,000 of a schema alone."""

    database: str
    schema: str
    part: str


@dataclass(slots=True)
class Reading:
    """The catalog's rows about what was kept, and what of it could not be read."""

    facts: Facts
    databases: list[DatabaseRow]
    schemas: list[SchemaRow] = field(default_factory=list[SchemaRow])
    relations: list[RelationRow] = field(default_factory=list[RelationRow])
    columns: list[ColumnRow] = field(default_factory=list[ColumnRow])
    views: list[ViewRow] = field(default_factory=list[ViewRow])
    primary: list[KeyRow] = field(default_factory=list[KeyRow])
    unique: list[KeyRow] = field(default_factory=list[KeyRow])
    references: list[ReferenceRow] = field(default_factory=list[ReferenceRow])
    failures: list[Failure] = field(default_factory=list[Failure])
    cuts: list[Cut] = field(default_factory=list[Cut])
    without_schemas: list[str] = field(default_factory=list[str])
    """Databases in which no schema is visible beside the catalog's own."""

    def places(self, *kinds: str) -> set[Place]:
        """Where relations are; of these kinds where some are given."""
        return {one.place for one in self.relations if not kinds or one.kind in kinds}

    def sort(self) -> None:
        """Put the rows in order, and leave out what belongs to nothing that was kept."""
        kept = self.places()
        self.schemas.sort(key=lambda row: (row.database, row.name))
        self.relations.sort(key=lambda row: row.place)
        self.columns = [row for row in self.columns if row.place in kept]
        self.columns.sort(key=lambda row: (row.database, row.schema, row.table, row.position))
        self.primary, self.unique = _ordered(self.primary, kept), _ordered(self.unique, kept)
        self.references = _ordered(self.references, kept)

    def failed(self, database: str, part: str) -> bool:
        """Whether this part of the database could not be read."""
        return any((one.database, one.part) == (database, part) for one in self.failures)


def by_key(rows: list[Keyed]) -> Iterator[list[Keyed]]:
    """The columns of each key; after `Reading.sort`."""
    groups = groupby(rows, key=lambda row: (*row.place, row.name))
    return (list(group) for _key, group in groups)


def _ordered(rows: list[Keyed], kept: set[Place]) -> list[Keyed]:
    inside = [row for row in rows if row.place in kept]
    return sorted(inside, key=lambda row: (*row.place, row.name, row.position))
