"""Primary, unique and foreign keys, from the rows of SHOW. Snowflake checks none of them but on hybrid tables."""

from __future__ import annotations

from typing import Any

from pydantic import JsonValue

from buster_tasks.sources.schema import ForeignKey, PrimaryKey, UniqueKey, of_catalog
from buster_tasks.sources.snowflake.catalog import KeyRow, ReferenceRow
from buster_tasks.sources.snowflake.reading import Reading, by_key


def primary_keys(reading: Reading) -> list[PrimaryKey]:
    """Primary keys, columns in key order."""
    return [of_catalog(PrimaryKey, _key(rows)) for rows in by_key(reading.primary)]


def unique_keys(reading: Reading) -> list[UniqueKey]:
    """UNIQUE constraints, columns in key order."""
    return [of_catalog(UniqueKey, _key(rows)) for rows in by_key(reading.unique)]


def foreign_keys(reading: Reading) -> list[ForeignKey]:
    """Foreign keys, also to tables that the filters leave out."""
    return [of_catalog(ForeignKey, _reference(rows)) for rows in by_key(reading.references)]


def _key(rows: list[KeyRow]) -> dict[str, Any]:
    first = rows[0]
    return {
        "name": first.name,
        "table": first.table,
        "schema_name": first.schema,
        "database": first.database,
        "columns": [row.column for row in rows],
        "metadata": _metadata(first),
    }


def _reference(rows: list[ReferenceRow]) -> dict[str, Any]:
    first = rows[0]
    return {
        "name": first.name,
        "source_table": first.table,
        "source_schema": first.schema,
        "source_database": first.database,
        "source_columns": [row.column for row in rows],
        "referenced_table": first.target_table,
        "referenced_schema": first.target_schema,
        "referenced_database": first.target_database,
        "referenced_columns": [row.target_column for row in rows],
        "on_update": first.on_update,
        "on_delete": first.on_delete,
        "metadata": _metadata(first),
    }


def _metadata(first: KeyRow | ReferenceRow) -> dict[str, JsonValue]:
    """Whether the optimizer may rely on it (RELY), and the comment."""
    known: dict[str, JsonValue] = {
        "rely": True if first.is_relied_on else None,
        "comment": first.comment,
    }
    return {name: value for name, value in known.items() if value is not None}
