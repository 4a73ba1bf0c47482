"""Columns of tables and views, from the catalog's rows."""

from __future__ import annotations

from typing import Any

from pydantic import JsonValue

from buster_tasks.sources.schema import Column, of_catalog
from buster_tasks.sources.snowflake.catalog import ColumnRow
from buster_tasks.sources.snowflake.column_types import normalized, written
from buster_tasks.sources.snowflake.reading import VIEW, Reading


def columns(reading: Reading) -> list[Column]:
    """All columns, each with whether it is in a key where the keys could be read."""
    primary = {(*row.place, row.column) for row in reading.primary}
    referring = {(*row.place, row.column) for row in reading.references}
    views = reading.places(VIEW)
    names = [one.name for one in reading.databases]
    knows_primary = {name for name in names if not reading.failed(name, "primary keys")}
    knows_foreign = {name for name in names if not reading.failed(name, "foreign keys")}
    found: list[Column] = []
    for row in reading.columns:
        known = _column(row)
        if row.place not in views:
            spot = (*row.place, row.name)
            known["is_primary_key"] = spot in primary if row.database in knows_primary else None
            known["is_foreign_key"] = spot in referring if row.database in knows_foreign else None
        found.append(of_catalog(Column, known))
    return found


def _column(row: ColumnRow) -> dict[str, Any]:
    is_identity = row.identity == "YES"
    return {
        "name": row.name,
        "table": row.table,
        "schema_name": row.schema,
        "database": row.database,
        "position": int(row.position),
        "data_type": written(row.type_name, row.longest, row.precision, row.scale),
        "normalized_type": normalized(row.type_name, row.scale),
        "is_nullable": None if row.nullable is None else row.nullable == "YES",
        "default_value": None if is_identity else row.default,
        "identity": "autoincrement" if is_identity else None,
        "max_length": row.longest,
        "precision": row.precision,
        "scale": row.scale,
        "comment": row.comment or None,
        "metadata": _metadata(row, is_identity=is_identity),
    }


def _metadata(row: ColumnRow, *, is_identity: bool) -> dict[str, JsonValue]:
    known: dict[str, JsonValue] = {
        "collation": row.collation or None,
        "declaredType": row.alias if row.alias and row.alias != row.type_name else None,
        "identityStart": _whole(row.identity_start) if is_identity else None,
        "identityIncrement": _whole(row.identity_step) if is_identity else None,
    }
    return {name: value for name, value in known.items() if value is not None}


def _whole(value: object) -> int | None:
    """A number that the catalog gives as text."""
    text = str(value)
    return int(text) if text.lstrip("-").isdigit() else None
