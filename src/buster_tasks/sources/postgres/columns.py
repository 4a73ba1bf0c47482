"""Columns of tables and views, from the catalog's rows."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import islice
from typing import Any, Literal

from pydantic import JsonValue

from buster_tasks.sources.collector import collector_held
from buster_tasks.sources.postgres.catalog import ColumnRow, RelationRow
from buster_tasks.sources.postgres.column_types import nested, read_type
from buster_tasks.sources.postgres.reading import Reading
from buster_tasks.sources.schema import Column, of_known

Place = tuple[int, int]
"""A relation's oid and the number of a column."""

_PAGE = 2_000
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
    reading.names[row.relation][row.number] = row.name
    known = _known(reading.database.name, relation, row)
    if relation.kind in ("r", "p"):
        known["is_primary_key"] = place in primary
        known["is_foreign_key"] = place in referring
    reading.found_columns[row.relation].append(of_known(Column, known))


def _places(reading: Reading, kind: str) -> set[Place]:
    return {(row.relation, number) for row in reading.keys(kind) for number in row.key or ()}


def _known(database: str, relation: RelationRow, row: ColumnRow) -> dict[str, Any]:
    """What is known of a column, and nothing that is not: there are too many of them to sort that out twice."""
    known: dict[str, Any] = {
        "name": row.name,
        "table": relation.name,
        "schema_name": relation.schema,
        "database": database,
        "position": row.number,
        **_of_type(
            row.data_type,
            (row.base_type or row.type_name) if row.type_kind == "d" else row.type_name,
            row.type_category,
            row.modifier,
        ),
    }
    if relation.kind not in ("v", "m"):  # of views PostgreSQL knows nothing about it
        known["is_nullable"] = not row.is_not_null
    if row.comment is not None:
        known["comment"] = row.comment
    if row.default is not None:
        known["generated_expression" if row.generated else "default_value"] = row.default
    if row.generated:
        known["generated_kind"] = _GENERATED[row.generated]
    if row.identity:
        known["identity"] = _IDENTITY[row.identity]
    if row.parts is not None:
        known["fields"] = nested(row.parts)
    if row.labels is not None:
        known["metadata"] = {"enum": list[JsonValue](row.labels)}
    elif row.base_type is not None and row.type_kind == "d":
        known["metadata"] = {"baseType": row.base_type}
    if row.distinct is not None and relation.rows >= 0:
        known |= _statistics(row.distinct, row.null_share or 0.0, relation.rows)
    return known


@lru_cache(maxsize=10_000)
def _of_type(data_type: str, name: str, category: str, modifier: int) -> dict[str, Any]:
    meaning = read_type(name, category, modifier)
    known = {
        "data_type": data_type,
        "normalized_type": meaning.normalized,
        "max_length": meaning.max_length,
        "precision": meaning.precision,
        "scale": meaning.scale,
    }
    return {name: value for name, value in known.items() if value is not None}


def _statistics(distinct: float, null_share: float, rows: float) -> dict[str, Any]:
    """Estimates from `n_distinct` (a number, a negative share of the rows, or 0 for not known) and `null_frac`."""
    known: dict[str, Any] = {"null_count": round(null_share * rows), "statistics_kind": "estimate"}
    if distinct != 0:
        known["distinct_count"] = round(distinct if distinct > 0 else -distinct * rows)
    return known
