"""What is asked of Unity Catalog: eight statements for all catalogs together, however many tables they have.

`{place}` is the catalog whose information schema is asked, `system` for what the whole metastore has; `{of_...}` are
conditions of `narrowing`. All names are bound. Nothing is sorted by the server.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from buster_tasks.sources.quoting import in_back_quotes

SET_UP = "SET TIME ZONE 'UTC'"
FACTS = "SELECT version(), current_catalog(), current_schema(), current_user()"
CATALOGS = "SHOW CATALOGS"

PLACES = """
SELECT catalog_name, CAST(NULL AS STRING) AS schema_name, catalog_owner AS owner, comment, created, last_altered
FROM {place}.information_schema.catalogs WHERE {of_catalogs}
UNION ALL
SELECT catalog_name, schema_name, schema_owner, comment, created, last_altered
FROM {place}.information_schema.schemata WHERE schema_name <> 'information_schema' AND {of_schemas}
"""

RELATIONS = """
SELECT table_catalog, table_schema, table_name, table_type, table_owner, comment, created, last_altered,
    data_source_format, storage_path
FROM {place}.information_schema.tables WHERE table_schema <> 'information_schema' AND {of_tables}
"""

NAMES = """
SELECT table_catalog, table_schema, table_name FROM {place}.information_schema.tables
WHERE table_schema <> 'information_schema' LIMIT 20000
"""

COLUMNS = """
SELECT table_catalog, table_schema, table_name, column_name, ordinal_position, full_data_type, is_nullable,
    column_default, is_identity, identity_generation, generation_expression, comment
FROM {place}.information_schema.columns WHERE table_schema <> 'information_schema' AND {of_tables}
"""

PARTITIONS = """
SELECT table_catalog, table_schema, table_name, column_name, partition_index
FROM {place}.information_schema.columns
WHERE partition_index IS NOT NULL AND table_schema <> 'information_schema' AND {of_tables}
"""

VIEWS = """
SELECT table_catalog, table_schema, table_name, view_definition, is_materialized
FROM {place}.information_schema.views WHERE table_schema <> 'information_schema' AND {of_tables}
"""

KEYS = """
SELECT k.table_catalog, k.table_schema, k.table_name, c.constraint_type, k.constraint_name, k.column_name,
    k.ordinal_position, c.enforced
FROM {place}.information_schema.key_column_usage AS k
JOIN {place}.information_schema.table_constraints AS c ON c.constraint_catalog = k.constraint_catalog
    AND c.constraint_schema = k.constraint_schema AND c.constraint_name = k.constraint_name
    AND c.table_name = k.table_name
WHERE c.constraint_type IN ('PRIMARY KEY', 'UNIQUE') AND {of_keys}
"""

REFERENCES = """
SELECT k.table_catalog, k.table_schema, k.table_name, k.constraint_name, k.column_name, k.ordinal_position,
    u.table_catalog AS target_catalog, u.table_schema AS target_schema, u.table_name AS target_table,
    u.column_name AS target_column, r.update_rule, r.delete_rule
FROM {place}.information_schema.referential_constraints AS r
JOIN {place}.information_schema.key_column_usage AS k ON k.constraint_catalog = r.constraint_catalog
    AND k.constraint_schema = r.constraint_schema AND k.constraint_name = r.constraint_name
LEFT JOIN {place}.information_schema.key_column_usage AS u ON u.constraint_catalog = r.unique_constraint_catalog
    AND u.constraint_schema = r.unique_constraint_schema AND u.constraint_name = r.unique_constraint_name
    AND u.ordinal_position = k.position_in_unique_constraint
WHERE {of_keys}
"""

DETAIL = "DESCRIBE DETAIL {table}"

SCHEMAS_OF = "SHOW SCHEMAS IN {catalog}"
TABLES_OF = "SHOW TABLE EXTENDED IN {schema} LIKE '*'"

Place = tuple[str, str, str]
"""A catalog, a schema and a table."""


def dotted(*parts: str) -> str:
    """The identifiers, quoted, with dots between them."""
    return ".".join(map(in_back_quotes, parts))


class PlaceRow(NamedTuple):
    """A catalog, or a schema of one."""

    catalog: str
    schema: str | None
    owner: str | None = None
    comment: str | None = None
    created: datetime | None = None
    altered: datetime | None = None


class RelationRow(NamedTuple):
    """A table or view of any kind; `rows` and `size` only the old metastore tells."""

    catalog: str
    schema: str
    name: str
    kind: str
    owner: str | None = None
    comment: str | None = None
    created: datetime | None = None
    altered: datetime | None = None
    format: str | None = None
    path: str | None = None
    rows: int | None = None
    size: int | None = None

    @property
    def place(self) -> Place:
        """Where it is."""
        return self.catalog, self.schema, self.name


class ColumnRow(NamedTuple):
    """A column; the positions of one table are in order, from wherever they begin."""

    catalog: str
    schema: str
    table: str
    name: str
    position: int
    type: str
    nullable: str | None = None
    default: str | None = None
    is_identity: str | None = None
    identity: str | None = None
    expression: str | None = None
    comment: str | None = None

    @property
    def place(self) -> Place:
        """Where its table is."""
        return self.catalog, self.schema, self.table


class PartitionRow(NamedTuple):
    """A column that its table is partitioned by."""

    catalog: str
    schema: str
    table: str
    column: str
    position: int

    @property
    def place(self) -> Place:
        """Where its table is."""
        return self.catalog, self.schema, self.table


class ViewRow(NamedTuple):
    """The query of a view; None for one that somebody else owns."""

    catalog: str
    schema: str
    name: str
    text: str | None
    is_materialized: bool | str | None = None

    @property
    def place(self) -> Place:
        """Where it is."""
        return self.catalog, self.schema, self.name


class KeyRow(NamedTuple):
    """A column of a primary or unique key."""

    catalog: str
    schema: str
    table: str
    kind: str
    name: str
    column: str
    position: int
    enforced: str | None = None

    @property
    def place(self) -> Place:
        """Where its table is."""
        return self.catalog, self.schema, self.table


class ReferenceRow(NamedTuple):
    """A column of a foreign key, and the one that it refers to where we may see that."""

    catalog: str
    schema: str
    table: str
    name: str
    column: str
    position: int
    target_catalog: str | None
    target_schema: str | None
    target_table: str | None
    target_column: str | None
    on_update: str | None = None
    on_delete: str | None = None

    @property
    def place(self) -> Place:
        """Where its table is."""
        return self.catalog, self.schema, self.table


class DetailRow(NamedTuple):
    """What DESCRIBE DETAIL tells of one Delta table."""

    place: Place
    size: int | None = None
    files: int | None = None
    clustered_by: list[str] | None = None
