"""Logs, streams, memos and tags of runs on a real Temporal dev server, also of workers that are other processes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from taskkit import Retry, logger, memo, metadata, runs, streams, tags, task, wait
from taskkit.definition.context import Context
from taskkit.errors import LeaseLostError, RunNotFoundError
from taskkit.model.exchange import Entry, EntryKind, RunFilter
from taskkit.model.ids import new_id, new_run_id
from taskkit.model.request import TriggerRequest
from taskkit.runtime.current_backend import choose
from taskkit.runtime.home import Home
from taskkit.session import Worker
from taskkit.testing.conformance.serving import own_tasks

pytest.importorskip("temporalio", reason="temporalio is not installed")

from temporalio.client import WorkflowExecutionStatus  # needs it

from taskkit.backends.temporal import TemporalBackend
from taskkit.backends.temporal.entry_log import part_id
from tests.integration.taskkit.temporal.worker_process import Process, until_said, worker_process

pytestmark = pytest.mark.anyio
WITHIN = 20.0
TASKS = Path(__file__).with_name("speaking_tasks.py")
ODD = '\ud800 \x00 ü \u2603 \U0001f600 \\ " \u2028 \ufffe'
LOG, STREAM = EntryKind.LOG, EntryKind.STREAM


@pytest.fixture(autouse=True)
def _own_tasks() -> Iterator[None]:
    with own_tasks():
        yield


@pytest.fixture
async def new_home(temporal_url: str) -> AsyncIterator[Callable[[], Home]]:
    """Makes instances on one project of the server."""
    homes: list[Home] = []

    def new() -> Home:
        homes.append(Home(lambda: TemporalBackend.from_url(temporal_url), name="temporal"))
        return homes[-1]

    yield new
    for home in homes:
        await home.close()


@pytest.fixture
async def home(new_home: Callable[[], Home]) -> Home:
    home = new_home()
    await home.ready()
    return home


@pytest.fixture
def backend(home: Home) -> TemporalBackend:
    assert isinstance(home.backend, TemporalBackend)
    return home.backend


def working(home: Home, concurrency: int = 10) -> Worker:
    return Worker(home, "production", concurrency=concurrency, lease=3, drain=0)


async def asked(backend: TemporalBackend, **fields: Any) -> str:
    """A run that nobody carries out."""
    request = TriggerRequest(new_run_id(), "speaks", b"1", "task/speaks", **fields)
    await backend.enqueue([request], batch_id=None, now=None)
    return request.run_id


async def append(backend: TemporalBackend, run_id: str, *entries: Entry, flush: str = "") -> None:
    flush_id = flush or new_id("flush")
    await backend.append(run_id, entries, flush_id=flush_id, lease=None)


async def data_of(backend: TemporalBackend, run_id: str, kind: EntryKind) -> list[Any]:
    page = await backend.read(run_id, kind, key=None, after=0, limit=100_000)
    assert [entry.position for entry in page.items] == list(range(1, len(page.items) + 1))
    return [entry.data for entry in page.items]


async def is_open(backend: TemporalBackend, run_id: str, kind: EntryKind, part: int = 1) -> bool:
    handle = backend.client.get_workflow_handle(part_id(run_id, kind, part))
    return (await handle.describe()).status is WorkflowExecutionStatus.RUNNING


# --- other processes --------------------------------------------------------------------------------


async def test_what_a_killed_worker_said_is_kept_and_its_memo_is_met(
    temporal_url: str, backend: TemporalBackend, home: Home, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    request = TriggerRequest(new_run_id(), "speaks", b"1", "task/speaks")
    with worker_process(temporal_url, TASKS, MARK=mark) as first:
        await backend.enqueue([request], batch_id=None, now=None)
        await until_said(first, "hangs")
        before = await data_of(backend, request.run_id, LOG)
        with worker_process(temporal_url, TASKS, MARK=mark) as second:
            first.kill()
            lines = await until_said(second, "memo ")
            with choose(home):
                run = await runs.poll(request.run_id, timeout=WITHIN)
                logs = [entry.data["message"] async for entry in runs.logs(request.run_id)]
                parts = [part async for part in streams.read(request.run_id, "parts")]
    assert [entry["message"] for entry in before] == ["entered"]
    assert (run.status, run.attempt, run.deaths) == ("COMPLETED", 1, 1)
    assert lines[-1] == "memo made by the first"
    assert logs == ["entered", "entered", "done"]
    assert parts == ["first", "second"]
    assert run.tags == ("given", "first", "second")


async def test_a_stream_of_another_process_is_heard_part_by_part(
    temporal_url: str, new_home: Callable[[], Home], tmp_path: Path
) -> None:
    """Two readers are each given a part before the task is told to send the next."""
    readers = [new_home() for _ in range(2)]
    for reader in readers:
        await reader.ready()
    request = TriggerRequest(new_run_id(), "parts", b"5", "task/parts")
    await readers[0].backend.enqueue([request], batch_id=None, now=None)

    async def go_on(process: Process) -> None:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()

    with worker_process(temporal_url, TASKS, MARK=tmp_path / "mark") as process:
        read: list[list[int]] = [[], []]
        reading = []
        for reader in readers:
            with choose(reader):
                reading.append(streams.read(request.run_id, "parts"))
        for _ in range(5):
            for parts, seen in zip(reading, read, strict=True):
                async with asyncio.timeout(WITHIN):
                    seen.append(await anext(parts))
            await go_on(process)
        for parts, seen in zip(reading, read, strict=True):
            seen += [part async for part in parts]
    backend = readers[0].backend
    rest = await backend.read(request.run_id, STREAM, key="parts", after=3, limit=10)
    assert read == [[0, 1, 2, 3, 4]] * 2
    assert [(entry.position, entry.data) for entry in rest.items] == [(4, 3), (5, 4)]


# --- logs -------------------------------------------------------------------------------------------


async def test_a_long_log_goes_on_in_a_next_part(
    backend: TemporalBackend, new_home: Callable[[], Home]
) -> None:
    """Several parts, written by two who do not know of each other, read by a third from any position."""
    other = new_home()
    await other.ready()
    assert isinstance(other.backend, TemporalBackend)
    for writer in (backend, other.backend):
        writer.entries.most_signals = 20
    run_id = await asked(backend)

    async def write(writer: TemporalBackend, name: str) -> None:
        for number in range(60):
            lines = [Entry(LOG, [name, number, line]) for line in range(25)]
            await append(writer, run_id, *lines)

    await asyncio.gather(write(backend, "a"), write(other.backend, "b"))
    reader = new_home()
    await reader.ready()
    assert isinstance(reader.backend, TemporalBackend)
    came = await data_of(reader.backend, run_id, LOG)
    for name in "ab":
        mine = [(number, line) for one, number, line in came if one == name]
        assert mine == [(number, line) for number in range(60) for line in range(25)]
    assert len(came) == 3000
    page = await other.backend.read(run_id, LOG, key=None, after=2990, limit=5)
    assert [(one.position, one.data) for one in page.items] == [
        (position, came[position - 1]) for position in range(2991, 2996)
    ]
    assert page.cursor == 2995
    assert not await is_open(backend, run_id, LOG, part=2)


async def test_logs_that_were_forgotten_are_read_again(backend: TemporalBackend) -> None:
    backend.entries.kept_bytes = 10
    ids = [await asked(backend) for _ in range(3)]
    for run_id in ids:
        await append(backend, run_id, *(Entry(LOG, [run_id, number]) for number in range(5)))
    for _ in range(2):
        for run_id in ids:
            page = await backend.read(run_id, LOG, key=None, after=3, limit=5)
            assert [entry.data for entry in page.items] == [[run_id, 3], [run_id, 4]]


async def test_a_flush_counts_once_over_parts_too(backend: TemporalBackend) -> None:
    backend.entries.most_signals = 2
    run_id = await asked(backend)
    for flush in ("one", "two", "three", "one", "three", "four"):
        await append(backend, run_id, Entry(LOG, flush), flush=flush)
    assert await data_of(backend, run_id, LOG) == ["one", "two", "three", "four"]


async def test_a_log_that_the_server_has_closed_goes_on(backend: TemporalBackend) -> None:
    """As it does where it has more events or bytes than the server allows, or when its time is over."""
    run_id = await asked(backend)
    await append(backend, run_id, Entry(LOG, "before"))
    assert await data_of(backend, run_id, LOG) == ["before"]
    await backend.client.get_workflow_handle(part_id(run_id, LOG, 1)).terminate()
    await append(backend, run_id, Entry(LOG, "after"))
    assert await data_of(backend, run_id, LOG) == ["before", "after"]


async def test_large_and_odd_entries_come_back(backend: TemporalBackend) -> None:
    run_id = await asked(backend)
    large = "\u2603" * 700_000
    entries = [Entry(LOG, {ODD: [ODD, None, 1.5]}, ODD), Entry(LOG, large), Entry(LOG, "")]
    await append(backend, run_id, *entries)
    await append(backend, run_id, Entry(LOG, "next"))
    assert await data_of(backend, run_id, LOG) == [{ODD: [ODD, None, 1.5]}, large, "", "next"]
    page = await backend.read(run_id, LOG, key=ODD, after=0, limit=5)
    assert [entry.key for entry in page.items] == [ODD]


async def test_an_unknown_run_has_no_entries_and_takes_none(backend: TemporalBackend) -> None:
    for kind in (LOG, STREAM, EntryKind.MEMO, EntryKind.TAG):
        with pytest.raises(RunNotFoundError):
            await append(backend, "run_nowhere", Entry(kind, "x"))
    with pytest.raises(RunNotFoundError):
        await backend.read("run_nowhere", LOG, key=None, after=0, limit=1)


async def test_only_who_holds_a_run_speaks_for_it(home: Home, backend: TemporalBackend) -> None:
    held: list[Any] = []

    @task(id="held")
    async def held_task() -> None:
        (serving,) = backend.serving
        (delivery,) = serving.held.values()
        held.append(delivery.lease)
        await backend.append(delivery.run_id, [Entry(LOG, "in time")], flush_id="f1", lease=held[0])

    async with working(home):
        handle = await held_task.trigger()
        assert (await handle.result(timeout=WITHIN)).ok
        for kind in (LOG, EntryKind.TAG):
            late = [Entry(kind, "late")]
            with pytest.raises(LeaseLostError):
                await backend.append(handle.id, late, flush_id="f2", lease=held[0])
    assert await data_of(backend, handle.id, LOG) == ["in time"]


async def test_the_log_of_a_run_is_closed_with_it_and_takes_what_comes_later(
    home: Home, backend: TemporalBackend
) -> None:
    """A log that stayed open would outlive its run by its whole time."""

    @task
    async def says() -> None:
        logger.info("said")

    async with working(home):
        handle = await says.trigger()
        assert (await handle.result(timeout=WITHIN)).ok
        while await is_open(backend, handle.id, LOG):
            pass
    await append(backend, handle.id, Entry(LOG, "later"))
    said, later = await data_of(backend, handle.id, LOG)
    assert (said["message"], later) == ("said", "later")


async def test_what_a_run_logs_is_not_in_its_own_history(
    home: Home, backend: TemporalBackend
) -> None:
    @task
    async def plain() -> None: ...

    @task
    async def talkative() -> Any:
        for number in range(50):
            logger.info("line", number=number)
            await streams.pipe("parts", [number])
        return await memo("memo", lambda: 1)

    lengths: list[int] = []
    async with working(home):
        for one in (plain, talkative):
            handle = await one.trigger()
            assert (await handle.result(timeout=WITHIN)).ok
            description = await backend.reader.describe(handle.id)
            assert description is not None
            lengths.append(description.history_length)
    assert lengths[0] == lengths[1]
    assert [part async for part in _parts(home, handle.id)] == list(range(50))


def _parts(home: Home, run_id: str) -> AsyncIterator[Any]:
    with choose(home):
        return streams.read(run_id, "parts")


async def test_a_follower_is_told_of_each_line_without_a_look(backend: TemporalBackend) -> None:
    """The server's own word, over the end of a part too; the looks of `watch` are not asked here."""
    backend.entries.most_signals = 3
    run_id = await asked(backend)
    await append(backend, run_id, Entry(LOG, 0))
    other = TemporalBackend(backend.place)
    await other.open()
    assert await data_of(other, run_id, LOG) == [0]
    told = asyncio.Event()
    following = asyncio.create_task(other.entries.follow(run_id, told.set))
    try:
        for number in (1, 2):
            await append(backend, run_id, Entry(LOG, number))
            async with asyncio.timeout(WITHIN):
                await told.wait()
            told.clear()
        await append(backend, run_id, Entry(LOG, 3))  # in the next part, which who reads finds
        assert await data_of(other, run_id, LOG) == [0, 1, 2, 3]
        told.clear()
        await append(backend, run_id, Entry(LOG, 4))
        async with asyncio.timeout(WITHIN):
            await told.wait()
    finally:
        following.cancel()
        await other.close()
    assert await data_of(backend, run_id, LOG) == [0, 1, 2, 3, 4]


# --- memos ------------------------------------------------------------------------------------------


async def test_a_memo_is_met_by_the_next_attempt_also_of_another_instance(
    home: Home, new_home: Callable[[], Home]
) -> None:
    made: list[str] = []

    def first() -> int:
        made.append("first")
        return len(made)

    @task(retry=Retry(max_attempts=2, min_timeout=0))
    async def remembers(ctx: Context) -> Any:
        kept = await memo("first", first)
        if ctx.attempt.number == 1:
            raise ValueError("again")
        await wait.sleep(0.1)
        return [kept, await memo("first", lambda: "never"), await memo("second", lambda: "new")]

    async with working(home, concurrency=1):
        handle = await remembers.trigger()
        assert (await handle.result(timeout=WITHIN)).output == [1, 1, "new"]
    reader = new_home()
    await reader.ready()
    page = await reader.backend.read(handle.id, EntryKind.MEMO, key="second", after=0, limit=1)
    assert [entry.data for entry in page.items] == ["new"]
    assert made == ["first"]


# --- tags -------------------------------------------------------------------------------------------


async def listed(backend: TemporalBackend, tag: str, expected: list[str], **where: Any) -> None:
    """Return once the list by this tag is so; the test's time is the limit."""
    while True:
        filters = RunFilter(tag=frozenset({tag}), **where)
        page = await backend.list(filters, cursor=None, limit=10)
        if [run.id for run in page.items] == expected:
            return


async def test_tags_that_a_task_adds_are_seen_and_listed(
    home: Home, backend: TemporalBackend
) -> None:
    added, leave = asyncio.Event(), asyncio.Event()

    @task
    async def tagged() -> None:
        await tags.add("red")
        await tags.add(["red", "blue", *(f"t{number}" for number in range(12))])
        added.set()
        await leave.wait()

    async with working(home):
        handle = await tagged.trigger(tags=["given"])
        await added.wait()
        running = await handle.retrieve()
        await listed(backend, "blue", [handle.id])
        leave.set()
        assert (await handle.result(timeout=WITHIN)).ok
        over = await handle.retrieve()
        await listed(backend, "blue", [handle.id])
        await listed(backend, "given", [handle.id])
    expected = ("given", "red", "blue", *(f"t{number}" for number in range(7)))
    assert running.tags == over.tags == expected


async def test_a_tag_from_outside_is_seen_at_once_and_listed_without_a_worker(
    home: Home, backend: TemporalBackend
) -> None:
    tag, older = new_id("tag"), await asked(backend)
    run_id = await asked(backend, tags=("given",))
    for one in (older, run_id):
        await append(backend, one, Entry(EntryKind.TAG, tag))
    await append(backend, run_id, Entry(EntryKind.TAG, "it's \u2603"), Entry(EntryKind.TAG, tag))
    (run,) = await backend.get([run_id])
    assert run is not None
    assert run.tags == ("given", tag, "it's \u2603")
    await listed(backend, tag, [run_id, older])
    await listed(backend, "it's \u2603", [run_id])
    filters = RunFilter(tag=frozenset({tag}))
    page = await backend.list(filters, cursor=None, limit=1)
    assert [run.id for run in page.items] == [run_id]
    page = await backend.list(filters, cursor=page.cursor, limit=1)
    assert ([run.id for run in page.items], page.cursor) == ([older], None)
    (run,) = await backend.cancel([run_id], reason=None, now=None)
    await listed(backend, tag, [run_id], status=frozenset({run.status}))
    assert (run.status, run.tags) == ("CANCELED", ("given", tag, "it's \u2603"))


async def test_tags_stay_over_many_deliveries_and_with_metadata(home: Home) -> None:
    @task(retry=Retry(max_attempts=2, min_timeout=0))
    async def comes_again(ctx: Context) -> tuple[str, ...]:
        await tags.add(f"attempt-{ctx.attempt.number}")
        await metadata.set("seen", True).flush()
        await wait.sleep(0.1)
        if ctx.attempt.number == 1:
            raise ValueError("again")
        return ctx.run.tags

    async with working(home):
        handle = await comes_again.trigger(tags="given")
        result = await handle.result(timeout=WITHIN)
        run = await handle.retrieve()
    assert result.unwrap() == run.tags == ("given", "attempt-1", "attempt-2")


async def test_a_subscription_to_a_tag_meets_a_run_that_got_it_late(home: Home) -> None:
    tag = new_id("tag")

    @task
    async def late() -> None:
        await tags.add(tag)

    async with working(home), aclosing(runs.subscribe_to_tag(tag)) as changes:
        handle = await late.trigger()
        async with asyncio.timeout(WITHIN):
            async for run in changes:
                assert run.id == handle.id
                if run.is_completed:
                    break
