"""A blocked event loop is reported once, with its stack and the task that blocks it."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Iterator

import pytest

import taskkit
from taskkit import task
from taskkit.engine.watchdog import Watchdog
from taskkit.session import Worker
from taskkit.testing import FakeClock

pytestmark = pytest.mark.anyio
SOON = 0.05


class Heard(logging.Handler):
    """Lets go of what blocks the loop once the watchdog has spoken: no test waits for a time to pass."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.again = threading.Event()
        self.is_blocked = False

    def emit(self, record: logging.LogRecord) -> None:
        if self.is_blocked:  # on a busy machine the loop may have seemed so before
            self.said.append(record.getMessage())
            self.again.set()

    def block(self) -> None:
        self.is_blocked = True
        assert self.again.wait(30)
        self.is_blocked = False
        self.again.clear()


@pytest.fixture
def heard() -> Iterator[Heard]:
    log, handler = logging.getLogger("taskkit.worker"), Heard()
    log.addHandler(handler)
    yield handler
    log.removeHandler(handler)


@pytest.fixture
async def watched(app: Worker) -> AsyncIterator[None]:
    watchdog = app._runner._watchdog = Watchdog(SOON)
    yield
    watchdog.close()


@pytest.mark.usefixtures("watched")
async def test_a_body_that_blocks_is_named_with_its_line(heard: Heard) -> None:
    @task(id="blocking")
    async def blocking() -> None:
        heard.block()

    handle = await blocking.trigger()
    assert (await handle.result()).ok
    (said,) = heard.said
    assert f"Task: 'blocking' (run {handle.id})." in said
    assert "test_watchdog.py" in said
    assert "heard.block()" in said
    assert "in block" in said
    assert "no lease is renewed" in said
    assert 'isolation="process"' in said


@pytest.mark.usefixtures("watched")
async def test_each_block_is_reported_by_itself(heard: Heard) -> None:
    @task(id="blocking")
    async def blocking() -> None:
        heard.block()

    for _ in range(2):
        await (await blocking.trigger()).result()
        await asyncio.sleep(0)
    assert len(heard.said) == 2


@pytest.mark.usefixtures("watched")
async def test_what_a_body_has_started_is_told_by_those_under_way(heard: Heard) -> None:
    async def part() -> None:
        heard.block()

    @task(id="several")
    async def several() -> None:
        await asyncio.gather(part())

    handle = await several.trigger()
    await handle.result()
    (said,) = heard.said
    assert f"Task: one of 'several' (run {handle.id})." in said


@pytest.mark.usefixtures("watched")
async def test_a_hook_that_blocks_is_named_by_its_task(heard: Heard) -> None:
    @task(id="with-hook")
    async def with_hook() -> None: ...

    @with_hook.on_success
    async def succeeded() -> None:
        heard.block()

    await (await with_hook.trigger()).result()
    (said,) = heard.said
    assert "Task: 'with-hook'" in said


async def test_a_block_is_reported_once_however_long_it_lasts(
    heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    watchdog, looks = Watchdog(SOON), threading.Semaphore(0)
    wait = watchdog._over.wait

    def look(after: float) -> bool:
        looks.release()
        return wait(after)

    monkeypatch.setattr(watchdog._over, "wait", look)
    heard.block()
    heard.is_blocked = True
    while looks.acquire(blocking=False):
        pass  # those before it was reported
    for _ in range(5):
        assert looks.acquire(timeout=30)
    watchdog.close()
    assert len(heard.said) == 1


async def test_a_loop_that_is_blocked_by_no_task_is_reported_too(heard: Heard) -> None:
    watchdog = Watchdog(SOON)
    heard.block()
    watchdog.close()
    assert "Task: none that can be told." in heard.said[0]


async def test_a_worker_has_one_from_its_first_run_to_its_end(clock: FakeClock) -> None:
    @task(id="quick")
    async def quick() -> None: ...

    def watchdogs() -> list[threading.Thread]:
        return [one for one in threading.enumerate() if one.name == "taskkit-watchdog"]

    before = set(watchdogs())
    async with taskkit.local(clock=clock):
        for _ in range(3):
            await (await quick.trigger()).result()
        (thread,) = set(watchdogs()) - before
        assert thread.daemon
    thread.join(10)
    assert not thread.is_alive()
