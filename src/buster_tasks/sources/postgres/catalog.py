"""What is asked of PostgreSQL's catalog: five statements however many tables there are, and a sixth for a warning.

All are run with an empty search path: what they call is PostgreSQL's own, and names in the texts of views and defaults
come with their schema.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from buster_tasks.sources.nested_fields import DEEPEST
from buster_tasks.sources.postgres.patterns import condition, parameters
from buster_tasks.sources.schema import Filters

if TYPE_CHECKING:
    from buster_tasks.sources.postgres.session import Reader

SCHEMAS = """
SELECT d.datname, pg_get_userbyid(d.datdba), shobj_description(d.oid, 'pg_database'),
    pg_encoding_to_char(d.encoding), d.datcollate,
    n.oid, n.nspname, pg_get_userbyid(n.nspowner), m.description, has_schema_privilege(n.oid, 'USAGE')
FROM pg_database AS d
LEFT JOIN pg_namespace AS n ON n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
LEFT JOIN pg_description AS m ON m.classoid = 'pg_namespace'::regclass AND m.objoid = n.oid
WHERE d.datname = current_database()
ORDER BY n.nspname
"""

RELATIONS = """
WITH RECURSIVE
locked AS MATERIALIZED (
    SELECT l.relation FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database
    WHERE d.datname = current_database() AND l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock'
),
kept AS MATERIALIZED (
    SELECT c.*, n.nspname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.oid = ANY (%(schemas)s::oid[]) AND c.relkind IN ('r', 'p', 'v', 'm', 'f'){kept}
),
below (root, oid) AS (
    SELECT k.oid, i.inhrelid FROM kept AS k JOIN pg_inherits AS i ON i.inhparent = k.oid WHERE k.relkind = 'p'
    UNION ALL
    SELECT b.root, i.inhrelid FROM below AS b JOIN pg_inherits AS i ON i.inhparent = b.oid
),
wanted AS (SELECT oid FROM kept UNION SELECT oid FROM below),
of_indexes AS (
    SELECT i.indrelid, sum(x.relpages) AS pages
    FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid GROUP BY i.indrelid
),
sizes AS (
    SELECT c.oid, c.relkind, c.reltuples, c.relpages + coalesce(i.pages, 0)
        + coalesce(t.relpages, 0) + coalesce(ti.pages, 0) AS pages
    FROM wanted AS w JOIN pg_class AS c ON c.oid = w.oid
    LEFT JOIN of_indexes AS i ON i.indrelid = c.oid
    LEFT JOIN pg_class AS t ON t.oid = c.reltoastrelid
    LEFT JOIN of_indexes AS ti ON ti.indrelid = t.oid
),
sums AS (
    SELECT b.root AS oid, min(s.reltuples) AS least, sum(s.reltuples::float8) AS reltuples, sum(s.pages) AS pages
    FROM below AS b JOIN sizes AS s ON s.oid = b.oid WHERE s.relkind <> 'p' GROUP BY b.root
)
SELECT k.oid, k.nspname, k.relname, k.relkind::text, k.relpersistence::text, pg_get_userbyid(k.relowner), m.description,
    CASE WHEN k.relkind <> 'p' THEN s.reltuples WHEN u.least >= 0 THEN u.reltuples ELSE -1 END::float8,
    CASE WHEN k.relkind <> 'p' THEN s.pages ELSE u.pages END::float8 * current_setting('block_size')::int,
    p.inhparent, pg_get_expr(k.relpartbound, k.oid), pg_get_partkeydef(k.oid),
    CASE WHEN k.relkind = 'p' THEN ARRAY(
        SELECT a.attname::text FROM pg_partitioned_table AS pt, unnest(pt.partattrs) WITH ORDINALITY AS x (number, at)
        JOIN pg_attribute AS a ON a.attrelid = k.oid AND a.attnum = x.number
        WHERE pt.partrelid = k.oid ORDER BY x.at) END,
    (SELECT f.srvname FROM pg_foreign_table AS ft JOIN pg_foreign_server AS f ON f.oid = ft.ftserver
        WHERE ft.ftrelid = k.oid AND k.relkind = 'f'),
    has_any_column_privilege(k.oid, 'SELECT'),
    k.oid IN (SELECT relation FROM locked),
    CASE WHEN k.relkind IN ('v', 'm') AND k.oid NOT IN (SELECT relation FROM locked)
        THEN pg_get_viewdef(k.oid, true) END,
    k.relrowsecurity AND row_security_active(k.oid)
FROM kept AS k
JOIN sizes AS s ON s.oid = k.oid
LEFT JOIN sums AS u ON u.oid = k.oid
LEFT JOIN pg_inherits AS p ON p.inhrelid = k.oid AND k.relispartition
LEFT JOIN pg_description AS m ON m.classoid = 'pg_class'::regclass AND m.objoid = k.oid AND m.objsubid = 0
ORDER BY k.nspname, k.relname
"""

CONSTRAINTS = """
SELECT c.conrelid, c.conname, c.contype::text, c.conkey, nullif(c.confrelid, 0), c.confkey, tn.nspname, t.relname,
    CASE WHEN c.contype = 'f' AND kt.oid IS NULL THEN ARRAY(
        SELECT a.attname::text FROM unnest(c.confkey) WITH ORDINALITY AS x (number, at)
        JOIN pg_attribute AS a ON a.attrelid = c.confrelid AND a.attnum = x.number ORDER BY x.at) END,
    c.confupdtype::text, c.confdeltype::text, c.condeferrable, c.convalidated,
    CASE WHEN c.contype = 'c' THEN pg_get_expr(c.conbin, c.conrelid) END
FROM unnest(%(oids)s::oid[]) WITH ORDINALITY AS k (oid, at)
JOIN pg_constraint AS c ON c.conrelid = k.oid
LEFT JOIN pg_constraint AS cp ON cp.oid = c.conparentid
LEFT JOIN unnest(%(oids)s::oid[]) AS kt (oid) ON kt.oid = c.confrelid
LEFT JOIN pg_class AS t ON t.oid = c.confrelid AND c.contype = 'f'
LEFT JOIN pg_namespace AS tn ON tn.oid = t.relnamespace
WHERE c.contype IN ('p', 'u', 'f', 'c')
    AND cp.conrelid IS DISTINCT FROM c.conrelid -- else it is one to a single partition of what its parent refers to
ORDER BY k.at, c.conname
"""

INDEXES = """
SELECT i.indrelid, x.relname, m.amname, i.indisunique, i.indisprimary, i.indisvalid, i.indkey::text, i.indoption::text,
    i.indnkeyatts, pg_get_expr(i.indpred, i.indrelid, true),
    CASE WHEN i.indexprs IS NOT NULL THEN ARRAY(
        SELECT pg_get_indexdef(i.indexrelid, at, true) FROM generate_series(1, i.indnkeyatts) AS at ORDER BY at) END
FROM unnest(%(oids)s::oid[]) WITH ORDINALITY AS k (oid, at)
JOIN pg_index AS i ON i.indrelid = k.oid
JOIN pg_class AS x ON x.oid = i.indexrelid
JOIN pg_am AS m ON m.oid = x.relam
ORDER BY k.at, x.relname
"""

# `below` goes down through composite types, arrays and domains, once for each type: for each column it takes seconds
COLUMNS = """
WITH RECURSIVE
wanted AS (
    SELECT DISTINCT a.atttypid AS type, a.atttypmod AS modifier FROM unnest(%(oids)s::oid[]) AS k (oid)
    JOIN pg_attribute AS a ON a.attrelid = k.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type AS t ON t.oid = a.atttypid AND t.typcategory IN ('A', 'C')
),
below (root, root_modifier, at, name, type, modifier, comment) AS (
    SELECT type, modifier, ARRAY[]::int[], NULL::name, type, modifier, NULL::text FROM wanted
    UNION ALL
    SELECT w.root, w.root_modifier, w.at || c.at, c.name, c.type, c.modifier, c.comment
    FROM below AS w JOIN pg_type AS d ON d.oid = w.type
    JOIN pg_type AS o ON o.oid = coalesce(nullif(d.typbasetype, 0), d.oid)
    CROSS JOIN LATERAL (
        SELECT f.attnum::int, f.attname, f.atttypid, f.atttypmod, col_description(f.attrelid, f.attnum)
        FROM pg_attribute AS f WHERE f.attrelid = o.typrelid AND f.attnum > 0 AND NOT f.attisdropped
        UNION ALL
        SELECT 1, 'element', o.typelem, CASE WHEN d.typtype = 'd' THEN d.typtypmod ELSE w.modifier END, NULL
        WHERE o.typcategory = 'A' AND o.typelem <> 0
    ) AS c (at, name, type, modifier, comment)
    WHERE cardinality(w.at) < %(deepest)s
),
parts AS MATERIALIZED (
    SELECT w.root, w.root_modifier, array_agg(ARRAY[array_to_string(w.at, '.'), w.name::text,
        format_type(w.type, w.modifier), coalesce(o.typname, d.typname)::text, d.typcategory::text, w.comment]
        ORDER BY w.at) AS parts
    FROM below AS w JOIN pg_type AS d ON d.oid = w.type LEFT JOIN pg_type AS o ON o.oid = d.typbasetype
    WHERE w.at <> ARRAY[]::int[] GROUP BY w.root, w.root_modifier
)
SELECT a.attrelid, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), t.typname, t.typtype::text,
    t.typcategory::text, b.typname, CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END,
    a.attnotnull OR t.typnotnull, a.attidentity::text, a.attgenerated::text,
    CASE WHEN a.atthasdef THEN pg_get_expr(d.adbin, d.adrelid) END, m.description,
    CASE WHEN t.typtype = 'e' THEN ARRAY(
        SELECT e.enumlabel::text FROM pg_enum AS e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder) END,
    p.parts,
    {statistics}
FROM unnest(%(oids)s::oid[]) WITH ORDINALITY AS k (oid, at)
JOIN pg_attribute AS a ON a.attrelid = k.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_type AS b ON b.oid = t.typbasetype
LEFT JOIN parts AS p ON p.root = a.atttypid AND p.root_modifier = a.atttypmod
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_description AS m ON m.classoid = 'pg_class'::regclass AND m.objoid = a.attrelid AND m.objsubid = a.attnum
{joined}
"""

_STATISTICS = """
JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_stats AS s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname
    AND s.inherited = (c.relkind = 'p')
"""

NAMES = """
SELECT n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.oid = ANY (%(schemas)s::oid[]) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
ORDER BY n.nspname, c.relname LIMIT %(limit)s
"""

MOST_NAMES = 20_000


class DatabaseRow(NamedTuple):
    """The database that we are connected to."""

    name: str
    owner: str
    comment: str | None
    encoding: str
    collation: str


class SchemaRow(NamedTuple):
    """A schema; `is_usable` says whether the user may use what is in it."""

    oid: int
    name: str
    owner: str
    comment: str | None
    is_usable: bool


class RelationRow(NamedTuple):
    """A table or view of any kind.

    `kind`: r table, p partitioned, v view, m materialized view, f foreign. `rows` is -1 when nobody ever counted.
    `has_policy` says whether a policy decides which rows the user sees.
    """

    oid: int
    schema: str
    name: str
    kind: str
    persistence: str
    owner: str
    comment: str | None
    rows: float
    size: float | None
    parent: int | None
    bound: str | None
    partitioning: str | None
    partition_keys: list[str] | None
    server: str | None
    is_readable: bool
    is_locked: bool
    definition: str | None
    has_policy: bool


class ConstraintRow(NamedTuple):
    """A constraint; `kind`: p primary, u unique, f foreign, c check.

    `key` and `target_key` have the numbers of columns; `target_columns` the names, where the target is not kept.
    """

    relation: int
    name: str
    kind: str
    key: list[int] | None
    target_oid: int | None
    target_key: list[int] | None
    target_schema: str | None
    target: str | None
    target_columns: list[str] | None
    on_update: str
    on_delete: str
    is_deferrable: bool
    is_validated: bool
    check: str | None


class IndexRow(NamedTuple):
    """An index; `key` and `options` are PostgreSQL's vectors, `parts` the texts where one is an expression."""

    relation: int
    name: str
    method: str
    is_unique: bool
    is_primary: bool
    is_valid: bool
    key: str
    options: str
    key_parts: int
    predicate: str | None
    parts: list[str] | None


class ColumnRow(NamedTuple):
    """A column; `distinct` is the catalog's number, negative for a share of the rows.

    `parts` are those of its type, outer ones first: place (`2.1`), name, type, name and category of the type, comment.
    """

    relation: int
    number: int
    name: str
    data_type: str
    type_name: str
    type_kind: str
    type_category: str
    base_type: str | None
    modifier: int
    is_not_null: bool
    identity: str
    generated: str
    default: str | None
    comment: str | None
    labels: list[str] | None
    parts: list[list[str | None]] | None
    distinct: float | None
    null_share: float | None


def read_schemas(reader: Reader) -> tuple[DatabaseRow, list[SchemaRow]]:
    """The database and all its schemas but PostgreSQL's own."""
    rows = list(reader.rows(SCHEMAS, {}))
    schemas = [SchemaRow(*row[5:]) for row in rows if row[5] is not None]
    return DatabaseRow(*rows[0][:5]), schemas


def read_relations(
    reader: Reader, schemas: Sequence[SchemaRow], filters: Filters
) -> list[RelationRow]:
    """What the filters keep of these schemas, by schema and name."""
    name, database = "c.relname::text", "current_database()::text"
    spellings = (
        name,
        f"n.nspname || '.' || {name}",
        f"{database} || '.' || n.nspname || '.' || {name}",
    )
    kept, bound = "", dict[str, object](schemas=[schema.oid for schema in schemas])
    if filters.tables is not None:
        kept += f" AND {condition('tables', spellings)}"
        bound |= parameters("tables", filters.tables)
    if filters.exclude_tables is not None:
        kept += f" AND NOT {condition('excluded', spellings)}"
        bound |= parameters("excluded", filters.exclude_tables)
    statement = RELATIONS.replace("{kept}", kept)
    return [RelationRow(*row) for row in reader.rows(statement, bound)]


def read_constraints(reader: Reader, oids: Sequence[int]) -> list[ConstraintRow]:
    """Keys and checks of these relations."""
    return [ConstraintRow(*row) for row in reader.rows(CONSTRAINTS, {"oids": list(oids)})]


def read_indexes(reader: Reader, oids: Sequence[int]) -> list[IndexRow]:
    """Indexes of these relations."""
    return [IndexRow(*row) for row in reader.rows(INDEXES, {"oids": list(oids)})]


def read_columns(
    reader: Reader, oids: Sequence[int], *, with_statistics: bool
) -> Iterator[ColumnRow]:
    """Columns of these relations, as they come and in no order: they are by far the most."""
    statement = COLUMNS.format(
        statistics="s.n_distinct, s.null_frac" if with_statistics else "NULL, NULL",
        joined=_STATISTICS if with_statistics else "",
    )
    bound: dict[str, object] = {"oids": list(oids), "deepest": DEEPEST}
    return map(ColumnRow._make, reader.rows(statement, bound))


def read_names(reader: Reader, schemas: Sequence[SchemaRow]) -> list[tuple[str, str]]:
    """Schema and name of all relations there, filtered or not; not more than MOST_NAMES and one."""
    bound = {"schemas": [schema.oid for schema in schemas], "limit": MOST_NAMES + 1}
    return [(str(schema), str(name)) for schema, name in reader.rows(NAMES, bound)]
