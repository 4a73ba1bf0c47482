"""The running attempt, as the code inside it finds it."""

import asyncio
import contextvars
from typing import Any

import pytest

import taskkit
from taskkit import Context, metadata, runs, task, tasks, wait
from taskkit.backends.memory import MemoryBackend
from taskkit.errors import NotInTaskError
from taskkit.model.exchange import ClaimSpec, Lease
from taskkit.model.request import TriggerRequest
from taskkit.runtime.current_backend import home_for
from taskkit.runtime.scope import RunScope, current_scope, need_scope
from taskkit.testing import FakeClock

pytestmark = pytest.mark.anyio


async def lease_of(backend: MemoryBackend, clock: FakeClock, run_id: str = "run_1") -> Lease:
    request = TriggerRequest(run_id, "work", None, "task/work")
    await backend.enqueue([request], batch_id=None, now=clock.now())
    (lease,) = await backend.claim("worker", ClaimSpec(), limit=1, lease=30, now=clock.now())
    return lease


@pytest.fixture
async def scope(clock: FakeClock) -> RunScope:
    @task(id="work")
    async def work() -> None: ...

    backend = MemoryBackend()
    lease = await lease_of(backend, clock)
    home = home_for(backend, clock=clock)
    return RunScope(lease, home, work.definition, asyncio.get_running_loop())


# --- ids that a second entry meets again ------------------------------------------------------------


def ids_of(scope: RunScope) -> list[str]:
    fresh = RunScope(scope.lease, scope.home, scope.definition, scope.loop)
    return [
        fresh.derived_id("run", "wait", "child", b"1"),
        fresh.derived_id("run", "wait", "child", b"1"),
        fresh.derived_id("run", "wait", "child", b"2"),
        fresh.derived_id("run", "trigger", "child", b"1"),
        fresh.derived_id("run", "wait", "other", b"1"),
        fresh.derived_id("wait", "wait", "child", b"1"),
    ]


async def test_the_same_again_is_another_and_an_attempt_entered_again_meets_both(
    scope: RunScope,
) -> None:
    first = ids_of(scope)
    assert len(set(first)) == len(first)
    assert ids_of(scope) == first


async def test_another_attempt_and_another_run_have_others(
    scope: RunScope, clock: FakeClock
) -> None:
    first = ids_of(scope)
    scope.lease.attempt = 2
    second = ids_of(scope)
    backend = scope.home.backend
    assert isinstance(backend, MemoryBackend)
    scope.lease = await lease_of(backend, clock, "run_2")
    third = ids_of(scope)
    assert len({*first, *second, *third}) == 3 * len(first)


# --- time -------------------------------------------------------------------------------------------


async def test_now_is_the_stores_clock_and_the_time_since(
    scope: RunScope, clock: FakeClock
) -> None:
    started = scope.lease.now
    await clock.advance(5)
    assert (scope.now() - started).total_seconds() == 5
    renewed = scope.lease
    renewed.now = clock.now()
    scope.renew(renewed)
    assert scope.now() == clock.now()


# --- inside, outside and afterwards -----------------------------------------------------------------


async def test_outside_there_is_none() -> None:
    assert current_scope.get() is None
    with pytest.raises(NotInTaskError) as caught:
        need_scope("wait.sleep")
    assert str(caught.value) == (
        "wait.sleep works only inside a running task, and there is no run here. Call it from a task's function or "
        "its hooks."
    )


@pytest.mark.usefixtures("app")
async def test_calling_the_plain_function_is_no_run() -> None:
    @task()
    async def work() -> None:
        await wait.sleep(1)

    with pytest.raises(NotInTaskError):
        await work()


@pytest.mark.usefixtures("app")
async def test_each_run_has_its_own_also_when_they_run_at_once(clock: FakeClock) -> None:
    @task()
    async def work(number: int, ctx: Context) -> bool:
        await asyncio.sleep(0)
        metadata.set("number", number)
        await wait.sleep(1)
        return need_scope("x").run_id == ctx.run.id and metadata.get("number") == number

    async with taskkit.local(clock=clock, concurrency=10):
        many = await work.batch_trigger(list(range(10)))
        await clock.advance(1)
        assert all(result.output for result in await many.results())


@pytest.mark.usefixtures("app")
async def test_code_that_outlives_its_run_is_told_so(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    left: list[asyncio.Task[Any]] = []
    over = asyncio.Event()

    async def late(call: Any) -> Any:
        await over.wait()
        return await call()

    @task()
    async def child() -> None: ...

    @task(id="parent")
    async def parent() -> None:
        left.append(asyncio.create_task(late(lambda: wait.sleep(1))))
        left.append(asyncio.create_task(late(child.trigger_and_wait)))
        left.append(asyncio.create_task(late(late_write)))

    async def late_write() -> dict[str, Any]:
        metadata.set("a", 1)
        return metadata.current()

    handle = await parent.trigger()
    await handle.result()
    over.set()
    sleeping, waiting, writing = await asyncio.gather(*left, return_exceptions=True)
    for told, name in ((sleeping, "wait.sleep"), (waiting, "child.trigger_and_wait")):
        assert isinstance(told, NotInTaskError)
        assert str(told) == (
            f"{name} was called after the attempt of run {handle.id} (task 'parent') had ended, by something that "
            f"it left running. Await what you start before the task returns."
        )
    assert writing == {}
    assert "metadata.set outside of a run does nothing" in caplog.text
    assert (await handle.retrieve()).metadata == {}
    assert [run.task_id async for run in runs.list()] == ["parent"]


@pytest.mark.usefixtures("app")
async def test_what_a_task_starts_in_a_fresh_context_is_outside() -> None:
    @task()
    async def child() -> None: ...

    @task()
    async def parent() -> str | None:
        handle = contextvars.Context().run(asyncio.ensure_future, tasks.trigger("child"))
        return (await (await handle).retrieve()).parent_id

    assert (await (await parent.trigger()).result()).unwrap() is None


@pytest.mark.usefixtures("app")
async def test_a_trigger_by_what_a_run_left_behind_still_goes_to_its_backend() -> None:
    over, left = asyncio.Event(), list[asyncio.Task[Any]]()

    @task()
    async def child() -> str:
        return "done"

    async def late() -> Any:
        await over.wait()
        return await child.trigger()

    @task()
    async def parent() -> None:
        left.append(asyncio.create_task(late()))

    handle = await parent.trigger()
    await handle.result()
    over.set()
    late_handle = await left[0]
    assert (await late_handle.result()).unwrap() == "done"
    assert (await late_handle.retrieve()).parent_id == handle.id
