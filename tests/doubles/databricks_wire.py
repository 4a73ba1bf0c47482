"""The protocol of Databricks SQL for tests: Thrift over HTTP, by the generated code that the driver itself has.

What runs the statements is an `Engine`. Tokens are checked with each request, `/oidc/v1/token` gives one to a service
principal, and `/control` is what a test asks of the server itself.
"""

import base64
import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qs

from databricks.sql.thrift_api.TCLIService import TCLIService, ttypes
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.transport.TTransport import TMemoryBuffer

LONG_POLL_SECONDS = 5.0
_VERSION = ttypes.TProtocolVersion.SPARK_CLI_SERVICE_PROTOCOL_V8
_OK = ttypes.TStatus(statusCode=ttypes.TStatusCode.SUCCESS_STATUS)


class RefusedError(Exception):
    """What the engine says no to, in Databricks' words: `[CLASS] text. SQLSTATE: state`."""


@dataclass
class Result:
    """Names and Thrift types of columns, and rows of Python values."""

    names: Sequence[str]
    types: Sequence[str]
    rows: Sequence[Sequence[Any]]


class Engine(Protocol):
    """What runs statements; a session is whatever it likes."""

    def open(self, user: str, catalog: str | None, schema: str | None) -> Any: ...

    def run(self, session: Any, sql: str, parameters: Mapping[str, str]) -> Result: ...

    def interrupt(self, session: Any) -> None: ...

    def close(self, session: Any) -> None: ...

    def control(self, order: Mapping[str, Any]) -> Any: ...


@dataclass
class Operation:
    session: bytes
    sql: str
    done: threading.Event = field(default_factory=threading.Event)
    result: Result | None = None
    error: str | None = None
    canceled: bool = False
    given: int = 0


class Service:
    """Answers the calls of TCLIService."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.sessions: dict[bytes, Any] = {}
        self.users: dict[bytes, str] = {}
        self.operations: dict[bytes, Operation] = {}
        self.user = threading.local()
        self.lock = threading.Lock()
        self.opened = 0

    def OpenSession(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        place = request.initialNamespace
        catalog, schema = (place.catalogName, place.schemaName) if place else (None, None)
        try:
            session = self.engine.open(self.user.name, catalog, schema)
        except RefusedError as error:
            return ttypes.TOpenSessionResp(
                status=_failed(str(error)), serverProtocolVersion=_VERSION
            )
        number = uuid.uuid4().bytes
        with self.lock:
            self.opened += 1
            self.sessions[number], self.users[number] = session, self.user.name
        return ttypes.TOpenSessionResp(
            status=_OK,
            serverProtocolVersion=_VERSION,
            sessionHandle=ttypes.TSessionHandle(
                ttypes.THandleIdentifier(number, b"s" * 16), serverProtocolVersion=_VERSION
            ),
            configuration={},
            canUseMultipleCatalogs=True,
            initialNamespace=place,
        )

    def CloseSession(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        number = request.sessionHandle.sessionId.guid
        with self.lock:
            session = self.sessions.pop(number, None)
            self.users.pop(number, None)
            left = [key for key, one in self.operations.items() if one.session == number]
            for key in left:
                del self.operations[key]
        if session is not None:
            self.engine.interrupt(session)
            self.engine.close(session)
        return ttypes.TCloseSessionResp(status=_OK)

    def ExecuteStatement(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        number = request.sessionHandle.sessionId.guid
        session = self.sessions.get(number)
        if session is None:
            return ttypes.TExecuteStatementResp(status=_gone())
        parameters = {one.name: one.value.stringValue for one in request.parameters or ()}
        operation, key = Operation(number, request.statement), uuid.uuid4().bytes
        with self.lock:
            self.operations[key] = operation
        run = threading.Thread(target=self._run, args=(session, operation, parameters), daemon=True)
        run.start()
        return ttypes.TExecuteStatementResp(status=_OK, operationHandle=_handle(key))

    def _run(self, session: Any, operation: Operation, parameters: Mapping[str, str]) -> None:
        try:
            operation.result = self.engine.run(session, operation.sql, parameters)
        except RefusedError as error:
            operation.error = str(error)
        except Exception as error:
            operation.error = f"[INTERNAL_ERROR] {type(error).__name__}: {error} SQLSTATE: XX000"
        operation.done.set()

    def GetOperationStatus(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        operation = self._operation(request)
        if operation is None:
            return ttypes.TGetOperationStatusResp(status=_gone())
        operation.done.wait(
            LONG_POLL_SECONDS
        )  # as HiveServer2 does, so that clients need not sleep
        states = ttypes.TOperationState
        state = states.RUNNING_STATE
        if operation.canceled:
            state = states.CANCELED_STATE
        elif operation.error is not None:
            state = states.ERROR_STATE
        elif operation.done.is_set():
            state = states.FINISHED_STATE
        return ttypes.TGetOperationStatusResp(
            status=_OK,
            operationState=state,
            errorMessage=operation.error,
            displayMessage=operation.error,
        )

    def GetResultSetMetadata(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        operation = self._operation(request)
        if operation is None or operation.result is None:
            return ttypes.TGetResultSetMetadataResp(status=_gone())
        return _metadata(operation.result)

    def FetchResults(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        operation = self._operation(request)
        if operation is None or operation.result is None:
            return ttypes.TFetchResultsResp(status=_gone())
        begin = operation.given
        rows = operation.result.rows[begin : begin + request.maxRows]
        operation.given += len(rows)
        return ttypes.TFetchResultsResp(
            status=_OK,
            hasMoreRows=operation.given < len(operation.result.rows),
            results=ttypes.TRowSet(
                startRowOffset=begin, rows=[], columns=_columns(operation.result, rows)
            ),
            resultSetMetadata=_metadata(operation.result),
        )

    def CancelOperation(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        operation = self._operation(request)
        if operation is not None and not operation.done.is_set():
            operation.canceled = True
            session = self.sessions.get(operation.session)
            while session is not None and not operation.done.wait(0.01):
                self.engine.interrupt(session)
        return ttypes.TCancelOperationResp(status=_OK)

    def CloseOperation(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        with self.lock:
            self.operations.pop(request.operationHandle.operationId.guid, None)
        return ttypes.TCloseOperationResp(status=_OK)

    def _operation(self, request: Any) -> Operation | None:
        return self.operations.get(request.operationHandle.operationId.guid)

    def forget(self, user: str) -> None:
        """End the user's sessions, as a warehouse that stops does."""
        with self.lock:
            own = [key for key, name in self.users.items() if name == user]
            for key in own:
                del self.users[key]
                del self.sessions[key]

    def told(self, user: str) -> dict[str, Any]:
        """What a test may know of a user's sessions."""
        with self.lock:
            own = {key for key, name in self.users.items() if name == user}
            running = [
                one.sql
                for one in self.operations.values()
                if one.session in own and not one.done.is_set()
            ]
            left = [one.sql for one in self.operations.values() if one.session in own]
            return {"sessions": len(own), "running": running, "operations": left}


@dataclass
class Door:
    """Who may come in: users by token, secrets by client id."""

    users: dict[str, str] = field(default_factory=dict)
    clients: dict[str, str] = field(default_factory=dict)
    tokens: int = 0
    lives: float = 3600
    answer: int | None = None
    """Answer the next requests of the protocol with this status instead."""
    moved: str | None = None
    """Where else tokens are to be asked for."""
    mute: bool = False
    """Take requests and never answer them."""
    paths: list[str] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    """Requests of one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # an answer is two writes
    service: Any
    door: Door
    process: Callable[[bytes], bytes] | None = None

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.door.paths.append(self.path)
        self._answer(404, b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/control":
            self._answer(200, json.dumps(self._control(json.loads(body))).encode())
            return
        self.door.paths.append(self.path)
        if self.door.mute:
            threading.Event().wait()
        if self.path == "/oidc/v1/token" and self.door.moved is not None:
            self._answer(302, b"", headers={"Location": self.door.moved})
        elif self.path == "/oidc/v1/token":
            self._token(body)
        elif not self.path.startswith(("/sql/", "/cliservice")):
            self._refuse(404, "No such endpoint")
        elif self.door.answer is not None:
            self._refuse(self.door.answer, "The warehouse is not there")
        else:
            self._thrift(body)

    def _thrift(self, body: bytes) -> None:
        user = self.door.users.get(self.headers.get("Authorization", ""))
        if user is None:
            self._refuse(403, "Invalid access token.")
            return
        self.service.user.name = user
        made = TMemoryBuffer()
        processor = TCLIService.Processor(self.service)
        processor.process(TBinaryProtocol(TMemoryBuffer(body)), TBinaryProtocol(made))
        self._answer(200, made.getvalue(), "application/x-thrift")

    def _token(self, body: bytes) -> None:
        asked = parse_qs(body.decode())
        scheme, _, text = self.headers.get("Authorization", "").partition(" ")
        client, _, secret = base64.b64decode(text or b"").decode().partition(":")
        is_known = scheme == "Basic" and self.door.clients.get(client) == secret
        if not is_known or asked.get("grant_type") != ["client_credentials"]:
            self._answer(401, json.dumps({"error": "invalid_client"}).encode())
            return
        self.door.tokens += 1
        told = {"iss": "https://127.0.0.1/oidc", "sub": client, "jti": self.door.tokens}
        token = _unsigned({**told, "exp": int(time.time() + self.door.lives)})
        self.door.users[f"Bearer {token}"] = client
        known = {"access_token": token, "token_type": "Bearer", "expires_in": self.door.lives}
        self._answer(200, json.dumps(known).encode())

    def _control(self, order: dict[str, Any]) -> Any:
        if order["do"] == "told":
            return {**self.service.told(order["user"]), "tokens": self.door.tokens}
        if order["do"] == "user":
            self.door.users[f"Bearer {order['token']}"] = order["name"]
        elif order["do"] == "client":
            self.door.clients[order["name"]] = order["secret"]
        elif order["do"] == "door":
            for name, value in order["set"].items():
                setattr(self.door, name, value)
        elif order["do"] == "forget":
            self.service.forget(order["user"])
        elif order["do"] == "paths":
            return self.door.paths
        else:
            return self.service.engine.control(order)
        return None

    def _refuse(self, status: int, text: str) -> None:
        self._answer(status, b"", headers={"x-thriftserver-error-message": text})

    def _answer(
        self,
        status: int,
        body: bytes,
        kind: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def http_server(service: Any, door: Door) -> ThreadingHTTPServer:
    """A server on a free port of 127.0.0.1 that is not serving yet."""
    handler = type("Bound", (Handler,), {"service": service, "door": door})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    return server


def _handle(key: bytes) -> Any:
    return ttypes.TOperationHandle(
        ttypes.THandleIdentifier(key, b"o" * 16),
        ttypes.TOperationType.EXECUTE_STATEMENT,
        hasResultSet=True,
    )


def _failed(text: str) -> Any:
    return ttypes.TStatus(
        statusCode=ttypes.TStatusCode.ERROR_STATUS, errorMessage=text, displayMessage=text
    )


def _gone() -> Any:
    return ttypes.TStatus(
        statusCode=ttypes.TStatusCode.INVALID_HANDLE_STATUS,
        errorMessage="Invalid SessionHandle: SessionHandle [gone]",
    )


def _metadata(result: Result) -> Any:
    columns = [
        ttypes.TColumnDesc(columnName=name, typeDesc=_type(kind), position=at + 1)
        for at, (name, kind) in enumerate(zip(result.names, result.types, strict=True))
    ]
    return ttypes.TGetResultSetMetadataResp(
        status=_OK,
        schema=ttypes.TTableSchema(columns=columns),
        resultFormat=ttypes.TSparkRowSetType.COLUMN_BASED_SET,
        lz4Compressed=False,
        isStagingOperation=False,
    )


def _type(kind: str) -> Any:
    word, _, rest = kind.partition("(")
    number = getattr(ttypes.TTypeId, f"{word.upper()}_TYPE")
    qualifiers = None
    if rest:
        precision, scale = (int(part) for part in rest.rstrip(")").split(","))
        value = ttypes.TTypeQualifierValue
        qualifiers = ttypes.TTypeQualifiers(
            {"precision": value(i32Value=precision), "scale": value(i32Value=scale)}
        )
    entry = ttypes.TPrimitiveTypeEntry(type=number, typeQualifiers=qualifiers)
    return ttypes.TTypeDesc([ttypes.TTypeEntry(primitiveEntry=entry)])


_HOLDERS = {
    "boolean": ("boolVal", ttypes.TBoolColumn, False),
    "tinyint": ("byteVal", ttypes.TByteColumn, 0),
    "smallint": ("i16Val", ttypes.TI16Column, 0),
    "int": ("i32Val", ttypes.TI32Column, 0),
    "bigint": ("i64Val", ttypes.TI64Column, 0),
    "float": ("doubleVal", ttypes.TDoubleColumn, 0.0),
    "double": ("doubleVal", ttypes.TDoubleColumn, 0.0),
    "binary": ("binaryVal", ttypes.TBinaryColumn, b""),
}


def _columns(result: Result, rows: Sequence[Sequence[Any]]) -> list[Any]:
    made: list[Any] = []
    for at, kind in enumerate(result.types):
        name, holder, empty = _HOLDERS.get(kind, ("stringVal", ttypes.TStringColumn, ""))
        values = [row[at] for row in rows]
        nulls = bytearray((len(values) + 7) // 8 or 1)
        for place, value in enumerate(values):
            if value is None:
                nulls[place // 8] |= 1 << (place % 8)
        filled = [empty if one is None else _spelt(one, name) for one in values]
        made.append(ttypes.TColumn(**{name: holder(filled, bytes(nulls))}))
    return made


def _spelt(value: Any, holder: str) -> Any:
    if holder != "stringVal":
        return value
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value if isinstance(value, str) else str(value)


def _unsigned(claims: Mapping[str, Any]) -> str:
    """A JWT, as Databricks' tokens are, whose signature nobody looks at."""
    parts = ({"alg": "HS256", "typ": "JWT"}, claims, "signature")
    encoded = (base64.urlsafe_b64encode(json.dumps(one).encode()) for one in parts)
    return ".".join(one.decode().rstrip("=") for one in encoded)
