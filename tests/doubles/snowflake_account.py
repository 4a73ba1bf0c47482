"""A stand-in for Snowflake on a free port of 127.0.0.1, in a process and an environment of its own."""

import getpass
import json
import signal
import sys
import tempfile
import urllib.request
import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import Any

from benchmarks.servers import end_process, free_port, start_process
from tests.doubles.environment import environment

REQUIREMENTS = ("fakesnow[server]==0.12.1", "snowflake-connector-python<5")
PASSWORD = "canary-p4ss"


@dataclass(frozen=True, slots=True)
class SnowflakeServer:
    """A running stand-in, which takes every user that has the password."""

    port: int
    process: Popen[bytes] | None = None
    password: str = PASSWORD

    @property
    def url(self) -> str:
        """What `custom_host` has to be."""
        return f"http://127.0.0.1:{self.port}"

    def credentials(self, database: str, **changes: object) -> dict[str, object]:
        """Credentials of a data source."""
        known: dict[str, object] = {
            "type": "snowflake", "account_id": "acme-test", "warehouse_id": "READING", "username": "READER",
            "password": self.password, "default_database": database, "custom_host": self.url,
        }  # fmt: skip
        if {"access_token", "private_key", "client_id"} & changes.keys():
            del known["password"]
        return {**known, **changes}

    def run(self, *statements: str, database: str | None = None) -> list[tuple[Any, ...]]:
        """The rows of the last statement, as the administrator."""
        import snowflake.connector

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the driver says what later versions will do
            connection = snowflake.connector.connect(
                user="ADMIN", password=self.password, account="acme-test", host="127.0.0.1", port=self.port,
                protocol="http", database=database, session_parameters={"CLIENT_TELEMETRY_ENABLED": False},
            )  # fmt: skip
            with closing(connection), closing(connection.cursor()) as cursor:
                rows: list[Any] = []
                for statement in statements:
                    rows = cursor.execute(statement).fetchall()
        return rows

    def state(self) -> dict[str, Any]:
        """Who is logged in (`sessions`), what runs (`running`), what was asked (`asked`)."""
        with urllib.request.urlopen(f"{self.url}/state", timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
        return found


@contextmanager
def snowflake_server(password: str = PASSWORD) -> Iterator[SnowflakeServer]:
    """A stand-in for Snowflake. Raises ServerMissingError."""
    python = environment("snowflake", REQUIREMENTS)
    script = Path(__file__).with_name("snowflake_server.py")
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        command: Sequence[str | Path] = [python, script, str(port), password]
        process = start_process(getpass.getuser(), command, port, Path(folder) / "log")
        try:
            yield SnowflakeServer(port, process, password)
        finally:
            end_process(process, signal.SIGKILL)


if __name__ == "__main__":
    with snowflake_server() as server:
        print(server.url, flush=True)
        sys.stdin.read()
