"""PostgreSQL is stopped and started while workers work and a client triggers.

By hand: python -m tests.crash.postgres_restarts 50.
"""

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.servers import PostgresServer, StopMode, postgres_server
from taskkit.backends.postgres import PostgresBackend
from taskkit.model.exchange import RunFilter
from taskkit.model.run import FINAL, Run
from tests.crash.talk import Process, line_of, rest_of

PROGRAM = Path(__file__).with_name("postgres_program.py")
WORKERS = 2
LEASE = 3
CALLERS = 8
MODES: tuple[StopMode, ...] = ("fast", "immediate", "kill")
SETTLED_WITHIN = 60.0


@dataclass
class Report:
    """What the ledger and the store say when all is over."""

    modes: Counter[str]
    accepted: int
    refused: int
    """Triggers that raised StoreUnavailableError."""
    errors: list[Any]
    """Of any other kind that reached a caller."""
    lost: list[str]
    """Runs that a trigger has returned for, and that are not there."""
    unfinished: list[str]
    at_once: list[str]
    """Runs whose task was entered a second time before it was left."""
    runs: int
    deaths: int
    statuses: Counter[str]
    transactions: Counter[str]


async def restart_often(
    server: PostgresServer, times: int, ledger: Path, *, schema: str = "taskkit"
) -> Report:
    """Restart the server in each of the ways, with workers and a client of real processes."""
    url = f"{server.url()}?schema={schema}"
    modes: Counter[str] = Counter()
    with ExitStack() as stack:
        workers = [_start(stack, ledger, "work", url, LEASE, 10) for _ in range(WORKERS)]
        client = _start(stack, ledger, "ask", url, CALLERS)
        for process in (*workers, client):
            await asyncio.to_thread(line_of, process)
        for number in range(times):
            await asyncio.sleep(random.uniform(0.2, 1.2))
            mode = MODES[number % len(MODES)]
            modes[mode] += 1
            await asyncio.to_thread(server.stop, mode)
            await asyncio.sleep(random.choice((0, 0, 0.5, 1.5)))
            await asyncio.to_thread(server.start)
        await asyncio.sleep(0.5)
        assert await asyncio.to_thread(rest_of, client) == ["done"]
        runs = await _settled(url)
        for worker in workers:
            assert await asyncio.to_thread(rest_of, worker) == ["done"]
    return _report(modes, runs, _lines_of(ledger))


def _start(stack: ExitStack, ledger: Path, *arguments: object) -> Process:
    process = subprocess.Popen(
        [sys.executable, str(PROGRAM), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "LEDGER": str(ledger)},
    )
    stack.callback(process.communicate)
    stack.callback(process.kill)
    return process


async def _settled(url: str) -> list[Run]:
    """All runs, once they are over or it takes too long."""
    backend = PostgresBackend.from_url(url)
    await backend.open()
    ends = time.monotonic() + SETTLED_WITHIN
    while True:
        runs: list[Run] = []
        cursor: int | str | None = None
        while cursor is not None or not runs:
            page = await backend.list(RunFilter(), cursor=cursor, limit=1_000)
            runs += page.items
            cursor = page.cursor
        if all(run.status in FINAL for run in runs) or time.monotonic() > ends:
            await backend.close()
            return runs
        await asyncio.sleep(0.2)


def _lines_of(ledger: Path) -> list[list[Any]]:
    return [json.loads(line) for line in ledger.read_text().splitlines()]


def _report(modes: Counter[str], runs: list[Run], lines: list[list[Any]]) -> Report:
    accepted = {line[3] for line in lines if line[2] == "accepted"}
    transactions: Counter[str] = Counter()
    for line in lines:
        if line[2] == "retries":
            transactions.update(line[3])
    return Report(
        modes,
        len(accepted),
        sum(line[2] == "unavailable" for line in lines),
        [line for line in lines if line[2] == "error"],
        sorted(accepted - {run.id for run in runs}),
        [run.id for run in runs if run.status not in FINAL],
        _at_once(lines),
        len(runs),
        sum(run.deaths for run in runs),
        Counter(str(run.status) for run in runs),
        transactions,
    )


def _at_once(lines: list[list[Any]]) -> list[str]:
    open_runs: Counter[str] = Counter()
    found: list[str] = []
    for _, _, what, *more in sorted(lines, key=lambda line: line[0]):
        if what == "begin":
            open_runs[more[0]] += 1
            if open_runs[more[0]] > 1:
                found.append(more[0])
        elif what == "end":
            open_runs[more[0]] -= 1
    return found


if __name__ == "__main__":
    with postgres_server("autovacuum=on") as made, tempfile.TemporaryDirectory() as folder:
        print(asyncio.run(restart_often(made, int(sys.argv[1]), Path(folder, "ledger"))))
