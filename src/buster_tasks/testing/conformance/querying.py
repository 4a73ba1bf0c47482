"""Reading statements: exact rows, true `truncated`, values by type."""

from __future__ import annotations

from buster_tasks.errors import QueryFailedError, SourceError
from buster_tasks.testing.conformance.check import Trial, check
from buster_tasks.testing.fixture import CUSTOMER, EVERY_TYPE, TYPES
from taskkit.testing.conformance.check import expect, expect_error, expect_that

_MANY = 2_000
_PAGES = 3_125  # customers to the fifth: more than any driver gives in one page


@check()
async def rows_and_columns_are_as_asked(trial: Trial) -> None:
    """Columns come in the order of the statement under their names, rows in the order of the database."""
    called = trial.dialect.name("called")  # quoted, since some databases change what is not
    sql = f"SELECT name AS {called}, id FROM {trial.table(CUSTOMER.name)} ORDER BY id DESC"
    result = await trial.source.execute(sql)
    expect("the columns", [column.name for column in result.columns], ["called", "id"])
    expect("the rows", result.rows, [(f"name {at}", at) for at in range(5, 0, -1)])
    expect("row_count", result.row_count, 5)


@check()
async def truncated_is_true_exactly_when_there_is_more(trial: Trial) -> None:
    """At most `max_rows` rows come, and `truncated` is False when those are all, to the row."""
    sql = f"SELECT id FROM {trial.table(CUSTOMER.name)} ORDER BY id"
    for most, rows, truncated in (
        (0, 0, True),
        (1, 1, True),
        (4, 4, True),
        (5, 5, False),
        (6, 5, False),
    ):
        result = await trial.source.execute(sql, max_rows=most)
        told = (result.rows, result.truncated)
        expect(f"max_rows={most} of 5", told, ([(at + 1,) for at in range(rows)], truncated))


@check()
async def many_rows_come_all(trial: Trial) -> None:
    """No row is lost or doubled between the pages in which they are fetched."""
    sql = _numbers(trial, _PAGES)
    result = await trial.source.execute(sql, max_rows=_PAGES)
    told = ([row[0] for row in result.rows] == list(range(_PAGES)), result.truncated)
    expect(f"whether all of {_PAGES} rows came, and truncated", told, (True, False))
    less = await trial.source.execute(sql, max_rows=_PAGES - 1)
    expect("one fewer", (less.row_count, less.truncated), (_PAGES - 1, True))


@check()
async def max_rows_is_exact_around_a_page(trial: Trial) -> None:
    """Around as many rows as the source fetches at once all come that may, no other, and `truncated` is true."""
    page = trial.dialect.page
    for there in (page, page + 1):
        sql = _numbers(trial, there)
        for most in (0, 1, page - 1, page, page + 1, page + 2):
            result = await trial.source.execute(sql, max_rows=most)
            rows = min(there, most)
            told = ([row[0] for row in result.rows] == list(range(rows)), len(result.rows))
            what = f"whether the rows of max_rows={most} of {there} are right"
            expect(what, (*told, result.truncated), (True, rows, there > most))


@check()
async def max_bytes_bounds_a_result(trial: Trial) -> None:
    """A result is cut before the row that is over `max_bytes`, and says so; without a limit, or within it, all come."""
    sql = _numbers(trial, _MANY)
    for most in (None, 1_000_000):
        result = await trial.source.execute(sql, max_rows=_MANY, max_bytes=most)
        told = (result.row_count, result.truncated)
        expect(f"rows of {_MANY} with max_bytes={most}, and truncated", told, (_MANY, False))
    for most in (0, 10_000):
        result = await trial.source.execute(sql, max_rows=_MANY, max_bytes=most)
        told = ([row[0] for row in result.rows] == list(range(result.row_count)), result.truncated)
        expect(f"the rows with max_bytes={most} are the first, and truncated", told, (True, True))
        within = result.row_count <= most // 8  # no value takes less than a machine's word
        expect(f"as many as fit into {most} bytes", within, True)


def _numbers(trial: Trial, count: int) -> str:
    """A statement for the numbers below the count, in order."""
    table, digits = trial.table(CUSTOMER.name), 1
    while 5**digits < count:
        digits += 1
    number = " + ".join(f"{5**at} * (t{at}.id - 1)" for at in range(digits))
    joined = ", ".join(f"{table} t{at}" for at in range(digits))
    return f"SELECT {number} AS number FROM {joined} WHERE {number} < {count} ORDER BY 1"


@check()
async def values_have_their_type(trial: Trial) -> None:
    """A value is of the Python type for its SQL type: a decimal no float, a date no text."""
    for kind in TYPES:
        sql = f"SELECT a_{kind} FROM {trial.table(EVERY_TYPE)} ORDER BY id"
        (value,), (null,) = await trial.rows(sql)
        spelling = trial.dialect.types[kind]
        told, wanted = (type(value).__name__, value), spelling.value
        expect(f"the value of type {kind}", told, (type(wanted).__name__, wanted))
        expect(f"NULL of type {kind}", null, None)


@check()
async def an_empty_result_has_its_columns(trial: Trial) -> None:
    """A statement without rows still tells its columns."""
    result = await trial.source.execute(f"SELECT id, note FROM {trial.table('empty')}")
    expect("the columns", [column.name for column in result.columns], ["id", "note"])
    expect("rows, and truncated", (result.row_count, result.truncated), (0, False))


@check()
async def columns_of_one_name_are_kept(trial: Trial) -> None:
    """Two columns of one name are two columns."""
    name = trial.dialect.name("a")
    result = await trial.source.execute(f"SELECT 1 AS {name}, 2 AS {name}")
    expect("the columns", [column.name for column in result.columns], ["a", "a"])
    expect("the rows", result.rows, [(1, 2)])


@check()
async def percent_and_colon_are_no_placeholders(trial: Trial) -> None:
    """A statement is sent as it is: what looks like a parameter is text."""
    rows = await trial.rows("SELECT '%s %(x)s :x ? {x} %' AS t")
    expect("the rows", rows, [("%s %(x)s :x ? {x} %",)])


@check()
async def wrong_sql_is_a_failed_query(trial: Trial) -> None:
    """What the database rejects is a QueryFailedError that says what to do; the source goes on."""
    for sql in ("SELECT no_such_column FROM no_such_table", "SELEC 1", "SELECT 1 FROM"):
        error = await expect_error(f"execute({sql!r})", QueryFailedError, trial.source.execute(sql))
        assert isinstance(error, SourceError)
        expect_that("its fix", error.fix, expected="what to do", came=error.fix)
    expect("the next statement", await trial.rows("SELECT 1"), [(1,)])


@check()
async def no_statement_is_an_error(trial: Trial) -> None:
    """A text without a statement is a SourceError, not an empty result."""
    for sql in ("", "  \n", ";", "-- nothing"):
        await expect_error(f"execute({sql!r})", SourceError, trial.source.execute(sql))
