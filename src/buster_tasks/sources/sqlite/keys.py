"""Primary, unique and foreign keys and indexes, from the catalog's rows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from buster_tasks.sources.filters import ascii_case
from buster_tasks.sources.schema import ForeignKey, Index, IndexPart, Issue, PrimaryKey, UniqueKey
from buster_tasks.sources.sqlite.catalog import ForeignKeyRow, IndexRow
from buster_tasks.sources.sqlite.ddl import read_index
from buster_tasks.sources.sqlite.issues import SCHEMA, dangling
from buster_tasks.sources.sqlite.reading import Reading


def primary_keys(reading: Reading) -> list[PrimaryKey]:
    """Primary keys, columns in key order."""
    return [
        PrimaryKey(
            name=reading.text(table).primary_key_name,
            table=table,
            schema=SCHEMA,
            database=reading.database,
            columns=reading.primary[table],
        )
        for table in reading.kinds
        if table in reading.primary
    ]


def unique_keys(reading: Reading) -> list[UniqueKey]:
    """UNIQUE constraints."""
    return [_unique_key(reading, parts) for parts in _by_index(reading) if parts[0].origin == "u"]


def indexes(reading: Reading) -> list[Index]:
    """Indexes, also those that SQLite made for keys."""
    return [_index(reading, parts) for parts in _by_index(reading)]


def foreign_keys(reading: Reading) -> Iterator[tuple[ForeignKey, Issue | None]]:
    """Foreign keys in the order of their declaration, each with what is wrong with its target."""
    for table, rows in groupby(reading.structure.foreign_keys, key=lambda row: row.table):
        keys = [list(group) for _key, group in groupby(rows, key=lambda row: row.key)]
        written = reading.text(table).foreign_key_names
        names = written if len(written) == len(keys) else [None] * len(keys)
        for key, name in zip(keys, names, strict=True):
            yield _foreign_key(reading, key, name)


def _by_index(reading: Reading) -> Iterator[list[IndexRow]]:
    rows = groupby(reading.structure.indexes, key=lambda row: (row.table, row.index_name))
    return (list(group) for _key, group in rows)


def _unique_key(reading: Reading, parts: list[IndexRow]) -> UniqueKey:
    columns = [part.column or "" for part in parts]
    names = reading.text(parts[0].table).unique_names
    return UniqueKey(
        name=names.get(tuple(map(ascii_case, columns))),
        table=parts[0].table,
        schema=SCHEMA,
        database=reading.database,
        columns=columns,
    )


def _index(reading: Reading, rows: list[IndexRow]) -> Index:
    first, text = rows[0], read_index(rows[0].sql)
    expressions = text.parts if len(text.parts) == len(rows) else [None] * len(rows)
    parts = [
        IndexPart(
            column=row.column,
            expression=expression if row.column is None else None,
            is_descending=row.is_descending,
            collation=row.collation,
        )
        for row, expression in zip(rows, expressions, strict=True)
    ]
    return Index(
        name=first.index_name,
        table=first.table,
        schema=SCHEMA,
        database=reading.database,
        type="btree",
        columns=[part.column or part.expression or "" for part in parts],
        parts=parts,
        is_unique=first.is_unique,
        is_primary_key=first.origin == "pk",
        predicate=text.predicate,
    )


def _foreign_key(
    reading: Reading, rows: list[ForeignKeyRow], name: str | None
) -> tuple[ForeignKey, Issue | None]:
    first, target = rows[0], reading.table_named(rows[0].target)
    parent = target or first.target
    written = [
        reading.column_named(parent, row.target_column)
        for row in rows
        if row.target_column is not None
    ]
    key = ForeignKey(
        name=name,
        source_table=first.table,
        source_schema=SCHEMA,
        source_database=reading.database,
        source_columns=[row.column for row in rows],
        referenced_table=parent,
        referenced_schema=SCHEMA,
        referenced_database=reading.database,
        referenced_columns=written or reading.primary.get(parent, []),
        on_update=first.on_update,
        on_delete=first.on_delete,
    )
    fits = target is not None and len(key.referenced_columns) == len(rows)
    return key, None if fits else dangling(key)
