"""Asking the catalog of one database, and its rows as named tuples.

Where a whole database is too much for one answer, it is asked for schema by schema.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.quoting import in_double_quotes as quote
from buster_tasks.sources.snowflake import catalog
from buster_tasks.sources.snowflake.catalog import (
    MOST_SHOWN,
    ColumnRow,
    DatabaseRow,
    KeyRow,
    ReferenceRow,
    RelationRow,
    SchemaRow,
    ViewRow,
)
from buster_tasks.sources.snowflake.failures import TooMuchError
from buster_tasks.sources.snowflake.narrowing import Condition
from buster_tasks.sources.snowflake.session import Row, SnowflakeSession

T = TypeVar("T")
Shown = dict[str, Any]

_TABLES = ("TABLE_SCHEMA", "TABLE_NAME")


def read_databases(session: SnowflakeSession, budget: Budget) -> list[DatabaseRow]:
    """All databases that we may see, page by page where they are more than SHOW gives at once."""
    rows = page = _shown(session, catalog.DATABASES, budget)
    while len(page) >= MOST_SHOWN:
        after = "'" + str(page[-1]["name"]).replace("\\", "\\\\").replace("'", "''") + "'"
        page = _shown(session, catalog.MORE_DATABASES.format(after=after), budget)
        rows = rows + page
    return [
        DatabaseRow(
            name=row["name"],
            owner=row.get("owner") or None,
            comment=row.get("comment") or None,
            created=row.get("created_on"),
            kind=row.get("kind"),
            origin=row.get("origin") or None,
        )
        for row in rows
    ]


def read_schemas(
    session: SnowflakeSession, database: str, schemas: Condition, budget: Budget
) -> list[SchemaRow]:
    """The schemas of a database."""
    sql = catalog.SCHEMATA.format(database=quote(database), of_schemas=schemas.on("SCHEMA_NAME"))
    _names, rows = session.rows(sql, schemas.parameters, budget=budget)
    return [SchemaRow(database, *row) for row in rows]


def read_relations(
    session: SnowflakeSession,
    database: str,
    tables: Condition,
    schemas: Iterable[str],
    budget: Budget,
) -> list[RelationRow]:
    """The tables and views in these schemas."""
    rows = _read(session, catalog.RELATIONS, database, tables, schemas, budget)
    return [RelationRow(database, *row) for row in rows]


def read_names(
    session: SnowflakeSession, database: str, tables: Condition, budget: Budget
) -> list[tuple[str, str]]:
    """Tables by name alone, also those that a filter leaves out."""
    sql = catalog.NAMES.format(database=quote(database), of_tables=tables.on(*_TABLES))
    return [
        (str(row[0]), str(row[1])) for row in session.rows(sql, tables.parameters, budget=budget)[1]
    ]


def read_columns(
    session: SnowflakeSession,
    database: str,
    tables: Condition,
    schemas: Iterable[str],
    budget: Budget,
) -> list[ColumnRow]:
    """The columns of these tables and views."""
    rows = _read(session, catalog.COLUMNS, database, tables, schemas, budget)
    return [ColumnRow(database, *row) for row in rows]


def read_views(
    session: SnowflakeSession,
    database: str,
    tables: Condition,
    schemas: Iterable[str],
    budget: Budget,
) -> list[ViewRow]:
    """The queries behind these views."""
    rows = _read(session, catalog.VIEWS, database, tables, schemas, budget)
    return [ViewRow(database, *row) for row in rows]


def read_materialized(
    session: SnowflakeSession, database: str, schemas: Sequence[str], budget: Budget
) -> tuple[list[ViewRow], list[str]]:
    """The queries behind materialized views, and the schemas that have more than SHOW gives."""
    rows, cut = _everywhere(session, catalog.MATERIALIZED, database, schemas, budget)
    return [
        ViewRow(
            row.get("database_name") or database,
            row["schema_name"],
            row["name"],
            row.get("text"),
            "YES" if str(row.get("is_secure")).lower() in ("true", "yes", "y") else "NO",
            row.get("comment") or None,
        )
        for row in rows
    ], cut


def read_keys(
    session: SnowflakeSession, sql: str, database: str, schemas: Sequence[str], budget: Budget
) -> tuple[list[KeyRow], list[str]]:
    """The columns of primary or unique keys, and the schemas that have more than SHOW gives."""
    rows, cut = _everywhere(session, sql, database, schemas, budget)
    return [
        KeyRow(
            row.get("database_name") or database,
            row["schema_name"],
            row["table_name"],
            row["column_name"],
            int(row["key_sequence"]),
            row["constraint_name"],
            _is_true(row.get("rely")),
            row.get("comment") or None,
        )
        for row in rows
    ], cut


def read_references(
    session: SnowflakeSession, database: str, schemas: Sequence[str], budget: Budget
) -> tuple[list[ReferenceRow], list[str]]:
    """The columns of foreign keys, and the schemas that have more than SHOW gives."""
    rows, cut = _everywhere(session, catalog.IMPORTED_KEYS, database, schemas, budget)
    return [
        ReferenceRow(
            row.get("fk_database_name") or database,
            row["fk_schema_name"],
            row["fk_table_name"],
            row["fk_column_name"],
            int(row["key_sequence"]),
            row["fk_name"],
            row["pk_database_name"],
            row["pk_schema_name"],
            row["pk_table_name"],
            row["pk_column_name"],
            row.get("update_rule"),
            row.get("delete_rule"),
            _is_true(row.get("rely")),
            row.get("comment") or None,
        )
        for row in rows
        if row["pk_table_name"]
    ], cut


def _everywhere(
    session: SnowflakeSession, sql: str, database: str, schemas: Sequence[str], budget: Budget
) -> tuple[list[Shown], list[str]]:
    """What SHOW has of a database, or of its only schema; schema by schema where that was not all."""
    places = [f"SCHEMA {quote(database)}.{quote(schema)}" for schema in schemas]
    whole = places[0] if len(places) == 1 else f"DATABASE {quote(database)}"
    rows = _shown(session, sql.format(place=whole), budget)
    if len(rows) < MOST_SHOWN:
        return rows, []
    if len(places) == 1:
        return rows, list(schemas)
    found, cut = list[Shown](), list[str]()
    for schema, place in zip(schemas, places, strict=True):
        some = _shown(session, sql.format(place=place), budget)
        found += some
        cut += [schema] if len(some) >= MOST_SHOWN else []
    return found, cut


def _read(
    session: SnowflakeSession,
    sql: str,
    database: str,
    tables: Condition,
    schemas: Iterable[str],
    budget: Budget,
) -> list[Row]:
    def asked(condition: Condition) -> list[Row]:
        text = sql.format(database=quote(database), of_tables=condition.on(*_TABLES))
        return session.rows(text, condition.parameters, budget=budget)[1]

    return whole_or_in_parts(asked, tables, schemas)


def whole_or_in_parts(
    asked: Callable[[Condition], list[T]], tables: Condition, schemas: Iterable[str]
) -> list[T]:
    """What is asked for at once, or schema by schema where Snowflake says that this is too much."""
    try:
        return asked(tables)
    except TooMuchError:
        parts = [asked(tables.within(schema)) for schema in schemas]
        if not parts:
            raise
        return [row for part in parts for row in part]


def _shown(session: SnowflakeSession, sql: str, budget: Budget) -> list[Shown]:
    """The rows of a SHOW by the names of its columns, of which later versions have more."""
    names, rows = session.rows(sql, budget=budget)
    return [dict(zip(names, row, strict=True)) for row in rows]


def _is_true(value: object) -> bool:
    return str(value).lower() in ("true", "yes", "y")
