"""A worker that dies says so: nobody is left waiting for a result that cannot come."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import pytest
from anyio import to_thread
from pydantic import BaseModel, field_serializer, field_validator

import taskkit
from taskkit import Queue, RunHandle, RunStatus, runs, task, wait
from taskkit.backends.base import Control, Execution, Runner
from taskkit.backends.memory import MemoryBackend
from taskkit.errors import BackendError, NoWorkerError, UnsupportedByBackendError
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
            raise BackendError("the disk is gone")

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


async def serve_me() -> RunHandle[str]:
    @task(id="quick")
    async def quick() -> str:
        return "served"

    return await quick.trigger()


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


@pytest.mark.parametrize("call", ["claim", "advance", "extend", "settle"])
async def test_a_fault_of_the_store_fails_everybody_who_waits(
    call: str, serve: Any, clock: FakeClock
) -> None:
    backend = FaultyStore(call)
    async with dying(serve(backend, clock=clock), BackendError, "the disk is gone"):
        tasks = await waiters(clock)
        if call == "settle":
            tasks.append(asyncio.ensure_future((await serve_me()).result()))
        backend.fails = True
        await clock.advance(10)
        await assert_all_are_told(tasks, "BackendError: the disk is gone")


async def test_a_store_that_fails_when_a_body_is_given_up_ends_the_worker(
    serve: Any, clock: FakeClock
) -> None:
    """Nobody awaits what is given up, so nobody else would say so."""
    release = asyncio.Event()

    @task(max_duration=5)
    async def stubborn() -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    backend = FaultyStore("settle")
    async with dying(serve(backend, clock=clock), BackendError, "the disk is gone"):
        waiting = asyncio.ensure_future((await stubborn.trigger()).result())
        await clock.settle()
        backend.fails = True
        await clock.advance(10)
        await assert_all_are_told([waiting], "the disk is gone")
        release.set()


async def test_a_hook_that_raises_what_is_not_its_own_after_a_body_was_given_up(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    release = asyncio.Event()

    @task(max_duration=5)
    async def stubborn() -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    stubborn.on_failure(raising(lambda: Foreign("not yours")))
    async with taskkit.local(clock=clock, concurrency=1):
        handle = await stubborn.trigger()
        await clock.advance(10)
        result = await asyncio.wait_for(handle.result(), 5)
        assert result.status == RunStatus.SYSTEM_FAILURE
        assert "Foreign: not yours" in str(result.error)
        assert "raised what is not theirs" in caplog.text
        assert (await (await serve_me()).result()).unwrap() == "served"
        release.set()


async def test_idle_raises_what_the_worker_died_of(serve: Any, clock: FakeClock) -> None:
    backend = FaultyStore("claim")
    async with dying(serve(backend, clock=clock), BackendError, "gone") as worker:
        backend.fails = True
        await serve_me()
        with pytest.raises(BackendError, match="the disk is gone"):
            await asyncio.wait_for(worker.idle(), 5)


async def test_the_end_of_a_worker_can_be_awaited(serve: Any, clock: FakeClock) -> None:
    backend = FaultyStore("claim")
    async with dying(serve(backend, clock=clock), BackendError, "gone") as worker:
        ending = asyncio.ensure_future(worker.ended())
        await clock.settle()
        assert worker.is_serving
        assert not ending.done()
        backend.fails = True
        await serve_me()
        with pytest.raises(BackendError, match="the disk is gone"):
            await asyncio.wait_for(ending, 5)
        assert not worker.is_serving
    async with taskkit.local(clock=clock) as worker:
        ending = asyncio.ensure_future(worker.ended())
    await asyncio.wait_for(ending, 5)  # one that was stopped has died of nothing


async def test_a_worker_that_has_not_begun_has_no_health(serve: Any) -> None:
    with pytest.raises(UnsupportedByBackendError, match="The health of a worker"):
        serve(MemoryBackend()).health()


async def test_who_stops_a_worker_while_it_dies_hears_what_it_died_of(
    serve: Any, clock: FakeClock
) -> None:
    gate, told = asyncio.Event(), asyncio.Event()

    @task()
    async def slow_to_end() -> None:
        try:
            await forever()
        finally:
            told.set()
            await gate.wait()

    backend = FaultyStore("claim")
    worker = await serve(backend, clock=clock).__aenter__()
    await slow_to_end.trigger()
    await clock.settle()
    backend.fails = True
    await serve_me()
    await told.wait()
    leaving = asyncio.ensure_future(worker.__aexit__(None, None, None))
    await clock.settle()
    assert not leaving.done()
    gate.set()
    with pytest.raises(BackendError, match="the disk is gone"):
        await asyncio.wait_for(leaving, 5)


async def test_a_fault_while_the_worker_drains_is_raised_too(serve: Any, clock: FakeClock) -> None:
    backend = FaultyStore("settle")
    async with dying(serve(backend, clock=clock), BackendError, "the disk is gone"):
        tasks = await waiters(clock)
        backend.fails = True
    await assert_all_are_told(tasks, "the disk is gone")


class FirstEngineFaulty(FaultyEngine):
    """Only the engine that comes first is faulty."""

    served = 0

    async def serve(self, runner: Runner, options: WorkerOptions) -> None:
        self.served += 1
        if self.served == 1:
            await super().serve(runner, options)
        else:
            await MemoryBackend.serve(self, runner, options)


async def test_one_worker_that_dies_leaves_the_others_at_work(serve: Any, clock: FakeClock) -> None:
    @task()
    async def faulty() -> str:
        return "by the other one"

    backend = FirstEngineFaulty(lambda: ValueError("the wheels came off"), "run")
    first = dying(serve(backend, clock=clock), ValueError, "the wheels came off")
    async with first:
        handle = await faulty.trigger()
        await clock.settle()
        async with serve(backend, clock=clock):
            result = asyncio.ensure_future(handle.result())
            await clock.advance("1m")  # its lease runs out
            assert (await asyncio.wait_for(result, 5)).unwrap() == "by the other one"


# --- what task code raises ----------------------------------------------------------------------


PLACES = [
    "init",
    "on_start",
    "body",
    "middleware",
    "catch_error",
    "on_success",
    "on_failure",
    "cleanup",
]


def raising(error: Callable[[], BaseException], *, threaded: bool = False) -> Callable[[], Any]:
    def plain() -> None:
        raise error()

    async def hook() -> None:
        raise error()

    return plain if threaded else hook


async def failing_run(
    place: str, error: Callable[[], BaseException], threaded: bool
) -> RunHandle[Any]:
    async def good() -> None: ...

    body = raising(error, threaded=threaded) if place == "body" else good
    if place in ("catch_error", "on_failure"):
        body = raising(lambda: ValueError("the body"))
    made = task(id="raising", retry=None)(body)
    if place == "middleware":
        made.middleware(surrounding(error))
    elif place != "body":
        getattr(made, place)(raising(error, threaded=threaded))
    return await made.trigger()


def surrounding(error: Callable[[], BaseException]) -> Callable[..., Any]:
    async def middleware(call_next: Any) -> None:
        await call_next()
        raise error()

    return middleware


@pytest.mark.parametrize("threaded", [False, True])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "error", [SystemExit, asyncio.CancelledError, RecursionError, StopIteration]
)
async def test_what_task_code_raises_ends_its_run_and_not_the_worker(
    error: type[BaseException], place: str, threaded: bool, clock: FakeClock
) -> None:
    async with taskkit.local(clock=clock, concurrency=1):
        handle = await failing_run(place, error, threaded)
        result = await asyncio.wait_for(handle.result(), 5)
        assert result.ok is (place == "on_success")
        assert result.status == (RunStatus.COMPLETED if result.ok else RunStatus.FAILED)
        assert (await (await serve_me()).result()).unwrap() == "served"


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("error", [Foreign, pytest.fail.Exception, pytest.skip.Exception])
async def test_what_is_not_the_attempts_ends_the_worker_loudly(
    error: type[BaseException], place: str, clock: FakeClock
) -> None:
    async with dying(taskkit.local(clock=clock), error, "not yours"):
        tasks = await waiters(clock)
        handle = await failing_run(place, lambda: error("not yours"), threaded=False)
        tasks.append(asyncio.ensure_future(handle.result()))
        await assert_all_are_told(tasks, "not yours")


@pytest.mark.parametrize("error", [KeyboardInterrupt, Foreign])
def test_an_interrupt_in_a_body_comes_out_of_run_task(error: type[BaseException]) -> None:
    tasks: list[asyncio.Task[Any]] = []

    @task(retry=None)
    async def interrupted() -> None:
        tasks.extend(asyncio.all_tasks())
        raise error("stop")

    with pytest.raises(error, match="stop"):
        taskkit.run_task(interrupted)
    assert len(tasks) > 1
    assert [one for one in tasks if not one.done()] == []  # asyncio cleaned up to the end


class Moody(BaseModel):
    """Its validators and serializers raise what pydantic does not expect of them."""

    mood: str = "good"
    bad_days: ClassVar[set[str]] = set()

    @field_validator("mood")
    @classmethod
    def _read(cls, mood: str) -> str:
        if "reading" in cls.bad_days:
            raise KeyError("a bad day")
        return mood

    @field_serializer("mood")
    def _write(self, mood: str) -> str:
        if "writing" in self.bad_days:
            raise KeyError("a bad day")
        return mood


@pytest.fixture
def bad_days() -> Iterator[set[str]]:
    yield Moody.bad_days
    Moody.bad_days.clear()


async def test_a_validator_that_raises_something_else_fails_its_run(
    clock: FakeClock, bad_days: set[str]
) -> None:
    @task()
    async def moody(payload: Moody) -> None: ...

    async with taskkit.local(clock=clock):
        handle = await moody.trigger(Moody())
        bad_days.add("reading")
        error = (await asyncio.wait_for(handle.result(), 5)).error
        assert error is not None
        assert (error.code, error.name, error.message) == (
            "TASK_INPUT_ERROR", "KeyError", "'a bad day'",
        )  # fmt: skip


@pytest.mark.parametrize("hooks", [False, True])
async def test_an_output_that_cannot_be_written_fails_its_run(
    hooks: bool, clock: FakeClock, bad_days: set[str]
) -> None:
    @task()
    async def moody() -> Moody:
        bad_days.add("writing")
        return Moody()

    if hooks:
        moody.on_success(lambda: None)
    async with taskkit.local(clock=clock):
        error = (await asyncio.wait_for((await moody.trigger()).result(), 5)).error
        assert error is not None
        assert error.code == "TASK_OUTPUT_ERROR"


@pytest.mark.parametrize("hooks", [False, True])
async def test_an_output_that_cannot_be_rebuilt_is_given_as_json(
    hooks: bool, clock: FakeClock, bad_days: set[str]
) -> None:
    @task()
    async def moody() -> Moody:
        bad_days.add("reading")
        return Moody.model_construct(mood="sour")

    if hooks:
        moody.on_success(lambda: None)
    async with taskkit.local(clock=clock):
        result = await asyncio.wait_for((await moody.trigger()).result(), 5)
        assert result.unwrap() == {"mood": "sour"}


async def test_a_thread_that_waits_for_a_result_is_told_too(clock: FakeClock) -> None:
    async with dying(taskkit.local(clock=clock), Foreign, "not yours"):
        (waiting, *others) = await waiters(clock)
        handle = await failing_run("cleanup", lambda: Foreign("not yours"), threaded=False)
        with pytest.raises(NoWorkerError, match="Foreign: not yours"):
            await to_thread.run_sync(handle.sync.result, 5)
        await assert_all_are_told([waiting, *others], "not yours")
