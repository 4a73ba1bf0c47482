"""Primary, unique and foreign keys, from the catalog's rows; Databricks has no indexes."""

from __future__ import annotations

from typing import Any

from pydantic import JsonValue

from buster_tasks.sources.databricks.catalog import KeyRow, ReferenceRow
from buster_tasks.sources.databricks.reading import Reading
from buster_tasks.sources.schema import ForeignKey, PrimaryKey, UniqueKey, of_catalog

PRIMARY, UNIQUE = "PRIMARY KEY", "UNIQUE"


def primary_keys(reading: Reading) -> list[PrimaryKey]:
    """Primary keys, columns in key order."""
    return [of_catalog(PrimaryKey, _key(rows)) for rows in reading.by_key(PRIMARY)]


def unique_keys(reading: Reading) -> list[UniqueKey]:
    """UNIQUE constraints."""
    return [of_catalog(UniqueKey, _key(rows)) for rows in reading.by_key(UNIQUE)]


def foreign_keys(reading: Reading) -> list[ForeignKey]:
    """Foreign keys, also to tables that the filters leave out; not to tables that we may not see."""
    return [
        of_catalog(ForeignKey, _foreign_key(rows))
        for rows in reading.by_reference()
        if is_whole(rows)
    ]


def is_whole(rows: list[ReferenceRow]) -> bool:
    """Whether we see where the foreign key leads."""
    return all(row.target_table and row.target_schema and row.target_column for row in rows)


def _key(rows: list[KeyRow]) -> dict[str, Any]:
    first = rows[0]
    known: dict[str, JsonValue] = {"enforced": False} if first.enforced == "NO" else {}
    return {
        "name": first.name,
        "table": first.table,
        "schema_name": first.schema,
        "database": first.catalog,
        "columns": [row.column for row in rows],
        "metadata": known,
    }


def _foreign_key(rows: list[ReferenceRow]) -> dict[str, Any]:
    first = rows[0]
    return {
        "name": first.name,
        "source_table": first.table,
        "source_schema": first.schema,
        "source_database": first.catalog,
        "source_columns": [row.column for row in rows],
        "referenced_table": first.target_table,
        "referenced_schema": first.target_schema,
        "referenced_database": first.target_catalog,
        "referenced_columns": [row.target_column for row in rows],
        "on_update": first.on_update,
        "on_delete": first.on_delete,
        "metadata": {"enforced": False},
    }
