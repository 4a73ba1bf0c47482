"""Columns of tables and views, from the catalog's rows."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any, Literal

from pydantic import JsonValue

from buster_tasks.sources.collector import collector_held
from buster_tasks.sources.postgres.catalog import ColumnRow, RelationRow
from buster_tasks.sources.postgres.column_types import read_type
from buster_tasks.sources.postgres.reading import Reading
from buster_tasks.sources.schema import Column, of_catalog

Place = tuple[int, int]
"""A relation's oid and the number of a column."""

_PAGE = 10_000
_IDENTITY: dict[str, Literal["always", "by_default"]] = {"a": "always", "d": "by_default"}
_GENERATED: dict[str, Literal["virtual", "stored"]] = {"s": "stored", "v": "virtual"}


def add_columns(reading: Reading, rows: Iterable[ColumnRow]) -> None:
    """Put the columns into the reading; its constraints are there already."""
    primary = _places(reading, "p")
    referring = _places(reading, "f")
    rows = iter(rows)
    while page := list(islice(rows, _PAGE)):
        with collector_held():
            for row in page:
                _add(reading, row, primary, referring)


def _add(reading: Reading, row: ColumnRow, primary: set[Place], referring: set[Place]) -> None:
    relation, place = reading.by_oid[row.relation], (row.relation, row.number)
    reading.names.setdefault(row.relation, {})[row.number] = row.name
    known = _known(reading.database.name, relation, row)
    if relation.kind in ("r", "p"):
        known["is_primary_key"] = place in primary
        known["is_foreign_key"] = place in referring
    reading.found_columns.setdefault(row.relation, []).append(of_catalog(Column, known))


def _places(reading: Reading, kind: str) -> set[Place]:
    return {(row.relation, number) for row in reading.keys(kind) for number in row.key or ()}


def _known(database: str, relation: RelationRow, row: ColumnRow) -> dict[str, Any]:
    is_domain = row.type_kind == "d"
    meaning = read_type(
        (row.base_type or row.type_name) if is_domain else row.type_name,
        row.type_category,
        row.modifier,
    )
    known: dict[str, Any] = {
        "name": row.name,
        "table": relation.name,
        "schema_name": relation.schema,
        "database": database,
        "position": row.number,
        "data_type": row.data_type,
        "normalized_type": meaning.normalized,
        "default_value": None if row.generated else row.default,
        "generated_expression": row.default if row.generated else None,
        "generated_kind": _GENERATED.get(row.generated),
        "identity": _IDENTITY.get(row.identity),
        "max_length": meaning.max_length,
        "precision": meaning.precision,
        "scale": meaning.scale,
        "comment": row.comment,
        "metadata": _metadata(row),
    }
    if relation.kind not in ("v", "m"):  # of views PostgreSQL knows nothing about it
        known["is_nullable"] = not row.is_not_null
    if row.distinct is not None and relation.rows >= 0:
        known["distinct_count"] = _distinct(row.distinct, relation.rows)
        known["null_count"] = round((row.null_share or 0.0) * relation.rows)
        known["statistics_kind"] = "estimate"
    return known


def _distinct(number: float, rows: float) -> int | None:
    """Distinct values from `n_distinct`: a number, a negative share of the rows, or 0 for not known."""
    if number == 0:
        return None
    return round(number if number > 0 else -number * rows)


def _metadata(row: ColumnRow) -> dict[str, JsonValue] | None:
    if row.labels is not None:
        return {"enum": list[JsonValue](row.labels)}
    if row.type_kind == "d" and row.base_type is not None:
        return {"baseType": row.base_type}
    return None
