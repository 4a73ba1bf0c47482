import pytest

from buster_tasks.errors import PermissionDeniedError, QueryFailedError, SourceError
from buster_tasks.sources.snowflake.reading_only import refuse_writes

READING = [
    "SELECT 1",
    "  -- why\n /* x; y */ // more\n select 1 ;; ",
    "(SELECT 1) UNION ALL (SELECT 2);",
    "WITH a AS (SELECT 1) SELECT * FROM a",
    "WITH procedure AS (SELECT 1 AS call) SELECT call FROM procedure",
    "SHOW TABLES IN DATABASE shop",
    "DESC TABLE t",
    "DESCRIBE RESULT LAST_QUERY_ID()",
    "EXPLAIN DELETE FROM t",
    "VALUES (1)",
    "SELECT 'a;b', '->>', 'it''s', 'it\\'s; DROP TABLE t', $$x; DROP TABLE t$$",
    'SELECT "a;b""->>" FROM "DROP TABLE"',
    "SELECT nextval FROM t",
    "SELECT SYSTEM$TYPEOF(a), SYSTEM$CLUSTERING_INFORMATION('t') FROM t",
    "SELECT 'SYSTEM$CANCEL_QUERY' AS name",
    "SELECT a::varchar, b:c[0].d, x -> x + 1 FROM t",
    "SELECT 1 /* -- */ + 2 -- ; DROP TABLE t",
]
WRITING = [
    "INSERT INTO t VALUES (1)",
    "insert into t values (1)",
    "/* SELECT */ DELETE FROM t",
    "-- SELECT 1\nDROP TABLE t",
    "//SELECT 1\nDROP TABLE t",
    "MERGE INTO t USING s ON 1=1 WHEN MATCHED THEN DELETE",
    "CALL p()",
    "EXECUTE IMMEDIATE $$ DROP TABLE t $$",
    "BEGIN DROP TABLE t; END",
    "DECLARE x INT; BEGIN RETURN 1; END",
    "PUT file:///etc/passwd @~",
    "GET @~/x file:///tmp",
    "COPY INTO t FROM @s",
    "LIST @s",
    "USE ROLE ACCOUNTADMIN",
    "ALTER SESSION SET MULTI_STATEMENT_COUNT = 0",
    "SET x = 1",
    "WITH p AS PROCEDURE () RETURNS INT LANGUAGE SQL AS $$ BEGIN DELETE FROM t; END $$ CALL p()",
    "WITH p AS /* x */ procedure () RETURNS INT LANGUAGE SQL AS 'BEGIN END' CALL p()",
    "SHOW TABLES ->> DELETE FROM t",
    "SELECT 1->>INSERT INTO t SELECT * FROM $1",
    "SELECT 1; DROP TABLE t",
    "SELECT 1; SELECT 2",
    "SELECT 'a\\'; DROP TABLE t; --",
    "SELECT SYSTEM$ABORT_SESSION(1)",
    "SELECT system$wait(60)",
    'SELECT "SYSTEM$CANCEL_QUERY"(1)',
    "SELECT IDENTIFIER('SYSTEM$CANCEL_QUERY')(1)",
    "SELECT s.NEXTVAL",
    'SELECT s."NEXTVAL"',
    "SELECT v FROM TABLE(GETNEXTVAL(s))",
    '"DELETE" FROM t',
    "{call p()}",
]


@pytest.mark.parametrize("sql", READING)
def test_what_reads_is_let_through(sql: str) -> None:
    refuse_writes(sql)


@pytest.mark.parametrize("sql", WRITING)
def test_what_may_write_is_refused(sql: str) -> None:
    with pytest.raises((PermissionDeniedError, QueryFailedError)) as caught:
        refuse_writes(sql)
    assert isinstance(caught.value, SourceError)
    assert caught.value.fix


@pytest.mark.parametrize(
    "sql", ["", " \n", ";", "-- x", "/* x", "SELECT 'a", 'SELECT "a', "SELEC 1"]
)
def test_what_is_no_statement_has_failed(sql: str) -> None:
    with pytest.raises(QueryFailedError):
        refuse_writes(sql)
