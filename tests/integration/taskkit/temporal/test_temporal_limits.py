"""Limits of queues and concurrency keys over all workers, on a real Temporal dev server."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from taskkit import Queue, task, wait
from taskkit.model.exchange import Manifest, RunFilter
from taskkit.model.request import TriggerRequest
from taskkit.model.run import Run, RunStatus
from taskkit.runtime.home import Home
from taskkit.session import Worker
from taskkit.testing.conformance.serving import own_tasks
from taskkit.trigger.task import Task

pytest.importorskip("temporalio", reason="temporalio is not installed")

from temporalio.client import WorkflowHandle  # needs it

from taskkit.backends.temporal import TemporalBackend, limit_workflow
from tests.integration.taskkit.temporal.worker_process import until_said, worker_process

pytestmark = pytest.mark.anyio
WITHIN = 40.0
TASKS = Path(__file__).with_name("limited_tasks.py")


@pytest.fixture(autouse=True)
def _own_tasks() -> Iterator[None]:
    with own_tasks():
        yield


@pytest.fixture
async def home(temporal_url: str) -> AsyncIterator[Home]:
    home = Home(lambda: TemporalBackend.from_url(temporal_url), name="temporal")
    await home.ready()
    yield home
    await home.close()


@pytest.fixture
def backend(home: Home) -> TemporalBackend:
    assert isinstance(home.backend, TemporalBackend)
    return home.backend


def working(home: Home, concurrency: int = 10) -> Worker:
    return Worker(home, "production", concurrency=concurrency, lease=3, drain=0)


class Doors:
    """What bodies wait at: each shows its name when it has come, and goes on when it is let out."""

    def __init__(self) -> None:
        self.inside: list[str] = []
        self.came: list[str] = []
        self._out: dict[str, asyncio.Event] = {}
        self._changed = asyncio.Event()

    async def enter(self, name: str) -> None:
        self.inside.append(name)
        self.came.append(name)
        self._changed.set()
        try:
            await self._out.setdefault(name, asyncio.Event()).wait()
        finally:
            self.inside.remove(name)

    def let_out(self, *names: str) -> None:
        for name in names:
            self._out.setdefault(name, asyncio.Event()).set()

    async def until(self, *names: str) -> None:
        """Return when exactly these are inside."""
        async with asyncio.timeout(WITHIN):
            while sorted(self.inside) != sorted(names):
                self._changed.clear()
                await self._changed.wait()


@pytest.fixture
def doors() -> Doors:
    return Doors()


@pytest.fixture
def narrow(doors: Doors) -> Task[str, None]:
    @task(queue=Queue("narrow", 1))
    async def narrow(name: str) -> None:
        await doors.enter(name)

    return narrow


async def until_run(backend: TemporalBackend, run_id: str, holds: Callable[[Run], bool]) -> Run:
    async with asyncio.timeout(WITHIN):
        while True:
            (run,) = await backend.get([run_id])
            if run is not None and holds(run):
                return run


# --- in processes of their own ----------------------------------------------------------------------


def most_at_once(ledger: Sequence[str]) -> int:
    now = most = 0
    for line in ledger:
        now += 1 if line.startswith("+") else -1
        most = max(most, now)
    return most


def requests(task_id: str, count: int) -> list[TriggerRequest]:
    return [
        TriggerRequest(f"run_{task_id}_{number}_{os.getpid()}", task_id, None, task_id)
        for number in range(count)
    ]


async def ends(backend: TemporalBackend, asked: Sequence[TriggerRequest]) -> list[Run]:
    async with asyncio.timeout(WITHIN):
        runs = await asyncio.gather(*(backend.end_of(one.run_id) for one in asked))
    return [run for run in runs if run is not None]


async def test_a_limit_holds_over_two_worker_processes(
    temporal_url: str, backend: TemporalBackend, tmp_path: Path
) -> None:
    """60 runs of a queue with a limit of 3, two workers of 10 slots each."""
    ledger, asked = tmp_path / "ledger", requests("three", 60)
    with (
        worker_process(temporal_url, TASKS, LEDGER=ledger) as one,
        worker_process(temporal_url, TASKS, LEDGER=ledger) as two,
    ):
        for process in (one, two):
            await until_said(process, "started")
        await backend.enqueue(asked, batch_id=None, now=None)
        runs = await ends(backend, asked)
    lines = ledger.read_text(encoding="utf-8").splitlines()
    assert Counter(run.status for run in runs) == {RunStatus.COMPLETED: 60}
    assert {run.delivery for run in runs} == {1}
    assert most_at_once(lines) == 3
    assert {line.split()[1] for line in lines} == {str(one.pid), str(two.pid)}


async def test_a_killed_worker_gives_its_slots_back(
    temporal_url: str, backend: TemporalBackend, tmp_path: Path
) -> None:
    """It holds both slots of its queue; what comes after its runs goes on once the lease of 5 s is over."""
    asked = requests("hanging", 3)
    ledger = tmp_path / "ledger"
    with worker_process(temporal_url, TASKS, LEDGER=ledger, HANGS="1") as first:
        await backend.enqueue(asked, batch_id=None, now=None)
        for _ in range(2):
            await until_said(first, "hangs")
        with worker_process(temporal_url, TASKS, LEDGER=ledger) as second:
            first.kill()
            runs = await ends(backend, asked)
    assert [run.output for run in runs] == [second.pid] * 3
    assert sorted(run.deaths for run in runs) == [0, 1, 1]


# --- in this process --------------------------------------------------------------------------------


async def test_each_concurrency_key_has_the_limit_to_itself(
    home: Home, doors: Doors, narrow: Task[str, None]
) -> None:
    keys = ("a", "b", None)
    async with working(home):
        handles = [await narrow.trigger(f"{key} 1", concurrency_key=key) for key in keys]
        await doors.until("a 1", "b 1", "None 1")
        handles += [await narrow.trigger(f"{key} 2", concurrency_key=key) for key in keys]
        doors.let_out("b 1")
        await doors.until("a 1", "b 2", "None 1")
        doors.let_out("a 1", "a 2", "b 2", "None 1", "None 2")
        results = [await handle.result(timeout=WITHIN) for handle in handles]
    assert all(result.ok for result in results)


async def test_runs_of_a_limited_queue_come_in_their_order(
    home: Home, doors: Doors, narrow: Task[str, None]
) -> None:
    names = [f"{number}" for number in range(6)]
    async with working(home):
        handles = [await narrow.trigger(names[0])]
        await doors.until("0")
        handles += [await narrow.trigger(name) for name in names[1:]]
        for handle in handles[1:]:
            await asked_for_a_slot(home, handle.id)
        for name in names:
            await doors.until(name)
            doors.let_out(name)
        for handle in handles:
            await handle.result(timeout=WITHIN)
    assert doors.came == names


async def test_a_parent_does_not_lock_itself_out(home: Home) -> None:
    """It waits for a child of its own queue, which has one slot; each of them comes back."""

    @task(id="family", queue=Queue("family", 1))
    async def family(depth: int) -> int:
        await wait.sleep(0.01)
        if depth == 0:
            return 0
        both = await family.batch_trigger_and_wait([depth - 1, 0])
        return 1 + sum(run.unwrap() for run in both.runs)

    async with working(home):
        handles = [await family.trigger(2) for _ in range(2)]
        results = [await handle.result(timeout=WITHIN) for handle in handles]
    assert [result.unwrap() for result in results] == [2, 2]


async def test_a_retry_and_a_failure_give_the_slot_back(home: Home) -> None:
    tried: list[int] = []

    @task(queue=Queue("failing", 1))
    async def failing(number: int) -> None:
        tried.append(number)
        raise KeyError(number)

    async with working(home):
        batch = await failing.with_options(max_attempts=2).batch_trigger([1, 2, 3])
        results = await batch.results(timeout=WITHIN)
    assert [result.status for result in results] == [RunStatus.FAILED] * 3
    assert sorted(tried) == [1, 1, 2, 2, 3, 3]


async def asked_for_a_slot(home: Home, run_id: str) -> None:
    """Return when it has a place in the semaphore's queue."""
    backend = home.backend
    assert isinstance(backend, TemporalBackend)
    async with asyncio.timeout(WITHIN):
        while True:
            history = await backend.client.get_workflow_handle(run_id).fetch_history()
            if any(
                event.HasField("external_workflow_execution_signaled_event_attributes")
                for event in history.events
            ):
                return


async def test_who_waits_for_a_slot_is_queued_and_can_be_canceled(
    home: Home, doors: Doors, narrow: Task[str, None]
) -> None:
    async with working(home):
        first = await narrow.trigger("1")
        await doors.until("1")
        second, third = [await narrow.trigger(name) for name in ("2", "3")]
        await asked_for_a_slot(home, second.id)
        assert (await second.retrieve()).status is RunStatus.QUEUED
        await second.cancel("enough")
        assert (await second.result(timeout=WITHIN)).status is RunStatus.CANCELED
        doors.let_out("1", "3")
        assert (await third.result(timeout=WITHIN)).ok
        assert (await first.result(timeout=WITHIN)).ok
    assert doors.came == ["1", "3"]


async def test_a_canceled_attempt_gives_its_slot_back(
    home: Home, doors: Doors, narrow: Task[str, None]
) -> None:
    async with working(home):
        first = await narrow.trigger("1")
        await doors.until("1")
        second = await narrow.trigger("2")
        await first.cancel()
        await doors.until("2")
        doors.let_out("2")
        assert (await second.result(timeout=WITHIN)).ok


async def test_a_retried_run_that_waits_for_a_slot_can_be_canceled(
    home: Home, backend: TemporalBackend, doors: Doors
) -> None:
    @task(id="again", queue=Queue("again", 1), retry=None)
    async def again(name: str) -> None:
        await doors.enter(name)
        if name == "1":
            raise KeyError

    async with working(home):
        first = await again.trigger("1", max_attempts=2)
        await doors.until("1")
        second = await again.trigger("2")
        await asked_for_a_slot(home, second.id)
        doors.let_out("1")
        await doors.until("2")
        await until_run(backend, first.id, lambda run: len(run.attempts) == 1)
        await first.cancel()
        assert (await first.result(timeout=WITHIN)).status is RunStatus.CANCELED
        doors.let_out("2")
        assert (await second.result(timeout=WITHIN)).ok
    assert doors.came == ["1", "2"]


async def test_a_time_to_live_goes_on_while_a_run_waits_for_a_slot(
    home: Home, doors: Doors, narrow: Task[str, None]
) -> None:
    async with working(home):
        await narrow.trigger("1")
        await doors.until("1")
        late = await narrow.trigger("2", ttl=1)
        third = await narrow.trigger("3")
        assert (await late.result(timeout=WITHIN)).status is RunStatus.EXPIRED
        doors.let_out("1", "3")
        assert (await third.result(timeout=WITHIN)).ok
    assert doors.came == ["1", "3"]


async def test_the_latest_word_on_a_limit_counts(
    home: Home, backend: TemporalBackend, doors: Doors, narrow: Task[str, None]
) -> None:
    """Raised, lowered and taken away by what another worker declares, also for the runs that wait."""

    async def declare(limit: int | None) -> None:
        await backend.register(Manifest(frozenset(), {"narrow": Queue("narrow", limit)}))

    names = [f"{number}" for number in range(6)]
    async with working(home):
        handles = [await narrow.trigger(names[0])]
        await doors.until("0")
        handles += [await narrow.trigger(name) for name in names[1:]]
        for handle in handles[1:]:
            await asked_for_a_slot(home, handle.id)
        await declare(3)
        await doors.until("0", "1", "2")
        await declare(2)
        doors.let_out("0", "1")
        await doors.until("2", "3")
        await declare(None)
        await doors.until("2", "3", "4", "5")
        doors.let_out(*names)
        results = [await handle.result(timeout=WITHIN) for handle in handles]
    assert all(result.ok for result in results)


async def test_a_queue_with_a_limit_of_0_starts_nothing_until_there_is_another(
    home: Home, backend: TemporalBackend
) -> None:
    @task(id="shut", queue=Queue("shut", 0))
    async def shut() -> None: ...

    async with working(home):
        handle = await shut.trigger()
        await asked_for_a_slot(home, handle.id)
        page = await backend.list(RunFilter(), cursor=None, limit=10)
        assert [run.id for run in page.items] == [handle.id]  # and not what keeps the limit
        assert (await handle.retrieve()).delivery == 0
        await backend.register(Manifest(frozenset(), {"shut": Queue("shut", 1)}))
        assert (await handle.result(timeout=WITHIN)).ok


async def test_a_queue_without_a_limit_costs_nothing(home: Home, backend: TemporalBackend) -> None:
    @task
    async def free() -> None: ...

    async with working(home):
        handle = await free.trigger()
        assert (await handle.result(timeout=WITHIN)).ok
        history = await backend.client.get_workflow_handle(handle.id).fetch_history()
    assert len(history.events) == 11


# --- who was ended by others ------------------------------------------------------------------------


@asynccontextmanager
async def only_flow(home: Home) -> AsyncIterator[None]:
    """A worker that carries workflows on and takes no run."""
    async with Worker(home, "production", queues="none", concurrency=1, drain=0):
        yield


async def has_slot(handle: "WorkflowHandle[object, object]") -> bool:
    return len((await handle.describe()).raw_description.pending_activities) > 0


async def test_a_slot_of_a_run_that_was_terminated_is_found(
    home: Home, backend: TemporalBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither it nor its worker says a word, and the next one waits: a look finds it. Nor is one passed that waited."""
    monkeypatch.setattr(limit_workflow, "_LOOK_EVERY", timedelta(seconds=1))

    @task(id="none", queue="none")
    async def none() -> None: ...

    queue = Queue("nobody", 1)
    asked = [TriggerRequest(f"run_nobody_{number}", "none", None, "nobody") for number in range(3)]
    async with only_flow(home):
        await backend.register(Manifest(frozenset(), {"nobody": queue}))
        for one in asked:
            await backend.enqueue([one], batch_id=None, now=None)
            await asked_for_a_slot(home, one.run_id)
        first, second, third = [backend.client.get_workflow_handle(one.run_id) for one in asked]
        async with asyncio.timeout(WITHIN):
            while not await has_slot(first):
                pass
            assert not await has_slot(second)
            await first.terminate()
            await second.terminate()
            while not await has_slot(third):
                pass
