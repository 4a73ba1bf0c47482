"""What goes wrong on the way to a server: the typed error within its time, and nothing left behind."""

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from benchmarks.servers import free_port
from buster_tasks.errors import (
    AuthenticationError,
    ConnectionFailedError,
    DatabaseNotFoundError,
    DriverMissingError,
    HostNotFoundError,
    PermissionDeniedError,
    QueryCanceledError,
    SourceError,
    SourceNotSupportedError,
    SourceTimeoutError,
    TlsFailedError,
)
from buster_tasks.sources.credentials import SqlserverCredentials
from buster_tasks.sources.sqlserver import SqlserverSource
from tests.doubles.sqlserver import SqlserverDouble, sqlserver_double

pytestmark = pytest.mark.anyio

OpenSource = Callable[..., SqlserverSource]
ENDLESS = (
    "SELECT SUM(CAST(a.column_id AS bigint) * b.column_id % 7) "
    "FROM sys.all_columns AS a CROSS JOIN sys.all_columns AS b"
)


async def failure(source: SqlserverSource, within: float = 2.0) -> SourceError:
    """What opening ends with, in time."""
    began = time.perf_counter()
    with pytest.raises(SourceError) as caught:
        await source.open()
    assert time.perf_counter() - began < within
    test = await source.test()
    assert (test.ok, test.error_code) == (False, caught.value.code)
    assert caught.value.fix
    return caught.value


def elsewhere(port: int, **changes: Any) -> SqlserverSource:
    known = {
        "server": "127.0.0.1",
        "port": port,
        "database": "d",
        "username": "u",
        "password": "secret-p",
        "encrypt": False,
    }
    return SqlserverSource(SqlserverCredentials.model_validate({**known, **changes}))


@pytest.mark.parametrize("changes", [{"password": "wrong"}, {"username": "nobody_here"}])
async def test_a_wrong_password(
    account: Any, open_source: OpenSource, changes: dict[str, str]
) -> None:
    error = await failure(open_source(**changes))
    assert isinstance(error, AuthenticationError)
    assert not error.transient
    await account.until_alone()


async def test_a_database_that_is_not_there(open_source: OpenSource) -> None:
    error = await failure(open_source(database="nowhere"))
    assert isinstance(error, DatabaseNotFoundError)
    assert "nowhere" in str(error)


async def test_a_dead_port(installed: None) -> None:
    source = elsewhere(free_port())
    error = await failure(source)
    assert (type(error), error.transient) == (ConnectionFailedError, True)
    await source.close()


async def test_an_unknown_host(installed: None) -> None:
    source = elsewhere(1433, server="no-such-host.invalid")
    assert isinstance(await failure(source, within=15), HostNotFoundError)
    await source.close()


async def test_a_host_that_swallows_packets(installed: None, full_queue: int) -> None:
    source = elsewhere(full_queue, connection_timeout=300)
    error = await failure(source)
    assert isinstance(error, SourceTimeoutError)
    assert error.transient
    assert f"127.0.0.1:{full_queue}" in str(error)
    await source.close()


@contextmanager
def listening(answer: bytes) -> Iterator[int]:
    """The port of a server that says this to whoever connects, and nothing else."""
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    one, _peer = listener.accept()
                except OSError:
                    return
                held.append(one)
                one.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        for one in held:
            one.close()
        thread.join(5)
        assert not thread.is_alive()


async def test_a_server_that_accepts_and_says_nothing(installed: None) -> None:
    with listening(b"") as port:
        source = elsewhere(port, connection_timeout=300)
        assert isinstance(await failure(source), SourceTimeoutError)
        await source.close()


async def test_something_else_that_listens_there(installed: None) -> None:
    with listening(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        source = elsewhere(port, connection_timeout=1_000)
        assert isinstance(await failure(source), ConnectionFailedError)
        await source.close()


async def test_closing_while_it_still_connects(installed: None) -> None:
    with listening(b"") as port:
        source = elsewhere(port)
        opening = asyncio.create_task(source.open())
        await asyncio.sleep(0)
        began = time.perf_counter()
        await source.close()
        assert time.perf_counter() - began < 2
        with pytest.raises(SourceError):
            await opening


async def test_tls_where_the_server_has_none(installed: None) -> None:
    with sqlserver_double() as server:
        source = SqlserverSource(
            SqlserverCredentials.model_validate(server.credentials(encrypt=True))
        )
        assert isinstance(await failure(source), TlsFailedError)
        await source.close()


async def test_a_certificate_that_nobody_vouches_for(open_source: OpenSource) -> None:
    error = await failure(open_source(encrypt=True))
    assert isinstance(error, TlsFailedError)
    assert not error.transient
    assert "trust_server_certificate" in error.fix


async def test_a_certificate_that_is_trusted_unseen(account: Any, open_source: OpenSource) -> None:
    source = open_source(encrypt=True, trust_server_certificate=True)
    assert (await source.execute("SELECT 1")).rows == [(1,)]
    login = account.server.ask("logins")[-1]
    assert (login["user"], login["encrypted"]) == (account.name, True)


async def test_a_certificate_that_holds(
    account: Any, open_source: OpenSource, certificates: tuple[Path, Path], monkeypatch: Any
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates[0]))
    source = open_source(encrypt=True, host_name_in_certificate="db.example")
    assert (await source.execute("SELECT 1")).rows == [(1,)]
    for changes in ({}, {"host_name_in_certificate": "other.example"}):
        error = await failure(open_source(encrypt=True, **changes))
        assert isinstance(error, TlsFailedError)


async def test_a_server_that_takes_encrypted_connections_alone(
    certificates: tuple[Path, Path],
) -> None:
    with sqlserver_double(certificates[1], "required") as server:
        source = SqlserverSource(
            SqlserverCredentials.model_validate(
                server.credentials(encrypt=True, trust_server_certificate=True)
            )
        )
        assert (await source.test()).ok
        assert server.ask("logins")[-1]["encrypted"]
        await source.close()


async def test_the_login_says_that_it_only_reads(account: Any, open_source: OpenSource) -> None:
    await open_source().open()
    login = account.server.ask("logins")[-1]
    assert (login["user"], login["reads_only"]) == (account.name, True)
    assert (login["program"], login["database"]) == ("buster-tasks", account.name)


async def test_a_driver_that_is_not_there(open_source: OpenSource) -> None:
    error = await failure(open_source(driver="ODBC Driver 3 for SQL Server"))
    assert isinstance(error, DriverMissingError)
    assert "ODBC Driver 3" in str(error)


def freetds() -> str:
    from buster_tasks.sources.sqlserver.driver import Driver, load_pyodbc

    found = [name for name in load_pyodbc().drivers() if Driver(name).is_freetds]
    if not found:
        pytest.skip("FreeTDS is not installed: apt-get install tdsodbc")
    return found[0]


async def test_freetds_does_too(account: Any, open_source: OpenSource) -> None:
    driver = freetds()
    account.limit(password="p/w;{€")
    source = open_source(driver=driver, password="p/w;{€")
    account.run("CREATE TABLE t (id int NOT NULL PRIMARY KEY, n nvarchar(20))")
    assert (
        await source.execute("SELECT N'é' AS a, CAST(1.50 AS decimal(9,2)) AS b")
    ).row_count == 1
    found = await source.introspect()
    assert [one.name for one in found.columns] == ["id", "n"]
    error = await failure(open_source(driver=driver, password="wrong"))
    assert isinstance(error, AuthenticationError)


async def test_freetds_checks_no_certificate_and_is_not_trusted_to(open_source: OpenSource) -> None:
    error = await failure(open_source(driver=freetds(), encrypt=True))
    assert isinstance(error, TlsFailedError)
    assert "FreeTDS" in str(error)


async def test_an_old_server(installed: None) -> None:
    with sqlserver_double() as server:
        server.ask("settings", version="12.0.2000.8")
        source = SqlserverSource(SqlserverCredentials.model_validate(server.credentials()))
        assert isinstance(await failure(source), SourceNotSupportedError)
        await source.close()


async def test_a_server_killed_in_mid_statement(installed: None) -> None:
    with sqlserver_double() as server:
        source = SqlserverSource(SqlserverCredentials.model_validate(server.credentials()))
        call = asyncio.create_task(source.execute(ENDLESS))
        while not await asyncio.to_thread(server.running, "sa", ENDLESS):
            assert not call.done()
        server.kill()
        began = time.perf_counter()
        with pytest.raises(ConnectionFailedError) as caught:
            await call
        assert caught.value.transient
        with pytest.raises(ConnectionFailedError, match="refused"):
            await source.execute("SELECT 1")
        await source.close()
        assert time.perf_counter() - began < 3


async def test_a_server_killed_in_mid_introspection(installed: None) -> None:
    with sqlserver_double() as server:
        server.database("d", "CREATE TABLE t (a int)")
        source = SqlserverSource(SqlserverCredentials.model_validate(server.credentials("d")))

        async def progress(phase: str, fraction: float, counts: Any) -> None:
            if counts:
                await asyncio.to_thread(server.kill)

        with pytest.raises(ConnectionFailedError) as caught:
            await source.introspect(progress=progress)
        assert caught.value.transient
        await source.close()


async def test_a_connection_that_was_cut_is_made_anew(
    account: Any, source: SqlserverSource
) -> None:
    await source.open()
    account.server.ask("cut")
    with pytest.raises(ConnectionFailedError) as caught:
        await source.execute("SELECT 1")
    assert caught.value.transient
    assert (await source.execute("SELECT 1")).rows == [(1,)]


async def deaf(do: Callable[[SqlserverDouble, SqlserverSource], Awaitable[None]]) -> None:
    """A server that goes on with its statement whatever it is told."""
    with sqlserver_double() as server:
        source = SqlserverSource(SqlserverCredentials.model_validate(server.credentials()))
        await source.open()
        server.ask("deaf", is_deaf=True)
        await do(server, source)
        await source.close()
        for one in threading.enumerate():
            if one.name.startswith("sqlserver-"):
                await asyncio.to_thread(one.join, 5)
                assert not one.is_alive(), one.name


async def test_a_server_that_does_not_stop_is_left(installed: None) -> None:
    async def late(server: SqlserverDouble, source: SqlserverSource) -> None:
        began = time.perf_counter()
        with pytest.raises(SourceTimeoutError):
            await source.execute(ENDLESS, timeout=0.2)
        assert time.perf_counter() - began < 2
        # the thread is free again, with a new connection
        assert (await source.execute("SELECT 1")).rows == [(1,)]
        assert time.perf_counter() - began < 6

    await deaf(late)


async def test_closing_while_a_server_does_not_stop(installed: None) -> None:
    async def closed(server: SqlserverDouble, source: SqlserverSource) -> None:
        call = asyncio.create_task(source.execute(ENDLESS))
        while not await asyncio.to_thread(server.running, "sa", ENDLESS):
            assert not call.done()
        began = time.perf_counter()
        await source.close()
        assert time.perf_counter() - began < 2
        with pytest.raises(QueryCanceledError):
            await call

    await deaf(closed)


async def test_no_error_shows_a_secret(account: Any, open_source: OpenSource) -> None:
    source = open_source(password="canary-7f3a")
    with pytest.raises(SourceError) as caught:
        await source.execute("SELECT 1")
    error: BaseException | None = caught.value
    while error is not None:
        assert "canary-7f3a" not in f"{error} {error!r}"
        error = error.__cause__ or error.__context__


async def test_what_is_not_allowed(account: Any, source: SqlserverSource) -> None:
    account.limit(denied={"tables": 229})
    with pytest.raises(PermissionDeniedError) as caught:
        await source.execute("SELECT * FROM sys.tables")
    assert not caught.value.transient
    with pytest.raises(PermissionDeniedError):
        await source.execute("SELECT * FROM suite.dbo.customer")
