"""Statements of users: values, limits, what is refused, and how they are stopped."""

import asyncio
import time
from collections.abc import Callable
from datetime import date, datetime, time as time_of_day, timedelta
from decimal import Decimal
from typing import Any

import pytest

from buster_tasks.errors import (
    ConnectionFailedError,
    PermissionDeniedError,
    QueryCanceledError,
    QueryFailedError,
    SourceError,
    SourceTimeoutError,
)
from buster_tasks.sources.mysql import MysqlSource

pytestmark = pytest.mark.anyio

OpenSource = Callable[..., MysqlSource]
LONG = "SELECT COUNT(*) FROM seq_1_to_1000000 a, seq_1_to_1000000 b"

VALUES = """
CREATE TABLE v (
    tiny TINYINT, big BIGINT UNSIGNED, amount DECIMAL(20, 4), ratio DOUBLE, single FLOAT, day DATE,
    made DATETIME(6), seen TIMESTAMP NULL, clock TIME(2), long_clock TIME, yr YEAR, bits BIT(10), word VARCHAR(9),
    fixed CHAR(3), body TEXT, raw VARBINARY(9), image BLOB, state ENUM('a', 'b'), flags SET('x', 'y'),
    document JSON, place POINT, token UUID
)
"""
ROW = """
INSERT INTO v VALUES (
    -5, 18446744073709551615, -12345678901234.5678, 0.1, 1.5, '2024-02-29', '2024-02-29 23:59:59.000001',
    '2024-02-29 12:00:00', '23:59:59.25', '-100:00:01', 2024, b'1000000001', 'wörd 🦊', 'abc', 'long', x'00ff27',
    x'80', 'b', 'x,y', '{"a": [1, null]}', POINT(1, 2), '123e4567-e89b-12d3-a456-426655440000'
)
"""


async def test_values_by_type(account: Any, source: MysqlSource) -> None:
    account.run(VALUES, ROW, "INSERT INTO v (tiny) VALUES (NULL)")
    result = await source.execute("SELECT * FROM v")
    names = [column.name for column in result.columns]
    point = bytes(4) + bytes.fromhex("0101000000000000000000f03f0000000000000040")
    assert dict(zip(names, result.rows[0], strict=True)) == {
        "tiny": -5, "big": 2**64 - 1, "amount": Decimal("-12345678901234.5678"), "ratio": 0.1, "single": 1.5,
        "day": date(2024, 2, 29),
        "made": datetime.fromisoformat("2024-02-29 23:59:59.000001"),
        "seen": datetime.fromisoformat("2024-02-29 12:00"),
        "clock": time_of_day(23, 59, 59, 250_000), "long_clock": -timedelta(hours=100, seconds=1), "yr": 2024,
        "bits": 0b1000000001, "word": "wörd 🦊", "fixed": "abc", "body": "long", "raw": b"\0\xff'", "image": b"\x80",
        "state": "b", "flags": "x,y", "document": '{"a": [1, null]}', "place": point,
        "token": "123e4567-e89b-12d3-a456-426655440000",
    }  # fmt: skip
    assert set(result.rows[1]) == {None}
    types = {column.name: column.data_type for column in result.columns}
    assert {name: types[name] for name in ("big", "amount", "word", "raw", "body", "image", "state", "place")} == {
        "big": "bigint unsigned", "amount": "decimal", "word": "varchar", "raw": "varbinary", "body": "text",
        "image": "blob", "state": "enum", "place": "geometry",
    }  # fmt: skip


async def test_dates_that_python_has_not_stay_text(account: Any, source: MysqlSource) -> None:
    account.run(
        "CREATE TABLE z (a DATE, b DATETIME, c TIMESTAMP NULL)",
        "SET SESSION sql_mode = ''",
        "INSERT INTO z VALUES ('0000-00-00', '0000-00-00', '0000-00-00'), ('2024-00-10', '2024-02-00', NULL)",
    )
    result = await source.execute("SELECT * FROM z")
    assert result.rows == [
        ("0000-00-00", "0000-00-00 00:00:00", "0000-00-00 00:00:00"),
        ("2024-00-10", "2024-02-00 00:00:00", None),
    ]


async def test_text_that_is_no_utf8_stays_bytes(source: MysqlSource) -> None:
    result = await source.execute("SELECT CAST(x'ff41' AS CHAR CHARACTER SET latin1), x'ff41'")
    assert result.rows == [("ÿA", b"\xffA")]


@pytest.mark.parametrize(
    "sql", ["SELECT seq FROM seq_1_to_10", "SELECT seq FROM seq_1_to_10 LIMIT 10"]
)
async def test_max_rows_is_exact_and_truncated_is_true(source: MysqlSource, sql: str) -> None:
    for limit, expected, truncated in (
        (0, 0, True),
        (1, 1, True),
        (9, 9, True),
        (10, 10, False),
        (11, 10, False),
    ):
        result = await source.execute(sql, max_rows=limit)
        assert (result.row_count, result.truncated) == (expected, truncated)
    assert [row[0] for row in (await source.execute(sql, max_rows=3)).rows] == [1, 2, 3]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT COUNT(*) FROM (SELECT seq FROM seq_1_to_50) q",
        "WITH w AS (SELECT seq FROM seq_1_to_50) SELECT COUNT(*) FROM w",
        "SELECT COUNT(*) FROM seq_1_to_50 WHERE seq IN (SELECT seq FROM seq_1_to_50)",
    ],
)
async def test_the_limit_of_rows_reaches_the_result_alone(source: MysqlSource, sql: str) -> None:
    assert (await source.execute(sql, max_rows=2)).rows == [(50,)]


async def test_what_is_not_wanted_of_a_large_result_is_not_fetched(
    account: Any, source: MysqlSource
) -> None:
    await source.open()
    began = time.perf_counter()
    result = await source.execute(
        "SELECT seq, REPEAT('x', 1000) FROM seq_1_to_50000000 LIMIT 50000000", max_rows=5
    )
    assert (result.row_count, result.truncated) == (5, True)
    assert time.perf_counter() - began < 5  # fifty gigabytes take longer
    assert not account.running("SELECT seq")
    assert (await source.execute("SELECT 1")).rows == [(1,)]


async def test_a_percent_sign_is_no_parameter(source: MysqlSource) -> None:
    assert (await source.execute("SELECT '100%', '%s', 'a' LIKE 'a%'")).rows == [("100%", "%s", 1)]


REFUSED = [
    "DELETE FROM t", "INSERT INTO t VALUES (2)", "UPDATE t SET a = 2", "DROP TABLE t", "TRUNCATE t",
    "CREATE TABLE u (a INT)", "CREATE TEMPORARY TABLE u (a INT)", "SET GLOBAL max_connections = 1", "FLUSH TABLES",
    "COMMIT", "CALL p()", "LOCK TABLES t WRITE", "KILL 1", "HANDLER t OPEN", "DO 1", "ANALYZE TABLE t",
    "/* a */ -- b\n # c\n DELETE FROM t", "(DELETE FROM t)", "/*! DELETE FROM t */", "/*M! DELETE FROM t */",
    "/*!50000 DELETE */ FROM t", "SELECT a FROM t FOR UPDATE", "EXPLAIN UPDATE t SET a = 2", "SELECT bump()",
    "SELECT NEXTVAL(s)", "SELECT 1 INTO OUTFILE '/tmp/x'", "SELECT 1 INTO/**/DUMPFILE '/tmp/x'",
    "SELECT 1 /*! INTO OUTFILE '/tmp/x' */", "LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE t", "BEGIN",
    "WITH w AS (SELECT 1) DELETE FROM t", "PREPARE x FROM 'DELETE FROM t'", "XA START 'a'",
]  # fmt: skip


async def test_whatever_would_write_is_refused(account: Any, source: MysqlSource) -> None:
    account.run(
        "CREATE TABLE t (a INT)",
        "INSERT INTO t VALUES (1)",
        "CREATE SEQUENCE s",
        "CREATE FUNCTION bump() RETURNS INT BEGIN UPDATE t SET a = a + 1; RETURN 1; END",
    )
    for sql in REFUSED:
        try:
            await source.execute(sql)
        except PermissionDeniedError:
            continue
        except QueryFailedError:
            assert sql.startswith(("WITH", "(DELETE")), sql  # MariaDB knows no such statement
            continue
        pytest.fail(f"let through: {sql}")
    assert account.run("SELECT a FROM t") == [(1,)]
    assert account.run("SELECT NEXTVAL(s)") == [(1,)]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1", "  select 1;", "-- hi\nSELECT 1", "/* a */ (SELECT 1)", "# a\nSELECT 1", "VALUES (1)",
        "WITH w AS (SELECT 1) SELECT * FROM w", "SHOW DATABASES", "EXPLAIN SELECT 1",
        "DESCRIBE information_schema.tables",
        "((SELECT 1) UNION (SELECT 2))", "SELECT 1 /*! + 1 */",
    ],
)  # fmt: skip
async def test_reads_are_let_through(source: MysqlSource, sql: str) -> None:
    assert (await source.execute(sql)).row_count > 0


@pytest.mark.parametrize(
    "sql",
    ["SELECT 1; SELECT 2", "SELECT 1; DROP TABLE t", "", "-- nothing", "SELECT nope"],
)
async def test_one_statement_and_a_right_one(source: MysqlSource, sql: str) -> None:
    with pytest.raises(QueryFailedError):
        await source.execute(sql)
    assert (await source.execute("SELECT 1")).rows == [(1,)]


@pytest.mark.parametrize("sql", [LONG, "SELECT SLEEP(60)", "SELECT SLEEP(60) FROM seq_1_to_3"])
async def test_a_statement_past_its_time_ends_on_the_server_too(
    account: Any, source: MysqlSource, sql: str
) -> None:
    await source.open()
    began = time.perf_counter()
    with pytest.raises(SourceTimeoutError, match=r"0\.2 s"):
        await source.execute(sql, timeout=0.2)
    assert time.perf_counter() - began < 1.5
    assert not account.running(sql)
    assert (await source.execute("SELECT 1")).rows == [(1,)]


@pytest.mark.parametrize("sql", [LONG, "SELECT SLEEP(60)"])
async def test_cancel_stops_the_statement_in_the_server(
    account: Any, source: MysqlSource, sql: str
) -> None:
    call = asyncio.create_task(source.execute(sql))
    while not await asyncio.to_thread(account.running, sql):
        assert not call.done()
    await source.cancel()
    with pytest.raises(QueryCanceledError):
        await call
    # it is not begun again, as one is that was hit by the end of an earlier one
    assert source.statements == 1
    assert not account.running(sql)
    await account.until_connected_once()
    assert (await source.execute("SELECT 1")).rows == [(1,)]


async def test_cancelling_the_task_that_waits_stops_the_statement_too(
    account: Any, source: MysqlSource
) -> None:
    call = asyncio.create_task(source.execute(LONG))
    while not await asyncio.to_thread(account.running, LONG):
        assert not call.done()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    while await asyncio.to_thread(account.running, LONG):
        pass
    assert (await source.execute("SELECT 1")).rows == [(1,)]
    await account.until_connected_once()


async def test_closing_in_mid_statement_leaves_nothing_behind(
    account: Any, open_source: OpenSource
) -> None:
    source = open_source()
    call = asyncio.create_task(source.execute(LONG))
    while not await asyncio.to_thread(account.running, LONG):
        assert not call.done()
    began = time.perf_counter()
    await source.close()
    assert time.perf_counter() - began < 2
    with pytest.raises(QueryCanceledError):
        await call
    await account.until_alone()
    with pytest.raises(ConnectionFailedError, match="closed"):
        await source.execute("SELECT 1")
    await source.close()


async def test_a_statement_that_somebody_else_kills_is_said_to_be_stopped(
    account: Any, source: MysqlSource
) -> None:
    call = asyncio.create_task(source.execute(LONG))
    while not await asyncio.to_thread(account.running, LONG):
        assert not call.done()
    [[number]] = account.run(
        f"SELECT ID FROM information_schema.PROCESSLIST WHERE USER = '{account.name}'"
    )
    account.run(f"KILL QUERY {number}")
    with pytest.raises(QueryCanceledError, match="on the server"):
        await call


async def test_also_after_one_that_was_canceled(account: Any, source: MysqlSource) -> None:
    for stop in (source.cancel, lambda: asyncio.to_thread(kill_from_elsewhere, account)):
        call = asyncio.create_task(source.execute(LONG))
        while not await asyncio.to_thread(account.running, LONG):
            assert not call.done()
        await stop()
        with pytest.raises(QueryCanceledError):
            await call
    assert source.statements == 2


def kill_from_elsewhere(account: Any) -> None:
    for (number,) in account.run(
        f"SELECT ID FROM information_schema.PROCESSLIST WHERE USER = '{account.name}' AND INFO LIKE 'SELECT COUNT%'"
    ):
        account.run(f"KILL QUERY {number}")


async def test_a_connection_that_was_killed_is_made_anew(account: Any, source: MysqlSource) -> None:
    await source.open()
    [[number]] = account.run(
        f"SELECT ID FROM information_schema.PROCESSLIST WHERE USER = '{account.name}'"
    )
    account.run(f"KILL {number}")
    with pytest.raises(ConnectionFailedError) as caught:
        await source.execute("SELECT 1")
    assert caught.value.transient
    assert (await source.execute("SELECT 1")).rows == [(1,)]


async def test_a_user_without_the_right_is_told(account: Any, source: MysqlSource) -> None:
    account.run(
        "CREATE TABLE t (a INT, b INT)",
        f"REVOKE ALL ON {account.name}.* FROM {account.name}@'%'",
        f"GRANT SELECT (a) ON {account.name}.t TO {account.name}@'%'",
    )
    for sql in ("SELECT b FROM t", "SELECT * FROM u", "SELECT * FROM mysql.user"):
        with pytest.raises(PermissionDeniedError) as caught:
            await source.execute(sql)
        assert not caught.value.transient
    assert (await source.execute("SELECT a FROM t")).rows == []


async def test_calls_are_carried_out_one_after_the_other(source: MysqlSource) -> None:
    results = await asyncio.gather(*(source.execute(f"SELECT {number}") for number in range(20)))
    assert [result.rows[0][0] for result in results] == list(range(20))


async def test_no_error_shows_the_password(account: Any, open_source: OpenSource) -> None:
    source = open_source(password="canary-7f3a")
    with pytest.raises(SourceError) as caught:
        await source.execute("SELECT 1")
    error: BaseException | None = caught.value
    while error is not None:
        assert "canary-7f3a" not in f"{error} {error!r}"
        error = error.__cause__ or error.__context__
