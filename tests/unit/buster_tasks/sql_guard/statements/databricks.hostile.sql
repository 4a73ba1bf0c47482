## writes and definitions
INSERT INTO orders VALUES (1)
INSERT OVERWRITE orders SELECT * FROM x
INSERT OVERWRITE DIRECTORY '/tmp/x' USING parquet SELECT * FROM orders
UPDATE orders SET total = 0
DELETE FROM orders
MERGE INTO orders o USING x ON o.id = x.id WHEN MATCHED THEN DELETE
TRUNCATE TABLE orders
DROP TABLE orders
DROP SCHEMA s CASCADE
UNDROP TABLE orders
CREATE TABLE copy AS SELECT * FROM orders
CREATE OR REPLACE TEMP VIEW v AS SELECT 1
CREATE FUNCTION f() RETURNS INT RETURN 1
CREATE TABLE t SHALLOW CLONE orders
ALTER TABLE orders ADD COLUMN x INT
GRANT SELECT ON orders TO u
COMMENT ON TABLE orders IS 'x'
OPTIMIZE orders
VACUUM orders RETAIN 0 HOURS
RESTORE TABLE orders TO VERSION AS OF 1
FROM x INSERT INTO orders SELECT 1
FROM x INSERT INTO a SELECT 1 INSERT INTO b SELECT 2
WITH x AS (SELECT 1) INSERT INTO orders SELECT * FROM x
WITH x AS (SELECT 1) DELETE FROM orders
COPY INTO orders FROM 's3://x' FILEFORMAT = CSV
LOAD DATA INPATH 'x' INTO TABLE orders
MSCK REPAIR TABLE orders
REORG TABLE orders APPLY (PURGE)
CONVERT TO DELTA parquet.`/x`
## files
SELECT * FROM csv.`/etc/passwd`
SELECT * FROM text.`file:/etc/passwd`
SELECT * FROM json.`s3://bucket/x`
SELECT * FROM delta.`/mnt/x`
SELECT * FROM parquet.`dbfs:/x`
SELECT * FROM binaryFile.`/etc/passwd`
SELECT * FROM CSV.`data`
SELECT * FROM text.passwd
SELECT * FROM `csv`.`/etc/passwd`
SELECT * FROM avro.`/x` AS a JOIN orders ON 1 = 1
SELECT * FROM orc.`/x`, orders
SELECT * FROM `/etc/passwd`
SELECT * FROM read_files('/etc/passwd')
SELECT * FROM read_files('s3://x', format => 'csv')
SELECT * FROM cloud_files('/x', 'csv')
SELECT * FROM list_files('/x')
SELECT * FROM STREAM read_files('/x')
SELECT * FROM STREAM orders
SELECT * FROM read_kafka(bootstrapServers => 'x')
SELECT * FROM read_kinesis(streamName => 'x')
SELECT * FROM read_pubsub(subscriptionId => 'x')
SELECT * FROM read_pulsar(serviceUrl => 'x')
SELECT * FROM read_statestore('/x')
SELECT * FROM remote_query('conn', query => 'SELECT 1')
SELECT (SELECT COUNT(*) FROM csv.`/etc/passwd`)
PUT '/x' INTO '/Volumes/x'
GET '/Volumes/x' TO '/x'
REMOVE '/Volumes/x'
LIST '/Volumes/x'
## programs, network, secrets
SELECT java_method('java.lang.System', 'exit', 1)
SELECT reflect('java.lang.Runtime', 'getRuntime')
SELECT try_reflect('java.lang.System', 'getenv', 'x')
SELECT REFLECT('a', 'b')
SELECT `reflect`('a', 'b')
SELECT TRANSFORM (a) USING 'bash -c id' AS (x) FROM t
SELECT TRANSFORM (a, b) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' USING 'cat' FROM t
MAP a USING 'cat' FROM t
SELECT http_request(conn => 'c', method => 'GET', path => '/')
SELECT secret('scope', 'key')
SELECT try_secret('scope', 'key')
SELECT * FROM list_secrets()
SELECT ai_query('endpoint', 'x')
SELECT ai_gen('x')
SELECT ai_generate_text('x')
SELECT ai_classify('x', array('a'))
SELECT ai_summarize(body) FROM posts
SELECT ai_translate('x', 'de')
SELECT ai_analyze_sentiment('x')
SELECT ai_extract('x', array('a'))
SELECT ai_mask('x', array('a'))
SELECT ai_similarity('a', 'b')
SELECT ai_fix_grammar('x')
SELECT ai_parse_document(x) FROM t
SELECT * FROM ai_forecast(TABLE(t), horizon => '2025', time_col => 'a', value_col => 'b')
SELECT * FROM vector_search(index => 'x', query => 'y')
SELECT aes_decrypt(x, 'k') FROM t
SELECT aes_encrypt('x', 'k')
SELECT try_aes_decrypt(x, 'k') FROM t
## names made of texts
SELECT * FROM IDENTIFIER('orders')
SELECT * FROM IDENTIFIER('a' || 'b')
SELECT IDENTIFIER('f')(1)
EXECUTE IMMEDIATE 'DROP TABLE orders'
SELECT ${x}
SELECT * FROM ${table}
SELECT :x
SELECT ?
SELECT * FROM orders WHERE id = :id
## session and system
SELECT current_user()
SELECT session_user()
SELECT current_user
SELECT current_catalog()
SELECT current_database()
SELECT current_schema()
SELECT current_metastore()
SELECT current_recipient()
SELECT is_member('admins')
SELECT is_account_group_member('admins')
SELECT version()
SELECT user()
SELECT current_version()
SELECT input_file_name()
SELECT input_file_block_start()
SELECT spark_partition_id()
SELECT raise_error('x')
SELECT assert_true(false)
SELECT event_log('x')
SELECT * FROM event_log(TABLE(orders))
SELECT * FROM table_changes('orders', 1)
SELECT * FROM system.access.audit
SELECT * FROM system.query.history
SELECT * FROM system.billing.usage
SELECT * FROM main.information_schema.table_privileges
SELECT * FROM system.information_schema.catalog_privileges
SELECT my_udf(1)
SELECT main.default.my_udf(1)
SELECT * FROM my_udtf(1)
## statements of their own
SHOW TABLES
DESCRIBE orders
DESCRIBE HISTORY orders
EXPLAIN SELECT 1
EXPLAIN EXTENDED SELECT 1
SET x = 1
SET VARIABLE x = 1
RESET
USE CATALOG main
CACHE TABLE orders
CACHE SELECT * FROM orders
REFRESH TABLE orders
ADD JAR '/x.jar'
ANALYZE TABLE orders COMPUTE STATISTICS
CALL p()
DECLARE x INT
BEGIN SELECT 1; END
SYNC SCHEMA a FROM b
SELECT 1; SELECT 2
SELECT 1; DROP TABLE orders
SELECT /*+ UNKNOWN_HINT(x) */ 1
SELECT repeat('a', 1000000000)
SELECT sequence(1, 1000000000000)
SELECT * FROM range(1000000000000)
SELECT * INTO copy FROM orders
## in odd places
SELECT * FROM t JOIN text.`/etc/passwd` ON 1=1
SELECT * FROM (SELECT * FROM delta.`/x`)
SELECT * FROM delta.`/x` VERSION AS OF 1
WITH a AS (SELECT * FROM json.`/x`) SELECT * FROM a
SELECT transform(a, x -> reflect('a','b')) FROM t
SELECT array(java_method('a','b'))
SELECT * FROM t LATERAL VIEW explode(array(reflect('a','b'))) e AS x
SELECT * FROM t LATERAL VIEW read_files('x') e AS x
SELECT from_json(secret('a','b'), 'a INT')
SELECT * FROM IDENTIFIER('x') AS t
SELECT * FROM `csv`.`x`
SELECT * FROM `delta`.`s3://x`
SELECT * FROM main.`csv`.`/etc/x`
SELECT * FROM samples.`file:/x`
SELECT * FROM t WHERE a = ai_query('x','y')
SELECT * FROM VALUES (reflect('a','b'))
SELECT try_variant_get(parse_json(secret('a','b')), '$', 'string')
SELECT MAP(a) USING 'cat' FROM t
SELECT REDUCE(a) USING 'cat' FROM t
FROM t REDUCE a USING 'cat'
SELECT from_avro(a, 'b', 'http://x')
SELECT system.ai.f('x')
SELECT * FROM system.ai.x
SELECT session_window_(1)
SELECT * FROM python_udtf(TABLE(t))
SELECT * FROM SAMPLE_X('a')
SELECT vector_search('a')
SELECT /*+ SET_X(1) */ a FROM t
