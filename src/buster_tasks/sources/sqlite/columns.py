"""Columns of tables and views, from the catalog's rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal

from pydantic import JsonValue

from buster_tasks.sources.filters import ascii_case
from buster_tasks.sources.schema import Column
from buster_tasks.sources.sqlite.catalog import ColumnRow
from buster_tasks.sources.sqlite.column_types import read_type
from buster_tasks.sources.sqlite.issues import SCHEMA
from buster_tasks.sources.sqlite.reading import Reading

_HIDDEN, _VIRTUAL, _STORED = 1, 2, 3
_GENERATED: dict[int, Literal["virtual", "stored"]] = {_VIRTUAL: "virtual", _STORED: "stored"}

Place = tuple[str, str]
"""A table and a column."""


def columns(reading: Reading, *, with_statistics: bool) -> list[Column]:
    """All columns; with the distinct values that the last ANALYZE estimated, if wanted."""
    referring = {(row.table, row.column) for row in reading.structure.foreign_keys}
    rowids = _rowids(reading)
    distinct = _distinct_counts(reading) if with_statistics else {}
    return [_column(reading, row, referring, rowids, distinct) for row in reading.structure.columns]


def _column(
    reading: Reading,
    row: ColumnRow,
    referring: Collection[Place],
    rowids: Collection[Place],
    distinct: Mapping[Place, int],
) -> Column:
    place, declared, text = (
        (row.table, row.name),
        read_type(row.declared_type),
        reading.text(row.table),
    )
    known: dict[str, Any] = {
        "default_value": row.default,
        "generated_expression": text.generated.get(ascii_case(row.name)),
        "generated_kind": _GENERATED.get(row.hidden),
        "max_length": declared.max_length,
        "precision": declared.precision,
        "scale": declared.scale,
        "distinct_count": distinct.get(place),
        "statistics_kind": "estimate" if place in distinct else None,
    }
    if place in rowids:
        known["identity"] = "autoincrement" if text.autoincrement else "by_default"
    if reading.is_table(row.table):  # of views and virtual tables SQLite says less
        # a rowid is never NULL, whatever its declaration
        known["is_nullable"] = not (row.is_not_null or place in rowids)
        known["is_primary_key"] = row.key_position > 0
        known["is_foreign_key"] = place in referring
    return Column(
        name=row.name,
        table=row.table,
        schema=SCHEMA,
        database=reading.database,
        position=row.position + 1,
        data_type=row.declared_type,
        normalized_type=declared.normalized,
        metadata=_metadata(row, declared.affinity, text.collations),
        # a field that is set costs memory, and a large database has many columns
        **{name: value for name, value in known.items() if value is not None},
    )


def _metadata(row: ColumnRow, affinity: str, collations: Mapping[str, str]) -> dict[str, JsonValue]:
    metadata: dict[str, JsonValue] = {"affinity": affinity}
    collation = collations.get(ascii_case(row.name))
    if collation is not None:
        metadata["collation"] = collation
    if row.hidden == _HIDDEN:
        metadata["hidden"] = True
    return metadata


def _rowids(reading: Reading) -> set[Place]:
    """Columns that are another name of the rowid: the only key column of a table, declared INTEGER, nothing else.

    The one exception, `INTEGER PRIMARY KEY DESC`, shows by the index that SQLite makes for such a key.
    """
    indexed = {row.table for row in reading.structure.indexes if row.origin == "pk"}
    without = {relation.name for relation in reading.relations if relation.without_rowid}
    return {
        (row.table, row.name)
        for row in reading.structure.columns
        if row.declared_type.upper() == "INTEGER"
        and reading.is_table(row.table)
        and reading.primary.get(row.table) == [row.name]
        and row.table not in indexed | without
    }


def _distinct_counts(reading: Reading) -> dict[Place, int]:
    """Distinct values of each column that leads a whole index: at ANALYZE, all rows by the rows for one value."""
    leading: dict[tuple[str, str], str | None] = {}
    for row in reading.structure.indexes:
        leading.setdefault((row.table, row.index_name), None if row.is_partial else row.column)
    counts: dict[Place, int] = {}
    for table, index, numbers in reading.statistics:
        column = leading.get((table, index or ""))
        if column is not None and len(numbers) > 1 and numbers[1] > 0:
            counts[table, column] = max(1, round(numbers[0] / numbers[1]))
    return counts
