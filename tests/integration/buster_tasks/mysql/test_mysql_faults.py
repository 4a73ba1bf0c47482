"""What goes wrong on the way to a server: the typed error within its time, and nothing left behind."""

import asyncio
import signal
import struct
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from benchmarks.mariadb import mariadb_server
from benchmarks.servers import free_port
from buster_tasks.errors import (
    AuthenticationError,
    ConnectionFailedError,
    DatabaseNotFoundError,
    HostNotFoundError,
    PermissionDeniedError,
    SourceError,
    SourceTimeoutError,
    TlsFailedError,
)
from buster_tasks.sources import Filters
from buster_tasks.sources.credentials import MysqlCredentials
from buster_tasks.sources.mysql import MysqlSource

pytestmark = pytest.mark.anyio

OpenSource = Callable[..., MysqlSource]
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
LONG = "SELECT COUNT(*) FROM seq_1_to_1000000 a, seq_1_to_1000000 b"


async def failure(source: MysqlSource, within: float = 2.0) -> SourceError:
    """What opening ends with, in time."""
    began = time.perf_counter()
    with pytest.raises(SourceError) as caught:
        await source.open()
    assert time.perf_counter() - began < within
    test = await source.test()
    assert (test.ok, test.error_code) == (False, caught.value.code)
    assert caught.value.fix
    return caught.value


def elsewhere(port: int, **changes: Any) -> MysqlSource:
    known = {
        "host": "127.0.0.1",
        "port": port,
        "database": "d",
        "username": "u",
        "password": "secret-p",
    }
    return MysqlSource(MysqlCredentials.model_validate({**known, **changes}))


@pytest.mark.parametrize("changes", [{"password": "wrong"}, {"username": "nobody_here"}])
async def test_a_wrong_password(
    account: Any, open_source: OpenSource, changes: dict[str, str]
) -> None:
    error = await failure(open_source(**changes))
    assert isinstance(error, AuthenticationError)
    assert not error.transient
    await account.until_alone()


async def test_a_database_that_is_not_there(account: Any, open_source: OpenSource) -> None:
    account.run(f"GRANT SELECT ON *.* TO {account.name}@'%'")
    error = await failure(open_source(database="nowhere"))
    assert isinstance(error, DatabaseNotFoundError)
    assert "nowhere" in str(error)


async def test_a_database_that_the_user_may_not_enter(open_source: OpenSource) -> None:
    error = await failure(open_source(database="mysql"))
    assert isinstance(error, PermissionDeniedError)


async def test_a_dead_port() -> None:
    source = elsewhere(free_port())
    error = await failure(source)
    assert (type(error), error.transient) == (ConnectionFailedError, True)
    await source.close()


async def test_an_unknown_host() -> None:
    source = elsewhere(3306, host="no-such-host.invalid")
    assert isinstance(await failure(source, within=15), HostNotFoundError)
    await source.close()


async def test_a_host_that_swallows_packets(full_queue: int) -> None:
    source = elsewhere(full_queue, connection_timeout=300)
    error = await failure(source)
    assert isinstance(error, SourceTimeoutError)
    assert error.transient
    assert f"127.0.0.1:{full_queue}" in str(error)
    await source.close()


@asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[int]:
    """The port of a server that treats each connection so."""
    writers: list[asyncio.StreamWriter] = []

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(accepted, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.close()


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def talks_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" + b"x" * 4_000_000)
    await writer.drain()
    await reader.read()


async def talks_nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(packet(0, b"\x0a8"))
    await reader.read()


async def test_a_server_that_accepts_and_says_nothing() -> None:
    async with serving(silent) as port:
        source = elsewhere(port, connection_timeout=300)
        assert isinstance(await failure(source), SourceTimeoutError)
        await source.close()


@pytest.mark.parametrize("serve", [talks_http, talks_nonsense])
async def test_something_else_that_listens_there(serve: Serve) -> None:
    async with serving(serve) as port:
        source = elsewhere(port, connection_timeout=500)
        assert isinstance(await failure(source), ConnectionFailedError)
        await source.close()


async def test_closing_while_it_still_connects() -> None:
    async with serving(silent) as port:
        source = elsewhere(port)
        opening = asyncio.create_task(source.open())
        await asyncio.sleep(0)
        began = time.perf_counter()
        await source.close()
        assert time.perf_counter() - began < 2
        with pytest.raises(SourceError):
            await opening


async def test_a_server_killed_in_mid_introspection() -> None:
    with mariadb_server() as server:
        server.run("CREATE DATABASE d", "CREATE TABLE d.t (a INT)", "CREATE TABLE d.u (a INT)")
        source = MysqlSource(MysqlCredentials.model_validate(server.credentials("d")))

        async def progress(phase: str, fraction: float, counts: Any) -> None:
            if counts:
                server.process.kill()
                await asyncio.to_thread(server.process.wait)

        began = time.perf_counter()
        with pytest.raises(ConnectionFailedError) as caught:
            await source.introspect(progress=progress)
        assert caught.value.transient
        with pytest.raises(ConnectionFailedError, match="refused"):
            await source.introspect()
        await source.close()
        assert time.perf_counter() - began < 3


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL], ids=["shut down", "killed"])
async def test_a_server_that_ends_in_mid_statement(end: signal.Signals) -> None:
    with mariadb_server() as server:
        source = MysqlSource(MysqlCredentials.model_validate(server.credentials("mysql")))
        call = asyncio.create_task(source.execute(LONG))
        running = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO = %s"
        while (await asyncio.to_thread(server.run, running % repr(LONG)))[0][0] < 1:
            assert not call.done()
        server.process.send_signal(end)
        async with asyncio.timeout(20):
            with pytest.raises(ConnectionFailedError) as caught:
                await call
        assert caught.value.transient
        await source.close()


async def test_a_server_that_ignores_case() -> None:
    with mariadb_server("lower-case-table-names=1") as server:
        server.run("CREATE DATABASE Shop", "CREATE TABLE Shop.Orders (A INT)")
        async with MysqlSource(
            MysqlCredentials.model_validate(server.credentials("shop"))
        ) as source:
            found = await source.introspect(Filters(databases=["SHOP"], tables=["shop.ORD*"]))
        assert [(one.schema_name, one.name) for one in found.tables] == [("shop", "orders")]
        assert [column.name for column in found.columns] == ["A"]
        assert found.issues == []


class Wire:
    """A way to a server that can be cut without a word: what goes in then never comes out."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._is_cut = threading.Event()

    def cut(self) -> None:
        self._is_cut.set()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_server, from_server = None, None
        if not self._is_cut.is_set():
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self._port)
            answers = asyncio.create_task(self._carry(from_server, writer))
        await self._carry(reader, to_server)
        if to_server is not None:
            to_server.close()
            answers.cancel()

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter | None
    ) -> None:
        while data := await reader.read(65_536):
            if not self._is_cut.is_set() and writer is not None:
                writer.write(data)


async def test_a_network_that_dies_in_mid_statement(account: Any, open_source: OpenSource) -> None:
    wire = Wire(account.server.port)
    async with serving(wire) as port:
        source = open_source(port=port)
        await source.open()
        call = asyncio.create_task(source.execute(LONG, timeout=0.5))
        while not await asyncio.to_thread(account.running, LONG):
            assert not call.done()
        wire.cut()
        began = time.perf_counter()
        with pytest.raises(SourceTimeoutError):
            await call
        await source.close()
        assert time.perf_counter() - began < 4


def packet(number: int, body: bytes) -> bytes:
    return struct.pack("<I", len(body))[:3] + bytes([number]) + body


OK = b"\0\0\0\2\0\0\0"


def greeting(plugin: bytes = b"mysql_native_password") -> bytes:
    """What a MySQL server without TLS says first."""
    capabilities = 0x000FF7DF & ~0x800  # no TLS
    low, high = struct.pack("<I", capabilities)[:2], struct.pack("<I", capabilities)[2:]
    return packet(
        0,
        b"\x0a8.0.36\0" + struct.pack("<I", 7) + b"saltsalt\0" + low + b"\x2d\2\0" + high + b"\x15" + bytes(10)
        + b"saltsaltsalt\0" + plugin + b"\0",
    )  # fmt: skip


class Rogue:
    """A server that answers each packet after its greeting with the next of its answers, and keeps what it hears."""

    def __init__(self, *answers: bytes) -> None:
        self._answers = answers
        self.heard: list[bytes] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting())
        for answer in self._answers:
            number = await self._read(reader)
            writer.write(packet(number + 1, answer))
        while True:
            await self._read(reader)

    async def _read(self, reader: asyncio.StreamReader) -> int:
        head = await reader.readexactly(4)
        self.heard.append(await reader.readexactly(int.from_bytes(head[:3], "little")))
        return head[3]


# In turn: authentication, SET NAMES, SET SESSION TRANSACTION, the facts of the server.
@pytest.mark.parametrize("answers", [(OK, OK), (OK, OK, OK)])
async def test_a_server_that_asks_for_a_file_gets_nothing(
    tmp_path: Any, answers: tuple[bytes, ...]
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("canary-7f3a")
    rogue = Rogue(*answers, b"\xfb" + str(secret).encode())
    async with serving(rogue) as port:
        source = elsewhere(port, connection_timeout=1_000, ssl=False)
        with pytest.raises(PermissionDeniedError, match="asked for a file"):
            await source.open()
        await source.close()
    assert not any(b"canary" in heard for heard in rogue.heard)


@pytest.mark.parametrize("method", [b"mysql_clear_password\0", b"dialog\0\2Password: "])
async def test_a_server_that_asks_for_the_password_in_clear_gets_nothing(method: bytes) -> None:
    rogue = Rogue(b"\xfe" + method, OK, OK)
    async with serving(rogue) as port:
        source = elsewhere(port, connection_timeout=1_000, ssl=False)
        with pytest.raises(AuthenticationError, match="clear text"):
            await source.open()
        await source.close()
    assert not any(b"secret-p" in heard for heard in rogue.heard)


async def test_a_server_without_tls_gets_no_password_when_tls_is_wanted() -> None:
    rogue = Rogue(OK, OK)
    async with serving(rogue) as port:
        source = elsewhere(port, connection_timeout=1_000, ssl=True)
        with pytest.raises(TlsFailedError, match="offers no TLS"):
            await source.open()
        await source.close()
    assert rogue.heard == []


async def is_encrypted(source: MysqlSource) -> bool:
    [[_name, cipher]] = (await source.execute("SHOW STATUS LIKE 'Ssl_cipher'")).rows
    return cipher != ""


async def test_tls_with_a_certificate_that_holds(account: Any, open_source: OpenSource) -> None:
    source = open_source(ssl={"ca": account.server.authority})
    assert await is_encrypted(source)
    # the connection that kills is encrypted and checked in the same way
    with pytest.raises(SourceTimeoutError):
        await source.execute(LONG, timeout=0.2)
    assert not account.running(LONG)


async def test_tls_as_it_is_wanted(open_source: OpenSource) -> None:
    assert await is_encrypted(open_source(ssl={"reject_unauthorized": False}))
    assert await is_encrypted(open_source())  # on this machine: where the server offers it
    assert not await is_encrypted(open_source(ssl=False))


async def test_a_certificate_that_does_not_hold(account: Any, open_source: OpenSource) -> None:
    for ssl_option in (True, {}):
        error = await failure(open_source(ssl=ssl_option))
        assert isinstance(error, TlsFailedError)
        assert not error.transient
    other_name = open_source(host="localhost", ssl={"ca": account.server.authority})
    assert isinstance(await failure(other_name), TlsFailedError)


async def test_texts_that_are_no_certificates(open_source: OpenSource) -> None:
    for option in ({"ca": "nonsense"}, {"ca": None, "cert": "nonsense", "key": "canary-7f3a"}):
        error = await failure(open_source(ssl=option))
        assert isinstance(error, TlsFailedError)
        assert "canary" not in str(error)


async def test_a_user_who_must_use_tls(account: Any, open_source: OpenSource) -> None:
    account.run(f"ALTER USER {account.name}@'%' REQUIRE SSL")
    assert isinstance(await failure(open_source(ssl=False)), AuthenticationError)
    assert await is_encrypted(open_source())


async def as_soon_as_there_is_room(call: Callable[[], Awaitable[Any]]) -> Any:
    """The result of the call, made again until the server has taken leave of an earlier connection."""
    for _ in range(1_000):
        try:
            return await call()
        except ConnectionFailedError as error:
            if not error.transient:
                raise
    pytest.fail("the server keeps the earlier connection")


async def test_no_more_connections(account: Any, open_source: OpenSource) -> None:
    account.run(f"ALTER USER {account.name}@'%' WITH MAX_USER_CONNECTIONS 1")
    async with open_source() as first:
        error = await failure(open_source())
        assert (type(error), error.transient) == (ConnectionFailedError, True)
        # its own kill cannot connect either, so the connection is given up, and made anew
        with pytest.raises(SourceTimeoutError):
            await first.execute("SELECT SLEEP(60)", timeout=0.2)
        for sql in ("SELECT seq FROM seq_1_to_9000000 LIMIT 9000000", "SELECT 1, 2"):
            result = await as_soon_as_there_is_room(lambda sql=sql: first.execute(sql, max_rows=2))
            assert result.rows in ([(1,), (2,)], [(1, 2)])
            assert result.truncated == ("LIMIT" in sql)


async def test_an_unknown_character_set(open_source: OpenSource) -> None:
    error = await failure(open_source(charset="klingon"))
    assert isinstance(error, ConnectionFailedError)
    assert not error.transient


async def test_a_missing_driver(open_source: OpenSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pymysql", None)
    error = await failure(open_source())
    assert (error.code, 'pip install "buster-tasks[mysql]"' in error.fix) == (
        "DRIVER_MISSING",
        True,
    )
