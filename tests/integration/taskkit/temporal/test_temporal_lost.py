"""What is lost between two steps, because somebody died in between or the server was away, on a Temporal dev server."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from taskkit import task, wait
from taskkit.engine.worker import Runner
from taskkit.errors import BackendError, StoreUnavailableError
from taskkit.model.exchange import ClaimSpec, Manifest, RunFilter, WorkerOptions
from taskkit.model.run import Run, RunStatus
from taskkit.runtime.home import Home
from taskkit.session import Worker
from taskkit.testing.conformance.serving import own_tasks

pytest.importorskip("temporalio", reason="temporalio is not installed")

from temporalio.service import RPCError, RPCStatusCode  # needs it
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from taskkit.backends.temporal import TemporalBackend
from taskkit.backends.temporal.canceling import Canceling
from taskkit.backends.temporal.place import place_of
from taskkit.backends.temporal.reading import CANCELED_BY_US
from taskkit.backends.temporal.refusal import refused
from taskkit.backends.temporal.workflow import RunWorkflow

pytestmark = pytest.mark.anyio
WITHIN = 20.0


@pytest.fixture
async def home(temporal_url: str) -> AsyncIterator[Home]:
    """A silent worker is dead after one second, after which a waiting run looks again, too."""
    url = temporal_url.replace("lease=5", "lease=1")
    home = Home(lambda: TemporalBackend.from_url(url), name="temporal")
    with own_tasks():
        async with Worker(home, "production", concurrency=1, drain=0):
            yield home


def backend_of(home: Home) -> TemporalBackend:
    assert isinstance(home.backend, TemporalBackend)
    return home.backend


async def test_a_parent_finds_that_a_child_is_over_whose_canceler_died_before_it_said_so(
    home: Home,
) -> None:
    made: list[str] = []

    @task(id="child")
    async def child() -> None:
        pass

    @task(id="parent")
    async def parent() -> str:
        result = await child.trigger_and_wait(delay=3600)
        made.append(result.id)
        return result.status

    handle = await parent.trigger()
    children: list[Run] = []
    while not children:
        page = await backend_of(home).list(
            RunFilter(task=frozenset({"child"})), cursor=None, limit=1
        )
        children = [run for run in page.items if run.parent_id == handle.id]
        while (await handle.retrieve()).status is not RunStatus.WAITING:
            await asyncio.sleep(0)
    ended = backend_of(home).reader.handle(children[0].id)
    await ended.terminate(reason=CANCELED_BY_US)  # and no word to the parent
    assert (await handle.result(timeout=WITHIN)).unwrap() == "CANCELED"
    assert made == [children[0].id]


async def test_a_run_finds_that_a_token_is_complete_whose_completer_died_before_it_said_so(
    home: Home,
) -> None:
    @task
    async def waits(token_id: str) -> object:
        return await wait.for_token(token_id).unwrap()

    token = await backend_of(home).create_token(
        "token_lost", timeout=None, tags=(), idempotency_key=None, now=None
    )
    handle = await waits.trigger(token.id)
    while (await handle.retrieve()).status is not RunStatus.WAITING:
        await asyncio.sleep(0)
    ended = backend_of(home).client.get_workflow_handle(token.id)
    await ended.terminate('"yes"', reason="taskkit: completed")
    assert (await handle.result(timeout=WITHIN)).unwrap() == "yes"


async def test_who_waits_long_looks_less_and_less_often(home: Home) -> None:
    """After 1 and 3 seconds: six events each, which replay; and what is not over is waited for."""

    @task(id="child")
    async def child() -> int:
        await wait.sleep(3.5)
        return 1

    @task(id="parent")
    async def parent() -> int:
        return await child.trigger_and_wait().unwrap()

    handle = await parent.trigger()
    assert (await handle.result(timeout=WITHIN)).unwrap() == 1
    history = await backend_of(home).reader.handle(handle.id).fetch_history()
    assert len(history.events) <= 24 + 2 * 6
    replayer = Replayer(workflows=[RunWorkflow], workflow_runner=UnsandboxedWorkflowRunner())
    assert (await replayer.replay_workflow(history)).replay_failure is None


async def test_an_answer_that_cannot_be_read_yet_costs_no_life_and_no_slot(home: Home) -> None:
    @task(id="child")
    async def child() -> int:
        return 1

    @task(id="parent")
    async def parent() -> int:
        return await child.trigger_and_wait().unwrap()

    backend: Any = backend_of(home)
    read = backend.end_of
    failed: list[str] = []

    async def away_at_first(run_id: str) -> Run | None:
        if len(failed) < 2:
            failed.append(run_id)
            raise StoreUnavailableError("put in by the test")
        found: Run | None = await read(run_id)
        return found

    backend.end_of = away_at_first
    handle = await parent.trigger()
    while not (run := await handle.retrieve()).is_completed:
        await asyncio.sleep(0)
    assert len(failed) == 2
    assert (run.output, run.deaths, run.delivery) == (1, 0, 2)
    following = await child.trigger()  # the only slot is free
    while not (await following.retrieve()).is_completed:
        await asyncio.sleep(0)


async def test_a_run_whose_workflow_is_ended_by_hand_runs_its_hooks(home: Home) -> None:
    entered, canceled = asyncio.Event(), asyncio.Event()

    @task
    async def endless() -> None:
        entered.set()
        await asyncio.Event().wait()

    @endless.on_cancel
    def tell() -> None:
        canceled.set()

    handle = await endless.trigger()
    await entered.wait()
    await backend_of(home).reader.handle(handle.id).terminate(reason="by hand")
    async with asyncio.timeout(WITHIN):
        await canceled.wait()
    run = await handle.retrieve()
    assert (run.status, run.cancel_reason) == (RunStatus.CANCELED, "by hand")


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (RPCStatusCode.UNKNOWN, "transport error"),  # a connection that breaks off has no code
        (RPCStatusCode.UNAVAILABLE, "tcp connect error"),
        (RPCStatusCode.INTERNAL, "of any kind"),
    ],
)
async def test_who_waits_for_a_result_gets_it_after_an_error_of_the_call_that_waits(
    home: Home, status: RPCStatusCode, message: str
) -> None:
    @task
    async def late() -> int:
        await wait.sleep(0.5)
        return 1

    reader: Any = backend_of(home).reader
    waits, failed = reader.wait_for_end, asyncio.Event()

    async def fails_at_first(run_id: str) -> bool:
        if not failed.is_set():
            failed.set()
            raise RPCError(message, status, b"")
        found: bool = await waits(run_id)
        return found

    reader.wait_for_end = fails_at_first
    handle = await late.trigger()
    assert (await handle.result(timeout=WITHIN / 2)).unwrap() == 1
    assert failed.is_set()


def test_a_connection_that_breaks_off_is_a_server_that_is_away() -> None:
    error = RPCError("transport error", RPCStatusCode.UNKNOWN, b"")
    place = place_of("temporal://127.0.0.1:1/default")
    assert isinstance(refused(place, error), StoreUnavailableError)


async def test_a_run_is_canceled_also_by_a_server_that_is_too_slow_for_a_fresh_look(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looks that are never fresh are not repeated for ever; the run's workflow then decides."""
    monkeypatch.setattr(Canceling, "soon", timedelta(seconds=-1))

    @task
    async def later() -> None:
        pass

    handle = await later.trigger(delay=3600)
    async with asyncio.timeout(WITHIN):
        await handle.cancel("enough")
        result = await handle.result()
    assert (result.status, (await handle.retrieve()).cancel_reason) == ("CANCELED", "enough")


async def test_hundreds_of_runs_are_canceled_at_once(home: Home) -> None:
    @task(id="later")
    async def later() -> None:
        pass

    handles = [await later.trigger(delay=3600) for _ in range(3)]
    backend: Any = backend_of(home)
    describe = backend.reader.describe
    under_way, most = 0, 0

    async def counted(run_id: str) -> object:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        try:
            return await describe(run_id)
        finally:
            under_way -= 1

    backend.reader.describe = counted
    ids = [handle.id for handle in handles] * 50
    runs = await backend.cancel(ids, reason=None, now=None)
    assert {run.status for run in runs} == {RunStatus.CANCELED}
    assert most <= 64


async def test_a_worker_whose_limits_are_refused_ends_with_that_and_polls_no_more(
    temporal_url: str,
) -> None:
    class Refused(TemporalBackend):
        async def register(self, manifest: Manifest) -> None:
            raise BackendError("put in by the test")

    backend = Refused.from_url(temporal_url)
    await backend.open()
    names: list[str] = []
    with own_tasks():
        home = Home(lambda: backend, name="temporal")
        options = WorkerOptions(
            ClaimSpec(), drain=0, announce=lambda health: names.append(health().worker)
        )
        runner = Runner(home, "production")
        async with asyncio.timeout(WITHIN):
            with pytest.raises(BackendError, match="put in by the test"):
                await backend.serve(runner, options)
    polling = [one for one in asyncio.all_tasks() if one.get_name().startswith(names[0])]
    assert polling == []
    await backend.close()


async def test_a_worker_goes_on_while_the_server_does_not_tell_of_machines(
    temporal_url: str,
) -> None:
    """Else it polls nothing meanwhile, and does not see that the server is away."""
    backend = TemporalBackend.from_url(temporal_url)
    await backend.open()
    machines: Any = backend.machines
    machines.look = asyncio.Event().wait
    home = Home(lambda: backend, name="temporal")
    with own_tasks():

        @task
        async def one() -> int:
            return 1

        async with Worker(home, "production", drain=0):
            handle = await one.trigger()
            assert (await handle.result(timeout=WITHIN)).unwrap() == 1
