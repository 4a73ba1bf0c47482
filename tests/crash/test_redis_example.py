"""The backend of `examples/redis_backend` when workers, or the server, are killed."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

import taskkit
from benchmarks.redis import RedisServer, redis_server
from taskkit import RunHandle
from taskkit.model.exchange import run_topic
from taskkit.runtime.current_backend import close_those_here
from tests.crash.talk import Process, line_of

pytest.importorskip("redis", reason="redis is not installed")

from examples.redis_backend.redis_backend import RedisBackend  # needs it

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

ROOT = Path(__file__).resolve().parents[2]
WITHIN = 30.0
Start = Callable[[], Process]


@pytest.fixture
def server(redis_is_installed: None) -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture
def start(server: RedisServer) -> Iterator[Start]:
    """Start a worker process; it says which runs it enters."""
    processes: list[Process] = []

    def start() -> Process:
        command = [sys.executable, str(Path(__file__).with_name("redis_program.py"))]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(
            [*command, server.url, "crash"], stdout=subprocess.PIPE, text=True, env=environment
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
async def backend(server: RedisServer) -> AsyncIterator[RedisBackend]:
    """What this process triggers on and asks."""
    backend = RedisBackend(server.url, prefix="crash")
    yield backend
    await close_those_here()


async def trigger(path: Path, number: int) -> list[RunHandle[int]]:
    return [await taskkit.tasks.trigger("until-file", str(path)) for _ in range(number)]


async def test_runs_of_killed_workers_come_back_after_their_lease(
    backend: RedisBackend, start: Start, tmp_path: Path
) -> None:
    file = tmp_path / "go"
    with taskkit.use_backend(backend):
        handles = await trigger(file, 12)
        victims = [start(), start()]
        entered = {line_of(victim) for victim in victims for _ in range(4)}
        assert len(entered) == 8  # no run is in two hands
        for victim in victims:
            victim.send_signal(signal.SIGKILL)
        file.touch()
        start()
        results = [await handle.result(timeout=WITHIN) for handle in handles]
        runs = [await handle.retrieve() for handle in handles]
    assert [(result.status, result.output) for result in results] == [("COMPLETED", 1)] * 12
    killed = {word.split()[1] for word in entered}
    told = {run.id: (run.attempt, run.delivery, run.deaths) for run in runs}
    assert told == {run.id: (1, 2, 1) if run.id in killed else (1, 1, 0) for run in runs}


async def test_a_killed_server_that_is_back_has_what_it_had(
    server: RedisServer, backend: RedisBackend, start: Start, tmp_path: Path
) -> None:
    file = tmp_path / "go"
    with taskkit.use_backend(backend):
        handles = await trigger(file, 6)
        worker = start()
        for _ in range(4):
            line_of(worker)
        server.stop(signal.SIGKILL)
        server.start()
        file.touch()
        results = await asyncio.gather(*(handle.result(timeout=WITHIN) for handle in handles))
        assert {(result.status, result.output) for result in results} == {("COMPLETED", 1)}

        (late,) = await trigger(tmp_path / "never", 1)
        watch = backend.watch([run_topic(late.id)])
        await late.cancel()
        async with asyncio.timeout(WITHIN):
            assert await anext(watch) == run_topic(late.id)  # hints are heard again
        watch.close()
