"""Real database servers for tests and benchmarks: on a free port of 127.0.0.1, in a folder that goes with them.

They are Debian's packages, run as the unprivileged user that the package made where we are root, else as ourselves.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

_START_SECONDS = 60.0
_STOP_SECONDS = 20.0


class ServerMissingError(Exception):
    """The server's programs are not installed."""


def program(pattern: str, package: str) -> Path:
    """The newest program whose path matches. Raises ServerMissingError with the package that has it."""
    found = sorted(Path("/").glob(pattern.lstrip("/")))
    if not found:
        raise ServerMissingError(f"{pattern} is missing. Run: apt-get install {package}")
    return found[-1]


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def folder_for(user: str) -> Iterator[Path]:
    """A temporary folder of this user, who may be the only one that can start a server in it."""
    folder = Path(tempfile.mkdtemp(prefix="taskkit-"))
    try:
        give_to(user, folder)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def give_to(user: str, path: Path) -> None:
    """Make the user the path's owner; nothing when we are not root, and it is ours already."""
    if os.geteuid() == 0:
        account = pwd.getpwnam(user)
        os.chown(path, account.pw_uid, account.pw_gid)


def run_as(user: str, command: Sequence[str | Path]) -> str:
    """What the command prints, run as this user. Raises CalledProcessError."""
    done = subprocess.run(_as(user, command), check=True, capture_output=True, text=True, cwd="/")
    return done.stdout


@contextmanager
def running(
    user: str, command: Sequence[str | Path], port: int, log: Path, stop: signal.Signals
) -> Iterator[subprocess.Popen[bytes]]:
    """The server as a process, from the moment that its port is open; ended with the signal, by its own number."""
    process = start_process(user, command, port, log)
    try:
        yield process
    finally:
        end_process(process, stop)


def start_process(
    user: str, command: Sequence[str | Path], port: int, log: Path, *, is_new: bool = True
) -> subprocess.Popen[bytes]:
    """Returns when its port is open; the log of one that is not new is added to."""
    with log.open("wb" if is_new else "ab") as output:
        process = subprocess.Popen(
            _as(user, command), stdout=output, stderr=output, stdin=subprocess.DEVNULL, cwd="/"
        )
    try:
        _wait_for(process, port, log)
    except BaseException:
        end_process(process, signal.SIGKILL)
        raise
    return process


def end_process(process: subprocess.Popen[bytes], stop: signal.Signals) -> None:
    """Returns when it has ended; it is killed where the signal does not end it."""
    if process.poll() is None:
        process.send_signal(stop)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _as(user: str, command: Sequence[str | Path]) -> list[str]:
    plain = [str(part) for part in command]
    if os.geteuid() != 0:
        return plain
    group = pwd.getpwnam(user).pw_gid
    # setpriv becomes the command, so its number is that of the server
    return ["setpriv", f"--reuid={user}", f"--regid={group}", "--init-groups", *plain]


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    ends = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < ends:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"the server did not start: {log.read_text(errors='replace')[-2_000:]}")


def until_ready(command: Sequence[str | Path]) -> None:
    """Wait until the command says so: an open port is not yet a server that takes connections."""
    ends = time.monotonic() + _START_SECONDS
    asked, unseen = [str(part) for part in command], subprocess.DEVNULL
    while subprocess.run(asked, check=False, stdout=unseen, stderr=unseen).returncode != 0:
        if time.monotonic() > ends:
            raise RuntimeError("the server takes no connections")
        time.sleep(0.02)


StopMode: TypeAlias = Literal["fast", "immediate", "kill"]
_STOPS: Mapping[StopMode, signal.Signals] = {
    "fast": signal.SIGINT,
    "immediate": signal.SIGQUIT,
    "kill": signal.SIGKILL,
}


@dataclass
class PostgresServer:
    """A running PostgreSQL; `authority` is the certificate that stands behind its own, which is for 127.0.0.1 alone."""

    port: int
    process: subprocess.Popen[bytes]
    folder: Path
    authority: str
    command: Sequence[str | Path]
    host: str = "127.0.0.1"
    user: str = "postgres"
    password: str = "secret"

    def credentials(self, database: str = "postgres", **changes: object) -> dict[str, object]:
        """Credentials of a data source."""
        known: Mapping[str, object] = {
            "type": "postgres", "host": self.host, "port": self.port, "database": database,
            "username": self.user, "password": self.password,
        }  # fmt: skip
        return {**known, **changes}

    def dsn(self, database: str = "postgres") -> str:
        """The same for libpq."""
        return f"host={self.host} port={self.port} user={self.user} password={self.password} dbname={database}"

    def url(self, database: str = "postgres") -> str:
        """The same as a backend's URL."""
        return f"postgresql://{self.user}:{self.password}@{self.host}:{self.port}/{database}"

    def restart(self, mode: StopMode) -> None:
        """Stop it in this way, and start it on the same data and the same port."""
        self.stop(mode)
        self.start()

    def stop(self, mode: StopMode) -> None:
        """End sessions and write everything (fast), as a crash does (immediate), or kill it without its children."""
        if self.process.poll() is None:
            self.process.send_signal(_STOPS[mode])
        self.process.wait(_STOP_SECONDS)

    def start(self) -> None:
        """Start it again; it returns when connections are taken, after the recovery from a crash."""
        ends = time.monotonic() + _START_SECONDS
        while True:
            log = self.folder / "log"
            with log.open("ab") as output:
                self.process = subprocess.Popen(
                    _as("postgres", self.command),
                    stdout=output,
                    stderr=output,
                    stdin=subprocess.DEVNULL,
                    cwd="/",
                )
            try:
                _wait_for(self.process, self.port, log)
                break
            except RuntimeError:  # children of one that was killed still hold its memory
                if self.process.poll() is None or time.monotonic() > ends:
                    raise
                time.sleep(0.02)
        until_ready(self._is_ready())

    def _is_ready(self) -> list[str | Path]:
        folder = Path(self.command[0]).parent
        return [folder / "pg_isready", "-q", "-h", self.host, "-p", str(self.port)]


@contextmanager
def postgres_server(*settings: str) -> Iterator[PostgresServer]:
    """A PostgreSQL server with these settings (`name=value`). Raises ServerMissingError."""
    postgres = program("/usr/lib/postgresql/*/bin/postgres", "postgresql")
    with folder_for("postgres") as folder:
        authority = _certificates(folder)
        (folder / "password").write_text(PostgresServer.password)
        for path in folder.iterdir():
            give_to("postgres", path)
        _make_cluster(postgres.parent / "initdb", folder)
        port = free_port()
        command: list[str | Path] = [postgres, "-D", folder / "data"]
        for setting in (*_POSTGRES_SETTINGS, *settings, f"port={port}"):
            command += ["-c", setting.format(folder=folder)]
        with running("postgres", command, port, folder / "log", signal.SIGQUIT) as process:
            server = PostgresServer(port, process, folder, authority, command)
            until_ready(server._is_ready())
            try:
                yield server
            finally:
                server.stop("immediate")


_POSTGRES_SETTINGS = (
    "listen_addresses=127.0.0.1",
    "unix_socket_directories={folder}",
    "fsync=off",
    "full_page_writes=off",
    "autovacuum=off",
    "max_locks_per_transaction=2048",
    "ssl=on",
    "ssl_cert_file={folder}/server.crt",
    "ssl_key_file={folder}/server.key",
    "log_line_prefix=[%p] ",
)


def _make_cluster(initdb: Path, folder: Path) -> None:
    run_as("postgres", [
        initdb, "-D", folder / "data", "--auth=scram-sha-256", "--username=postgres", "--no-sync",
        f"--pwfile={folder / 'password'}", "--encoding=UTF8", "--locale=C.UTF-8",
    ])  # fmt: skip


def _certificates(folder: Path) -> str:
    """Put a certificate for 127.0.0.1 and its key into the folder; the certificate behind it as text."""
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    authority = [
        "-keyout",
        folder / "ca.key",
        "-out",
        folder / "ca.crt",
        "-subj",
        "/CN=test authority",
    ]
    server = [
        "-keyout",
        folder / "server.key",
        "-out",
        folder / "server.crt",
        "-subj",
        "/CN=server",
    ]
    signed = [
        "-CA",
        folder / "ca.crt",
        "-CAkey",
        folder / "ca.key",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
    ]
    for more in (authority, [*server, *signed]):
        command = ["openssl", "req", "-x509", *key, *more]
        subprocess.run([str(part) for part in command], check=True, capture_output=True)
    (folder / "server.key").chmod(0o600)
    return (folder / "ca.crt").read_text()
