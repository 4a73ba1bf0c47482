"""Columns of tables and views, from the catalog's rows."""

from __future__ import annotations

from functools import cache
from typing import Any

from buster_tasks.sources.databricks.catalog import ColumnRow, Place
from buster_tasks.sources.databricks.column_types import column_type
from buster_tasks.sources.databricks.keys import PRIMARY
from buster_tasks.sources.databricks.reading import KEYS, REFERENCES, Reading, is_view
from buster_tasks.sources.schema import Column, of_catalog


def columns(reading: Reading) -> list[Column]:
    """All columns, numbered from 1 whatever the catalog begins with; after the reading's `sort`."""
    lookup = _Lookup(reading)
    made: list[Column] = []
    place: Place | None = None
    position = 0
    for row in reading.columns:
        position = position + 1 if row.place == place else 1
        place = row.place
        made.append(of_catalog(Column, lookup.column(row, position)))
    return made


class _Lookup:
    """What a column's own row does not tell."""

    def __init__(self, reading: Reading) -> None:
        self._read = cache(column_type)  # few spellings, many columns
        self._views = {row.place for row in reading.relations if is_view(row)}
        self._legacy = set(reading.legacy)
        self._primary = {(row.place, row.column) for row in reading.keys if row.kind == PRIMARY}
        self._referring = {(row.place, row.column) for row in reading.references}
        self._knows_keys = KEYS not in reading.failed
        self._knows_references = REFERENCES not in reading.failed

    def column(self, row: ColumnRow, position: int) -> dict[str, Any]:
        """The fields of a column."""
        kind = self._read(row.type)
        return {
            "name": row.name,
            "table": row.table,
            "schema_name": row.schema,
            "database": row.catalog,
            "position": position,
            "data_type": row.type,
            "normalized_type": kind.normalized,
            "is_nullable": None if row.nullable is None else row.nullable != "NO",
            "default_value": row.default,
            "identity": _identity(row),
            "generated_expression": row.expression,
            "generated_kind": None if row.expression is None else "stored",
            "max_length": kind.max_length,
            "precision": kind.precision,
            "scale": kind.scale,
            "fields": kind.nested(),
            "comment": row.comment or None,
            **self._keys(row),
        }

    def _keys(self, row: ColumnRow) -> dict[str, Any]:
        if row.place in self._views or row.catalog in self._legacy:
            return {}
        spot = (row.place, row.name)
        return {
            "is_primary_key": spot in self._primary if self._knows_keys else None,
            "is_foreign_key": spot in self._referring if self._knows_references else None,
        }


def _identity(row: ColumnRow) -> str | None:
    if row.is_identity != "YES":
        return None
    return "by_default" if (row.identity or "").upper() == "BY DEFAULT" else "always"
