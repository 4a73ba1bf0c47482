"""From what was read to the introspection: pure, so that it is tested without a server."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from pydantic import JsonValue

from buster_tasks.sources.databricks import issues, keys
from buster_tasks.sources.databricks.catalog import DetailRow, Place, PlaceRow, RelationRow
from buster_tasks.sources.databricks.columns import columns
from buster_tasks.sources.databricks.reading import Reading, is_view
from buster_tasks.sources.databricks.session import Facts
from buster_tasks.sources.filters import Selection
from buster_tasks.sources.schema import (
    Database,
    Filters,
    Introspection,
    Schema,
    StatisticsLevel,
    Table,
    TableType,
    View,
    of_catalog,
)

_EXTERNAL = ("EXTERNAL", "FOREIGN", "EXTERNAL_SHALLOW_CLONE")
_PLAIN = ("MANAGED", "EXTERNAL", "VIEW", "MATERIALIZED_VIEW")


def assemble(
    facts: Facts,
    reading: Reading,
    *,
    filters: Filters,
    selection: Selection,
    level: StatisticsLevel,
) -> Introspection:
    """Everything that was read, with its issues; named after the session's catalog until somebody names it."""
    lost = issues.lost(facts, reading, filters)
    return Introspection(
        data_source_name=facts.catalog,
        data_source_type="databricks",
        databases=[_database(facts, row) for row in reading.catalogs],
        schemas=[_schema(row) for row in reading.schemas],
        tables=tables(reading),
        columns=columns(reading),
        views=views(reading),
        primary_keys=keys.primary_keys(reading),
        unique_keys=keys.unique_keys(reading),
        foreign_keys=keys.foreign_keys(reading),
        issues=[
            *selection.warnings(),
            *issues.remarks(reading),
            *lost,
        ],
        complete=not lost,
        introspected_at=datetime.now(UTC),
        filters=filters,
        statistics="none" if level == "none" else "catalog",
    )


def tables(reading: Reading) -> list[Table]:
    """Tables; how many rows they have only the old metastore tells, for those that were analyzed."""
    partitions: dict[Place, list[str]] = defaultdict(list)
    for row in reading.partitions:
        partitions[row.place].append(row.column)
    details = {row.place: row for row in reading.details}
    return [
        of_catalog(
            Table,
            _table(row, partitions.get(row.place), details.get(row.place, DetailRow(row.place))),
        )
        for row in reading.relations
        if not is_view(row)
    ]


def views(reading: Reading) -> list[View]:
    """Views and materialized views, with their query where it is ours to see."""
    texts = {row.place: row.text for row in reading.views}
    return [
        of_catalog(
            View,
            {
                **_fields(row),
                "definition": texts.get(row.place),
                "is_materialized": row.kind == "MATERIALIZED_VIEW",
                "metadata": _kind(row),
            },
        )
        for row in reading.relations
        if is_view(row)
    ]


def _database(facts: Facts, row: PlaceRow) -> Database:
    known: dict[str, Any] = {
        "name": row.catalog,
        "owner": row.owner,
        "comment": row.comment or None,
        "created": row.created,
        "last_modified": row.altered,
        "metadata": {"sparkVersion": facts.version},
    }
    return of_catalog(Database, known)


def _schema(row: PlaceRow) -> Schema:
    known: dict[str, Any] = {
        "name": row.schema,
        "database": row.catalog,
        "owner": row.owner,
        "comment": row.comment or None,
        "created": row.created,
        "last_modified": row.altered,
    }
    return of_catalog(Schema, known)


def _table(row: RelationRow, partitions: list[str] | None, detail: DetailRow) -> dict[str, Any]:
    kind: TableType = "EXTERNAL_TABLE" if row.kind in _EXTERNAL else "TABLE"
    known: dict[str, JsonValue] = {
        **_kind(row),
        "format": row.format,
        "location": row.path,
        "files": detail.files,
    }
    return {
        **_fields(row),
        "type": kind,
        "row_count": row.rows,
        "row_count_kind": "unknown" if row.rows is None else "estimate",
        "size_bytes": detail.size if row.size is None else row.size,
        "clustering_keys": detail.clustered_by or None,
        "partition_keys": partitions,
        "metadata": {name: value for name, value in known.items() if value is not None},
    }


def _fields(row: RelationRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "schema_name": row.schema,
        "database": row.catalog,
        "owner": row.owner,
        "comment": row.comment or None,
        "created": row.created,
        "last_modified": row.altered,
    }


def _kind(row: RelationRow) -> dict[str, JsonValue]:
    """The kind in Databricks' own word, where ours says less."""
    return {} if row.kind in _PLAIN else {"tableType": row.kind}
