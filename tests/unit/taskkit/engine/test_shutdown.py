"""A worker that stops: what runs is told, cleaned up and given back, and nothing keeps it for ever."""

import asyncio
import threading
from typing import Any

import pytest

import taskkit
from taskkit import Context, RunStatus, task, wait
from taskkit.backends.memory import MemoryBackend
from taskkit.engine import attempt
from taskkit.testing import FakeClock

pytestmark = pytest.mark.anyio


async def forever() -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("where", ["executing", "waiting"])
async def test_hooks_of_a_run_that_is_given_back(where: str, serve: Any, clock: FakeClock) -> None:
    """It has not ended: cleanup runs, for each delivery, and no hook of an end."""
    backend = MemoryBackend()
    seen: list[str] = []

    @task()
    async def work(ctx: Context) -> str:
        seen.append("run")
        if len(seen) > 2:
            return "by the next worker"
        try:
            await (forever() if where == "executing" else wait.sleep("1h"))
        finally:
            seen.append(f"{ctx.signal.reason}")
        return "not reached"

    def saying(name: str) -> Any:
        async def hook() -> None:
            seen.append(name)

        return hook

    for name in ("on_success", "on_failure", "on_complete", "on_cancel", "catch_error", "cleanup"):
        getattr(work, name)(saying(name))
    async with serve(backend, clock=clock):
        handle = await work.trigger()
        await clock.advance(1)
    assert seen == ["run", "shutdown", "cleanup"]
    seen[:] = ["first", "second"]
    async with serve(backend, clock=clock):
        await clock.advance("1h")
        assert (await handle.result()).unwrap() == "by the next worker"
    assert seen[2:] == ["run", "on_success", "on_complete", "cleanup"]


async def test_a_body_that_ignores_the_end_of_its_worker_is_left_behind(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(attempt, "_GRACE", 0.01)  # real time: nobody moves a fake clock meanwhile
    release = asyncio.Event()

    @task()
    async def stubborn() -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    async with taskkit.local(clock=clock):
        await stubborn.trigger()
        await clock.settle()
    assert "ignores its shutdown" in caplog.text
    release.set()
    await asyncio.sleep(0)


async def test_a_thread_is_told_that_its_worker_stops_and_is_left_alone(clock: FakeClock) -> None:
    entered, release, over = threading.Event(), threading.Event(), threading.Event()
    reasons: list[Any] = []

    @task()
    def work(ctx: Context) -> None:
        entered.set()
        release.wait(10)
        reasons.append(ctx.signal.reason)
        over.set()

    async with taskkit.local(clock=clock):
        await work.trigger()
        await asyncio.to_thread(entered.wait, 10)
    assert not over.is_set()
    release.set()
    await asyncio.to_thread(over.wait, 10)
    assert reasons == ["shutdown"]


async def test_a_run_that_is_canceled_while_its_worker_drains_ends_canceled(
    clock: FakeClock,
) -> None:
    backend = MemoryBackend()

    @task()
    async def work() -> None:
        await forever()

    worker = taskkit.worker(backend, drain=60)
    async with worker:
        handle = await work.trigger()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        leaving = asyncio.ensure_future(worker.__aexit__(None, None, None))
        await asyncio.sleep(0)
        await handle.cancel()
        await asyncio.wait_for(leaving, 5)
    (run,) = await backend.get([handle.id])
    assert run is not None
    assert run.status == RunStatus.CANCELED


@pytest.mark.parametrize("comes", ["with the first", "while it drains"])
async def test_a_second_cancellation_gives_back_at_once(
    comes: str, serve: Any, clock: FakeClock
) -> None:
    """Also where it comes before the worker has heard the first: it waits for nobody to move the clock."""
    backend = MemoryBackend()

    @task()
    async def work() -> None:
        await forever()

    worker = serve(backend, clock=clock)
    worker._drain = 3600
    async with worker:
        handle = await work.trigger()
        await clock.settle()
        leaving = asyncio.ensure_future(worker.__aexit__(None, None, None))
        await asyncio.sleep(0)
        if comes == "while it drains":
            await clock.settle()
            assert not leaving.done()
        worker.release()
        await asyncio.wait_for(leaving, 5)
        (run,) = await backend.get([handle.id])
        assert run is not None
        assert run.status == RunStatus.QUEUED
        assert worker.health().given_back == 1
