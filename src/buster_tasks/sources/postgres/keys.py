"""Primary, unique and foreign keys and indexes, from the catalog's rows."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pydantic import JsonValue

from buster_tasks.sources.postgres.catalog import ConstraintRow, IndexRow
from buster_tasks.sources.postgres.reading import Reading
from buster_tasks.sources.schema import (
    ForeignKey,
    Index,
    IndexPart,
    PrimaryKey,
    UniqueKey,
    of_known,
)

_ACTIONS = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}
_DESCENDING = 1


def primary_keys(reading: Reading) -> list[PrimaryKey]:
    """Primary keys, columns in key order."""
    return [of_known(PrimaryKey, _key(reading, row)) for row in reading.keys("p")]


def unique_keys(reading: Reading) -> list[UniqueKey]:
    """UNIQUE constraints."""
    return [of_known(UniqueKey, _key(reading, row)) for row in reading.keys("u")]


def foreign_keys(reading: Reading) -> list[ForeignKey]:
    """Foreign keys, also to tables that the filters leave out."""
    return [of_known(ForeignKey, _foreign_key(reading, row)) for row in reading.keys("f")]


def indexes(reading: Reading) -> list[Index]:
    """Indexes, also those behind keys."""
    return [of_known(Index, _index(reading, row)) for row in reading.indexes]


def _key(reading: Reading, row: ConstraintRow) -> dict[str, Any]:
    relation = reading.by_oid[row.relation]
    return {
        "name": row.name,
        "table": relation.name,
        "schema_name": relation.schema,
        "database": reading.database.name,
        "columns": reading.columns_of(row),
        "metadata": _marks(row),
    }


def _foreign_key(reading: Reading, row: ConstraintRow) -> dict[str, Any]:
    relation, database = reading.by_oid[row.relation], reading.database.name
    return {
        "name": row.name,
        "source_table": relation.name,
        "source_schema": relation.schema,
        "source_database": database,
        "source_columns": reading.columns_of(row),
        "referenced_table": row.target,
        "referenced_schema": row.target_schema,
        "referenced_database": database,
        "referenced_columns": reading.target_columns_of(row),
        "on_update": _ACTIONS[row.on_update],
        "on_delete": _ACTIONS[row.on_delete],
        "metadata": _marks(row),
    }


def _marks(row: ConstraintRow) -> dict[str, JsonValue]:
    marks: dict[str, JsonValue] = {}
    if row.is_deferrable:
        marks["deferrable"] = True
    if not row.is_validated:
        marks["validated"] = False
    return marks


@lru_cache(maxsize=10_000)
def _part(column: str | None, expression: str | None, is_descending: bool) -> IndexPart:
    """A part of an index, which many indexes share: nothing in it can change."""
    return IndexPart(column=column, expression=expression, is_descending=is_descending)


def _index(reading: Reading, row: IndexRow) -> dict[str, Any]:
    relation = reading.by_oid[row.relation]
    names = reading.names.get(row.relation, {})
    numbers = [int(number) for number in row.key.split()]
    options = [int(option) for option in row.options.split()]
    parts = [
        _part(
            names.get(number),
            row.parts[at] if number == 0 and row.parts else None,
            bool(options[at] & _DESCENDING),
        )
        for at, number in enumerate(numbers[: row.key_parts])
    ]
    metadata: dict[str, JsonValue] = {}
    included = [names[number] for number in numbers[row.key_parts :] if number in names]
    if included:
        metadata["include"] = list[JsonValue](included)
    if not row.is_valid:
        metadata["valid"] = False
    known: dict[str, Any] = {
        "name": row.name,
        "table": relation.name,
        "schema_name": relation.schema,
        "database": reading.database.name,
        "type": row.method,
        "columns": [part.column or part.expression or "" for part in parts],
        "parts": parts,
        "is_unique": row.is_unique,
        "is_primary_key": row.is_primary,
        "metadata": metadata,
    }
    if row.predicate is not None:
        known["predicate"] = row.predicate
    return known
