"""What a run says piece by piece, and its readers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

import pytest

import taskkit
from taskkit import Context, Retry, RunStatus, streams, task, wait
from taskkit.backends.memory import MemoryBackend
from taskkit.errors import (
    InvalidOptionError,
    NotInTaskError,
    NoWorkerError,
    RunNotFoundError,
    StoreUnavailableError,
    SyncInAsyncError,
)
from taskkit.model.exchange import Entry, Lease
from taskkit.testing import FakeClock

pytestmark = pytest.mark.anyio

Counting = Callable[[int], AsyncIterator[int]]


async def counting(many: int) -> AsyncIterator[int]:
    for number in range(many):
        await asyncio.sleep(0)
        yield number


async def parts(run_id: str, key: str) -> list[Any]:
    return [part async for part in streams.read(run_id, key)]


class Turnstile:
    """An async iterator that lets parts through one by one."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Any] = asyncio.Queue()

    async def __aiter__(self) -> AsyncIterator[Any]:
        while (part := await self.queue.get()) is not None:
            yield part


@pytest.mark.usefixtures("app")
class TestInATask:
    async def test_what_is_piped_is_read_in_order(self) -> None:
        @task
        async def work() -> list[int]:
            return [
                await streams.pipe("async", counting(3)),
                await streams.pipe("plain", ["a", {"b": [1]}, None]),
                await streams.pipe("empty", []),
            ]

        handle = await work.trigger()
        assert (await handle.result()).output == [3, 3, 0]
        assert await parts(handle.id, "async") == [0, 1, 2]
        assert await parts(handle.id, "plain") == ["a", {"b": [1]}, None]
        assert await parts(handle.id, "empty") == []
        assert await parts(handle.id, "other") == []

    async def test_readers_get_each_part_while_the_run_goes_on(self, clock: FakeClock) -> None:
        source = Turnstile()

        @task
        async def work() -> None:
            await streams.pipe("answer", source)

        handle = await work.trigger()
        early = streams.read(handle.id, "answer")
        for part in ("Hel", "lo"):
            source.queue.put_nowait(part)
            assert await anext(early) == part
            assert (await handle.retrieve()).status == RunStatus.EXECUTING
        late = streams.read(handle.id, "answer")
        assert [await anext(late), await anext(late)] == ["Hel", "lo"]
        ends = asyncio.gather(anext(early, "end"), anext(late, "end"))
        await clock.settle()
        assert not ends.done()
        source.queue.put_nowait(None)
        assert await ends == ["end", "end"]

    async def test_a_reader_may_come_before_the_run_begins(self, clock: FakeClock) -> None:
        @task
        async def work() -> None:
            await streams.pipe("answer", [1, 2])

        handle = await work.trigger(delay=60)
        reading = asyncio.create_task(parts(handle.id, "answer"))
        await clock.settle()
        assert not reading.done()
        await clock.advance(61)
        assert await reading == [1, 2]

    async def test_many_quick_parts_are_all_kept_in_order(self) -> None:
        many = 25_000

        @task
        async def work() -> int:
            return await streams.pipe("numbers", range(many))

        handle = await work.trigger()
        reading = asyncio.create_task(parts(handle.id, "numbers"))
        assert (await handle.result()).output == many
        assert await reading == list(range(many))

    async def test_pipes_beside_each_other_do_not_mix(self) -> None:
        @task
        async def work() -> None:
            await asyncio.gather(*(streams.pipe(key, counting(10)) for key in "ab"))

        handle = await work.trigger()
        assert await parts(handle.id, "a") == list(range(10))
        assert await parts(handle.id, "b") == list(range(10))

    async def test_a_failing_source_fails_the_pipe_and_what_was_sent_stays(
        self, clock: FakeClock
    ) -> None:
        async def broken() -> AsyncIterator[str]:
            yield "one"
            yield "two"
            raise ValueError("no more")

        @task(retry=Retry(2, 1, randomize=False))
        async def work(ctx: Context) -> None:
            await streams.pipe("answer", broken() if ctx.attempt.number == 1 else ["again"])

        handle = await work.trigger()
        await clock.advance(2)
        assert (await handle.result()).ok
        assert await parts(handle.id, "answer") == ["one", "two", "again"]

    async def test_a_part_that_is_no_json_names_itself(self) -> None:
        @task(retry=None)
        async def work() -> None:
            await streams.pipe("answer", [1, object()])

        handle = await work.trigger()
        error = (await handle.result()).error
        assert error is not None
        assert error.name == "NotSerializableError"
        assert "Part 2 of stream 'answer'" in error.message
        assert await parts(handle.id, "answer") == [1]

    async def test_what_was_taken_is_stored_when_the_run_is_canceled(
        self, clock: FakeClock
    ) -> None:
        source = Turnstile()

        @task
        async def work() -> None:
            await streams.pipe("answer", source)

        handle = await work.trigger()
        source.queue.put_nowait("one")
        await clock.settle()
        await handle.cancel()
        assert (await handle.result()).status == RunStatus.CANCELED
        assert await parts(handle.id, "answer") == ["one"]

    async def test_a_pipe_beside_a_wait(self, clock: FakeClock) -> None:
        """The run comes back from its wait under another lease while the pipe goes on."""
        source = Turnstile()

        @task
        async def work() -> None:
            await asyncio.gather(streams.pipe("answer", source), wait.sleep(10))

        handle = await work.trigger()
        for part in ("before", "while", "after"):
            source.queue.put_nowait(part)
            await clock.advance(6)
        source.queue.put_nowait(None)
        assert await parts(handle.id, "answer") == ["before", "while", "after"]

    async def test_a_reader_owns_what_it_gets(self) -> None:
        @task
        async def work() -> None:
            await streams.pipe("answer", [{"list": []}])

        handle = await work.trigger()
        (first,) = await parts(handle.id, "answer")
        first["list"].append(1)
        assert await parts(handle.id, "answer") == [{"list": []}]

    async def test_a_plain_task_pipes_from_its_own_thread(self) -> None:
        @task
        def work() -> list[int]:
            def numbers() -> Iterator[int]:
                yield from range(3)

            return [
                streams.sync.pipe("plain", numbers()),
                streams.sync.pipe("async", counting(2)),
            ]

        @task
        def reader(run_id: str) -> list[int]:
            return list(streams.sync.read(run_id, "plain"))

        handle = await work.trigger()
        assert (await handle.result()).output == [3, 2]
        assert (await (await reader.trigger(handle.id)).result()).output == [0, 1, 2]
        assert await parts(handle.id, "async") == [0, 1]

    @pytest.mark.parametrize("source", [7, None, "text", b"bytes"])
    async def test_a_source_is_an_iterable_of_parts(self, source: Any) -> None:
        @task
        async def work() -> None:
            with pytest.raises(InvalidOptionError, match="the source of a stream"):
                await streams.pipe("answer", source)

        assert (await (await work.trigger()).result()).ok

    async def test_calls_outside_of_a_run(self) -> None:
        with pytest.raises(NotInTaskError, match=r"streams\.pipe"):
            await streams.pipe("answer", [])
        with pytest.raises(SyncInAsyncError, match=r"await streams\.pipe"):
            streams.sync.pipe("answer", [])
        with pytest.raises(RunNotFoundError, match="run_none"):
            await parts("run_none", "answer")
        with pytest.raises(InvalidOptionError, match="run_id"):
            streams.read("", "answer")


async def test_a_reader_is_told_when_the_backend_goes(clock: FakeClock) -> None:
    @task
    async def work() -> None:
        await wait.sleep(60)

    async with taskkit.local(clock=clock):
        handle = await work.trigger()
        reading = asyncio.create_task(parts(handle.id, "answer"))
        await clock.settle()
    with pytest.raises(NoWorkerError, match="closed before"):
        await reading


class Unreliable(MemoryBackend):
    """Some of its appends are not answered, after they were stored or before."""

    def __init__(self, failures: Sequence[str]) -> None:
        super().__init__()
        self.failures = list(failures)
        self.sizes: list[int] = []

    async def append(
        self, run_id: str, entries: Sequence[Entry], *, flush_id: str, lease: Lease | None
    ) -> None:
        self.sizes.append(len(entries))
        failure = self.failures.pop(0) if self.failures else None
        await asyncio.sleep(0)
        if failure != "before":
            await super().append(run_id, entries, flush_id=flush_id, lease=lease)
        if failure is not None:
            raise StoreUnavailableError("no answer")


async def test_a_part_counts_once_however_often_it_is_sent(clock: FakeClock, serve: Any) -> None:
    @task
    async def work() -> int:
        return await streams.pipe("answer", counting(20))

    backend = Unreliable(["before", "after", "before"])
    async with serve(backend, clock=clock):
        handle = await work.trigger()
        await clock.advance(5)
        assert (await handle.result()).output == 20
        assert await parts(handle.id, "answer") == list(range(20))


async def test_a_store_that_stays_away_fails_the_pipe(clock: FakeClock, serve: Any) -> None:
    @task(retry=None)
    async def work() -> None:
        await streams.pipe("answer", counting(20))

    async with serve(Unreliable(["before"] * 4), clock=clock):
        handle = await work.trigger()
        await clock.advance(10)
        error = (await handle.result()).error
    assert error is not None
    assert error.name == "StoreUnavailableError"


async def test_parts_that_wait_for_the_store_go_together(clock: FakeClock, serve: Any) -> None:
    @task
    async def work() -> None:
        await streams.pipe("answer", range(1000))

    backend = Unreliable([])
    async with serve(backend, clock=clock):
        await (await work.trigger()).result()
    assert sum(backend.sizes) == 1000
    assert len(backend.sizes) <= 8
    assert max(backend.sizes) <= 256
