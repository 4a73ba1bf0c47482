"""Time that a test moves: through each due moment in order, and only as far as it is told."""

import asyncio
import contextvars
import threading
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

import taskkit
from taskkit import RunStatus, task, wait
from taskkit.errors import InvalidDurationError, InvalidOptionError
from taskkit.model.clock import sleep
from taskkit.testing import FakeClock

pytestmark = pytest.mark.anyio

START = datetime(2030, 1, 1, tzinfo=UTC)


async def test_it_stands_still_until_it_is_moved(clock: FakeClock) -> None:
    assert (clock.now(), clock.monotonic()) == (START, 0)
    await clock.advance("1h")
    assert (clock.now(), clock.monotonic()) == (START + timedelta(hours=1), 3600)
    await clock.advance_to(START + timedelta(days=1))
    assert (clock.now(), clock.monotonic()) == (START + timedelta(days=1), 86400)
    assert repr(clock) == "<FakeClock at 2030-01-02T00:00:00+00:00>"


async def test_it_starts_where_it_is_told_and_speaks_utc() -> None:
    clock = FakeClock(datetime(2031, 5, 1, 12, tzinfo=timezone(timedelta(hours=2))))
    assert clock.now() == datetime(2031, 5, 1, 10, tzinfo=UTC)
    assert clock.now().tzinfo is UTC


async def test_timers_ring_in_order_at_their_own_moments(clock: FakeClock) -> None:
    seen: list[tuple[str, float]] = []

    def note(name: str) -> Any:
        return lambda: seen.append((name, clock.monotonic()))

    clock.call_at(3, note("third"))
    clock.call_at(1, note("first"))
    clock.call_at(2, note("second"))
    clock.call_at(2, note("second again"))
    canceled = clock.call_at(2.5, note("canceled"))
    clock.call_at(10, note("too late"))
    canceled.cancel()
    await clock.advance(5)
    assert seen == [("first", 1), ("second", 2), ("second again", 2), ("third", 3)]
    assert clock.monotonic() == 5


async def test_a_timer_that_another_one_sets_rings_in_the_same_move(clock: FakeClock) -> None:
    seen: list[float] = []

    def again() -> None:
        seen.append(clock.monotonic())
        if len(seen) < 4:
            clock.call_at(clock.monotonic() + 10, again)

    clock.call_at(10, again)
    await clock.advance(35)
    assert seen == [10, 20, 30]


async def test_what_is_due_happens_before_time_goes_on(clock: FakeClock) -> None:
    seen: list[tuple[str, float]] = []

    async def sleeper(name: str, *lengths: float) -> None:
        for length in lengths:
            await sleep(clock, length)
            seen.append((name, clock.monotonic()))

    tasks = [
        asyncio.create_task(sleeper("a", 1, 1, 1)),
        asyncio.create_task(sleeper("b", 2.5)),
    ]
    await clock.advance(3)
    assert seen == [("a", 1), ("a", 2), ("b", 2.5), ("a", 3)]
    assert all(one.done() for one in tasks)


async def test_a_moment_that_is_past_already_rings_at_the_next_move(clock: FakeClock) -> None:
    await clock.advance(10)
    seen: list[float] = []
    clock.call_at(5, lambda: seen.append(clock.monotonic()))
    await asyncio.sleep(0)
    assert seen == []
    await clock.advance(0)
    assert seen == [10]


async def test_a_timer_rings_in_the_context_in_which_it_was_set(clock: FakeClock) -> None:
    name = contextvars.ContextVar("name", default="nobody")
    seen: list[str] = []
    name.set("set")
    clock.call_at(1, lambda: seen.append(name.get()))
    name.set("moved")
    await clock.advance(1)
    assert seen == ["set"]


async def test_it_waits_for_threads_that_work_for_runs(clock: FakeClock) -> None:
    """A `def` task that takes a while is over before the next due moment comes."""
    seen: list[str] = []
    entered, let_go = threading.Event(), threading.Event()

    @task()
    def work() -> None:
        entered.set()
        let_go.wait(10)
        seen.append("thread")

    async with taskkit.local(clock=clock):
        await work.trigger()
        clock.call_at(1, lambda: seen.append("timer"))
        moving = asyncio.create_task(clock.advance(1))
        await asyncio.to_thread(entered.wait, 10)
        assert seen == []
        let_go.set()
        await moving
    assert seen == ["thread", "timer"]


async def test_a_thread_that_waits_for_its_time_does_not_hold_it_up(clock: FakeClock) -> None:
    @task()
    def work() -> str:
        wait.sync.sleep("1h")
        return "slept"

    async with taskkit.local(clock=clock):
        handle = await work.trigger()
        await clock.advance("59m")
        assert (await handle.retrieve()).status == RunStatus.WAITING
        await clock.advance("1m")
        assert (await handle.retrieve()).output == "slept"


async def test_runs_retries_and_delays_follow_it(clock: FakeClock) -> None:
    seen: list[float] = []

    @task(retry=taskkit.Retry(3, 60, 600, 10, randomize=False))
    async def work() -> None:
        seen.append(clock.monotonic())
        raise ValueError("broken")

    async with taskkit.local(clock=clock):
        await work.trigger(delay="1h")
        await clock.advance("1d")
    assert seen == [3600, 3660, 4260]


@pytest.mark.parametrize("duration", [-1, "1 h", float("nan"), True, None])
async def test_a_move_is_a_length_of_time(clock: FakeClock, duration: Any) -> None:
    with pytest.raises(InvalidDurationError, match=r"^the duration to advance is "):
        await clock.advance(duration)
    assert clock.monotonic() == 0


async def test_time_only_moves_on(clock: FakeClock) -> None:
    with pytest.raises(InvalidOptionError, match="and time only moves on"):
        await clock.advance_to(START - timedelta(seconds=1))
    await clock.advance_to(START)


NAIVE = datetime(2031, 1, 1)  # noqa: DTZ001 - the mistake that is tested


async def test_moments_are_aware(clock: FakeClock) -> None:
    with pytest.raises(InvalidOptionError, match="give an aware datetime"):
        await clock.advance_to(NAIVE)
    with pytest.raises(InvalidOptionError, match="give an aware datetime"):
        FakeClock(NAIVE)
