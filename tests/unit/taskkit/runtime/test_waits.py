"""Waiting inside a task: no slot held, parallel waits, withdrawn waits, and every moment of a cancel."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

import pytest

import taskkit
from taskkit import Context, Pending, Retry, RunHandle, RunResult, RunStatus, runs, task, wait
from taskkit.backends.memory import MemoryBackend
from taskkit.errors import BackendError, RunFailedError
from taskkit.model.exchange import Lease, Signal, Suspended
from taskkit.testing import FakeClock

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("app")]

SLOTS = 1  # of the fixture `app`


class Slow(MemoryBackend):
    """Takes some turns of the event loop to hear and to answer, as a store on a network does."""

    async def enqueue(self, *args: Any, **options: Any) -> Any:
        return await self._slowly(super().enqueue(*args, **options))

    async def claim(self, *args: Any, **options: Any) -> Any:
        return await self._slowly(super().claim(*args, **options))

    async def extend(self, *args: Any, **options: Any) -> Any:
        return await self._slowly(super().extend(*args, **options))

    async def settle(self, *args: Any, **options: Any) -> None:
        await self._slowly(super().settle(*args, **options))

    async def _slowly(self, call: Coroutine[Any, Any, Any]) -> Any:
        call = asyncio.ensure_future(
            self._after(call)
        )  # what was sent arrives, also when the sender is gone
        await turns(1)
        answer = await asyncio.shield(call)
        await turns(2)
        return answer

    async def _after(self, call: Coroutine[Any, Any, Any]) -> Any:
        await turns(2)
        return await call


class LateAnswer(MemoryBackend):
    """Records at once and says so late: what follows from it may be claimed before."""

    async def settle(self, *args: Any, **options: Any) -> None:
        await super().settle(*args, **options)
        await turns(12)


class LateClaim(MemoryBackend):
    """Gives out runs at once and says so late: they may end here before."""

    async def claim(self, *args: Any, **options: Any) -> Any:
        leases = await super().claim(*args, **options)
        await turns(12 if leases else 0)
        return leases


STORES = [(MemoryBackend, 24), (Slow, 64), (LateAnswer, 40), (LateClaim, 48)]
"""And after how many turns of the event loop everything in question has happened there."""

Moment = Callable[[int], Awaitable[None]]


async def each_moment(count: int, happens: Moment) -> None:
    for steps in range(count):
        try:
            await happens(steps)
        except BaseException as error:
            error.add_note(f"after {steps} turns of the event loop")
            raise


async def forever() -> None:
    await asyncio.Event().wait()


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def assert_slots(clock: FakeClock, slots: int = SLOTS) -> None:
    """No slot was lost, and none won."""
    gate = asyncio.Event()
    running: list[int] = []

    @task(id="probe")
    async def probe(n: int) -> None:
        running.append(n)
        await gate.wait()

    batch = await probe.batch_trigger(list(range(slots + 2)))
    await clock.settle()
    assert len(running) == slots
    gate.set()
    await batch.results()


def saying(what: str, said: list[str]) -> Callable[[], Awaitable[None]]:
    async def hook() -> None:
        await asyncio.sleep(0)
        said.append(what)

    return hook


async def statuses() -> dict[str, str]:
    return {run.task_id: run.status async for run in runs.list()}


# --- no slot is held ----------------------------------------------------------------------------


async def test_twenty_parents_inside_each_other_finish_in_one_slot(clock: FakeClock) -> None:
    @task()
    async def nested(depth: int) -> int:
        if depth == 0:
            return 0
        return 1 + await nested.trigger_and_wait(depth - 1).unwrap()

    handle = await nested.trigger(20)
    assert (await asyncio.wait_for(handle.result(), 2)).unwrap() == 20
    await assert_slots(clock)


async def test_twenty_plain_parents_inside_each_other_finish_in_one_slot(clock: FakeClock) -> None:
    @task()
    def nested(depth: int) -> int:
        if depth == 0:
            return 0
        return 1 + nested.sync.trigger_and_wait(depth - 1).unwrap()

    handle = await nested.trigger(20)
    assert (await asyncio.wait_for(handle.result(), 10)).unwrap() == 20
    await assert_slots(clock)


async def test_a_batch_of_parents_with_a_batch_of_children_each_finishes_in_one_slot(
    clock: FakeClock,
) -> None:
    @task()
    async def child(n: int) -> int:
        return n

    @task()
    async def parent(n: int) -> list[int]:
        done = await child.batch_trigger_and_wait([10 * n + i for i in range(5)])
        return [run.unwrap() for run in done.runs]

    batch = await parent.batch_trigger(list(range(20)))
    results = await asyncio.wait_for(batch.results(), 5)
    assert [result.unwrap() for result in results] == [
        [10 * n + i for i in range(5)] for n in range(20)
    ]
    await assert_slots(clock)


async def test_a_sleeping_run_holds_no_slot_and_says_that_it_waits(clock: FakeClock) -> None:
    @task()
    async def sleeper() -> str:
        await wait.sleep("1h")
        return "awake"

    @task()
    async def other() -> str:
        return "served"

    sleeping = await sleeper.trigger()
    await clock.settle()
    run = await sleeping.retrieve()
    assert (run.status, run.is_waiting, run.is_executing) == (RunStatus.WAITING, True, False)
    assert (await (await other.trigger()).result()).unwrap() == "served"
    await clock.advance(3599.999)
    assert (await sleeping.retrieve()).is_waiting
    await clock.advance(0.001)
    assert (await sleeping.result()).unwrap() == "awake"
    assert (await sleeping.retrieve()).finished_at == clock.now()


async def test_an_answer_waits_for_a_slot(clock: FakeClock) -> None:
    gate = asyncio.Event()
    order: list[str] = []

    @task()
    async def sleeper() -> None:
        await wait.sleep(1)
        order.append("awake")

    @task()
    async def holder() -> None:
        await gate.wait()
        order.append("slot given back")

    sleeping = await sleeper.trigger()
    await clock.settle()
    holding = await holder.trigger()
    await clock.advance(10)
    assert order == []
    assert (await sleeping.retrieve()).is_waiting
    gate.set()
    await asyncio.gather(sleeping.result(), holding.result())
    assert order == ["slot given back", "awake"]


async def test_a_thousand_sleepers_share_one_slot(clock: FakeClock) -> None:
    @task()
    async def sleeper(n: int) -> int:
        await wait.sleep(n % 7 + 1)
        return n

    batch = await sleeper.batch_trigger(list(range(1000)))
    await clock.advance(7)
    assert [result.unwrap() for result in await batch.results()] == list(range(1000))
    await assert_slots(clock)


async def test_waits_of_nothing_and_of_the_past_return_at_once(clock: FakeClock) -> None:
    @task()
    async def parent() -> list[Any]:
        await wait.sleep(0)
        await wait.until(clock.now())
        empty = await parent.batch_trigger_and_wait([])
        return empty.runs

    assert (await (await parent.trigger()).result()).unwrap() == []


async def test_children_go_before_younger_parents(clock: FakeClock) -> None:
    gate = asyncio.Event()
    order: list[str] = []

    @task()
    async def holder() -> None:
        await gate.wait()

    @task()
    async def child(n: int) -> None:
        order.append(f"child {n}")

    @task()
    async def parent(n: int) -> None:
        await child.trigger_and_wait(n)
        order.append(f"parent {n}")

    await holder.trigger()
    handles: list[RunHandle[None]] = []
    for n in range(3):
        handles.append(await parent.trigger(n))
        await clock.advance(1)
    gate.set()
    for handle in handles:
        await handle.result()
    assert order == ["child 0", "parent 0", "child 1", "parent 1", "child 2", "parent 2"]


# --- what the answer is -------------------------------------------------------------------------


async def test_a_failed_child_raises_nothing_until_it_is_unwrapped() -> None:
    @task(retry=None)
    async def child() -> None:
        raise ValueError("of the child")

    seen: list[RunResult[None]] = []

    @task(retry=None)
    async def parent() -> None:
        seen.append(await child.trigger_and_wait())
        await child.trigger_and_wait().unwrap()

    error = (await (await parent.trigger()).result()).error
    assert [(one.ok, one.status) for one in seen] == [(False, RunStatus.FAILED)]
    assert error is not None
    assert error.name == RunFailedError.__name__
    assert "ValueError: of the child" in error.message


async def test_a_canceled_child_is_an_answer_too(clock: FakeClock) -> None:
    @task()
    async def child() -> None: ...

    @task()
    async def parent() -> str:
        return (await child.trigger_and_wait(delay="1h")).status

    handle = await parent.trigger()
    await clock.settle()
    async for run in runs.list(task=child):
        await runs.cancel(run.id)
    assert (await handle.result()).unwrap() == "CANCELED"


async def test_a_child_that_was_refused_raises_in_its_parent(clock: FakeClock) -> None:
    @task(queue=taskkit.Queue("short", concurrency_limit=1, max_length=1))
    async def child() -> None:
        await forever()

    @task(retry=None)
    async def parent() -> None:
        await child.trigger_and_wait()

    async with taskkit.local(clock=clock, concurrency=2):
        await child.trigger()
        await clock.settle()
        await child.trigger()
        error = (await asyncio.wait_for((await parent.trigger()).result(), 5)).error
        assert error is not None
        assert error.name == "QueueFullError"


# --- parallel -----------------------------------------------------------------------------------


def use_gather(pending: list[Pending[Any, int]]) -> Awaitable[list[int]]:
    return asyncio.gather(*pending)


async def use_task_group(pending: list[Pending[Any, int]]) -> list[int]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one) for one in pending]
    return [one.result() for one in tasks]


async def use_create_task(pending: list[Pending[Any, int]]) -> list[int]:
    tasks = [asyncio.create_task(one) for one in pending]
    return [await one for one in tasks]


async def use_as_completed(pending: list[Pending[Any, int]]) -> list[int]:
    return sorted([await one for one in asyncio.as_completed(pending)])


async def use_anyio(pending: list[Pending[Any, int]]) -> list[int]:
    import anyio

    found: list[int] = []

    async def keep(one: Pending[Any, int]) -> None:
        found.append(await one)

    async with anyio.create_task_group() as group:
        for one in pending:
            group.start_soon(keep, one)
    return sorted(found)


WAYS = [use_gather, use_task_group, use_create_task, use_as_completed, use_anyio]


@pytest.mark.parametrize("way", WAYS)
async def test_children_are_waited_for_in_parallel(
    way: Callable[[list[Any]], Awaitable[list[int]]], clock: FakeClock
) -> None:
    begun: list[int] = []

    @task()
    async def child(n: int) -> int:
        begun.append(n)
        await wait.sleep(10)
        return 2 * n

    @task()
    async def parent() -> list[int]:
        return await way([child.trigger_and_wait(n).unwrap() for n in range(4)])

    handle = await parent.trigger()
    await clock.settle()
    assert sorted(begun) == [0, 1, 2, 3]
    await clock.advance(10)
    assert (await handle.result()).unwrap() == [0, 2, 4, 6]
    assert clock.monotonic() == 10
    await assert_slots(clock)


async def test_waits_of_all_kinds_at_once(clock: FakeClock) -> None:
    @task()
    async def child(n: int) -> int:
        await wait.sleep(n)
        return n

    @task()
    async def parent() -> list[Any]:
        one, batch, _ = await asyncio.gather(
            child.trigger_and_wait(3).unwrap(), child.batch_trigger_and_wait([1, 2]), wait.sleep(5)
        )
        return [one, [run.unwrap() for run in batch.runs]]

    handle = await parent.trigger()
    await clock.advance(4.999)
    assert (await handle.retrieve()).is_waiting
    await clock.advance(0.001)
    assert (await handle.result()).unwrap() == [3, [1, 2]]


async def test_each_answer_is_handed_over_when_it_comes(clock: FakeClock) -> None:
    seen: list[tuple[int, float]] = []

    @task()
    async def parent() -> None:
        async def sleeper(n: int) -> None:
            await wait.sleep(n)
            seen.append((n, clock.monotonic()))

        await asyncio.gather(*(sleeper(n) for n in (3, 1, 2)))

    handle = await parent.trigger()
    await clock.advance(1)
    assert seen == [(1, 1)]
    assert (await handle.retrieve()).is_waiting  # for the two others
    await clock.advance(5)
    assert seen == [(1, 1), (2, 2), (3, 3)]
    assert (await handle.result()).ok


async def test_the_same_child_twice_at_once_is_two_runs(clock: FakeClock) -> None:
    entered: list[str] = []

    @task()
    async def child(n: int, ctx: Context) -> str:
        entered.append(ctx.run.id)
        return ctx.run.id

    @task()
    async def parent() -> list[str]:
        pair = (child.trigger_and_wait(1).unwrap() for _ in range(2))
        return list(await asyncio.gather(*pair))

    answers = (await (await parent.trigger()).result()).unwrap()
    assert len(set(answers)) == 2
    assert sorted(answers) == sorted(entered)


async def test_two_waits_with_one_key_are_answered_by_one_run(clock: FakeClock) -> None:
    entered: list[int] = []

    @task()
    async def child() -> str:
        entered.append(1)
        return "once"

    @task()
    async def parent() -> list[str]:
        pair = (child.trigger_and_wait(idempotency_key="k").unwrap() for _ in range(2))
        return list(await asyncio.gather(*pair))

    result = await asyncio.wait_for((await parent.trigger()).result(), 5)
    assert result.unwrap() == ["once", "once"]
    assert entered == [1]


async def test_a_child_that_fails_in_a_task_group_ends_the_other_waits(clock: FakeClock) -> None:
    @task(retry=None)
    async def broken() -> None:
        await wait.sleep(1)
        raise ValueError("broken")

    @task()
    async def slow() -> str:
        await wait.sleep("1h")
        return "went on"

    @task(retry=None)
    async def parent() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(broken.trigger_and_wait().unwrap())
            group.create_task(slow.trigger_and_wait().unwrap())

    handle = await parent.trigger()
    await clock.advance(1)
    result = await asyncio.wait_for(handle.result(), 2)
    assert result.status == RunStatus.FAILED
    assert result.error is not None
    assert result.error.name == "ExceptionGroup"
    await clock.advance("1h")
    assert (await statuses())["slow"] == RunStatus.COMPLETED
    await assert_slots(clock)


# --- withdrawn ----------------------------------------------------------------------------------


async def test_a_timeout_round_a_wait_leaves_the_child_running(clock: FakeClock) -> None:
    limits: list[asyncio.Timeout] = []
    seen: list[str] = []

    @task()
    async def child() -> str:
        await wait.sleep("1h")
        return "went on"

    @task()
    async def parent(ctx: Context) -> str:
        try:
            async with asyncio.timeout(None) as limit:
                limits.append(limit)
                await child.trigger_and_wait()
        except TimeoutError:
            seen.append((await runs.retrieve(ctx.run.id)).status)
        await wait.sleep(5)
        return "gave up"

    handle = await parent.trigger()
    await clock.settle()
    assert (await handle.retrieve()).is_waiting
    limits[0].reschedule(0)
    await clock.advance(5)
    assert (await handle.result()).unwrap() == "gave up"
    assert seen == ["EXECUTING"]  # it has a slot again before it goes on
    assert (await statuses())["child"] == RunStatus.WAITING
    await clock.advance("1h")
    assert (await statuses())["child"] == RunStatus.COMPLETED
    await assert_slots(clock)


async def test_who_gives_up_on_a_wait_goes_on_only_in_a_slot(clock: FakeClock) -> None:
    gate = asyncio.Event()
    waiting: list[asyncio.Task[None]] = []
    order: list[str] = []

    @task()
    async def parent() -> None:
        waiting.append(asyncio.ensure_future(wait.sleep("1h")))
        await asyncio.wait(waiting)
        order.append("parent")

    @task()
    async def holder() -> None:
        await gate.wait()
        order.append("holder")

    handle = await parent.trigger()
    await clock.settle()
    holding = await holder.trigger()
    await clock.settle()
    waiting[0].cancel()
    await clock.settle()
    assert order == []
    gate.set()
    await asyncio.gather(handle.result(), holding.result())
    assert order == ["holder", "parent"]


async def test_a_second_timeout_while_it_comes_back_does_not_lose_the_slot(
    clock: FakeClock,
) -> None:
    gate = asyncio.Event()
    limits: list[asyncio.Timeout] = []
    order: list[str] = []

    @task()
    async def parent() -> str:
        try:
            async with asyncio.timeout(None) as outer:
                try:
                    async with asyncio.timeout(None) as inner:
                        limits.extend((outer, inner))
                        await wait.sleep("1d")
                except TimeoutError:
                    order.append("inner")
        except TimeoutError:
            order.append("outer")
        order.append("parent")
        try:
            async with asyncio.timeout(0):
                await wait.sleep("1d")
        except TimeoutError:
            return "still in step"
        return "not reached"

    @task()
    async def holder() -> None:
        await gate.wait()
        order.append("holder")

    handle = await parent.trigger()
    await clock.settle()
    holding = await holder.trigger()
    await clock.settle()
    for limit in reversed(limits):
        limit.reschedule(0)
        await turns(5)
    assert order == []
    gate.set()
    results = await asyncio.wait_for(asyncio.gather(handle.result(), holding.result()), 5)
    assert results[0].unwrap() == "still in step"
    assert order == ["holder", "outer", "parent"]
    await assert_slots(clock)


async def test_a_wait_that_is_withdrawn_before_it_began_makes_no_child(clock: FakeClock) -> None:
    @task()
    async def child() -> None: ...

    @task()
    async def parent() -> str:
        waiting = asyncio.ensure_future(child.trigger_and_wait())
        waiting.cancel()
        await asyncio.wait((waiting,))
        return "done"

    assert (await (await parent.trigger()).result()).unwrap() == "done"
    assert "child" not in await statuses()


async def test_a_pending_that_is_never_awaited_triggers_nothing(clock: FakeClock) -> None:
    @task()
    async def child() -> None: ...

    @task()
    async def parent() -> str:
        child.trigger_and_wait().close()
        return "done"

    assert (await (await parent.trigger()).result()).unwrap() == "done"
    assert "child" not in await statuses()


async def test_one_of_two_waits_may_be_withdrawn(clock: FakeClock) -> None:
    tasks: list[asyncio.Task[None]] = []

    @task()
    async def parent() -> str:
        first = asyncio.ensure_future(wait.sleep("1d"))
        second = asyncio.ensure_future(wait.sleep("1h"))
        tasks.extend((first, second))
        await second
        return "by the second"

    handle = await parent.trigger()
    await clock.settle()
    tasks[0].cancel()
    await clock.settle()
    assert (await handle.retrieve()).is_waiting
    await clock.advance("1h")
    assert (await handle.result()).unwrap() == "by the second"
    await assert_slots(clock)


async def test_a_child_that_is_no_longer_waited_for_outlives_its_waiting_parent(
    clock: FakeClock,
) -> None:
    tasks: list[asyncio.Task[Any]] = []

    @task()
    async def child() -> None:
        await wait.sleep("1h")

    @task()
    async def parent() -> None:
        tasks.append(asyncio.ensure_future(child.trigger_and_wait()))
        await wait.sleep("1d")

    handle = await parent.trigger()
    await clock.settle()
    tasks[0].cancel()
    await clock.settle()
    assert (await handle.retrieve()).is_waiting
    await handle.cancel()
    await clock.advance("2h")
    assert await statuses() == {"child": RunStatus.COMPLETED, "parent": RunStatus.CANCELED}


async def test_an_abandoned_wait_does_not_outlive_the_body(clock: FakeClock) -> None:
    left: list[asyncio.Task[Any]] = []

    @task()
    async def child() -> str:
        await wait.sleep("1h")
        return "went on"

    @task()
    async def parent() -> str:
        left.append(asyncio.ensure_future(child.trigger_and_wait()))
        await wait.sleep(1)
        return "did not wait"

    handle = await parent.trigger()
    await clock.advance(1)
    assert (await handle.result()).unwrap() == "did not wait"
    await turns(2)
    assert left[0].cancelled()
    await clock.advance("1h")
    assert (await statuses())["child"] == RunStatus.COMPLETED
    await assert_slots(clock)


@pytest.mark.parametrize("slots", [1, 3])
@pytest.mark.parametrize(("store", "moments"), STORES)
async def test_a_wait_withdrawn_in_any_moment_loses_nothing(
    store: type[MemoryBackend], moments: int, slots: int, serve: Any
) -> None:
    async def happens(steps: int) -> None:
        clock = FakeClock()
        limits: list[asyncio.Timeout] = []

        @task()
        async def child() -> str:
            await asyncio.sleep(0)
            return "answered"

        @task()
        async def parent() -> str:
            try:
                async with asyncio.timeout(None) as limit:
                    limits.append(limit)
                    await child.trigger_and_wait()
            except TimeoutError:
                return "gave up"
            return await child.trigger_and_wait().unwrap()

        async with serve(store(), clock=clock, concurrency=slots):
            handle = await parent.trigger()
            await turns(steps)
            for limit in limits:
                with suppress(RuntimeError):  # it is over
                    limit.reschedule(0)
            result = await asyncio.wait_for(handle.result(), 2)
            assert result.unwrap() in ("answered", "gave up")
            assert len(limits) == 1  # entered once
            await clock.settle()
            assert {run.status async for run in runs.list()} == {RunStatus.COMPLETED}
            await assert_slots(clock, slots)

    await each_moment(moments, happens)


@pytest.mark.parametrize("slots", [1, 3])
@pytest.mark.parametrize(("store", "moments"), STORES)
async def test_one_of_two_waits_withdrawn_in_any_moment_leaves_the_other(
    store: type[MemoryBackend], moments: int, slots: int, serve: Any
) -> None:
    async def happens(steps: int) -> None:
        clock = FakeClock()
        tasks: list[asyncio.Task[Any]] = []

        @task()
        async def child() -> str:
            await asyncio.sleep(0)
            return "answered"

        @task()
        async def parent() -> str:
            first = asyncio.ensure_future(child.trigger_and_wait())
            tasks.append(first)
            await wait.sleep(1)
            await asyncio.wait((first,))
            return "awake"

        async with serve(store(), clock=clock, concurrency=slots):
            handle = await parent.trigger()
            await turns(steps)
            for one in tasks:
                one.cancel()
            await clock.advance(2)
            assert (await asyncio.wait_for(handle.result(), 2)).unwrap() == "awake"
            assert len(tasks) == 1  # entered once
            assert {run.status async for run in runs.list()} == {RunStatus.COMPLETED}
            await assert_slots(clock, slots)

    await each_moment(moments, happens)


# --- every moment of a cancel -------------------------------------------------------------------


@pytest.mark.parametrize("hooks", [False, True])
@pytest.mark.parametrize("slots", [1, 3])
@pytest.mark.parametrize(("store", "moments"), STORES)
async def test_a_cancel_in_any_moment_of_a_wait_ends_parent_and_child(
    store: type[MemoryBackend], moments: int, slots: int, hooks: bool, serve: Any
) -> None:
    async def happens(steps: int) -> None:
        clock = FakeClock()
        ends: list[str] = []

        @task()
        async def child() -> None:
            await wait.sleep(1)
            await forever()

        @task()
        async def parent() -> None:
            await child.trigger_and_wait()

        for name in ("on_wait", "on_cancel", "cleanup", "on_complete") if hooks else ():
            getattr(parent, name)(saying(name, ends))
        async with serve(store(), clock=clock, concurrency=slots):
            handle = await parent.trigger()
            await turns(steps)
            await handle.cancel("enough")
            assert (await asyncio.wait_for(handle.result(), 2)).status == RunStatus.CANCELED
            await clock.advance(2)
            assert {run.status async for run in runs.list()} == {RunStatus.CANCELED}
            began = (await handle.retrieve()).started_at is not None
            said = [one for one in ends if one != "on_wait"]
            assert said == (["on_cancel", "cleanup", "on_complete"] if hooks and began else [])
            await assert_slots(clock, slots)

    await each_moment(moments, happens)


@pytest.mark.parametrize("slots", [1, 3])
@pytest.mark.parametrize(("store", "moments"), STORES)
async def test_a_cancel_in_any_moment_of_a_sleep_ends_the_run(
    store: type[MemoryBackend], moments: int, slots: int, serve: Any
) -> None:
    async def happens(steps: int) -> None:
        clock = FakeClock()

        @task()
        async def sleeper() -> None:
            for _ in range(2):
                await wait.sleep(1)

        async with serve(store(), clock=clock, concurrency=slots):
            handle = await sleeper.trigger()
            moving = asyncio.ensure_future(clock.advance(5))
            await turns(steps)
            await handle.cancel()
            result = await asyncio.wait_for(handle.result(), 2)
            assert result.status in (RunStatus.CANCELED, RunStatus.COMPLETED)
            await moving
            await assert_slots(clock, slots)

    await each_moment(moments, happens)


# --- a worker that goes, a lease that is lost ---------------------------------------------------


async def test_a_parent_that_is_entered_again_meets_its_children(
    serve: Any, clock: FakeClock
) -> None:
    backend = MemoryBackend()
    entered: dict[str, list[str]] = {"parent": [], "child": [], "other": []}

    @task()
    async def child(n: int, ctx: Context) -> int:
        entered["child"].append(ctx.run.id)
        await wait.sleep("1h")
        return n

    @task()
    async def other(ctx: Context) -> str:
        entered["other"].append(ctx.run.id)
        return "other"

    @task()
    async def parent(ctx: Context) -> list[Any]:
        entered["parent"].append(f"{ctx.attempt.number}")
        first = await other.trigger()
        answers = await asyncio.gather(
            child.trigger_and_wait(1).unwrap(), child.trigger_and_wait(1).unwrap()
        )
        return [first.id, *answers]

    async with serve(backend, clock=clock):
        handle = await parent.trigger()
        await clock.advance(10)
    for _ in range(3):  # workers come and go
        async with serve(backend, clock=clock):
            await clock.advance(10)
    async with serve(backend, clock=clock):
        await clock.advance("2h")
        result = await asyncio.wait_for(handle.result(), 2)
    assert result.unwrap() == [entered["other"][0], 1, 1]
    assert len(set(entered["child"])) == 2
    assert len(entered["other"]) == 1
    assert set(entered["parent"]) == {"1"}


class Deaf(MemoryBackend):
    """Does not hear of the first lease that a run of the task `deaf` has when a beat comes."""

    def __init__(self) -> None:
        super().__init__()
        self.tells = False
        self._token: str | None = None

    async def extend(self, leases: Sequence[Lease], **options: Any) -> Sequence[Signal]:
        for one in leases:
            if one.run.task_id == "deaf":
                self._token = self._token or one.token
        heard = [one for one in leases if one.token != self._token]
        signals = iter(await super().extend(heard, **options))
        return [next(signals) if one in heard else self._silence() for one in leases]

    def _silence(self) -> Signal:
        return Signal.LOST if self.tells else Signal.HELD


@pytest.mark.parametrize("notices", [False, True])
async def test_a_run_whose_lease_was_lost_meets_its_children(
    notices: bool, serve: Any, clock: FakeClock
) -> None:
    backend = Deaf()
    gate = asyncio.Event()
    entered: list[str] = []
    deliveries: list[str] = []

    @task()
    async def child(n: int, ctx: Context) -> int:
        entered.append(ctx.run.id)
        return n

    @task()
    async def deaf() -> list[int]:
        deliveries.append("begun")
        answers = [await child.trigger_and_wait(n).unwrap() for n in range(3)]
        if len(deliveries) == 1:
            try:
                await gate.wait()
                await child.trigger_and_wait(99)
            finally:
                deliveries.append("ended")
        return answers

    async with serve(backend, clock=clock):
        handle = await deaf.trigger()
        await clock.settle()
        await clock.advance(15)
        backend.tells = notices
        await clock.advance("1m")
        assert (await asyncio.wait_for(handle.result(), 2)).unwrap() == [0, 1, 2]
        gate.set()
        await clock.advance("1m")
        assert sorted(deliveries) == ["begun", "begun", "ended"]
        assert len(entered) == len(set(entered)) == 3 + (not notices)
        assert (await handle.result()).unwrap() == [0, 1, 2]
        await assert_slots(clock, 10)


class FailsToSuspend(MemoryBackend):
    """Does not take the first wait of a run."""

    def __init__(self) -> None:
        super().__init__()
        self._failed = False

    async def settle(self, lease: Lease, outcome: Any, **options: Any) -> None:
        if isinstance(outcome, Suspended) and not self._failed:
            self._failed = True
            raise BackendError("the disk is full")
        await super().settle(lease, outcome, **options)


async def test_a_wait_that_the_store_does_not_take_raises_and_the_run_goes_on_in_its_slot(
    serve: Any, clock: FakeClock
) -> None:
    gate = asyncio.Event()
    begun: list[str] = []

    @task()
    async def sleeper() -> str:
        begun.append("begun")
        with pytest.raises(BackendError, match="the disk is full"):
            await wait.sleep(1)
        await gate.wait()
        await wait.sleep(1)
        return "done"

    async with serve(FailsToSuspend(), clock=clock, concurrency=1):
        handle = await sleeper.trigger()
        await clock.advance("10m")  # its lease is prolonged all the time
        assert (await handle.retrieve()).is_executing
        gate.set()
        await clock.advance(1)
        assert (await handle.result()).unwrap() == "done"
        assert begun == ["begun"]
        await assert_slots(clock)


async def test_who_waits_for_a_slot_when_the_body_returns_is_let_go(clock: FakeClock) -> None:
    gate, leave = asyncio.Event(), asyncio.Event()
    waiting: list[asyncio.Task[None]] = []

    @task()
    async def holder() -> None:
        await gate.wait()

    @task()
    async def parent() -> str:
        waiting.append(asyncio.ensure_future(wait.sleep("1d")))
        await leave.wait()
        return "left"

    handle = await parent.trigger()
    await clock.settle()
    await holder.trigger()
    await clock.settle()
    waiting[0].cancel()
    await clock.settle()
    assert not waiting[0].done()
    leave.set()
    assert (await handle.result()).unwrap() == "left"
    await clock.settle()
    assert waiting[0].cancelled()
    gate.set()
    await clock.settle()
    await assert_slots(clock)


async def test_a_coroutine_whose_run_went_on_elsewhere_is_ended(
    serve: Any, clock: FakeClock
) -> None:
    """It waits here without a slot; after a lease another worker takes the answer, fails, and is gone."""
    backend = MemoryBackend()
    gate = asyncio.Event()
    seen: list[str] = []

    @task()
    async def holder() -> None:
        await gate.wait()

    @task(retry=Retry(2, "2m", randomize=False))
    async def moving(ctx: Context) -> int:
        seen.append(f"attempt {ctx.attempt.number}")
        try:
            await wait.sleep(1)
        except asyncio.CancelledError:
            seen.append(f"{ctx.signal.reason}")
            raise
        if ctx.attempt.number == 1:
            raise ValueError("broken")
        return ctx.attempt.number

    async with serve(backend, clock=clock, concurrency=1):
        handle = await moving.trigger()
        await clock.settle()
        await holder.trigger()
        await clock.advance(20)
        assert seen == ["attempt 1"]
        async with serve(backend, clock=clock, concurrency=1):
            await clock.advance(30)
        assert seen == ["attempt 1", "attempt 1"]
        gate.set()
        await clock.advance("5m")
        assert (await handle.result()).unwrap() == 2
        assert sorted(seen) == ["attempt 1", "attempt 1", "attempt 2", "shutdown"]
        await assert_slots(clock)


async def test_a_new_attempt_makes_new_children(clock: FakeClock) -> None:
    entered: list[str] = []

    @task()
    async def child(ctx: Context) -> None:
        entered.append(ctx.run.id)

    @task(retry=Retry(2, 0))
    async def parent() -> None:
        await child.trigger_and_wait()
        raise ValueError("once more")

    await (await parent.trigger()).result()
    assert len(set(entered)) == 2


async def test_a_timer_keeps_its_moment_when_the_attempt_is_entered_again(
    serve: Any, clock: FakeClock
) -> None:
    backend = MemoryBackend()

    @task()
    async def sleeper() -> None:
        await wait.sleep("1h")

    async with serve(backend, clock=clock):
        handle = await sleeper.trigger()
        await clock.advance("30m")
    async with serve(backend, clock=clock):
        await clock.advance("29m")
        assert (await handle.retrieve()).is_waiting
        await clock.advance("1m")
        assert (await handle.result()).ok


async def test_leaving_the_worker_ends_what_waits(clock: FakeClock) -> None:
    seen: list[Any] = []

    @task()
    async def sleeper(ctx: Context) -> None:
        try:
            await wait.sleep("1h")
        except asyncio.CancelledError:
            seen.append(ctx.signal.reason)
            raise

    before = asyncio.all_tasks()
    async with taskkit.local(clock=clock):
        await sleeper.trigger()
        await clock.settle()
    assert seen == ["shutdown"]
    assert asyncio.all_tasks() == before
