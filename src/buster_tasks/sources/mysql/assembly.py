"""From what was read of a server to its introspection: pure, so that it is tested without a server.

In MySQL a database and a schema are the same thing. Here each is both: a `Database`, and in it one `Schema` of the
same name, so filters of databases and of schemas do the same, and `database.table` is a `schema.table`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import JsonValue

from buster_tasks.sources.filters import Selection
from buster_tasks.sources.mysql import issues
from buster_tasks.sources.mysql.catalog import Number, PartitionRow, Place, RelationRow, ViewRow
from buster_tasks.sources.mysql.columns import columns
from buster_tasks.sources.mysql.keys import foreign_keys, indexes, primary_keys, unique_keys
from buster_tasks.sources.mysql.reading import VIEW, Reading
from buster_tasks.sources.schema import (
    Database,
    Filters,
    Introspection,
    Schema,
    StatisticsLevel,
    Table,
    View,
    of_catalog,
)

_ELSEWHERE = {"FEDERATED", "CONNECT", "SPIDER", "S3", "OQGRAPH"}
_QUOTED = re.compile(r"`((?:[^`]|``)+)`")


def assemble(
    reading: Reading,
    *,
    filters: Filters,
    selection: Selection,
    level: StatisticsLevel,
) -> Introspection:
    """Everything that was read, with its issues; named after the connection's database until somebody names it."""
    server = reading.server
    delivered: StatisticsLevel = "none" if level == "none" else "catalog"
    lost = issues.lost(reading, database=server.database)
    return Introspection(
        data_source_name=server.database or server.version,
        data_source_type="mysql",
        databases=[_database(reading, row) for row in reading.databases],
        schemas=[
            Schema(name=row.schema, database=row.schema, comment=row.comment or None)
            for row in reading.databases
        ],
        tables=tables(reading),
        columns=columns(reading, with_statistics=delivered == "catalog"),
        views=views(reading),
        primary_keys=primary_keys(reading),
        unique_keys=unique_keys(reading),
        indexes=indexes(reading),
        foreign_keys=foreign_keys(reading),
        issues=[*selection.warnings(), *lost],
        complete=not lost,
        introspected_at=datetime.now(UTC),
        filters=filters,
        statistics=delivered,
    )


def tables(reading: Reading) -> list[Table]:
    """Tables; how many rows they have is the storage engine's estimate."""
    checks, partitions = reading.checks(), reading.partitions_of()
    return [_table(row, checks, partitions.get(row.place, [])) for row in reading.tables]


def views(reading: Reading) -> list[View]:
    """Views with the query behind them."""
    known = {(row.schema, row.name): row for row in reading.views}
    return [
        of_catalog(View, _view(row, known.get(row.place)))
        for row in reading.relations
        if row.kind == VIEW
    ]


def _database(reading: Reading, row: RelationRow) -> Database:
    facts: dict[str, JsonValue] = {
        "characterSet": row.engine,
        "collation": row.collation,
        "serverVersion": reading.server.version,
    }
    return Database(name=row.schema, comment=row.comment or None, metadata=facts)


def _table(
    row: RelationRow, checks: Mapping[Place, list[str]], partitions: list[PartitionRow]
) -> Table:
    known = {
        "name": row.name,
        "schema_name": row.schema,
        "database": row.schema,
        "type": _type(row),
        "row_count": None if row.rows is None else int(row.rows),
        "row_count_kind": "unknown" if row.rows is None else "estimate",
        "size_bytes": None
        if row.data_bytes is None
        else int(row.data_bytes + (row.index_bytes or 0)),
        "comment": row.comment or None,
        "created": _moment(row.created),
        "last_modified": _moment(row.changed),
        "partition_keys": _partition_keys(partitions),
        "metadata": _metadata(row, checks.get(row.place, []), partitions),
    }
    return of_catalog(Table, known)


def _type(row: RelationRow) -> str:
    if row.kind == "TEMPORARY":
        return "TEMPORARY_TABLE"
    return "EXTERNAL_TABLE" if (row.engine or "").upper() in _ELSEWHERE else "TABLE"


def _metadata(
    row: RelationRow, checks: list[str], partitions: list[PartitionRow]
) -> dict[str, JsonValue]:
    known: dict[str, JsonValue] = {
        "engine": row.engine,
        "collation": row.collation,
        "nextAutoIncrement": None if row.next_number is None else int(row.next_number),
        "systemVersioned": True if row.kind == "SYSTEM VERSIONED" else None,
        "checks": list[JsonValue](checks) or None,
        "partitioning": _partitioning(partitions),
    }
    return {name: value for name, value in known.items() if value is not None}


def _partitioning(partitions: list[PartitionRow]) -> JsonValue:
    if not partitions:
        return None
    first = partitions[0]
    known: dict[str, JsonValue] = {
        "method": first.method,
        "expression": first.expression,
        "subpartitionMethod": first.inner_method,
        "subpartitionExpression": first.inner_expression,
        "partitions": [{"name": one.name, "values": one.description} for one in partitions],
    }
    return {name: value for name, value in known.items() if value is not None}


def _partition_keys(partitions: list[PartitionRow]) -> list[str] | None:
    """The columns in the expressions by which rows are put into partitions."""
    if not partitions:
        return None
    text = f"{partitions[0].expression or ''} {partitions[0].inner_expression or ''}"
    return list(dict.fromkeys(name.replace("``", "`") for name in _QUOTED.findall(text)))


def _view(relation: RelationRow, row: ViewRow | None) -> dict[str, object]:
    known: dict[str, object] = {
        "name": relation.name,
        "schema_name": relation.schema,
        "database": relation.schema,
        "created": _moment(relation.created),
    }
    if row is not None:
        facts: dict[str, JsonValue] = {
            "definer": row.definer,
            "security": row.security,
            "checkOption": row.check_option if row.check_option != "NONE" else None,
            "updatable": row.updatable == "YES" if row.updatable else None,
        }
        known["definition"] = row.definition or None
        known["metadata"] = {name: value for name, value in facts.items() if value is not None}
    return known


def _moment(seconds: Number) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(float(seconds), UTC)
