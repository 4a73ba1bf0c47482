import asyncio
import itertools
import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from benchmarks.servers import PostgresServer, postgres_server
from buster_tasks.sources import connect
from buster_tasks.sources.redshift import RedshiftSource
from tests.doubles.redshift_catalog import CATALOG
from tests.doubles.redshift_proxy import RedshiftProxy, redshift_proxy

_numbers = itertools.count()

MakeDatabase = Callable[..., str]


@dataclass
class Redshift:
    """The double: PostgreSQL with Redshift's catalog, behind the proxy; `authority` stands behind its certificate."""

    server: PostgresServer
    proxy: RedshiftProxy
    certificate: Path
    authority: str

    def credentials(self, database: str = "postgres", **changes: object) -> dict[str, object]:
        known = self.server.credentials(database, type="redshift", port=self.proxy.port)
        return {**known, "ssl": {"ca": self.authority}, **changes}

    def run(self, database: str, *statements: str) -> None:
        """As the administrator, straight to the server."""
        with psycopg.connect(self.server.dsn(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def tell(self, database: str, schema: str, table: str, kind: str, **facts: Any) -> None:
        """What PostgreSQL's own catalog has not."""
        with psycopg.connect(self.server.dsn(database), autocommit=True) as connection:
            connection.execute(
                "INSERT INTO pg_catalog.double_facts VALUES (%s, %s, %s, %s)",
                [schema, table, kind, json.dumps(facts)],
            )


def certificates(folder: Path) -> tuple[Path, str]:
    """A certificate for 127.0.0.1 with its key in one file, and its authority as text."""
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    signed = ["-CA", "ca.crt", "-CAkey", "ca.key", "-addext", "subjectAltName=IP:127.0.0.1"]
    for more in (
        ["-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=test authority of Redshift"],
        ["-keyout", "own.key", "-out", "own.crt", "-subj", "/CN=cluster", *signed],
    ):
        command = ["openssl", "req", "-x509", *key, *more]
        subprocess.run(command, check=True, capture_output=True, cwd=folder)
    both = folder / "both.pem"
    both.write_text((folder / "own.crt").read_text() + (folder / "own.key").read_text())
    return both, (folder / "ca.crt").read_text()


def log_in_by_md5(server: PostgresServer) -> None:
    """As Redshift does; with a newer scramp the driver does not understand how PostgreSQL asks for SCRAM."""
    with psycopg.connect(server.dsn(), autocommit=True) as admin:
        admin.execute(f"ALTER USER {server.user} PASSWORD '{server.password}'".encode())
        rules = server.folder / "data" / "pg_hba.conf"
        rules.write_text(rules.read_text().replace("scram-sha-256", "md5"))
        admin.execute("SELECT pg_reload_conf()")


@pytest.fixture(scope="session")
def redshift(
    missing_server: Callable[[], AbstractContextManager[None]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Redshift]:
    certificate, authority = certificates(tmp_path_factory.mktemp("redshift"))
    settings = (
        "allow_system_table_mods=on",
        "client_connection_check_interval=2000",
        "password_encryption=md5",
    )
    with missing_server(), postgres_server(*settings) as server:
        log_in_by_md5(server)
        for database in ("template1", "postgres"):
            with psycopg.connect(server.dsn(database), autocommit=True) as admin:
                admin.execute(CATALOG.encode())
        with redshift_proxy(server.port, certificate) as proxy:
            yield Redshift(server, proxy, certificate, authority)


@pytest.fixture
def admin(redshift: Redshift) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(redshift.server.dsn(), autocommit=True) as connection:
        yield connection


@pytest.fixture
def make_database(redshift: Redshift, admin: psycopg.Connection[Any]) -> Iterator[MakeDatabase]:
    """Makes a database from statements, and drops it at the end."""
    made: list[str] = []

    def make(*statements: str) -> str:
        name = f"test_{next(_numbers)}"
        admin.execute(f"CREATE DATABASE {name}".encode())
        made.append(name)
        redshift.run(name, *statements)
        return name

    yield make
    for name in made:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def source_of(redshift: Redshift) -> Callable[..., RedshiftSource]:
    """Makes a source for a database of the server, not connected yet."""

    def make(database: str = "postgres", **changes: object) -> RedshiftSource:
        source = connect(redshift.credentials(database, **changes))
        assert isinstance(source, RedshiftSource)
        return source

    return make


@pytest.fixture
def sessions(admin: psycopg.Connection[Any]) -> Callable[[], int]:
    """How many connections of data sources the server has now."""

    def count() -> int:
        [row] = admin.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'buster-tasks'"
        ).fetchall()
        return int(row[0])

    return count


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], Any]:
    """Waits until what another process does holds."""

    async def wait(holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not await asyncio.to_thread(holds):
                await asyncio.sleep(0)

    return wait
