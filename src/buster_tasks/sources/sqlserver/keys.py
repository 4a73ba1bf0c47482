"""Primary, unique and foreign keys and indexes, from the catalog's rows."""

from __future__ import annotations

from typing import Any

from pydantic import JsonValue

from buster_tasks.sources.schema import (
    ForeignKey,
    Index,
    IndexPart,
    PrimaryKey,
    UniqueKey,
    of_catalog,
)
from buster_tasks.sources.sqlserver.catalog import IndexRow, ReferenceRow, RelationRow
from buster_tasks.sources.sqlserver.reading import Reading


def primary_keys(reading: Reading) -> list[PrimaryKey]:
    """Primary keys, columns in key order."""
    places = reading.places()
    return [
        of_catalog(PrimaryKey, _key(reading.name, places[rows[0].number], rows))
        for rows in reading.by_index()
        if rows[0].is_primary
    ]


def unique_keys(reading: Reading) -> list[UniqueKey]:
    """UNIQUE constraints; a unique index that no constraint made is only an index."""
    places = reading.places()
    return [
        of_catalog(UniqueKey, _key(reading.name, places[rows[0].number], rows))
        for rows in reading.by_index()
        if rows[0].is_key
    ]


def indexes(reading: Reading) -> list[Index]:
    """Indexes, also those behind keys."""
    places = reading.places()
    return [
        of_catalog(Index, _index(reading.name, places[rows[0].number], rows))
        for rows in reading.by_index()
    ]


def foreign_keys(reading: Reading) -> list[ForeignKey]:
    """Foreign keys, also to tables that the filters leave out; not to tables that we may not see."""
    places = reading.places()
    return [
        of_catalog(ForeignKey, _foreign_key(reading.name, places[rows[0].number], rows))
        for rows in reading.by_reference()
        if is_whole(rows)
    ]


def is_whole(rows: list[ReferenceRow]) -> bool:
    """Whether we see where the foreign key leads."""
    return all(row.target_table and row.target_schema and row.target_column for row in rows)


def key_columns(rows: list[IndexRow]) -> list[IndexRow]:
    """What the index is sorted by; of a columnstore, which is not sorted, what it holds."""
    return [row for row in rows if row.key_position] or [
        row for row in rows if "COLUMNSTORE" in row.kind
    ]


def _key(database: str, place: RelationRow, rows: list[IndexRow]) -> dict[str, Any]:
    return {
        "name": rows[0].name,
        "table": place.name,
        "schema_name": place.schema,
        "database": database,
        "columns": [row.column for row in key_columns(rows)],
    }


def _index(database: str, place: RelationRow, rows: list[IndexRow]) -> dict[str, Any]:
    first, parts = rows[0], key_columns(rows)
    known: dict[str, JsonValue] = {
        "included": [row.column for row in rows if row.is_included and row not in parts] or None,
        "disabled": True if first.is_disabled else None,
    }
    return {
        "name": first.name,
        "table": place.name,
        "schema_name": place.schema,
        "database": database,
        "type": first.kind.lower(),
        "columns": [row.column for row in parts],
        "parts": [IndexPart(column=row.column, is_descending=row.is_descending) for row in parts],
        "is_unique": first.is_unique,
        "is_primary_key": first.is_primary,
        "predicate": first.predicate,
        "metadata": {name: value for name, value in known.items() if value is not None},
    }


def _foreign_key(database: str, place: RelationRow, rows: list[ReferenceRow]) -> dict[str, Any]:
    first = rows[0]
    known: dict[str, JsonValue] = {
        "disabled": True if first.is_disabled else None,
        "notTrusted": True if first.is_not_trusted else None,
    }
    return {
        "name": first.name,
        "source_table": place.name,
        "source_schema": place.schema,
        "source_database": database,
        "source_columns": [row.column for row in rows],
        "referenced_table": first.target_table,
        "referenced_schema": first.target_schema,
        "referenced_database": database,
        "referenced_columns": [row.target_column for row in rows],
        "on_update": _action(first.on_update),
        "on_delete": _action(first.on_delete),
        "metadata": {name: value for name, value in known.items() if value is not None},
    }


def _action(text: str | None) -> str | None:
    return None if text is None else text.replace("_", " ")
