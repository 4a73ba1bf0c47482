## writes and definitions
INSERT INTO orders VALUES (1)
INSERT OR REPLACE INTO orders VALUES (1)
INSERT INTO orders BY NAME SELECT 1 AS id
UPDATE orders SET total = 0
DELETE FROM orders
TRUNCATE orders
MERGE INTO orders USING x ON orders.id = x.id WHEN MATCHED THEN DELETE
DROP TABLE orders
CREATE TABLE copy AS SELECT * FROM orders
CREATE TABLE copy AS FROM 'x.csv'
CREATE VIEW v AS SELECT 1
CREATE MACRO f(x) AS x + 1
CREATE SECRET s (TYPE s3, KEY_ID 'x')
CREATE SEQUENCE s
ALTER TABLE orders ADD COLUMN x INT
COMMENT ON TABLE orders IS 'x'
WITH x AS (SELECT 1) DELETE FROM orders
WITH x AS (DELETE FROM orders RETURNING *) SELECT * FROM x
WITH x AS (SELECT 1 a) INSERT INTO orders SELECT a FROM x
FROM orders INSERT INTO x SELECT 1
SELECT * INTO copy FROM orders
## files
FROM 'orders.csv'
SELECT * FROM 'orders.csv'
SELECT * FROM "orders.csv"
SELECT * FROM 'data/*.parquet'
SELECT * FROM '/etc/passwd'
SELECT * FROM "/etc/passwd"
SELECT * FROM 's3://bucket/x.parquet'
SELECT * FROM 'https://evil/x.csv'
SELECT * FROM 'x.json' j JOIN orders ON 1 = 1
SELECT * FROM 'x.parquet' TABLESAMPLE 10%
SELECT * FROM 'C:\x.csv'
FROM 'x.duckdb'
FROM 'x.tbl'
FROM 'x.csv.gz'
FROM 'hf://x'
FROM "postgres:dbname=x"
FROM summary('x.csv')
FROM histogram_values('x.csv', a)
WITH a AS (FROM 'x.csv') FROM a
SELECT (SELECT count(*) FROM 'x.csv')
SELECT * FROM orders UNION ALL FROM 'x.csv'
PIVOT 'x.csv' ON a USING sum(b)
SELECT * FROM read_csv('/etc/passwd')
SELECT * FROM read_csv_auto('x')
SELECT * FROM read_parquet('x')
SELECT * FROM parquet_scan('x')
SELECT * FROM read_json('x')
SELECT * FROM read_json_auto('x')
SELECT * FROM read_ndjson('x')
SELECT * FROM read_text('/etc/passwd')
SELECT * FROM read_blob('/etc/passwd')
SELECT * FROM read_xlsx('x')
SELECT * FROM sniff_csv('x')
SELECT * FROM glob('/etc/*')
SELECT * FROM parquet_metadata('x')
SELECT * FROM parquet_schema('x')
SELECT * FROM parquet_kv_metadata('x')
SELECT * FROM ST_Read('x')
SELECT * FROM iceberg_scan('x')
SELECT * FROM delta_scan('x')
SELECT * FROM arrow_scan(1, 2, 3)
SELECT * FROM pandas_scan(1)
SELECT * FROM sqlite_scan('x.db', 't')
SELECT * FROM postgres_scan('host=x', 'public', 't')
SELECT * FROM postgres_query('db', 'DELETE FROM t')
SELECT * FROM mysql_query('db', 'DELETE FROM t')
SELECT * FROM sqlite_query('db', 'x')
SELECT * FROM duckdb_scan('x')
SELECT "read_text"('/etc/passwd')
SELECT 'x'.read_text()
SELECT '/etc/passwd'.read_blob()
SELECT main.read_text('x')
COPY orders TO 'x.csv'
COPY (SELECT 1) TO 'x.parquet'
COPY orders FROM 'x.csv'
EXPORT DATABASE 'x'
IMPORT DATABASE 'x'
ATTACH 'x.db'
ATTACH 'x.db' AS y
DETACH y
INSTALL httpfs
LOAD httpfs
LOAD '/tmp/x.duckdb_extension'
FORCE INSTALL x
UPDATE EXTENSIONS
## text run as SQL
SELECT * FROM query('DELETE FROM orders')
SELECT * FROM query('SELECT 1')
SELECT * FROM query_table('orders')
SELECT * FROM json_execute_serialized_sql('x')
SELECT json_serialize_sql('SELECT 1')
SELECT json_deserialize_sql('x')
FROM sql_auto_complete('SEL')
EXECUTE p
PREPARE p AS SELECT 1
DEALLOCATE p
CALL pragma_version()
CALL dbgen(sf = 1)
SELECT eval('x')
## settings, environment, secrets
SET memory_limit = '1TB'
SET enable_external_access = true
SET VARIABLE x = 1
RESET memory_limit
PRAGMA database_list
PRAGMA enable_profiling
SELECT getenv('HOME')
SELECT getvariable('x')
SELECT current_setting('secret_directory')
SELECT * FROM duckdb_settings()
SELECT * FROM duckdb_secrets()
SELECT * FROM which_secret('s3://x', 's3')
SELECT * FROM duckdb_extensions()
SELECT * FROM duckdb_logs
SELECT * FROM duckdb_tables
SELECT * FROM pragma_table_info('orders')
SELECT * FROM pragma_database_list
SELECT * FROM pg_catalog.pg_class
SELECT * FROM pg_settings
SELECT version()
SELECT current_user
SELECT current_database()
SELECT current_schemas(true)
SELECT current_query()
SELECT txid_current()
SELECT nextval('s')
SELECT currval('s')
SELECT add_parquet_key('x', 'y')
SELECT write_log('x')
SELECT error('x')
SELECT sleep_ms(1000)
SELECT checkpoint()
SELECT force_checkpoint()
SELECT in_search_path('a', 'b')
SELECT pg_sleep(1)
## statements of their own
BEGIN
COMMIT
ROLLBACK
CHECKPOINT
VACUUM
ANALYZE
EXPLAIN SELECT 1
EXPLAIN ANALYZE SELECT 1
DESCRIBE orders
SHOW TABLES
SUMMARIZE orders
USE x
SELECT * FROM (DESCRIBE orders)
SELECT * FROM (SUMMARIZE orders)
SELECT * FROM (SHOW TABLES)
SELECT 1; SELECT 2
SELECT 1; DROP TABLE orders
SELECT 1;COPY orders TO 'x'
SELECT $x
SELECT $1
SELECT ?
SELECT my_macro(1)
SELECT * FROM my_table_macro(1)
SELECT s.my_macro(1)
SELECT * FROM range(1000000000000)
SELECT repeat('a', 1000000000)
SELECT * FROM test_all_types()
SELECT * FROM seq_scan('orders')
SELECT * FROM checkpoint('x')
SELECT * FROM load_aws_credentials()
SELECT * FROM shellfs('ls |')
SELECT * FROM http_get('http://x')
SELECT http_post('http://x', 'y', 'z')
SELECT crypto_hash('md5', 'x')
## in odd places
SELECT * FROM t JOIN 'x.csv' ON 1=1
SELECT * FROM (FROM 'x.csv')
SELECT * FROM t WHERE a IN (FROM 'x.csv')
FROM "dir/x"
FROM 'X.PARQUET'
SELECT list_transform([1], x -> read_text('x'))
SELECT [y for y in glob('*')]
SELECT {'a': getenv('x')}
SELECT (getenv('x')).upper()
SELECT 'x'.getenv()
SELECT t.query('x') FROM t
FROM sniff_csv('x')
PIVOT (FROM 'x.csv') ON a USING sum(b)
UNPIVOT 'x.csv' ON a
SELECT COLUMNS(x -> getenv('x') = 'a') FROM t
FROM read_duckdb('x')
FROM main.read_csv('x')
FROM system.main.read_csv('x')
SELECT * FROM list_x('a')
