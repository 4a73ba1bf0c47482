import pytest

from buster_tasks.errors import PermissionDeniedError, QueryFailedError
from buster_tasks.sources.sqlserver.reading_only import refuse_writes

READS = [
    "SELECT 1", "select 1;", "  -- DELETE\n SELECT 1", "/* DROP /* nested */ TABLE t */ SELECT 1", "(SELECT 1)",
    "WITH a AS (SELECT 1 AS x), b AS (SELECT 2 AS y) SELECT * FROM a, b", "SELECT 1 UNION ALL SELECT 2",
    "SELECT 1 EXCEPT SELECT 2 INTERSECT SELECT 3", "SELECT 'DELETE; DROP' AS t, [delete], \"INTO\" FROM [x]]; DROP]",
    "SELECT (SELECT MAX(a) FROM t) AS m FROM t WHERE EXISTS (SELECT 1)", "SELECT N'it''s' AS t;;",
    "SELECT * FROM a INNER MERGE JOIN b ON a.x = b.x OPTION (MERGE JOIN, USE HINT ('x'))",
    "SELECT a FROM t ORDER BY a OFFSET 5 ROWS FETCH NEXT 5 ROWS ONLY", "SELECT updated, [set] FROM deleted_rows",
    "SELECT CASE WHEN a = 1 THEN 2 ELSE 3 END FROM t", "SELECT 0xDEADBEEF, 1e5, $1.50, .5", "SELECT @@VERSION",
    "SELECT IIF(a > 1, 2, 3) FROM t WITH (NOLOCK)", "SELECT * FROM t FOR JSON AUTO", "SELECT '--' AS a, '/*' AS b",
]  # fmt: skip
WRITES = [
    "DELETE FROM t", "SELECT 1 DELETE FROM t", "SELECT 1; DELETE FROM t", "SELECT 1DELETE FROM t",
    "SELECT 1eDELETE FROM t",
    "SELECT $1DELETE FROM t", "SELECT .5DELETE FROM t", "SELECT 'a'DELETE FROM t", "SELECT [a]DELETE FROM t",
    "SELECT 1/**/DELETE/**/FROM t", "SELECT * INTO t2 FROM t", "WITH a AS (SELECT 1 AS x) UPDATE t SET a = 1",
    "WITH a AS (SELECT 1 AS x) INSERT t SELECT * FROM a", "MERGE t USING s ON 1 = 1 WHEN MATCHED THEN DELETE",
    "EXEC sp_who", "execute sp_who", "SELECT * FROM OPENROWSET(BULK 'x', SINGLE_CLOB) AS t",
    "SELECT * FROM OPENQUERY(linked, 'DELETE FROM t')", "SELECT * FROM OPENDATASOURCE('x', 'y').a.b.c",
    "SELECT NEXT VALUE FOR s", "SELECT NEXT/**/VALUE\nFOR s", "TRUNCATE TABLE t", "USE master", "SELECT 1 USE master",
    "SET NOCOUNT ON", "DECLARE @a int", "BEGIN TRAN", "COMMIT", "SELECT 1 COMMIT", "SELECT 1 WAITFOR DELAY '1:00'",
    "SELECT 1 SHUTDOWN", "SELECT 1 KILL 51", "GRANT SELECT TO x", "SELECT 1 IF 1 = 1 SELECT 2", "SELECT 1 DBCC HELP",
    "SELECT 1 ADD SENSITIVITY CLASSIFICATION TO t.a WITH (LABEL = 'x')", "SELECT 1 OPEN SYMMETRIC KEY k",
    "SELECT 1 SETUSER 'x'", "SELECT 1 REVERT", "ENABLE TRIGGER x ON t", "THROW 50000, 'x', 1",
    "/* /* */ SELECT 1 */ DROP TABLE t", "SELECT '\n'DROP TABLE t --'", 'SELECT "a"DROP TABLE t',
]  # fmt: skip
WRONG = [
    "", " \n", ";", "-- nothing", "/* SELECT 1 */", "SELEC 1", "sp_who", "SELECT 1; SELECT 2", "SELECT 1 SELECT 2",
    "SELECT 'a", "SELECT [a", 'SELECT "a', "SELECT 1 /* a", "SELECT 1 /* /* */", "SELECT 1\0", "SELECT 1; ; x",
    "SELECT '\0'", "1", "VALUES (1)",
]  # fmt: skip


@pytest.mark.parametrize("sql", READS)
def test_a_select_is_let_through(sql: str) -> None:
    refuse_writes(sql)


@pytest.mark.parametrize("sql", WRITES)
def test_what_may_do_more_is_refused(sql: str) -> None:
    with pytest.raises(PermissionDeniedError) as caught:
        refuse_writes(sql)
    assert caught.value.fix


@pytest.mark.parametrize("sql", WRONG)
def test_what_is_no_single_select_is_wrong(sql: str) -> None:
    with pytest.raises(QueryFailedError) as caught:
        refuse_writes(sql)
    assert caught.value.fix
