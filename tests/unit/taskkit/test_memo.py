"""Values that a run keeps across its attempts."""

import asyncio
import re
import threading
from typing import Any

import pytest
from pydantic import BaseModel

import taskkit
from taskkit import Context, Retry, RunStatus, memo, task, wait
from taskkit.backends.memory import MemoryBackend
from taskkit.errors import NotInTaskError, SyncInAsyncError
from taskkit.testing import FakeClock

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("app")]

TWICE = Retry(2, 1, randomize=False)


class Point(BaseModel):
    x: int
    y: int


async def result_of(traced: Any, clock: FakeClock) -> Any:
    handle = await traced.trigger()
    await clock.advance(5)
    result = await handle.result()
    assert result.status == RunStatus.COMPLETED, result.error
    return result.output


async def test_a_value_is_made_once_for_all_attempts(clock: FakeClock) -> None:
    calls: list[int] = []

    @task(retry=TWICE)
    async def work(ctx: Context) -> Any:
        async def make() -> list[int]:
            calls.append(ctx.attempt.number)
            return [ctx.attempt.number]

        value = await memo("step", make)
        if ctx.attempt.number == 1:
            raise ValueError("broken")
        return value

    assert await result_of(work, clock) == [1]
    assert calls == [1]


@pytest.mark.parametrize("value", [None, 0, "", False, [], {"a": [1.5, None]}])
async def test_every_json_value_is_kept(clock: FakeClock, value: Any) -> None:
    calls: list[Any] = []

    def make() -> Any:
        calls.append(value)
        return value

    @task(retry=TWICE)
    async def work(ctx: Context) -> Any:
        kept = await memo("step", make)
        if ctx.attempt.number == 1:
            raise ValueError("broken")
        return kept

    assert await result_of(work, clock) == value
    assert len(calls) == 1


async def test_a_value_is_json_data_from_the_first_time_on(clock: FakeClock) -> None:
    seen: list[Any] = []

    @task(retry=TWICE)
    async def work(ctx: Context) -> None:
        seen.append(await memo("point", lambda: Point(x=1, y=2)))
        if ctx.attempt.number == 1:
            raise ValueError("broken")

    await result_of(work, clock)
    assert seen == [{"x": 1, "y": 2}] * 2


async def test_nobody_changes_what_is_kept(clock: FakeClock) -> None:
    @task
    async def work() -> Any:
        first = await memo("step", lambda: {"list": [1]})
        first["list"].append(2)
        return await memo("step", lambda: "not called")

    assert await result_of(work, clock) == {"list": [1]}


async def test_keys_and_runs_do_not_mix(clock: FakeClock) -> None:
    numbers = iter(range(10))

    @task
    async def work() -> Any:
        return [await memo(key, lambda: next(numbers)) for key in ("a", "b", "a")]

    assert await result_of(work, clock) == [0, 1, 0]
    assert await result_of(work, clock) == [2, 3, 2]


async def test_an_error_is_not_kept(clock: FakeClock) -> None:
    calls: list[int] = []

    async def make() -> str:
        calls.append(1)
        if len(calls) < 3:
            raise ValueError("not yet")
        return "made"

    @task(retry=TWICE)
    async def work() -> Any:
        try:
            return await memo("step", make)
        except ValueError:
            return await memo("step", make)

    # The second call failed too, and the next attempt asked again.
    assert await result_of(work, clock) == "made"
    assert len(calls) == 3


async def test_what_is_no_json_fails_and_is_not_kept(clock: FakeClock) -> None:
    @task
    async def work() -> Any:
        with pytest.raises(taskkit.errors.NotSerializableError, match="The memo 'step'"):
            await memo("step", object)
        return await memo("step", lambda: "plain")

    assert await result_of(work, clock) == "plain"


async def test_calls_at_the_same_time_share_one(clock: FakeClock) -> None:
    calls: list[int] = []

    async def make() -> int:
        calls.append(1)
        await asyncio.sleep(0)
        return len(calls)

    @task
    async def work() -> Any:
        return await asyncio.gather(*(memo("step", make) for _ in range(5)))

    assert await result_of(work, clock) == [1] * 5
    assert len(calls) == 1


async def test_calls_at_the_same_time_share_an_error(clock: FakeClock) -> None:
    calls: list[int] = []

    async def make() -> None:
        calls.append(1)
        await asyncio.sleep(0)
        raise ValueError("broken")

    @task
    async def work() -> Any:
        made = await asyncio.gather(*(memo("step", make) for _ in range(3)), return_exceptions=True)
        return [str(error) for error in made]

    assert await result_of(work, clock) == ["broken"] * 3
    assert len(calls) == 1


async def test_another_call_takes_over_from_one_that_is_canceled(clock: FakeClock) -> None:
    started: list[str] = []

    @task
    async def work() -> Any:
        gate = asyncio.Event()

        async def make() -> str:
            started.append("call")
            await gate.wait()
            return "made"

        first = asyncio.create_task(memo("step", make))
        others = [asyncio.create_task(memo("step", make)) for _ in range(2)]
        await asyncio.sleep(0)
        first.cancel()
        gate.set()
        return [await other for other in others], first.cancelled()

    assert await result_of(work, clock) == [["made", "made"], True]
    assert len(started) == 2


async def test_a_value_outlives_a_worker(serve: Any) -> None:
    clock, backend, calls = FakeClock(), MemoryBackend(), list[int]()

    @task
    async def work() -> Any:
        def make() -> str:
            calls.append(1)
            return "made"

        value = await memo("step", make)
        await wait.sleep(60)
        return value

    async with serve(backend, clock=clock):
        handle = await work.trigger()
        await clock.settle()
    async with serve(backend, clock=clock):
        await clock.advance(61)
        assert (await handle.result()).output == "made"
    assert len(calls) == 1


async def test_many_memos_of_one_run_are_all_kept(clock: FakeClock) -> None:
    calls: list[int] = []

    @task(retry=TWICE)
    async def work(ctx: Context) -> int:
        for number in range(1500):
            await memo(f"step-{number}", lambda: calls.append(1))
        if ctx.attempt.number == 1:
            raise ValueError("broken")
        return len(calls)

    assert await result_of(work, clock) == 1500


async def test_a_plain_task_calls_the_function_in_its_own_thread(clock: FakeClock) -> None:
    threads: list[bool] = []

    @task(retry=TWICE)
    def work(ctx: Context) -> Any:
        here = threading.get_ident()

        def make() -> str:
            threads.append(threading.get_ident() == here)
            return "made"

        async def make_async() -> str:
            return "awaited"

        values = [memo.sync("step", make), memo.sync("step", make), memo.sync("async", make_async)]
        if ctx.attempt.number == 1:
            raise ValueError("broken")
        return values

    assert await result_of(work, clock) == ["made", "made", "awaited"]
    assert threads == [True]


async def test_a_plain_task_meets_an_error_and_may_try_again(clock: FakeClock) -> None:
    @task
    def work() -> Any:
        with pytest.raises(ZeroDivisionError):
            memo.sync("step", lambda: 1 / 0)
        return memo.sync("step", lambda: "made")

    assert await result_of(work, clock) == "made"


async def test_a_memo_is_for_tasks() -> None:
    with pytest.raises(NotInTaskError, match="memo works only inside a running task"):
        await memo("step", dict)
    with pytest.raises(SyncInAsyncError, match=re.escape("await memo(...)")):
        memo.sync("step", dict)


@pytest.mark.parametrize("key", ["", None, 7])
async def test_a_key_is_a_text(clock: FakeClock, key: Any) -> None:
    @task
    async def work() -> None:
        with pytest.raises(taskkit.errors.InvalidOptionError, match="the key of a memo"):
            await memo(key, dict)

    await result_of(work, clock)
