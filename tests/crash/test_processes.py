"""Several processes on one store: who has a run, who holds a key, and what a killed process leaves."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from taskkit.backends.postgres import PostgresBackend
from taskkit.backends.sql.backend import SqlBackend
from taskkit.backends.sqlite import SqliteBackend
from taskkit.model.exchange import Enqueued, Manifest, RunFilter
from taskkit.model.ids import new_run_id
from taskkit.model.queue import Queue
from taskkit.model.request import TriggerRequest
from taskkit.runtime.home import Home
from taskkit.trigger.handle import RunHandle
from tests.crash.talk import WITHIN, Process, go_on, line_of, rest_of, signal_all

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

Start = Callable[..., Process]


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path, new_postgres_url: Callable[[], str]) -> str:
    return f"sqlite:///{tmp_path / 'runs.db'}" if request.param == "sqlite" else new_postgres_url()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def request(task: str = "hold", payload: bytes = b'"go"', **fields: object) -> TriggerRequest:
    return TriggerRequest(new_run_id(), task, payload, f"task/{task}", **fields)  # type: ignore[arg-type]  # fields of any type


def home_at(url: str) -> Home:
    return Home(lambda: backend_at(url), name=url)


def backend_at(url: str) -> SqlBackend:
    return (SqliteBackend if url.startswith("sqlite") else PostgresBackend).from_url(url)


async def opened(url: str) -> SqlBackend:
    backend = backend_at(url)
    await backend.open()
    return backend


async def test_each_run_is_claimed_by_one_process(start: Start, url: str) -> None:
    backend = await opened(url)
    requests = [request() for _ in range(60)]
    await backend.enqueue(requests, batch_id=None, now=None)
    claimed = signal_all([start("claim", url, f"worker-{n}") for n in range(2)])
    assert sorted(claimed[0] + claimed[1]) == sorted(one.run_id for one in requests)
    runs = await backend.get([one.run_id for one in requests])
    assert {run.delivery for run in runs if run is not None} == {1}
    await backend.close()


async def test_a_limit_holds_over_processes(start: Start, url: str) -> None:
    backend = await opened(url)
    queue = Queue("task/hold", concurrency_limit=5)
    await backend.register(Manifest(frozenset({"hold"}), {queue.name: queue}))
    await backend.enqueue([request() for _ in range(40)], batch_id=None, now=None)
    claimed = signal_all([start("claim", url, f"worker-{n}") for n in range(3)])
    assert sum(map(len, claimed)) == 5
    await backend.close()


async def test_racers_for_one_key_get_one_run(start: Start, url: str) -> None:
    keys, racers = (50, 16) if url.startswith("postgresql") else (5, 8)
    raced = signal_all([start("race", url, str(keys)) for _ in range(racers)])
    assert len(raced[0]) == len(set(raced[0])) == keys
    assert raced == [raced[0]] * racers
    backend = await opened(url)
    page = await backend.list(RunFilter(), cursor=None, limit=100)
    assert sorted(run.id for run in page.items) == sorted(raced[0])
    await backend.close()


async def test_a_killed_worker_loses_its_run_to_the_next(start: Start, url: str) -> None:
    home = home_at(url)
    await home.ready()
    asked = request(payload=b'"stay"')
    await home.enqueue([asked], None)
    first = start("work", url, "0.5")
    assert line_of(first) == "working"
    assert line_of(first) == f"entered stay {asked.run_id} 1"
    first.send_signal(signal.SIGKILL)
    first.wait()
    second = start("work", url, "0.5")
    assert line_of(second) == "working"
    assert line_of(second) == f"entered stay {asked.run_id} 1"  # the same attempt, after the lease
    (run,) = await home.backend.get([asked.run_id])
    assert run is not None
    assert (run.status, run.attempt, run.delivery, run.deaths) == ("EXECUTING", 1, 2, 1)
    assert rest_of(second) == []
    (run,) = await home.backend.get([asked.run_id])
    assert run is not None
    assert (run.status, run.deaths) == ("QUEUED", 1)  # given back at once, which is no death
    await home.close()


async def test_a_parent_that_waits_survives_its_worker(start: Start, url: str) -> None:
    home = home_at(url)
    await home.ready()
    asked = request("parent", b"1")
    await home.enqueue([asked], None)
    first = start("work", url, "0.5")
    assert [line_of(first), line_of(first)] == ["working", "entered parent"]
    first.send_signal(signal.SIGKILL)
    first.wait()
    second = start("work", url, "0.5")
    assert [line_of(second), line_of(second)] == ["working", "entered parent"]
    handle: RunHandle[int] = RunHandle(home, "parent", Enqueued(asked.run_id, "existing"))
    ended = await handle.result(timeout=WITHIN)
    assert (ended.status, ended.output) == ("COMPLETED", 5)
    assert isinstance(home.backend, SqlBackend)
    page = await home.backend.list(RunFilter(task=frozenset({"child"})), cursor=None, limit=9)
    assert sorted(run.payload for run in page.items) == [1, 2]  # no child was made twice
    assert rest_of(second) == []
    await home.close()


async def test_a_worker_that_stood_still_cannot_write_any_more(start: Start, url: str) -> None:
    home = home_at(url)
    await home.ready()
    asked = request("answer", b"null")
    await home.enqueue([asked], None)
    first = start("work", url, "0.5")
    assert [line_of(first), line_of(first)] == ["working", "entered answer 1"]
    first.send_signal(signal.SIGSTOP)
    second = start("work", url, "0.5")
    assert [line_of(second), line_of(second)] == ["working", "entered answer 1"]
    go_on(second)
    handle: RunHandle[int] = RunHandle(home, "answer", Enqueued(asked.run_id, "existing"))
    ended = await handle.result(timeout=WITHIN)
    assert (ended.status, ended.output) == ("COMPLETED", second.pid)
    first.send_signal(signal.SIGCONT)
    assert rest_of(first) == []
    run = await handle.retrieve()
    assert (run.output, run.delivery, run.deaths) == (second.pid, 2, 1)
    assert rest_of(second) == []
    await home.close()
