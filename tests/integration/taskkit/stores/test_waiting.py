"""What a task waits for: children, several at once, time, tokens."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from taskkit import Context, RunFailedError, batch, runs, task, tasks, wait
from taskkit.errors import (
    AbortTaskRunError,
    InvalidOptionError,
    NotInTaskError,
    TokenNotFoundError,
    WaitTimeoutError,
)

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("app")]


async def test_children_one_after_the_other_and_all_at_once() -> None:
    @task(id="double")
    async def double(number: int) -> int:
        if number == 13:
            raise AbortTaskRunError("unlucky")
        return number * 2

    @task(id="parent")
    async def parent(number: int) -> list[Any]:
        one = await double.trigger_and_wait(number).unwrap()
        two, three, _ = await asyncio.gather(
            double.trigger_and_wait(one).unwrap(),
            tasks.trigger_and_wait("double", one + 1).unwrap(),
            wait.sleep(0.01),
        )
        failed = await double.trigger_and_wait(13)
        assert failed.error is not None
        with pytest.raises(RunFailedError, match="unlucky"):
            failed.unwrap()
        return [one, two, three, failed.status, failed.error.message]

    handle = await parent.trigger(1)
    result = await handle.result()
    assert result.unwrap() == [2, 4, 6, "FAILED", "unlucky"]
    children = [run async for run in runs.list(task=double)]
    assert {(run.parent_id, run.root_id) for run in children} == {(handle.id, handle.id)}
    assert len((await handle.retrieve()).attempts) == 1


async def test_batches_of_children() -> None:
    @task(id="double")
    async def double(number: int) -> int:
        return number * 2

    @task(id="shout")
    async def shout(word: str) -> str:
        return word.upper()

    @task(id="parent")
    async def parent() -> list[Any]:
        done = await double.batch_trigger_and_wait([1, double.item(2, tags="two"), 3])
        mixed = await batch.trigger_and_wait([double.item(4), shout.item("a")])
        none = await double.batch_trigger_and_wait([])
        found = await batch.retrieve(done.id)
        return [
            [result.output for result in done.runs],
            [result.output for result in mixed.runs],
            none.runs,
            [run.output for run in found.runs],
        ]

    result = await (await parent.trigger()).result()
    assert result.unwrap() == [[2, 4, 6], [8, "A"], [], [2, 4, 6]]


async def test_grandchildren_know_their_root() -> None:
    @task(id="leaf")
    async def leaf(ctx: Context) -> list[str | None]:
        return [ctx.run.parent_id, ctx.run.root_id]

    @task(id="branch")
    async def branch(ctx: Context) -> list[Any]:
        return [ctx.run.id, await leaf.trigger_and_wait().unwrap()]

    @task(id="root")
    async def root() -> list[Any]:
        return await branch.trigger_and_wait().unwrap()

    handle = await root.trigger()
    branch_id, of_leaf = (await handle.result()).unwrap()
    assert of_leaf == [branch_id, handle.id]


async def test_more_parents_than_slots_do_not_block_each_other(work: Any) -> None:
    @task(id="child")
    async def child(number: int) -> int:
        return number

    @task(id="parent")
    async def parent(number: int) -> int:
        await wait.sleep(0.01)
        return sum(await child.batch_trigger_and_wait([number, 1]).unwrap())

    async with work(concurrency=1):
        many = await parent.batch_trigger(range(6))
        assert [result.output for result in await many.results()] == [1, 2, 3, 4, 5, 6]


async def test_time_goes_by() -> None:
    @task(id="sleeper")
    async def sleeper() -> list[float]:
        began = datetime.now(UTC)
        await wait.sleep("50ms")
        after = datetime.now(UTC)
        await wait.until(after + timedelta(milliseconds=50))
        last = datetime.now(UTC)
        await wait.for_(seconds=0.02)
        await wait.until(began)  # past: at once
        with pytest.raises(InvalidOptionError, match="in the past"):
            await wait.until(began, raise_if_past=True)
        return [(after - began).total_seconds(), (last - after).total_seconds()]

    handle = await sleeper.trigger()
    slept, until = (await handle.result()).unwrap()
    assert (
        slept >= 0.03
    )  # what a worker knows of the store's clock is as old as the answer was long
    assert until >= 0.03
    with pytest.raises(NotInTaskError):
        await wait.sleep(1)


async def test_a_token_is_completed_by_somebody_else(reached: Any) -> None:
    token = await wait.create_token(tags=["approval", "red"])

    @task(id="asks")
    async def asks(token_id: str) -> Any:
        result = await wait.for_token(token_id)
        return [result.ok, result.output, await wait.for_token(token_id).unwrap()]

    handle = await asks.trigger(token.id)
    await reached(handle, lambda run: run.is_waiting)
    assert (await wait.retrieve_token(token)).status == "WAITING"
    assert await wait.complete_token(token, {"by": ["Ada"]}) is True
    assert await wait.complete_token(token.id, "again") is False
    assert (await handle.result()).output == [True, {"by": ["Ada"]}, {"by": ["Ada"]}]
    found = await wait.retrieve_token(token.id)
    assert (found.status, found.output, found.tags) == (
        "COMPLETED",
        {"by": ["Ada"]},
        ("approval", "red"),
    )
    assert found.completed_at is not None
    with pytest.raises(TokenNotFoundError, match="token_nowhere"):
        await wait.complete_token("token_nowhere")


async def test_a_token_runs_out_of_time() -> None:
    @task(id="asks")
    async def asks() -> list[Any]:
        token = await wait.create_token(timeout="20ms")
        result = await wait.for_token(token)
        with pytest.raises(WaitTimeoutError, match=token.id):
            await wait.for_token(token).unwrap()
        return [result.ok, result.output, (await wait.retrieve_token(token)).status]

    assert (await (await asks.trigger()).result()).output == [False, None, "TIMED_OUT"]


async def test_tokens_are_listed_and_found_by_their_key() -> None:
    first = await wait.create_token(idempotency_key="order-1", tags="a")
    same = await wait.create_token(idempotency_key="order-1", tags="b")
    other = await wait.create_token(idempotency_key=["order", "2"], tags=["b"], timeout="1h")
    assert (same.id, same.tags) == (first.id, ("a",))
    assert other.id != first.id
    assert other.timeout_at is not None
    await wait.complete_token(first, 1)
    third = await wait.create_token(timeout="1ms")

    async def ids(**filters: Any) -> list[str]:
        return [token.id async for token in wait.list_tokens(**filters)]

    assert await ids() == [third.id, other.id, first.id]
    assert await ids(status="COMPLETED") == [first.id]
    assert await ids(tag=["a", "b"]) == [other.id, first.id]
    assert await ids(tag="b", status="WAITING") == [other.id]
    assert await ids(limit=2) == [third.id, other.id]


async def test_a_wait_of_a_canceled_timeout_leaves_its_child_running() -> None:
    go = asyncio.Event()

    @task(id="slow")
    async def slow() -> str:
        await go.wait()
        return "slow"

    @task(id="hasty")
    async def hasty() -> str:
        try:
            async with asyncio.timeout(0.03):
                await slow.trigger_and_wait()
        except TimeoutError:
            return "gave up"
        return "waited"

    handle = await hasty.trigger()
    assert (await handle.result()).output == "gave up"
    [child] = [run async for run in runs.list(task=slow)]
    go.set()
    assert (await runs.poll(child.id)).output == "slow"
