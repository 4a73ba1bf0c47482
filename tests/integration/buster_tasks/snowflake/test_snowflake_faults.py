"""What goes wrong on the way to Snowflake: the typed error within its time, and nothing left behind."""

import asyncio
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from benchmarks.servers import free_port
from buster_tasks.errors import (
    AuthenticationError,
    ConnectionFailedError,
    DatabaseNotFoundError,
    HostNotFoundError,
    SourceError,
    SourceTimeoutError,
    TlsFailedError,
)
from buster_tasks.sources import Filters, SnowflakeCredentials
from buster_tasks.sources.snowflake import SnowflakeSource
from tests.doubles.snowflake_account import PASSWORD, SnowflakeServer, snowflake_server

pytestmark = pytest.mark.anyio

OpenSource = Callable[..., SnowflakeSource]
ENDLESS = "SELECT SUM(a.range * b.range % 7) FROM RANGE(10000000) a, RANGE(10000000) b"


async def failure(source: SnowflakeSource, within: float = 4.0) -> SourceError:
    """What opening ends with, in time."""
    began = time.perf_counter()
    with pytest.raises(SourceError) as caught:
        await source.open()
    assert time.perf_counter() - began < within
    assert caught.value.fix
    await source.close()
    return caught.value


def elsewhere(url: str, **changes: Any) -> SnowflakeSource:
    known = SnowflakeServer(0).credentials("SHOP", custom_host=url, connection_timeout=2_000)
    return SnowflakeSource(
        SnowflakeCredentials.model_validate({**known, **changes}), network_seconds=2
    )


@pytest.mark.parametrize(
    "changes",
    [{"password": "wrong"}, {"access_token": "wrong"},
     {"access_token": "wrong", "token_type": "programmatic"}],
)  # fmt: skip
async def test_a_wrong_password_or_token(
    account: Any, open_source: OpenSource, changes: dict[str, str]
) -> None:
    error = await failure(open_source(**changes))
    assert isinstance(error, AuthenticationError)
    assert (error.transient, "wrong" in str(error)) == (False, False)
    assert account.name in error.message


@pytest.mark.parametrize("kind", ["oauth", "programmatic"])
async def test_a_right_token(account: Any, open_source: OpenSource, kind: str) -> None:
    token = f"{'pat' if kind == 'programmatic' else kind}-{PASSWORD}"
    source = open_source(access_token=token, token_type=kind)
    assert (await source.test()).user == account.name


async def test_a_database_that_is_not_there(open_source: OpenSource) -> None:
    error = await failure(open_source(database="NOWHERE"))
    assert isinstance(error, DatabaseNotFoundError)
    assert "NOWHERE" in error.message


async def test_a_dead_port() -> None:
    error = await failure(elsewhere(f"http://127.0.0.1:{free_port()}"))
    assert (type(error), error.transient) == (ConnectionFailedError, True)
    assert "refused" in error.message


async def test_an_unknown_host() -> None:
    error = await failure(elsewhere("no-such-host.invalid"), within=15)
    assert isinstance(error, HostNotFoundError)


async def test_tls_where_there_is_none(server: SnowflakeServer) -> None:
    error = await failure(elsewhere(f"https://127.0.0.1:{server.port}"), within=6)
    assert (type(error), error.transient) == (TlsFailedError, False)


def certificate(folder: Path) -> ssl.SSLContext:
    """A server's side of TLS, with a certificate that nobody stands behind."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    encoding, kind = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "both.pem").write_bytes(
        key.private_bytes(encoding, kind, plain) + made.public_bytes(encoding)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    return context


async def test_a_certificate_that_nobody_stands_behind(tmp_path: Path) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    listener = await asyncio.start_server(silent, "127.0.0.1", 0, ssl=certificate(tmp_path))
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        error = await failure(elsewhere(f"https://127.0.0.1:{port}"), within=8)
    assert (type(error), error.transient) == (TlsFailedError, False)
    assert "certificate" in error.message


async def test_a_host_that_swallows_packets(full_queue: int) -> None:
    error = await failure(elsewhere(f"http://127.0.0.1:{full_queue}", connection_timeout=500))
    assert (type(error), error.transient) == (SourceTimeoutError, True)


async def test_a_host_that_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        source = elsewhere(f"http://127.0.0.1:{listener.getsockname()[1]}", connection_timeout=500)
        error = await failure(source)
    assert (type(error), error.transient) == (SourceTimeoutError, True)


async def test_a_server_that_is_no_snowflake() -> None:
    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
        await writer.drain()
        writer.close()

    listener = await asyncio.start_server(other, "127.0.0.1", 0)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        error = await failure(elsewhere(f"http://127.0.0.1:{port}"))
    assert isinstance(error, ConnectionFailedError)
    assert "does not answer as Snowflake does" in error.message


async def test_a_server_that_dies_in_mid_query() -> None:
    with snowflake_server() as server:
        server.run("CREATE DATABASE SHOP", "CREATE SCHEMA SHOP.APP")
        assert server.process is not None
        known = server.credentials("SHOP", default_schema="APP")
        source = SnowflakeSource(SnowflakeCredentials.model_validate(known), network_seconds=1)
        running = asyncio.ensure_future(source.execute(ENDLESS, timeout=600))
        while not await asyncio.to_thread(lambda: server.state()["running"]):
            assert not running.done()
        server.process.kill()
        async with asyncio.timeout(20):
            with pytest.raises(ConnectionFailedError) as caught:
                await running
        assert caught.value.transient
        again = await source.test()
        assert not again.ok
        await source.close()


async def test_a_server_that_dies_in_mid_introspection() -> None:
    with snowflake_server() as server:
        for name in ("SHOP", "STORE"):
            server.run(
                f"CREATE DATABASE {name}",
                f"CREATE SCHEMA {name}.APP",
                f"CREATE TABLE {name}.APP.T (A INT)",
            )
        process = server.process
        assert process is not None
        known = server.credentials("SHOP", default_schema="APP")
        source = SnowflakeSource(SnowflakeCredentials.model_validate(known), network_seconds=1)

        async def progress(phase: str, fraction: float, counts: Mapping[str, int]) -> None:
            if counts:  # those of the first database
                process.kill()

        async with asyncio.timeout(20):
            with pytest.raises(ConnectionFailedError) as caught:
                await source.introspect(Filters(databases=["SHOP", "STORE"]), progress)
        assert caught.value.transient
        await source.close()


async def test_closing_leaves_no_thread(account: Any, open_source: OpenSource) -> None:
    before = set(threading.enumerate())
    source = open_source()
    await source.execute("SELECT 1")
    await source.close()
    await account.until_alone()
    left = {one for one in threading.enumerate() if one not in before}
    assert [one.name for one in left if "snowflake" in one.name.lower()] == []


async def test_a_closed_session_is_made_anew(source: SnowflakeSource) -> None:
    await source.open()
    source._session.close()
    assert (await source.execute("SELECT 1")).rows == [(1,)]


async def test_a_missing_driver(open_source: OpenSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "snowflake.connector", None)
    error = await failure(open_source())
    assert error.code == "DRIVER_MISSING"
    assert 'pip install "buster-tasks[snowflake]"' in error.fix


def test_nothing_is_written_to_the_home_folder(server: SnowflakeServer, tmp_path: Path) -> None:
    script = (
        "import asyncio, json, sys\n"
        "from buster_tasks.sources import connect\n"
        "async def main():\n"
        "    async with connect(json.loads(sys.argv[1])) as source:\n"
        "        print((await source.test()).ok)\n"
        "asyncio.run(main())\n"
    )
    server.run(f"CREATE DATABASE HOME_{os.getpid()}")
    known = json.dumps(server.credentials(f"HOME_{os.getpid()}"))
    environment = {**os.environ, "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, known],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("True\n", "")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


async def test_closing_does_not_wait_for_a_server_that_fell_silent() -> None:
    with snowflake_server() as server:
        server.run("CREATE DATABASE SHOP", "CREATE SCHEMA SHOP.APP")
        process = server.process
        assert process is not None
        known = server.credentials("SHOP", default_schema="APP")
        source = SnowflakeSource(SnowflakeCredentials.model_validate(known), network_seconds=1)
        running = asyncio.ensure_future(source.execute(ENDLESS, timeout=600))
        while not await asyncio.to_thread(lambda: server.state()["running"]):
            assert not running.done()
        process.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        await source.close()
        assert time.monotonic() - began < 2
        with pytest.raises(SourceError):
            await running
        assert time.monotonic() - began < 4
        for thread in threading.enumerate():  # which gives up by itself
            if thread.name.startswith("snowflake-source"):
                await asyncio.to_thread(thread.join, 30)
                assert not thread.is_alive()
