"""Looking at runs: one, those that match, and as they change."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import taskkit
from taskkit import Retry, RunStatus, Worker, batch, runs, task
from taskkit.backends.base import Capability
from taskkit.backends.memory import MemoryBackend
from taskkit.errors import (
    InvalidDurationError,
    InvalidOptionError,
    ResultTimeoutError,
    UnsupportedByBackendError,
)
from taskkit.testing import FakeClock

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("app")]


def make_work() -> Any:
    @task(id="work", retry=None)
    async def work(number: int) -> int:
        if number < 0:
            raise ValueError("too small")
        return number

    return work


async def numbers(found: AsyncIterator[Any]) -> list[Any]:
    return [run.payload async for run in found]


@pytest.fixture
async def several(app: Worker, clock: FakeClock) -> Any:
    """Runs 1 to 5, a minute apart, and of another task; 5 waits for its time, -4 has failed."""
    assert await numbers(runs.list()) == [], app
    work = make_work()

    @task(id="other")
    async def other(number: int) -> None: ...

    await work.trigger(1, tags=["a"])
    await clock.advance("1m")
    await work.trigger(2, tags=["a", "b"])
    await clock.advance("1m")
    await other.trigger(3, tags="b")
    await clock.advance("1m")
    await work.trigger(-4)
    await clock.advance("1m")
    await work.trigger(5, delay="1d")
    return work


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, [5, -4, 3, 2, 1]),
        ({"status": "COMPLETED"}, [3, 2, 1]),
        ({"status": RunStatus.FAILED}, [-4]),
        ({"status": ["FAILED", RunStatus.DELAYED]}, [5, -4]),
        ({"status": (one for one in ("FAILED", "DELAYED"))}, [5, -4]),
        ({"status": "CANCELED"}, []),
        ({"task": "other"}, [3]),
        ({"task": ["work", "other"]}, [5, -4, 3, 2, 1]),
        ({"task": "nobody"}, []),
        ({"tag": "b"}, [3, 2]),
        ({"tag": {"a", "b"}}, [3, 2, 1]),
        ({"tag": []}, []),
        ({"tag": "b", "task": "work"}, [2]),
        ({"batch": "batch_1"}, []),
        ({"schedule": "sched_1"}, []),
        ({"limit": 2}, [5, -4]),
        ({"limit": 0}, []),
        ({"status": "COMPLETED", "limit": 2}, [3, 2]),
        ({"since": timedelta(minutes=2)}, [5, -4, 3]),
        ({"since": "2m"}, [5, -4, 3]),
        ({"since": 120, "until": 60}, [-4, 3]),
        ({"since": datetime(2030, 1, 1, 0, 3, tzinfo=UTC)}, [5, -4]),
        ({"until": datetime(2030, 1, 1, 0, 1, tzinfo=UTC)}, [2, 1]),
        ({"since": datetime(2031, 1, 1, tzinfo=UTC)}, []),
        ({"since": "50000w"}, [5, -4, 3, 2, 1]),
        ({"since": "500000w"}, [5, -4, 3, 2, 1]),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("several")
async def test_each_filter_newest_first(filters: dict[str, Any], found: list[int]) -> None:
    assert await numbers(runs.list(**filters)) == found


async def test_a_task_is_taken_as_well_as_its_id(several: Any) -> None:
    assert await numbers(runs.list(task=several)) == [5, -4, 2, 1]
    assert await numbers(runs.list(task=[several, "other"])) == [5, -4, 3, 2, 1]


async def test_the_runs_of_a_batch(several: Any) -> None:
    many = await batch.trigger([several.item(7), several.item(8)])
    assert await numbers(runs.list(batch=many.id)) == [8, 7]


@pytest.mark.usefixtures("several")
async def test_pages_and_their_cursors() -> None:
    pages = [
        ([run.payload for run in page.items], page.cursor) async for page in runs.list().pages(2)
    ]
    assert [items for items, _ in pages] == [[5, -4], [3, 2], [1]]
    assert pages[-1][1] is None
    cursor = pages[0][1]
    assert cursor is not None
    rest = [run.payload async for page in runs.list().pages(10, cursor) for run in page.items]
    assert rest == [3, 2, 1]


@pytest.mark.usefixtures("several")
async def test_what_comes_while_pages_are_read_moves_none_of_them(several: Any) -> None:
    pages = runs.list().pages(2)
    first = await anext(pages)
    await several.trigger(6)
    second = await anext(pages)
    assert [run.payload for run in (*first.items, *second.items)] == [5, -4, 3, 2]


@pytest.mark.usefixtures("several")
async def test_a_limit_counts_over_pages() -> None:
    pages = [[run.payload for run in page.items] async for page in runs.list(limit=3).pages(2)]
    assert pages == [[5, -4], [3]]
    assert [page async for page in runs.list(limit=0).pages(2)] == []


@pytest.mark.usefixtures("several")
async def test_a_list_is_an_iterator_and_can_be_gone_through_again() -> None:
    found = runs.list(task="work")
    assert isinstance(found, AsyncIterator)
    assert [(await anext(found)).payload, (await anext(found)).payload] == [5, -4]
    assert await numbers(found) == await numbers(found) == [5, -4, 2, 1]


async def test_plain_code_has_pages_too(several: Any) -> None:
    def read() -> tuple[list[int], list[list[int]], bool, int]:
        found = runs.sync.list(task=several)
        pages = [[run.payload for run in page.items] for page in found.pages(3)]
        first = next(found).payload
        return [run.payload for run in found], pages, isinstance(found, Iterator), first

    listed, pages, is_iterator, first = await asyncio.to_thread(read)
    assert listed == [5, -4, 2, 1]
    assert pages == [[5, -4, 2], [1]]
    assert (is_iterator, first) == (True, 5)


async def test_more_runs_than_a_page_holds() -> None:
    work = make_work()
    await work.batch_trigger(list(range(250)))
    assert await numbers(runs.list()) == list(reversed(range(250)))
    assert await numbers(runs.list(limit=150)) == list(range(249, 99, -1))


async def test_the_output_is_rebuilt_in_lists_too() -> None:
    from pydantic import BaseModel

    class Report(BaseModel):
        rows: int

    @task()
    async def count() -> Report:
        return Report(rows=1)

    await (await count.trigger()).result()
    assert [run.output async for run in runs.list()] == [Report(rows=1)]


NAIVE = datetime(2030, 1, 1)  # noqa: DTZ001 - the mistake that is tested


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"status": "DONE"}, "status is 'DONE': give one of PENDING_VERSION, DELAYED, QUEUED"),
        ({"status": "completed"}, "Did you mean COMPLETED?"),
        ({"status": ["FAILED", "CANCELLED"]}, "status is 'CANCELLED'"),
        ({"task": 5}, "the task is 5: give a task or its id."),
        ({"tag": 5}, "tag is 5: give a text, or a list of texts."),
        ({"batch": [None]}, "batch is None: give a text, or a list of texts."),
        ({"schedule": [5]}, "schedule is 5: give a text, or a list of texts."),
        ({"limit": -1}, "limit is -1: give a whole number of at least 0."),
        ({"limit": True}, "limit is True"),
        ({"limit": "5"}, "limit is '5'"),
        ({"since": NAIVE}, "since is datetime.datetime(2030, 1, 1, 0, 0): give an aware datetime"),
        ({"until": NAIVE}, "until is datetime.datetime(2030, 1, 1, 0, 0): give an aware datetime"),
    ],
)  # fmt: skip
async def test_a_filter_that_cannot_be_is_refused_where_it_is_given(
    filters: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidOptionError) as caught:
        runs.list(**filters)
    assert said in str(caught.value)


async def test_since_that_is_no_time() -> None:
    with pytest.raises(InvalidDurationError, match=r"^since is 'yesterday'"):
        runs.list(since="yesterday")


@pytest.mark.parametrize("size", [0, -1, True, 1.5, "5"])
async def test_a_size_that_cannot_be(size: Any) -> None:
    with pytest.raises(InvalidOptionError, match=r"^size is .*: give a whole number of at least 1"):
        await anext(runs.list().pages(size))


@pytest.mark.parametrize("cursor", ["abc", "", "1.5", "-1", -1, True, 2**63, "9" * 5000])
async def test_a_cursor_that_is_none(cursor: Any) -> None:
    with pytest.raises(InvalidOptionError, match=r"cursor is .*: give what a page had as its"):
        await anext(runs.list().pages(5, cursor))


async def test_a_backend_that_cannot_list() -> None:
    class Plain(MemoryBackend):
        capabilities = frozenset({Capability.DELAY})

    with (
        taskkit.use_backend(Plain()),
        pytest.raises(UnsupportedByBackendError, match="Listing runs is not supported"),
    ):
        await numbers(runs.list())


# --- one run ----------------------------------------------------------------------------------------


async def test_a_run_tells_what_became_of_it(clock: FakeClock) -> None:
    started = clock.now()

    @task(id="flaky", retry=Retry(2, 5, randomize=False))
    async def flaky(number: int, ctx: taskkit.Context) -> int:
        if ctx.attempt.number == 1:
            raise ValueError("once more")
        return number

    handle = await flaky.trigger(3, tags=["a"])
    await clock.advance(1)
    between = await runs.retrieve(handle.id)
    assert (between.status, between.is_queued) == (RunStatus.QUEUED, True)
    assert between.available_at == started + timedelta(seconds=5)
    await clock.advance(4)
    run = await runs.retrieve(handle.id)
    assert (run.id, run.task_id, run.payload, run.output) == (handle.id, "flaky", 3, 3)
    assert (run.created_at, run.started_at) == (started, started)
    assert run.finished_at == started + timedelta(seconds=5)
    assert (run.is_completed, run.is_success, run.is_failed) == (True, True, False)
    first, second = run.attempts
    assert (first.number, first.started_at, first.finished_at) == (1, started, started)
    assert first.error is not None
    assert (first.error.name, first.error.message) == ("ValueError", "once more")
    assert (second.number, second.error) == (2, None)
    assert second.finished_at == run.finished_at
    assert (run.parent_id, run.root_id, run.batch_id, run.schedule_id) == (None, None, None, None)
    assert run.queue == "task/flaky"


async def test_poll_waits_for_the_end(clock: FakeClock) -> None:
    work = make_work()
    handle = await work.trigger(1, delay=60)
    polling = asyncio.create_task(runs.poll(handle.id))
    await clock.advance(59)
    assert not polling.done()
    await clock.advance(1)
    assert (await polling).output == 1
    late = await work.trigger(1, delay=60)
    polling = asyncio.create_task(runs.poll(late.id, timeout="30s"))
    await clock.advance(30)
    with pytest.raises(
        ResultTimeoutError, match=rf"Run {late.id} was not over after 30 s and is D"
    ):
        await polling


async def test_subscribe_is_the_handles_own(clock: FakeClock) -> None:
    handle = await make_work().trigger(1, delay=60)
    seen = runs.subscribe(handle.id)
    assert (await anext(seen)).status == RunStatus.DELAYED
    await clock.advance(60)
    assert [run.status async for run in seen][-1] == RunStatus.COMPLETED


@pytest.mark.parametrize("given", [5, None, object()])
async def test_what_is_no_id(given: Any) -> None:
    for call in (runs.retrieve, runs.cancel, runs.poll):
        with pytest.raises(InvalidOptionError, match="give the id of a run, a text such as run_"):
            await call(given)
    with pytest.raises(InvalidOptionError, match=r"a handle has it as .id"):
        runs.subscribe(given)
