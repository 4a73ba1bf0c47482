"""A worker that dies says so: nobody is left waiting for a result that cannot come."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from anyio import to_thread

import taskkit
from taskkit import Context, Queue, RunHandle, RunStatus, runs, task, wait
from taskkit.backends.base import Control, Execution, Runner
from taskkit.backends.memory import MemoryBackend
from taskkit.errors import NoWorkerError, StoreUnavailableError
from taskkit.model.exchange import Lease, Manifest, Outcome, Signal, Suspended, WorkerOptions
from taskkit.session import Worker
from taskkit.testing import FakeClock

pytestmark = pytest.mark.anyio


class Foreign(BaseException):
    """What is not an error of the task's: pytest's outcomes, an interrupt, the end of another framework."""


class FaultyRunner:
    """An engine that raises, at `begin` or when it runs the lease of a task named `faulty`."""

    def __init__(self, inner: Runner, fault: Callable[[], BaseException], at: str) -> None:
        self._inner = inner
        self._fault = fault
        self._at = at

    @property
    def manifest(self) -> Manifest:
        return self._inner.manifest

    def begin(self, lease: Lease, control: Control) -> Execution:
        if lease.run.task_id != "faulty":
            return self._inner.begin(lease, control)
        if self._at == "begin":
            raise self._fault()
        return FaultyExecution(self._fault)


class FaultyExecution:
    def __init__(self, fault: Callable[[], BaseException]) -> None:
        self._fault = fault

    async def run(self) -> Outcome:
        await asyncio.sleep(0)
        raise self._fault()

    def resume(self, lease: Lease) -> None: ...

    def tell(self, signal: Signal) -> None: ...


class FaultyEngine(MemoryBackend):
    """Is served by an engine that raises."""

    def __init__(self, fault: Callable[[], BaseException], at: str) -> None:
        super().__init__()
        self._fault = fault
        self._at = at

    async def serve(self, runner: Runner, options: WorkerOptions) -> None:
        await super().serve(FaultyRunner(runner, self._fault, self._at), options)


class FaultyStore(MemoryBackend):
    """Raises at one of its calls, once it is told to."""

    def __init__(self, call: str) -> None:
        super().__init__()
        self.fails = False
        self._call = call

    def _may_fail(self, call: str) -> None:
        if self.fails and call == self._call:
            raise StoreUnavailableError("the disk is gone")

    async def claim(self, *args: Any, **options: Any) -> Any:
        self._may_fail("claim")
        return await super().claim(*args, **options)

    async def advance(self, *args: Any, **options: Any) -> Any:
        self._may_fail("advance")
        return await super().advance(*args, **options)

    async def extend(self, *args: Any, **options: Any) -> Any:
        self._may_fail("extend")
        return await super().extend(*args, **options)

    async def settle(self, lease: Lease, outcome: Outcome | Suspended, **options: Any) -> None:
        self._may_fail("settle")
        await super().settle(lease, outcome, **options)


async def forever() -> None:
    await asyncio.Event().wait()


async def waiters(clock: FakeClock) -> list[asyncio.Task[Any]]:
    """Everybody who may wait for a run: of one that executes, waits, is queued, is delayed."""

    @task(queue=Queue("narrow", concurrency_limit=1))
    async def executing() -> None:
        await forever()

    @task()
    async def waiting() -> None:
        await wait.sleep("1d")

    handles: list[RunHandle[Any]] = [await waiting.trigger(), await executing.trigger()]
    await clock.settle()
    handles.append(await executing.trigger())
    handles.append(await executing.trigger(delay="1h"))
    batch = await executing.batch_trigger([None])
    calls: list[Any] = [handle.result() for handle in handles]
    calls += [handles[0].result(timeout="1d"), batch.results(), batch.results(timeout="1d")]
    calls += [runs.poll(handles[1].id), last_of(handles[1]), last_of(handles[3])]
    tasks = [asyncio.ensure_future(call) for call in calls]
    await clock.settle()
    assert not any(one.done() for one in tasks)
    return tasks


async def last_of(handle: RunHandle[Any]) -> object:
    return [run async for run in handle.subscribe()][-1]


async def assert_all_are_told(tasks: Sequence[asyncio.Task[Any]], why: str) -> None:
    done, left = await asyncio.wait(tasks, timeout=5)
    assert left == set()
    for one in done:
        error = one.exception()
        assert isinstance(error, NoWorkerError)
        assert why in str(error)


@asynccontextmanager
async def dying(worker: Worker, error: type[BaseException], why: str) -> AsyncIterator[Worker]:
    """A worker that has died of this when its block is left."""
    await worker.__aenter__()
    try:
        yield worker
    finally:
        with pytest.raises(error, match=why):
            await worker.__aexit__(None, None, None)


@pytest.mark.parametrize("at", ["begin", "run"])
@pytest.mark.parametrize("fault", [ValueError, Foreign, asyncio.InvalidStateError])
async def test_a_fault_of_the_engine_fails_everybody_who_waits(
    at: str, fault: type[BaseException], serve: Any, clock: FakeClock
) -> None:
    @task()
    async def faulty() -> None: ...

    backend = FaultyEngine(lambda: fault("the wheels came off"), at)
    async with dying(serve(backend, clock=clock, concurrency=3), fault, "the wheels came off"):
        tasks = await waiters(clock)
        handle = await faulty.trigger()
        tasks.append(asyncio.ensure_future(handle.result()))
        await assert_all_are_told(tasks, f"{fault.__name__}: the wheels came off")
        with pytest.raises(NoWorkerError, match="the wheels came off"):
            await handle.result()
        with pytest.raises(NoWorkerError, match="the wheels came off"):
            await (await faulty.trigger()).result()
