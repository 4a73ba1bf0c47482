"""What is asked of DuckDB's catalog: a fixed number of statements, all in one transaction.

Every column is asked for, since later versions have more of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.duckdb.column_types import fields_of
from buster_tasks.sources.duckdb.session import DuckdbSession, Reader, Row
from buster_tasks.sources.schema import NestedField

DATABASE = "SELECT * FROM duckdb_databases() WHERE database_name = current_database()"

SCHEMAS = """
SELECT * FROM duckdb_schemas() WHERE database_name = current_database() ORDER BY schema_name
"""

TABLES = """
SELECT * FROM duckdb_tables() WHERE database_name = current_database() AND NOT internal
ORDER BY schema_name, table_name
"""

COLUMNS = """
SELECT * FROM duckdb_columns() WHERE database_name = current_database() AND NOT internal
ORDER BY schema_name, table_name, column_index
"""

CONSTRAINTS = """
SELECT * FROM duckdb_constraints() WHERE database_name = current_database()
ORDER BY schema_name, table_name, constraint_index
"""

INDEXES = """
SELECT *, CAST(expressions AS VARCHAR[]) AS parts FROM duckdb_indexes() WHERE database_name = current_database()
ORDER BY schema_name, table_name, index_name
"""

VIEWS = """
SELECT * FROM duckdb_views() WHERE database_name = current_database() AND NOT internal
ORDER BY schema_name, view_name
"""

_OF_DUCKDB = ("information_schema", "pg_catalog")


@dataclass(frozen=True, slots=True)
class Catalog:
    """The catalog's rows, and the fields of each nested type by its text."""

    database: Row
    schemas: list[Row]
    tables: list[Row]
    columns: list[Row]
    constraints: list[Row]
    indexes: list[Row]
    views: list[Row]
    fields: dict[str, list[NestedField] | None]


def read_catalog(session: DuckdbSession, budget: Budget) -> Catalog:
    """Everything about the file's own objects. Raises SourceError."""
    with session.reading(budget) as reader:
        columns = reader.rows(COLUMNS)
        return Catalog(
            database=reader.rows(DATABASE)[0],
            schemas=[row for row in reader.rows(SCHEMAS) if row["schema_name"] not in _OF_DUCKDB],
            tables=reader.rows(TABLES),
            columns=columns,
            constraints=reader.rows(CONSTRAINTS),
            indexes=reader.rows(INDEXES),
            views=reader.rows(VIEWS),
            fields=_fields(reader, columns),
        )


def _fields(reader: Reader, columns: list[Row]) -> dict[str, list[NestedField] | None]:
    """Taken apart by DuckDB itself, once for each type; one that it cannot read again has no fields."""
    known: dict[str, list[NestedField] | None] = {}
    for name in {str(row["data_type"]) for row in columns}:
        try:
            known[name] = fields_of(name, reader.parts)
        except duckdb.Error:
            continue
    return known
