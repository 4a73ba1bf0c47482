"""How long a run takes, by the clock that a test moves."""

import pytest

from taskkit import Context, Retry, task, usage, wait
from taskkit.errors import NotInTaskError, SyncInAsyncError
from taskkit.model.clock import sleep
from taskkit.testing import FakeClock

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("app")]


async def test_an_attempt_and_the_run_are_timed(clock: FakeClock) -> None:
    seen: list[tuple[float, float]] = []

    def look() -> None:
        compute = usage.get_current().compute
        seen.append((compute.attempt.duration, compute.total.duration))

    @task(retry=Retry(2, 10, randomize=False))
    async def work(ctx: Context) -> None:
        look()
        await sleep(clock, 3)
        look()
        if ctx.attempt.number == 1:
            raise ValueError("broken")
        await wait.sleep(60)
        look()

    handle = await work.trigger(delay=100)
    await clock.advance("10m")
    assert (await handle.result()).ok
    assert seen == [(0, 0), (3, 3), (0, 13), (3, 16), (63, 76)]


async def test_a_function_is_timed(clock: FakeClock) -> None:
    seen: list[object] = []

    @task
    async def work() -> None:
        async def part() -> str:
            await sleep(clock, 2.5)
            return "done"

        both = (await usage.measure(part), await usage.measure(lambda: 7))
        seen.extend((measured.result, measured.compute.duration) for measured in both)

    handle = await work.trigger()
    await clock.advance(3)
    await handle.result()
    assert seen == [("done", 2.5), (7, 0)]


async def test_a_plain_task_times_plain_and_async_functions(clock: FakeClock) -> None:
    seen: list[object] = []

    @task
    def work() -> None:
        async def part() -> str:
            await sleep(clock, 2)
            return "awaited"

        both = (usage.sync.measure(part), usage.sync.measure(lambda: "called"))
        seen.extend((measured.result, measured.compute.duration) for measured in both)

    handle = await work.trigger()
    await clock.advance(3)
    await handle.result()
    assert seen == [("awaited", 2), ("called", 0)]


async def test_what_a_measured_function_raises_comes_through() -> None:
    with pytest.raises(ZeroDivisionError):
        await usage.measure(lambda: 1 / 0)


async def test_outside_of_a_task() -> None:
    measured = await usage.measure(lambda: "anywhere")
    assert measured.result == "anywhere"
    assert measured.compute.duration >= 0
    with pytest.raises(NotInTaskError, match=r"usage\.get_current"):
        usage.get_current()
    with pytest.raises(SyncInAsyncError, match=r"await usage\.measure"):
        usage.sync.measure(dict)
