"""The whole way: tasks that a worker carries out on this backend, in real time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

from taskkit import config, wait
from taskkit.backends.base import Backend, Capability, Control, Execution, QueueBackend
from taskkit.decorator import task
from taskkit.definition.context import Context
from taskkit.definition.registry import REGISTRY
from taskkit.errors import TaskkitError
from taskkit.model.exchange import ClaimSpec, Lease, Manifest, WorkerOptions
from taskkit.model.result import RunResult
from taskkit.model.retry import Retry
from taskkit.session import Worker
from taskkit.testing.conformance.check import check, expect, expect_error
from taskkit.testing.conformance.trial import QUEUE, TASK, Trial

WITHIN = 15.0
"""Seconds that a run of these checks may take."""


@contextmanager
def own_tasks() -> Generator[None]:
    """Only the tasks that are defined inside exist: neither the project's nor another check's."""
    dirs = config.current().dirs
    config.override(dirs=())
    try:
        with REGISTRY.isolated():
            yield
    finally:
        config.override(dirs=dirs)


@asynccontextmanager
async def working(trial: Trial, *, concurrency: int = 10) -> AsyncGenerator[Worker]:
    """A worker on the backend; leaving it gives back at once what still runs."""
    async with Worker(
        trial.home, "production", concurrency=concurrency, lease=3, drain=0
    ) as worker:
        yield worker


def _told(result: RunResult[object]) -> tuple[str, object]:
    """Status and output, or the error where there is one."""
    return (result.status, result.output if result.error is None else str(result.error))


@check("Backend.serve", protocol=Backend)
async def a_triggered_run_gives_its_result(trial: Trial) -> None:
    """A worker carries runs out, and their outputs reach the one who asked, in order."""
    with own_tasks():

        @task(id=TASK)
        async def double(number: int) -> int:
            return 2 * number

        async with working(trial, concurrency=2):
            handle = await double.trigger(21)
            batch = await double.batch_trigger([1, 2, 3, 4])
            result = await handle.result(timeout=WITHIN)
            results = await batch.results(timeout=WITHIN)
    expect("the result", _told(result), ("COMPLETED", 42))
    came = [_told(one) for one in results]
    expect("the results of a batch", came, [("COMPLETED", 2 * number) for number in (1, 2, 3, 4)])


@check("Backend.serve", protocol=Backend)
async def a_failed_attempt_is_carried_out_again(trial: Trial) -> None:
    """A run whose attempts fail is tried again until one succeeds, and fails when none is left."""
    with own_tasks():

        @task(id=TASK, retry=Retry(max_attempts=3, min_timeout=0, max_timeout=0))
        async def stubborn(good_at: int, ctx: Context) -> int:
            if ctx.attempt.number < good_at:
                raise KeyError(ctx.attempt.number)
            return ctx.attempt.number

        async with working(trial):
            good, bad = await stubborn.trigger(3), await stubborn.trigger(9)
            results = [await handle.result(timeout=WITHIN) for handle in (good, bad)]
            attempts = [len((await handle.retrieve()).attempts) for handle in (good, bad)]
    came = [_told(result) for result in results]
    expect("the results", came, [("COMPLETED", 3), ("FAILED", "KeyError: 3")])
    expect("the numbers of attempts", attempts, [3, 3])


@check("Backend.serve", Capability.CANCEL_RUNNING, protocol=Backend)
async def a_running_task_is_canceled(trial: Trial) -> None:
    """A cancel reaches the body of a task while it runs, and the run ends CANCELED."""
    entered, left = asyncio.Event(), asyncio.Event()
    with own_tasks():

        @task(id=TASK)
        async def endless() -> None:
            entered.set()
            try:
                await asyncio.Event().wait()
            finally:
                left.set()

        async with working(trial):
            handle = await endless.trigger()
            await entered.wait()
            await handle.cancel("enough")
            result = await handle.result(timeout=WITHIN)
            run = await handle.retrieve()
    expect("the result", _told(result), ("CANCELED", None))
    expect("the body was told, the reason", (left.is_set(), run.cancel_reason), (True, "enough"))


@check("Backend.serve", Capability.WAITS, protocol=Backend)
async def a_parent_waits_beside_its_children_in_one_slot(trial: Trial) -> None:
    """With one slot in all, a parent that waits for its children gets their outputs."""
    with own_tasks():

        @task(id="child")
        async def child(number: int) -> int:
            return number + 1

        @task(id="parent")
        async def parent() -> list[int]:
            one = await child.trigger_and_wait(1).unwrap()
            return [one, *await child.batch_trigger_and_wait([10, 20]).unwrap()]

        async with working(trial, concurrency=1):
            handle = await parent.trigger()
            result = await handle.result(timeout=WITHIN)
    expect("the result", _told(result), ("COMPLETED", [2, 11, 21]))


@check("Backend.serve", Capability.WAITS, protocol=Backend)
async def a_task_sleeps_without_a_slot(trial: Trial) -> None:
    """While one run sleeps another has its slot, and the sleeper comes back."""
    order: list[str] = []
    with own_tasks():

        @task(id="sleeper")
        async def sleeper() -> None:
            await wait.sleep(0.05)
            order.append("sleeper")

        @task(id="other")
        async def other() -> None:
            order.append("other")

        async with working(trial, concurrency=1):
            handles = [await sleeper.trigger(), await other.trigger()]
            results = [await handle.result(timeout=WITHIN) for handle in handles]
    expect("the results", [result.status for result in results], ["COMPLETED"] * 2)
    expect("the order of the ends", order, ["other", "sleeper"])


@check("Backend.serve", protocol=Backend)
async def a_worker_that_stops_gives_back_what_it_runs(trial: Trial) -> None:
    """A run that is interrupted by a shutdown is QUEUED again, and the next worker ends the same attempt."""
    entered = asyncio.Event()
    with own_tasks():

        @task(id=TASK)
        async def interrupted(ctx: Context) -> int:
            if not entered.is_set():
                entered.set()
                await asyncio.Event().wait()
            return ctx.attempt.number

        async with working(trial):
            handle = await interrupted.trigger()
            await entered.wait()
        status = (await trial.run(handle.id)).status
        async with working(trial):
            result = await handle.result(timeout=WITHIN)
            deaths = (await handle.retrieve()).deaths
    expect("the status after the worker stopped", status, "QUEUED")
    expect("the result", (_told(result), deaths), (("COMPLETED", 1), 0))


class _WorkerBrokeError(TaskkitError):
    pass


class _BrokenRunner:
    """An engine with a fault of its own."""

    manifest = Manifest(frozenset({TASK}), {})

    def begin(self, lease: Lease, control: Control) -> Execution:
        raise _WorkerBrokeError(lease.run.id)


@check("Backend.serve", protocol=QueueBackend)
async def a_worker_that_breaks_says_so(trial: Trial) -> None:
    """An exception of the runner ends serve and comes out of it: a worker never goes quiet."""
    await trial.backend.enqueue([trial.request(queue=QUEUE)], batch_id=None, now=None)
    call = trial.backend.serve(_BrokenRunner(), WorkerOptions(ClaimSpec(), drain=0))
    await expect_error("serve with a runner that raises", _WorkerBrokeError, call)
