"""What is asked of Snowflake's catalog: at most eight statements per database, however many tables it has.

Names of databases and schemas are quoted into the text, since nothing binds an identifier; all else is bound.
INFORMATION_SCHEMA has no view of the columns of keys, so SHOW tells them, at most 10,000 of a kind in one answer.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

NO_SECONDARY_ROLES = "USE SECONDARY ROLES NONE"

FACTS = (
    "SELECT CURRENT_VERSION(), CURRENT_USER(), CURRENT_ROLE(), CURRENT_DATABASE(), CURRENT_SCHEMA(), "
    "CURRENT_WAREHOUSE()"
)

DATABASES = "SHOW DATABASES"
MORE_DATABASES = "SHOW DATABASES LIMIT 10000 FROM {after}"

SCHEMATA = """
SELECT SCHEMA_NAME, SCHEMA_OWNER, COMMENT, CREATED, LAST_ALTERED, IS_TRANSIENT, IS_MANAGED_ACCESS
FROM {database}.INFORMATION_SCHEMA.SCHEMATA WHERE {of_schemas}
"""

RELATIONS = """
SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, TABLE_OWNER, ROW_COUNT, BYTES, CLUSTERING_KEY, COMMENT, CREATED,
    LAST_ALTERED, IS_TRANSIENT, IS_ICEBERG, IS_DYNAMIC, IS_HYBRID, RETENTION_TIME
FROM {database}.INFORMATION_SCHEMA.TABLES WHERE {of_tables}
"""

NAMES = """
SELECT TABLE_SCHEMA, TABLE_NAME FROM {database}.INFORMATION_SCHEMA.TABLES WHERE {of_tables} LIMIT 20000
"""

COLUMNS = """
SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, ORDINAL_POSITION, COLUMN_DEFAULT, IS_NULLABLE, DATA_TYPE,
    CHARACTER_MAXIMUM_LENGTH, NUMERIC_PRECISION, NUMERIC_SCALE, COLLATION_NAME, IS_IDENTITY, IDENTITY_START,
    IDENTITY_INCREMENT, COMMENT, DATA_TYPE_ALIAS
FROM {database}.INFORMATION_SCHEMA.COLUMNS WHERE {of_tables}
"""

VIEWS = """
SELECT TABLE_SCHEMA, TABLE_NAME, VIEW_DEFINITION, IS_SECURE, COMMENT
FROM {database}.INFORMATION_SCHEMA.VIEWS WHERE {of_tables}
"""

MATERIALIZED = "SHOW MATERIALIZED VIEWS IN {place}"
PRIMARY_KEYS = "SHOW PRIMARY KEYS IN {place}"
UNIQUE_KEYS = "SHOW UNIQUE KEYS IN {place}"
IMPORTED_KEYS = "SHOW IMPORTED KEYS IN {place}"

MOST_SHOWN = 10_000
"""SHOW gives no more rows than this, and does not say that there are more."""

Place = tuple[str, str, str]
"""A database, a schema and a table."""


class DatabaseRow(NamedTuple):
    """A row of SHOW DATABASES; `kind` is STANDARD, IMPORTED DATABASE, APPLICATION and the like."""

    name: str
    owner: str | None = None
    comment: str | None = None
    created: datetime | None = None
    kind: str | None = None
    origin: str | None = None


class SchemaRow(NamedTuple):
    """A row of SCHEMATA."""

    database: str
    name: str
    owner: str | None
    comment: str | None
    created: datetime | None
    altered: datetime | None
    is_transient: str | None
    is_managed: str | None


class RelationRow(NamedTuple):
    """A row of TABLES: a table of any kind, a view, a materialized view."""

    database: str
    schema: str
    name: str
    kind: str
    owner: str | None
    rows: int | None
    size: int | None
    clustering: str | None
    comment: str | None
    created: datetime | None
    altered: datetime | None
    is_transient: str | None
    is_iceberg: str | None
    is_dynamic: str | None
    is_hybrid: str | None
    retention: int | str | None

    @property
    def place(self) -> Place:
        """Where it is."""
        return self.database, self.schema, self.name


class ColumnRow(NamedTuple):
    """A row of COLUMNS."""

    database: str
    schema: str
    table: str
    name: str
    position: int
    default: str | None
    nullable: str | None
    type_name: str
    longest: int | None
    precision: int | None
    scale: int | None
    collation: str | None
    identity: str | None
    identity_start: Any
    identity_step: Any
    comment: str | None
    alias: str | None

    @property
    def place(self) -> Place:
        """Where its table is."""
        return self.database, self.schema, self.table


class ViewRow(NamedTuple):
    """A row of VIEWS, or of SHOW MATERIALIZED VIEWS."""

    database: str
    schema: str
    name: str
    text: str | None
    is_secure: str | None
    comment: str | None

    @property
    def place(self) -> Place:
        """Where it is."""
        return self.database, self.schema, self.name


class KeyRow(NamedTuple):
    """A column of a primary or unique key."""

    database: str
    schema: str
    table: str
    column: str
    position: int
    name: str
    is_relied_on: bool
    comment: str | None

    @property
    def place(self) -> Place:
        """Where its table is."""
        return self.database, self.schema, self.table


class ReferenceRow(NamedTuple):
    """A column of a foreign key, and the one that it refers to."""

    database: str
    schema: str
    table: str
    column: str
    position: int
    name: str
    target_database: str
    target_schema: str
    target_table: str
    target_column: str
    on_update: str | None
    on_delete: str | None
    is_relied_on: bool
    comment: str | None

    @property
    def place(self) -> Place:
        """Where its table is."""
        return self.database, self.schema, self.table
