"""From what was read of a database to its introspection: pure, so that it is tested without a server."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime

from pydantic import JsonValue

from buster_tasks.sources.filters import Selection
from buster_tasks.sources.postgres import issues
from buster_tasks.sources.postgres.catalog import RelationRow
from buster_tasks.sources.postgres.keys import foreign_keys, indexes, primary_keys, unique_keys
from buster_tasks.sources.postgres.reading import Reading
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
from buster_tasks.sources.statistics.model import SOME_ROWS

_TYPES: dict[str, TableType] = {"m": "MATERIALIZED_VIEW", "f": "EXTERNAL_TABLE"}


def assemble(
    reading: Reading,
    *,
    user: str,
    version: str,
    filters: Filters,
    selection: Selection,
    level: StatisticsLevel,
) -> Introspection:
    """Everything that was read, with its issues; named after the database until somebody names it."""
    row = reading.database
    lost = [*issues.denied(reading, user), *issues.locked(reading), *issues.left_out(reading)]
    facts: dict[str, JsonValue] = {
        "encoding": row.encoding, "collation": row.collation, "serverVersion": version,
    }  # fmt: skip
    database = Database(name=row.name, owner=row.owner, comment=row.comment, metadata=facts)
    return Introspection(
        data_source_name=row.name,
        data_source_type="postgres",
        databases=[database] if selection.database(row.name) else [],
        schemas=_schemas(reading),
        tables=_tables(reading),
        columns=reading.columns(),
        views=_views(reading),
        primary_keys=primary_keys(reading),
        unique_keys=unique_keys(reading),
        indexes=indexes(reading),
        foreign_keys=foreign_keys(reading),
        issues=[*selection.warnings(), *lost, *issues.hidden(reading, user)],
        complete=not lost,
        introspected_at=datetime.now(UTC),
        filters=filters,
        statistics="none" if level == "none" else "catalog",
    )


def _schemas(reading: Reading) -> list[Schema]:
    return [
        Schema(name=row.name, database=reading.database.name, owner=row.owner, comment=row.comment)
        for row in reading.schemas
    ]


def _tables(reading: Reading) -> list[Table]:
    """Whatever holds rows, materialized views too."""
    checks = _checks(reading)
    return [
        _table(reading, relation, checks.get(relation.oid))
        for relation in reading.relations
        if relation.kind != "v"
    ]


def _views(reading: Reading) -> list[View]:
    return [
        of_catalog(
            View,
            {
                "name": relation.name,
                "schema_name": relation.schema,
                "database": reading.database.name,
                "definition": _query(relation.definition),
                "is_materialized": relation.kind == "m",
                "owner": relation.owner,
                "comment": relation.comment,
            },
        )
        for relation in reading.relations
        if relation.kind in ("v", "m")
    ]


def _query(definition: str | None) -> str | None:
    return None if definition is None else definition.strip().removesuffix(";")


def _table(reading: Reading, relation: RelationRow, checks: list[JsonValue] | None) -> Table:
    is_known = relation.rows >= 0
    known = {
        "name": relation.name,
        "schema_name": relation.schema,
        "database": reading.database.name,
        "type": _TYPES.get(relation.kind, "TABLE"),
        "row_count": round(relation.rows) if is_known else None,
        "row_count_kind": "estimate" if is_known else "unknown",
        "size_bytes": _size(relation) if is_known else None,
        "owner": relation.owner,
        "comment": relation.comment,
        "partition_keys": relation.partition_keys,
        "metadata": _metadata(reading, relation, checks),
    }
    return of_catalog(Table, known)


def _size(relation: RelationRow) -> int | None:
    """Bytes with indexes and TOAST at the last VACUUM or ANALYZE; a foreign table has none here."""
    return None if relation.kind == "f" or relation.size is None else round(relation.size)


def _metadata(
    reading: Reading, relation: RelationRow, checks: list[JsonValue] | None
) -> dict[str, JsonValue]:
    parent = reading.by_oid.get(relation.parent or 0)
    known: dict[str, JsonValue] = {
        "partitioning": relation.partitioning,
        "partitionBound": relation.bound,
        "partitionOf": f"{parent.schema}.{parent.name}" if parent else None,
        "foreignServer": relation.server,
        "unlogged": True if relation.persistence == "u" else None,
        "readable": _readable(relation),
        "checks": checks,
    }
    return {name: value for name, value in known.items() if value is not None}


def _readable(relation: RelationRow) -> JsonValue:
    if not relation.is_readable:
        return False
    return SOME_ROWS if relation.has_policy else None


def _checks(reading: Reading) -> dict[int, list[JsonValue]]:
    found: dict[int, list[JsonValue]] = defaultdict(list)
    for row in reading.keys("c"):
        if row.check is not None:
            found[row.relation].append(row.check)
    return found
