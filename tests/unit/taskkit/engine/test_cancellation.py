"""Asking for a run's end, wherever it stands."""

import asyncio
import threading
from typing import Any

import pytest

import taskkit
from taskkit import Context, Retry, RunHandle, RunStatus, runs, task, wait
from taskkit.backends.memory import MemoryBackend
from taskkit.model.exchange import Lease
from taskkit.testing import FakeClock

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("app")]


async def forever() -> None:
    await asyncio.Event().wait()


async def block_the_slot() -> RunHandle[None]:
    @task(id="blocker")
    async def blocker() -> None:
        await forever()

    handle = await blocker.trigger()
    for _ in range(5):
        await asyncio.sleep(0)
    return handle


async def test_a_queued_run_is_canceled_at_once() -> None:
    @task()
    async def work() -> None: ...

    blocker = await block_the_slot()
    handle = await work.trigger()
    run = await handle.cancel("changed my mind")
    assert run.status == RunStatus.CANCELED
    assert run.is_canceled
    assert run.cancel_reason == "changed my mind"
    assert run.started_at is None
    assert run.attempts == ()
    await blocker.cancel()


async def test_a_delayed_run_is_canceled_at_once_and_never_starts(clock: FakeClock) -> None:
    started: list[int] = []

    @task()
    async def work() -> None:
        started.append(1)

    handle = await work.trigger(delay="1h")
    assert (await handle.cancel()).status == RunStatus.CANCELED
    await clock.advance("2h")
    assert started == []
    assert (await handle.retrieve()).status == RunStatus.CANCELED


async def test_a_running_body_is_canceled_and_knows_why(clock: FakeClock) -> None:
    seen: list[Any] = []

    @task(retry=Retry(9))
    async def work(ctx: Context) -> None:
        try:
            await forever()
        finally:
            seen.append((ctx.signal.cancelled, ctx.signal.reason))

    handle = await work.trigger()
    await clock.settle()
    asked = await handle.cancel("enough")
    assert asked.status == RunStatus.EXECUTING
    result = await handle.result()
    assert (result.ok, result.status, result.error) == (False, RunStatus.CANCELED, None)
    assert seen == [(True, "cancel")]
    run = await handle.retrieve()
    assert run.cancel_reason == "enough"
    assert run.finished_at == clock.now()


@pytest.mark.parametrize("answer", ["return", "raise", "complete"])
async def test_a_body_that_answers_its_cancellation_is_canceled_all_the_same(
    answer: str, clock: FakeClock
) -> None:
    @task(retry=Retry(9))
    async def work() -> str:
        try:
            await forever()
        except asyncio.CancelledError:
            if answer == "raise":
                raise ValueError("from the handler") from None
            if answer == "complete":
                raise taskkit.CompleteTaskWithOutput("no") from None
        return "too late"

    handle = await work.trigger()
    await clock.settle()
    await handle.cancel()
    assert (await handle.result()).status == RunStatus.CANCELED


async def test_the_first_reason_stays(clock: FakeClock) -> None:
    gate = asyncio.Event()

    @task()
    async def work() -> None:
        await forever()

    async def slow() -> None:
        await gate.wait()

    work.on_cancel(slow)
    handle = await work.trigger()
    await clock.settle()
    await handle.cancel("first")
    await handle.cancel("second")
    gate.set()
    await handle.result()
    assert (await handle.cancel("third")).cancel_reason == "first"


async def test_a_final_run_stays_as_it_is() -> None:
    @task()
    async def work() -> int:
        return 1

    handle = await work.trigger()
    await handle.result()
    before = await handle.retrieve()
    after = await handle.cancel("too late")
    assert (after.status, after.output, after.finished_at, after.cancel_reason) == (
        RunStatus.COMPLETED, 1, before.finished_at, None,
    )  # fmt: skip
    assert (await handle.result()).unwrap() == 1


async def test_a_thread_is_told_and_its_slot_is_free(clock: FakeClock) -> None:
    entered, release = threading.Event(), threading.Event()
    reasons: list[Any] = []

    @task()
    def work(ctx: Context) -> None:
        entered.set()
        release.wait(10)
        reasons.append(ctx.signal.reason)

    @task()
    async def next_one() -> str:
        return "served"

    handle = await work.trigger()
    while not entered.is_set():
        await asyncio.sleep(0)
    await handle.cancel()
    assert (await handle.result()).status == RunStatus.CANCELED
    assert (await (await next_one.trigger()).result()).unwrap() == "served"
    release.set()
    while not reasons:
        await asyncio.sleep(0)
    assert reasons == ["cancel"]


async def test_a_sleeping_run_is_canceled_at_once(clock: FakeClock) -> None:
    seen: list[str] = []

    @task()
    async def work() -> None:
        try:
            await wait.sleep("1d")
        except asyncio.CancelledError:
            seen.append("canceled")
            raise

    handle = await work.trigger()
    await clock.advance(1)
    assert (await handle.retrieve()).is_waiting
    await handle.cancel()
    assert (await handle.result()).status == RunStatus.CANCELED
    assert seen == ["canceled"]


async def test_a_sleeping_run_is_canceled_without_a_free_slot(clock: FakeClock) -> None:
    @task()
    async def work() -> None:
        await wait.sleep("1d")

    handle = await work.trigger()
    await clock.advance(1)
    blocker = await block_the_slot()
    await handle.cancel()
    assert (await handle.result()).status == RunStatus.CANCELED
    assert (await blocker.retrieve()).is_executing


async def test_children_that_are_waited_for_are_canceled_too(clock: FakeClock) -> None:
    @task()
    async def grandchild() -> None:
        await forever()

    @task()
    async def child() -> None:
        await grandchild.trigger_and_wait()

    @task()
    async def parent() -> None:
        await child.trigger_and_wait()

    handle = await parent.trigger()
    await clock.settle()
    await handle.cancel("the whole tree")
    assert (await handle.result()).status == RunStatus.CANCELED
    await clock.settle()
    found = {run.task_id: run async for run in runs.list()}
    assert {name: run.status for name, run in found.items()} == {
        "parent": RunStatus.CANCELED,
        "child": RunStatus.CANCELED,
        "grandchild": RunStatus.CANCELED,
    }
    assert {run.cancel_reason for run in found.values()} == {"the whole tree"}


async def test_children_of_a_batch_are_canceled_too_and_finished_ones_stay(
    clock: FakeClock,
) -> None:
    @task()
    async def child(n: int) -> int:
        if n:
            await forever()
        return n

    @task()
    async def parent() -> None:
        await child.batch_trigger_and_wait([0, 1, 2])

    handle = await parent.trigger()
    await clock.settle()
    await handle.cancel()
    await handle.result()
    await clock.settle()
    found = {run.payload: run.status async for run in runs.list(task=child)}
    assert found == {0: RunStatus.COMPLETED, 1: RunStatus.CANCELED, 2: RunStatus.CANCELED}


async def test_children_that_are_not_waited_for_go_on(clock: FakeClock) -> None:
    gate = asyncio.Event()
    handles: list[RunHandle[Any]] = []

    @task()
    async def child() -> str:
        await gate.wait()
        return "went on"

    @task()
    async def parent() -> None:
        handles.append(await child.trigger())
        await forever()

    handle = await parent.trigger()
    await clock.settle()
    await handle.cancel()
    await handle.result()
    gate.set()
    assert (await handles[0].result()).unwrap() == "went on"


async def test_a_child_whose_wait_was_withdrawn_goes_on(clock: FakeClock) -> None:
    gate = asyncio.Event()

    @task()
    async def child() -> str:
        await gate.wait()
        return "went on"

    @task()
    async def parent() -> None:
        waiting = asyncio.create_task(child.trigger_and_wait())  # type: ignore[var-annotated]  # a Pending
        await wait.sleep(1)
        waiting.cancel()
        await forever()

    async with taskkit.local(clock=clock, concurrency=2):
        handle = await parent.trigger()
        await clock.advance(2)
        await handle.cancel()
        await handle.result()
        gate.set()
        await clock.settle()
        assert [run.status async for run in runs.list(task=child)] == [RunStatus.COMPLETED]


async def test_children_are_canceled_too_when_one_of_two_waits_was_answered(
    clock: FakeClock,
) -> None:
    """The parent runs beside its second wait at the moment of the cancel."""

    @task()
    async def quick() -> None: ...

    @task()
    async def slow() -> None:
        await forever()

    @task()
    async def parent(ctx: Context) -> None:
        first = asyncio.create_task(quick.trigger_and_wait())  # type: ignore[var-annotated]  # a Pending
        second = asyncio.create_task(slow.trigger_and_wait())  # type: ignore[var-annotated]  # a Pending
        await first
        await runs.cancel(ctx.run.id, reason="all of it")
        await second

    async with taskkit.local(clock=clock, concurrency=2):
        handle = await parent.trigger()
        await clock.settle()
        assert (await handle.result()).status == RunStatus.CANCELED
        await clock.settle()
        (left,) = [run async for run in runs.list(task=slow)]
        assert (left.status, left.cancel_reason) == (RunStatus.CANCELED, "all of it")


async def test_a_run_between_attempts_is_canceled(clock: FakeClock) -> None:
    seen: list[int] = []

    @task(retry=Retry(3, "1h", randomize=False))
    async def work() -> None:
        seen.append(1)
        raise ValueError("broken")

    handle = await work.trigger()
    await clock.settle()
    await handle.cancel()
    assert (await handle.result()).status == RunStatus.CANCELED
    await clock.advance("3h")
    assert seen == [1]


async def test_a_retry_that_was_decided_after_the_cancel_does_not_start(clock: FakeClock) -> None:
    gate = asyncio.Event()
    seen: list[int] = []

    @task(retry=Retry(3, 1, randomize=False))
    async def work() -> None:
        seen.append(1)
        raise ValueError("broken")

    async def slow() -> None:
        await gate.wait()

    work.cleanup(slow)
    handle = await work.trigger()
    await clock.settle()
    await handle.cancel()
    gate.set()
    assert (await handle.result()).status == RunStatus.CANCELED
    await clock.advance("1h")
    assert seen == [1]


async def test_what_was_finished_when_the_cancel_came_is_kept(clock: FakeClock) -> None:
    gate = asyncio.Event()

    @task()
    async def work() -> int:
        return 7

    async def slow() -> None:
        await gate.wait()

    work.on_success(slow)
    handle = await work.trigger()
    await clock.settle()
    await handle.cancel()
    gate.set()
    assert (await handle.result()).unwrap() == 7


async def test_a_body_that_ignores_its_cancel_loses_its_slot(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    release = asyncio.Event()

    @task()
    async def stubborn() -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    @task()
    async def next_one() -> str:
        return "served"

    handle = await stubborn.trigger()
    await clock.settle()
    await handle.cancel()
    await clock.advance(2)
    try:
        assert (await handle.result()).status == RunStatus.CANCELED
        assert "ignores its cancel" in caplog.text
        assert (await (await next_one.trigger()).result()).unwrap() == "served"
    finally:
        release.set()


async def test_a_cancel_in_the_last_moment_of_a_wait_does_not_lose_the_run(
    clock: FakeClock,
) -> None:
    @task()
    async def child() -> int:
        return 1

    @task()
    async def parent() -> int:
        return await child.trigger_and_wait().unwrap()

    for steps in range(12):
        handle = await parent.trigger()
        for _ in range(steps):
            await asyncio.sleep(0)
        await handle.cancel()
        assert (await handle.result()).status in (RunStatus.CANCELED, RunStatus.COMPLETED)


class LateClaim(MemoryBackend):
    """Takes runs, and answers a few turns later, as a store on a network does."""

    async def claim(self, *args: Any, **options: Any) -> Any:
        leases: Any = await super().claim(*args, **options)
        for _ in range(3 if leases else 0):
            await asyncio.sleep(0)
        return leases


async def test_a_cancel_that_comes_before_the_body_began_is_heard(
    serve: Any, clock: FakeClock
) -> None:
    started: list[Lease] = []

    @task()
    async def work() -> None:
        started.append(1)  # type: ignore[arg-type]  # a mark
        await forever()

    for steps in range(8):
        async with serve(LateClaim(), clock=clock):
            handle = await work.trigger()
            for _ in range(steps):
                await asyncio.sleep(0)
            await handle.cancel()
            await clock.settle()
            assert (await handle.retrieve()).status == RunStatus.CANCELED


async def test_an_unknown_run_cannot_be_canceled() -> None:
    with pytest.raises(taskkit.errors.RunNotFoundError, match="run_nowhere"):
        await runs.cancel("run_nowhere")
