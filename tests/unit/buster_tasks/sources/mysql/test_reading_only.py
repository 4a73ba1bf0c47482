import pytest
from hypothesis import given, strategies as st

from buster_tasks.errors import PermissionDeniedError, QueryFailedError, SourceError
from buster_tasks.sources.mysql.reading_only import refuse_writes


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1", "\t\nselect 1", "((SELECT 1))", "-- c\nSELECT 1", "--\nSELECT 1", "# c\nSELECT 1",
        "/* DELETE */ SELECT 1", "/**/SELECT 1", "WITH a AS (SELECT 1) SELECT 1", "TABLE t", "VALUES ROW(1)",
        "show tables", "EXPLAIN SELECT 1", "DESC t", "SELECT 'into file'", "", "-- nothing",
        "SELECT outfile_name FROM t",
    ],
)  # fmt: skip
def test_reads(sql: str) -> None:
    refuse_writes(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM t", "set @a = 1", "/*!50000 SELECT 1 */", "/*!SELECT*/ 1", "/*M!100100 SELECT 1 */", ";SELECT 1",
        "--SELECT\nDELETE FROM t", "/* unclosed SELECT 1", "`SELECT` 1", "@@x", "SELECT 1 into  outfile 'x'",
        "SELECT 1 INTO/**/DumpFile 'x'", "SELECT 'a outfile b'", "\ufeffSELECT 1", "1",
    ],
)  # fmt: skip
def test_what_may_be_more_than_a_read(sql: str) -> None:
    with pytest.raises(PermissionDeniedError):
        refuse_writes(sql)


def test_a_word_that_begins_no_statement() -> None:
    with pytest.raises(QueryFailedError, match="SELEC"):
        refuse_writes("SELEC 1")


@given(st.text(alphabet="/*!-#M \n(;selctSELCTdrop'\"", max_size=40))
def test_no_text_is_an_error_of_another_kind(sql: str) -> None:
    try:
        refuse_writes(sql)
    except SourceError:
        return


def test_a_long_text_takes_no_time() -> None:
    refuse_writes("/* */ " * 50_000 + "(" * 50_000 + "SELECT 1")
    refuse_writes(" " * 1_000_000 + "SELECT 1")
    with pytest.raises(PermissionDeniedError):
        refuse_writes("/*" * 5_000)
