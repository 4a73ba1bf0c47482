"""BigQuery for tests: local-bigquery in an environment of its own, on a free port of 127.0.0.1.

It has DuckDB behind it, whose extensions it would load from the network; they are put where it looks for them.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.servers import end_process, free_port
from tests.doubles.environment import environment

_DUCKDB = "1.5.5"
_EXTENSIONS = ("icu", "ducklake", "spatial")
_REQUIREMENTS = (
    "local-bigquery==0.4.0",
    " ".join(
        [
            "--no-deps",
            f"duckdb=={_DUCKDB}",
            *(f"duckdb-extension-{name}=={_DUCKDB}" for name in _EXTENSIONS),
        ]
    ),
)
_START_SECONDS = 60.0
PROJECT = "shop-project"


@dataclass(frozen=True)
class BigqueryServer:
    """A running server, and the process that it is."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def endpoint(self) -> str:
        """What `api_endpoint` wants."""
        return f"http://127.0.0.1:{self.port}"

    def credentials(self, **changes: object) -> dict[str, object]:
        """Credentials of a data source."""
        known: Mapping[str, object] = {
            "type": "bigquery",
            "project_id": PROJECT,
            "api_endpoint": self.endpoint,
        }
        return {**known, **changes}

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        """Carry the statements out one by one, as somebody who may write; the rows of the last."""
        with self.client() as client:
            rows: list[tuple[Any, ...]] = []
            for statement in statements:
                rows = [row.values() for row in client.query(statement).result()]
            return rows

    @contextmanager
    def client(self) -> Iterator[Any]:
        """Google's client, which may write."""
        from google.api_core.client_options import ClientOptions
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import bigquery

        options = ClientOptions(api_endpoint=self.endpoint)
        made = bigquery.Client(PROJECT, AnonymousCredentials(), client_options=options)
        try:
            yield made
        finally:
            made.close()


@contextmanager
def bigquery_server() -> Iterator[BigqueryServer]:
    """The server, from the moment that it answers. Raises ServerMissingError."""
    python = environment("bigquery", _REQUIREMENTS, python="3.13")
    folder = Path(tempfile.mkdtemp(prefix="taskkit-bigquery-"))
    try:
        _put_extensions(python, folder)
        port = free_port()
        command = [python.parent / "local-bigquery", "--host", "127.0.0.1", "--port", str(port)]
        command += ["--grpc-port", str(free_port()), "--project", PROJECT]
        command += ["--data-dir", folder / "data", "serve"]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [str(part) for part in command],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd=folder,
                env={**os.environ, "HOME": str(folder)},
            )
        try:
            _until_it_answers(port, process, folder / "log")
            yield BigqueryServer(port, process)
        finally:
            end_process(process, signal.SIGKILL)  # nothing of it is kept
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _put_extensions(python: Path, home: Path) -> None:
    target = home / ".duckdb" / "extensions" / f"v{_DUCKDB}" / "linux_amd64"
    target.mkdir(parents=True)
    packages = next((python.parents[1] / "lib").glob("python*/site-packages"))
    for name in _EXTENSIONS:
        (found,) = packages.glob(f"duckdb_extension_{name}/**/{name}.duckdb_extension")
        shutil.copy(found, target)


def _until_it_answers(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    ends = time.monotonic() + _START_SECONDS
    url = f"http://127.0.0.1:{port}/bigquery/v2/projects/{PROJECT}/datasets"
    while process.poll() is None and time.monotonic() < ends:
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"the server did not start: {log.read_text(errors='replace')[-2_000:]}")
