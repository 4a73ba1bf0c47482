"""What is asked of SQLite's catalog: named statements, a fixed number of them however many tables there are.

Only rows are counted table by table, because each count has its own time limit. Where one broken object (a view on a
table that is gone, a virtual table whose module is not here) makes SQLite refuse the statement for all, the objects
are asked one by one, so that only the broken one is lost.

SQLite's own table functions are called as `temp.name`: in that schema there is nothing else, while the file may well
hold a table called `json_each` or `dbstat`, which would be taken instead.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pydantic import JsonValue

from buster_tasks.errors import DatabaseCorruptError, QueryFailedError, SourceError
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.sqlite.session import Row, SqliteSession

FACTS = """
SELECT e.encoding, s.page_size, c.page_count, u.user_version
FROM temp.pragma_encoding AS e, temp.pragma_page_size AS s, temp.pragma_page_count AS c, temp.pragma_user_version AS u
"""

RELATIONS = """
SELECT l.name, l.type, l.wr, l.strict, s.sql
FROM temp.pragma_table_list AS l
LEFT JOIN main.sqlite_schema AS s ON s.name = l.name AND s.type IN ('table', 'view')
WHERE l.schema = 'main'
ORDER BY l.name
"""

COLUMNS = """
SELECT t.value, c.cid, c.name, c.type, c."notnull", c.dflt_value, c.pk, c.hidden
FROM temp.json_each(?) AS t JOIN temp.pragma_table_xinfo(t.value, 'main') AS c
ORDER BY t.key, c.cid
"""

FOREIGN_KEYS = """
SELECT t.value, f.id, f.seq, f."table", f."from", f."to", f.on_update, f.on_delete
FROM temp.json_each(?) AS t JOIN temp.pragma_foreign_key_list(t.value, 'main') AS f
ORDER BY t.key, f.id DESC, f.seq
"""

INDEXES = """
SELECT t.value, i.name, i."unique", i.origin, i.partial, x.cid, x.name, x."desc", x.coll, s.sql
FROM temp.json_each(?) AS t
JOIN temp.pragma_index_list(t.value, 'main') AS i
JOIN temp.pragma_index_xinfo(i.name, 'main') AS x
LEFT JOIN main.sqlite_schema AS s ON s.type = 'index' AND s.name = i.name
WHERE x.key = 1
ORDER BY t.key, i.seq DESC, x.seqno
"""

STATISTICS = "SELECT tbl, idx, stat FROM main.sqlite_stat1"

SIZES = "SELECT name, sum(pgsize) FROM temp.dbstat WHERE schema = 'main' GROUP BY name"

ROWID = -1
"""What stands for the rowid where `pragma_index_xinfo` gives a column's position."""

COUNT = "SELECT count(*) FROM main.{table}"


class RelationRow(NamedTuple):
    """A table, view, virtual or shadow table as `pragma_table_list` has it."""

    name: str
    kind: str
    without_rowid: bool
    is_strict: bool
    sql: str | None


class ColumnRow(NamedTuple):
    """A column; `hidden`: 0 ordinary, 1 of a virtual table, 2 generated, 3 generated and stored."""

    table: str
    position: int
    name: str
    declared_type: str
    is_not_null: bool
    default: str | None
    key_position: int
    hidden: int


class ForeignKeyRow(NamedTuple):
    """One column of a foreign key; `target_column` is None when the parent's primary key is meant."""

    table: str
    key: int
    sequence: int
    target: str
    column: str
    target_column: str | None
    on_update: str
    on_delete: str


class IndexRow(NamedTuple):
    """One part of an index; `column` is None for an expression, `origin` c, u or pk."""

    table: str
    index_name: str
    is_unique: bool
    origin: str
    is_partial: bool
    column: str | None
    is_descending: bool
    collation: str | None
    sql: str | None


class StatisticsRow(NamedTuple):
    """What the last ANALYZE wrote: rows of the table, then rows for each value of the index's first columns."""

    table: str
    index_name: str | None
    numbers: list[int]


@dataclass(slots=True)
class Unreadable:
    """An object whose columns SQLite could not tell, and why."""

    name: str
    error: SourceError


@dataclass(slots=True)
class Structure:
    """The catalog's rows about the relations that were asked for; `parents` are tables they refer to beyond these."""

    columns: list[ColumnRow] = field(default_factory=list[ColumnRow])
    foreign_keys: list[ForeignKeyRow] = field(default_factory=list[ForeignKeyRow])
    indexes: list[IndexRow] = field(default_factory=list[IndexRow])
    parents: list[ColumnRow] = field(default_factory=list[ColumnRow])
    unreadable: list[Unreadable] = field(default_factory=list[Unreadable])


def read_facts(session: SqliteSession, budget: Budget) -> dict[str, JsonValue]:
    """Encoding, size in bytes and user version of the file."""
    encoding, page_size, page_count, version = session.rows(FACTS, budget=budget)[0]
    return {
        "encoding": _name(encoding),
        "sizeBytes": _int(page_size) * _int(page_count),
        "userVersion": _int(version),
    }


def read_relations(session: SqliteSession, budget: Budget) -> list[RelationRow]:
    """Everything with columns in the file, SQLite's own tables too."""
    return [
        RelationRow(_name(name), _name(kind), bool(without_rowid), bool(strict), _text(sql))
        for name, kind, without_rowid, strict, sql in session.rows(RELATIONS, budget=budget)
    ]


def read_structure(
    session: SqliteSession, relations: Sequence[RelationRow], budget: Budget
) -> Structure:
    """Columns, keys and indexes of these relations."""
    plain = [relation.name for relation in relations if relation.kind in ("table", "shadow")]
    fragile = [relation.name for relation in relations if relation.kind not in ("table", "shadow")]
    structure = Structure()
    _read_columns(session, plain, structure, budget)
    _read_columns(session, fragile, structure, budget)
    if plain:
        names = json.dumps(plain)
        structure.foreign_keys = [
            _foreign_key(row) for row in session.rows(FOREIGN_KEYS, (names,), budget=budget)
        ]
        structure.indexes = [_index(row) for row in session.rows(INDEXES, (names,), budget=budget)]
    targets = {row.target for row in structure.foreign_keys if row.target_column is None}
    if targets:
        parameters = (json.dumps(sorted(targets)),)
        structure.parents = [
            _column(row) for row in session.rows(COLUMNS, parameters, budget=budget)
        ]
    return structure


def read_statistics(session: SqliteSession, budget: Budget) -> list[StatisticsRow]:
    """What ANALYZE left behind; the caller knows that the table is there."""
    rows = session.rows(STATISTICS, budget=budget)
    return [
        StatisticsRow(_name(table), _text(index), _numbers(stat)) for table, index, stat in rows
    ]


def read_sizes(session: SqliteSession, budget: Budget) -> dict[str, int] | None:
    """Bytes by table and index; None where this SQLite was built without `dbstat`."""
    try:
        return {_name(name): _int(size) for name, size in session.rows(SIZES, budget=budget)}
    except QueryFailedError:
        return None


def count_rows(session: SqliteSession, quoted_table: str, budget: Budget) -> int:
    """The exact number of rows. Raises SourceTimeoutError when the budget is over."""
    return _int(session.rows(COUNT.format(table=quoted_table), budget=budget)[0][0])


def _read_columns(
    session: SqliteSession, names: Sequence[str], structure: Structure, budget: Budget
) -> None:
    if not names:
        return
    try:
        rows = session.rows(COLUMNS, (json.dumps(list(names)),), budget=budget)
    except (QueryFailedError, DatabaseCorruptError) as error:
        if len(names) == 1:
            structure.unreadable.append(Unreadable(names[0], error))
            return
        for name in names:
            _read_columns(session, [name], structure, budget)
        return
    structure.columns.extend(_column(row) for row in rows)


def _column(row: Row) -> ColumnRow:
    table, position, name, declared, not_null, default, key, hidden = row
    return ColumnRow(
        table=_name(table),
        position=_int(position),
        name=_name(name),
        declared_type=_text(declared) or "",
        is_not_null=bool(not_null),
        default=_text(default),
        key_position=_int(key),
        hidden=_int(hidden),
    )


def _foreign_key(row: Row) -> ForeignKeyRow:
    table, key, sequence, target, column, target_column, on_update, on_delete = row
    return ForeignKeyRow(
        table=_name(table),
        key=_int(key),
        sequence=_int(sequence),
        target=_name(target),
        column=_name(column),
        target_column=_text(target_column),
        on_update=_name(on_update),
        on_delete=_name(on_delete),
    )


def _index(row: Row) -> IndexRow:
    table, index, unique, origin, partial, position, column, descending, collation, sql = row
    return IndexRow(
        table=_name(table),
        index_name=_name(index),
        is_unique=bool(unique),
        origin=_name(origin),
        is_partial=bool(partial),
        column="rowid" if position == ROWID else _text(column),
        is_descending=bool(descending),
        collation=_text(collation),
        sql=_text(sql),
    )


def _numbers(stat: object) -> list[int]:
    """The leading integers of a line such as `1000 10 1 unordered`."""
    numbers: list[int] = []
    for word in (_text(stat) or "").split():
        if not (word.isascii() and word.isdigit()):
            break
        numbers.append(int(word))
    return numbers


def _name(value: object) -> str:
    return _text(value) or ""


def _text(value: object) -> str | None:
    if value is None:
        return None
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0
