"""A Redis server for tests, from Debian's package redis-server: on a free port, in a folder that goes with it."""

from __future__ import annotations

import shutil
import signal
import subprocess
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
from benchmarks.temporal import current_user


@dataclass
class RedisServer:
    """A running server that writes each change down before it answers; started again it has what it had."""

    port: int
    process: subprocess.Popen[bytes]
    folder: Path
    command: Sequence[str | Path]

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def stop(self, number: signal.Signals) -> None:
        """End it with this signal, in order (SIGTERM) or not (SIGKILL)."""
        end_process(self.process, number)

    def start(self) -> None:
        """Start it again on the same port and the same data; it returns when it answers."""
        log = self.folder / "log"
        self.process = start_process(current_user(), self.command, self.port, log, is_new=False)
        self.until_it_answers()

    def until_it_answers(self) -> None:
        asked = ["-e", "-h", "127.0.0.1", "-p", str(self.port), "ping"]
        until_ready([redis_program().with_name("redis-cli"), *asked])


def redis_program() -> Path:
    """Raises ServerMissingError where it is not installed."""
    found = shutil.which("redis-server")
    if found is None:
        raise ServerMissingError("redis-server is missing. Run: apt-get install redis-server")
    return Path(found)


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    """A server with an append-only file. Raises ServerMissingError."""
    program, port = redis_program(), free_port()
    with folder_for(current_user()) as folder:
        command: list[str | Path] = [
            program, "--bind", "127.0.0.1", "--port", str(port), "--dir", folder, "--save", "",
            "--appendonly", "yes", "--appendfsync", "always",
        ]  # fmt: skip
        process = start_process(current_user(), command, port, folder / "log")
        server = RedisServer(port, process, folder, command)
        try:
            server.until_it_answers()
            yield server
        finally:
            server.stop(signal.SIGTERM)
