"""Runs on Temporal beside a bare workflow with one activity, in turns: `python -m benchmarks.temporal_runs`.

The floor is a workflow of temporalio that calls one activity with its payload, on the same dev server.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import uuid4

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker as PlainWorker

from benchmarks.temporal import temporal_server
from taskkit import task
from taskkit.backends.temporal import TemporalBackend
from taskkit.runtime.home import Home
from taskkit.session import Worker

ROUNDS, RUNS, AT_ONCE, SINGLES = 5, 100, 20, 20
One = Callable[[], Awaitable[object]]


@activity.defn
async def echo(text: str) -> str:
    return text


@workflow.defn
class Bare:
    @workflow.run
    async def run(self, text: str) -> str:
        limit = timedelta(seconds=60)
        return await workflow.execute_activity(echo, text, start_to_close_timeout=limit)


@task(retry=None)
async def work(text: str) -> str:
    return text


async def many(one: One) -> float:
    """Runs a second, so many at once."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def run() -> None:
        async with slots:
            await one()

    began = time.perf_counter()
    await asyncio.gather(*(run() for _ in range(RUNS)))
    return RUNS / (time.perf_counter() - began)


async def single(one: One) -> float:
    """The median of one after the other, in seconds."""
    took: list[float] = []
    for _ in range(SINGLES):
        began = time.perf_counter()
        await one()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


async def compare(address: str) -> None:
    client = await Client.connect(address)
    home = Home(lambda: TemporalBackend.from_url(f"temporal://{address}/default"), name="temporal")

    async def ours() -> object:
        return await (await work.trigger("x" * 100)).result()

    async def floor() -> object:
        run = Bare.run
        return await client.execute_workflow(run, "x" * 100, id=uuid4().hex, task_queue="bare")

    bare = PlainWorker(
        client,
        task_queue="bare",
        workflows=[Bare],
        activities=[echo],
        max_concurrent_activities=AT_ONCE,
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    async with bare, Worker(home, "production", concurrency=AT_ONCE, drain=0):
        await asyncio.gather(ours(), floor())
        rates: list[tuple[float, float]] = []
        waits: list[tuple[float, float]] = []
        for _ in range(ROUNDS):
            rates.append((await many(ours), await many(floor)))
            waits.append((await single(ours), await single(floor)))
    tell("runs a second", rates, 1, "")
    tell("p50 of one run", waits, 1_000, " ms")
    await home.close()


def tell(what: str, pairs: list[tuple[float, float]], scale: float, unit: str) -> None:
    ours, floors = (statistics.median(side) * scale for side in zip(*pairs, strict=True))
    ratios = sorted(ours / floor for ours, floor in pairs)
    middle = statistics.median(ratios)
    print(
        f"{what}: {ours:.1f}{unit}, bare {floors:.1f}{unit}; ratio {middle:.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
    )


if __name__ == "__main__":
    with temporal_server() as address:
        asyncio.run(compare(address))
