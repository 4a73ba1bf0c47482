"""A Databricks that is none: a double of its protocol over DuckDB, or in front of a real Spark.

The first shows what the driver says and hears, and Unity Catalog's information schema in shape; the second what
Spark's own SQL engine makes of the reader's statements. Neither is Unity Catalog.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from benchmarks.servers import end_process, free_port, program
from tests.doubles.environment import environment

ROOT = Path(__file__).parents[2]
TOKEN = "dapi-canary-71f3"
HTTP_PATH = "/sql/1.0/warehouses/abc"
_SPARK = "pyspark==3.5.6"


@dataclass
class DatabricksDouble:
    """A running double."""

    process: "subprocess.Popen[str]"
    port: int

    @property
    def host(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def credentials(self, **changes: Any) -> dict[str, Any]:
        known = {
            "type": "databricks",
            "server_hostname": self.host,
            "http_path": HTTP_PATH,
            "access_token": TOKEN,
        }
        return {name: one for name, one in {**known, **changes}.items() if one is not None}

    def ask(self, do: str, **more: Any) -> Any:
        body = json.dumps({"do": do, **more}).encode()
        with urllib.request.urlopen(f"{self.host}/control", body, timeout=30) as answer:
            return json.load(answer)

    def user(self, name: str, token: str) -> None:
        self.ask("user", name=name, token=token)

    def run(self, *statements: str, catalog: str = "workspace") -> None:
        self.ask("run", catalog=catalog, statements=list(statements))

    def told(self, user: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("told", user=user)
        return found

    def door(self, **changes: Any) -> None:
        self.ask("door", set=changes)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def databricks_double(*arguments: str) -> Iterator[DatabricksDouble]:
    """The double from the moment that it listens; ended when the block is."""
    command = [sys.executable, "-m", "tests.doubles.databricks_server", *arguments]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        double = DatabricksDouble(process, int(process.stdout.readline()))
        double.user("reader", TOKEN)
        yield double
    finally:
        process.stdin.close()
        process.kill()
        process.wait()
        process.stdout.close()


@contextmanager
def spark_thrift_server() -> Iterator[int]:
    """The port of a Spark Thrift Server in binary mode. Raises ServerMissingError."""
    java = program("/usr/lib/jvm/java-17-*/bin/java", "openjdk-17-jre-headless")
    python = environment("databricks", [_SPARK])
    (home,) = python.parents[1].glob("lib/python3*/site-packages/pyspark")
    folder, port = Path(mkdtemp(prefix="taskkit-spark-")), free_port()
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            _spark_command(home, folder, port), cwd=folder, stdout=output, stderr=output,
            stdin=subprocess.DEVNULL, env=_spark_environment(home, python, java),
        )  # fmt: skip
    try:
        _until_open(process, port, log)
        yield port
    finally:
        end_process(process, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


def _spark_command(home: Path, folder: Path, port: int) -> list[str]:
    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.warehouse.dir": f"{folder}/warehouse",
        "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={folder}/metastore;create=true",
        "spark.sql.session.timeZone": "America/New_York",  # so that a test sees that ours is UTC
        "spark.sql.shuffle.partitions": "1",
        "spark.hadoop.hive.server2.thrift.bind.host": "127.0.0.1",
        "spark.hadoop.hive.server2.thrift.port": str(port),
        "spark.hadoop.hive.server2.authentication": "NOSASL",
        "spark.hadoop.hive.server2.transport.mode": "binary",
    }
    options = [part for name, value in settings.items() for part in ("--conf", f"{name}={value}")]
    return [
        str(home / "bin" / "spark-submit"), "--master", "local[2]", "--driver-memory", "1g", *options, "--class",
        "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2", "spark-internal",
    ]  # fmt: skip


def _spark_environment(home: Path, python: Path, java: Path) -> dict[str, str]:
    known = {name: value for name, value in os.environ.items() if not name.startswith("SPARK")}
    return {
        **known,
        "JAVA_HOME": str(java.parents[1]),
        "SPARK_HOME": str(home),
        "PYSPARK_PYTHON": str(python),
        "SPARK_LOCAL_IP": "127.0.0.1",
    }


def _until_open(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    ends = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < ends:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"Spark did not start: {log.read_text(errors='replace')[-2_000:]}")
