"""What a parked run has to say, and its workflow, in whatever order it comes, on a Temporal dev server."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from benchmarks.temporal import temporal_server
from taskkit import task, wait
from taskkit.backends.base import Now
from taskkit.errors import StoreUnavailableError
from taskkit.model.exchange import Token
from taskkit.model.request import TriggerRequest
from taskkit.model.run import Run, RunStatus
from taskkit.runtime.home import Home
from taskkit.session import Worker
from taskkit.testing.conformance.serving import own_tasks

pytest.importorskip("temporalio", reason="temporalio is not installed")

from temporalio import activity  # needs it
from temporalio.client import (
    WorkflowUpdateRPCTimeoutOrCancelledError,
    WorkflowUpdateStage,
)
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import UnsandboxedWorkflowRunner, Worker as PlainWorker

from taskkit.backends.temporal import TemporalBackend
from taskkit.backends.temporal.delivery import Delivery
from taskkit.backends.temporal.record import Order, Reply
from taskkit.backends.temporal.workflow import DELIVER, RunWorkflow

pytestmark = pytest.mark.anyio
WITHIN = 20.0
Answers = Callable[[TemporalBackend, Order], Awaitable[Reply]]


@pytest.fixture
async def home(temporal_url: str) -> AsyncIterator[Home]:
    home = Home(lambda: TemporalBackend.from_url(temporal_url), name="temporal")
    with own_tasks():
        async with Worker(home, "production", concurrency=1, drain=0):
            yield home


def backend_of(home: Home) -> TemporalBackend:
    assert isinstance(home.backend, TemporalBackend)
    return home.backend


async def new_token(backend: TemporalBackend) -> str:
    token_id = f"token_{backend.place.project}"
    await backend.create_token(token_id, timeout=None, tags=(), idempotency_key=None, now=None)
    return token_id


async def end_of(backend: TemporalBackend, run_id: str) -> Run:
    async with asyncio.timeout(WITHIN):
        run = await backend.end_of(run_id)
    assert run is not None
    return run


async def until_waiting(backend: TemporalBackend, run_id: str) -> None:
    async with asyncio.timeout(WITHIN):
        while (await backend.get([run_id]))[0].status is not RunStatus.WAITING:  # type: ignore[union-attr]  # it is there
            await asyncio.sleep(0)


# --- the workflow, with a worker of the test's own ----------------------------------------------------


@asynccontextmanager
async def delivered(url: str, answers: Answers) -> AsyncIterator[tuple[TemporalBackend, str]]:
    """A run whose deliveries are answered by the test."""
    backend = TemporalBackend.from_url(url)
    await backend.open()

    @activity.defn(name=DELIVER)
    async def deliver(request: str, payload: bytes | None, order: Order) -> Reply:
        return await answers(backend, order)

    flow = PlainWorker(
        backend.client,
        task_queue=backend.place.flow_queue,
        workflows=[RunWorkflow],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    queue = PlainWorker(
        backend.client, task_queue=backend.place.task_queue("q"), activities=[deliver]
    )
    run_id = f"run_{backend.place.project}"
    async with flow, queue:
        asked = TriggerRequest(run_id=run_id, task_id="t", payload=None, queue="q")
        await backend.enqueue([asked], batch_id=None, now=None)
        yield backend, run_id
    await backend.close()


async def test_what_overtakes_the_end_of_a_delivery_counts_once_that_is_there(
    temporal_url: str,
) -> None:
    """A wait that is given up right after the run has parked: nobody would tell it again."""
    kinds: list[str] = []

    async def answers(backend: TemporalBackend, order: Order) -> Reply:
        kinds.append(order.kind)
        if order.kind == "resume":
            return Reply("completed", output="1")
        await backend.reader.handle(f"run_{backend.place.project}").start_update(
            RunWorkflow.park,
            args=[order.state.round, Reply("suspended")],
            wait_for_stage=WorkflowUpdateStage.ACCEPTED,
        )
        return Reply("suspended", waits=[["w", "token", "token", "nobody"]])

    async with delivered(temporal_url, answers) as (backend, run_id):
        run = await end_of(backend, run_id)
    assert run.status is RunStatus.COMPLETED
    assert kinds == ["start", "resume"]


async def test_more_are_told_than_the_server_lets_be_told_at_once(
    temporal_url: str,  # skips where there is no server
) -> None:
    """So many signals of one workflow may be under way, 2,000 usually; with one more it would never get on."""
    ids = [f"nobody_{number}" for number in range(250)]

    async def answers(backend: TemporalBackend, order: Order) -> Reply:
        if order.kind == "resume":
            assert order.answered == [["w", "runs", "runs", ids]]
            return Reply("completed", output="1")
        return Reply("suspended", waits=[["w", "runs", "runs", ids]], strangers=ids)

    few = ["--dynamic-config-value", "limit.numPendingSignals.error=150"]
    with temporal_server(few) as address:
        url = f"temporal://{address}/default?lease=5"
        async with delivered(url, answers) as (backend, run_id):
            run = await end_of(backend, run_id)
    assert run.status is RunStatus.COMPLETED


async def test_a_workflow_forgets_the_ends_that_its_run_was_told_of(temporal_url: str) -> None:
    known: list[list[str]] = []

    async def answers(_: TemporalBackend, order: Order) -> Reply:
        known.append(list(order.state.ended))
        number = len(known)
        if number == 4:
            return Reply("completed", output="1")
        waits = [[f"w{number}", "runs", "runs", [f"nobody_{number}"]]]
        return Reply("suspended", waits=waits, strangers=[f"nobody_{number}"])

    async with delivered(temporal_url, answers) as (backend, run_id):
        run = await end_of(backend, run_id)
    assert run.status is RunStatus.COMPLETED
    assert known == [[], ["nobody_1"], ["nobody_2"], ["nobody_3"]]


# --- the worker ---------------------------------------------------------------------------------------


async def test_a_run_that_ends_while_it_is_resumed_has_ended(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order to go on is here before the workflow's word that it will not hear the end."""
    update: Any = Delivery._update  # pyright: ignore[reportPrivateUsage]  # the moment between two calls

    async def late(self: Delivery, reply: Reply) -> bool:
        assert await backend.complete_token(token_id, b'"yes"', now=None)
        async with asyncio.timeout(WITHIN):
            while not self.is_carried:
                await asyncio.sleep(0)
        took: bool = await update(self, reply)
        return took

    monkeypatch.setattr(Delivery, "_update", late)
    ends = asyncio.Event()

    @task
    async def parked(token_id: str) -> str:
        waiting = asyncio.ensure_future(wait.for_token(token_id))
        await ends.wait()
        return "its own" if not waiting.done() else "the answer"

    backend = backend_of(home)
    token_id = await new_token(backend)
    handle = await parked.trigger(token_id)
    await until_waiting(backend, handle.id)
    ends.set()
    assert (await end_of(backend, handle.id)).output in {"its own", "the answer"}


@pytest.mark.parametrize(
    "error",
    [
        RPCError("transport error", RPCStatusCode.UNKNOWN, b""),
        WorkflowUpdateRPCTimeoutOrCancelledError(),  # what the SDK makes of a time that is over
    ],
)
async def test_a_parked_run_says_again_what_a_server_that_was_away_did_not_hear(
    home: Home, error: Exception
) -> None:
    failed: list[str] = []

    @task
    async def gives_up(token_id: str) -> str:
        try:
            async with asyncio.timeout(0.2):
                await wait.for_token(token_id)
        except TimeoutError:
            return "gave up"
        return "never"

    backend: Any = backend_of(home)
    handle_of = backend.reader.handle

    def away_at_first(run_id: str) -> object:
        handle = handle_of(run_id)
        update = handle.execute_update

        async def fails_at_first(*args: Any, **kwargs: Any) -> Any:
            if len(failed) < 2:
                failed.append(run_id)
                raise error
            return await update(*args, **kwargs)

        handle.execute_update = fails_at_first
        return handle

    backend.reader.handle = away_at_first
    handle = await gives_up.trigger(await new_token(backend))
    run = await end_of(backend, handle.id)
    assert len(failed) == 2
    assert (run.output, run.deaths) == ("gave up", 0)


async def test_a_run_parks_also_while_the_server_does_not_say_how_long_a_token_lasts(
    home: Home,
) -> None:
    @task
    async def waits(token_id: str) -> object:
        return await wait.for_token(token_id).unwrap()

    backend: Any = backend_of(home)
    token_id = await new_token(backend)
    get_token = backend.get_token
    failed: list[str] = []

    async def away_at_first(token_id: str, *, now: Now) -> Token | None:
        if len(failed) < 2:
            failed.append(token_id)
            raise StoreUnavailableError("put in by the test")
        found: Token | None = await get_token(token_id, now=now)
        return found

    backend.get_token = away_at_first
    handle = await waits.trigger(token_id)
    await until_waiting(backend, handle.id)
    assert len(failed) == 2
    assert await backend.complete_token(token_id, json.dumps("yes").encode(), now=None)
    run = await end_of(backend, handle.id)
    assert (run.output, run.deaths) == ("yes", 0)
