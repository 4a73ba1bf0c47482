"""Something else in the place of a task."""

import asyncio
from typing import Any

import pytest
from pydantic import BaseModel

import taskkit
from taskkit import AbortTaskRunError, Retry, RunStatus, runs, schema_task, task, tasks
from taskkit.errors import InvalidOptionError, NotSerializableError, TaskNotFoundError
from taskkit.testing import FakeClock, stub

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("app")]


class Rows(BaseModel):
    count: int


def make_fetch(ran: list[object]) -> Any:
    @task(id="fetch", retry=Retry(3))
    async def fetch(payload: dict[str, Any]) -> Rows:
        ran.append(payload)
        return Rows(count=1)

    return fetch


async def test_a_stub_gives_the_output_in_the_place_of_the_body() -> None:
    ran: list[object] = []
    fetch = make_fetch(ran)
    with stub(fetch, returns=Rows(count=7)) as fetched:
        result = await (await fetch.trigger({"table": "users"})).result()
    assert (result.status, result.output) == (RunStatus.COMPLETED, Rows(count=7))
    assert (fetched.payloads, fetched.times, ran) == ([{"table": "users"}], 1, [])


async def test_a_stub_answers_a_parent_that_waits() -> None:
    ran: list[object] = []
    fetch = make_fetch(ran)

    @task
    async def parent() -> list[int]:
        one = await fetch.trigger_and_wait({"n": 1}).unwrap()
        many = await fetch.batch_trigger_and_wait([{"n": 2}, {"n": 3}])
        return [one.count, *(run.unwrap().count for run in many.runs)]

    with stub("fetch", side_effect=lambda payload: {"count": payload["n"] * 10}):
        result = await (await parent.trigger()).result()
    assert (result.output, ran) == ([10, 20, 30], [])


async def test_a_stub_that_raises_fails_the_run_at_once() -> None:
    fetch = make_fetch([])
    with stub(fetch, raises=ConnectionError("down")) as fetched:
        result = await (await fetch.trigger({})).result()
    assert result.status is RunStatus.FAILED
    assert result.error is not None
    assert (result.error.name, result.error.message) == ("ConnectionError", "down")
    assert fetched.times == 1
    with stub(fetch, raises=AbortTaskRunError):
        assert (await (await fetch.trigger({})).result()).status is RunStatus.FAILED


async def test_a_side_effect_may_be_async_and_fail_now_and_then() -> None:
    fetch = make_fetch([])

    async def answer(payload: dict[str, Any]) -> Rows:
        await asyncio.sleep(0)
        if payload:
            raise ValueError("not that one")
        return Rows(count=2)

    with stub(fetch, side_effect=answer):
        good = await (await fetch.trigger({})).result()
        bad = await (await fetch.trigger({"n": 1})).result()
    assert (good.output, bad.status) == (Rows(count=2), RunStatus.FAILED)


async def test_afterwards_the_task_is_itself_again() -> None:
    ran: list[object] = []
    fetch = make_fetch(ran)
    with pytest.raises(ZeroDivisionError), stub(fetch, returns=None):
        raise ZeroDivisionError
    assert (await (await fetch.trigger({})).result()).output == Rows(count=1)
    assert ran == [{}]


async def test_an_inner_stub_counts_while_it_lasts() -> None:
    fetch = make_fetch([])
    seen: list[Any] = []

    async def output() -> Any:
        return (await (await fetch.trigger({})).result()).output

    with stub(fetch, returns={"count": 1}):
        seen.append(await output())
        with stub(fetch, returns={"count": 2}):
            seen.append(await output())
        seen.append(await output())
    assert [rows.count for rows in seen] == [1, 2, 1]


async def test_other_tasks_run_as_ever() -> None:
    fetch = make_fetch([])

    @task
    async def other() -> str:
        return "real"

    with stub(fetch, returns=None):
        assert (await (await other.trigger()).result()).output == "real"


async def test_hooks_do_not_run() -> None:
    called: list[str] = []

    @task(on_start=lambda: called.append("own"), on_success=lambda: called.append("own"))
    async def work() -> None:
        called.append("body")

    tasks.middleware(_counting(called))
    with stub(work, returns=None):
        assert (await (await work.trigger()).result()).ok
    assert called == []
    assert (await (await work.trigger()).result()).ok
    assert called == ["middleware", "own", "body", "own"]


def _counting(called: list[str]) -> Any:
    async def middleware(call_next: Any) -> None:
        called.append("middleware")
        await call_next()

    return middleware


async def test_payloads_are_validated_and_rebuilt_as_ever() -> None:
    @schema_task(schema=Rows)
    async def count(rows: Rows) -> None:
        """Count them."""

    with stub(count, returns=None) as counted:
        await (await count.trigger(Rows(count=3))).result()
        with pytest.raises(taskkit.errors.PayloadValidationError):
            await count.trigger({"count": "many"})  # type: ignore[arg-type]  # a wrong payload
    assert counted.payloads == [Rows(count=3)]


async def test_a_plain_function_needs_no_thread() -> None:
    @task
    def work() -> int:
        raise AssertionError

    with stub(work, returns=5):
        assert (await (await work.trigger()).result()).output == 5


async def test_a_run_that_is_canceled_stops_its_side_effect(clock: FakeClock) -> None:
    fetch = make_fetch([])
    ended: list[str] = []

    async def hang(_: object) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("stopped")

    with stub(fetch, side_effect=hang):
        handle = await fetch.trigger({})
        await clock.settle()
        await runs.cancel(handle.id, reason="enough")
        result = await handle.result()
    assert (result.status, ended) == (RunStatus.CANCELED, ["stopped"])


async def test_leaving_local_stops_a_side_effect() -> None:
    fetch = make_fetch([])
    ended: list[str] = []

    async def hang(_: object) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("stopped")

    clock = FakeClock()
    async with taskkit.local(clock=clock):
        with stub(fetch, side_effect=hang):
            await fetch.trigger({})
            await clock.settle()
    assert ended == ["stopped"]


@pytest.mark.parametrize("given", [{}, {"returns": 1, "raises": ValueError}])
async def test_a_stub_says_one_thing(given: dict[str, Any]) -> None:
    fetch = make_fetch([])
    with pytest.raises(InvalidOptionError, match="give one of them"), stub(fetch, **given):
        raise AssertionError


async def test_what_is_no_json_is_told_where_it_is_written() -> None:
    fetch = make_fetch([])
    with pytest.raises(NotSerializableError), stub(fetch, returns=object()):
        raise AssertionError


async def test_an_unknown_task_is_told_with_the_near_ones() -> None:
    make_fetch([])
    with pytest.raises(TaskNotFoundError, match="fetch"), stub("fetsh", returns=1):
        raise AssertionError
