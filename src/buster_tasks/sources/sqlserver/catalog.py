"""What is asked of the `sys` views: at most eight statements for a database however many tables it has.

Plain joins over documented columns of SQL Server 2016 and later. `{db}` is the database in brackets, `{of_schemas}` and
`{of_tables}` are conditions of `narrowing`. Nothing is sorted by the server.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

DATABASES = """
SELECT d.name AS name, d.create_date AS created, d.collation_name AS collation_name,
    d.compatibility_level AS compatibility, SUSER_SNAME(d.owner_sid) AS owner_name, HAS_DBACCESS(d.name) AS may_enter,
    HAS_PERMS_BY_NAME(QUOTENAME(d.name), 'DATABASE', 'SELECT') AS may_select,
    HAS_PERMS_BY_NAME(QUOTENAME(d.name), 'DATABASE', 'VIEW DEFINITION') AS may_view
FROM sys.databases AS d
WHERE d.state = 0 AND (d.database_id > 4 OR d.name = DB_NAME())
"""

RELATIONS = """
SELECT N'SCHEMA' AS kind, s.name AS in_schema, N'' AS name, s.schema_id AS number, p.name AS owner_name,
    CAST(e.value AS nvarchar(4000)) AS comment_text, NULL AS created, NULL AS modified, NULL AS is_external,
    NULL AS temporal, NULL AS in_memory
FROM {db}.sys.schemas AS s
LEFT JOIN {db}.sys.database_principals AS p ON p.principal_id = s.principal_id
LEFT JOIN {db}.sys.extended_properties AS e
    ON e.class = 3 AND e.major_id = s.schema_id AND e.minor_id = 0 AND e.name = N'MS_Description'
WHERE s.schema_id < 16384 AND s.schema_id NOT IN (3, 4) AND {of_schemas}
UNION ALL
SELECT RTRIM(o.type), s.name, o.name, o.object_id, p.name, CAST(e.value AS nvarchar(4000)), o.create_date,
    o.modify_date, t.is_external, t.temporal_type_desc, t.is_memory_optimized
FROM {db}.sys.objects AS o
JOIN {db}.sys.schemas AS s ON s.schema_id = o.schema_id
LEFT JOIN {db}.sys.tables AS t ON t.object_id = o.object_id
LEFT JOIN {db}.sys.database_principals AS p ON p.principal_id = COALESCE(o.principal_id, s.principal_id)
LEFT JOIN {db}.sys.extended_properties AS e
    ON e.class = 1 AND e.major_id = o.object_id AND e.minor_id = 0 AND e.name = N'MS_Description'
WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0 AND {of_tables}
"""

NAMES = """
SELECT TOP 20000 s.name AS in_schema, o.name AS name
FROM {db}.sys.objects AS o
JOIN {db}.sys.schemas AS s ON s.schema_id = o.schema_id
WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0
"""

COLUMNS = """
SELECT c.object_id AS number, c.column_id AS position, c.name AS name, y.name AS type_name, b.name AS base_type,
    c.max_length AS longest, c.precision AS digits, c.scale AS decimals, c.is_nullable AS is_nullable,
    c.collation_name AS collation_name, d.definition AS default_text, CAST(i.seed_value AS nvarchar(40)) AS seed,
    CAST(i.increment_value AS nvarchar(40)) AS step, x.definition AS expression, x.is_persisted AS is_persisted,
    c.is_hidden AS is_hidden, c.generated_always_type AS generated_always, c.is_masked AS is_masked,
    CAST(e.value AS nvarchar(4000)) AS comment_text
FROM {db}.sys.columns AS c
JOIN {db}.sys.objects AS o ON o.object_id = c.object_id
JOIN {db}.sys.schemas AS s ON s.schema_id = o.schema_id
LEFT JOIN {db}.sys.types AS y ON y.user_type_id = c.user_type_id
LEFT JOIN {db}.sys.types AS b ON b.user_type_id = c.system_type_id
LEFT JOIN {db}.sys.default_constraints AS d ON d.object_id = c.default_object_id
LEFT JOIN {db}.sys.identity_columns AS i ON i.object_id = c.object_id AND i.column_id = c.column_id
LEFT JOIN {db}.sys.computed_columns AS x ON x.object_id = c.object_id AND x.column_id = c.column_id
LEFT JOIN {db}.sys.extended_properties AS e
    ON e.class = 1 AND e.major_id = c.object_id AND e.minor_id = c.column_id AND e.name = N'MS_Description'
WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0 AND {of_tables}
"""

INDEXES = """
SELECT i.object_id AS number, i.index_id AS index_number, i.name AS name, i.type_desc AS kind, i.is_unique AS is_unique,
    i.is_primary_key AS is_primary, i.is_unique_constraint AS is_key, i.is_disabled AS is_disabled,
    i.filter_definition AS predicate, k.index_column_id AS position, k.key_ordinal AS key_position,
    k.partition_ordinal AS partition_position, k.is_descending_key AS is_descending,
    k.is_included_column AS is_included, c.name AS column_name
FROM {db}.sys.indexes AS i
JOIN {db}.sys.objects AS o ON o.object_id = i.object_id
JOIN {db}.sys.schemas AS s ON s.schema_id = o.schema_id
JOIN {db}.sys.index_columns AS k ON k.object_id = i.object_id AND k.index_id = i.index_id
JOIN {db}.sys.columns AS c ON c.object_id = k.object_id AND c.column_id = k.column_id
WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0 AND i.is_hypothetical = 0 AND {of_tables}
"""

REFERENCES = """
SELECT f.parent_object_id AS number, f.name AS name, k.constraint_column_id AS position, c.name AS column_name,
    s2.name AS target_schema, o2.name AS target_table, c2.name AS target_column,
    f.update_referential_action_desc AS on_update, f.delete_referential_action_desc AS on_delete,
    f.is_disabled AS is_disabled, f.is_not_trusted AS is_not_trusted
FROM {db}.sys.foreign_keys AS f
JOIN {db}.sys.objects AS o ON o.object_id = f.parent_object_id
JOIN {db}.sys.schemas AS s ON s.schema_id = o.schema_id
JOIN {db}.sys.foreign_key_columns AS k ON k.constraint_object_id = f.object_id
JOIN {db}.sys.columns AS c ON c.object_id = k.parent_object_id AND c.column_id = k.parent_column_id
LEFT JOIN {db}.sys.objects AS o2 ON o2.object_id = f.referenced_object_id
LEFT JOIN {db}.sys.schemas AS s2 ON s2.schema_id = o2.schema_id
LEFT JOIN {db}.sys.columns AS c2 ON c2.object_id = k.referenced_object_id AND c2.column_id = k.referenced_column_id
WHERE {of_tables}
"""

TEXTS = """
SELECT N'VIEW' AS kind, m.object_id AS number, N'' AS name, m.definition AS definition,
    m.is_schema_bound AS is_bound
FROM {db}.sys.sql_modules AS m
JOIN {db}.sys.objects AS o ON o.object_id = m.object_id
JOIN {db}.sys.schemas AS s ON s.schema_id = o.schema_id
WHERE o.type = 'V' AND o.is_ms_shipped = 0 AND {of_tables}
UNION ALL
SELECT N'CHECK', h.parent_object_id, h.name, h.definition, NULL
FROM {db}.sys.check_constraints AS h
JOIN {db}.sys.objects AS o ON o.object_id = h.parent_object_id
JOIN {db}.sys.schemas AS s ON s.schema_id = o.schema_id
WHERE {of_tables}
"""

SIZES = """
SELECT z.object_id AS number, SUM(CASE WHEN z.index_id IN (0, 1) THEN z.row_count ELSE 0 END) AS row_estimate,
    SUM(z.reserved_page_count) AS pages
FROM {db}.sys.dm_db_partition_stats AS z
JOIN {db}.sys.objects AS o ON o.object_id = z.object_id
JOIN {db}.sys.schemas AS s ON s.schema_id = o.schema_id
WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0 AND {of_tables}
GROUP BY z.object_id
"""

# The same without sizes, which whoever sees a table may ask.
COUNTS = """
SELECT z.object_id AS number, SUM(z.rows) AS row_estimate, NULL AS pages
FROM {db}.sys.partitions AS z
JOIN {db}.sys.objects AS o ON o.object_id = z.object_id
JOIN {db}.sys.schemas AS s ON s.schema_id = o.schema_id
WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0 AND z.index_id IN (0, 1) AND {of_tables}
GROUP BY z.object_id
"""

PARTITIONS = """
SELECT i.object_id AS number, p.name AS scheme, f.name AS function_name, f.type_desc AS kind, f.fanout AS partitions,
    f.boundary_value_on_right AS is_right
FROM {db}.sys.indexes AS i
JOIN {db}.sys.objects AS o ON o.object_id = i.object_id
JOIN {db}.sys.schemas AS s ON s.schema_id = o.schema_id
JOIN {db}.sys.partition_schemes AS p ON p.data_space_id = i.data_space_id
JOIN {db}.sys.partition_functions AS f ON f.function_id = p.function_id
WHERE i.index_id IN (0, 1) AND {of_tables}
"""

# Of the database that we are connected to alone. A histogram has up to 200 steps, each with the values below it.
HISTOGRAMS = """
SELECT t.object_id AS number, c.name AS column_name,
    SUM(h.distinct_range_rows) + SUM(CASE WHEN h.range_high_key IS NULL THEN 0 ELSE 1 END) AS distinct_values,
    SUM(CASE WHEN h.range_high_key IS NULL THEN h.equal_rows ELSE 0 END) AS nulls
FROM {db}.sys.stats AS t
JOIN {db}.sys.objects AS o ON o.object_id = t.object_id
JOIN {db}.sys.schemas AS s ON s.schema_id = o.schema_id
JOIN {db}.sys.stats_columns AS k
    ON k.object_id = t.object_id AND k.stats_id = t.stats_id AND k.stats_column_id = 1
JOIN {db}.sys.columns AS c ON c.object_id = k.object_id AND c.column_id = k.column_id
CROSS APPLY sys.dm_db_stats_histogram(t.object_id, t.stats_id) AS h
WHERE o.type = 'U' AND o.is_ms_shipped = 0 AND t.has_filter = 0 AND {of_tables}
GROUP BY t.object_id, t.stats_id, c.name
"""


class DatabaseRow(NamedTuple):
    """A database, and what we may do in it: None where the server does not tell."""

    name: str
    created: datetime | None
    collation: str | None
    compatibility: int | None
    owner: str | None
    may_enter: int | None
    may_select: int | None
    may_view: int | None


class RelationRow(NamedTuple):
    """A schema (`kind` SCHEMA, `number` its own), a table (U) or a view (V)."""

    kind: str
    schema: str
    name: str
    number: int
    owner: str | None
    comment: str | None
    created: datetime | None
    modified: datetime | None
    is_external: bool | None
    temporal: str | None
    in_memory: bool | None


class ColumnRow(NamedTuple):
    """A column; `base_type` is the server's own type behind an alias, None for one that .NET made."""

    number: int
    position: int
    name: str
    type_name: str | None
    base_type: str | None
    longest: int
    digits: int
    decimals: int
    is_nullable: bool
    collation: str | None
    default: str | None
    seed: str | None
    step: str | None
    expression: str | None
    is_persisted: bool | None
    is_hidden: bool | None
    generated_always: int | None
    is_masked: bool | None
    comment: str | None


class IndexRow(NamedTuple):
    """One column of an index; of a heap (no name) only those that it is partitioned by."""

    number: int
    index_number: int
    name: str | None
    kind: str
    is_unique: bool
    is_primary: bool
    is_key: bool
    is_disabled: bool
    predicate: str | None
    position: int
    key_position: int
    partition_position: int
    is_descending: bool
    is_included: bool
    column: str


class ReferenceRow(NamedTuple):
    """One column of a foreign key; the target is None where we may not see it."""

    number: int
    name: str
    position: int
    column: str
    target_schema: str | None
    target_table: str | None
    target_column: str | None
    on_update: str | None
    on_delete: str | None
    is_disabled: bool
    is_not_trusted: bool


class TextRow(NamedTuple):
    """The statement that made a view, or the condition of a CHECK of a table."""

    kind: str
    number: int
    name: str
    definition: str | None
    is_bound: bool | None


class SizeRow(NamedTuple):
    """Rows of a table or indexed view, and the pages of 8 KB that it holds with its indexes."""

    number: int
    rows: int | None
    pages: int | None


class PartitionRow(NamedTuple):
    """How a table is partitioned."""

    number: int
    scheme: str
    function: str
    kind: str
    partitions: int
    is_right: bool


class HistogramRow(NamedTuple):
    """What the statistics of a column tell."""

    number: int
    column: str
    distinct: float | None
    nulls: float | None
