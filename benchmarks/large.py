"""What a million rows cost the SQL stores: `python -m benchmarks.large --backend sqlite|postgres`.

Three stores are measured in turn: an empty one, one with a million finished runs, and one with a million queued
runs of another queue. Throughput is told as a part of the empty store's (higher is better): of claims and ends on
the store itself, and from the trigger to the result through a worker with a hundred callers. Then how long the
first page of a list takes, and what a worker process needs that starts beside a hundred thousand queued runs.
Rows are copied by the database from runs that the store has made. PostgreSQL runs with fsync.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import taskkit
from benchmarks.large_store import Database, PostgresSchema, SqliteFile, fill, request
from benchmarks.servers import postgres_server
from taskkit import config, task
from taskkit.backends.sql.backend import SqlBackend
from taskkit.model.exchange import ClaimSpec, Completed, Lease, RunFilter
from taskkit.model.run import RunStatus

CALLERS = 100
OURS, OTHER = "bench-large", "bench-other"
_on_run: Callable[[int], None] | None = None
_done = 0


@task(id=OURS)
async def echo(order: dict[str, Any]) -> int:
    global _done  # noqa: PLW0603 - how far the process has come
    _done += 1
    if _on_run is not None:
        _on_run(_done)
    return int(order["number"])


# --- throughput ---------------------------------------------------------------------------------------


async def claims_and_ends(database: Database, runs: int) -> float:
    """Runs a second that the store gives out and ends, a hundred at a time."""
    backend = database.backend()
    await backend.open()
    for _ in range(runs // CALLERS):
        wanted = [request(OURS) for _ in range(CALLERS)]
        await backend.enqueue(wanted, batch_id=None, now=None)
    began = time.perf_counter()
    done = 0
    while done < runs:
        leases = await backend.claim("bench", SPEC, limit=CALLERS, lease=30, now=None)
        await asyncio.gather(*[_end(backend, lease) for lease in leases])
        done += len(leases)
    took = time.perf_counter() - began
    await backend.close()
    return runs / took


SPEC = ClaimSpec(tasks=frozenset({OURS}))


async def _end(backend: SqlBackend, lease: Lease) -> None:
    await backend.settle(lease, Completed(b"1"), now=None)


async def one_after_another(count: int) -> None:
    for number in range(count):
        await (await echo.trigger({"number": number})).result()


async def through_a_worker(database: Database, runs: int) -> float:
    """Runs a second from the trigger to the result."""
    async with taskkit.worker(database.url, concurrency=CALLERS):
        await asyncio.gather(*[one_after_another(5) for _ in range(CALLERS)])
        began = time.perf_counter()
        await asyncio.gather(*[one_after_another(runs // CALLERS) for _ in range(CALLERS)])
        return runs / (time.perf_counter() - began)


def throughput(stores: dict[str, Database], runs: int, rounds: int) -> None:
    rates: dict[tuple[str, str], list[float]] = {}
    for _ in range(rounds):
        for name, database in stores.items():
            for measure in (claims_and_ends, through_a_worker):
                rate = asyncio.run(measure(database, runs))
                rates.setdefault((measure.__name__, name), []).append(rate)
    for (what, name), found in rates.items():
        base = rates[what, "empty"]
        share = statistics.median([one / of for one, of in zip(found, base, strict=True)])
        print(
            f"{what:18} {name:9} {share:5.2f} of the empty store ({statistics.median(found):.0f}/s)"
        )


# --- lists --------------------------------------------------------------------------------------------

FILTERS = {
    "everything": RunFilter(),
    "a tag of few": RunFilter(tag=frozenset({"rare"})),
    "a tag of all": RunFilter(tag=frozenset({"common"})),
    "a tag of nobody": RunFilter(tag=frozenset({"nobody"})),
    "a task of few": RunFilter(task=frozenset({"rare"})),
    "a task of most": RunFilter(task=frozenset({OTHER})),
    "a task of nobody": RunFilter(task=frozenset({"nobody"})),
    "failed": RunFilter(status=frozenset({RunStatus.FAILED})),
    "completed": RunFilter(status=frozenset({RunStatus.COMPLETED})),
    "queued": RunFilter(status=frozenset({RunStatus.QUEUED})),
    "executing": RunFilter(status=frozenset({RunStatus.EXECUTING})),
    "crashed, a tag of all": RunFilter(
        status=frozenset({RunStatus.CRASHED}), tag=frozenset({"common"})
    ),
    "failed, a task of few": RunFilter(
        status=frozenset({RunStatus.FAILED}), task=frozenset({"rare"})
    ),
}


async def lists(name: str, database: Database) -> None:
    backend = database.backend()
    await backend.open()
    for what, where in FILTERS.items():
        took: list[float] = []
        found = 0
        for _ in range(3):
            began = time.perf_counter()
            found = len((await backend.list(where, cursor=None, limit=50)).items)
            took.append(time.perf_counter() - began)
        print(f"{name:9} list of {what:22} {min(took) * 1e3:9.2f} ms, {found} runs")
    await backend.close()


# --- a worker that starts -----------------------------------------------------------------------------


def beside_many(database: Database, queued: int) -> None:
    asyncio.run(fill(database, OURS, "queued", queued))
    command = [sys.executable, "-m", "benchmarks.large", "--worker", database.url]
    began = time.time()
    found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    print(
        f"beside {queued} queued runs: first claim after {found['first']:.3f} s, "
        f"{found['began_at'] - began + found['first']:.3f} s with the start of Python; "
        f"{found['rss']:.0f} MB at most while {found['done']} runs are done"
    )


async def work(url: str) -> None:
    """In the process that is measured: be a worker for ten thousand runs."""
    global _on_run  # noqa: PLW0603 - the body of the task has no other way to it
    began_at, began = time.time(), time.perf_counter()
    first, finished = 0.0, asyncio.Event()

    def on_run(done: int) -> None:
        nonlocal first
        first = first or time.perf_counter() - began
        if done >= 10_000:
            finished.set()

    _on_run = on_run
    async with taskkit.worker(url, concurrency=CALLERS):
        await finished.wait()
    found = {"first": first, "began_at": began_at, "rss": _peak(), "done": _done}
    print(json.dumps(found))


def _peak() -> float:
    status = Path("/proc/self/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


# --- all of it ----------------------------------------------------------------------------------------

MakeDatabase = Callable[[str], Database]


@contextmanager
def sqlite_files(where: str | None) -> Iterator[MakeDatabase]:
    with TemporaryDirectory(dir=where) as folder:
        yield lambda name: SqliteFile(Path(folder), name)


@contextmanager
def postgres_schemas(_where: str | None) -> Iterator[MakeDatabase]:
    settings = ("fsync=on", "full_page_writes=on", "autovacuum=on", "ssl=off", "max_wal_size=4GB")
    with postgres_server(*settings) as server:
        yield lambda name: PostgresSchema(server.dsn(), server.url(), name)


def measure(make: MakeDatabase, given: argparse.Namespace) -> None:
    stores: dict[str, Database] = {name: make(name) for name in ("empty", "finished", "queued")}
    for kind in ("finished", "queued"):
        began = time.perf_counter()
        asyncio.run(fill(stores[kind], OTHER, kind, given.rows))
        print(f"{given.rows} {kind} rows, made in {time.perf_counter() - began:.0f} s")
    if "lists" in given.only:
        for kind in ("finished", "queued"):
            asyncio.run(lists(kind, stores[kind]))
    if "start" in given.only:
        beside_many(make("start"), given.queued)
    if "throughput" in given.only:
        throughput(stores, given.runs, given.rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--queued", type=int, default=100_000, help="beside which a worker starts")
    parser.add_argument("--runs", type=int, default=5_000, help="of each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=["lists", "start", "throughput"])
    parser.add_argument("--folder", help="of the SQLite files; the system's by default")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    given = parser.parse_args()
    config.override(dirs=())
    if given.worker:
        asyncio.run(work(given.worker))
        return
    made = sqlite_files if given.backend == "sqlite" else postgres_schemas
    with made(given.folder) as make:
        measure(make, given)


if __name__ == "__main__":
    main()
