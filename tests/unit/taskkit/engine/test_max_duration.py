"""max_duration: what ends at it, what it counts, and what is free afterwards."""

import asyncio
import math
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

import taskkit
from taskkit import Context, Retry, RunStatus, config, task, wait
from taskkit.errors import InvalidOptionError
from taskkit.session import Worker
from taskkit.testing import FakeClock

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("app")]


@pytest.fixture
async def release(app: Worker) -> AsyncIterator[asyncio.Event]:
    """What bodies that ignore their cancellation wait for, so that none is left behind."""
    event = asyncio.Event()
    yield event
    event.set()
    await asyncio.sleep(0)


async def forever() -> None:
    await asyncio.Event().wait()


async def assert_slot_is_free() -> None:
    @task(id="next-one")
    async def next_one() -> str:
        return "served"

    handle = await next_one.trigger()
    for _ in range(10):
        await asyncio.sleep(0)
    assert (await handle.retrieve()).is_success


async def test_an_async_body_is_canceled_at_its_limit(clock: FakeClock) -> None:
    seen: list[str] = []

    @task(max_duration=5, retry=Retry(9))
    async def work() -> None:
        try:
            await forever()
        except asyncio.CancelledError:
            seen.append("canceled")
            raise

    handle = await work.trigger()
    await clock.advance(4.999)
    assert (await handle.retrieve()).is_executing
    await clock.advance(0.001)
    result = await handle.result()
    assert result.status == RunStatus.TIMED_OUT
    assert seen == ["canceled"]
    assert result.error is not None
    assert (result.error.type, result.error.code) == ("INTERNAL_ERROR", "MAX_DURATION_EXCEEDED")
    assert result.error.name == "MaxDurationError"
    assert "max_duration of 5 s" in result.error.message
    assert "'work'" in result.error.message
    assert "Give it more with max_duration=" in result.error.message
    await assert_slot_is_free()


@pytest.mark.parametrize("answer", ["return", "raise"])
async def test_a_body_that_answers_its_cancellation_is_timed_out_all_the_same(
    answer: str, clock: FakeClock
) -> None:
    @task(max_duration=5, retry=Retry(9))
    async def work() -> str:
        try:
            await forever()
        except asyncio.CancelledError:
            if answer == "raise":
                raise ValueError("from the handler") from None
        return "too late"

    handle = await work.trigger()
    await clock.advance(5)
    result = await handle.result()
    assert result.status == RunStatus.TIMED_OUT
    assert result.output is None


@pytest.mark.parametrize("hooks", [False, True])
async def test_a_body_that_swallows_its_cancellation_loses_its_slot_after_two_seconds(
    hooks: bool, clock: FakeClock, release: asyncio.Event, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[Any] = []

    async def stubborn() -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                seen.append("swallowed")

    options: dict[str, Any] = {}
    if hooks:

        async def cleanup(init: Any) -> None:
            seen.append(("cleanup", init))

        async def complete(result: Any) -> None:
            seen.append(("on_complete", result.status))

        options = {"init": lambda: "prepared", "cleanup": cleanup, "on_complete": complete}
    handle = await task(id="stubborn", max_duration=5, **options)(stubborn).trigger()
    await clock.advance(6.999)
    assert (await handle.retrieve()).is_executing
    await clock.advance(0.001)
    assert (await handle.result()).status == RunStatus.TIMED_OUT
    assert "ignores its time limit" in caplog.text
    await assert_slot_is_free()
    expected: list[Any] = ["swallowed"]
    if hooks:
        expected += [("on_complete", RunStatus.TIMED_OUT), ("cleanup", "prepared")]
    assert seen == expected

    release.set()
    await clock.settle()
    assert seen == expected
    assert (await handle.retrieve()).status == RunStatus.TIMED_OUT
    await assert_slot_is_free()


async def test_what_an_ignoring_body_had_said_is_stored_before_it_is_given_up(
    clock: FakeClock, release: asyncio.Event
) -> None:

    @task(max_duration=0.5)
    async def work() -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                taskkit.metadata.set("said", "after the limit")

    async def late() -> None:
        taskkit.metadata.set("cleanup", "ran")

    work.cleanup(late)
    handle = await work.trigger()
    await clock.advance(5)
    run = await handle.retrieve()
    assert run.status == RunStatus.TIMED_OUT
    assert run.metadata == {"said": "after the limit", "cleanup": "ran"}
    release.set()
    await clock.settle()


async def test_an_abandoned_body_that_goes_on_talking_is_not_heard(
    clock: FakeClock, release: asyncio.Event, caplog: pytest.LogCaptureFixture
) -> None:

    @task(max_duration=5)
    async def work() -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        taskkit.metadata.set("late", True)
        taskkit.logger.info("late")
        await asyncio.shield(asyncio.sleep(0))

    handle = await work.trigger()
    await clock.advance(10)
    caplog.clear()
    release.set()
    await clock.advance("1m")
    assert (await handle.retrieve()).metadata == {}
    assert "sent again" not in caplog.text


async def test_a_thread_is_told_and_left_alone(clock: FakeClock) -> None:
    told = threading.Event()
    release = threading.Event()
    reasons: list[Any] = []
    entered = threading.Event()

    @task(max_duration=5)
    def work(ctx: Context) -> None:
        entered.set()
        while ctx.signal.reason is None:
            release.wait(0.001)
        reasons.append(ctx.signal.reason)
        told.set()
        release.wait(10)

    handle = await work.trigger()
    while not entered.is_set():
        await asyncio.sleep(0)
    clock.busy -= 1  # time goes on although the thread works: that is what is tested
    await clock.advance(5)
    clock.busy += 1
    result = await handle.result()
    assert result.status == RunStatus.TIMED_OUT
    assert result.error is not None
    assert "A thread cannot be stopped" in result.error.message
    await assert_slot_is_free()
    while not told.is_set():
        await asyncio.sleep(0)
    assert reasons == ["timeout"]
    assert clock.busy == 0
    release.set()


async def test_waits_do_not_count(clock: FakeClock) -> None:
    @task(max_duration=5)
    async def work() -> str:
        for _ in range(3):
            await wait.sleep("1h")
        return "done"

    handle = await work.trigger()
    await clock.advance("3h")
    assert (await handle.result()).unwrap() == "done"


async def test_what_ran_before_a_wait_counts_after_it(clock: FakeClock) -> None:
    gate = asyncio.Event()
    left: list[float | None] = []

    @task(max_duration=5)
    async def work(ctx: Context) -> None:
        await gate.wait()
        left.append(ctx.time_left())
        await wait.sleep("1h")
        left.append(ctx.time_left())
        await forever()

    handle = await work.trigger()
    await clock.advance(3)
    gate.set()
    await clock.advance("1h")
    assert left == [2, 2]
    await clock.advance(1.999)
    assert (await handle.retrieve()).is_executing
    await clock.advance(0.001)
    assert (await handle.result()).status == RunStatus.TIMED_OUT


@pytest.mark.parametrize("limit", [0.001, 1, 9.5, 10, 10.5, 19.9, 20, 20.1, 25, 30, 3600])
async def test_limits_near_and_far_are_exact(limit: float, clock: FakeClock) -> None:
    @task(max_duration=limit)
    async def work() -> None:
        await forever()

    await clock.advance(3)  # so that the limit does not fall on the worker's own beats
    handle = await work.trigger()
    await clock.advance(limit)
    run = await handle.retrieve()
    assert run.status == RunStatus.TIMED_OUT
    assert run.finished_at is not None
    assert run.started_at is not None
    assert (run.finished_at - run.started_at).total_seconds() == pytest.approx(limit)


async def test_many_far_limits_each_come_at_their_own_time() -> None:
    clock = FakeClock()

    @task()
    async def work() -> None:
        await forever()

    async with taskkit.local(clock=clock, concurrency=50):
        handles = [await work.trigger(max_duration=20 + n) for n in range(20)]
        await clock.advance("1m")
        for n, handle in enumerate(handles):
            run = await handle.retrieve()
            assert run.finished_at is not None
            assert run.started_at is not None
            assert (run.finished_at - run.started_at).total_seconds() == pytest.approx(20 + n)


async def test_without_a_word_the_configured_limit_counts(clock: FakeClock) -> None:
    @task()
    async def work(ctx: Context) -> None:
        await forever()

    config.override(max_duration=7)
    handle = await work.trigger()
    await clock.advance(7)
    assert (await handle.result()).status == RunStatus.TIMED_OUT


async def test_the_limit_of_the_trigger_counts_before_the_tasks_own(clock: FakeClock) -> None:
    @task(max_duration=100)
    async def work() -> None:
        await forever()

    handle = await work.trigger(max_duration="2s")
    await clock.advance(2)
    assert (await handle.result()).status == RunStatus.TIMED_OUT


@pytest.mark.parametrize("where", ["task", "trigger"])
async def test_an_infinite_limit_is_none(where: str, clock: FakeClock) -> None:
    gate = asyncio.Event()
    left: list[float | None] = []

    @task(max_duration=math.inf if where == "task" else None)
    async def work(ctx: Context) -> str:
        left.append(ctx.time_left())
        await gate.wait()
        return "done"

    options: Any = {"max_duration": math.inf} if where == "trigger" else {}
    handle = await work.trigger(**options)
    await clock.advance("3h")
    gate.set()
    assert (await handle.result()).unwrap() == "done"
    assert left == [None]


async def test_each_attempt_has_the_whole_time(clock: FakeClock) -> None:
    gate = asyncio.Event()
    left: list[float | None] = []

    @task(max_duration=10, retry=Retry(2, 1, randomize=False))
    async def work(ctx: Context) -> None:
        left.append(ctx.time_left())
        await gate.wait()
        raise ValueError("broken")

    await work.trigger()
    await clock.advance(6)
    gate.set()
    await clock.advance(5)
    assert left == [10, 10]


async def test_time_left_counts_down(clock: FakeClock) -> None:
    gate = asyncio.Event()
    left: list[float | None] = []

    @task(max_duration=10)
    async def work(ctx: Context) -> None:
        await gate.wait()
        left.append(ctx.time_left())

    handle = await work.trigger()
    await clock.advance(4)
    gate.set()
    assert (await handle.result()).ok
    assert left == [6]


async def test_hooks_before_the_body_count_too(clock: FakeClock) -> None:
    @task(max_duration=5, on_start=lambda: None)
    async def work() -> None: ...

    @work.init
    async def slow() -> None:
        await forever()

    handle = await work.trigger()
    await clock.advance(5)
    assert (await handle.result()).status == RunStatus.TIMED_OUT


async def test_hooks_after_the_body_do_not_count(clock: FakeClock) -> None:
    gate = asyncio.Event()

    @task(max_duration=5)
    async def work() -> int:
        return 1

    @work.on_success
    async def slow() -> None:
        await gate.wait()

    handle = await work.trigger()
    await clock.advance(10)
    gate.set()
    assert (await handle.result()).unwrap() == 1


async def test_a_limit_of_nothing_is_refused() -> None:
    @task()
    async def work() -> None: ...

    with pytest.raises(InvalidOptionError, match="max_duration is 0: give more than 0 seconds"):
        await work.trigger(max_duration=0)


async def test_a_body_that_ends_itself_at_its_signal_is_timed_out(clock: FakeClock) -> None:
    @task(max_duration=5, retry=Retry(5))
    async def work(ctx: Context) -> None:
        try:
            await forever()
        except asyncio.CancelledError:
            ctx.signal.raise_if_cancelled()

    handle = await work.trigger()
    await clock.advance(5)
    assert (await handle.result()).status == RunStatus.TIMED_OUT


async def test_the_limit_holds_while_a_body_waits_for_its_signal(clock: FakeClock) -> None:
    seen: list[Any] = []

    @task(max_duration=5)
    async def work(ctx: Context) -> None:
        watcher = asyncio.create_task(ctx.signal.wait())
        try:
            await forever()
        finally:
            await watcher
            seen.append((ctx.signal.cancelled, ctx.signal.reason))

    handle = await work.trigger()
    await clock.advance(5)
    assert (await handle.result()).status == RunStatus.TIMED_OUT
    assert seen == [(True, "timeout")]
