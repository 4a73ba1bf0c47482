import pytest

from buster_tasks.errors import PermissionDeniedError, QueryFailedError
from buster_tasks.sources.redshift.reading_only import refuse_writes


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "select 1;",
        "  -- a note\n/* and /* another */ */ SELECT 1 ; ",
        "(SELECT 1) UNION (SELECT 2)",
        "WITH a AS (SELECT 'delete' AS \"insert\") SELECT * FROM a -- update",
        'SELECT update, "into" FROM t',
        "SELECT 'it''s; drop'",
        "SELECT 'C:\\\\'",
        "SELECT 'a\\nb' AS x",
        "SELECT $$ into; it's $$",
        "SHOW TABLES FROM SCHEMA a.b",
        "EXPLAIN SELECT 1",
    ],
)
def test_reads_are_let_through(sql: str) -> None:
    refuse_writes(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t VALUES (1)",
        "/* SELECT */ TRUNCATE t",
        "-- SELECT\nDROP TABLE t",
        "COMMIT",
        "CALL p()",
        "UNLOAD ('SELECT 1') TO 's3://b/x'",
        "COPY t FROM 's3://b/x'",
        "SELECT * INTO u FROM t",
        "SELECT 1 AS a INTO TEMP u",
        "WITH a AS (SELECT 1) DELETE FROM t USING a",
        "WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a",
        "EXPLAIN ANALYZE UPDATE t SET a = 1",
        "(DELETE FROM t)",
        "SELECT 'a\\' INTO t --' FROM u",
    ],
)
def test_whatever_may_write_is_refused(sql: str) -> None:
    with pytest.raises(PermissionDeniedError) as caught:
        refuse_writes(sql)
    assert caught.value.fix


@pytest.mark.parametrize(
    "sql",
    ["", " ; ;", "-- nothing", "SELEC 1", "SELECT 'x", 'SELECT "x', "SELECT 1 /* x", "SELECT 1; SELECT 2",
     "SELECT '\0'", "SELECT '\ud800'", "SELECT 'a\\'; SELECT 2 --'", "1", "."],
)  # fmt: skip
def test_what_is_no_single_statement_fails(sql: str) -> None:
    with pytest.raises(QueryFailedError):
        refuse_writes(sql)
