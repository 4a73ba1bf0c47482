"""A folder with tasks, and the command line as a process of its own in it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from taskkit import config
from taskkit.cli.entry import status_after
from taskkit.definition.registry import REGISTRY
from taskkit.runtime import current_backend

TASKS = """
import asyncio
import sys
import time

from pydantic import BaseModel

from taskkit import AbortTaskRunError, Cron, Queue, Retry, logger, metadata, schedules, task


class Person(BaseModel):
    name: str
    age: int = 3


@task(id="greet", description="Says hello")
async def greet(payload: Person) -> dict[str, object]:
    print("printed by the task")
    return {"hello": payload.name, "size": "größe"}


@task(id="echo")
async def echo(payload: object) -> object:
    return payload


@task(id="import", queue=Queue("imports", concurrency_limit=2), max_duration=300)
async def import_orders(payload: int) -> int:
    for done in range(1, payload + 1):
        metadata.set("progress", done / payload).set("phase", "importing").set("rows", done * 10)
        logger.info("imported", part=done)
        await metadata.flush()
    return payload


@task(id="fails", retry=Retry(max_attempts=2, min_timeout=0, randomize=False))
async def fails() -> None:
    deeper()


def deeper() -> None:
    raise ValueError("the file is empty")


@task(id="waits", retry=None)
async def waits() -> None:
    print("ready", file=sys.stderr, flush=True)
    await asyncio.sleep(60)


@waits.on_cancel
def on_cancel() -> None:
    print("on_cancel ran")


@waits.cleanup
def cleanup() -> None:
    print("cleanup ran")


@task(id="ignores", retry=None)
async def ignores() -> None:
    print("ready", file=sys.stderr, flush=True)
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            print("no")


@task(id="blocks", retry=None)
async def blocks() -> None:
    print("ready", file=sys.stderr, flush=True)
    time.sleep(60)


@schedules.task(id="report", cron=Cron("0 9 * * MON-FRI", timezone="Europe/Berlin"))
async def report(payload: object) -> None: ...
"""

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(TASKS, encoding="utf-8")
    return tmp_path


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "taskkit.cli", *arguments]


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TASKKIT_")}
    return {**kept, "PYTHONIOENCODING": "utf-8", **more}


@pytest.fixture
def taskkit_cli(shop: Path) -> Run:
    """Runs a command line to its end, with the module `shop` unless `app` names others."""

    def run(
        *arguments: str,
        app: str | None = "shop",
        stdin: str | None = None,
        env: dict[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        apps = () if app is None else ("--app", app)
        return subprocess.run(
            command(*arguments, *apps),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            encoding="utf-8",
            cwd=shop,
            env=environment(**(env or {})),
            timeout=20,
            check=False,
        )

    return run


@dataclass
class Called:
    """How a command line ended that was called in this process."""

    status: int
    stdout: str
    stderr: str


@pytest.fixture
def call_cli(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Called]]:
    """The same as `taskkit_cli` without a process of its own."""
    monkeypatch.chdir(shop)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in [name for name in os.environ if name.startswith("TASKKIT_")]:
        monkeypatch.delenv(name)

    def call(*arguments: str, app: str | None = "shop.py") -> Called:
        with REGISTRY.isolated():
            config.reset()
            apps = () if app is None else ("--app", app)
            before = set(sys.modules)
            status = status_after([*arguments, *apps])
            current_backend.forget("shelf://here")
            for name in set(sys.modules) - before:
                if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(shop)):
                    del sys.modules[name]
        return Called(status, *capfd.readouterr())

    yield call
    config.reset()


class Started:
    """A command that runs; its task has said that it is ready."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.send_signal = process.send_signal

    def next_line(self) -> str:
        """The next line on stderr."""
        assert self._process.stderr is not None
        return self._process.stderr.readline()

    def is_over_within(self, seconds: float) -> bool:
        try:
            self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def ended(self) -> tuple[int, str, str]:
        """Status, stdout, and what is left of stderr, once it has ended."""
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        return (
            self._process.wait(timeout=10),
            self._process.stdout.read(),
            self._process.stderr.read(),
        )


@pytest.fixture
def cli_process(shop: Path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Starts a command line, which ends with the test."""
    processes: list[subprocess.Popen[str]] = []
    # A shell lets what it starts in the background ignore this, and who ignores it hands that on.
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def start(*arguments: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            command(*arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            cwd=shop,
            env=environment(),
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        with process:
            process.kill()


@pytest.fixture
def start_cli(cli_process: Callable[..., "subprocess.Popen[str]"]) -> Callable[..., Started]:
    """Starts `taskkit run TASK` and waits until the task itself says that it is ready."""

    def start(task: str, *more: str) -> Started:
        started = Started(cli_process("run", task, "--app", "shop", *more))
        line = started.next_line()
        assert line == "ready\n", line
        return started

    return start


SHELF = '''
"""A backend that others serve, as far as one process can tell: some runs are over, one is queued."""

import sys
from datetime import UTC, datetime

from taskkit.backends.base import Capability
from taskkit.backends.memory import MemoryBackend
from taskkit.model.error_info import ErrorInfo
from taskkit.model.exchange import ClaimSpec, Completed, Entry, EntryKind, Failed, Manifest
from taskkit.model.request import TriggerRequest


class Shelf(MemoryBackend):
    capabilities = MemoryBackend.capabilities | {Capability.SHARED}

    @classmethod
    def from_url(cls, url):
        if "down" in url:
            raise ConnectionRefusedError(111, "Connection refused")
        return cls()

    async def open(self):
        await super().open()
        await self._end("run_good", "greet", Completed(b'{"hello":"Ada"}'))
        await self._end("run_bad", "greet", Failed(ErrorInfo("BUILT_IN_ERROR", "KeyError", "lost")))
        await super().enqueue([self._request("run_open", "greet")], batch_id=None, now=None)

    def _request(self, run_id, task_id):
        return TriggerRequest(run_id, task_id, b'{"name":"Ada"}', f"task/{task_id}", tags=("vip",))

    async def _end(self, run_id, task_id, outcome):
        await super().enqueue([self._request(run_id, task_id)], batch_id=None, now=None)
        [lease] = await self.claim("w", ClaimSpec(), limit=1, lease=30, now=None)
        record = {"level": "warn", "message": f"end of {run_id}", "properties": {"n": 1}, "attempt": 1}
        entry = Entry(EntryKind.LOG, record, at=datetime.now(UTC))
        await self.append(run_id, [entry], flush_id=run_id, lease=lease)
        await self.settle(lease, outcome, now=None)

    async def enqueue(self, requests, *, batch_id, now):
        answers = await super().enqueue(requests, batch_id=batch_id, now=now)
        print("ready", file=sys.stderr, flush=True)
        return answers
'''


@pytest.fixture
def shelf(shop: Path) -> str:
    """The URL of a backend with runs, installed where the commands run."""
    (shop / "shelf.py").write_text(SHELF, encoding="utf-8")
    installed = shop / "shelf-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: shelf\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text("[taskkit.backends]\nshelf = shelf:Shelf\n")
    return "shelf://here"
