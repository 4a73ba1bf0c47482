"""From what was read of an account to its introspection: pure, so that it is tested without one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import JsonValue

from buster_tasks.sources.filters import Selection
from buster_tasks.sources.schema import (
    Database,
    Filters,
    Introspection,
    RowCountKind,
    Schema,
    StatisticsLevel,
    Table,
    TableType,
    View,
    of_catalog,
)
from buster_tasks.sources.snowflake import issues
from buster_tasks.sources.snowflake.catalog import (
    DatabaseRow,
    Place,
    RelationRow,
    SchemaRow,
    ViewRow,
)
from buster_tasks.sources.snowflake.columns import columns
from buster_tasks.sources.snowflake.keys import foreign_keys, primary_keys, unique_keys
from buster_tasks.sources.snowflake.reading import MATERIALIZED_VIEW, VIEW, Reading
from buster_tasks.sources.snowflake.tokens import query_of_view, tokens

_TYPES: dict[str, TableType] = {
    "EXTERNAL TABLE": "EXTERNAL_TABLE",
    "MATERIALIZED VIEW": "MATERIALIZED_VIEW",
    "LOCAL TEMPORARY": "TEMPORARY_TABLE",
    "TEMPORARY TABLE": "TEMPORARY_TABLE",
}


def assemble(
    reading: Reading, *, filters: Filters, selection: Selection, level: StatisticsLevel
) -> Introspection:
    """Everything that was read, with its issues; named after the session's database until somebody names it."""
    delivered: StatisticsLevel = "none" if level == "none" else "catalog"
    lost = issues.lost(reading)
    return Introspection(
        data_source_name=reading.facts.database or "snowflake",
        data_source_type="snowflake",
        databases=[_database(row, reading) for row in reading.databases],
        schemas=[_schema(row) for row in reading.schemas],
        tables=tables(reading),
        columns=columns(reading),
        views=views(reading),
        primary_keys=primary_keys(reading),
        unique_keys=unique_keys(reading),
        foreign_keys=foreign_keys(reading),
        issues=[*selection.warnings(), *lost],
        complete=not lost,
        introspected_at=datetime.now(UTC),
        filters=filters,
        statistics=delivered,
    )


def tables(reading: Reading) -> list[Table]:
    """Whatever holds rows, materialized views too."""
    return [of_catalog(Table, _table(row)) for row in reading.relations if row.kind != VIEW]


def views(reading: Reading) -> list[View]:
    """Views with the query behind them, materialized ones too."""
    known = {row.place: row for row in reading.views}
    return [
        of_catalog(View, _view(row, known))
        for row in reading.relations
        if row.kind in (VIEW, MATERIALIZED_VIEW)
    ]


def clustering_keys(text: str | None) -> list[str] | None:
    """The expressions in `LINEAR(a, TO_DATE(b))`, each as written; None without a clustering key."""
    if not text:
        return None
    found = list(tokens(text))
    if len(found) > 1 and found[0].word == "LINEAR" and found[1].text == "(":
        text = text[text.index("(") + 1 : text.rindex(")")]
    elif text.startswith("(") and text.endswith(")"):
        text = text[1:-1]
    parts, depth, begin = list[str](), 0, 0
    for token in tokens(text):
        if token.kind == "sign":
            depth += (token.text == "(") - (token.text == ")")
            if token.text == "," and depth == 0:
                parts.append(text[begin : token.end - 1])
                begin = token.end
    return [_unquoted(part.strip()) for part in [*parts, text[begin:]]]


def _unquoted(part: str) -> str:
    """The name of a column that is quoted whole."""
    found = list(tokens(part))
    if len(found) == 1 and found[0].kind == "name":
        return part[1:-1].replace('""', '"')
    return part


def _database(row: DatabaseRow, reading: Reading) -> Database:
    facts: dict[str, JsonValue] = {
        "kind": row.kind,
        "origin": row.origin,  # the share that an imported database is of
        "serverVersion": reading.facts.version,
    }
    return Database(
        name=row.name,
        owner=row.owner,
        comment=row.comment,
        created=row.created,
        metadata=_known(facts),
    )


def _schema(row: SchemaRow) -> Schema:
    facts: dict[str, JsonValue] = {
        "transient": True if row.is_transient == "YES" else None,
        "managedAccess": True if row.is_managed == "YES" else None,
    }
    return Schema(
        name=row.name,
        database=row.database,
        owner=row.owner or None,
        comment=row.comment or None,
        created=row.created,
        last_modified=row.altered,
        metadata=_known(facts),
    )


def _table(row: RelationRow) -> dict[str, object]:
    facts: dict[str, JsonValue] = {
        "transient": _flag(row.is_transient),
        "iceberg": _flag(row.is_iceberg),
        "dynamic": _flag(row.is_dynamic),
        "hybrid": _flag(row.is_hybrid),
        "event": True if row.kind == "EVENT TABLE" else None,
        "retentionDays": _number(row.retention),
    }
    return {
        "name": row.name,
        "schema_name": row.schema,
        "database": row.database,
        "type": _TYPES.get(row.kind, "TABLE"),
        "row_count": _number(row.rows),
        "row_count_kind": _row_count_kind(row),
        "size_bytes": _number(row.size),
        "owner": row.owner or None,
        "comment": row.comment or None,
        "created": row.created,
        "last_modified": row.altered,
        "clustering_keys": clustering_keys(row.clustering),
        "metadata": _known(facts),
    }


def _row_count_kind(row: RelationRow) -> RowCountKind:
    """Exact where Snowflake keeps it with its partitions; a hybrid table has none."""
    if row.rows is None:
        return "unknown"
    return "estimate" if row.is_hybrid == "YES" else "exact"


def _view(row: RelationRow, known: Mapping[Place, ViewRow]) -> dict[str, object]:
    found = known.get(row.place)
    text = found.text if found is not None else None
    comment = row.comment or (found.comment if found is not None else None)
    is_secure = found is not None and found.is_secure == "YES"
    return {
        "name": row.name,
        "schema_name": row.schema,
        "database": row.database,
        "definition": query_of_view(text) if text else None,
        "is_materialized": row.kind == MATERIALIZED_VIEW,
        "owner": row.owner or None,
        "comment": comment or None,
        "created": row.created,
        "last_modified": row.altered,
        "metadata": {"secure": True} if is_secure else {},
    }


def _flag(text: str | None) -> bool | None:
    return True if text == "YES" else None


def _number(value: int | str | None) -> int | None:
    return None if value is None or value == "" else int(value)


def _known(facts: dict[str, JsonValue]) -> dict[str, JsonValue]:
    return {name: value for name, value in facts.items() if value is not None}
