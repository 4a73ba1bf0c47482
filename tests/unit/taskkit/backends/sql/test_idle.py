"""Waiting until nothing is left to do."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from taskkit.backends.sql.kept_backend import KeptBackend
from taskkit.model.exchange import (
    Canceled,
    ClaimSpec,
    Completed,
    Lease,
    Released,
    Runs,
    Suspended,
    Until,
    Wait,
)
from taskkit.model.ids import new_id, new_run_id
from taskkit.model.request import TriggerRequest

pytestmark = pytest.mark.anyio


def request(**fields: Any) -> TriggerRequest:
    return TriggerRequest(new_run_id(), "task", b"1", "queue", **fields)


async def enqueue(backend: KeptBackend, *requests: TriggerRequest) -> None:
    await backend.enqueue(requests, batch_id=None, now=None)


async def claim(backend: KeptBackend) -> Lease:
    (lease,) = await backend.claim("worker", ClaimSpec(), limit=10, lease=30, now=None)
    return lease


async def is_busy(backend: KeptBackend) -> bool:
    return await backend._look(backend._reading.busy.is_busy)


async def returned(idle: "asyncio.Future[None]") -> None:
    await asyncio.wait_for(idle, 10)


async def test_nothing_is_idle_at_once(backend: KeptBackend) -> None:
    await returned(asyncio.ensure_future(backend.idle()))


async def test_what_is_delayed_or_waits_is_not_waited_for(backend: KeptBackend) -> None:
    await enqueue(backend, request(delay_until=datetime.now(UTC) + timedelta(hours=1)))
    await enqueue(backend, request())
    lease = await claim(backend)
    assert await is_busy(backend)
    tomorrow = Wait(new_id("wait"), Until(datetime.now(UTC) + timedelta(days=1)), "duration")
    await backend.settle(lease, Suspended((tomorrow,)), now=None)
    await returned(asyncio.ensure_future(backend.idle()))


async def test_idle_returns_when_the_last_run_ends(backend: KeptBackend) -> None:
    await enqueue(backend, request())
    idle = asyncio.ensure_future(backend.idle())
    lease = await claim(backend)
    assert await is_busy(backend)
    assert not idle.done()
    await backend.settle(lease, Completed(b"1"), now=None)
    await returned(idle)


async def test_an_answer_that_is_not_met_is_waited_for(backend: KeptBackend) -> None:
    await enqueue(backend, request())
    parent = await claim(backend)
    child = request(parent_id=parent.run.id, awaited=True)
    await enqueue(backend, child)
    wait = Wait(new_id("wait"), Runs((child.run_id,)))
    await backend.settle(parent, Suspended((wait,)), now=None)
    await backend.settle(await claim(backend), Completed(b"1"), now=None)
    assert await is_busy(backend)
    await backend.settle(await claim(backend), Completed(b"1"), now=None)
    assert not await is_busy(backend)


async def test_a_clean_up_is_waited_for(backend: KeptBackend) -> None:
    run = request()
    await enqueue(backend, run)
    await backend.settle(await claim(backend), Released(), now=None)
    await backend.cancel([run.run_id], reason=None, now=None)
    assert await is_busy(backend)
    lease = await claim(backend)
    assert lease.kind == "cleanup"
    assert await is_busy(backend)
    await backend.settle(lease, Canceled(), now=None)
    assert not await is_busy(backend)


async def test_what_stands_in_a_shut_queue_is_not_waited_for(backend: KeptBackend) -> None:
    await enqueue(backend, request())
    idle = asyncio.ensure_future(backend.idle())
    assert await is_busy(backend)
    assert not idle.done()
    await backend.update_queue("queue", paused=True)
    await returned(idle)
    await backend.update_queue("queue", paused=False, limit=0)
    await returned(asyncio.ensure_future(backend.idle()))


async def test_idle_of_a_worker(unopened: KeptBackend, serve: Any) -> None:
    from taskkit import task

    seen: list[int] = []

    @task
    async def note(number: int) -> None:
        seen.append(number)

    async with serve(unopened) as app:
        for number in range(5):
            await note.trigger(number)
        await asyncio.wait_for(app.idle(), 20)
        assert sorted(seen) == [0, 1, 2, 3, 4]
