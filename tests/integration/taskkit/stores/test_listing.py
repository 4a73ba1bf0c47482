"""Finding runs again: every filter of `runs.list`, pages, `runs.retrieve`, batches."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import taskkit
from taskkit import AbortTaskRunError, Context, Task, Worker, batch, runs, schedules, tasks
from taskkit.errors import BatchNotFoundError, InvalidOptionError, RunNotFoundError

DueNow = Callable[[Worker, str], Awaitable[None]]
pytestmark = pytest.mark.anyio


@pytest.fixture
def greet() -> Task[Any, Any, Any]:
    @taskkit.task(id="greet")
    async def greet(name: str) -> str:
        if name == "nobody":
            raise AbortTaskRunError("nobody is here")
        return f"hello {name}"

    return greet


@pytest.fixture
def count() -> Task[Any, Any, Any]:
    @taskkit.task(id="count")
    async def count(number: int) -> int:
        return number + 1

    return count


@pytest.mark.parametrize("cursor", ["abc", -1, 2**63])
@pytest.mark.usefixtures("app")
async def test_a_cursor_that_no_page_had(cursor: Any) -> None:
    with pytest.raises(InvalidOptionError, match="cursor is"):
        await anext(runs.list().pages(5, cursor))


async def ids(**filters: Any) -> list[str]:
    return [run.id async for run in runs.list(**filters)]


@pytest.mark.usefixtures("app")
async def test_each_filter_finds_what_it_names_newest_first(
    greet: Task[Any, Any, Any], count: Task[Any, Any, Any]
) -> None:
    first = await greet.trigger("Ada", tags=["vip", "red"])
    second = await greet.trigger("nobody", tags=["red"])
    third = await count.trigger(1, delay="1h", tags="blue")
    many = await count.batch_trigger([2, count.item(3, tags=["vip"])])
    for handle in (first, second, *many.runs):
        await handle.result()
    fourth, fifth = (handle.id for handle in many.runs)

    assert await ids() == [fifth, fourth, third.id, second.id, first.id]
    assert await ids(status="FAILED") == [second.id]
    assert await ids(status=["FAILED", "DELAYED"]) == [third.id, second.id]
    assert await ids(status="TIMED_OUT") == []
    assert await ids(task=greet) == [second.id, first.id]
    assert await ids(task=["greet", count]) == [fifth, fourth, third.id, second.id, first.id]
    assert await ids(tag="vip") == [fifth, first.id]
    assert await ids(tag=["vip", "blue"]) == [fifth, third.id, first.id]
    assert await ids(batch=many.id) == [fifth, fourth]
    assert await ids(batch=[many.id, "batch_none"]) == [fifth, fourth]
    assert await ids(tag="vip", task=count, status="COMPLETED") == [fifth]
    assert await ids(tag="vip", task=count, status="FAILED") == []
    assert await ids(limit=2) == [fifth, fourth]
    assert await ids(limit=0) == []
    assert await ids(task=greet, limit=1) == [second.id]


@pytest.mark.usefixtures("app")
async def test_moments_count_themselves_in(count: Task[Any, Any, Any]) -> None:
    handles = [await count.trigger(number) for number in range(3)]
    made = [(await handle.retrieve()).created_at for handle in handles]
    assert made[0] < made[2]
    inner = [h.id for h, at in zip(handles, made, strict=True) if made[1] <= at <= made[1]]
    assert await ids(since=made[1], until=made[1]) == inner[::-1]
    assert await ids(until=made[0]) == [
        h.id for h, at in zip(handles, made, strict=True) if at <= made[0]
    ]
    assert len(await ids(since="1h")) == 3
    assert await ids(until="1h") == []
    assert await ids(since=datetime.now(UTC) + timedelta(hours=1)) == []
    assert len(await ids(until=datetime.now(UTC) + timedelta(hours=1))) == 3


async def test_runs_of_a_schedule_are_found(app: Worker, due_now: DueNow) -> None:
    began: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @schedules.task(id="nightly", cron="0 3 * * *")
    async def nightly(ctx: Context) -> None:
        began.set_result(ctx.run.id)

    schedule = await schedules.create(task=nightly, cron="0 4 * * *")
    await due_now(app, schedule.id)
    run = await runs.poll(await began)
    assert run.schedule_id == schedule.id
    assert await ids(schedule=schedule.id, task="nightly") == [run.id]
    assert await ids(schedule="sched_other") == []


@pytest.mark.usefixtures("app")
async def test_pages_lead_from_one_to_the_next_without_gap_or_double(
    count: Task[Any, Any, Any],
) -> None:
    handles = await count.batch_trigger(range(7))
    expected = [handle.id for handle in handles.runs][::-1]
    pages = [page async for page in runs.list(task=count).pages(3)]
    assert [[run.id for run in page.items] for page in pages] == [
        expected[:3],
        expected[3:6],
        expected[6:],
    ]
    # A page is found again by the cursor that led to it, also after newer runs have come.
    await count.trigger(99)
    again = [page async for page in runs.list(task=count).pages(3, pages[0].cursor)]
    assert [run.id for page in again for run in page.items] == expected[3:]
    assert pages[-1].cursor is None
    limited = [page async for page in runs.list(task=count, limit=5).pages(4)]
    assert [len(page.items) for page in limited] == [4, 1]


@pytest.mark.usefixtures("app")
async def test_a_run_is_retrieved_with_all_that_it_was_given(greet: Task[Any, Any, Any]) -> None:
    handle = await greet.trigger(
        "Ada",
        tags=["b", "a"],
        metadata={"x": {"y": [1, None, "ü\n\u0000"]}},
        idempotency_key="k",
        machine="small-2x",
        priority=3,
    )
    await handle.result()
    run = await runs.retrieve(handle.id)
    assert (run.id, run.task_id, run.status) == (handle.id, "greet", "COMPLETED")
    assert (run.payload, run.output, run.error) == ("Ada", "hello Ada", None)
    assert run.tags == ("b", "a")
    assert run.metadata == {"x": {"y": [1, None, "ü\n\u0000"]}}
    assert (run.queue, run.machine, run.batch_id, run.parent_id) == (
        "task/greet",
        "small-2x",
        None,
        None,
    )
    assert run.root_id in (None, run.id)
    assert run.started_at is not None
    assert run.finished_at is not None
    assert run.created_at <= run.available_at <= run.started_at <= run.finished_at
    [attempt] = run.attempts
    assert (attempt.number, attempt.started_at, attempt.error) == (1, run.started_at, None)
    assert run.is_completed
    assert run.is_success
    with pytest.raises(RunNotFoundError, match="run_nowhere"):
        await runs.retrieve("run_nowhere")


@pytest.mark.usefixtures("app")
async def test_a_batch_of_several_tasks(
    greet: Task[Any, Any, Any], count: Task[Any, Any, Any]
) -> None:
    made = await batch.trigger([greet.item("Ada", tags="vip"), count.item(1), greet.item("nobody")])
    results = await made.results()
    assert [result.output for result in results] == ["hello Ada", 2, None]
    assert [result.status for result in results] == ["COMPLETED", "COMPLETED", "FAILED"]
    found = await batch.retrieve(made.id)
    assert [run.id for run in found.runs] == [handle.id for handle in made.runs]
    assert found.counts == {"COMPLETED": 2, "FAILED": 1}
    assert found.is_completed
    with pytest.raises(BatchNotFoundError, match="batch_nowhere"):
        await batch.retrieve("batch_nowhere")


@pytest.mark.usefixtures("app")
async def test_tasks_by_their_ids(greet: Task[Any, Any, Any], count: Task[Any, Any, Any]) -> None:
    run = await tasks.trigger_and_poll("greet", "Ada")
    assert (run.output, run.status) == ("hello Ada", "COMPLETED")
    made = await tasks.batch_trigger("count", [1, count.item(2)])
    assert [result.output for result in await made.results()] == [2, 3]
    assert (await runs.poll(made.runs[0].id)).output == 2
