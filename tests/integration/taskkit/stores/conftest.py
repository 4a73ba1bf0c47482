"""The public API on each store: in memory, in a SQLite file, in a PostgreSQL database; some of it on Temporal too."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

import taskkit
from taskkit import Run, Worker
from taskkit.runtime import current_backend
from taskkit.trigger.handle import RunHandle

PROGRAM: Final = Path(__file__).with_name("program.py")
STORES: Final = ("memory", "sqlite", "postgres")
DURABLE: Final = STORES[1:]

Open = Callable[..., AbstractAsyncContextManager[Worker]]


@pytest.fixture(autouse=True)
def alone(isolated: None) -> None:
    """No task, setting or backend of one test is seen by the next."""


@pytest.fixture(scope="session")
def new_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], str]:
    """Makes the URL of a new store of this kind; a server is started by the first test that needs it."""

    def new(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path_factory.mktemp('store') / 'runs.db'}"
        new_url_of_server: Callable[[], str] = request.getfixturevalue(f"new_{kind}_url")
        return new_url_of_server()

    return new


@pytest.fixture(params=DURABLE)
async def url(request: pytest.FixtureRequest, new_url: Callable[[str], str]) -> AsyncIterator[str]:
    """A store that outlives its process, with nothing in it."""
    url = new_url(request.param)
    yield url
    await current_backend.close_those_here()
    current_backend.forget(url)


@pytest.fixture(params=STORES)
def work(request: pytest.FixtureRequest) -> Open:
    """Opens a worker on the store of this test, whichever that is."""
    if request.param == "memory":
        return lambda **options: taskkit.local(
            **{name: value for name, value in options.items() if name == "concurrency"}
        )
    make: Callable[[str], str] = request.getfixturevalue("new_url")
    url = make(request.param)
    return lambda **options: taskkit.worker(url, **{"drain": 0, **options})


@pytest.fixture
async def app(work: Open) -> AsyncIterator[Worker]:
    async with work() as worker:
        yield worker


class Reached:
    """Waits until somebody sees a run in this state, and gives the run as it then was."""

    async def __call__(self, handle: RunHandle[Any], is_there: Callable[[Run], bool]) -> Run:
        seen: list[str] = []
        async for run in handle.subscribe():
            if is_there(run):
                return run
            seen.append(str(run.status))
        raise AssertionError(f"run {handle.id} ended, and was never there: {seen}")


@pytest.fixture
def reached() -> Reached:
    return Reached()


class DueNow:
    """Moves the next tick of a schedule from some time in the future to this moment."""

    async def __call__(self, app: Worker, schedule_id: str) -> None:
        backend: Any = app.backend
        (record,) = await backend.get_schedules([schedule_id])
        moved = replace(record, next_at=datetime.now(UTC))
        assert await backend.put_schedule(moved) is not None


@pytest.fixture
def due_now() -> DueNow:
    return DueNow()


class Started:
    """A process of `program.py`, which speaks line by line."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.kill = process.kill

    async def heard(self) -> str:
        """Its next line; "" when it has ended."""
        return await asyncio.to_thread(self.said)

    def said(self) -> str:
        """The same for plain code."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().rstrip("\n")

    def tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    async def rest(self) -> list[str]:
        """What else it says until it ends; it ended well."""
        said, _ = await asyncio.to_thread(self._process.communicate, timeout=20)
        assert self._process.returncode == 0
        return said.splitlines()


def _started(processes: list["subprocess.Popen[str]"]) -> Callable[..., Started]:
    def start(*arguments: str, **environment: str) -> Started:
        process = subprocess.Popen(
            [sys.executable, str(PROGRAM), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        processes.append(process)
        return Started(process)

    return start


def _end(processes: list["subprocess.Popen[str]"]) -> None:
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def start() -> Iterator[Callable[..., Started]]:
    """Starts `program.py` with these arguments."""
    processes: list[subprocess.Popen[str]] = []
    yield _started(processes)
    _end(processes)


@pytest.fixture(params=DURABLE, scope="module")
def served(
    request: pytest.FixtureRequest, new_url: Callable[[str], str]
) -> Iterator[tuple[str, Started]]:
    """A store that a process works on which knows the tasks of `program.py`; for all tests of a module."""
    processes: list[subprocess.Popen[str]] = []
    url = new_url(request.param)
    process = _started(processes)("work", url)
    assert process.said() == "working"
    yield url, process
    _end(processes)


@pytest.fixture
async def other(served: tuple[str, Started]) -> AsyncIterator[Started]:
    """The process that works, while this one only asks."""
    url, process = served
    with taskkit.use_backend(url):
        yield process
    await current_backend.close_those_here()
    current_backend.forget(url)
