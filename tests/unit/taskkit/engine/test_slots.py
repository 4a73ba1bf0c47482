"""A worker's slots on stores that take their time: none is lost, none is won, none stays empty."""

import asyncio
from typing import Any

import pytest

from taskkit import queues, task, wait
from taskkit.backends.memory import MemoryBackend
from taskkit.session import Worker
from taskkit.testing import FakeClock

pytestmark = pytest.mark.anyio


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


class LateClaim(MemoryBackend):
    """Gives out runs at once and says so late."""

    async def claim(self, *args: Any, **options: Any) -> Any:
        leases = await super().claim(*args, **options)
        await turns(6)
        return leases


class LateSettle(MemoryBackend):
    """Records at once and says so late: what follows from it may be claimed before."""

    async def settle(self, *args: Any, **options: Any) -> None:
        await super().settle(*args, **options)
        await turns(12)


@pytest.mark.parametrize("store", [MemoryBackend, LateClaim, LateSettle])
@pytest.mark.parametrize("steps", range(12))
@pytest.mark.parametrize("slots", [1, 2, 3])
async def test_a_free_slot_is_filled_whenever_it_becomes_free(
    store: type[MemoryBackend], steps: int, slots: int, serve: Any, clock: FakeClock
) -> None:
    """No time passes: nothing but what the worker itself notices makes it claim again."""
    running = [0, 0]

    @task()
    async def work(n: int) -> int:
        running[0] += 1
        running[1] = max(running)
        await turns(n)
        running[0] -= 1
        return n

    async with serve(store(), clock=clock, concurrency=slots):
        lengths = [(n * 7 + steps) % 13 for n in range(2 * slots + 3)]
        handles = [await work.trigger(n) for n in lengths[: slots + 1]]
        await turns(steps)
        handles += [await work.trigger(n) for n in lengths[slots + 1 :]]
        await clock.settle()
        results = [await asyncio.wait_for(handle.result(), 2) for handle in handles]
        assert [result.unwrap() for result in results] == lengths
        assert running[0] == 0
        assert running[1] <= slots


async def test_a_slot_that_becomes_free_during_a_claim_is_filled(
    serve: Any, clock: FakeClock
) -> None:
    first, others = asyncio.Event(), asyncio.Event()
    running: list[int] = []

    @task()
    async def work(n: int) -> None:
        running.append(n)
        await (others if n else first).wait()

    async with serve(LateClaim(), clock=clock, concurrency=2):
        begun = await work.trigger(0)
        await clock.settle()
        batch = await work.batch_trigger([1, 2])
        await turns(3)
        assert running == [0]
        first.set()
        await clock.settle()
        assert (await begun.retrieve()).is_success
        assert running == [0, 1, 2]
        others.set()
        await asyncio.wait_for(batch.results(), 2)


async def test_a_run_that_came_back_before_it_was_told_that_it_left_holds_one_slot(
    serve: Any, clock: FakeClock
) -> None:
    gate = asyncio.Event()
    running: list[int] = []

    @task()
    async def child() -> None: ...

    @task()
    async def parent() -> None:
        await child.trigger_and_wait()
        await gate.wait()

    @task()
    async def probe(n: int) -> None:
        running.append(n)
        await gate.wait()

    async with serve(LateSettle(), clock=clock, concurrency=3):
        handle = await parent.trigger()
        await clock.settle()
        assert (await handle.retrieve()).is_executing
        batch = await probe.batch_trigger(list(range(5)))
        await clock.settle()
        assert len(running) == 2
        gate.set()
        await asyncio.wait_for(batch.results(), 2)
        assert (await handle.result()).ok


async def test_a_child_that_is_waited_for_stands_where_its_parent_stood(
    app: Worker, clock: FakeClock
) -> None:
    """Work that came after the parent does not overtake its children, although they were made later."""
    order: list[str] = []

    @task()
    async def step(name: str) -> None:
        order.append(name)

    @task()
    async def parent() -> None:
        await wait.sleep(10)
        await step.trigger_and_wait("child")

    await queues.pause(step)
    await parent.trigger()
    await clock.advance(5)
    await step.trigger("younger")
    await clock.advance(10)
    await queues.resume(step)
    await app.idle()
    assert order == ["child", "younger"]
