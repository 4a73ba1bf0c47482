"""One connection to the server by PyMySQL, with what the driver leaves open: limits, TLS, a server that means ill.

The driver's private parts that are touched here are its unfinished result (`_result`, `unbuffered_active`): without
that, giving up a result would read all that is left of it.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Generator, Sequence
from importlib import import_module
from typing import Any

from buster_tasks.errors import (
    AuthenticationError,
    ConnectionFailedError,
    DriverMissingError,
    PermissionDeniedError,
    SourceError,
)
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.credentials import MysqlCredentials
from buster_tasks.sources.mysql.failures import Endpoint, typed_error
from buster_tasks.sources.mysql.tls import read_tls
from buster_tasks.sources.mysql.values import Convert, Field, converter, quick_converter
from buster_tasks.sources.network import addresses, unreachable
from buster_tasks.sources.secrets import resolve_secret

Row = tuple[object, ...]

_DEFAULT_CHARSET = "utf8mb4"
_CLEAR_PASSWORD_METHODS = ("mysql_clear_password", "dialog")


class Answer:
    """The rows of a statement as they come; nothing is read before it is asked for."""

    def __init__(self, cursor: Any, endpoint: Endpoint, encoding: str) -> None:
        self._cursor, self._endpoint = cursor, endpoint
        result = cursor._result
        self.fields: list[Field] | None = None
        self._converts: list[Convert] = []
        self._quick: list[Convert] = []
        if result.description is not None:
            self.fields = [
                Field(one.name, one.type_code, one.charsetnr, one.flags) for one in result.fields
            ]
            self._converts = [converter(field, encoding) for field in self.fields]
            self._quick = [quick_converter(field, encoding) for field in self.fields]

    @property
    def is_open(self) -> bool:
        """Whether the server may have more rows."""
        return bool(self._cursor._result.unbuffered_active)

    def fetch(self, limit: int | None = None) -> list[Row]:
        """The next rows, at most `limit`. Raises SourceError."""
        rows: list[Row] = []
        with _typed(self._endpoint):
            while limit is None or len(rows) < limit:
                raw = self._cursor.read_next()
                if raw is None:
                    break
                rows.append(self._row(raw))
        return rows

    def _row(self, raw: tuple[bytes | None, ...]) -> Row:
        try:
            return _made_of(raw, self._quick)
        except (ValueError, ArithmeticError):
            return _made_of(raw, self._converts)

    def drain(self) -> None:
        """Read to the end, keeping nothing. Raises SourceError, also that of a statement which was killed."""
        with _typed(self._endpoint):
            self._cursor._result._finish_unbuffered_query()

    def give_up(self) -> None:
        """Leave what was not read; the connection is of no use after that, unless all was read."""
        if self._cursor._result is not None:
            self._cursor._result.unbuffered_active = False
        self._cursor.close()


def _made_of(raw: tuple[bytes | None, ...], converts: list[Convert]) -> Row:
    pairs = zip(raw, converts, strict=True)
    return tuple([None if value is None else convert(value) for value, convert in pairs])


class Link:
    """A connection. `open`, `ask` and `close` belong to one thread, `shut` to any."""

    def __init__(self, credentials: MysqlCredentials, read_seconds: float) -> None:
        self._credentials = credentials
        self._read_seconds = read_seconds
        self.endpoint = Endpoint(
            credentials.host, credentials.port, credentials.username, credentials.database
        )
        self._driver: Any = None
        self._handle: socket.socket | None = None
        self._lock = threading.Lock()
        self._is_shut = False

    @property
    def is_usable(self) -> bool:
        """Whether the connection stands, as far as is known here."""
        return self._driver is not None and bool(self._driver.open) and not self._is_shut

    def open(self, budget: Budget) -> None:
        """Connect and authenticate. Raises SourceError; nothing stays open then."""
        pymysql = load_driver()
        found = addresses(self.endpoint.host, self.endpoint.port)
        tls = read_tls(self._credentials.ssl, found)
        options = self._options(pymysql, allow_clear_password=tls.is_checked)
        driver = _made(pymysql, options | tls.options)
        try:
            reached = self._reach(found, budget)
            with _typed(self.endpoint):
                _authenticate(driver, reached)
        except SourceError:
            self.close()
            raise
        self._driver = driver

    def ask(self, sql: str, parameters: Sequence[object] = ()) -> Answer:
        """The answer to one statement. Raises SourceError."""
        with _typed(self.endpoint):
            cursor = self._driver.cursor()
            try:
                cursor.execute(sql, tuple(parameters) or None)
            except (
                RuntimeError
            ) as error:  # the driver's answer to LOAD LOCAL, and to nothing else here
                self.close()
                raise PermissionDeniedError(
                    f"{self.endpoint} asked for a file of this machine, and got nothing.",
                    fix="Do not trust this server.",
                ) from error
        return Answer(cursor, self.endpoint, self._driver.encoding)

    def do(self, sql: str) -> None:
        """Carry out a statement that has no rows. Raises SourceError."""
        self.ask(sql).give_up()

    def shut(self) -> None:
        """Make whatever blocks on the connection fail at once."""
        self._is_shut = True
        with self._lock, contextlib.suppress(OSError):
            if self._handle is not None:
                self._handle.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Say goodbye and give the connection back; may be called twice."""
        driver, self._driver = self._driver, None
        if driver is not None:
            with contextlib.suppress(
                Exception
            ):  # whatever is wrong with it, it is being thrown away
                driver.close()
        with self._lock:
            if self._handle is not None:
                self._handle.close()
                self._handle = None

    def _options(self, pymysql: Any, *, allow_clear_password: bool) -> dict[str, object]:
        known = self._credentials
        refused = {} if allow_clear_password else dict.fromkeys(_CLEAR_PASSWORD_METHODS, _Refusal)
        return {
            "host": known.host,
            "port": known.port,
            "user": known.username,
            "password": resolve_secret(known.password).encode(),
            "database": known.database,
            "charset": known.charset or _DEFAULT_CHARSET,
            "use_unicode": False,  # values are made of bytes in values.py
            "conv": pymysql.converters.encoders,
            "cursorclass": pymysql.cursors.SSCursor,
            "autocommit": None,
            "local_infile": False,
            "read_timeout": self._read_seconds,
            "write_timeout": self._read_seconds,
            "auth_plugin_map": refused,
            "program_name": "buster-tasks",
            "defer_connect": True,
        }

    def _reach(self, found: Sequence[str], budget: Budget) -> socket.socket:
        """A socket that is connected to the first address that answers. Raises SourceError."""
        failure: SourceError | None = None
        host, port = self.endpoint.host, self.endpoint.port
        for address in found:
            if budget.is_spent:
                raise budget.error()
            reached = socket.socket(
                socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM
            )
            reached.settimeout(budget.left())
            try:
                reached.connect((address, port))
            except OSError as error:
                reached.close()
                failure = unreachable(host, port, error)
                continue
            _keep_alive(reached)
            with self._lock:
                self._handle = reached.dup()
            return reached
        raise failure or ConnectionFailedError(f"{host!r} has no address.", transient=False)


class _Refusal:
    """In place of a method of authentication that would send the password as it is."""

    def __init__(self, driver: Any) -> None:
        self._host = driver.host

    def authenticate(self, _packet: object) -> None:
        raise AuthenticationError(
            f"{self._host!r} asks for the password in clear text and has not proved who it is: it got nothing.",
            fix="Set `ssl` to True, with the `ca` of the server, or give the user another authentication plugin.",
        )

    prompt = authenticate


def load_driver() -> Any:
    """PyMySQL, imported when it is first used. Raises DriverMissingError."""
    try:
        return import_module("pymysql")
    except ImportError as error:
        raise DriverMissingError.of("MySQL", "mysql", error) from None


def _made(pymysql: Any, options: dict[str, object]) -> Any:
    if pymysql.charset.charset_by_name(options["charset"]) is None:
        raise ConnectionFailedError(
            f"The driver knows no character set {options['charset']!r}.",
            fix="Leave `charset` out: it is utf8mb4 then.",
            transient=False,
        )
    return pymysql.connect(**options)


def _authenticate(driver: Any, reached: socket.socket) -> None:
    try:
        driver.connect(reached)
    except (
        RuntimeError
    ) as error:  # the driver's word for a package that a method of authentication needs
        raise DriverMissingError(
            f"The server's way of authentication needs another package: {error}.",
            fix="Install it, or give the user another authentication plugin.",
            extra="mysql",
        ) from error


def _keep_alive(connected: socket.socket) -> None:
    """Have the system notice within half a minute that the other side is gone without a word."""
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 15), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
        option = getattr(socket, name, None)  # not every system has them
        if option is not None:
            connected.setsockopt(socket.IPPROTO_TCP, option, value)


@contextlib.contextmanager
def _typed(endpoint: Endpoint) -> Generator[None]:
    """Makes the driver's errors our own."""
    try:
        yield
    except SourceError:
        raise
    except Exception as error:
        raise typed_error(error, endpoint) from error
