"""Runs that ask for a machine, and workers that are started for one, on a real Temporal dev server."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import pytest

from taskkit import OutOfMemoryError, Queue, Retry, task
from taskkit.definition.context import Context
from taskkit.engine.worker import Runner
from taskkit.model.exchange import ClaimSpec, WorkerOptions
from taskkit.model.run import RunStatus
from taskkit.runtime.current_backend import choose
from taskkit.runtime.home import Home
from taskkit.session import Worker
from taskkit.testing.conformance.serving import own_tasks

pytest.importorskip("temporalio", reason="temporalio is not installed")

from taskkit.backends.temporal import TemporalBackend  # needs it

pytestmark = pytest.mark.anyio
WITHIN = 40.0


@pytest.fixture(autouse=True)
def _own_tasks() -> Iterator[None]:
    with own_tasks():
        yield


@pytest.fixture
async def home(temporal_url: str) -> AsyncIterator[Home]:
    home = Home(lambda: TemporalBackend.from_url(temporal_url), name="temporal")
    await home.ready()
    with choose(home):
        yield home
    await home.close()


@asynccontextmanager
async def working(home: Home, *machines: str) -> AsyncIterator[None]:
    """A worker for these machines."""
    runner = Runner(home, "production")
    spec = ClaimSpec(tasks=runner.manifest.tasks, machines=frozenset(machines))
    serving = asyncio.create_task(home.backend.serve(runner, WorkerOptions(spec, drain=0)))
    try:
        yield
    finally:
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving
        runner.close()


async def test_a_worker_for_a_machine_takes_what_asks_for_it_or_for_none(home: Home) -> None:
    @task(machine="large-1x")
    async def large() -> str:
        return "large"

    @task
    async def any_machine() -> str:
        return "any"

    asked = [
        await large.trigger(),
        await any_machine.trigger(),
        await any_machine.trigger(machine="micro"),
    ]
    async with working(home, "micro"):
        ends = [await handle.result(timeout=WITHIN) for handle in asked[1:]]
        assert [end.output for end in ends] == ["any", "any"]
        assert (await asked[0].retrieve()).status is RunStatus.QUEUED
    async with working(home, "large-1x"):
        assert (await asked[0].result(timeout=WITHIN)).output == "large"


async def test_an_attempt_that_ran_out_of_memory_comes_again_on_a_larger_machine(
    home: Home,
) -> None:
    @task(machine="micro", retry=Retry(2, min_timeout=0, max_timeout=0, out_of_memory="large-1x"))
    async def growing(ctx: Context) -> str | None:
        if ctx.attempt.number == 1:
            raise OutOfMemoryError
        return None if ctx.machine is None else ctx.machine.name

    async with working(home, "micro"):
        handle = await growing.trigger()
        async with asyncio.timeout(WITHIN):
            while (
                run := await handle.retrieve()
            ).attempt_started_at is not None or not run.attempts:
                pass
        assert (run.status, run.machine) == (RunStatus.QUEUED, "large-1x")
    async with working(home, "large-1x"):
        assert (await handle.result(timeout=WITHIN)).output == "large-1x"


async def test_any_worker_serves_the_presets_that_are_asked_for(
    home: Home, temporal_url: str
) -> None:
    """Those that its tasks name, and one that only a trigger of another process names."""

    @task(machine="small-2x")
    async def sized(ctx: Context) -> str | None:
        return None if ctx.machine is None else ctx.machine.name

    elsewhere = Home(lambda: TemporalBackend.from_url(temporal_url), name="temporal")
    async with Worker(elsewhere, "production", drain=0):
        named = await sized.trigger()
        assert (await named.result(timeout=WITHIN)).output == "small-2x"
        with choose(home):
            stranger = await sized.trigger(machine="medium-1x")
            assert (await stranger.result(timeout=WITHIN)).output == "medium-1x"


async def test_a_run_for_a_machine_that_nobody_has_does_not_keep_the_slot_of_its_queue(
    home: Home,
) -> None:
    """It holds the only one, and gives it to others after a lease, here of 5 s."""

    @task(queue=Queue("narrow", 1))
    async def narrow() -> None: ...

    async with working(home, "micro"):
        assert (await (await narrow.trigger()).result(timeout=WITHIN)).ok
        nobody = await narrow.trigger(machine="large-2x")
        assert isinstance(home.backend, TemporalBackend)
        workflow = home.backend.client.get_workflow_handle(nobody.id)
        async with asyncio.timeout(WITHIN):
            while not (await workflow.describe()).raw_description.pending_activities:
                pass
        after = await narrow.trigger()
        assert (await after.result(timeout=WITHIN)).ok
        assert (await nobody.retrieve()).status is RunStatus.QUEUED
