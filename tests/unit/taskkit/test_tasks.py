"""Triggering by id, and hooks that apply to every task."""

from typing import Any

import pytest

from taskkit import RunStatus, task, tasks
from taskkit.errors import HookSignatureError, PayloadValidationError
from taskkit.testing import FakeClock

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("app")]


async def test_a_payload_is_validated_where_the_task_is_known() -> None:
    @task()
    async def double(number: int) -> int:
        return 2 * number

    handle = await tasks.trigger(
        "double", "4", tags=["a"]
    )  # JSON that the schema reads as a number
    assert (handle.task_id, (await handle.result()).unwrap()) == ("double", 8)
    with pytest.raises(PayloadValidationError, match="The payload for task 'double'"):
        await tasks.trigger("double", "many")
    with pytest.raises(PayloadValidationError) as caught:
        await tasks.batch_trigger("double", [1, "many"])
    assert "In item 1 of the batch" in caught.value.__notes__[0]


async def test_a_task_is_taken_as_well_as_its_id() -> None:
    @task()
    async def work() -> str:
        return "done"

    either: Any
    for either in (work, "work"):
        assert (await (await tasks.trigger(either)).result()).unwrap() == "done"
        assert (await tasks.trigger_and_poll(either)).status == RunStatus.COMPLETED


async def test_trigger_and_poll_returns_a_failed_run_too(clock: FakeClock) -> None:
    @task(retry=None)
    async def work() -> None:
        raise ValueError("broken")

    run = await tasks.trigger_and_poll("work")
    assert run.is_failed
    assert run.error is not None
    assert run.error.message == "broken"


HOOKS = [
    "init",
    "on_start",
    "on_start_attempt",
    "on_success",
    "on_failure",
    "on_complete",
    "on_wait",
    "on_resume",
    "on_cancel",
    "cleanup",
    "catch_error",
    "handle_error",
    "middleware",
]


@pytest.mark.parametrize("name", HOOKS)
async def test_each_global_hook_is_a_decorator_that_gives_back_the_function(name: str) -> None:
    async def hook() -> None: ...

    async def around(call_next: Any) -> None:
        await call_next()

    given: Any = around if name == "middleware" else hook
    assert getattr(tasks, name)(given) is given


async def test_global_hooks_run_for_every_task_round_its_own() -> None:
    order: list[str] = []

    @tasks.on_start
    async def start(ctx: Any) -> None:
        order.append(f"global start of {ctx.task.id}")

    @tasks.on_success
    async def success(output: Any) -> None:
        order.append(f"global success with {output}")

    @task(on_start=lambda: order.append("own start"))
    async def first() -> int:
        return 1

    @task()
    async def second() -> int:
        return 2

    for one in (first, second):
        await (await one.trigger()).result()
    assert order == [
        "global start of first",
        "own start",
        "global success with 1",
        "global start of second",
        "global success with 2",
    ]


@pytest.mark.parametrize("name", [name for name in HOOKS if name != "middleware"])
async def test_a_hook_that_asks_for_what_there_is_not_is_refused_at_once(name: str) -> None:
    async def hook(result_of_the_run: Any) -> None: ...

    with pytest.raises(HookSignatureError) as caught:
        getattr(tasks, name)(hook)
    said = str(caught.value)
    assert "'result_of_the_run'" in said
    assert "test_tasks.py:" in said
    assert "payload" in said
