"""How introspection grows with the tables: `python -m benchmarks.growth [--kind postgres ...]`.

Makes databases of 1,000 and of 10,000 tables of ten columns with keys, and reads each in processes of their own.
Prints seconds, the seconds in which the reading process itself was at work (the rest it waited for the server), how
long the first progress took after connecting and the second, which has counts, statements, and the growth of the peak
of memory; then how much longer ten times the tables take. Each database is read once before it counts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

from benchmarks.growth_sources import MAKERS
from buster_tasks.sources import Filters, connect
from buster_tasks.sources.blocking_source import BlockingSource

_COUNTS = (1_000, 10_000)


async def _measure(credentials: dict[str, Any]) -> dict[str, float]:
    filters = Filters(schemas=credentials.pop("only", None))
    first: list[float] = []

    async def progress(*_told: object, **_more: object) -> None:
        first.append(time.perf_counter())

    async with _source(credentials) as source:
        peak, worked, began = _peak_mb(), time.process_time(), time.perf_counter()
        ran = source.statements
        found = await source.introspect(filters, progress)
        return {
            "seconds": time.perf_counter() - began,
            "own": time.process_time() - worked,
            "first": first[0] - began,
            "second": first[1] - began,
            "statements": source.statements - ran,
            "growth_mb": _peak_mb() - peak,
            **{name: found.counts()[name] for name in ("tables", "columns", "primary_keys")},
        }


def _source(credentials: dict[str, Any]) -> BlockingSource[Any]:
    if credentials["type"] == "recorded-bigquery":
        from benchmarks.recorded_bigquery import RecordedBigquery

        return RecordedBigquery(credentials["tables"])
    source = connect(credentials)
    assert isinstance(source, BlockingSource)
    return source


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024


def measured(credentials: Mapping[str, Any]) -> dict[str, float]:
    """The figures of one introspection, from a process of its own."""
    command = [sys.executable, "-m", "benchmarks.growth", "--measure"]
    text = json.dumps(credentials)
    done = subprocess.run(command, input=text, check=True, stdout=subprocess.PIPE, text=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def compare(kind: str, counts: tuple[int, ...], rounds: int) -> None:
    """Print the best of the rounds for each count, and how they compare."""
    best: list[dict[str, float]] = []
    began = time.perf_counter()
    with MAKERS[kind](counts) as made:
        print(f"{kind}: made in {time.perf_counter() - began:.0f} s", flush=True)
        for credentials in made:
            found = [measured(credentials) for _ in range(rounds + 1)][1:]
            best.append(min(found, key=lambda one: one["seconds"]))
            told = " ".join(f"{name}={value:,.4g}" for name, value in best[-1].items())
            print(f"{kind}: {told}", flush=True)
    growth = {name: best[-1][name] / best[0][name] for name in ("seconds", "own")}
    print(f"{kind}: {growth['seconds']:.1f} times as long, {growth['own']:.1f} times the own work")


def main() -> None:
    """Print the figures of the kinds that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", nargs="+", choices=tuple(MAKERS), default=tuple(MAKERS))
    parser.add_argument("--tables", nargs=2, type=int, default=_COUNTS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(asyncio.run(_measure(json.load(sys.stdin)))))
        return
    for kind in options.kind:
        compare(kind, tuple(options.tables), options.rounds)


if __name__ == "__main__":
    main()
