"""What may be more than a read is refused before it is sent."""

import pytest

from buster_tasks.errors import PermissionDeniedError, QueryFailedError
from buster_tasks.sources.databricks.reading_only import is_query, refuse_writes


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1;",
        "(SELECT 1) UNION (SELECT 2)",
        "WITH `delete` AS (SELECT 1 AS update) SELECT `update`, insert.a FROM `delete`",
        "SELECT 'DROP TABLE x; --' AS t, \"a;b\", `a;b` FROM `insert`",
        "SELECT r'\\' AS raw, 'it\\'s; DELETE FROM x'",
        "VALUES (1), (2)",
        "TABLE shop.sale",
        "SHOW TABLES IN shop",
        "DESCRIBE TABLE EXTENDED shop.sale",
        "EXPLAIN FORMATTED SELECT 1",
        "SELECT transform(array(1), x -> x + 1) FROM t JOIN u USING (id)",
        "SELECT /*+ BROADCAST(t) */ * FROM t -- ; DROP",
        "SELECT json.field, csv.`name` FROM json JOIN csv",
    ],
)
def test_a_read_is_let_through(sql: str) -> None:
    refuse_writes(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t VALUES (1)",
        "WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x",
        "WITH x AS (SELECT 1) DELETE FROM t",
        "WITH x AS (SELECT 1) UPDATE t SET a = 1",
        "WITH x AS (SELECT 1) MERGE INTO t USING x ON true WHEN MATCHED THEN DELETE",
        "FROM t INSERT INTO u SELECT *",
        "EXPLAIN CREATE TABLE t (a INT)",
        "EXPLAIN",
        "SELECT TRANSFORM (a) USING 'sh -c x' FROM t",
        "SELECT reflect('java.lang.System', 'exit', 1)",
        "SELECT `java_method`('java.lang.System', 'exit', 1)",
        "SELECT secret('scope', 'key')",
        "SELECT http_request(conn => 'c', method => 'POST', path => '/')",
        "SELECT IDENTIFIER('reflect')('x')",
        "SELECT * FROM csv.`/etc/passwd`",
        "SELECT * FROM delta.`s3://bucket/x`",
        "SELECT * FROM read_files('/x')",
        "SELECT 1; DROP TABLE t",
        "SELECT 1 -- \\\n ' \n ; DROP TABLE t --'",
        "SELECT /* /* */ ' */ 1 --'",
        "SELECT /*+ x(' */ 1 */ ') */",
        "PUT '/x' INTO '/Volumes/y'",
        "GET '/Volumes/y' TO '/x'",
        "SET ansi_mode = false",
        "USE CATALOG x",
        "BEGIN SELECT 1; END",
        "EXECUTE IMMEDIATE 'DROP TABLE t'",
        "CALL p()",
        "COPY INTO t FROM 'x'",
        "`SELECT` 1",
    ],
)
def test_what_may_do_more_is_refused(sql: str) -> None:
    with pytest.raises(PermissionDeniedError):
        refuse_writes(sql)


@pytest.mark.parametrize(
    "sql", ["", " ;", "-- nothing", "SELECT 'open", "SELECT /* open", "SELEC 1"]
)
def test_what_is_no_statement_is_a_failed_query(sql: str) -> None:
    with pytest.raises(QueryFailedError):
        refuse_writes(sql)


def test_queries_are_told_from_other_reads() -> None:
    assert is_query("(WITH x AS (SELECT 1) SELECT * FROM x)")
    assert not is_query("SHOW TABLES")
