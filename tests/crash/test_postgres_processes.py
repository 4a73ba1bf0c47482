"""Several processes on one PostgreSQL database: what only happens there."""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from taskkit.backends.postgres import PostgresBackend
from taskkit.model.exchange import ClaimSpec, Manifest
from taskkit.model.ids import new_run_id
from taskkit.model.queue import Queue
from taskkit.model.request import TriggerRequest
from tests.crash.talk import Process, line_of, rest_of

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

PROGRAM = Path(__file__).with_name("postgres_program.py")
Start = Callable[..., Process]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "ledger"


@pytest.fixture
def start(ledger: Path) -> Iterator[Start]:
    """Start `postgres_program.py` with these arguments; it speaks on its standard output."""
    processes: list[Process] = []

    def start(*args: object) -> Process:
        process = subprocess.Popen(
            [sys.executable, str(PROGRAM), *map(str, args)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "LEDGER": str(ledger)},
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[PostgresBackend]:
    backend = PostgresBackend.from_url(url)
    await backend.open()
    try:
        yield backend
    finally:
        await backend.close()


def request(task: str = "task", payload: bytes = b"1", **fields: Any) -> TriggerRequest:
    queue = fields.pop("queue", f"task/{task}")
    return TriggerRequest(new_run_id(), task, payload, queue, **fields)


# --- a process that stands still in a transaction -----------------------------------------------------


async def test_who_stands_still_with_the_lock_of_claims_holds_others_up_for_a_while_only(
    start: Start, postgres_url: str
) -> None:
    async with opened(postgres_url) as backend:
        limited = Queue("limited", concurrency_limit=9)
        await backend.register(Manifest(frozenset({"task"}), {"limited": limited}))
        requests = [request(queue="limited") for _ in range(4)]
        await backend.enqueue(requests, batch_id=None, now=None)
        stopped = start("stop", postgres_url, "claims")
        assert line_of(stopped) == "inside"
        leases = await backend.claim("other", ClaimSpec(), limit=2, lease=60, now=None)
        assert len(leases) == 2
        stopped.send_signal(signal.SIGCONT)
        assert line_of(stopped).startswith("StoreUnavailableError")
        assert line_of(stopped) == "claimed 2"  # over a new connection
        assert rest_of(stopped) == []


async def test_rows_of_a_process_that_stands_still_go_to_others(
    start: Start, postgres_url: str
) -> None:
    async with opened(postgres_url) as backend:
        requests = [request() for _ in range(4)]
        await backend.enqueue(requests, batch_id=None, now=None)
        stopped = start("stop", postgres_url, "rows")
        assert line_of(stopped) == "inside"
        leases = await backend.claim("other", ClaimSpec(), limit=9, lease=60, now=None)
        assert len(leases) == 2  # nobody waits for rows that are held
        runs = await backend.cancel([one.run_id for one in requests], reason=None, now=None)
        assert [run.status for run in runs if run.delivery == 0] == ["CANCELED"] * 2
        stopped.send_signal(signal.SIGCONT)
        assert line_of(stopped).startswith("StoreUnavailableError")
        assert line_of(stopped) == "claimed 0"
        assert rest_of(stopped) == []
