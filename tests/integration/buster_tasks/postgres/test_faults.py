"""Whatever goes wrong: the typed error, within its time, and no connection left on the server."""

import asyncio
import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import psycopg
import pytest

from benchmarks.servers import PostgresServer, free_port, postgres_server
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
from buster_tasks.sources.postgres import PostgresSource

pytestmark = pytest.mark.anyio

SourceOf = Callable[..., PostgresSource]
Sessions = Callable[[], int]

SLOW = "SELECT pg_sleep(30)"


@pytest.fixture(autouse=True)
async def leaves_nothing(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """No session of ours is left on the server, and no thread here."""
    is_asked = "sessions" in request.fixturenames
    count: Sessions = request.getfixturevalue("sessions") if is_asked else lambda: 0
    yield
    await until(lambda: count() == 0)
    await until(lambda: not any("postgres-" in one.name for one in threading.enumerate()))


async def until(holds: Callable[[], bool], seconds: float = 5.0) -> None:
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends, "it never came to that"
        await asyncio.sleep(0)


async def failure(source: PostgresSource) -> SourceError:
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


async def test_a_wrong_password(source_of: SourceOf, sessions: Sessions) -> None:
    error = await failure(source_of(password="wrong-canary"))
    assert type(error) is AuthenticationError
    assert not error.transient
    assert "canary" not in repr(error) + str(error) + str(error.__cause__)


async def test_an_unknown_user(source_of: SourceOf, sessions: Sessions) -> None:
    assert type(await failure(source_of(username="nobody"))) is AuthenticationError


async def test_an_unknown_database(source_of: SourceOf, sessions: Sessions) -> None:
    for name in ("nowhere", "host=127.0.0.1 dbname=postgres", "postgresql://127.0.0.1/postgres"):
        error = await failure(source_of(name))
        assert type(error) is DatabaseNotFoundError
        assert repr(name) in error.message


async def test_a_database_that_may_not_be_used(
    source_of: SourceOf, sessions: Sessions, admin: psycopg.Connection[Any]
) -> None:
    admin.execute("DROP DATABASE IF EXISTS private")
    admin.execute("DROP ROLE IF EXISTS outsider")
    admin.execute("CREATE ROLE outsider LOGIN PASSWORD 'x'")
    admin.execute("CREATE DATABASE private")
    admin.execute("REVOKE CONNECT ON DATABASE private FROM PUBLIC")
    error = await failure(source_of("private", username="outsider", password="x"))
    assert type(error) is PermissionDeniedError
    assert error.message == "The user 'outsider' may not connect to the database 'private'."
    assert error.fix == 'GRANT CONNECT ON DATABASE "private" TO "outsider";'
    admin.execute("ALTER DATABASE private ALLOW_CONNECTIONS false")
    closed = await failure(source_of("private"))
    assert (type(closed), closed.transient) == (ConnectionFailedError, False)
    admin.execute("DROP DATABASE private")


async def test_no_room_for_one_more(
    source_of: SourceOf, sessions: Sessions, admin: psycopg.Connection[Any]
) -> None:
    admin.execute("DROP ROLE IF EXISTS crowd")
    admin.execute("CREATE ROLE crowd LOGIN PASSWORD 'x' CONNECTION LIMIT 0")
    error = await failure(source_of(username="crowd", password="x"))
    assert (type(error), error.transient) == (ConnectionFailedError, True)


async def test_a_dead_port(source_of: SourceOf) -> None:
    error = await failure(source_of(port=free_port()))
    assert (type(error), error.transient) == (ConnectionFailedError, True)
    assert "refused" in error.message


@pytest.mark.parametrize(
    "host", ["no-such-host.invalid", "/var/run/postgresql", "127.0.0.1,127.0.0.1", "@x"]
)
async def test_a_host_without_an_address(source_of: SourceOf, host: str) -> None:
    assert type(await failure(source_of(host=host))) is HostNotFoundError


async def test_a_nul_character_is_refused(source_of: SourceOf) -> None:
    for change in ({"username": "postgres\0x"}, {"password": "secret\0x"}):
        error = await failure(source_of(**change))
        assert (type(error), error.transient) == (ConnectionFailedError, False)


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


async def test_giving_up_on_a_host_that_swallows_packets(source_of: SourceOf, silent: int) -> None:
    source = source_of(port=silent)
    opening = asyncio.create_task(source.open())
    await until(lambda: any("postgres-source" in one.name for one in threading.enumerate()))
    opening.cancel()
    began = time.monotonic()
    await asyncio.wait([opening])
    await source.close()
    assert time.monotonic() - began < 1.0


async def test_somebody_who_is_no_postgres(source_of: SourceOf) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            for _ in range(4):
                client, _address = listener.accept()
                client.recv(100)
                client.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
                client.close()

        threading.Thread(target=answer, daemon=True).start()
        port = listener.getsockname()[1]
        assert isinstance(await failure(source_of(port=port, ssl=True)), ConnectionFailedError)


# TLS


async def test_encryption_as_asked_for(
    source_of: SourceOf, server: PostgresServer, sessions: Sessions
) -> None:
    async def is_encrypted(**options: object) -> object:
        async with source_of(**options) as source:
            result = await source.execute(
                "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
            )
            # a cancel request takes the same way
            with pytest.raises(SourceTimeoutError):
                await source.execute(SLOW, timeout=0.1)
            return result.rows[0][0]

    assert await is_encrypted(ssl={"ca": server.authority}) is True
    assert await is_encrypted(ssl={"reject_unauthorized": False}) is True
    assert await is_encrypted(ssl=False) is False
    assert await is_encrypted() is True


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"ssl": True}, "does not hold"),
        ({"ssl": {"ca": "no certificate"}}, "cannot be used"),
        ({"ssl": {"ca": "authority"}, "host": "localhost"}, "does not hold"),
        ({"ssl": {"ca": "authority", "cert": "authority", "key": "no key"}}, "cannot be used"),
    ],
)
async def test_a_certificate_that_does_not_hold(
    source_of: SourceOf,
    server: PostgresServer,
    sessions: Sessions,
    options: dict[str, Any],
    text: str,
) -> None:
    if isinstance(options["ssl"], dict):
        given = {k: server.authority if v == "authority" else v for k, v in options["ssl"].items()}
        options = {**options, "ssl": given}
    error = await failure(source_of(**options))
    assert (type(error), error.transient) == (TlsFailedError, False)
    assert text in error.message
    assert "no key" not in str(error)


# in the middle


@pytest.fixture
def own_server(server: PostgresServer) -> Iterator[PostgresServer]:
    """A server that the test may end."""
    with postgres_server() as own:
        yield own


async def killed_while_introspecting(
    source: PostgresSource, kill: Callable[[], None]
) -> SourceError:
    async def progress(_phase: str, fraction: float, _counts: object) -> None:
        if fraction == 0.2:
            await asyncio.to_thread(kill)

    with pytest.raises(SourceError) as caught:
        await asyncio.wait_for(source.introspect(progress=progress), 10)
    return caught.value


def backend_of(admin: psycopg.Connection[Any]) -> int:
    [(pid,)] = admin.execute(
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'buster-tasks'"
    ).fetchall()
    return int(pid)


async def test_the_administrator_ends_the_session(
    source_of: SourceOf, sessions: Sessions, admin: psycopg.Connection[Any]
) -> None:
    def end() -> None:
        admin.execute("SELECT pg_terminate_backend(%s, 5000)", [backend_of(admin)])

    async with source_of() as source:
        error = await killed_while_introspecting(source, end)
        assert (type(error), error.transient) == (ConnectionFailedError, True)
        assert (await source.introspect()).complete  # it connects again


async def test_the_backend_is_killed(own_server: PostgresServer, source_of: SourceOf) -> None:
    with psycopg.connect(own_server.dsn(), autocommit=True) as admin:
        async with source_of(port=own_server.port) as source:
            error = await killed_while_introspecting(
                source, lambda: os.kill(backend_of(admin), signal.SIGKILL)
            )
            assert (type(error), error.transient) == (ConnectionFailedError, True)


async def test_the_server_is_stopped_at_once(
    own_server: PostgresServer, source_of: SourceOf
) -> None:
    def stop() -> None:
        own_server.process.send_signal(signal.SIGQUIT)
        own_server.process.wait(10)

    async with source_of(port=own_server.port) as source:
        error = await killed_while_introspecting(source, stop)
        assert (type(error), error.transient) == (ConnectionFailedError, True)
        again = await source.test()
        assert (again.ok, again.error_code) == (False, "CONNECTION_FAILED")


def is_running(admin: psycopg.Connection[Any], text: str) -> bool:
    return bool(
        admin.execute(
            "SELECT FROM pg_stat_activity"
            " WHERE application_name = 'buster-tasks' AND state = 'active' AND query LIKE %s",
            [f"%{text}%"],
        ).fetchall()
    )


async def running(source: PostgresSource, admin: psycopg.Connection[Any]) -> asyncio.Task[Any]:
    """A statement that runs on the server now."""
    task = asyncio.create_task(source.execute(SLOW))
    await until(lambda: is_running(admin, "FETCH"))
    return task


async def test_a_cancel_ends_the_statement(
    source_of: SourceOf, sessions: Sessions, admin: psycopg.Connection[Any]
) -> None:
    async with source_of() as source:
        task = await running(source, admin)
        began = time.monotonic()
        await source.cancel()
        with pytest.raises(QueryCanceledError):
            await task
        assert time.monotonic() - began < 1.0
        assert not is_running(admin, "FETCH")
        for _ in range(20):  # none of these is hit by what was meant for the one before
            assert (await source.execute("SELECT 1")).rows == [(1,)]


async def test_who_does_not_wait_any_more_ends_the_statement(
    source_of: SourceOf, sessions: Sessions, admin: psycopg.Connection[Any]
) -> None:
    async with source_of() as source:
        task = await running(source, admin)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: not is_running(admin, "FETCH"))
        assert (await source.execute("SELECT 1")).rows == [(1,)]


async def test_closing_ends_the_statement(
    source_of: SourceOf, sessions: Sessions, admin: psycopg.Connection[Any]
) -> None:
    source = source_of()
    task = await running(source, admin)
    began = time.monotonic()
    await source.close()
    assert time.monotonic() - began < 1.2
    with pytest.raises(QueryCanceledError):
        await task


@pytest.fixture
def locked(server: PostgresServer) -> Iterator[None]:
    """Nobody can read the catalog: introspection waits in its second statement."""
    with psycopg.connect(server.dsn()) as other:
        other.execute("LOCK TABLE pg_catalog.pg_inherits IN ACCESS EXCLUSIVE MODE")
        yield


@pytest.mark.parametrize("how", ["cancel", "task", "close"])
async def test_introspection_is_stopped(
    source_of: SourceOf, sessions: Sessions, admin: psycopg.Connection[Any], locked: None, how: str
) -> None:
    source = source_of()
    task = asyncio.create_task(source.introspect())
    await until(lambda: is_running(admin, "pg_inherits"))
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


@pytest.mark.parametrize("how", ["cancel", "task"])
async def test_introspection_is_stopped_between_two_statements(
    source_of: SourceOf, sessions: Sessions, how: str
) -> None:
    source = source_of()
    reached = asyncio.Event()

    async def progress(_phase: str, fraction: float, _counts: object) -> None:
        if fraction == 0.3:
            reached.set()
            if how == "cancel":
                await source.cancel()
            else:
                await asyncio.Event().wait()

    task = asyncio.create_task(source.introspect(progress=progress))
    await reached.wait()
    if how == "task":
        task.cancel()
    with pytest.raises(asyncio.CancelledError if how == "task" else QueryCanceledError):
        await task
    assert (await source.execute("SELECT 1")).rows == [(1,)]
    await source.close()


class Wire:
    """A way to the server that can be made to swallow everything, new connections too.

    Closed, it lets the server see that the other side is gone; the server looks for that while it works.
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._cut = threading.Event()
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._cut.set()

    def close(self) -> None:
        for one in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)  # a thread that waits for it would keep it open
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            self._sockets.append(client)
            if not self._cut.is_set():
                server = socket.create_connection(self._target)
                self._sockets.append(server)
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=self._carry, args=pair, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65_536):
                if not self._cut.is_set():
                    target.sendall(data)
        except OSError:
            return


@pytest.fixture
def wire(server: PostgresServer, sessions: Sessions) -> Iterator[Wire]:
    wire = Wire((server.host, server.port))
    yield wire
    wire.close()


async def test_the_network_goes_away_while_a_statement_runs(
    source_of: SourceOf, wire: Wire, admin: psycopg.Connection[Any]
) -> None:
    source = source_of(port=wire.port, ssl=False)
    task = asyncio.create_task(source.execute(SLOW, timeout=0.5))
    await until(lambda: is_running(admin, "FETCH"))
    wire.cut()
    began = time.monotonic()
    with pytest.raises(SourceTimeoutError):
        await task
    await source.close()
    assert time.monotonic() - began < 0.5 + 1.0 + 1.5  # its time, the grace, the closing
    wire.close()


async def test_the_network_goes_away_and_nobody_waits_any_more(
    source_of: SourceOf, wire: Wire, admin: psycopg.Connection[Any]
) -> None:
    source = source_of(port=wire.port, ssl=False)
    task = await running(source, admin)
    wire.cut()
    began = time.monotonic()
    task.cancel()
    await asyncio.wait([task])
    await source.close()
    assert time.monotonic() - began < 1.5
    wire.close()
