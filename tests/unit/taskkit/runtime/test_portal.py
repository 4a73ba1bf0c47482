"""`.sync`: the same calls for plain code."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import taskkit
from taskkit import (
    Context,
    RunStatus,
    batch,
    idempotency_keys,
    metadata,
    runs,
    task,
    tasks,
    wait,
)
from taskkit.backends.memory import MemoryBackend
from taskkit.errors import NotInTaskError, RunNotFoundError, SyncInAsyncError
from taskkit.runtime import current_backend
from taskkit.runtime.portal import iterator_twin, twin
from taskkit.testing import FakeClock

# --- outside of any event loop ----------------------------------------------------------------------


@pytest.fixture
def served() -> Iterator[MemoryBackend]:
    """A backend whose worker runs in an event loop of another thread."""
    backend = MemoryBackend()
    started, stop = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def main() -> None:
        async with taskkit.worker(backend):
            loops.append(asyncio.get_running_loop())
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    assert started.wait(10)
    yield backend
    loops[0].call_soon_threadsafe(stop.set)
    thread.join()


@pytest.mark.usefixtures("served")
def test_a_plain_program_triggers_and_reads() -> None:
    @task()
    async def double(number: int) -> int:
        return 2 * number

    handle = double.sync.trigger(4, tags=["even"])
    assert handle.sync.result(timeout=10).unwrap() == 8
    assert handle.sync.retrieve().status == RunStatus.COMPLETED
    assert handle.sync.cancel().status == RunStatus.COMPLETED
    assert [run.status for run in handle.sync.subscribe()] == [RunStatus.COMPLETED]
    assert runs.sync.retrieve(handle.id).output == 8
    assert runs.sync.poll(handle.id).output == 8
    assert runs.sync.cancel(handle.id).is_success
    assert [run.id for run in runs.sync.list(tag="even")] == [handle.id]
    assert [run.status for run in runs.sync.subscribe(handle.id)] == [RunStatus.COMPLETED]
    assert list(runs.sync.logs(handle.id)) == []


@pytest.mark.usefixtures("served")
def test_batches_and_ids_too() -> None:
    @task()
    async def double(number: int) -> int:
        return 2 * number

    many = double.sync.batch_trigger([1, double.item(2)])
    assert [result.output for result in many.sync.results()] == [2, 4]
    many = tasks.sync.batch_trigger("double", [3])
    assert [result.output for result in many.sync.results(timeout=10)] == [6]
    mixed = batch.sync.trigger([double.item(4)])
    assert [result.output for result in mixed.sync.results()] == [8]
    assert tasks.sync.trigger("double", 5).sync.result().unwrap() == 10
    assert tasks.sync.trigger_and_poll("double", 6).output == 12


def test_the_loop_behind_it_opens_a_backend_that_nobody_has_opened() -> None:
    @task()
    async def work() -> None: ...

    taskkit.configure(backend="memory://")
    handle = work.sync.trigger(idempotency_key="once")
    assert handle.sync.retrieve().status == RunStatus.QUEUED
    assert idempotency_keys.sync.reset(work, "once") is True
    assert idempotency_keys.sync.reset(work, "once") is False
    loop = current_backend.home_of("memory://").loop
    assert loop is not None
    assert loop.is_running()


@pytest.mark.usefixtures("served")
def test_errors_come_through_as_they_are() -> None:
    with pytest.raises(RunNotFoundError, match="run_0"):
        runs.sync.retrieve("run_0")
    with pytest.raises(RunNotFoundError, match="run_0"):
        next(runs.sync.subscribe("run_0"))


@pytest.mark.usefixtures("served")
def test_many_threads_at_once() -> None:
    @task()
    async def double(number: int) -> int:
        return 2 * number

    def one(number: int) -> int:
        return double.sync.trigger(number).sync.result(timeout=10).unwrap()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, range(40))) == [2 * number for number in range(40)]


def test_what_a_thread_has_chosen_counts_for_its_calls() -> None:
    @task()
    async def work() -> None: ...

    first, second = MemoryBackend(), MemoryBackend()

    def count(backend: MemoryBackend, triggers: int) -> int:
        with taskkit.use_backend(backend):
            for _ in range(triggers):
                work.sync.trigger()
            return len(list(runs.sync.list()))

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(count, (first, second), (2, 3))) == [2, 3]


def test_an_iteration_that_is_left_early_is_closed() -> None:
    closed: list[str] = []

    async def numbers() -> AsyncIterator[int]:
        try:
            for number in range(10):
                yield number
        finally:
            await asyncio.sleep(0)
            closed.append("closed")

    iterator = iterator_twin(numbers)()
    assert next(iterator) == 0
    assert next(iterator) == 1
    iterator.close()  # type: ignore[attr-defined]  # what a `for` does when it is left by `break`
    assert closed == ["closed"]


def test_nothing_is_asked_of_an_iteration_before_its_first_item() -> None:
    asked: list[int] = []

    async def numbers() -> AsyncIterator[int]:
        asked.append(1)
        yield 1

    iterator = iterator_twin(numbers)()
    assert asked == []
    assert list(iterator) == [1]


def test_a_twin_looks_like_the_call() -> None:
    async def fetch(key: str) -> str:
        """The value of a key."""
        return key.upper()

    assert twin(fetch).__doc__ == "The value of a key."
    assert twin(fetch)("a") == "A"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_has_a_loop_of_its_own() -> None:
    async def answer() -> int:
        return 42

    assert twin(answer)() == 42
    child = os.fork()
    if child == 0:
        os._exit(0 if twin(answer)() == 42 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_opens_its_own_backend() -> None:
    taskkit.configure(backend="memory://")
    work.sync.trigger(1)
    child = os.fork()
    if child == 0:
        try:
            handle = work.sync.trigger(2)
            found = [run.id for run in runs.sync.list()]
            os._exit(0 if found == [handle.id] else 1)
        except BaseException:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(list(runs.sync.list())) == 1


def test_what_lives_on_the_loop_behind_it_is_closed_at_the_end_of_the_process() -> None:
    program = """
import taskkit
from taskkit.backends.memory import MemoryBackend

class Loud(MemoryBackend):
    def __init__(self, name):
        super().__init__()
        self.name = name

    async def close(self):
        print("closed", self.name, flush=True)
        if self.name == "first":
            raise RuntimeError("too late")
        await super().close()

@taskkit.task()
async def work(): ...

def use(backend):
    with taskkit.use_backend(backend):
        work.sync.trigger()

use(Loud("first"))
use(Loud("second"))
taskkit.configure(backend=Loud("never opened"))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=20
    )
    assert sorted(done.stdout.splitlines()) == ["closed first", "closed second"]
    assert "the backend Loud could not be closed: too late" in done.stderr


# --- inside an event loop ---------------------------------------------------------------------------


@task(id="for-sync-calls")
async def work(number: int) -> int:
    return number


def _handle() -> Any:
    taskkit.configure(backend="memory://")
    return work.sync.trigger(1)


def _many() -> Any:
    taskkit.configure(backend="memory://")
    return work.sync.batch_trigger([1])


SYNC_CALLS: list[tuple[str, Callable[[], Any]]] = [
    ("work.trigger", lambda: work.sync.trigger(1)),
    ("work.batch_trigger", lambda: work.sync.batch_trigger([1])),
    ("work.trigger_and_wait", lambda: work.sync.trigger_and_wait(1)),
    ("work.batch_trigger_and_wait", lambda: work.sync.batch_trigger_and_wait([1])),
    ("tasks.trigger", lambda: tasks.sync.trigger("work", 1)),
    ("tasks.batch_trigger", lambda: tasks.sync.batch_trigger("work", [1])),
    ("tasks.trigger_and_wait", lambda: tasks.sync.trigger_and_wait("work", 1)),
    ("tasks.batch_trigger_and_wait", lambda: tasks.sync.batch_trigger_and_wait("work", [1])),
    ("tasks.trigger_and_poll", lambda: tasks.sync.trigger_and_poll("work", 1)),
    ("batch.trigger", lambda: batch.sync.trigger([work.item(1)])),
    ("batch.trigger_and_wait", lambda: batch.sync.trigger_and_wait([work.item(1)])),
    ("runs.retrieve", lambda: runs.sync.retrieve("run_1")),
    ("runs.cancel", lambda: runs.sync.cancel("run_1")),
    ("runs.poll", lambda: runs.sync.poll("run_1")),
    ("runs.subscribe", lambda: runs.sync.subscribe("run_1")),
    ("runs.logs", lambda: runs.sync.logs("run_1")),
    ("runs.list", runs.sync.list),
    ("idempotency_keys.reset", lambda: idempotency_keys.sync.reset("work", "key")),
    ("metadata.flush", metadata.sync.flush),
    ("wait.sleep", lambda: wait.sync.sleep(1)),
    ("wait.for_", lambda: wait.sync.for_(seconds=1)),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("name", "call"), SYNC_CALLS, ids=[name for name, _ in SYNC_CALLS])
async def test_inside_an_event_loop_the_async_call_is_named(
    name: str, call: Callable[[], Any]
) -> None:
    with pytest.raises(SyncInAsyncError) as caught:
        call()
    assert caught.value.call == name
    assert f"The .sync form of {name} was called inside a running event loop" in str(caught.value)
    assert f"Write: await {name}(...)" in str(caught.value) or "async for" in str(caught.value)


@pytest.mark.parametrize("call", ["result", "retrieve", "cancel", "subscribe"])
def test_a_handle_inside_an_event_loop(call: str) -> None:
    handle = _handle()

    async def main() -> None:
        with pytest.raises(SyncInAsyncError, match=rf"\.sync form of handle\.{call} "):
            getattr(handle.sync, call)()

    asyncio.run(main())


def test_a_batch_handle_inside_an_event_loop() -> None:
    many = _many()

    async def main() -> None:
        with pytest.raises(SyncInAsyncError, match=r"\.sync form of handle\.results "):
            many.sync.results()

    asyncio.run(main())


@pytest.mark.parametrize("name", ["subscribe", "logs", "list"])
@pytest.mark.anyio
async def test_an_iteration_is_written_as_one(name: str) -> None:
    arguments = () if name == "list" else ("run_1",)
    with pytest.raises(SyncInAsyncError, match=rf"Write: async for \.\.\. in runs\.{name}\("):
        getattr(runs.sync, name)(*arguments)


# --- inside a task ----------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_an_async_task_is_inside_an_event_loop() -> None:
    @task(retry=None)
    async def parent() -> None:
        work.sync.trigger(1)

    async with taskkit.local():
        result = await (await parent.trigger()).result()
    assert result.error is not None
    assert result.error.name == "SyncInAsyncError"
    assert "Write: await work.trigger(...)" in result.error.message


@pytest.mark.anyio
@pytest.mark.usefixtures("app")
async def test_a_def_task_waits_for_its_child_without_holding_the_only_slot() -> None:
    @task()
    async def child(number: int) -> int:
        return 2 * number

    @task()
    def parent(number: int) -> list[Any]:
        single = child.sync.trigger_and_wait(number).unwrap()
        several = child.sync.batch_trigger_and_wait([number, number + 1]).runs
        by_id = tasks.sync.trigger_and_wait("child", 10).unwrap()
        mixed = batch.sync.trigger_and_wait([child.item(20)]).runs
        return [single, *(run.output for run in several), by_id, *(run.output for run in mixed)]

    handle = await parent.trigger(3)
    assert (await handle.result()).unwrap() == [6, 6, 8, 20, 40]
    children = [run async for run in runs.list(task="child")]
    assert {run.parent_id for run in children} == {handle.id}


@pytest.mark.anyio
@pytest.mark.usefixtures("app")
async def test_a_def_task_sleeps_without_holding_the_only_slot(clock: FakeClock) -> None:
    order: list[str] = []

    @task()
    def sleeper() -> None:
        wait.sync.sleep("1h")
        order.append("sleeper")

    @task()
    async def other() -> None:
        order.append("other")

    handle = await sleeper.trigger()
    await clock.settle()
    assert (await handle.retrieve()).status == RunStatus.WAITING
    await (await other.trigger()).result()
    await clock.advance("1h")
    assert (await handle.result()).ok
    assert order == ["other", "sleeper"]


@pytest.mark.anyio
@pytest.mark.usefixtures("app")
async def test_a_def_task_that_is_canceled_while_it_waits_is_unwound() -> None:
    unwound = threading.Event()

    @task()
    async def child() -> None:
        await asyncio.Event().wait()

    @task()
    def parent() -> None:
        try:
            child.sync.trigger_and_wait()
        finally:
            unwound.set()

    handle = await parent.trigger()
    async for run in handle.subscribe():
        if run.status == RunStatus.WAITING:
            await handle.cancel()
    assert (await handle.result()).status == RunStatus.CANCELED
    assert await asyncio.to_thread(unwound.wait, 10)


@pytest.mark.anyio
@pytest.mark.usefixtures("app")
async def test_what_a_def_task_asks_goes_to_its_own_backend(clock: FakeClock) -> None:
    @task()
    def parent(ctx: Context) -> tuple[bool, list[str]]:
        mine = runs.sync.retrieve(ctx.run.id)
        listed = [run.id for run in runs.sync.list()]
        return mine.id == ctx.run.id, listed

    taskkit.configure(backend="memory://")
    handle = await parent.trigger()
    assert (await handle.result()).unwrap() == (True, [handle.id])


@pytest.mark.anyio
@pytest.mark.usefixtures("app")
async def test_a_thread_that_outlives_its_run_is_told_where_it_is() -> None:
    told: list[BaseException] = []
    ended, looked = threading.Event(), threading.Event()

    def later() -> None:
        ended.wait(10)
        try:
            wait.sync.sleep(1)
        except NotInTaskError as error:
            told.append(error)
        looked.set()

    @task()
    def parent() -> None:
        import contextvars

        context = contextvars.copy_context()
        threading.Thread(target=lambda: context.run(later)).start()

    handle = await parent.trigger()
    await handle.result()
    ended.set()
    assert await asyncio.to_thread(looked.wait, 10)
    assert f"wait.sleep was called after the attempt of run {handle.id}" in str(told[0])
