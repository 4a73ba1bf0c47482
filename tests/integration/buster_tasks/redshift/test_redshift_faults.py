"""Whatever goes wrong: the typed error, within its time, and no connection left on the server."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from benchmarks.servers import free_port
from buster_tasks.errors import (
    AuthenticationError,
    ConnectionFailedError,
    DatabaseNotFoundError,
    HostNotFoundError,
    PermissionDeniedError,
    QueryCanceledError,
    SourceError,
    SourceTimeoutError,
    TlsFailedError,
)
from buster_tasks.sources.redshift import RedshiftSource
from tests.doubles.redshift_proxy import RedshiftProxy, redshift_proxy

if TYPE_CHECKING:
    from tests.integration.buster_tasks.redshift.conftest import Redshift

pytestmark = pytest.mark.anyio

SourceOf = Callable[..., RedshiftSource]
Sessions = Callable[[], int]
Until = Callable[[Callable[[], bool]], Any]

SLOW = "SELECT pg_sleep(30)"


@pytest.fixture(autouse=True)
async def leaves_nothing(sessions: Sessions, until: Until) -> AsyncIterator[None]:
    """No session of ours is left on the server, and no thread here."""
    yield
    await until(lambda: sessions() == 0)
    await until(lambda: not any("redshift-" in one.name for one in threading.enumerate()))


async def failure(source: RedshiftSource) -> SourceError:
    """The error that the source cannot be opened with; the test of the connection tells the same."""
    try:
        with pytest.raises(SourceError) as caught:
            await source.open()
        test = await source.test()
        assert (test.ok, test.error_code) == (False, caught.value.code)
        assert "secret" not in str(caught.value)
        assert caught.value.fix
        return caught.value
    finally:
        await source.close()


# connecting


async def test_a_wrong_password(source_of: SourceOf) -> None:
    error = await failure(source_of(password="wrong-canary"))
    assert type(error) is AuthenticationError
    assert not error.transient
    assert "canary" not in repr(error) + str(error) + str(error.__cause__)


async def test_an_unknown_user(source_of: SourceOf) -> None:
    assert type(await failure(source_of(username="nobody"))) is AuthenticationError


async def test_an_unknown_database(source_of: SourceOf) -> None:
    error = await failure(source_of("nowhere"))
    assert type(error) is DatabaseNotFoundError
    assert "'nowhere'" in error.message


async def test_a_database_that_may_not_be_used(
    source_of: SourceOf, admin: psycopg.Connection[Any]
) -> None:
    admin.execute("CREATE ROLE outsider LOGIN PASSWORD 'x'")
    admin.execute("CREATE DATABASE private")
    admin.execute("REVOKE CONNECT ON DATABASE private FROM PUBLIC")
    error = await failure(source_of("private", username="outsider", password="x"))
    assert type(error) is PermissionDeniedError
    admin.execute("DROP DATABASE private")
    admin.execute("DROP ROLE outsider")


async def test_a_dead_port(source_of: SourceOf) -> None:
    error = await failure(source_of(port=free_port()))
    assert (type(error), error.transient) == (ConnectionFailedError, True)
    assert "refused" in error.message


async def test_a_host_without_an_address(source_of: SourceOf) -> None:
    assert type(await failure(source_of(host="no-such-host.invalid"))) is HostNotFoundError


async def test_a_nul_character_is_refused(source_of: SourceOf) -> None:
    for change in ({"username": "postgres\0x"}, {"password": "secret\0x"}):
        error = await failure(source_of(**change))
        assert (type(error), error.transient) == (ConnectionFailedError, False)


async def test_a_plain_postgres_is_told(source_of: SourceOf, redshift: Redshift) -> None:
    error = await failure(source_of(port=redshift.server.port, ssl=False))
    assert (type(error), error.transient) == (ConnectionFailedError, False)
    assert "no Redshift" in error.message
    assert "type postgres" in error.fix


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of somebody who takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize("kind", ["silent", "full_queue"])
@pytest.mark.parametrize("ssl", [False, True])
async def test_a_host_that_swallows_packets(
    source_of: SourceOf, request: pytest.FixtureRequest, kind: str, ssl: bool
) -> None:
    source = source_of(port=request.getfixturevalue(kind), connection_timeout=300, ssl=ssl)
    began = time.monotonic()
    with pytest.raises(SourceTimeoutError, match=r"within 0\.3 s") as caught:
        await source.open()
    assert 0.2 < time.monotonic() - began < 2.0
    assert caught.value.transient
    await source.close()


async def test_giving_up_on_a_host_that_swallows_packets(
    source_of: SourceOf, silent: int, until: Until
) -> None:
    source = source_of(port=silent)
    opening = asyncio.create_task(source.open())
    await until(lambda: any("redshift-source" in one.name for one in threading.enumerate()))
    opening.cancel()
    began = time.monotonic()
    await asyncio.wait([opening])
    await source.close()
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize("ssl", [False, True])
async def test_somebody_who_is_no_redshift(source_of: SourceOf, ssl: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            for _ in range(2):
                client, _address = listener.accept()
                client.recv(1_000)
                client.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
                client.close()

        threading.Thread(target=answer, daemon=True).start()
        port = listener.getsockname()[1]
        assert isinstance(await failure(source_of(port=port, ssl=ssl)), ConnectionFailedError)


# TLS


async def test_encryption_as_asked_for(source_of: SourceOf, redshift: Redshift) -> None:
    proxy = redshift.proxy

    async def encrypted(**options: object) -> int:
        before = proxy.encrypted
        async with source_of(**options) as source:
            await source.execute("SELECT 1")
            # a cancel request takes the same way
            with pytest.raises(SourceTimeoutError):
                await source.execute(SLOW, timeout=0.1)
        return proxy.encrypted - before

    assert await encrypted(ssl={"ca": redshift.authority}) >= 2
    assert await encrypted(ssl={"reject_unauthorized": False}) >= 2
    assert await encrypted(ssl=False) == 0


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"ssl": True}, "does not hold"),
        ({"ssl": {"ca": "no certificate"}}, "cannot be used"),
        ({"ssl": {"ca": "authority"}, "host": "localhost"}, "does not hold"),
    ],
)
async def test_a_certificate_that_does_not_hold(
    source_of: SourceOf, redshift: Redshift, options: dict[str, Any], text: str
) -> None:
    if options["ssl"] == {"ca": "authority"}:
        options = {**options, "ssl": {"ca": redshift.authority}}
    error = await failure(source_of(**options))
    assert (type(error), error.transient) == (TlsFailedError, False)
    assert text in error.message


async def test_a_server_without_tls(source_of: SourceOf, redshift: Redshift) -> None:
    with redshift_proxy(redshift.server.port) as plain:
        error = await failure(source_of(port=plain.port))
        assert (type(error), error.transient) == (TlsFailedError, False)
        async with source_of(port=plain.port, ssl=False) as source:
            assert (await source.execute("SELECT 1")).rows == [(1,)]


# in the middle


def end(admin: psycopg.Connection[Any]) -> None:
    admin.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'buster-tasks'"
    )


def is_running(admin: psycopg.Connection[Any], text: str = "pg_sleep") -> bool:
    found = admin.execute(
        "SELECT FROM pg_stat_activity"
        " WHERE application_name = 'buster-tasks' AND state = 'active' AND query LIKE %s",
        [f"%{text}%"],
    )
    return bool(found.fetchall())


async def running(
    source: RedshiftSource, admin: psycopg.Connection[Any], until: Until, timeout: float = 30
) -> asyncio.Task[Any]:
    """A statement that runs on the server now."""
    task = asyncio.create_task(source.execute(SLOW, timeout=timeout))
    await until(lambda: is_running(admin))
    return task


async def test_the_session_is_ended_while_introspecting(
    source_of: SourceOf, admin: psycopg.Connection[Any]
) -> None:
    async def progress(_phase: str, fraction: float, _counts: object) -> None:
        if fraction == 0.2:
            await asyncio.to_thread(end, admin)

    async with source_of() as source:
        with pytest.raises(SourceError) as caught:
            await asyncio.wait_for(source.introspect(progress=progress), 10)
        assert (type(caught.value), caught.value.transient) == (ConnectionFailedError, True)
        assert (await source.introspect()).complete  # it connects again


async def test_the_session_is_ended_in_mid_query(
    source_of: SourceOf, admin: psycopg.Connection[Any], until: Until
) -> None:
    async with source_of() as source:
        task = await running(source, admin, until)
        end(admin)
        with pytest.raises(ConnectionFailedError) as caught:
            await task
        assert caught.value.transient
        assert (await source.execute("SELECT 1")).rows == [(1,)]


async def test_the_server_goes_away_in_mid_query(
    source_of: SourceOf, redshift: Redshift, admin: psycopg.Connection[Any], until: Until
) -> None:
    with redshift_proxy(redshift.server.port, redshift.certificate) as own:
        source = source_of(port=own.port)
        task = await running(source, admin, until)
        own.close()
        with pytest.raises(ConnectionFailedError) as caught:
            await task
        assert caught.value.transient
        again = await source.test()
        assert (again.ok, again.error_code) == (False, "CONNECTION_FAILED")
        await source.close()
    end(admin)


async def test_a_cancel_ends_the_statement(
    source_of: SourceOf, redshift: Redshift, admin: psycopg.Connection[Any], until: Until
) -> None:
    async with source_of() as source:
        task = await running(source, admin, until)
        before, began = redshift.proxy.cancels, time.monotonic()
        await source.cancel()
        with pytest.raises(QueryCanceledError):
            await task
        assert time.monotonic() - began < 1.0
        assert redshift.proxy.cancels > before
        assert not is_running(admin)
        for _ in range(20):  # none of these is hit by what was meant for the one before
            assert (await source.execute("SELECT 1")).rows == [(1,)]


async def test_who_does_not_wait_any_more_ends_the_statement(
    source_of: SourceOf, admin: psycopg.Connection[Any], until: Until
) -> None:
    async with source_of() as source:
        task = await running(source, admin, until)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: not is_running(admin))
        assert (await source.execute("SELECT 1")).rows == [(1,)]


async def test_closing_ends_the_statement(
    source_of: SourceOf, admin: psycopg.Connection[Any], until: Until
) -> None:
    source = source_of()
    task = await running(source, admin, until)
    began = time.monotonic()
    await source.close()
    assert time.monotonic() - began < 1.2
    with pytest.raises(QueryCanceledError):
        await task


async def test_the_server_stops_a_statement_by_itself(
    source_of: SourceOf, admin: psycopg.Connection[Any]
) -> None:
    """For when the way to it is gone by then: it knows the time limit too."""
    async with source_of() as source:
        result = await source.execute("SELECT current_setting('statement_timeout')", timeout=3)
        assert result.rows == [("3500ms",)]


@pytest.mark.parametrize("how", ["cancel", "task", "close"])
async def test_introspection_is_stopped(
    source_of: SourceOf, redshift: Redshift, admin: psycopg.Connection[Any], until: Until, how: str
) -> None:
    source = source_of()
    with psycopg.connect(redshift.server.dsn()) as other:
        other.execute("LOCK TABLE pg_catalog.double_facts IN ACCESS EXCLUSIVE MODE")
        task = asyncio.create_task(source.introspect())
        await until(lambda: is_running(admin, "relcreationtime"))
        began = time.monotonic()
        if how == "cancel":
            await source.cancel()
        elif how == "task":
            task.cancel()
        else:
            await source.close()
        with pytest.raises(asyncio.CancelledError if how == "task" else QueryCanceledError):
            await task
        await source.close()
        assert time.monotonic() - began < 1.5


@pytest.fixture
def wire(redshift: Redshift) -> Iterator[RedshiftProxy]:
    with redshift_proxy(redshift.server.port, redshift.certificate) as wire:
        yield wire


@pytest.mark.parametrize("how", ["timeout", "task"])
async def test_the_network_goes_away_while_a_statement_runs(
    source_of: SourceOf, wire: RedshiftProxy, admin: psycopg.Connection[Any], until: Until, how: str
) -> None:
    source = source_of(port=wire.port)
    task = await running(source, admin, until, 0.5 if how == "timeout" else 30)
    wire.cut()
    began = time.monotonic()
    if how == "task":
        task.cancel()
    with pytest.raises(asyncio.CancelledError if how == "task" else SourceTimeoutError):
        await task
    await source.close()
    assert time.monotonic() - began < 0.5 + 1.0 + 1.5  # its time, the grace, the closing
    wire.close()
    end(admin)
