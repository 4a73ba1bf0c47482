"""Following many runs at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

import taskkit
from taskkit import Run, Worker, metadata, runs, tags, task
from taskkit.backends.memory import MemoryBackend
from taskkit.errors import BatchNotFoundError, InvalidOptionError, NoWorkerError
from taskkit.testing import FakeClock

pytestmark = pytest.mark.anyio
Seen = list[tuple[str, str]]


async def watched(changes: AsyncIterator[Run], seen: Seen) -> None:
    async for run in changes:
        seen.append((run.id, run.status))


async def test_a_batch_is_followed_from_where_it_stands_to_its_end(
    app: Worker, clock: FakeClock
) -> None:
    @task()
    async def send(number: int) -> None: ...

    handle = await send.batch_trigger([send.item(0), send.item(1, delay="1h")])
    first, second = (run.id for run in handle.runs)
    await handle.runs[0].result()
    seen: Seen = []
    following = asyncio.create_task(watched(runs.subscribe_to_batch(handle.id), seen))
    await clock.settle()
    assert seen == [(first, "COMPLETED"), (second, "DELAYED")]
    await clock.advance("1h")
    await following
    assert {run_id for run_id, _ in seen[2:]} == {second}
    assert seen[-1] == (second, "COMPLETED")


async def test_a_batch_that_is_over_is_shown_once(app: Worker) -> None:
    @task()
    async def send(number: int) -> None: ...

    handle = await send.batch_trigger(range(250))
    await handle.results()
    shown = [(run.id, run.status) async for run in runs.subscribe_to_batch(handle.id)]
    assert shown == [(run.id, "COMPLETED") for run in handle.runs]


async def test_an_unknown_batch_is_an_error(app: Worker) -> None:
    with pytest.raises(BatchNotFoundError):
        await anext(runs.subscribe_to_batch("batch_unknown"))
    with pytest.raises(InvalidOptionError, match="batch_id"):
        runs.subscribe_to_batch(7)  # type: ignore[arg-type]  # what is refused


async def test_a_batch_that_nobody_will_end_is_not_followed_for_ever() -> None:
    @task()
    async def send() -> None: ...

    async with taskkit.local():
        handle = await send.batch_trigger([send.item(None, delay="1h")])
        following = asyncio.create_task(watched(runs.subscribe_to_batch(handle.id), []))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    with pytest.raises(NoWorkerError):
        await following


async def test_a_tag_is_followed_with_each_new_run_until_it_is_closed(
    app: Worker, clock: FakeClock
) -> None:
    @task()
    async def send() -> None: ...

    @task()
    async def tagged_later() -> None:
        await tags.add("acme")

    old = await send.trigger(tags="acme")
    await old.result()
    seen: Seen = []
    following = asyncio.create_task(watched(runs.subscribe_to_tag("acme"), seen))
    await clock.settle()
    assert seen == [(old.id, "COMPLETED")]
    new, other = await send.trigger(tags=["acme", "b"]), await send.trigger(tags="b")
    later = await tagged_later.trigger()
    await app.idle()
    await clock.settle()
    assert {run_id for run_id, _ in seen} == {old.id, new.id, later.id}
    assert other.id not in dict(seen)
    assert {(new.id, "COMPLETED"), (later.id, "COMPLETED")} <= set(seen)
    assert not following.done()
    following.cancel()


async def test_each_change_is_told_once(app: Worker, clock: FakeClock) -> None:
    @task()
    async def send() -> None:
        metadata.set("progress", 1)
        await metadata.flush()

    handle = await send.trigger(tags="acme", delay="1h")
    async with aclosing(runs.subscribe_to_tag("acme")) as changes:
        assert (await anext(changes)).status == "DELAYED"
        await runs.reschedule(handle.id, "2h")
        assert (await anext(changes)).available_at == (await handle.retrieve()).available_at
        await clock.advance("2h")
        run = await anext(changes)
        assert (run.status, run.metadata) == ("COMPLETED", {"progress": 1})
        waiting = asyncio.ensure_future(anext(changes))
        await clock.settle()
        assert not waiting.done()
        waiting.cancel()
        await asyncio.wait([waiting])


async def test_following_a_tag_ends_with_the_backend() -> None:
    seen: Seen = []
    async with taskkit.local():
        following = asyncio.create_task(watched(runs.subscribe_to_tag("acme"), seen))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    await following
    assert seen == []


async def test_nothing_is_left_of_a_subscription_that_was_closed(app: Worker) -> None:
    @task()
    async def send() -> None: ...

    handle = await send.batch_trigger([None])
    async for _ in runs.subscribe_to_batch(handle.id):
        pass
    changes = runs.subscribe_to_tag("acme")
    waiting = asyncio.create_task(anext(changes, None))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    backend = app.backend
    assert isinstance(backend, MemoryBackend)
    assert not [topic for topic in backend._watches._by_topic if topic.startswith(("tag", "batch"))]


def test_the_same_for_plain_code() -> None:
    @task()
    def send() -> None: ...

    with taskkit.use_backend(MemoryBackend()):
        handle = send.sync.batch_trigger([send.item(None, tags="acme")])
        handle.runs[0].sync.cancel()
        (run,) = runs.sync.subscribe_to_batch(handle.id)
        assert run.status == "CANCELED"
        assert next(runs.sync.subscribe_to_tag("acme")).id == run.id
