"""A real MariaDB server for tests and benchmarks, as `servers.py` has PostgreSQL's."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql

from benchmarks.servers import (
    _certificates,
    folder_for,
    free_port,
    give_to,
    program,
    run_as,
    running,
)

_ACCOUNT = "nobody"
_PACKAGE = "mariadb-server-core mariadb-client-core"
# Nothing has to outlive the machine: neither waiting for disks nor large logs.
_FAST = (
    "innodb-flush-method=nosync",
    "innodb-flush-log-at-trx-commit=0",
    "innodb-doublewrite=0",
    "innodb-log-file-size=8M",
    "aria-log-file-size=8M",
)
_SETTINGS = (
    *_FAST,
    "bind-address=127.0.0.1",
    "skip-name-resolve",
    "performance-schema=OFF",
    "innodb-buffer-pool-size=64M",
    "character-set-server=utf8mb4",
    "max-allowed-packet=64M",
    "ssl-cert={folder}/server.crt",
    "ssl-key={folder}/server.key",
    # a server that starts removes the temporary tables that it finds, those of others too
    "tmpdir={folder}",
)


@dataclass(frozen=True)
class MariadbServer:
    """A running MariaDB; `authority` is the certificate that stands behind its own, which is for 127.0.0.1 alone."""

    port: int
    process: subprocess.Popen[bytes]
    authority: str
    host: str = "127.0.0.1"
    user: str = "root"
    password: str = "secret"

    def credentials(self, database: str = "mysql", **changes: object) -> dict[str, object]:
        """Credentials of a data source."""
        known: dict[str, object] = {
            "type": "mysql", "host": self.host, "port": self.port, "database": database,
            "username": self.user, "password": self.password,
        }  # fmt: skip
        return {**known, **changes}

    def connect(self, database: str | None = None, **changes: Any) -> Any:
        """A connection of the administrator."""
        options = {"user": self.user, "password": self.password, **changes}
        return pymysql.connect(
            host=self.host, port=self.port, database=database, autocommit=True, charset="utf8mb4",
            ssl_disabled=True, **options,
        )  # fmt: skip

    def run(self, *statements: str, database: str | None = None) -> list[tuple[Any, ...]]:
        """Carry out these statements as the administrator; the rows of the last one."""
        with closing(self.connect(database)) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def dsn(self, database: str) -> str:
        """The same for SQLAlchemy."""
        return f"mysql+pymysql://{self.user}:{self.password}@{self.host}:{self.port}/{database}"


@contextmanager
def mariadb_server(*settings: str) -> Iterator[MariadbServer]:
    """A MariaDB server with these settings (`name=value`). Raises ServerMissingError."""
    mariadbd = program("/usr/sbin/mariadbd", _PACKAGE)
    installer = program("/usr/bin/mariadb-install-db", _PACKAGE)
    with folder_for(_ACCOUNT) as folder:
        authority = _certificates(folder)
        for path in folder.iterdir():
            give_to(_ACCOUNT, path)
        _install(installer, folder)
        port = free_port()
        command = [mariadbd, "--no-defaults", f"--datadir={folder / 'data'}", f"--port={port}"]
        command += [f"--socket={folder / 'socket'}", f"--pid-file={folder / 'pid'}"]
        command += [f"--{one.format(folder=folder)}" for one in (*_SETTINGS, *settings)]
        # what it would write at a gentle end is thrown away with the folder
        with running(_ACCOUNT, command, port, folder / "log", signal.SIGKILL) as process:
            server = MariadbServer(port, process, authority)
            with closing(server.connect(password="")) as connection:
                connection.query(f"SET PASSWORD = PASSWORD('{server.password}')")
            yield server


def _install(installer: Path, folder: Path) -> None:
    run_as(_ACCOUNT, [
        installer, "--no-defaults", f"--datadir={folder / 'data'}", "--skip-test-db",
        "--auth-root-authentication-method=normal", *(f"--{setting}" for setting in _FAST),
    ])  # fmt: skip


__all__ = ["MariadbServer", "mariadb_server"]
