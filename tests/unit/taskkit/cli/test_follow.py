"""What is new about a run, and how it is drawn."""

import asyncio
from contextlib import aclosing
from io import StringIO

import pytest
from rich.cells import cell_len
from rich.console import Console

import taskkit
from taskkit import Context, Retry, logger, metadata, task, wait
from taskkit.cli.follow import Update, updates
from taskkit.cli.lines import LineView
from taskkit.cli.live import LiveView
from taskkit.cli.run_text import few_values, phase_of, progress_of, run_data
from taskkit.model.run import Run
from taskkit.runtime.current_backend import current_home
from taskkit.session import Worker
from taskkit.testing import FakeClock

pytestmark = pytest.mark.anyio


async def followed(run_id: str) -> list[Update]:
    async with aclosing(updates(current_home(), run_id)) as news:
        return [update async for update in news]


async def test_updates_bring_each_log_once_and_end_with_the_run(app: Worker) -> None:
    @task
    async def speaks() -> int:
        for number in range(3):
            logger.info("said", n=number)
            await metadata.flush()
        return 3

    handle = await speaks.trigger()
    found = await followed(handle.id)
    logged = [entry.data["properties"]["n"] for update in found for entry in update.logs]
    assert logged == [0, 1, 2]
    assert [update.run.is_completed for update in found][-1] is True
    assert sum(update.run.is_completed for update in found) == 1


async def test_more_logs_than_a_page_come_all(app: Worker) -> None:
    @task
    async def chatters() -> None:
        for number in range(450):
            logger.info("said", n=number)

    handle = await chatters.trigger()
    await handle.result()
    [update] = await followed(handle.id)
    assert [entry.position for entry in update.logs] == list(range(1, 451))


async def test_lines_tell_what_changed_and_nothing_twice(app: Worker, clock: FakeClock) -> None:
    @task(retry=Retry(max_attempts=2, min_timeout=5, randomize=False))
    async def counts(ctx: Context) -> None:
        metadata.set("phase", "counting").set("progress", 0.5).set("rows", 7)
        await metadata.flush()
        if ctx.attempt.number == 1:
            raise ValueError("first\nsecond line")

    handle = await counts.trigger()
    following = asyncio.ensure_future(followed(handle.id))
    await clock.advance("1m")
    out = StringIO()
    view = LineView(Console(file=out, width=1000))
    for update in await following:
        view.show(update)
    lines = [line[10:] for line in out.getvalue().splitlines()]
    assert lines[0] == f"{handle.id} of task counts"
    assert lines.count("counting  50%  rows=7") == 1
    assert sum(line.startswith("attempt 1 of 2 failed: ValueError: first") for line in lines) == 1
    assert not any("second line" in line for line in lines)


def drawn(run: Run, width: int, **console: object) -> list[str]:
    out = Console(file=StringIO(), width=width, force_terminal=True, color_system=None, **console)
    view = LiveView(out)
    view.show(Update(run, ()))
    with out.capture() as captured:
        out.print(view.picture())
    return captured.get().splitlines()


async def waiting_run(phase: str) -> Run:
    @task(id="draws", retry=None)
    async def draws() -> None:
        metadata.set("phase", phase).set("progress", 0.25).set("rows", 1000).set("big", {"a": 1})
        await wait.sleep("1h")

    handle = await draws.trigger()
    async for run in handle.subscribe():
        if run.is_waiting:
            return run
    raise AssertionError("it never waited")


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("phase", ["importing", "x" * 200, "漢字" * 60])
async def test_picture_fits_the_screen(app: Worker, width: int, phase: str) -> None:
    status, values = drawn(await waiting_run(phase), width)
    assert "WAITING" in status
    assert "25%" in status
    assert phase[:4] in status
    assert cell_len(status.rstrip()) <= width - 4
    assert values.strip() == "rows 1000"


async def test_run_as_json_has_every_attempt(app: Worker) -> None:
    @task(retry=Retry(max_attempts=1))
    async def fails() -> None:
        raise KeyError("x")

    handle = await fails.trigger()
    await handle.result()
    data = run_data(await taskkit.runs.retrieve(handle.id))
    assert (data["status"], data["error"]["name"], len(data["attempts"])) == (
        "FAILED",
        "KeyError",
        1,
    )


@pytest.mark.parametrize(
    ("value", "fraction"),
    [(0, 0.0), (0.5, 0.5), (1, 1.0), (40, 0.4), (250, 1.0), (-1, 0.0), (True, None), ("x", None),
     (float("nan"), None), (None, None)],
)  # fmt: skip
async def test_progress(value: object, fraction: float | None) -> None:
    assert progress_of({"progress": value}) == fraction


async def test_phase_and_small_values() -> None:
    data = {"state": "at\nwork", "progress": 1, "n": 2, "list": [1], "long": "x" * 100, "none": ""}
    assert phase_of(data) == "at work"
    assert phase_of({"phase": {"a": 1}}) == ""
    assert few_values(data) == {"n": "2"}
