"""The double as a process: `python -m tests.doubles.sqlserver_server <certificate or -> <mode>`.

It prints the ports of the server and of its control, and ends when its standard input does. Each line to the control
is a request in JSON, answered by one line.
"""

import asyncio
import contextlib
import json
import ssl
import sys
import time
from typing import Any

import duckdb

from tests.doubles import sqlserver_wire as wire
from tests.doubles.sqlserver_engine import Account, Engine, Session
from tests.doubles.sqlserver_wire import Channel, Request, TdsError

LOGIN_ONLY, ON, NONE, REQUIRED = 0, 1, 2, 3


class Server:
    def __init__(self, certificate: str, mode: str) -> None:
        self.engine, self.mode = Engine(), mode
        self.sessions: dict[Channel, Session] = {}
        self.logins: list[dict[str, Any]] = []
        self.is_deaf = False
        self.context: ssl.SSLContext | None = None
        if certificate != "-":
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.maximum_version = (
                ssl.TLSVersion.TLSv1_2
            )  # what comes after a 1.3 handshake has no place in TDS 7
            self.context.load_cert_chain(certificate)

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        channel = Channel(reader, writer)
        try:
            session = await self._log_in(channel)
            if session is not None:
                self.sessions[channel] = session
                await Conversation(self, channel, session).hold()
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass  # the client went
        finally:
            session = self.sessions.pop(channel, None)
            if session is not None:
                session.cursor.close()
            channel.close()

    async def _log_in(self, channel: Channel) -> Session | None:
        kind, data = await channel.receive()
        if kind != wire.PRELOGIN:
            return None
        answer = self._encryption(wire.prelogin_encryption(data))
        await channel.send(wire.prelogin(answer))
        if answer != NONE:
            assert self.context is not None
            await channel.encrypt(self.context)
        _kind, data = await channel.receive()
        login, was_encrypted = wire.login(data), channel.is_encrypted
        if answer == LOGIN_ONLY:
            channel.decrypt()
        try:
            session = self._admit(login)
        except TdsError as error:
            await channel.send(wire.error(error) + wire.done(wire.FAILED))
            return None
        self.logins.append({
            "user": login.user, "database": login.database, "program": login.program, "reads_only": login.reads_only,
            "encrypted": channel.is_encrypted, "login_encrypted": was_encrypted,
        })  # fmt: skip
        await channel.send(wire.login_ack(session.database) + wire.done())
        return session

    def _encryption(self, wanted: int) -> int:
        if self.context is None or wanted == NONE:
            return NONE
        if self.mode == "required":
            return REQUIRED
        return ON if wanted in (ON, REQUIRED) else LOGIN_ONLY

    def _admit(self, login: wire.Login) -> Session:
        account = self.engine.accounts.get(login.user)
        if account is None or account.password != login.password:
            raise TdsError(18456, f"Login failed for user '{login.user}'.", 14)
        database = login.database or "master"
        if database not in self.engine.catalogs or not (
            account.databases is None or database in account.databases
        ):
            raise TdsError(
                4060,
                f'Cannot open database "{database}" requested by the login. The login failed.',
                11,
            )
        return Session(self.engine, login.user, database, reads_only=login.reads_only)

    async def control(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            try:
                answer = {"ok": await asyncio.to_thread(self._controlled, json.loads(line))}
            except Exception as error:  # told to whoever asks
                answer = {"error": f"{type(error).__name__}: {error}"}
            writer.write(json.dumps(answer).encode() + b"\n")
        writer.close()

    def _controlled(self, asked: dict[str, Any]) -> Any:  # noqa: C901 - a list of commands
        match asked.pop("do"):
            case "run":
                self.engine.administer(asked["database"], asked["statements"])
            case "duckdb":
                with self.engine.lock:
                    self.engine.connection.execute(f"USE {asked['database']}.sys")
                    return [
                        list(map(str, row))
                        for row in self.engine.connection.execute(asked["sql"]).fetchall()
                    ]
            case "database":
                self.engine.create_database(asked["name"])
            case "account":
                name = asked.pop("name")
                self.engine.accounts[name] = Account(**asked)
            case "sessions":
                return [
                    {"user": one.login, "statement": one.statement}
                    for one in self.sessions.values()
                ]
            case "logins":
                return self.logins
            case "settings":
                self.engine.settings.update(asked)
            case "deaf":
                self.is_deaf = asked["is_deaf"]
            case "cut":
                for channel in list(self.sessions):
                    channel.abort()
        return None


class Conversation:
    """What one client asks after its login; while a statement runs it may ask that it be stopped."""

    def __init__(self, server: Server, channel: Channel, session: Session) -> None:
        self._server, self._channel, self._session = server, channel, session
        self._prepared: dict[int, str] = {}
        self._transaction = 0
        self._is_stopped = False

    async def hold(self) -> None:
        message = asyncio.create_task(self._channel.receive())
        try:
            while True:
                kind, data = await message
                message = asyncio.create_task(self._channel.receive())
                if kind == wire.ATTENTION:
                    await self._channel.send(wire.done(wire.STOPPED))
                    continue
                answering = asyncio.create_task(self._answer(kind, data))
                await asyncio.wait([message, answering], return_when=asyncio.FIRST_COMPLETED)
                if not answering.done():
                    message = await self._stop(message, answering)
                await answering
        finally:
            message.cancel()

    async def _stop(
        self, message: "asyncio.Task[tuple[int, bytes]]", answering: "asyncio.Task[None]"
    ) -> "asyncio.Task[tuple[int, bytes]]":
        """The client has something to say in the middle of an answer: that it wants no more, or that it is gone."""
        is_gone = message.exception() is not None
        while self._server.is_deaf and not is_gone:
            message = asyncio.create_task(self._channel.receive())
            await asyncio.wait([message])
            is_gone = message.exception() is not None
        self._is_stopped = True
        while not answering.done():  # an interrupt that comes before the statement is lost
            with contextlib.suppress(duckdb.Error):
                self._session.cursor.interrupt()
            await asyncio.wait([answering], timeout=0.01)
        self._is_stopped = False
        if is_gone:
            await message  # raises
        await self._channel.send(wire.done(wire.STOPPED))
        return asyncio.create_task(self._channel.receive())

    async def _answer(self, kind: int, data: bytes) -> None:
        request = Request(data)
        try:
            if kind == wire.BATCH:
                await self._run(request.text, {}, wire.DONE)
            elif kind == wire.RPC:
                await self._call(request)
            elif kind == wire.TRANSACTION:
                await self._transact(request)
            else:
                raise TdsError(4002, "The incoming tabular data stream is incorrect.")
        except TdsError as error:
            await self._channel.send(wire.error(error) + wire.done(wire.FAILED))
        except duckdb.InterruptException:
            pass  # whoever asked for it is answered

    async def _call(self, request: Request) -> None:
        called = request.procedure()
        given: list[tuple[str, Any]] = []
        while request.has_more:
            given.append(request.parameter())
        values = [value for _name, value in given]
        match called:
            case 10 | "sp_executesql":
                await self._run(values[0], _named(given[2:]), wire.DONE_PROC)
            case 13 | "sp_prepexec":
                self._prepared[len(self._prepared) + 1] = values[2]
                head = wire.return_handle(len(self._prepared))
                await self._run(values[2], _named(given[3:]), wire.DONE_PROC, head)
            case 11 | "sp_prepare":
                self._prepared[len(self._prepared) + 1] = values[2]
                head = wire.return_handle(len(self._prepared))
                await self._channel.send(
                    head + wire.return_status() + wire.done(token=wire.DONE_PROC)
                )
            case 12 | "sp_execute":
                await self._run(self._prepared[values[0]], _named(given[1:]), wire.DONE_PROC)
            case 15 | "sp_unprepare":
                await self._channel.send(wire.return_status() + wire.done(token=wire.DONE_PROC))
            case _:
                raise TdsError(2812, f"Could not find stored procedure '{called}'.")

    async def _run(
        self, text: str, parameters: dict[str, Any], token: int, tail: bytes = b""
    ) -> None:
        session = self._session
        session.statement = text
        try:
            described = await asyncio.to_thread(session.execute, text, parameters)
            made, count = b"", 0
            if described is not None:
                made, kinds = wire.columns(described), [kind for _name, kind in described]
                while rows := await asyncio.to_thread(session.rows):
                    if self._is_stopped:
                        raise duckdb.InterruptException("stopped between rows")
                    count += len(rows)
                    made += b"".join(wire.row(kinds, one) for one in rows)
                    await self._channel.send(made, last=False)
                    made = b""
        finally:
            session.statement = None
        status = wire.COUNT if described is not None else 0
        if token == wire.DONE_PROC:
            made += wire.done(status, count, wire.DONE_IN_PROC) + tail + wire.return_status()
        await self._channel.send(made + wire.done(status, count, token))

    async def _transact(self, request: Request) -> None:
        kind = request.take("H")
        if kind == 5:
            self._transaction = time.monotonic_ns()
            self._session.begin()
            made = wire.transaction(8, self._transaction)
        else:
            self._session.end("COMMIT" if kind == 7 else "ROLLBACK")
            made = wire.transaction(9 if kind == 7 else 10, self._transaction)
        await self._channel.send(made + wire.done())


def _named(given: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name.lstrip("@") or f"P{at}": value for at, (name, value) in enumerate(given, 1)}


async def main(certificate: str, mode: str, port: int) -> None:
    double = Server(certificate, mode)
    server = await asyncio.start_server(double.connected, "127.0.0.1", port)
    control = await asyncio.start_server(double.control, "127.0.0.1", 0)
    ports = [one.sockets[0].getsockname()[1] for one in (server, control)]
    print(*ports, flush=True)
    await asyncio.to_thread(sys.stdin.read)  # until whoever started it is gone


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
