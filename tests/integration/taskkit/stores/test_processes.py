"""What one process does and another sees."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import pytest

import taskkit
from taskkit import Run, batch, metadata, queues, runs, streams, task, tasks, wait

pytestmark = pytest.mark.anyio


async def test_a_run_is_followed_from_another_process(other: Any) -> None:
    handle = await tasks.trigger("talk", "Ada")
    read: list[str] = []
    other.tell("one")
    async for part in streams.read(handle.id, "words"):
        read.append(part)
        other.tell({"one": "two", "two": "end"}[part])
    assert read == ["one", "two"]
    assert (await handle.result()).output == 2
    run = await runs.retrieve(handle.id)
    assert run.metadata == {"words": ["one", "two"]}
    assert run.tags == ("talking",)
    assert [entry.data["properties"] async for entry in runs.logs(handle.id)] == [{"name": "Ada"}]


async def test_changes_of_a_run_a_tag_and_a_batch_come_as_they_happen(other: Any) -> None:
    handle = await tasks.trigger("talk", "Ada")

    async def first_with(changes: Any, word: str) -> Run:
        async with aclosing(changes):
            async for run in changes:
                if word in run.metadata.get("words", []):
                    found: Run = run
                    return found
        raise AssertionError(word)

    async with asyncio.TaskGroup() as group:
        of_run = group.create_task(first_with(runs.subscribe(handle.id), "now"))
        of_tag = group.create_task(first_with(runs.subscribe_to_tag("talking"), "now"))
        other.tell("now")
    assert of_run.result().status == of_tag.result().status == "EXECUTING"
    other.tell("end")
    assert [run.status async for run in runs.subscribe(handle.id)][-1] == "COMPLETED"

    many = await tasks.batch_trigger("child", [1, 2, 3])
    outputs = {}
    async for run in runs.subscribe_to_batch(many.id):
        outputs[run.id] = run.output
    assert [outputs[one.id] for one in many.runs] == [2, 4, 6]
    assert (await batch.retrieve(many.id)).is_completed


async def test_a_token_is_completed_from_here(other: Any, reached: Any) -> None:
    token = await wait.create_token()
    handle = await tasks.trigger("approve", token.id)
    await reached(handle, lambda run: run.is_waiting)
    assert await wait.complete_token(token, "yes")
    assert (await handle.result()).output == "yes"

    handle = await tasks.trigger("token")
    made = await other.heard()
    assert [one.id async for one in wait.list_tokens(tag="made", status="WAITING")] == [made]
    assert await wait.complete_token(made, "said")
    assert (await handle.result()).output == "said"


@pytest.mark.usefixtures("other")
async def test_parents_children_and_a_paused_queue() -> None:
    handle = await tasks.trigger("family", [1, 2, 3])
    assert (await handle.result()).output == 12
    assert (await handle.retrieve()).metadata == {"children": 3}
    await queues.pause("task/child")
    waits = await tasks.trigger("child", 1)
    goes = await tasks.trigger("family", [])
    assert (await goes.result()).output == 0
    assert (await waits.retrieve()).status == "QUEUED"
    await queues.resume("task/child")
    assert (await waits.result()).output == 2


async def test_a_run_of_another_process_is_canceled(other: Any) -> None:
    handle = await tasks.trigger("endless")
    assert await other.heard() == "endless began"
    await handle.cancel("from here")
    assert await other.heard() == "endless cancel"
    result = await handle.result()
    assert result.status == "CANCELED"
    assert (await handle.retrieve()).cancel_reason == "from here"


async def test_another_process_asks_and_this_one_works(url: str, start: Callable[..., Any]) -> None:
    @task(id="half")
    async def half(number: int) -> int:
        return number // 2

    async with taskkit.worker(url, drain=0):
        asking = start("ask", url, "half", "asked")
        async with aclosing(runs.subscribe_to_tag("asked")) as changes:
            async for run in changes:
                assert run.task_id == "half"
                if run.is_completed:
                    break
        assert await asking.heard() == run.id
        assert await asking.heard() == "10"


async def test_another_process_follows_and_completes(url: str, start: Callable[..., Any]) -> None:
    @task(id="steps")
    async def steps(token_id: str) -> Any:
        await metadata.set("step", 1).flush()
        answer = await wait.for_token(token_id).unwrap()
        metadata.set("step", 2)
        return answer

    async with taskkit.worker(url, drain=0):
        token = await wait.create_token()
        handle = await steps.trigger(token.id)
        following = start("follow", url, handle.id)
        assert await following.heard() == "following"
        while (line := await following.heard()) != "WAITING 1":
            assert line
        assert await start("complete", url, token.id).heard() == "True"
        assert (await handle.result()).output == {"from": "afar"}
        assert (await following.rest())[-1] == "COMPLETED 2"


async def test_a_worker_that_dies_is_replaced_by_this_one(
    url: str, start: Callable[..., Any]
) -> None:
    @task(id="endless")
    async def endless() -> str:
        return "taken over"

    process = start("work", url, "0.6")
    assert await process.heard() == "working"
    with taskkit.use_backend(url):
        handle = await tasks.trigger("endless")
        assert await process.heard() == "endless began"
        process.kill()
        async with taskkit.worker(url, lease=0.6, drain=0):
            assert (await handle.result()).output == "taken over"
    assert (await _attempts(url, handle.id)) == 1


async def _attempts(url: str, run_id: str) -> int:
    with taskkit.use_backend(url):
        return len((await runs.retrieve(run_id)).attempts)
