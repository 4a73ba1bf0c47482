"""The tasks of `isolated_tasks.py`, in a registry of each test's own."""

import asyncio
import importlib.util
import os
import re
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from taskkit import Run, Task, config
from taskkit.definition.registry import REGISTRY
from taskkit.trigger.handle import RunHandle

_FILE = Path(__file__).with_name("isolated_tasks.py")


def loaded() -> ModuleType:
    if _FILE.stem not in sys.modules:
        spec = importlib.util.spec_from_file_location(_FILE.stem, _FILE)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[_FILE.stem] = importlib.util.module_from_spec(spec)
        with REGISTRY.isolated():
            spec.loader.exec_module(module)
    return sys.modules[_FILE.stem]


@pytest.fixture
def tasks() -> Iterator[Any]:
    module = loaded()
    with REGISTRY.isolated():
        config.reset()
        for value in vars(module).values():
            if isinstance(value, Task):
                REGISTRY.add(value.definition)
        yield module
    config.reset()


class Begun:
    """Waits until a body has said that it began; gives the run as it then was."""

    async def __call__(self, handle: RunHandle[Any]) -> Run:
        async for run in handle.subscribe():
            if "pid" in run.metadata or run.is_completed:
                return run
        raise AssertionError("the subscription ended")


@pytest.fixture
def begun() -> Begun:
    return Begun()


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "ledger"


@pytest.fixture
def lines(ledger: Path) -> Callable[[], list[str]]:
    """What the bodies and hooks have noted."""
    return lambda: ledger.read_text().splitlines() if ledger.exists() else []


@pytest.fixture
def state_of() -> Callable[[int], str]:
    """What has become of a process: "gone", or a word such as "zombie"."""

    def state(pid: int) -> str:
        status = Path(f"/proc/{pid}/status")
        try:
            found = re.search(r"^State:.*\((\w+)\)", status.read_text(), re.MULTILINE)
        except FileNotFoundError:
            return "gone"
        return "gone" if found is None else found[1]

    return state


@pytest.fixture
def left() -> Callable[[], tuple[set[str], set[str]]]:
    """The open files of this process, and its children."""

    def count() -> tuple[set[str], set[str]]:
        files = {path.name for path in Path("/proc/self/fd").iterdir()}
        threads = Path("/proc/self/task").iterdir()
        return files, {pid for one in threads for pid in (one / "children").read_text().split()}

    return count


@pytest.fixture
def end_of() -> Callable[[int], Awaitable[None]]:
    """Awaits the end of a process, which need not be a child of this one."""

    def end(pid: int) -> Awaitable[None]:
        process = os.pidfd_open(pid)
        ended = asyncio.Event()

        async def wait() -> None:
            await ended.wait()
            asyncio.get_running_loop().remove_reader(process)
            os.close(process)

        asyncio.get_running_loop().add_reader(process, ended.set)
        return wait()

    return end
