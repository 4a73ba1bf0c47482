"""A `taskkit worker` in a process of its own, and what it says."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

Process = subprocess.Popen[str]


@contextmanager
def worker_process(url: str, app: Path, **environment: str | Path) -> Iterator[Process]:
    """It reads from a pipe, says what it does as JSON, and is killed in the end."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("TASKKIT_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "taskkit.cli", "worker", "--app", app, "--backend", url, "-o", "json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**inherited, **{name: str(value) for name, value in environment.items()}},
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


async def until_said(process: Process, words: str) -> list[str]:
    """The lines up to the first that has these words."""
    assert process.stdout is not None
    lines: list[str] = []
    while not lines or words not in lines[-1]:
        line = await asyncio.to_thread(process.stdout.readline)
        assert line, f"it has ended after {lines}"
        lines.append(line.strip())
    return lines
