## writes and definitions
INSERT INTO orders VALUES (1)
INSERT OR REPLACE INTO orders VALUES (1)
INSERT INTO orders SELECT 1 RETURNING *
REPLACE INTO orders VALUES (1)
UPDATE orders SET total = 0
UPDATE OR IGNORE orders SET total = 0
DELETE FROM orders
DELETE FROM orders RETURNING *
DROP TABLE orders
DROP TABLE IF EXISTS orders
CREATE TABLE copy AS SELECT * FROM orders
CREATE TEMP TABLE x (a)
CREATE VIEW v AS SELECT 1
CREATE TRIGGER t AFTER INSERT ON orders BEGIN SELECT 1; END
CREATE VIRTUAL TABLE x USING fts5(a)
CREATE INDEX i ON orders (id)
ALTER TABLE orders ADD COLUMN x
ALTER TABLE orders RENAME TO x
WITH x AS (SELECT 1) DELETE FROM orders
WITH x AS (SELECT 1 AS a) INSERT INTO orders SELECT a FROM x
WITH x AS (SELECT 1 AS a) UPDATE orders SET total = 0
WITH RECURSIVE x AS (SELECT 1) REPLACE INTO orders SELECT * FROM x
SELECT * INTO copy FROM orders
REINDEX
ANALYZE
VACUUM
VACUUM INTO '/tmp/copy.db'
## files and code
ATTACH DATABASE '/tmp/x.db' AS x
ATTACH '/etc/passwd' AS x
DETACH DATABASE x
SELECT load_extension('/tmp/x.so')
SELECT load_extension('x', 'entry')
SELECT LOAD_EXTENSION('x')
SELECT "load_extension"('x')
SELECT [load_extension]('x')
SELECT `load_extension`('x')
SELECT readfile('/etc/passwd')
SELECT writefile('/tmp/x', 'y')
SELECT edit('x', 'vi')
SELECT * FROM fsdir('/')
SELECT lsmode(1)
SELECT fts3_tokenizer('simple')
SELECT fts3_tokenizer('x', x'00')
SELECT zipfile('a', 'b')
SELECT * FROM zipfile('x.zip')
SELECT * FROM csv('x.csv')
SELECT eval('DELETE FROM orders')
SELECT shell_exec('id')
SELECT sqlite_compileoption_get(1)
SELECT sqlite_compileoption_used('x')
SELECT sqlite_version()
SELECT sqlite_source_id()
SELECT sqlite_log(1, 'x')
SELECT sqlite_offset(id) FROM orders
SELECT changes()
SELECT total_changes()
SELECT last_insert_rowid()
## pragmas
PRAGMA writable_schema = 1
PRAGMA journal_mode = DELETE
PRAGMA table_info(orders)
PRAGMA database_list
SELECT * FROM pragma_table_info('orders')
SELECT * FROM pragma_database_list
SELECT * FROM pragma_database_list()
SELECT * FROM main.pragma_table_info('orders')
SELECT * FROM pragma_function_list
SELECT * FROM pragma_compile_options
SELECT name FROM pragma_module_list
SELECT * FROM sqlite_dbpage
SELECT * FROM dbstat
SELECT * FROM sqlite_stat1
SELECT * FROM sqlite_temp_master
SELECT * FROM sqlite_stmt
SELECT * FROM bytecode('SELECT 1')
SELECT * FROM tables_used('SELECT 1')
SELECT * FROM completion('SEL')
## statements of their own
BEGIN
BEGIN IMMEDIATE
COMMIT
ROLLBACK
END
SAVEPOINT s
RELEASE s
EXPLAIN SELECT 1
EXPLAIN QUERY PLAN SELECT 1
.shell id
.read x
.load x
SELECT 1; SELECT 2
SELECT 1; DROP TABLE orders
SELECT 1;ATTACH 'x' AS y
SELECT ';'; DELETE FROM orders
/* x */ SELECT 1; /* y */ DELETE FROM orders
SELECT 1 /* ; */ ; PRAGMA x
## others
SELECT ?
SELECT ?1
SELECT :x
SELECT @x
SELECT $x
SELECT my_function(1)
SELECT main.f(1)
SELECT * FROM my_table_function(1)
SELECT randomblob(1000000000000)
SELECT * FROM generate_series(1, 1000000000000)
SELECT raise(ABORT, 'x')
SELECT RAISE(ROLLBACK, 'x')
SELECT crypto_hash('x')
SELECT * FROM orders FOR UPDATE
SELECT 1 FROM orders WHERE load_extension('x') IS NULL
SELECT * FROM (SELECT load_extension('x'))
SELECT CASE WHEN 1 THEN load_extension('x') END
WITH x AS (SELECT load_extension('x')) SELECT * FROM x
SELECT 1 ORDER BY load_extension('x')
SELECT * FROM orders LIMIT load_extension('x')
SELECT group_concat(load_extension('x'))
SELECT sum(id) FILTER (WHERE load_extension('x')) FROM orders
SELECT sum(id) OVER (ORDER BY load_extension('x')) FROM orders
SELECT * FROM a JOIN b ON load_extension('x')
VALUES (load_extension('x'))
SELECT * FROM '/etc/passwd'
SELECT * FROM "file:x?mode=rw"
## in odd places
SELECT * FROM t JOIN pragma_table_info('x')
SELECT * FROM "pragma_database_list"
SELECT * FROM SQLITE_DBPAGE
## tables behind IN
SELECT * FROM orders WHERE id IN sqlite_dbpage
SELECT * FROM orders WHERE 1 IN pragma_foreign_keys
SELECT count(*) FROM orders WHERE (id, 1) NOT IN temp.salaries
