"""Subscriptions: one run, a tag, a batch, from the first state to the last."""

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from taskkit import Run, RunStatus, metadata, runs, tags, task

pytestmark = [  # on Temporal too
    pytest.mark.anyio,
    pytest.mark.usefixtures("app"),
    pytest.mark.parametrize("work", ["memory", "sqlite", "postgres", "temporal"], indirect=True),
]


async def test_a_run_is_followed_to_its_end() -> None:
    go: list[asyncio.Event] = [asyncio.Event(), asyncio.Event()]

    @task(id="steps")
    async def steps() -> str:
        for number, event in enumerate(go, start=1):
            await metadata.set("step", number).flush()
            await event.wait()
        return "done"

    handle = await steps.trigger()
    seen: list[Run] = []
    async for run in runs.subscribe(handle.id):
        seen.append(run)
        step = run.metadata.get("step")
        if step is not None and not run.is_completed:
            go[step - 1].set()
    assert [run.metadata.get("step") for run in seen][-1] == 2
    assert {run.metadata.get("step") for run in seen} >= {1, 2}
    assert (seen[-1].status, seen[-1].output) == ("COMPLETED", "done")
    assert [run.status for run in seen[:-1]].count(RunStatus.COMPLETED) == 0
    # One that is over is given once.
    assert [run.status async for run in runs.subscribe(handle.id)] == ["COMPLETED"]


async def test_a_tag_is_followed_also_one_that_a_run_gets_while_it_runs() -> None:
    tagged = asyncio.Event()

    @task(id="tagged")
    async def tagged_task(late: bool) -> None:
        if late:
            await tags.add(["red", "green"])
            await tagged.wait()

    first = await tagged_task.trigger(False, tags="red")
    await first.result()
    seen: list[tuple[str, str]] = []
    async with aclosing(runs.subscribe_to_tag("red")) as changes:
        second = await tagged_task.trigger(True)
        async for run in changes:
            seen.append((run.id, run.status))
            if run.id == second.id:
                assert run.tags == ("red", "green")
                tagged.set()
            if run.id == second.id and run.is_completed:
                break
    assert seen[0] == (first.id, "COMPLETED")
    while not (found := [run.id async for run in runs.list(tag="green")]):  # a list may lag
        pass
    assert found == [second.id]


async def test_a_batch_is_followed_until_all_are_over() -> None:
    @task(id="square")
    async def square(number: int) -> int:
        return number * number

    many = await square.batch_trigger([1, 2, square.item(3, delay="30ms")])
    last: dict[str, Run] = {}
    async for run in runs.subscribe_to_batch(many.id):
        last[run.id] = run
    assert [last[handle.id].output for handle in many.runs] == [1, 4, 9]


async def test_a_subscription_tells_of_a_wait(reached: Any) -> None:
    seen = asyncio.Event()

    @task(id="child")
    async def child() -> str:
        await seen.wait()
        return "child"

    @task(id="parent")
    async def parent() -> str:
        return await child.trigger_and_wait().unwrap()

    handle = await parent.trigger()
    run = await reached(handle, lambda run: run.is_waiting)
    assert run.output is None
    seen.set()
    assert (await handle.result()).output == "child"
    [found] = [run async for run in runs.list(task=child)]
    assert (found.parent_id, found.root_id) == (handle.id, handle.id)
