"""Tags that a run gives itself."""

import logging
from typing import Any

import pytest

from taskkit import Context, Retry, runs, tags, task, wait
from taskkit.errors import InvalidOptionError, NotInTaskError
from taskkit.testing import FakeClock

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("app")]


async def test_tags_are_stored_when_the_call_returns() -> None:
    seen: list[tuple[str, ...]] = []

    @task
    async def work(ctx: Context) -> None:
        await tags.add("vip")
        seen.append((await runs.retrieve(ctx.run.id)).tags)
        await tags.add(["vip", "acme", "one"])
        seen.append((await runs.retrieve(ctx.run.id)).tags)

    handle = await work.trigger(tags=["one"])
    await handle.result()
    assert seen == [("one", "vip"), ("one", "vip", "acme")]
    assert [run.id async for run in runs.list(tag="acme")] == [handle.id]


async def test_tags_are_kept_by_later_attempts(clock: FakeClock) -> None:
    @task(retry=Retry(2, 1, randomize=False))
    async def work(ctx: Context) -> list[str]:
        await tags.add(f"attempt-{ctx.attempt.number}")
        if ctx.attempt.number == 1:
            raise ValueError("broken")
        await wait.sleep(1)
        await tags.add("after")
        return list(ctx.run.tags)

    handle = await work.trigger()
    await clock.advance(5)
    await handle.result()
    assert (await handle.retrieve()).tags == ("attempt-1", "attempt-2", "after")


async def test_the_eleventh_tag_is_left_out_with_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @task
    async def work() -> None:
        await tags.add(["9", "ten", "eleven"])
        await tags.add("9")

    handle = await work.trigger(tags=[str(n) for n in range(9)])
    with caplog.at_level(logging.WARNING, "taskkit.tags"):
        assert (await handle.result()).ok
    assert (await handle.retrieve()).tags == (*(str(n) for n in range(9)), "9")
    (record,) = caplog.records
    assert "at most 10 tags" in record.getMessage()
    assert "'ten', 'eleven'" in record.getMessage()


@pytest.mark.parametrize("wrong", ["", "x" * 129, ["fine", 7]])
async def test_what_is_no_tag_is_refused(wrong: Any) -> None:
    @task
    async def work() -> None:
        with pytest.raises(InvalidOptionError, match="tags"):
            await tags.add(wrong)

    handle = await work.trigger()
    assert (await handle.result()).ok
    assert (await handle.retrieve()).tags == ()


async def test_a_plain_task_adds_tags() -> None:
    @task
    def work() -> None:
        tags.sync.add(["a", "b"])

    handle = await work.trigger()
    await handle.result()
    assert (await handle.retrieve()).tags == ("a", "b")


async def test_outside_of_a_task_there_is_no_run_to_tag() -> None:
    with pytest.raises(NotInTaskError, match=r"tags\.add"):
        await tags.add("vip")
