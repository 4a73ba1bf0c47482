"""Real processes that share one SQLite file, and end before the test does."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Start = Callable[..., "subprocess.Popen[str]"]
PROGRAM = Path(__file__).with_name("program.py")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'runs.db'}"


@pytest.fixture
def start() -> Iterator[Start]:
    """Start `program.py` with these arguments; it speaks on its standard output."""
    processes: list[subprocess.Popen[str]] = []

    def start(*args: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, str(PROGRAM), *args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()
