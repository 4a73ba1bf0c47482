"""`taskkit worker` as a process: what a signal ends, what a poisonous run does to it, and what is left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from taskkit.backends.sqlite import SqliteBackend
from taskkit.model.ids import new_run_id
from taskkit.model.request import TriggerRequest
from taskkit.model.run import FINAL, Run

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

TASKS = Path(__file__).with_name("worker_tasks.py")
WITHIN = 30.0
LEASE = 300.0  # so long that nothing here happens because one has ended
CLAIMS_END = 0.5


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class WorkerProcess:
    """`taskkit worker`, and the lines that it and its tasks have said."""

    def __init__(self, url: str, *arguments: str) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("TASKKIT_")}
        command = [sys.executable, "-m", "taskkit.cli", "worker", "--app", str(TASKS)]
        self.process = subprocess.Popen(
            [*command, "--backend", url, "-o", "json", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,  # what its tasks print goes there
            text=True,
            env=environment,
        )
        self.lines: list[str] = []

    def line(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        assert line, f"it has ended after {self.lines}"
        self.lines.append(line)
        return line

    def until_said(self, start: str) -> str:
        """The first line that begins so, said or yet to come; a run may be entered before the worker speaks."""
        seen = 0
        while True:
            for line in self.lines[seen:]:
                if line.startswith(start):
                    return line
            seen = len(self.lines)
            self.line()

    def until_event(self, name: str) -> dict[str, Any]:
        return dict(json.loads(self.until_said(f'{{"event": "{name}"')))

    def signal(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def ended(self) -> int:
        """Its exit status, once it has said everything."""
        assert self.process.stdout is not None
        self.lines += [line.strip() for line in self.process.stdout]
        return self.process.wait(WITHIN)


Start = Callable[..., WorkerProcess]


@pytest.fixture
def start(url: str) -> Iterator[Start]:
    started: list[WorkerProcess] = []

    def start(*arguments: str) -> WorkerProcess:
        if "--lease" not in arguments:
            arguments += ("--lease", f"{LEASE:g}")
        started.append(WorkerProcess(url, *arguments))
        return started[-1]

    yield start
    for worker in started:
        worker.process.kill()
        worker.process.communicate()


class Store:
    """What the file says, and a way to put something in."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def trigger(self, task: str, payload: object = None, **fields: Any) -> str:
        backend = await self._opened()
        request = TriggerRequest(
            new_run_id(), task, json.dumps(payload).encode(), f"task/{task}", **fields
        )
        await backend.enqueue([request], batch_id=None, now=None)
        await backend.close()
        return request.run_id

    async def run(self, run_id: str) -> Run:
        backend = await self._opened()
        (found,) = await backend.get([run_id])
        await backend.close()
        assert found is not None
        return found

    async def _opened(self) -> SqliteBackend:
        backend = SqliteBackend.from_url(self._url)
        await backend.open()
        return backend


@pytest.fixture
def store(url: str) -> Store:
    return Store(url)


async def test_after_a_signal_nothing_is_claimed_and_the_rest_given_back_at_once(
    start: Start, store: Store
) -> None:
    long = await store.trigger("long")
    first = start("--drain", "1")
    assert first.until_event("started")["tasks"] == ["long", "poison", "quick", "until-file"]
    first.until_said("entered long 1")
    signaled = time.monotonic()
    first.signal()
    assert first.until_event("stopping")["running"] == 1
    assert time.monotonic() - signaled < CLAIMS_END
    late = await store.trigger("quick")  # while it drains, with nine slots free
    assert first.until_event("stopped")["given_back"] == 1
    assert first.ended() == 0
    assert "cleaned long" in first.lines
    run, other = await store.run(long), await store.run(late)
    assert (run.status, run.attempt, run.delivery, run.deaths) == ("QUEUED", 1, 1, 0)
    assert (other.status, other.delivery) == ("QUEUED", 0)

    second = start("--drain", "0")
    second.until_said("entered long 1")  # the same attempt
    assert time.monotonic() - signaled < LEASE / 4
    run = await store.run(long)
    assert (run.status, run.attempt, run.delivery, run.deaths) == ("EXECUTING", 1, 2, 0)
    second.signal()
    assert second.ended() == 0


async def test_what_ends_while_the_worker_drains_is_recorded(
    start: Start, store: Store, tmp_path: Path
) -> None:
    file = tmp_path / "go"
    run_id = await store.trigger("until-file", str(file))
    worker = start("--drain", f"{WITHIN:g}")
    worker.until_said("entered until-file")
    worker.signal()
    worker.until_event("stopping")
    file.touch()
    assert worker.until_event("stopped")["given_back"] == 0
    assert worker.ended() == 0
    run = await store.run(run_id)
    assert (run.status, run.output) == ("COMPLETED", "saw it")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_gives_back_without_waiting(
    number: int, start: Start, store: Store
) -> None:
    run_id = await store.trigger("long")
    worker = start("--drain", f"{LEASE:g}")
    worker.until_said("entered long")
    worker.signal(number)
    worker.until_event("stopping")
    worker.signal(number)
    assert worker.ended() == 0
    run = await store.run(run_id)
    assert (run.status, run.attempt, run.deaths) == ("QUEUED", 1, 0)


async def test_an_idle_worker_stops_at_once(start: Start) -> None:
    worker = start("--drain", f"{LEASE:g}")
    worker.until_event("started")
    worker.signal()
    assert worker.until_event("stopped")["given_back"] == 0
    assert worker.ended() == 0


async def test_a_run_that_kills_its_workers_ends_crashed(start: Start, store: Store) -> None:
    poison = await store.trigger("poison", max_attempts=2)
    for death in range(3):
        worker = start("--lease", "0.3")
        worker.until_said("entered poison 1")  # a death is no attempt
        assert worker.ended() == 7
        assert (await store.run(poison)).deaths == death  # known when the lease has ended
    worker = start("--lease", "0.3")
    while (run := await store.run(poison)).status not in FINAL:
        pass  # the worker says nothing of it
    assert (run.status, run.attempt, run.deaths) == ("CRASHED", 1, 3)
    assert run.error is not None
    quick = await store.trigger("quick")
    worker.until_said(f"entered quick {quick}")
    worker.signal()
    assert worker.ended() == 0
    assert not any(line.startswith("entered poison") for line in worker.lines)
