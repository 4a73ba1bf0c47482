## writes and definitions
INSERT INTO orders VALUES (1)
INSERT INTO orders SELECT * FROM old_orders RETURNING id
UPDATE orders SET total = 0
DELETE FROM orders
TRUNCATE orders
MERGE INTO orders o USING new_orders n ON o.id = n.id WHEN MATCHED THEN DELETE
DROP TABLE orders
CREATE TABLE copy AS SELECT * FROM orders
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'
ALTER TABLE orders ADD COLUMN x int
ALTER SYSTEM SET log_statement = 'all'
GRANT ALL ON orders TO public
COMMENT ON TABLE orders IS 'x'
REFRESH MATERIALIZED VIEW sales
SELECT * INTO copy FROM orders
SELECT id INTO TEMP copy FROM orders
WITH gone AS (DELETE FROM orders RETURNING *) SELECT * FROM gone
WITH n AS (INSERT INTO orders VALUES (1) RETURNING id) SELECT id FROM n
WITH u AS (UPDATE orders SET total = 0 RETURNING id) SELECT count(*) FROM u
WITH m AS (MERGE INTO orders o USING n ON o.id = n.id WHEN MATCHED THEN DELETE RETURNING o.id) SELECT * FROM m
SELECT * FROM (WITH gone AS (DELETE FROM orders RETURNING *) SELECT * FROM gone) x
WITH a AS (SELECT 1) DELETE FROM orders
## files and programs
COPY orders TO '/tmp/orders.csv'
COPY (SELECT 1) TO PROGRAM 'sh'
COPY orders FROM PROGRAM 'cat /etc/passwd'
SELECT pg_read_file('/etc/passwd')
SELECT pg_read_binary_file('/etc/passwd')
SELECT pg_ls_dir('/')
SELECT * FROM pg_ls_logdir()
SELECT pg_stat_file('/etc/passwd')
SELECT lo_import('/etc/passwd')
SELECT lo_export(16384, '/tmp/x')
SELECT lo_create(0)
SELECT lo_from_bytea(0, 'x')
SELECT lo_get(16384)
LOAD '/tmp/evil.so'
## other servers
SELECT * FROM dblink('host=evil', 'SELECT 1') AS t(a int)
SELECT dblink_exec('host=evil', 'DELETE FROM x')
SELECT dblink_connect('host=evil')
SELECT postgres_fdw_get_connections()
## text run as SQL
SELECT query_to_xml('DELETE FROM orders RETURNING 1', true, true, '')
SELECT database_to_xml(true, true, '')
SELECT table_to_xml('orders', true, true, '')
SELECT schema_to_xml('public', true, true, '')
SELECT cursor_to_xml('c', 1, true, true, '')
SELECT * FROM ts_stat('SELECT vector FROM secret')
SELECT ts_rewrite('a & b'::tsquery, 'SELECT t, s FROM aliases')
SELECT * FROM crosstab('DELETE FROM orders RETURNING 1, 2, 3') AS c(a int, b int)
EXECUTE plan
PREPARE p AS DELETE FROM orders
DO $$ BEGIN PERFORM 1; END $$
CALL do_it()
## waits, locks, sessions
SELECT pg_sleep(10)
SELECT pg_sleep_for('5 minutes')
SELECT pg_catalog.pg_sleep(10)
SELECT "pg_sleep"(10)
SELECT PG_SLEEP(10)
SELECT U&"pg\005fsleep"(10)
SELECT * FROM pg_sleep(10)
SELECT 1 FROM orders, LATERAL pg_sleep(1)
SELECT 1 WHERE 1 = (SELECT 1 FROM pg_sleep(3))
SELECT 1 ORDER BY pg_sleep(3)
SELECT CASE WHEN true THEN pg_sleep(3) END
SELECT * FROM orders FOR UPDATE
SELECT * FROM orders FOR NO KEY UPDATE SKIP LOCKED
SELECT * FROM (SELECT * FROM orders FOR SHARE) x
LOCK TABLE orders
SELECT pg_advisory_lock(1)
SELECT pg_try_advisory_xact_lock(1)
SELECT pg_terminate_backend(1)
SELECT pg_cancel_backend(1)
SELECT pg_notify('c', 'x')
SELECT pg_reload_conf()
SELECT pg_rotate_logfile()
SELECT pg_switch_wal()
SELECT pg_create_restore_point('x')
SELECT pg_logical_emit_message(true, 'a', 'b')
SELECT pg_export_snapshot()
SELECT pg_create_logical_replication_slot('s', 'p')
SELECT pg_stat_reset()
SELECT txid_current()
SELECT pg_current_xact_id()
SELECT set_config('statement_timeout', '0', false)
SELECT current_setting('data_directory')
SET statement_timeout = 0
RESET ALL
DISCARD ALL
LISTEN c
NOTIFY c
BEGIN
COMMIT
ROLLBACK; DROP TABLE orders
SET TRANSACTION READ WRITE
DECLARE c CURSOR FOR SELECT 1
VACUUM orders
ANALYZE orders
EXPLAIN ANALYZE DELETE FROM orders
EXPLAIN SELECT 1
SHOW data_directory
SELECT nextval('s')
SELECT setval('s', 1)
SELECT currval('s')
SELECT lastval()
## several statements
SELECT 1; SELECT 2
SELECT 1; DROP TABLE orders
SELECT 1;;DELETE FROM orders
SELECT ';'; COMMIT
/* x */ SELECT 1 /* ; */ ; DELETE FROM orders --
## the system
SELECT * FROM pg_authid
SELECT rolpassword FROM pg_catalog.pg_authid
SELECT * FROM pg_shadow
SELECT * FROM pg_user_mappings
SELECT * FROM pg_user_mapping
SELECT * FROM pg_stat_activity
SELECT * FROM pg_foreign_server
SELECT * FROM pg_hba_file_rules
SELECT * FROM pg_settings
SELECT * FROM pg_stats
SELECT * FROM "pg_authid"
SELECT * FROM information_schema.user_mapping_options
SELECT (SELECT passwd FROM pg_shadow LIMIT 1)
SELECT id FROM orders UNION ALL SELECT usename FROM pg_user
TABLE pg_authid
SELECT current_user
SELECT session_user, version()
SELECT inet_server_addr()
SELECT pg_backend_pid()
SELECT user
## others
SELECT my_function(1)
SELECT public.lower('x')
SELECT evil.now()
SELECT $1
SELECT :name
SELECT a OPERATOR(public.+) b FROM t
SELECT repeat('x', 1000000000)
SELECT count(*) FROM generate_series(1, 1000000000000)
SELECT has_table_privilege('orders', 'select')
SELECT pg_get_functiondef(1)
SELECT pg_ѕleep(10)
SELECT decrypt('x', 'k', 'aes')
SELECT pgp_sym_decrypt(x, 'k') FROM t
## in odd places
SELECT * FROM pg_catalog . pg_authid
SELECT (SELECT string_agg(usename, ',') FROM pg_catalog.pg_user)
SELECT lo_get(1), 1
SELECT x FROM t, pg_read_file('/etc/passwd') x
SELECT * FROM "pg_catalog"."pg_authid"
SELECT * FROM "PG_AUTHID"
select * from t where x = any(array(select pg_sleep(1)))
SELECT * FROM json_to_recordset(pg_read_file('x')::json) AS x(a int)
SELECT query_to_xml_and_xmlschema('select 1',true,true,'')
SELECT 1 WHERE pg_try_advisory_lock(1)
SELECT DISTINCT ON (pg_sleep(1)) a FROM t
SELECT a FROM t WINDOW w AS (ORDER BY pg_sleep(1))
SELECT a FROM t LIMIT (SELECT 1 FROM pg_sleep(5))
SELECT a FROM t OFFSET pg_sleep(1)
SELECT a FROM t TABLESAMPLE SYSTEM (pg_sleep(1))
SELECT xmlserialize(content query_to_xml('x',true,true,'') as text)
SELECT cast(pg_read_file('x') as text)
SELECT pg_read_file('x')::text
SELECT array[pg_read_file('x')]
SELECT (pg_stat_file('x')).size
SELECT CASE WHEN pg_sleep(1) IS NULL THEN 1 END
SELECT pg_sleep(1) AT TIME ZONE 'UTC'
SELECT extract(epoch from pg_sleep(1))
SELECT substring(pg_read_file('x') from 1 for 3)
SELECT trim(pg_read_file('x'))
SELECT position('a' in pg_read_file('x'))
SELECT overlay(pg_read_file('x') placing 'a' from 1)
SELECT xmlelement(name a, pg_read_file('x'))
SELECT * FROM xmltable('/a' passing pg_read_file('x')::xml columns a text)
SELECT 1 FROM t GROUP BY ROLLUP(pg_sleep(1))
SELECT count(*) FILTER (WHERE pg_sleep(1) IS NULL) FROM t
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY pg_sleep(1)) FROM t
VALUES (pg_sleep(1))
SELECT * FROM (VALUES (pg_sleep(1))) x
SELECT * FROM ROWS FROM (pg_sleep(1)) x
SELECT * FROM ROWS FROM (pg_ls_dir('.') AS (a text)) x
SELECT * FROM t FOR KEY SHARE OF t
WITH x AS (SELECT 1) TABLE pg_authid
SELECT * FROM t CROSS JOIN LATERAL dblink('a','b') AS x(a int)
SELECT dblink_send_query('a','b')
SELECT pg_file_write('a','b',true)
SELECT plpy_exec('x')
SELECT brin_summarize_new_values('x')
SELECT gin_clean_pending_list('x')
SELECT pg_stat_reset_shared('x')
SELECT pg_wal_replay_pause()
SELECT pg_promote()
SELECT pg_log_backend_memory_contexts(1)
SELECT pg_import_system_collations('x')
SELECT xml_is_well_formed(schema_to_xml('public',true,true,''))
SELECT * FROM public.pg_shadow
COPY t TO STDOUT
SELECT nextval('a'::regclass)
SELECT to_regclass('x')
SELECT * FROM my_func() AS (a int)
SELECT setseed(0.5)
SELECT pg_size_pretty(pg_database_size('x'))
## calls behind a dot
SELECT (60::double precision).pg_sleep
SELECT ('/etc/passwd'::text).pg_read_file
SELECT ('/etc/passwd'::text)."pg_read_file"
SELECT (x).pg_read_file FROM (SELECT '/etc/passwd'::text AS x) q
SELECT (ARRAY['/etc/passwd'])[1].pg_read_file
SELECT q.pg_read_file FROM unnest(ARRAY['/etc/passwd']) q
SELECT q."nextval" FROM unnest(ARRAY['orders_id_seq']) q
SELECT (SELECT 60::float8).pg_sleep
SELECT (note).lo_import FROM orders
SELECT total FROM orders WHERE (note).pg_ls_dir IS NOT NULL
SELECT total FROM orders ORDER BY (note).current_setting
SELECT (10).erase_everything
SELECT (1 + 2).erase_everything
SELECT ('select * from orders'::text).crosstab
SELECT (4711).pg_terminate_backend
WITH q AS (SELECT id FROM orders) SELECT (q.id).pg_cancel_backend FROM q
SELECT ((id)).pg_advisory_lock FROM orders
SELECT (-1)."delete_all"
## queries of WITH that have another name
WITH "Pg_authid" AS (SELECT 1) SELECT rolname, rolpassword FROM pg_authid
WITH x AS (WITH "PG_SHADOW" AS (SELECT 1) SELECT passwd FROM pg_shadow) SELECT * FROM x
