"""In-process throughput, latency and memory of taskkit, each beside its floor: `python -m benchmarks.memory`.

Prints ratios, because machines differ and are noisy: each round measures floor and subject one after the
other, and the median over the rounds is what to quote. Throughput as a part of the floor's (higher is
better), latency and memory as a multiple or an absolute figure (lower is better).
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import statistics
import sys
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from typing import Any, cast

import taskkit
from benchmarks import floors
from benchmarks.floors import Order
from taskkit import task, wait
from taskkit.backends import QueueBackend
from taskkit.testing import FakeClock

BATCH = 2_000


@task(id="bench")
async def bench(order: Order) -> dict[str, Any]:
    return await floors.body(order)


@task(id="bench-parent")
async def bench_parent(order: Order) -> int:
    done = await bench.batch_trigger_and_wait([order] * 10)
    return len(done.runs)


@task(id="bench-sleeper")
async def bench_sleeper() -> None:
    await wait.sleep("1h")


def orders(count: int) -> list[Order]:
    return [Order(id=number, customer="acme", total=9.5) for number in range(count)]


async def seconds(work: Callable[[], Awaitable[Any]]) -> float:
    gc.collect()
    started = time.perf_counter()
    await work()
    return time.perf_counter() - started


async def batch_of(count: int) -> None:
    handle = await bench.batch_trigger(orders(count))
    await handle.results()


async def singles_of(count: int) -> None:
    handles = [await bench.trigger(order) for order in orders(count)]
    await asyncio.gather(*[handle.result() for handle in handles])


async def one_by_one(start: Callable[[Order], Awaitable[Any]], count: int) -> list[float]:
    """Seconds from trigger to result with nothing else going on."""
    took = []
    for order in orders(count):
        started = time.perf_counter()
        await start(order)
        took.append(time.perf_counter() - started)
    return took


async def start_floor(order: Order) -> None:
    await floors.result_of(floors.bookkept(order))


async def start_ours(order: Order) -> None:
    await (await bench.trigger(order)).result()


async def throughput(rounds: int) -> None:
    for concurrency in (10, 100, 1000):
        batch, single, bare = [], [], []
        async with taskkit.local(concurrency=concurrency):
            await batch_of(BATCH)
            for _ in range(rounds):
                bare.append(await seconds(lambda: floors.bare(orders(BATCH))))
                floor = await seconds(lambda: floors.bookkept_all(orders(BATCH)))
                batch.append((floor, await seconds(lambda: batch_of(BATCH))))
                floor = await seconds(lambda: floors.bookkept_gathered(orders(BATCH)))
                single.append((floor, await seconds(lambda: singles_of(BATCH))))
        floor_us = statistics.median(floor for floor, _ in batch) / BATCH * 1e6
        bare_us = statistics.median(bare) / BATCH * 1e6
        print(
            f"concurrency {concurrency}: bare task {bare_us:.1f} us, bookkept floor {floor_us:.1f} us a run"
        )
        report("  batch", batch, 0.45)
        report("  single triggers + gather", single, 0.45)


def report(what: str, pairs: list[tuple[float, float]], goal: float, count: int = BATCH) -> None:
    ratios = sorted(floor / ours for floor, ours in pairs)
    ours_us = statistics.median(ours for _, ours in pairs) / count * 1e6
    print(
        f"{what}: {statistics.median(ratios):.2f} of the floor (min {ratios[0]:.2f}, max {ratios[-1]:.2f}; "
        f"goal >= {goal}), {ours_us:.1f} us a run"
    )


async def latency(rounds: int) -> None:
    ratios = []
    async with taskkit.local():
        await one_by_one(start_ours, 200)
        for _ in range(rounds):
            floor = statistics.median(await one_by_one(start_floor, 500))
            ours = statistics.median(await one_by_one(start_ours, 500))
            ratios.append((ours / floor, ours, floor))
    ratio, ours, floor = sorted(ratios)[len(ratios) // 2]
    print(
        f"idle p50: {ratio:.2f} x the floor (goal <= 3), {ours * 1e6:.0f} us against {floor * 1e6:.0f} us"
    )


async def tree(rounds: int) -> None:
    pairs = []
    async with taskkit.local(concurrency=100):
        for _ in range(rounds):
            floor = await seconds(lambda: floors.bookkept_tree(orders(1_000), 10))
            pairs.append((floor, await seconds(parents)))
    report("1,000 parents x 10 children", pairs, 0.4, 11_000)


async def parents() -> None:
    handle = await bench_parent.batch_trigger(orders(1_000))
    results = await handle.results()
    assert all(result.ok for result in results)


async def waiting(count: int) -> None:
    async with taskkit.local(concurrency=1_000) as app:
        await bench_sleeper.trigger()
        await app.idle()
        gc.collect()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(count // 1000):
            await bench_sleeper.batch_trigger([None] * 1000)
            await app.idle()
        gc.collect()
        used = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        print(f"{count:,} runs in wait.sleep: {used / count / 1024:.2f} KiB each (goal <= 6)")


async def delayed(count: int) -> None:
    """Runs that start later: what one keeps, and what finding the next due one costs as they become more."""
    clock = FakeClock()
    async with taskkit.local(concurrency=1_000, clock=clock) as app:
        await bench.trigger(orders(1)[0], delay="1d")
        backend = cast("QueueBackend", app.backend)
        costs = []
        gc.collect()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(10):
            items = [bench.item(order, delay="1d") for order in orders(count // 10)]
            await bench.batch_trigger(items)
            del items
            gc.collect()
            used = tracemalloc.get_traced_memory()[0] - before
            costs.append(await cost_of_advance(backend, clock))
        tracemalloc.stop()
        print(
            f"{count:,} delayed runs: {used / count / 1024:.2f} KiB each (goal <= 3); to find the next due one "
            f"{costs[0]:.1f} us with {count // 10:,} of them, {costs[-1]:.1f} us with all"
        )


async def cost_of_advance(backend: QueueBackend, clock: FakeClock) -> float:
    """Microseconds that a store takes to say what is due next."""
    rounds = 1_000
    started = time.perf_counter()
    for _ in range(rounds):
        await backend.advance(now=clock.now(), limit=1_000)
    return (time.perf_counter() - started) / rounds * 1e6


async def steady(total: int) -> None:
    """Throughput while the store fills: the slowest and fastest chunk against the first."""
    speeds = []
    async with taskkit.local(concurrency=100):
        await batch_of(BATCH)
        for _ in range(total // BATCH):
            floor = await seconds(lambda: floors.bookkept_all(orders(BATCH)))
            speeds.append(floor / await seconds(lambda: batch_of(BATCH)))
    tenths = [statistics.median(speeds[i : i + 5]) for i in range(0, len(speeds), 5)]
    first = tenths[0]
    low, high = min(tenths) / first, max(tenths) / first
    print(
        f"0 to {total:,} runs done: throughput {low:.2f} to {high:.2f} of the first 10,000 (goal 0.8 to 1.2)"
    )


async def main(arguments: argparse.Namespace) -> None:
    parts = {
        "throughput": lambda: throughput(arguments.rounds),
        "latency": lambda: latency(arguments.rounds),
        "tree": lambda: tree(arguments.rounds),
        "steady": lambda: steady(arguments.runs),
        "waiting": lambda: waiting(arguments.runs),
        "delayed": lambda: delayed(arguments.runs),
    }
    print(f"Python {sys.version.split()[0]}, {arguments.rounds} rounds, medians")
    for name, part in parts.items():
        if arguments.only in (None, name):
            await part()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=100_000, help="runs done, and runs waiting")
    parts = ["throughput", "latency", "tree", "steady", "waiting", "delayed"]
    parser.add_argument("--only", choices=parts)
    asyncio.run(main(parser.parse_args()))
