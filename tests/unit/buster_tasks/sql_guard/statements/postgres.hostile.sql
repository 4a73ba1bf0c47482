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
