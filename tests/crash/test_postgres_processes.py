"""Several processes on one PostgreSQL database: what only happens there."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest

from benchmarks.servers import PostgresServer
from taskkit.backends.base import SupportsIdle
from taskkit.backends.postgres import PostgresBackend
from taskkit.model.exchange import ClaimSpec, Completed, Enqueued, Manifest, run_topic
from taskkit.model.ids import new_run_id
from taskkit.model.queue import Queue
from taskkit.model.request import TriggerRequest
from taskkit.runtime.home import Home
from taskkit.trigger.handle import RunHandle
from tests.crash.talk import WITHIN, Process, line_of, rest_of

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

PROGRAM = Path(__file__).with_name("postgres_program.py")
WRONG_CLOCK = Path(__file__).with_name("wrong_clock.py")
Start = Callable[..., Process]
LIMITED = 200
CANCELS = 20
STRAINED = 60


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

    def start(*args: object, hours: int = 0) -> Process:
        clock = [str(WRONG_CLOCK), str(hours)] if hours else []
        process = subprocess.Popen(
            [sys.executable, *clock, str(PROGRAM), *map(str, args)],
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


def home_at(url: str) -> Home:
    return Home(lambda: PostgresBackend.from_url(url), name=url)


def handle_of(home: Home, asked: TriggerRequest) -> RunHandle[Any]:
    return RunHandle(home, asked.task_id, Enqueued(asked.run_id, "existing"))


def lines_of(ledger: Path) -> list[list[Any]]:
    return [json.loads(line) for line in ledger.read_text().splitlines()]


def most_at_once(ledger: Path) -> int:
    """How many runs were at work in the same moment."""
    now = most = 0
    for _, _, what, *_ in sorted(lines_of(ledger)):
        now += {"begin": 1, "end": -1}.get(what, 0)
        most = max(most, now)
    return most


# --- limits -------------------------------------------------------------------------------------------


async def test_four_workers_hold_a_limit_of_three(
    start: Start, postgres_url: str, ledger: Path
) -> None:
    home = home_at(postgres_url)
    workers = [start("work", postgres_url, 5, 10) for _ in range(4)]
    for worker in workers:
        assert line_of(worker) == "working"
    await home.ready()
    asked = [request("limited", b"null", queue="three") for _ in range(LIMITED)]
    await home.enqueue(asked, None)
    ends = await asyncio.gather(*[handle_of(home, one).result(timeout=WITHIN) for one in asked])
    assert {end.status for end in ends} == {"COMPLETED"}
    for worker in workers:
        assert rest_of(worker) == ["done"]
    begun = [line[3] for line in lines_of(ledger) if line[2] == "begin"]
    assert sorted(begun) == sorted(one.run_id for one in asked)
    assert most_at_once(ledger) == 3
    await home.close()


# --- locks --------------------------------------------------------------------------------------------


def counted(ledger: Path) -> Counter[str]:
    """What became of transactions, in all processes: done, or the error that made them be done again."""
    total: Counter[str] = Counter()
    for line in lines_of(ledger):
        if line[2] == "retries":
            total.update(line[3])
    return total


async def test_parents_and_children_of_two_workers_do_not_wait_in_a_circle(
    start: Start, postgres_url: str, ledger: Path
) -> None:
    """The server looks for a circle after a second: one for each of some ten ends would be the end of all speed."""
    home = home_at(postgres_url)
    await home.ready()
    asked = [request("family", b"3") for _ in range(150)]
    await home.enqueue(asked, None)
    workers = [start("work", postgres_url, 30, 10) for _ in range(2)]
    ends = await asyncio.gather(*[handle_of(home, one).result(timeout=WITHIN) for one in asked])
    assert {end.output for end in ends} == {8}
    for worker in workers:
        assert rest_of(worker) == ["working", "done"]
    assert counted(ledger)["DeadlockDetected"] <= 3
    await home.close()


async def test_everything_at_once_from_several_processes(
    start: Start, postgres_url: str, ledger: Path
) -> None:
    workers = [start("work", postgres_url, 30, 10) for _ in range(2)]
    clients = [start("strain", postgres_url, 6) for _ in range(2)]
    for process in (*workers, *clients):
        assert line_of(process) in ("working", "asking")
    home = home_at(postgres_url)
    await home.ready()
    while len(accepted := [one for one in lines_of(ledger) if one[2] == "accepted"]) < STRAINED:
        await home.backend.get([accepted[-1][3]] if accepted else [])
    for client in clients:
        assert rest_of(client) == ["done"]
    async with asyncio.timeout(WITHIN):
        await cast("SupportsIdle", home.backend).idle()
    for worker in workers:
        assert rest_of(worker) == ["done"]
    trees = [line[3] for line in lines_of(ledger) if line[2] == "accepted"]
    runs = [run for run in await home.backend.get(trees) if run is not None]
    assert len(runs) == len(trees)
    assert {str(run.status) for run in runs} <= {"COMPLETED", "CANCELED"}
    assert counted(ledger)["done"] > 0
    await home.close()


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


# --- clocks -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hours", [1, -1])
async def test_a_worker_whose_clock_is_wrong_goes_by_that_of_the_database(
    hours: int, start: Start, postgres_url: str, ledger: Path
) -> None:
    home = home_at(postgres_url)
    await home.ready()
    worker = start("work", postgres_url, 60, 10, hours=hours)  # no beat wakes it meanwhile
    assert line_of(worker) == "working"
    later = request("timed", b"null", delay_until=home.time() + timedelta(seconds=1))
    expiring = request("nobody-knows-it", b"null", ttl=1)
    again = request("again", b"null")
    began = time.monotonic()
    await home.enqueue([later, expiring, again], None)
    retried = await handle_of(home, again).result(timeout=WITHIN)
    assert (retried.status, retried.output) == ("COMPLETED", 2)
    expired = await handle_of(home, expiring).result(timeout=WITHIN)
    assert expired.status == "EXPIRED"
    timed = await handle_of(home, later).result(timeout=WITHIN)
    assert timed.output is not None
    assert 0.3 <= timed.output < 3
    assert rest_of(worker) == ["done"]
    (started,) = {line[0] for line in lines_of(ledger) if line[2:] == ["started", later.run_id]}
    assert 1 <= started - began < 4
    (counted,) = [line[3] for line in lines_of(ledger) if line[2] == "retries"]
    assert counted["done"] < 200  # it slept until something was due, and did not look all the time
    await home.close()


@pytest.mark.parametrize("hours", [1, -1])
async def test_a_delay_counts_by_the_clock_of_the_database(
    hours: int, start: Start, postgres_url: str
) -> None:
    async with opened(postgres_url) as backend:
        client = start("delay", postgres_url, hours=hours)
        (run,) = await backend.get([line_of(client)])
        assert rest_of(client) == []
        assert run is not None
        assert timedelta(seconds=0.9) < run.available_at - run.created_at < timedelta(seconds=2)


# --- what processes tell each other -------------------------------------------------------------------


def cut_listeners(server: PostgresServer) -> None:
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'taskkit' "
            "AND (query LIKE 'LISTEN%' OR query LIKE 'SELECT pg_notify%')"
        )


async def test_an_end_elsewhere_is_heard_of_without_a_connection_to_listen_on(
    runs_server: PostgresServer, postgres_url: str
) -> None:
    async with opened(postgres_url) as worker, opened(postgres_url) as backend:
        asked = request()
        await worker.enqueue([asked], batch_id=None, now=None)
        (lease,) = await worker.claim("worker", ClaimSpec(), limit=1, lease=60, now=None)
        end = asyncio.ensure_future(backend.end_of(asked.run_id))
        cut_listeners(runs_server)
        await worker.settle(lease, Completed(b"2"), now=None)
        settled = time.monotonic()
        run = await end
        assert run is not None
        assert run.status == "COMPLETED"
        assert time.monotonic() - settled < 3


async def test_no_cancel_is_lost_with_the_connection_that_tells_it(
    start: Start, runs_server: PostgresServer, postgres_url: str
) -> None:
    home = home_at(postgres_url)
    worker = start("work", postgres_url, 300, CANCELS)  # it beats every 100 s
    assert line_of(worker) == "working"
    await home.ready()
    asked = [request("held", b"null") for _ in range(CANCELS)]
    await home.enqueue(asked, None)
    for one in asked:
        while (await handle_of(home, one).retrieve()).status != "EXECUTING":
            pass
        cut_listeners(runs_server)
        await handle_of(home, one).cancel("enough")
    ends = await asyncio.gather(*[handle_of(home, one).result(timeout=WITHIN) for one in asked])
    assert {end.status for end in ends} == {"CANCELED"}
    assert rest_of(worker) == ["done"]
    await home.close()


async def test_schemas_of_one_database_know_nothing_of_each_other(
    new_postgres_url: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = new_postgres_url(), new_postgres_url()
    async with opened(here) as one, opened(there) as other, opened(there) as listener:
        told: list[str] = []
        pass_on = listener._bulletin._pass_on

        def hear(messages: Iterable[list[str]]) -> None:
            found = list(messages)
            told.extend(topic for message in found for topic in message)
            pass_on(found)

        monkeypatch.setattr(listener._bulletin, "_pass_on", hear)
        hidden, shown = request(), request()
        while not listener._bulletin._is_listening:
            await asyncio.sleep(0)
        await one.enqueue([hidden], batch_id=None, now=None)
        assert await other.get([hidden.run_id]) == [None]
        assert await other.claim("worker", ClaimSpec(), limit=9, lease=60, now=None) == []
        await other.enqueue([shown], batch_id=None, now=None)
        while run_topic(shown.run_id) not in told:  # which was told after the other
            await asyncio.sleep(0)
        assert run_topic(hidden.run_id) not in told
