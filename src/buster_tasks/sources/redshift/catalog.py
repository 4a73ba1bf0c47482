"""What is asked of Redshift's catalog: six statements however many tables there are, and up to three for what is rare.

The leader node alone answers what is asked of `pg_*` tables and of functions such as `has_table_privilege`; that
cannot be joined with `svv_*` views, so each statement keeps to one side. The leader node is PostgreSQL 8.0: no array
functions, no LATERAL, no string_agg; these are plain joins.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from buster_tasks.sources.redshift.narrowing import Narrowing

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from buster_tasks.sources.redshift.session import Reader

# The numbers of pg_database, pg_namespace and pg_class in pg_description are the same everywhere.
SCHEMAS = """
SELECT d.datname, o.usename, m.description, n.oid, n.nspname, u.usename, c.description,
    has_schema_privilege(n.oid, 'USAGE')
FROM pg_database AS d
LEFT JOIN pg_user AS o ON o.usesysid = d.datdba
LEFT JOIN pg_description AS m ON m.objoid = d.oid AND m.classoid = 1262 AND m.objsubid = 0
LEFT JOIN pg_namespace AS n ON n.nspname NOT LIKE 'pg|_%' ESCAPE '|'
    AND n.nspname NOT IN ('information_schema', 'catalog_history')
LEFT JOIN pg_user AS u ON u.usesysid = n.nspowner
LEFT JOIN pg_description AS c ON c.objoid = n.oid AND c.classoid = 2615 AND c.objsubid = 0
WHERE d.datname = current_database()
ORDER BY n.nspname
"""

RELATIONS = """
SELECT c.oid, n.nspname, c.relname, c.relkind, u.usename, m.description, c.reltuples, c.relnatts,
    has_table_privilege(c.oid, 'SELECT'), CASE WHEN c.relkind = 'v' THEN pg_get_viewdef(c.oid, TRUE) END,
    i.relcreationtime, i.releffectivediststyle
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_user AS u ON u.usesysid = c.relowner
LEFT JOIN pg_class_info AS i ON i.reloid = c.oid
LEFT JOIN pg_description AS m ON m.objoid = c.oid AND m.classoid = 1259 AND m.objsubid = 0
WHERE c.relkind IN ('r', 'v') AND {kept}
ORDER BY n.nspname, c.relname
"""

COLUMNS = """
SELECT schema_name, table_name, column_name, ordinal_position, data_type, column_default, is_nullable, encoding,
    distkey, sortkey, remarks
FROM svv_redshift_columns
WHERE database_name = %s AND {kept}
ORDER BY schema_name, table_name, ordinal_position
"""

KEYS = """
SELECT k.oid, k.conrelid, k.conname, k.contype, k.conkey, k.confkey, tn.nspname, t.relname, 'own',
    a.attnum, a.attname
FROM pg_constraint AS k
JOIN pg_class AS c ON c.oid = k.conrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = k.conrelid
LEFT JOIN pg_class AS t ON t.oid = k.confrelid
LEFT JOIN pg_namespace AS tn ON tn.oid = t.relnamespace
WHERE k.contype IN ('p', 'u', 'f') AND a.attnum = ANY (k.conkey) AND {kept}
UNION ALL
SELECT k.oid, k.conrelid, k.conname, k.contype, k.conkey, k.confkey, tn.nspname, t.relname, 'target',
    a.attnum, a.attname
FROM pg_constraint AS k
JOIN pg_class AS c ON c.oid = k.conrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = k.confrelid
JOIN pg_class AS t ON t.oid = k.confrelid
JOIN pg_namespace AS tn ON tn.oid = t.relnamespace
WHERE k.contype = 'f' AND a.attnum = ANY (k.confkey) AND {kept}
"""

TABLE_INFO = """
SELECT "schema", "table", "size", tbl_rows, estimated_visible_rows, diststyle, sortkey1, unsorted, stats_off, encoded
FROM svv_table_info
WHERE {kept}
"""

EXTERNAL = """
SELECT t.schemaname, t.tablename, t.tabletype, t.location, t.input_format, t.parameters,
    c.columnname, c.external_type, c.columnnum, c.part_key, c.is_nullable
FROM svv_external_tables AS t
LEFT JOIN svv_external_columns AS c ON c.schemaname = t.schemaname AND c.tablename = t.tablename
WHERE {kept}
"""

LATE_BINDING = """
SELECT table_schema, table_name, column_name, column_type, column_index
FROM pg_get_late_binding_view_cols() AS cols (
    table_schema name, table_name name, column_name name, column_type varchar, column_index int
)
"""

MATERIALIZED = """
SELECT schema_name, name, is_stale, state, autorewrite, autorefresh
FROM svv_mv_info
WHERE database_name = %s AND {kept}
"""

SHARED = """
SELECT schema_name, table_name, table_type, remarks
FROM svv_redshift_tables
WHERE database_name = %s AND {kept}
"""

STATISTICS = """
SELECT schemaname, tablename, attname, null_frac, n_distinct
FROM pg_stats
WHERE {kept}
"""

NAMES = """
SELECT n.nspname, c.relname
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v') AND {kept}
ORDER BY n.nspname, c.relname LIMIT 20000
"""


class DatabaseRow(NamedTuple):
    """The database that we are connected to."""

    name: str
    owner: str | None
    comment: str | None


class SchemaRow(NamedTuple):
    """A schema; `is_usable` says whether the user may use what is in it."""

    oid: int
    name: str
    owner: str | None
    comment: str | None
    is_usable: bool


class RelationRow(NamedTuple):
    """A table (`kind` r) or a view (v, a materialized one too); a late-binding view has no attributes."""

    oid: int
    schema: str
    name: str
    kind: str
    owner: str | None
    comment: str | None
    rows: float
    attributes: int
    is_readable: bool
    definition: str | None
    created: datetime | None
    dist_style: int | None


class ColumnRow(NamedTuple):
    """A column that the user may see."""

    schema: str
    table: str
    name: str
    position: int
    data_type: str
    default: str | None
    is_nullable: str | None
    encoding: str | None
    is_dist_key: bool | None
    sort_key: int | None
    comment: str | None


class KeyRow(NamedTuple):
    """One column of a key, or (`side` target) of what a foreign key refers to."""

    oid: int
    relation: int
    name: str
    kind: str
    key: list[int] | None
    target_key: list[int] | None
    target_schema: str | None
    target: str | None
    side: str
    number: int
    column: str


class InfoRow(NamedTuple):
    """What svv_table_info has of a table that is not empty; `size` in MiB."""

    schema: str
    table: str
    size: int | None
    rows: Decimal | None
    visible_rows: Decimal | None
    dist_style: str | None
    sort_key: str | None
    unsorted: Decimal | None
    stats_off: Decimal | None
    encoded: str | None


class ExternalRow(NamedTuple):
    """A column of an external table; without one where the table shows none."""

    schema: str
    table: str
    kind: str | None
    location: str | None
    input_format: str | None
    parameters: str | None
    column: str | None
    data_type: str | None
    position: int | None
    part_key: int | None
    is_nullable: str | None


class LateRow(NamedTuple):
    """A column of a late-binding view, as far as what it reads is there."""

    schema: str
    view: str
    column: str
    data_type: str
    position: int


class MaterializedRow(NamedTuple):
    """A materialized view."""

    schema: str
    name: str
    is_stale: str | None
    state: int | None
    auto_rewrite: str | None
    auto_refresh: str | None


class SharedRow(NamedTuple):
    """A table or view that this catalog does not hold itself, as in the database of a datashare."""

    schema: str
    name: str
    kind: str
    comment: str | None


class StatisticsRow(NamedTuple):
    """What ANALYZE found out of a column; `distinct` is negative for a share of the rows."""

    schema: str
    table: str
    column: str
    null_share: float | None
    distinct: float | None


def read_schemas(reader: Reader) -> tuple[DatabaseRow, list[SchemaRow]]:
    """The database and all its schemas but Redshift's own."""
    rows = reader.rows(SCHEMAS)
    schemas = [SchemaRow(*row[3:]) for row in rows if row[3] is not None]
    return DatabaseRow(*rows[0][:3]), schemas


def read_relations(reader: Reader, kept: Narrowing) -> list[RelationRow]:
    """Tables and views, readable or not, by schema and name."""
    condition, bound = kept.on("n.nspname", "c.relname")
    rows = reader.rows(RELATIONS.replace("{kept}", condition), bound)
    return [RelationRow(*row) for row in rows]


def read_columns(reader: Reader, kept: Narrowing) -> list[ColumnRow]:
    """The columns of all of them that the user may see."""
    condition, bound = kept.on("schema_name", "table_name")
    rows = reader.rows(COLUMNS.replace("{kept}", condition), [kept.database, *bound])
    return [ColumnRow(*row) for row in rows]


def read_keys(reader: Reader, kept: Narrowing) -> list[KeyRow]:
    """Primary, unique and foreign keys, a row for each column."""
    condition, bound = kept.on("n.nspname", "c.relname")
    rows = reader.rows(KEYS.replace("{kept}", condition), [*bound, *bound])
    return [KeyRow(*row) for row in rows]


def read_table_info(reader: Reader, kept: Narrowing) -> list[InfoRow]:
    """Rows, sizes and sort keys; superusers alone may, unless it is granted. Raises SourceError."""
    condition, bound = kept.on('"schema"', None)
    rows = reader.optional(TABLE_INFO.replace("{kept}", condition), bound)
    return [InfoRow(*row) for row in rows]


def read_external(reader: Reader, kept: Narrowing) -> list[ExternalRow]:
    """External tables with their columns. Raises SourceError."""
    condition, bound = kept.on("t.schemaname", "t.tablename")
    rows = reader.optional(EXTERNAL.replace("{kept}", condition), bound)
    return [ExternalRow(*row) for row in rows]


def read_late_binding(reader: Reader) -> list[LateRow]:
    """Columns of all late-binding views. Raises SourceError, also where one of them is broken."""
    return [LateRow(*row) for row in reader.optional(LATE_BINDING)]


def read_materialized(reader: Reader, kept: Narrowing) -> list[MaterializedRow]:
    """Materialized views; their names come padded with blanks. Raises SourceError."""
    condition, bound = kept.on("schema_name", None)
    rows = reader.optional(MATERIALIZED.replace("{kept}", condition), [kept.database, *bound])
    return [MaterializedRow(*map(_stripped, row)) for row in rows]


def read_shared(reader: Reader, kept: Narrowing) -> list[SharedRow]:
    """All tables and views that the user may see, those of a datashare too. Raises SourceError."""
    condition, bound = kept.on("schema_name", "table_name")
    rows = reader.optional(SHARED.replace("{kept}", condition), [kept.database, *bound])
    return [SharedRow(*row) for row in rows]


def read_statistics(reader: Reader, kept: Narrowing) -> list[StatisticsRow]:
    """What ANALYZE found out of columns. Raises SourceError."""
    condition, bound = kept.on("schemaname", "tablename")
    rows = reader.optional(STATISTICS.replace("{kept}", condition), bound)
    return [StatisticsRow(*row) for row in rows]


def read_names(reader: Reader, kept: Narrowing) -> Sequence[tuple[str, str]]:
    """Schema and name of all relations there, filtered or not."""
    condition, bound = kept.on("n.nspname", None)
    rows = reader.rows(NAMES.replace("{kept}", condition), bound)
    return [(str(schema), str(name)) for schema, name in rows]


def _stripped(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value
