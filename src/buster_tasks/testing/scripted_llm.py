"""An HTTP server that speaks the protocol of OpenAI and says what a test tells it."""

from __future__ import annotations

import asyncio
import json
import select
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from types import TracebackType
from typing import Any, ClassVar, Self, TypeAlias, cast

from buster_tasks.language_model.base import ModelReply, Usage, tokens_of
from buster_tasks.testing.chat_wire import chunks_of, completion_of, event
from buster_tasks.testing.model_script import Said, as_reply, script_ended, spoken_calls

_PATH = "/chat/completions"
_LOOK_EVERY = 0.02
_PATIENCE = 1.0


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """A request as it came: `headers` by their names in lower case, `body` read as JSON.

    `hung_up` is set when the client went away before it had the whole answer.
    """

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    hung_up: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class HttpError:
    """A turn that answers with a status, in the form of OpenAI's errors; `message` may be made of the request."""

    status: int
    message: str | Callable[[SeenRequest], str] = "It does not work."
    retry_after: float | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class RawBody:
    """A turn that answers with status 200 and these bytes, whatever they are."""

    content: bytes
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class BrokenOff:
    """A turn whose stream ends after some pieces: the connection is cut, or with `error` an error is sent."""

    said: Said
    after: int = 1
    error: str | None = None


class Held:
    """A turn that waits until it is released, after `after` pieces of its stream, or with 0 before the status line."""

    def __init__(self, said: Said, *, after: int = 0) -> None:
        self.said = said
        self.after = after
        self.reached, self.released = threading.Event(), threading.Event()

    def release(self) -> None:
        """Let the turn go on."""
        self.released.set()


ServerTurn: TypeAlias = Said | HttpError | RawBody | BrokenOff | Held
ServerAnswer: TypeAlias = Callable[[SeenRequest], ServerTurn]


class ScriptedLLM:
    """A server on 127.0.0.1 that plays a script to whoever posts to `/v1/chat/completions`, streamed or not.

        with ScriptedLLM([ToolCall.of("run_sql", sql="SELECT 1"), HttpError(429, retry_after=1), "One."]) as server:
            model = LitellmModel("openai/any", api_base=server.url, api_key="test")

    Also as `async with`. A turn is what `FakeModel` says, or an `HttpError`, a `RawBody`, a stream that is
    `BrokenOff`, a turn that is `Held`, or a function of the request that gives one. `requests` has all that came, in
    order, those to other paths too, which are answered with 404. One request too many is answered with 400, and
    raises ScriptEndedError when the server is left.
    """

    def __init__(self, script: Iterable[ServerTurn | ServerAnswer] | ServerAnswer) -> None:
        self.requests: list[SeenRequest] = []
        self._answer: ServerAnswer | None = script if callable(script) else None
        self._script: list[ServerTurn | ServerAnswer] = [] if callable(script) else list(script)
        self._held: list[Held] = []
        self._played = 0
        self._lock = threading.Lock()
        self._failure: AssertionError | None = None
        self._server = _Server(("127.0.0.1", 0), self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_LOOK_EVERY,), name="scripted-llm", daemon=True
        )

    @property
    def url(self) -> str:
        """What a client takes as the base of the API: `http://127.0.0.1:PORT/v1`."""
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def turn(self, request: SeenRequest) -> tuple[ServerTurn, int]:
        """The next turn of the script, and its number from 1."""
        with self._lock:
            self.requests.append(request)
            if not request.path.endswith(_PATH):
                return HttpError(404, f"There is no {request.path}."), 0
            self._played += 1
            number = self._played
            turn = self._answer or self._scripted(number, request)
        if callable(turn):
            turn = turn(request)
        if isinstance(turn, Held):
            self._held.append(turn)
        return turn, number

    def _scripted(self, number: int, request: SeenRequest) -> ServerTurn | ServerAnswer:
        if number > len(self._script):
            self._failure = script_ended(len(self._script), json.dumps(request.body)[-500:])
            return HttpError(400, str(self._failure))
        return self._script[number - 1]

    def close(self, patience: float = 0.0) -> None:
        """Let go of who waits, and stop. Clients have `patience` seconds to close their connections in order."""
        for held in self._held:
            held.release()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.hang_up(patience)
        self._server.server_close()

    def _leave(self, error: BaseException | None) -> None:
        if error is None and self._failure is not None:
            raise self._failure

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        self._leave(error)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # litellm keeps connections for later calls: here, its event loop sees that they are over
        await asyncio.to_thread(self.close, _PATIENCE)
        self._leave(error)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], scripted: ScriptedLLM) -> None:
        super().__init__(address, _Handler)
        self.scripted = scripted
        self.connections: set[socket.socket] = set()
        self.changed = threading.Condition()

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer would look for the name of the host
        self.server_name, self.server_port = "127.0.0.1", self.socket.getsockname()[1]

    def hang_up(self, patience: float) -> None:
        """Tell the clients that nothing more comes, and cut off who has not closed its side in this time."""
        self._shut_down(socket.SHUT_WR)
        with self.changed:
            self.changed.wait_for(lambda: not self.connections, patience)
        self._shut_down(socket.SHUT_RDWR)

    def _shut_down(self, how: int) -> None:
        for connection in list(self.connections):
            with suppress(OSError):
                connection.shutdown(how)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that went away."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout: ClassVar[float | None] = 60.0

    def setup(self) -> None:
        super().setup()
        self._server.connections.add(self.connection)

    def finish(self) -> None:
        with self._server.changed:
            self._server.connections.discard(self.connection)
            self._server.changed.notify_all()
        with suppress(OSError):
            super().finish()

    @property
    def _server(self) -> _Server:
        return cast("_Server", self.server)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        seen = SeenRequest(
            self.path, {name.lower(): value for name, value in self.headers.items()}, _read(body)
        )
        turn, number = self._server.scripted.turn(seen)
        try:
            self._play(turn, number, seen)
        except OSError:
            seen.hung_up.set()
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Say nothing."""

    def _play(self, turn: ServerTurn, number: int, seen: SeenRequest) -> None:
        match turn:
            case HttpError():
                self._fail(turn, seen)
            case RawBody():
                self._whole(200, turn.content, turn.content_type)
            case Held():
                self._say(turn.said, number, seen, held=turn)
            case BrokenOff():
                self._say(turn.said, number, seen, broken=turn)
            case _:
                self._say(turn, number, seen)

    def _fail(self, turn: HttpError, seen: SeenRequest) -> None:
        message = turn.message if isinstance(turn.message, str) else turn.message(seen)
        content = {"error": {"message": message, "type": "scripted", "code": turn.code}}
        headers = {} if turn.retry_after is None else {"Retry-After": f"{turn.retry_after:g}"}
        self._whole(turn.status, json.dumps(content).encode(), "application/json", headers)

    def _say(
        self,
        said: Said,
        number: int,
        seen: SeenRequest,
        *,
        held: Held | None = None,
        broken: BrokenOff | None = None,
    ) -> None:
        reply = as_reply(said, number, _usage_of(seen, said))
        if held is not None and held.after == 0:
            self._wait(held)
        if not seen.body.get("stream"):
            if broken is not None:
                self._cut()
                return
            self._whole(200, json.dumps(completion_of(reply, number)).encode(), "application/json")
            return
        self._begin(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
        self._stream(reply, number, held, broken)

    def _stream(
        self, reply: ModelReply, number: int, held: Held | None, broken: BrokenOff | None
    ) -> None:
        for position, chunk in enumerate(chunks_of(reply, number)):
            if held is not None and position == held.after > 0:
                self._wait(held)
            if broken is not None and position == broken.after:
                self._break(broken)
                return
            self._send(event(chunk))
        self._send(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def _break(self, broken: BrokenOff) -> None:
        if broken.error is not None:
            self._send(event({"error": {"message": broken.error, "type": "server_error"}}))
        self._cut()

    def _cut(self) -> None:
        """End the connection without the end of the answer."""
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _wait(self, held: Held) -> None:
        """Until it is released; an OSError when the client goes away before."""
        held.reached.set()
        while not held.released.wait(_LOOK_EVERY):
            readable, _, _ = select.select([self.connection], [], [], 0)
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                raise ConnectionResetError("the client hung up")

    def _send(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def _whole(
        self, status: int, content: bytes, kind: str, headers: Mapping[str, str] | None = None
    ) -> None:
        self._begin(
            status, {"Content-Type": kind, "Content-Length": str(len(content)), **(headers or {})}
        )
        self.wfile.write(content)

    def _begin(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


def _read(body: bytes) -> Mapping[str, Any]:
    try:
        read: object = json.loads(body)
    except ValueError:
        return {}
    return cast("dict[str, Any]", read) if isinstance(read, dict) else {}


def _usage_of(seen: SeenRequest, said: Said) -> Usage:
    """Three bytes of the request's messages and of the reply to a token."""
    reply = as_reply(said, 0, Usage())
    return Usage(
        prompt_tokens=tokens_of(json.dumps(seen.body.get("messages"))),
        completion_tokens=tokens_of(reply.text + spoken_calls(reply)),
    )
