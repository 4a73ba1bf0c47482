"""A wait for children is a coroutine like any other."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import anyio
import pytest

import taskkit
from taskkit import Pending, RunFailedError, RunStatus, Task, batch, runs, task, tasks, wait
from taskkit.errors import NotInTaskError, PayloadValidationError, TaskNotFoundError
from taskkit.testing import FakeClock

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("app")]


def make_child() -> Task[int, int]:
    @task(id="child", retry=None)
    async def child(number: int) -> int:
        if number < 0:
            raise ValueError("too small")
        return 2 * number

    return child


async def inside(body: Callable[[], Awaitable[Any]]) -> Any:
    """What a body gives when it runs inside a task, in the one slot that there is."""

    @task(id="parent", retry=None)
    async def parent() -> Any:
        return await body()

    return (await (await parent.trigger()).result()).unwrap()


# --- inside a task ----------------------------------------------------------------------------------


async def test_awaited_it_gives_the_result() -> None:
    child = make_child()

    async def body() -> Any:
        good = await child.trigger_and_wait(4)
        bad = await child.trigger_and_wait(-1)
        assert bad.error is not None
        return [good.ok, good.output, bad.ok, bad.status, bad.error.message]

    assert await inside(body) == [True, 8, False, RunStatus.FAILED, "too small"]


async def test_unwrapped_it_gives_the_output_or_raises() -> None:
    child = make_child()

    async def body() -> Any:
        output = await child.trigger_and_wait(4).unwrap()
        with pytest.raises(RunFailedError, match="ended FAILED: ValueError: too small"):
            await child.trigger_and_wait(-1).unwrap()
        return output

    assert await inside(body) == 8


async def test_batches_give_results_in_item_order_and_unwrap_to_outputs() -> None:
    child: Task[int, int] = make_child()

    @task()
    async def other(text: str) -> str:
        return text.upper()

    async def body() -> Any:
        done = await child.batch_trigger_and_wait([1, child.item(-1), 3])
        outputs = await tasks.batch_trigger_and_wait("child", [4, 5]).unwrap()
        mixed = await batch.trigger_and_wait([child.item(6), other.item("x")]).unwrap()
        with pytest.raises(RunFailedError):
            await child.batch_trigger_and_wait([1, -1]).unwrap()
        return [[run.output for run in done.runs], [run.ok for run in done.runs], outputs, mixed]

    assert await inside(body) == [[2, None, 6], [True, False, True], [8, 10], [12, "X"]]


async def test_a_batch_of_nothing_is_answered_at_once() -> None:
    child = make_child()

    async def body() -> Any:
        done = await child.batch_trigger_and_wait([])
        return [done.runs, await batch.trigger_and_wait([]).unwrap()]

    assert await inside(body) == [[], []]


async def test_children_belong_to_their_parent() -> None:
    child = make_child()

    @task(id="middle")
    async def middle() -> int:
        return await child.trigger_and_wait(1).unwrap()

    @task(id="top")
    async def top() -> int:
        return await middle.trigger_and_wait().unwrap()

    handle = await top.trigger()
    assert (await handle.result()).unwrap() == 2
    found = {run.task_id: run async for run in runs.list()}
    assert found["middle"].parent_id == handle.id
    assert found["child"].parent_id == found["middle"].id
    assert found["child"].root_id == found["middle"].root_id == handle.id
    assert found["top"].parent_id is None


async def gather(*waits: Coroutine[Any, Any, Any]) -> list[Any]:
    return list(await asyncio.gather(*waits))


async def create_task(*waits: Coroutine[Any, Any, Any]) -> list[Any]:
    return [await one for one in [asyncio.create_task(wait) for wait in waits]]


async def task_group(*waits: Coroutine[Any, Any, Any]) -> list[Any]:
    async with asyncio.TaskGroup() as group:
        begun = [group.create_task(wait) for wait in waits]
    return [one.result() for one in begun]


async def anyio_group(*waits: Coroutine[Any, Any, Any]) -> list[Any]:
    found: dict[int, Any] = {}

    async def keep(number: int, one: Coroutine[Any, Any, Any]) -> None:
        found[number] = await one

    async with anyio.create_task_group() as group:
        for number, one in enumerate(waits):
            group.start_soon(keep, number, one)
    return [found[number] for number in sorted(found)]


async def wait_for(*waits: Coroutine[Any, Any, Any]) -> list[Any]:
    return [await asyncio.wait_for(wait, 60) for wait in waits]


@pytest.mark.parametrize("together", [gather, create_task, task_group, anyio_group, wait_for])
async def test_whatever_takes_a_coroutine_takes_it(
    together: Callable[..., Awaitable[list[Any]]],
) -> None:
    child = make_child()

    async def body() -> Any:
        pending = [child.trigger_and_wait(number) for number in (1, 2)]
        outputs = [child.trigger_and_wait(number).unwrap() for number in (3, 4)]
        results = await together(*pending)
        return [result.output for result in results] + await together(*outputs)

    assert await inside(body) == [2, 4, 6, 8]


async def test_a_wait_that_is_given_up_leaves_its_child_running(clock: FakeClock) -> None:
    @task(id="slow-child")
    async def slow() -> str:
        await wait.sleep("1h")
        return "done all the same"

    async def body() -> Any:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await slow.trigger_and_wait()
        return "went on"

    assert await inside(body) == "went on"
    await clock.advance("1h")
    (child,) = [run async for run in runs.list(task=slow)]
    assert (child.status, child.output) == (RunStatus.COMPLETED, "done all the same")


async def test_a_fault_of_the_payload_is_raised_inside_where_it_can_be_caught() -> None:
    child = make_child()

    async def body() -> Any:
        with pytest.raises(PayloadValidationError):
            await child.trigger_and_wait("many")  # type: ignore[arg-type]  # the mistake that is tested
        with pytest.raises(TaskNotFoundError):
            await tasks.trigger_and_wait("nobody")
        return [run.task_id async for run in runs.list()]

    assert await inside(body) == ["parent"]


# --- outside of a task ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda child: child.trigger_and_wait(1), "child.trigger_and_wait"),
        (lambda child: child.trigger_and_wait(1).unwrap(), "child.trigger_and_wait"),
        (lambda child: child.batch_trigger_and_wait([1]), "child.batch_trigger_and_wait"),
        (lambda _: tasks.trigger_and_wait("child", 1), "tasks.trigger_and_wait"),
        (lambda _: tasks.batch_trigger_and_wait("child", [1]), "tasks.batch_trigger_and_wait"),
        (lambda child: batch.trigger_and_wait([child.item(1)]), "batch.trigger_and_wait"),
    ],
)
async def test_outside_of_a_task_it_says_so(call: Callable[[Any], Any], name: str) -> None:
    with pytest.raises(NotInTaskError) as caught:
        await call(make_child())
    assert str(caught.value) == (
        f"{name} works only inside a running task, and there is no run here. Call it from a task's function or "
        f"its hooks."
    )
    assert [run async for run in runs.list()] == []


# --- the coroutine ----------------------------------------------------------------------------------


async def number() -> int:
    return 20


def pending() -> Pending[int, str]:
    return Pending(number(), lambda found: f"<{found}>", "number.trigger_and_wait")


async def test_it_is_a_coroutine_that_knows_its_name() -> None:
    one = pending()
    assert isinstance(one, Coroutine)
    assert asyncio.iscoroutine(one)
    assert inspect.isawaitable(one)
    assert (one.__name__, repr(one)) == (
        "number.trigger_and_wait",
        "<Pending number.trigger_and_wait>",
    )
    assert await one == 20


async def test_unwrap_is_such_a_coroutine_too_and_once_more_changes_nothing() -> None:
    one = pending().unwrap()
    assert isinstance(one, Pending)
    assert repr(one) == "<Pending number.trigger_and_wait.unwrap>"
    assert await one.unwrap() == "<20>"


async def test_it_can_be_awaited_once() -> None:
    one = pending()
    await one
    with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
        await one


async def test_what_is_thrown_into_it_arrives_and_closing_ends_it() -> None:
    seen: list[str] = []

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        except ValueError as error:
            seen.append(str(error))
            raise
        finally:
            seen.append("over")

    one = Pending(waits(), lambda found: found, "waits")
    one.send(None)
    with pytest.raises(ValueError, match="thrown"):
        one.throw(ValueError("thrown"))
    other = Pending(waits(), lambda found: found, "waits")
    other.send(None)
    other.close()
    assert seen == ["thrown", "over", "over"]


async def test_one_that_was_never_awaited_can_be_closed() -> None:
    pending().close()
    one = taskkit.tasks.trigger_and_wait("child", 1)
    one.close()
