"""From what was read of databases to their introspection: pure, so that it is tested without a server."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import JsonValue

from buster_tasks.sources.filters import Selection
from buster_tasks.sources.schema import (
    Database,
    Filters,
    Introspection,
    Issue,
    Schema,
    StatisticsLevel,
    Table,
    View,
    of_catalog,
)
from buster_tasks.sources.sqlserver import issues, keys
from buster_tasks.sources.sqlserver.catalog import (
    DatabaseRow,
    IndexRow,
    RelationRow,
    SizeRow,
    TextRow,
)
from buster_tasks.sources.sqlserver.columns import columns
from buster_tasks.sources.sqlserver.reading import CHECK, TABLE, VIEW, Reading
from buster_tasks.sources.sqlserver.server import Server

_PAGE = 8_192


def assemble(
    server: Server,
    readings: Sequence[Reading],
    *,
    filters: Filters,
    selection: Selection,
    level: StatisticsLevel,
    more: Sequence[Issue] = (),
) -> Introspection:
    """Everything that was read, with its issues; named after the connection's database until somebody names it."""
    lost = [*more, *(one for reading in readings for one in issues.lost(server, reading))]
    return Introspection(
        data_source_name=server.database,
        data_source_type="sqlserver",
        databases=[_database(server, reading.database) for reading in readings],
        schemas=[_schema(reading, row) for reading in readings for row in reading.schemas],
        tables=[one for reading in readings for one in tables(reading)],
        columns=[one for reading in readings for one in columns(reading)],
        views=[one for reading in readings for one in views(reading)],
        primary_keys=[one for reading in readings for one in keys.primary_keys(reading)],
        unique_keys=[one for reading in readings for one in keys.unique_keys(reading)],
        indexes=[one for reading in readings for one in keys.indexes(reading)],
        foreign_keys=[one for reading in readings for one in keys.foreign_keys(reading)],
        issues=[*selection.warnings(), *lost],
        complete=not lost,
        introspected_at=datetime.now(UTC),
        filters=filters,
        statistics="none" if level == "none" else "catalog",
    )


def tables(reading: Reading) -> list[Table]:
    """Tables; the server keeps how many rows they have, and says that this is approximate."""
    lookup = _Lookup(reading)
    return [of_catalog(Table, lookup.table(row)) for row in reading.relations if row.kind == TABLE]


def views(reading: Reading) -> list[View]:
    """Views with the statement that made them; one that has an index keeps its rows."""
    lookup = _Lookup(reading)
    return [of_catalog(View, lookup.view(row)) for row in reading.relations if row.kind == VIEW]


def _database(server: Server, row: DatabaseRow) -> Database:
    known: dict[str, JsonValue] = {
        "collation": row.collation,
        "compatibilityLevel": row.compatibility,
        "serverVersion": server.version,
        "edition": server.edition,
    }
    return Database(
        name=row.name,
        owner=row.owner,
        created=row.created,
        metadata={name: value for name, value in known.items() if value is not None},
    )


def _schema(reading: Reading, row: RelationRow) -> Schema:
    return Schema(name=row.schema, database=reading.name, owner=row.owner, comment=row.comment)


class _Lookup:
    """What the row of a table or view does not tell."""

    def __init__(self, reading: Reading) -> None:
        self._database = reading.name
        self._sizes = {row.number: row for row in reading.sizes}
        self._texts: dict[int, TextRow] = {}
        self._checks: dict[int, list[TextRow]] = defaultdict(list)
        for row in reading.texts:
            if row.kind == CHECK:
                self._checks[row.number].append(row)
            else:
                self._texts[row.number] = row
        self._partitions = {row.number: row for row in reading.partitions}
        self._clustered: dict[int, list[IndexRow]] = defaultdict(list)
        self._partitioned: dict[int, list[IndexRow]] = defaultdict(list)
        for part in reading.indexes:
            if part.index_number == 1:
                self._clustered[part.number].append(part)
            if part.index_number in (0, 1) and part.partition_position:
                self._partitioned[part.number].append(part)

    def table(self, row: RelationRow) -> dict[str, Any]:
        """The fields of a table."""
        size = self._sizes.get(row.number, SizeRow(row.number, None, None))
        clustered = [part.column for part in self._clustered[row.number] if part.key_position]
        by = sorted(self._partitioned[row.number], key=lambda part: part.partition_position)
        return {
            **self._fields(row),
            "type": "EXTERNAL_TABLE" if row.is_external else "TABLE",
            "row_count": None if row.is_external else _whole(size.rows),
            "row_count_kind": "unknown" if size.rows is None or row.is_external else "estimate",
            "size_bytes": None if size.pages is None else int(size.pages) * _PAGE,
            "clustering_keys": clustered or None,
            "partition_keys": [part.column for part in by] or None,
            "metadata": self._metadata(row),
        }

    def view(self, row: RelationRow) -> dict[str, Any]:
        """The fields of a view."""
        text = self._texts.get(row.number)
        known: Mapping[str, JsonValue] = {"schemaBound": True} if text and text.is_bound else {}
        return {
            **self._fields(row),
            "definition": None if text is None else text.definition,
            "is_materialized": bool(self._clustered[row.number]),
            "metadata": dict(known),
        }

    def _fields(self, row: RelationRow) -> dict[str, Any]:
        return {
            "name": row.name,
            "schema_name": row.schema,
            "database": self._database,
            "owner": row.owner,
            "comment": row.comment,
            "created": row.created,
            "last_modified": row.modified,
        }

    def _metadata(self, row: RelationRow) -> dict[str, JsonValue]:
        checks: list[JsonValue] = [one.definition for one in self._checks[row.number]]
        partition = self._partitions.get(row.number)
        known: dict[str, JsonValue] = {
            "checks": checks or None,
            "temporal": row.temporal if row.temporal != "NON_TEMPORAL_TABLE" else None,
            "memoryOptimized": True if row.in_memory else None,
            "columnstore": True
            if any("COLUMNSTORE" in part.kind for part in self._clustered[row.number])
            else None,
            "partitioning": None
            if partition is None
            else {
                "scheme": partition.scheme,
                "function": partition.function,
                "kind": partition.kind,
                "partitions": partition.partitions,
                "boundaryOnRight": partition.is_right,
            },
        }
        return {name: value for name, value in known.items() if value is not None}


def _whole(number: int | None) -> int | None:
    return None if number is None else int(number)
