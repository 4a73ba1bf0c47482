"""A server that dies in mid-query and comes back, and calls that are stopped while they connect."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import psycopg
import pytest

from benchmarks.servers import PostgresServer, postgres_server
from buster_tasks.errors import ConnectionFailedError, QueryCanceledError
from buster_tasks.sources.postgres import PostgresSource

pytestmark = pytest.mark.anyio

SourceOf = Callable[..., PostgresSource]
OURS = "SELECT pid FROM pg_stat_activity WHERE application_name = 'buster-tasks'"


@pytest.fixture
def own(server: PostgresServer) -> Iterator[PostgresServer]:
    """A server that the test may end, and that logs every statement."""
    with postgres_server("log_statement=all") as own:
        yield own


@pytest.fixture(autouse=True)
async def leaves_no_thread() -> AsyncIterator[None]:
    yield
    await until(lambda: not any("postgres-" in one.name for one in threading.enumerate()))


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not await asyncio.to_thread(holds):
            await asyncio.sleep(0)


def ask(server: PostgresServer, sql: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(server.dsn(), autocommit=True) as admin:
        return admin.execute(sql.encode()).fetchall()


async def test_a_server_that_is_killed_in_mid_query_and_comes_back(
    own: PostgresServer, source_of: SourceOf
) -> None:
    source = source_of(port=own.port)
    call = asyncio.create_task(source.execute("SELECT pg_sleep(600)", timeout=600))
    await until(lambda: bool(ask(own, f"{OURS} AND state = 'active' AND query LIKE 'FETCH%'")))
    ((backend,),) = ask(own, OURS)
    began = time.monotonic()
    os.kill(own.process.pid, signal.SIGKILL)
    os.kill(backend, signal.SIGKILL)  # it would only see after a while that its parent is gone
    with pytest.raises(ConnectionFailedError) as caught:
        await call
    assert caught.value.transient
    with pytest.raises(ConnectionFailedError):
        await source.execute("SELECT 1")
    assert time.monotonic() - began < 5
    await asyncio.to_thread(own.process.wait, 10)
    await asyncio.to_thread(own.start)
    assert (await source.execute("SELECT 1")).rows == [(1,)]
    assert len(ask(own, OURS)) == 1
    await source.close()
    await until(lambda: ask(own, OURS) == [])


class Gate:
    """A way to the server that lets nobody through before it is opened."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self.reached, self.opened = asyncio.Event(), asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reached.set()
        await self.opened.wait()
        inner = await asyncio.open_connection(self._server.host, self._server.port)
        await asyncio.gather(carry(reader, inner[1]), carry(inner[0], writer))


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


@pytest.mark.parametrize("how", ["cancel", "task"])
async def test_a_statement_that_is_stopped_while_it_connects_never_reaches_the_server(
    own: PostgresServer, source_of: SourceOf, how: str
) -> None:
    gate = Gate(own)
    listener = await asyncio.start_server(gate, "127.0.0.1", 0)
    source = source_of(port=listener.sockets[0].getsockname()[1], ssl=False)
    call = asyncio.create_task(source.execute("SELECT 'canary-4d1f'"))
    await gate.reached.wait()
    if how == "cancel":
        await source.cancel()
    else:
        call.cancel()
    gate.opened.set()
    with pytest.raises(QueryCanceledError if how == "cancel" else asyncio.CancelledError):
        await call
    assert (await source.execute("SELECT 'one that is logged'")).row_count == 1
    await source.close()
    listener.close()
    await until(lambda: ask(own, OURS) == [])
    log = (own.folder / "log").read_text(errors="replace")
    assert ("one that is logged" in log, "canary-4d1f" in log) == (True, False)
