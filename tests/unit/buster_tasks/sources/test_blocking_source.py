"""What every source over a blocking driver has: a session in a thread, steps, and cancel as a whole."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping

import pytest

from buster_tasks.errors import (
    ConnectionFailedError,
    PermissionDeniedError,
    QueryCanceledError,
    QueryFailedError,
    SourceError,
    SourceTimeoutError,
)
from buster_tasks.sources.base import QueryResult, Steps
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.blocking_source import BlockingSource, Identity, Wanted
from buster_tasks.sources.schema import Filters

pytestmark = pytest.mark.anyio


class Driver:
    """A session over a driver that connects and reads when it is told to, and tells what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.connecting, self.connected = threading.Event(), threading.Event()
        self.steps_closed = threading.Event()

    @property
    def statements(self) -> int:
        return len(self.asked)

    def open(self, budget: Budget) -> None:
        self.connecting.set()
        assert self.connected.wait(20)

    def select(
        self, sql: str, /, *, max_rows: int, max_bytes: int | None, budget: Budget
    ) -> QueryResult:
        self.asked.append(sql)
        return QueryResult((), [], truncated=False)

    def interrupt(self) -> None:
        """It forgets one that comes while it connects."""

    def abandon(self) -> None:
        self.connected.set()

    def close(self) -> None:
        self.asked.append("close")


class Source(BlockingSource[Driver]):
    kind = "test"
    product, extra = "Tests", "tests"

    def __init__(self, driver: Driver) -> None:
        super().__init__()
        self.driver = driver

    def _make_session(self) -> Driver:
        return self.driver

    def _identify(self, session: Driver, budget: Budget) -> Identity:
        session.asked.append("who")
        return Identity("1.0")

    def _scan(self, session: Driver, wanted: Wanted, budget: Budget) -> Steps:
        try:
            for step in range(3):
                session.asked.append(f"step {step}")
                yield step / 3, {"tables": step}
            raise AssertionError("nobody comes so far")
        finally:
            session.steps_closed.set()


@pytest.fixture
def driver() -> Driver:
    return Driver()


@pytest.fixture
async def source(driver: Driver) -> AsyncIterator[Source]:
    source = Source(driver)
    yield source
    driver.connected.set()
    await source.close()


async def reached(event: threading.Event) -> None:
    assert await asyncio.to_thread(event.wait, 20)


@pytest.mark.parametrize("how", ["cancel", "task", "close"])
async def test_a_call_that_is_stopped_while_it_connects_sends_no_statement(
    driver: Driver, source: Source, how: str
) -> None:
    call = asyncio.create_task(source.execute("SELECT canary"))
    await reached(driver.connecting)
    if how == "cancel":
        await source.cancel()
    elif how == "task":
        call.cancel()
    else:
        await source.close()
    driver.connected.set()
    with pytest.raises((QueryCanceledError, asyncio.CancelledError)) as caught:
        await call
    assert (caught.type is asyncio.CancelledError) == (how == "task")
    if how == "close":
        with pytest.raises(ConnectionFailedError):
            await source.execute("SELECT 1")
    else:
        await source.execute("SELECT 1")
    assert "SELECT canary" not in driver.asked


async def test_a_test_that_is_canceled_while_it_connects_asks_nothing(
    driver: Driver, source: Source
) -> None:
    call = asyncio.create_task(source.test())
    await reached(driver.connecting)
    await source.cancel()
    driver.connected.set()
    assert (await call).error_code == "QUERY_CANCELED"
    assert driver.asked == []


@pytest.mark.parametrize("step", [0, 1, 2])
async def test_cancel_between_two_steps_reads_no_further(
    driver: Driver, source: Source, step: int
) -> None:
    driver.connected.set()

    async def progress(phase: str, fraction: float, counts: Mapping[str, int]) -> None:
        if counts["tables"] == step:
            await source.cancel()

    with pytest.raises(QueryCanceledError):
        await source.introspect(progress=progress)
    await reached(driver.steps_closed)
    assert driver.asked == [f"step {number}" for number in range(step + 1)]
    await source.execute("SELECT 1")


async def test_cancel_stops_all_calls_and_none_that_comes_later(
    driver: Driver, source: Source
) -> None:
    calls = [asyncio.create_task(source.execute(f"SELECT {at}")) for at in range(3)]
    await reached(driver.connecting)
    await source.cancel()
    later = asyncio.create_task(source.execute("SELECT later"))
    driver.connected.set()
    ended = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(one) for one in ended] == [QueryCanceledError] * 3
    await later
    assert driver.asked == ["SELECT later"]


@pytest.mark.parametrize(
    ("error", "left", "is_forgiven"),
    [
        (PermissionDeniedError("no"), None, True),
        (QueryFailedError("no"), None, True),
        (SourceTimeoutError("late"), 0.0, True),
        (SourceTimeoutError("late"), 100.0, False),
        (SourceTimeoutError("late"), None, False),
        (QueryCanceledError("stopped"), 0.0, False),
        (ConnectionFailedError("gone"), 0.0, False),
    ],
)
def test_what_an_optional_part_may_end_with(
    error: SourceError, left: float | None, is_forgiven: bool
) -> None:
    wanted = Wanted(Filters(), "none", Budget(left))
    assert wanted.forgives(error) == is_forgiven


def test_an_optional_part_has_what_is_left() -> None:
    whole = Budget(None)
    wanted = Wanted(Filters(), "none", Budget(50.0))
    with wanted.optional(whole) as part, wanted.optional(whole, 10.0) as shorter:
        assert 40 < (part.left() or 0) <= 50
        assert 0 < (shorter.left() or 0) <= 10
        whole.stop()
        assert part.stopped
    with Wanted(Filters(), "none", Budget(None)).optional(Budget(None)) as endless:
        assert endless.left() is None
