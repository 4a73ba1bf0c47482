"""Columns of tables and views, from the catalog's rows."""

from __future__ import annotations

from typing import Any

from pydantic import JsonValue

from buster_tasks.sources.schema import Column, of_catalog
from buster_tasks.sources.sqlserver.catalog import ColumnRow, HistogramRow, RelationRow
from buster_tasks.sources.sqlserver.column_types import column_type
from buster_tasks.sources.sqlserver.reading import VIEW, Reading

_PERIOD = {1: "row start", 2: "row end"}


def columns(reading: Reading) -> list[Column]:
    """All columns, with what the statistics tell where these were asked for."""
    lookup = _Lookup(reading)
    return [of_catalog(Column, lookup.column(row)) for row in reading.columns]


class _Lookup:
    """What a column's own row does not tell."""

    def __init__(self, reading: Reading) -> None:
        self._database, self._collation = reading.name, reading.database.collation
        self._places = reading.places()
        self._primary = {
            (row.number, row.column)
            for row in reading.indexes
            if row.is_primary and row.key_position
        }
        self._referring = {(row.number, row.column) for row in reading.references}
        self._knows_keys = "indexes" not in reading.failed
        self._knows_references = "foreign keys" not in reading.failed
        self._told: dict[tuple[int, str], HistogramRow] = {}
        for row in reading.histograms:
            if row.distinct is not None:
                self._told.setdefault((row.number, row.column), row)

    def column(self, row: ColumnRow) -> dict[str, Any]:
        """The fields of a column."""
        place, spot = self._places[row.number], (row.number, row.name)
        kind = column_type(row.type_name, row.base_type, row.longest, row.digits, row.decimals)
        known: dict[str, Any] = {
            "name": row.name,
            "table": place.name,
            "schema_name": place.schema,
            "database": self._database,
            "position": row.position,
            "data_type": kind.written,
            "normalized_type": kind.normalized,
            "is_nullable": row.is_nullable,
            "default_value": _bare(row.default),
            "identity": None if row.seed is None else "autoincrement",
            "max_length": kind.max_length,
            "precision": kind.precision,
            "scale": kind.scale,
            "comment": row.comment,
            "metadata": self._metadata(row),
        }
        if row.expression is not None:
            known["generated_expression"] = _bare(row.expression)
            known["generated_kind"] = "stored" if row.is_persisted else "virtual"
        known |= self._keys(place, spot)
        told = self._told.get(spot)
        if told is not None:
            known |= {
                "distinct_count": round(told.distinct or 0),
                "null_count": round(told.nulls or 0),
                "statistics_kind": "estimate",
            }
        return known

    def _keys(self, place: RelationRow, spot: tuple[int, str]) -> dict[str, Any]:
        if place.kind == VIEW:
            return {}
        return {
            "is_primary_key": spot in self._primary if self._knows_keys else None,
            "is_foreign_key": spot in self._referring if self._knows_references else None,
        }

    def _metadata(self, row: ColumnRow) -> dict[str, JsonValue]:
        known: dict[str, JsonValue] = {
            "seed": row.seed,
            "increment": row.step,
            "collation": row.collation if row.collation != self._collation else None,
            "baseType": row.base_type if row.base_type != row.type_name else None,
            "hidden": True if row.is_hidden else None,
            "generatedAlways": _PERIOD.get(row.generated_always or 0),
            "masked": True if row.is_masked else None,
        }
        return {name: value for name, value in known.items() if value is not None}


def _bare(text: str | None) -> str | None:
    """An expression without the parentheses that the server puts around each, `((0))` for 0."""
    while text is not None and _is_wrapped(text):
        text = text[1:-1]
    return text


def _is_wrapped(text: str) -> bool:
    """Whether the first parenthesis is closed by the last; those in texts count as letters."""
    if not (text.startswith("(") and text.endswith(")")):
        return False
    depth, is_text = 0, False
    for at, letter in enumerate(text):
        if letter == "'":
            is_text = not is_text
        elif not is_text:
            depth += (letter == "(") - (letter == ")")
            if depth == 0 and at < len(text) - 1:
                return False
    return True
