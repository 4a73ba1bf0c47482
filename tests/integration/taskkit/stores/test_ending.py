"""Cancel, replay, reschedule, one run or many; and the ends that time brings."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import taskkit
from taskkit import AbortTaskRunError, Context, Retry, runs, task, wait
from taskkit.errors import InvalidOptionError, RunNotDelayedError, RunNotFoundError

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("app")]


async def test_what_has_not_started_is_canceled_at_once() -> None:
    entered: list[str] = []

    @task(id="enter")
    async def enter(name: str) -> None:
        entered.append(name)

    delayed = await enter.trigger("delayed", delay="1h")
    run = await runs.cancel(delayed.id, reason="not needed")
    assert (run.status, run.cancel_reason) == ("CANCELED", "not needed")
    result = await delayed.result()
    assert (result.ok, result.status, result.output) == (False, "CANCELED", None)
    again = await delayed.cancel("another reason")
    assert (again.status, again.cancel_reason) == ("CANCELED", "not needed")
    assert entered == []
    with pytest.raises(RunNotFoundError):
        await runs.cancel("run_nowhere")


async def test_a_running_one_ends_when_its_hooks_have_run() -> None:
    began = asyncio.Event()
    said: list[Any] = []

    @task(id="long")
    async def long(ctx: Context) -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            said.append(ctx.signal.reason)

    @long.on_cancel
    def on_cancel() -> None:
        said.append("on_cancel")

    @long.cleanup
    def cleanup() -> None:
        said.append("cleanup")

    handle = await long.trigger()
    await began.wait()
    assert (await handle.cancel("enough")).status == "EXECUTING"
    result = await handle.result()
    assert result.status == "CANCELED"
    assert said == ["cancel", "on_cancel", "cleanup"]
    assert (await handle.retrieve()).cancel_reason == "enough"


async def test_a_waiting_one_takes_the_children_it_waits_for_with_it(reached: Any) -> None:
    @task(id="child")
    async def child(hours: int) -> None:
        await wait.sleep(hours * 3600)

    @task(id="parent")
    async def parent() -> None:
        await child.trigger(3, tags="apart")
        await asyncio.gather(child.trigger_and_wait(1), child.trigger_and_wait(2))

    handle = await parent.trigger()
    await reached(handle, lambda run: run.status == "WAITING")
    children = [run async for run in runs.list(task=child)]
    assert len(children) == 3
    await handle.cancel()
    assert (await handle.result()).status == "CANCELED"
    [apart] = [run async for run in runs.list(tag="apart")]
    for run in children:
        if run.id != apart.id:
            assert (await runs.poll(run.id)).status == "CANCELED"
    assert not apart.is_completed


async def test_many_are_canceled_by_what_they_have_in_common() -> None:
    @task(id="later")
    async def later(number: int) -> None: ...

    many = await later.batch_trigger(
        [later.item(n, delay="1h", tags="red" if n < 3 else "blue") for n in range(5)]
    )
    ended = await runs.bulk_cancel(tag="red", reason="all of them")
    assert [run.id for run in ended] == [handle.id for handle in many.runs[:3]][::-1]
    assert {run.status for run in ended} == {"CANCELED"}
    assert await runs.bulk_cancel(tag="red") == []
    assert len(await runs.bulk_cancel(task=later, limit=1)) == 1
    left = [run.id async for run in runs.list(status="DELAYED")]
    assert left == [many.runs[3].id]
    with pytest.raises(InvalidOptionError, match="bulk_cancel"):
        await runs.bulk_cancel()


async def test_a_replay_is_the_same_again() -> None:
    @task(id="greet")
    async def greet(name: str, ctx: Context) -> str:
        if name == "nobody":
            raise AbortTaskRunError("nobody")
        return f"{name} {ctx.run.is_replay} {ctx.run.idempotency_key}"

    first = await greet.trigger("Ada", tags="red", priority=2, idempotency_key="k")
    await first.result()
    again = await runs.replay(first.id)
    other = await runs.replay(first.id, "Bob")
    assert (await again.result()).output == "Ada True None"
    assert (await other.result()).output == "Bob True None"
    assert len({first.id, again.id, other.id}) == 3
    assert (await again.retrieve()).tags == ("red",)

    failed = [await greet.trigger("nobody", tags="sad") for _ in range(2)]
    for handle in failed:
        await handle.result()
    made = await runs.bulk_replay(tag="sad", status="FAILED")
    assert [(await handle.result()).status for handle in made] == ["FAILED", "FAILED"]
    assert len([run async for run in runs.list(tag="sad")]) == 4


async def test_a_delayed_run_starts_when_it_is_moved() -> None:
    @task(id="now")
    async def now() -> str:
        return "done"

    handle = await now.trigger(delay="1h")
    at = datetime.now(UTC) + timedelta(days=1)
    moved = await runs.reschedule(handle.id, at)
    assert (moved.status, moved.available_at) == ("DELAYED", at)
    assert (await runs.reschedule(handle.id, "20ms")).status in ("DELAYED", "QUEUED")
    assert (await handle.result()).output == "done"
    with pytest.raises(RunNotDelayedError, match=handle.id):
        await runs.reschedule(handle.id, "1h")


async def test_what_nobody_starts_in_time_expires() -> None:
    taken = asyncio.Event()
    let_go = asyncio.Event()
    one = taskkit.Queue("one", concurrency_limit=1)

    @task(id="holds", queue=one)
    async def holds() -> None:
        taken.set()
        await let_go.wait()

    @task(id="hurried", queue=one)
    async def hurried() -> None: ...

    held = await holds.trigger()
    await taken.wait()
    late = await hurried.trigger(ttl="30ms")
    result = await late.result()
    assert (result.status, result.ok) == ("EXPIRED", False)
    assert result.error is not None
    assert (await late.retrieve()).attempts == ()
    let_go.set()
    assert (await held.result()).ok
    assert (await (await hurried.trigger(ttl=0)).result()).ok


async def test_an_attempt_that_takes_too_long_is_timed_out() -> None:
    @task(id="endless", retry=Retry(max_attempts=3, min_timeout=0))
    async def endless() -> None:
        await asyncio.Event().wait()

    handle = await endless.trigger(max_duration="30ms")
    result = await handle.result()
    assert result.status == "TIMED_OUT"
    assert result.error is not None
    assert result.error.code == "MAX_DURATION_EXCEEDED"
    assert len((await handle.retrieve()).attempts) == 1


async def test_retries_with_their_backoff_and_what_is_kept_of_each_attempt() -> None:
    @task(id="flaky", retry=Retry(max_attempts=3, min_timeout=0.05, factor=2, randomize=False))
    async def flaky(ctx: Context) -> int:
        if ctx.attempt.number < 3:
            raise ValueError(f"attempt {ctx.attempt.number}")
        return ctx.attempt.number

    handle = await flaky.trigger()
    assert (await handle.result()).output == 3
    first, second, third = (await handle.retrieve()).attempts
    assert [first.number, second.number, third.number] == [1, 2, 3]
    assert first.error is not None
    assert second.error is not None
    assert (first.error.message, second.error.message, third.error) == (
        "attempt 1",
        "attempt 2",
        None,
    )
    # The delay begins when the worker decides, and the clocks of worker and store differ by a little.
    assert second.started_at - first.started_at >= timedelta(milliseconds=30)
    assert third.started_at - second.started_at >= timedelta(milliseconds=80)

    limited = await flaky.trigger(max_attempts=2)
    result = await limited.result()
    assert (result.status, str(result.error and result.error.message)) == ("FAILED", "attempt 2")
