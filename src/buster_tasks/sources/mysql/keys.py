"""Primary, unique and foreign keys and indexes, from the catalog's rows."""

from __future__ import annotations

from typing import Any

from pydantic import JsonValue

from buster_tasks.sources.mysql.catalog import IndexRow, ReferenceRow, RuleRow
from buster_tasks.sources.mysql.reading import PRIMARY, Reading
from buster_tasks.sources.schema import (
    ForeignKey,
    Index,
    IndexPart,
    PrimaryKey,
    UniqueKey,
    of_catalog,
)

_HIDDEN_BY = {"IGNORED": "YES", "IS_VISIBLE": "NO"}


def primary_keys(reading: Reading) -> list[PrimaryKey]:
    """Primary keys, columns in key order."""
    return [
        of_catalog(PrimaryKey, _key(parts))
        for parts in reading.by_index()
        if parts[0].name == PRIMARY
    ]


def unique_keys(reading: Reading) -> list[UniqueKey]:
    """UNIQUE constraints over whole columns; one over prefixes or expressions is only an index."""
    return [
        of_catalog(UniqueKey, _key(parts))
        for parts in reading.by_index()
        if parts[0].is_unique
        and parts[0].name != PRIMARY
        and all(part.column and part.prefix is None for part in parts)
    ]


def indexes(reading: Reading) -> list[Index]:
    """Indexes, also those behind keys."""
    hiding = _HIDDEN_BY.get(reading.server.index_visibility or "")
    return [of_catalog(Index, _index(parts, hiding)) for parts in reading.by_index()]


def foreign_keys(reading: Reading) -> list[ForeignKey]:
    """Foreign keys, also to tables that the filters leave out."""
    actions = reading.actions()
    return [
        of_catalog(
            ForeignKey,
            _foreign_key(rows, actions.get((rows[0].schema, rows[0].table, rows[0].name))),
        )
        for rows in reading.by_reference()
    ]


def _key(parts: list[IndexRow]) -> dict[str, Any]:
    first = parts[0]
    return {
        "name": first.name,
        "table": first.table,
        "schema_name": first.schema,
        "database": first.schema,
        "columns": [part.column or "" for part in parts],
    }


def _index(rows: list[IndexRow], hiding: str | None) -> dict[str, Any]:
    first = rows[0]
    parts = [
        IndexPart(
            column=row.column,
            expression=row.expression.replace("\\'", "'") if row.expression else None,
            prefix_length=row.prefix,
            is_descending=row.direction == "D",
        )
        for row in rows
    ]
    metadata: dict[str, JsonValue] = {}
    if first.comment:
        metadata["comment"] = first.comment
    if hiding is not None and first.visibility == hiding:
        metadata["invisible"] = True
    return {
        "name": first.name,
        "table": first.table,
        "schema_name": first.schema,
        "database": first.schema,
        "type": first.method.lower() if first.method else None,
        "columns": [part.column or part.expression or "" for part in parts],
        "parts": parts,
        "is_unique": first.is_unique,
        "is_primary_key": first.name == PRIMARY,
        "metadata": metadata,
    }


def _foreign_key(rows: list[ReferenceRow], actions: RuleRow | None) -> dict[str, Any]:
    first = rows[0]
    return {
        "name": first.name,
        "source_table": first.table,
        "source_schema": first.schema,
        "source_database": first.schema,
        "source_columns": [row.column for row in rows],
        "referenced_table": first.target_table,
        "referenced_schema": first.target_schema,
        "referenced_database": first.target_schema,
        "referenced_columns": [row.target_column for row in rows],
        "on_update": actions.first if actions else None,
        "on_delete": actions.second if actions else None,
    }
