"""Workers in one process: tasks that come late, several on one store, and what each of them takes."""

import asyncio
import logging
from typing import Any

import pytest

import taskkit
from taskkit import Queue, queues, task

pytestmark = pytest.mark.anyio


@pytest.mark.usefixtures("app")
async def test_a_task_that_is_defined_after_the_worker_has_started_is_worked_on() -> None:
    @task(id="early")
    async def early() -> int:
        return 1

    assert (await (await early.trigger()).result()).output == 1

    @task(id="late", queue=Queue("late", concurrency_limit=3))
    async def late() -> int:
        return 2

    assert (await (await late.trigger()).result()).output == 2
    assert (await queues.retrieve("late")).concurrency_limit == 3


async def test_definitions_that_contradict_each_other_do_not_stop_a_worker(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    @task(id="first", queue=Queue("shared", concurrency_limit=1))
    async def first() -> int:
        return 1

    async with taskkit.worker(url, drain=0):

        @task(id="second", queue=Queue("shared", concurrency_limit=2))
        async def second() -> int:
            return 2

        with caplog.at_level(logging.ERROR, "taskkit.worker"):
            assert (await (await first.trigger()).result()).output == 1
    assert "queue 'shared'" in caplog.text


async def test_two_workers_of_one_process_share_a_store(url: str) -> None:
    both = asyncio.Barrier(2)

    @task(id="meets")
    async def meets() -> None:
        await both.wait()

    async with (
        taskkit.worker(url, concurrency=1, drain=0) as one,
        taskkit.worker(url, concurrency=1, drain=0) as other,
    ):
        assert one.backend is other.backend
        many = await meets.batch_trigger([None, None])
        assert [result.ok for result in await many.results()] == [True, True]


async def test_a_worker_takes_only_the_runs_of_its_queues(url: str) -> None:
    seen: list[str] = []

    @task(id="note", queue=Queue("red"))
    async def note(word: str) -> None:
        seen.append(word)

    taskkit.task(id="other", queue=Queue("blue"))(_nothing)
    async with taskkit.worker(url, queues="blue", drain=0):
        red = await note.trigger("red")
        await (await note.trigger("blue", queue="blue")).result()
        assert (await red.retrieve()).status == "QUEUED"
        async with taskkit.worker(url, queues=["red"], drain=0):
            await red.result()
    assert seen == ["blue", "red"]


async def _nothing() -> None:
    return None


async def test_runs_go_on_when_one_of_two_workers_leaves(url: str) -> None:
    @task(id="double")
    async def double(number: int) -> int:
        return number * 2

    async with taskkit.worker(url, drain=0):
        async with taskkit.worker(url, drain=0):
            assert await _output(double, 1) == 2
        assert await _output(double, 2) == 4


async def test_a_store_is_opened_again_after_its_last_worker(url: str) -> None:
    @task(id="double")
    async def double(number: int) -> int:
        return number * 2

    async with taskkit.worker(url, drain=0):
        first = await double.trigger(1)
        await first.result()
    with taskkit.use_backend(url):
        waiting = await double.trigger(2)
    async with taskkit.worker(url, drain=0):
        assert (await waiting.result()).output == 4
        assert (await first.retrieve()).output == 2


async def _output(of: Any, payload: Any) -> Any:
    return (await (await of.trigger(payload)).result()).output
