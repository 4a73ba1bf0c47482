## writes and definitions
INSERT INTO orders VALUES (1)
REPLACE INTO orders VALUES (1)
UPDATE orders SET total = 0
DELETE FROM orders
DELETE o FROM orders o JOIN x ON x.id = o.id
TRUNCATE TABLE orders
DROP TABLE orders
CREATE TABLE copy AS SELECT * FROM orders
CREATE TABLE copy SELECT * FROM orders
ALTER TABLE orders ADD x INT
RENAME TABLE a TO b
GRANT ALL ON *.* TO 'x'@'%'
SET PASSWORD = 'x'
WITH x AS (SELECT 1) DELETE FROM orders
WITH x AS (SELECT 1 AS id) UPDATE orders JOIN x USING (id) SET total = 0
## files
SELECT * FROM orders INTO OUTFILE '/tmp/x'
SELECT * INTO OUTFILE '/tmp/x' FROM orders
SELECT 'x' INTO DUMPFILE '/tmp/x'
SELECT id INTO @x FROM orders
SELECT id FROM orders INTO @x
SELECT load_file('/etc/passwd')
SELECT LOAD_FILE(0x2f6574632f706173737764)
LOAD DATA INFILE '/etc/passwd' INTO TABLE x
LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE x
LOAD XML INFILE 'x' INTO TABLE x
## comments that run
SELECT /*!50000 sleep(10) */ 1
SELECT 1 /*!INTO OUTFILE '/tmp/x'*/
SELECT 1 /*! UNION SELECT authentication_string FROM mysql.user */
SELECT 1 /*!99999 , sleep(10) */
SELECT 1 /*M! , sleep(10) */
SELECT 1 /*M!100100 , sleep(10) */
/*! DROP TABLE orders */
/*!SELECT*/ 1
SELECT /* x */ 1 /*!, benchmark(1, 1)*/
## hints that set
SELECT /*+ SET_VAR(max_execution_time = 0) */ 1
SELECT /*+ MAX_EXECUTION_TIME(0) */ * FROM orders
SELECT /*+ RESOURCE_GROUP(x) */ 1
SELECT /*+ QB_NAME(x) SET_VAR(sql_mode = '') */ 1
## waits and locks
SELECT sleep(10)
SELECT SLEEP(10) FROM orders
SELECT `sleep`(10)
SELECT sleep (10)
SELECT * FROM orders WHERE id = 1 AND sleep(5)
SELECT IF(1 = 1, sleep(5), 0)
SELECT * FROM orders ORDER BY sleep(1)
SELECT (SELECT sleep(2))
SELECT benchmark(100000000, md5('x'))
SELECT get_lock('x', 10)
SELECT release_lock('x')
SELECT RELEASE_ALL_LOCKS()
SELECT is_free_lock('x')
SELECT is_used_lock('x')
SELECT * FROM orders FOR UPDATE
SELECT * FROM orders FOR UPDATE NOWAIT
SELECT * FROM orders LOCK IN SHARE MODE
SELECT * FROM orders FOR SHARE SKIP LOCKED
LOCK TABLES orders WRITE
SELECT master_pos_wait('x', 1)
SELECT source_pos_wait('x', 1)
SELECT wait_for_executed_gtid_set('x')
## variables
SELECT @a := 1
SELECT @a
SELECT @@version
SELECT @@global.datadir
SELECT @@session.sql_mode, @@hostname
SELECT @a := id FROM orders
SELECT * FROM orders WHERE id = ?
SELECT :x
SET @a = 1
SET GLOBAL general_log = 'ON'
SET SESSION TRANSACTION READ WRITE
## statements of their own
DO sleep(10)
CALL p()
HANDLER orders OPEN
HANDLER orders READ FIRST
EXPLAIN SELECT 1
EXPLAIN ANALYZE SELECT 1
DESCRIBE orders
SHOW TABLES
SHOW VARIABLES
SHOW GRANTS
USE mysql
KILL 1
FLUSH TABLES
RESET MASTER
SHUTDOWN
BEGIN
COMMIT
START TRANSACTION
XA START 'x'
PREPARE s FROM 'DELETE FROM orders'
EXECUTE s
INSTALL PLUGIN x SONAME 'x.so'
ANALYZE TABLE orders
OPTIMIZE TABLE orders
CHECK TABLE orders
DELIMITER //
SELECT * FROM orders PROCEDURE ANALYSE()
## several
SELECT 1; DROP TABLE orders
SELECT 1; SELECT 2
SELECT 1;;SELECT 2
## the system
SELECT * FROM mysql.user
SELECT user, authentication_string FROM mysql.user
SELECT * FROM `mysql`.`user`
SELECT * FROM MySQL.User
SELECT * FROM mysql.db
SELECT * FROM performance_schema.threads
SELECT * FROM performance_schema.session_variables
SELECT * FROM sys.processlist
SELECT * FROM information_schema.processlist
SELECT * FROM information_schema.user_privileges
SELECT * FROM information_schema.files
SELECT * FROM information_schema.innodb_trx
SELECT 1 UNION SELECT password FROM mysql.user
TABLE mysql.user
SELECT user()
SELECT current_user()
SELECT current_user
SELECT version()
SELECT database()
SELECT schema()
SELECT connection_id()
SELECT session_user()
SELECT system_user()
SELECT last_insert_id()
SELECT last_insert_id(5)
SELECT found_rows()
SELECT row_count()
SELECT current_role()
## others
SELECT my_function(1)
SELECT shop.my_function(1)
SELECT sys_exec('id')
SELECT sys_eval('id')
SELECT lib_mysqludf_sys_info()
SELECT extractvalue(1, concat(0x7e, version()))
SELECT updatexml(1, concat(0x7e, (SELECT 1)), 1)
SELECT name_const('a', 1)
SELECT ps_current_thread_id()
SELECT sys.version_major()
SELECT aes_decrypt(x, 'k') FROM t
SELECT NEXT VALUE FOR s
SELECT nextval(s)
SELECT setval(s, 1)
SELECT lastval(s)
SELECT repeat('a', 1000000000)
SELECT gtid_subtract('a', 'b')
SELECT uncompress(x), load_file('x') FROM t
SELECT validate_password_strength('x')
SELECT roles_graphml()
SELECT can_access_table('a', 'b')
SELECT internal_table_rows(1)
## in odd places
SELECT 1 UNION SELECT sleep(5)
SELECT 1 FROM t LIMIT 1 INTO OUTFILE '/x'
SELECT 1 INTO OUTFILE '/x' LINES TERMINATED BY 'x'
(SELECT 1) INTO OUTFILE '/x'
SELECT * FROM t ORDER BY 1 INTO DUMPFILE '/x'
SELECT sleep(5) IN (1)
SELECT ROW(1, sleep(5))
SELECT -sleep(5)
SELECT INTERVAL sleep(5) DAY + NOW()
SELECT DATE_ADD(NOW(), INTERVAL sleep(1) SECOND)
SELECT * FROM JSON_TABLE(load_file('/x'), '$' COLUMNS (a INT PATH '$')) t
SELECT GROUP_CONCAT(sleep(1) SEPARATOR ',') FROM t
SELECT CONVERT(load_file('x') USING utf8)
SELECT CAST(load_file('x') AS CHAR)
SELECT BINARY load_file('x')
SELECT MATCH(a) AGAINST (load_file('x')) FROM t
SELECT a FROM t GROUP BY sleep(1) WITH ROLLUP
SELECT COUNT(DISTINCT sleep(1)) FROM t
SELECT ST_GeomFromText(load_file('x'))
SELECT a MEMBER OF (load_file('x')) FROM t
SELECT _utf8mb4'x' COLLATE load_file('x')
SELECT t.* FROM t JOIN mysql.user u ON 1
SELECT * FROM (mysql.user)
SELECT * FROM ((t, mysql.user))
SELECT EXISTS(SELECT * FROM mysql.user)
WITH a AS (SELECT * FROM mysql.user) SELECT * FROM a
SELECT master_gtid_wait('x')
SELECT asynchronous_connection_failover_add_source('x')
SELECT group_replication_set_as_primary('x')
SELECT service_get_write_locks('a','b',1)
SELECT keyring_key_fetch('x')
SELECT audit_log_read()
SELECT mysql_firewall_flush_status()
SELECT version_tokens_set('x')
SELECT statement_digest('x')
SELECT des_decrypt('x')
SELECT old_password('x')
SELECT password('x')
SELECT * FROM t FOR SYSTEM_TIME ALL FOR UPDATE
SELECT HIGH_PRIORITY SQL_BUFFER_RESULT SLEEP(1)
TABLE t INTO OUTFILE '/x'
VALUES ROW(sleep(1))
