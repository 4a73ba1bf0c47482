"""What a test can make a FakeSource do."""

import asyncio
from datetime import UTC, datetime

import pytest

from buster_tasks.errors import (
    AuthenticationError,
    ConnectionFailedError,
    QueryCanceledError,
    QueryFailedError,
    SourceTimeoutError,
)
from buster_tasks.sources import DataSource, QueryColumn, QueryResult
from buster_tasks.sources.schema import Database, Filters, Introspection, Schema, Table
from buster_tasks.testing import FakeSource

pytestmark = pytest.mark.anyio

SQL = "SELECT a FROM t"
ANSWER = QueryResult((QueryColumn("a"),), [(1,), (2,)], truncated=False)
FOUND = Introspection(
    data_source_name="shop",
    data_source_type="sqlite",
    databases=[Database(name="shop")],
    schemas=[Schema(name="main", database="shop")],
    tables=[Table(name=name, schema="main", database="shop") for name in ("t", "other")],
    introspected_at=datetime(2030, 1, 1, tzinfo=UTC),
)


@pytest.fixture
def source() -> FakeSource:
    return FakeSource(FOUND, {SQL: ANSWER})


async def test_it_is_a_data_source_and_writes_down_what_is_called(source: FakeSource) -> None:
    as_protocol: DataSource = source
    async with as_protocol as opened:
        await opened.test()
        found = await opened.introspect(Filters(tables=["t"]))
        result = await opened.execute(SQL, max_rows=1)
    assert [table.name for table in found.tables] == ["t"]
    assert (result.rows, result.truncated) == ([(1,)], True)
    calls = [("open",), ("test",), ("introspect",), ("execute", SQL), ("close",)]
    assert source.calls == calls
    assert source.is_closed


async def test_it_fails_as_often_as_it_is_told(source: FakeSource) -> None:
    source.fail("open", ConnectionFailedError("It is down."), times=2)
    source.fail("test", AuthenticationError("No."))
    for _ in range(2):
        with pytest.raises(ConnectionFailedError):
            await source.open()
    await source.open()
    assert (await source.test()).error_code == "AUTHENTICATION_FAILED"
    assert (await source.test()).ok


async def test_a_call_waits_at_its_gate(source: FakeSource) -> None:
    gate = source.hold("execute", SQL)
    running = asyncio.ensure_future(source.execute(SQL))
    await gate.reached()
    assert not running.done()
    gate.open()
    assert (await running).rows == ANSWER.rows
    assert (await source.execute(SQL)).rows == ANSWER.rows


async def test_what_waits_is_canceled_out_of_time_or_closed(source: FakeSource) -> None:
    gate = source.hold("execute")
    with pytest.raises(SourceTimeoutError):
        await source.execute(SQL, timeout=0)
    for stop in (source.cancel, source.close):
        running = asyncio.ensure_future(source.execute(SQL))
        await gate.reached()
        await asyncio.sleep(0)
        await stop()
        with pytest.raises(QueryCanceledError):
            await running


async def test_an_unknown_statement_names_itself(source: FakeSource) -> None:
    with pytest.raises(QueryFailedError, match="SELECT b"):
        await source.execute("SELECT b")
