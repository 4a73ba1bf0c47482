"""Statements on a server: values by type, limits, and what is refused."""

import asyncio
import threading
import time
import uuid
from collections.abc import Callable
from datetime import date, datetime, time as day_time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from buster_tasks.errors import (
    ConnectionFailedError,
    PermissionDeniedError,
    QueryCanceledError,
    QueryFailedError,
    SourceTimeoutError,
)
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.sqlserver import SqlserverSource, session as session_module
from buster_tasks.sources.sqlserver.session import SqlserverSession

pytestmark = pytest.mark.anyio

OpenSource = Callable[..., SqlserverSource]
ENDLESS = (
    "SELECT SUM(CAST(a.column_id AS bigint) * b.column_id % 7) "
    "FROM sys.all_columns AS a CROSS JOIN sys.all_columns AS b"
)
VALUES: list[tuple[str, object, str]] = [
    ("CAST(-7 AS int)", -7, "int"),
    ("CAST(9007199254740993 AS bigint)", 9007199254740993, "bigint"),
    ("CAST(255 AS tinyint)", 255, "tinyint"),
    ("CAST(-3 AS smallint)", -3, "smallint"),
    ("CAST(1 AS bit)", True, "bit"),
    ("CAST(0.1 AS float)", 0.1, "float"),
    ("CAST('12345678901234567890.123456' AS decimal(38,6))", Decimal("12345678901234567890.123456"), "decimal(38,6)"),
    ("CAST('-0.0100' AS decimal(9,4))", Decimal("-0.0100"), "decimal(9,4)"),
    ("CAST(12.5 AS money)", Decimal("12.5000"), "decimal(19,4)"),
    ("N'é ☃ 😀'", "é ☃ 😀", "nvarchar"),
    ("N''", "", "nvarchar"),
    ("CAST('2024-02-29' AS date)", date(2024, 2, 29), "date"),
    ("CAST('23:59:58.123456' AS time)", day_time(23, 59, 58, 123456), "time"),
    ("CAST('0001-01-01 00:00:00.000001' AS datetime2)", datetime(1, 1, 1, 0, 0, 0, 1), "datetime2"),  # noqa: DTZ001 - it has no zone
    (
        "CAST('2024-02-29 23:30:00.500000+00:00' AS datetimeoffset)",
        datetime(2024, 3, 1, 1, 30, 0, 500000, timezone(timedelta(hours=2))),
        "datetimeoffset",
    ),
    (
        "CAST('6F9619FF-8B86-D011-B42D-00C04FC964FF' AS uniqueidentifier)",
        uuid.UUID("6f9619ff-8b86-d011-b42d-00c04fc964ff"),
        "uniqueidentifier",
    ),
    ("0x00FF10", b"\x00\xff\x10", "varbinary"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "value", "name"), VALUES)
async def test_values_by_type(source: SqlserverSource, sql: str, value: object, name: str) -> None:
    result = await source.execute(f"SELECT {sql} AS a")
    (told,) = result.rows[0]
    assert (type(told), told) == (type(value), value)
    if isinstance(value, datetime) and value.tzinfo:
        assert isinstance(told, datetime)
        assert told.utcoffset() == timedelta(hours=2)
    assert result.columns[0].data_type == name


async def test_every_count_around_a_page(account: Any, source: SqlserverSource) -> None:
    for rows in (4_999, 5_000, 5_001):
        for most in (4_999, 5_000, 5_001):
            sql = f"SELECT TOP {rows} column_id FROM sys.all_columns ORDER BY column_id"
            result = await source.execute(sql, max_rows=most)
            assert (result.row_count, result.truncated) == (min(rows, most), rows > most)
            assert [row[0] for row in result.rows] == list(range(min(rows, most)))


async def test_what_is_left_of_a_large_result_is_not_waited_for(source: SqlserverSource) -> None:
    await source.open()
    began = time.perf_counter()
    sql = "SELECT a.column_id FROM sys.all_columns AS a CROSS JOIN sys.all_columns AS b"
    result = await source.execute(sql, max_rows=10)
    assert (result.row_count, result.truncated) == (10, True)
    assert (await source.execute("SELECT 1")).rows == [(1,)]
    assert time.perf_counter() - began < 3


async def test_a_transaction_is_rolled_back(
    account: Any, source: SqlserverSource, monkeypatch: Any
) -> None:
    """What a statement would write in spite of all is gone with its transaction."""
    account.run("CREATE TABLE t (a int NOT NULL)", "INSERT INTO t VALUES (1)")
    monkeypatch.setattr(session_module, "refuse_writes", lambda sql: None)
    with pytest.raises(QueryFailedError, match="no result"):
        await source.execute("INSERT INTO t VALUES (2)")
    assert (await source.execute("SELECT a FROM t")).rows == [(1,)]


async def test_questions_and_braces_are_text(source: SqlserverSource) -> None:
    sql = "SELECT N'?' AS a, N'{d ''2024-01-01''}' AS b, 'a;b' AS [c?]"
    result = await source.execute(sql)
    assert result.rows == [("?", "{d '2024-01-01'}", "a;b")]
    with pytest.raises(QueryFailedError):
        await source.execute("SELECT ? AS a")


async def test_nothing_that_writes_reaches_the_server(
    account: Any, source: SqlserverSource
) -> None:
    await source.open()
    before = source.statements
    for sql in ("DELETE FROM t", "SELECT 1; DROP TABLE t", "EXEC sp_who"):
        with pytest.raises(PermissionDeniedError):
            await source.execute(sql)
    assert source.statements == before


async def test_a_statement_past_its_time_ends_on_the_server_too(
    account: Any, source: SqlserverSource
) -> None:
    await source.open()
    began = time.perf_counter()
    with pytest.raises(SourceTimeoutError, match=r"0\.2 s"):
        await source.execute(ENDLESS, timeout=0.2)
    assert time.perf_counter() - began < 1.5
    assert not account.running()
    assert (await source.execute("SELECT 1")).rows == [(1,)]
    assert account.connections() == 1


async def test_cancel_stops_the_statement_in_the_server(
    account: Any, source: SqlserverSource
) -> None:
    call = asyncio.create_task(source.execute(ENDLESS))
    await account.until_running(call)
    await source.cancel()
    with pytest.raises(QueryCanceledError):
        await call
    assert not account.running()
    assert (await source.execute("SELECT 1")).rows == [(1,)]
    assert account.connections() == 1


async def test_cancelling_the_task_that_waits_stops_the_statement_too(
    account: Any, source: SqlserverSource
) -> None:
    call = asyncio.create_task(source.execute(ENDLESS))
    await account.until_running(call)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    while await asyncio.to_thread(account.running):
        pass
    assert (await source.execute("SELECT 1")).rows == [(1,)]


async def test_closing_in_mid_statement_leaves_nothing_behind(
    account: Any, open_source: OpenSource
) -> None:
    source = open_source()
    call = asyncio.create_task(source.execute(ENDLESS))
    await account.until_running(call)
    began = time.perf_counter()
    await source.close()
    assert time.perf_counter() - began < 2
    with pytest.raises(QueryCanceledError):
        await call
    await account.until_alone()
    with pytest.raises(ConnectionFailedError, match="closed"):
        await source.execute("SELECT 1")


async def test_two_sources_at_once(account: Any, open_source: OpenSource) -> None:
    sources = [open_source() for _ in range(5)]
    calls = [one.execute(f"SELECT {at} AS a") for at, one in enumerate(sources)]
    results = await asyncio.gather(*calls)
    assert [one.rows for one in results] == [[(at,)] for at in range(5)]
    for one in sources:
        await one.close()
    await account.until_alone()


class SlowToCancel(SqlserverSession):
    """Whose way to stop a statement takes until the next one waits for it, or runs."""

    def __init__(self, account: Any) -> None:
        super().__init__(account.credentials())
        self._account = account
        self.is_awaited = threading.Event()

    def _cancel(self) -> None:
        while not (self.is_awaited.is_set() or self._account.running()):
            pass
        super()._cancel()


async def test_a_cancel_that_comes_late_does_not_hit_the_next_statement(
    account: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, budget = SlowToCancel(account), Budget(None)
    await asyncio.to_thread(session.open, budget)
    canceller = session._canceller
    join = canceller.join

    def awaited(seconds: float) -> None:
        session.is_awaited.set()
        join(seconds)

    monkeypatch.setattr(canceller, "join", awaited)
    canceller()  # for a statement that has just ended
    call = asyncio.create_task(
        asyncio.to_thread(session.select, ENDLESS, max_rows=1, budget=budget)
    )
    await account.until_running(call)
    await asyncio.to_thread(join, 20)
    assert account.running()
    budget.stop()
    session.interrupt()
    with pytest.raises(QueryCanceledError):
        await call
    await asyncio.to_thread(session.close)
