"""Throughput and latency of the SQLite store beside three commits a run: `python -m benchmarks.sqlite`.

The floor writes what no store can do without, insert, claim and end of a run, each in a commit of its own on a
bare connection to a file beside it, after its WAL has stopped growing. Throughput as a multiple of the floor's
(higher is better), latency as a multiple (lower is better); medians over the rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import taskkit
from taskkit import config, task

CALLERS = 100
WARM_UP, MEASURED = 1_200, 300


@task(id="bench-sqlite")
async def echo(number: int) -> int:
    return number


def floor(folder: Path, synchronous: str) -> tuple[float, float]:
    """Mean and median seconds of three commits."""
    db = sqlite3.connect(folder / "floor.db", isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute(f"PRAGMA synchronous = {synchronous}")
    db.execute("CREATE TABLE runs (id TEXT PRIMARY KEY, status TEXT, payload BLOB, output BLOB)")
    took: list[float] = []
    for number in range(WARM_UP + MEASURED):
        began = time.perf_counter()
        run_id = f"run_{number:026}"
        _commit(db, "INSERT INTO runs VALUES (?, 'QUEUED', ?, NULL)", (run_id, b"1"))
        _commit(db, "UPDATE runs SET status = 'EXECUTING' WHERE id = ?", (run_id,))
        _commit(db, "UPDATE runs SET status = 'COMPLETED', output = ? WHERE id = ?", (b"1", run_id))
        took.append(time.perf_counter() - began)
    db.close()
    measured = took[WARM_UP:]
    return statistics.fmean(measured), statistics.median(measured)


def _commit(db: sqlite3.Connection, sql: str, values: tuple[object, ...]) -> None:
    db.execute("BEGIN IMMEDIATE")
    db.execute(sql, values)
    db.execute("COMMIT")


async def one_after_another(count: int) -> list[float]:
    """Seconds from each trigger to its result."""
    took: list[float] = []
    for number in range(count):
        began = time.perf_counter()
        await (await echo.trigger(number)).result()
        took.append(time.perf_counter() - began)
    return took


async def subject(folder: Path, synchronous: str, runs: int) -> tuple[float, float]:
    """Mean seconds a run with many callers, and the median of one caller alone."""
    async with taskkit.worker(
        f"sqlite:///{folder}/runs.db?synchronous={synchronous}", concurrency=CALLERS
    ):
        await one_after_another(10)
        began = time.perf_counter()
        await asyncio.gather(*[one_after_another(runs // CALLERS) for _ in range(CALLERS)])
        mean = (time.perf_counter() - began) / runs
        return mean, statistics.median(await one_after_another(MEASURED))


def round_of(synchronous: str, runs: int, where: str | None) -> tuple[float, ...]:
    with TemporaryDirectory(dir=where) as folder:
        mean, median = floor(Path(folder), synchronous)
        ours, alone = asyncio.run(subject(Path(folder), synchronous, runs))
    return mean / ours, alone / median, mean * 1e6, ours * 1e6, alone * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=5_000, help="of each round")
    parser.add_argument("--folder", help="on the disk to be measured; the system's by default")
    parser.add_argument("--synchronous", choices=("full", "normal"), default="full")
    given = parser.parse_args()
    config.override(dirs=())
    rounds = [round_of(given.synchronous, given.runs, given.folder) for _ in range(given.rounds)]
    times, latency, mean, ours, alone = map(statistics.median, zip(*rounds, strict=True))
    print(f"{CALLERS} callers: {times:.2f} x the floor ({ours:.0f} us a run, floor {mean:.0f} us)")
    print(f"one caller, p50: {latency:.2f} x the floor's ({alone:.0f} us)")


if __name__ == "__main__":
    main()
