"""Redshift's catalog as views over PostgreSQL's, in `pg_catalog` as there.

What PostgreSQL has not (sort keys, late-binding views, external tables) is put into the table `double_facts`: as JSON
beside the table, or as rows of the views of external tables and materialized views. Needs the server's setting
`allow_system_table_mods=on`; made in template1, all databases that come later have it.
"""

CATALOG = r"""
CREATE TABLE pg_catalog.double_facts (schema_name text, table_name text, kind text, facts jsonb);
GRANT SELECT ON pg_catalog.double_facts TO PUBLIC;

CREATE FUNCTION pg_catalog.double_fact(name, name, text) RETURNS jsonb STABLE LANGUAGE sql AS $$
    SELECT facts FROM pg_catalog.double_facts WHERE schema_name = $1 AND table_name = $2 AND kind = $3
$$;

CREATE FUNCTION pg_catalog.double_rows(name, name) RETURNS bigint STABLE LANGUAGE sql AS $$
    SELECT (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM %I.%I', $1, $2), false, true, '')))[1]
        ::text::bigint
$$;

CREATE OR REPLACE FUNCTION pg_catalog.version() RETURNS text STABLE LANGUAGE sql AS $$
    SELECT 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017, Redshift 1.0.127374'::text
$$;

CREATE VIEW pg_catalog.pg_class_info AS
SELECT c.oid AS reloid, c.relname, c.relnamespace, timestamp '2024-02-29 12:00:00' AS relcreationtime,
    coalesce((pg_catalog.double_fact(n.nspname, c.relname, 'table') ->> 'effective')::int, 11) AS releffectivediststyle
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace;

CREATE VIEW pg_catalog.svv_redshift_tables AS
SELECT current_database()::varchar AS database_name, n.nspname::varchar AS schema_name,
    c.relname::varchar AS table_name,
    CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END::varchar AS table_type, NULL::varchar AS table_acl,
    coalesce(obj_description(c.oid, 'pg_class'), '')::varchar AS remarks
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v') AND n.nspname NOT LIKE 'pg\_%' AND has_any_column_privilege(c.oid, 'SELECT')
UNION ALL
SELECT current_database(), schema_name, table_name, facts ->> 'type', NULL, coalesce(facts ->> 'comment', '')
FROM pg_catalog.double_facts WHERE kind = 'shared';

CREATE VIEW pg_catalog.svv_redshift_columns AS
SELECT current_database()::varchar AS database_name, n.nspname::varchar AS schema_name,
    c.relname::varchar AS table_name,
    a.attname::varchar AS column_name, a.attnum::int AS ordinal_position,
    format_type(a.atttypid, a.atttypmod)::varchar AS data_type,
    coalesce(f.facts -> 'defaults' ->> a.attname, pg_get_expr(d.adbin, d.adrelid))::varchar AS column_default,
    CASE WHEN a.attnotnull THEN 'NO' ELSE 'YES' END::varchar AS is_nullable,
    coalesce(f.facts -> 'encodings' ->> a.attname, 'none')::varchar AS encoding,
    coalesce(f.facts ->> 'distkey' = a.attname, false) AS distkey,
    coalesce((f.facts -> 'sortkeys' ->> a.attname)::int, 0) AS sortkey, NULL::varchar AS column_acl,
    coalesce(col_description(c.oid, a.attnum), '')::varchar AS remarks
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_catalog.double_facts AS f
    ON f.schema_name = n.nspname AND f.table_name = c.relname AND f.kind = 'table'
WHERE c.relkind IN ('r', 'v') AND n.nspname NOT LIKE 'pg\_%' AND has_schema_privilege(n.oid, 'USAGE')
    AND has_column_privilege(c.oid, a.attnum, 'SELECT')
UNION ALL
SELECT current_database(), schema_name, table_name, k.name, k.at::int, k.kind, NULL, '', '', false, 0, NULL, ''
FROM pg_catalog.double_facts, jsonb_each_text(facts -> 'columns') WITH ORDINALITY AS k (name, kind, at)
WHERE double_facts.kind = 'shared';

CREATE VIEW pg_catalog.svv_all_tables AS
SELECT database_name, schema_name, table_name, table_acl, table_type, remarks FROM pg_catalog.svv_redshift_tables;
CREATE VIEW pg_catalog.svv_all_columns AS
SELECT database_name, schema_name, table_name, column_name, ordinal_position, column_default, is_nullable, data_type,
    remarks FROM pg_catalog.svv_redshift_columns;

CREATE VIEW pg_catalog.svv_table_info AS
SELECT t.*, t.tbl_rows AS estimated_visible_rows FROM (
    SELECT current_database()::text AS database, n.nspname::text AS schema, c.oid AS table_id, c.relname::text AS table,
        'Y'::text AS encoded, coalesce(f.facts ->> 'diststyle', 'AUTO(ALL)') AS diststyle,
        coalesce(f.facts ->> 'sortkey1', 'AUTO(SORTKEY)') AS sortkey1,
        coalesce((f.facts ->> 'size')::bigint, 6) AS size,
        (f.facts ->> 'unsorted')::numeric(5,2) AS unsorted, 0.00::numeric(5,2) AS stats_off,
        CASE WHEN has_table_privilege(c.oid, 'SELECT') THEN pg_catalog.double_rows(n.nspname, c.relname) END
            ::numeric(38,0) AS tbl_rows
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    LEFT JOIN pg_catalog.double_facts AS f
        ON f.schema_name = n.nspname AND f.table_name = c.relname AND f.kind = 'table'
    WHERE c.relkind = 'r' AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
        AND has_schema_privilege(n.oid, 'USAGE')
) AS t WHERE t.tbl_rows > 0;

CREATE VIEW pg_catalog.svv_external_tables AS
SELECT current_database()::text AS redshift_database_name, schema_name AS schemaname, table_name AS tablename,
    coalesce(facts ->> 'type', 'TABLE') AS tabletype, facts ->> 'location' AS location,
    facts ->> 'input' AS input_format, facts ->> 'parameters' AS parameters
FROM pg_catalog.double_facts WHERE kind = 'external';
CREATE VIEW pg_catalog.svv_external_columns AS
SELECT current_database()::text AS redshift_database_name, schema_name AS schemaname, table_name AS tablename,
    k.item ->> 0 AS columnname, k.item ->> 1 AS external_type, k.at::int AS columnnum,
    coalesce((k.item ->> 2)::int, 0) AS part_key, 'true'::text AS is_nullable
FROM pg_catalog.double_facts, jsonb_array_elements(facts -> 'columns') WITH ORDINALITY AS k (item, at)
WHERE kind = 'external';

CREATE VIEW pg_catalog.svv_mv_info AS
SELECT current_database()::char(128) AS database_name, schema_name::char(128) AS schema_name,
    table_name::char(128) AS name, (facts ->> 'stale')::char(1) AS is_stale, 1 AS state, 'f'::char(1) AS autorewrite,
    't'::char(1) AS autorefresh
FROM pg_catalog.double_facts WHERE kind = 'materialized';

CREATE FUNCTION pg_catalog.pg_get_late_binding_view_cols() RETURNS SETOF record STABLE LANGUAGE sql AS $$
    SELECT schema_name::name, table_name::name, (k.item ->> 0)::name, (k.item ->> 1)::varchar, k.at::int
    FROM (SELECT schema_name, table_name, facts FROM pg_catalog.double_facts WHERE kind = 'late') AS f,
        jsonb_array_elements(facts -> 'columns') WITH ORDINALITY AS k (item, at)
$$;

GRANT SELECT ON pg_catalog.pg_class_info, pg_catalog.svv_redshift_tables, pg_catalog.svv_redshift_columns,
    pg_catalog.svv_all_tables, pg_catalog.svv_all_columns, pg_catalog.svv_external_tables,
    pg_catalog.svv_external_columns, pg_catalog.svv_mv_info TO PUBLIC;
"""
