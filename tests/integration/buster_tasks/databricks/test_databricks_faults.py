"""What goes wrong on the way to a warehouse: the typed error within its time, and nothing left behind."""

import asyncio
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmarks.servers import free_port
from buster_tasks.errors import (
    AuthenticationError,
    ConnectionFailedError,
    DriverMissingError,
    HostNotFoundError,
    PermissionDeniedError,
    SourceError,
    SourceTimeoutError,
    TlsFailedError,
)
from buster_tasks.sources import DatabricksCredentials
from buster_tasks.sources.databricks import DatabricksSource

pytestmark = pytest.mark.anyio

OpenSource = Callable[..., DatabricksSource]
ENDLESS = "SELECT sum(a.id * b.id % 7) FROM range(10000000) a(id), range(10000000) b(id)"
CLIENT, SECRET = "c0ffee", "s%ecret:canary/+"


async def failure(source: DatabricksSource, within: float = 8.0) -> SourceError:
    """What opening ends with, in time."""
    began = time.perf_counter()
    with pytest.raises(SourceError) as caught:
        await source.open()
    assert time.perf_counter() - began < within
    test = await source.test()
    assert (test.ok, test.error_code) == (False, caught.value.code)
    assert caught.value.fix
    await source.close()
    return caught.value


def elsewhere(host: str, **changes: Any) -> DatabricksSource:
    known = {"server_hostname": host, "http_path": "/sql/x", "access_token": "canary-t"}
    return DatabricksSource(DatabricksCredentials.model_validate({**known, **changes}))


@pytest.fixture
def deaf() -> Iterator[int]:
    """The port of somebody who takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


async def test_a_wrong_token_is_refused(open_source: OpenSource) -> None:
    error = await failure(open_source(access_token="canary-wrong"))
    assert type(error) is AuthenticationError
    assert not error.transient
    assert "canary" not in str(error)


async def test_a_wrong_path_is_told(open_source: OpenSource) -> None:
    error = await failure(open_source(http_path="/nowhere"))
    assert type(error) is ConnectionFailedError
    assert not error.transient
    assert "http_path" in error.fix


async def test_a_warehouse_that_is_not_ready_is_asked_again(
    server: Any, account: Any, open_source: OpenSource
) -> None:
    server.door(answer=503)
    try:
        error = await failure(open_source(connection_timeout=800))
    finally:
        server.door(answer=None)
    assert type(error) is SourceTimeoutError
    assert error.transient
    assert "starting" in error.fix


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("http://127.0.0.1:{dead}", ConnectionFailedError),
        ("no-such-host.invalid", HostNotFoundError),
        ("https://user:pw@host", HostNotFoundError),
        ("http://example.com", ConnectionFailedError),
        ("https://127.0.0.1:{plain}", TlsFailedError),
    ],
)
async def test_what_cannot_be_reached_is_told_by_type(
    server: Any, host: str, kind: type[SourceError]
) -> None:
    error = await failure(elsewhere(host.format(dead=free_port(), plain=server.port)))
    assert type(error) is kind
    assert "pw" not in str(error)


async def test_a_certificate_that_does_not_hold(tmp_path: Path) -> None:
    import ssl

    from tests.doubles.sqlserver import make_certificates

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(make_certificates(tmp_path)[1])
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for _ in range(2):
                made = listener.accept()[0]
                try:
                    context.wrap_socket(made, server_side=True).close()
                except OSError:
                    made.close()

        thread = threading.Thread(target=serve)
        thread.start()
        error = await failure(elsewhere(f"https://127.0.0.1:{listener.getsockname()[1]}"))
        thread.join()
    assert type(error) is TlsFailedError
    assert "does not hold" in error.message


@pytest.mark.parametrize("kind", ["deaf", "full_queue"])
async def test_a_host_that_swallows_what_it_gets(kind: str, request: pytest.FixtureRequest) -> None:
    port = request.getfixturevalue(kind)
    error = await failure(elsewhere(f"http://127.0.0.1:{port}", connection_timeout=300))
    assert type(error) is SourceTimeoutError
    assert error.transient


async def test_a_server_that_is_killed_in_mid_query() -> None:
    from tests.doubles.databricks import databricks_double

    with databricks_double() as server:
        source = DatabricksSource(DatabricksCredentials.model_validate(server.credentials()))
        running = asyncio.ensure_future(source.execute(ENDLESS, timeout=60))
        while not (await asyncio.to_thread(server.told, "reader"))["running"]:
            assert not running.done()
        server.kill()
        with pytest.raises(ConnectionFailedError) as caught:
            await running
        assert caught.value.transient
        await source.close()


async def test_a_server_that_is_killed_in_mid_introspection() -> None:
    from tests.doubles.databricks import databricks_double

    with databricks_double() as server:
        server.run("CREATE SCHEMA shop", "CREATE TABLE shop.t (a int)")
        source = DatabricksSource(DatabricksCredentials.model_validate(server.credentials()))

        async def progress(phase: str, fraction: float, counts: Mapping[str, int]) -> None:
            if counts:
                await asyncio.to_thread(server.kill)

        async with asyncio.timeout(20):
            with pytest.raises(ConnectionFailedError) as caught:
                await source.introspect(progress=progress)
        assert caught.value.transient
        await source.close()


async def test_closing_does_not_wait_for_a_server_that_fell_silent(
    server: Any, account: Any, open_source: OpenSource
) -> None:
    source = open_source()
    await source.open()
    server.door(mute=True)
    try:
        running = asyncio.ensure_future(source.execute("SELECT 1", timeout=60))
        await asyncio.wait([running], timeout=0.2)
        began = time.perf_counter()
        await source.close()
        assert time.perf_counter() - began < 3
        with pytest.raises(SourceError):
            await running
    finally:
        server.door(mute=False)
    server.ask("forget", user=account.name)


async def test_no_thread_is_left_after_close(open_source: OpenSource) -> None:
    source = open_source()
    await source.execute("SELECT 1")
    await source.close()
    while [one for one in threading.enumerate() if one.name.startswith("databricks")]:
        await asyncio.sleep(0)  # the thread ends by itself, or this test by its time


async def test_a_permission_that_is_missing(account: Any, source: DatabricksSource) -> None:
    account.deny("secret_table")
    with pytest.raises(PermissionDeniedError) as caught:
        await source.execute("SELECT * FROM secret_table")
    assert "Insufficient privileges" in str(caught.value)
    assert (await source.execute("SELECT 1")).rows == [(1,)]


async def test_a_service_principal_logs_in_by_oauth(
    server: Any, account: Any, open_source: OpenSource
) -> None:
    server.ask("client", name=CLIENT, secret=SECRET)
    known = {"access_token": None, "client_id": CLIENT, "client_secret": SECRET}
    source = open_source(**known)
    async with source:
        assert (await source.execute("SELECT 1")).rows == [(1,)]
        told = server.told(CLIENT)
        assert told["sessions"] == 1
        tokens = told["tokens"]
        assert tokens >= 1
        await source.execute("SELECT 2")
        assert server.told(CLIENT)["tokens"] == tokens  # one token serves until it ends
    assert server.told(CLIENT)["sessions"] == 0


async def test_a_token_is_renewed_before_it_ends(server: Any, open_source: OpenSource) -> None:
    server.ask("client", name=CLIENT, secret=SECRET)
    server.door(lives=1)
    try:
        source = open_source(access_token=None, client_id=CLIENT, client_secret=SECRET)
        async with source:
            tokens = server.told(CLIENT)["tokens"]
            await source.execute("SELECT 1")
            assert server.told(CLIENT)["tokens"] > tokens
    finally:
        server.door(lives=3600)


async def test_a_wrong_secret_of_a_principal(server: Any, open_source: OpenSource) -> None:
    server.ask("client", name=CLIENT, secret=SECRET)
    known = {"access_token": None, "client_id": CLIENT, "client_secret": "canary-wrong"}
    error = await failure(open_source(**known))
    assert type(error) is AuthenticationError
    assert CLIENT in str(error)
    assert "canary" not in str(error)


async def test_a_secret_does_not_follow_to_another_place(
    server: Any, open_source: OpenSource
) -> None:
    known = {"access_token": None, "client_id": CLIENT, "client_secret": SECRET}
    server.door(moved="/stolen")
    try:
        error = await failure(open_source(**known))
    finally:
        server.door(moved=None)
    assert type(error) is ConnectionFailedError
    assert "HTTP 302" in error.message
    assert "/stolen" not in server.ask("paths")


async def test_nothing_but_the_protocol_is_spoken(server: Any, source: DatabricksSource) -> None:
    before = len(server.ask("paths"))
    await source.execute("SELECT 'a'")
    await source.close()
    assert set(server.ask("paths")[before:]) == {"/sql/1.0/warehouses/abc"}


async def test_a_missing_driver_is_told(
    monkeypatch: pytest.MonkeyPatch, open_source: OpenSource
) -> None:
    monkeypatch.setitem(sys.modules, "databricks.sql", None)
    error = await failure(open_source())
    assert isinstance(error, DriverMissingError)
    assert "buster-tasks[databricks]" in error.fix
