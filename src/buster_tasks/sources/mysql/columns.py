"""Columns of tables and views, from the catalog's rows."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import JsonValue

from buster_tasks.sources.mysql.catalog import ColumnRow, IndexRow, Place
from buster_tasks.sources.mysql.column_types import normalized, values_of
from buster_tasks.sources.mysql.reading import PRIMARY, Reading
from buster_tasks.sources.schema import Column, NormalizedType, of_catalog

_GENERATED: dict[str, Literal["virtual", "stored"]] = {
    "virtual generated": "virtual",
    "stored generated": "stored",
    "persistent": "stored",
}
# Types whose default MySQL's catalog gives as it would stand in SQL; of the others it gives the bare text.
_PLAIN_DEFAULTS = ("integer", "decimal", "float", "boolean", "binary")
_ON_UPDATE = re.compile(r"on update (\S+)")


def columns(reading: Reading, *, with_statistics: bool) -> list[Column]:
    """All columns; with the estimate of their distinct values that their indexes know, if wanted."""
    lookup = _Lookup(reading, with_statistics=with_statistics)
    return [of_catalog(Column, lookup.column(row)) for row in reading.columns]


class _Lookup:
    """What a column's own row does not tell."""

    def __init__(self, reading: Reading, *, with_statistics: bool) -> None:
        self._has_quoted_defaults = reading.server.has_quoted_defaults
        self._collations = {one.place: one.collation for one in reading.tables}
        self._primary = {
            (row.schema, row.table, row.column) for row in reading.indexes if row.name == PRIMARY
        }
        self._referring = {(row.schema, row.table, row.column) for row in reading.references}
        self._json = {
            (place, clause) for place, clauses in reading.checks().items() for clause in clauses
        }
        self._distinct = _distinct_counts(reading.indexes if with_statistics else [])

    def column(self, row: ColumnRow) -> dict[str, Any]:
        """The fields of a column."""
        place, spot = (row.schema, row.table), (row.schema, row.table, row.name)
        kind, extra = self._normalized(row), (row.extra or "").lower()
        generated = _generated_kind(extra)
        known: dict[str, Any] = {
            "name": row.name,
            "table": row.table,
            "schema_name": row.schema,
            "database": row.schema,
            "position": row.position,
            "data_type": row.full_type,
            "normalized_type": kind,
            "is_nullable": row.nullable == "YES",
            "default_value": self._default(row, kind) if generated is None else None,
            "identity": "autoincrement" if "auto_increment" in extra else None,
            "max_length": row.longest,
            "precision": row.digits if row.digits is not None else row.second_digits,
            "scale": row.decimals if kind != "boolean" else None,
            "comment": row.comment or None,
            "metadata": self._metadata(row, place, extra),
        }
        if generated is not None:
            known |= {
                "generated_kind": generated,
                "generated_expression": _expression(row.generated),
            }
        if place in self._collations:
            known |= {
                "is_primary_key": spot in self._primary,
                "is_foreign_key": spot in self._referring,
            }
        if spot in self._distinct:
            known |= {"distinct_count": self._distinct[spot], "statistics_kind": "estimate"}
        return known

    def _normalized(self, row: ColumnRow) -> NormalizedType:
        """The type's one word; in MariaDB JSON is a text with a CHECK of its own."""
        if row.base_type.lower() == "longtext":
            quoted = row.name.replace("`", "``")
            if ((row.schema, row.table), f"json_valid(`{quoted}`)") in self._json:
                return "json"
        return normalized(row.base_type, row.full_type)

    def _default(self, row: ColumnRow, kind: NormalizedType) -> str | None:
        """The default as it would stand in SQL."""
        text = row.default
        if text is None:
            return None
        if self._has_quoted_defaults:
            return None if text == "NULL" else text
        if "default_generated" in (row.extra or "").lower():
            return _expression(text)
        if kind in _PLAIN_DEFAULTS or text.upper().startswith("CURRENT_TIMESTAMP"):
            return text
        return "'" + text.replace("'", "''") + "'"

    def _metadata(self, row: ColumnRow, place: Place, extra: str) -> dict[str, JsonValue]:
        on_update = _ON_UPDATE.search(extra) if extra else None
        values = values_of(row.base_type, row.full_type)
        known: dict[str, JsonValue] = {
            "values": None if values is None else list[JsonValue](values),
            "unsigned": True if " unsigned" in row.full_type else None,
            "collation": row.collation if row.collation != self._collations.get(place) else None,
            "onUpdate": on_update[1] if on_update else None,
            "invisible": True if "invisible" in extra else None,
        }
        return {name: value for name, value in known.items() if value is not None}


def _generated_kind(extra: str) -> Literal["virtual", "stored"] | None:
    if not extra:
        return None
    return next((kind for words, kind in _GENERATED.items() if words in extra), None)


def _expression(text: str | None) -> str | None:
    """An expression of the catalog; MySQL escapes the quotes in it once more."""
    return None if text is None else text.replace("\\'", "'")


def _distinct_counts(rows: list[IndexRow]) -> dict[tuple[str, str, str], int]:
    """The distinct values of columns that lead an index whole, as the server estimates them."""
    return {
        (row.schema, row.table, row.column): row.distinct
        for row in rows
        if row.position == 1 and row.column and row.prefix is None and row.distinct is not None
    }
