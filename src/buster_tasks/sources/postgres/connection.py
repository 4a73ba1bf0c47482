"""Connecting to a PostgreSQL server within a time limit, and finding out why that failed.

libpq tells why only in words, so it is asked to say the SQLSTATE in their place; where there is none, nobody answered
in the server's own language, and a look of our own tells the cause by the system's errors.
"""

from __future__ import annotations

import ctypes
import importlib
import re
import selectors
import socket
import ssl
import struct
from collections.abc import Callable
from functools import cache
from typing import Any

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo
from psycopg.rows import tuple_row

from buster_tasks.errors import (
    ConnectionFailedError,
    SourceError,
    SourceTimeoutError,
    TlsFailedError,
)
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.credentials import PostgresCredentials
from buster_tasks.sources.network import addresses, no_answer, unreachable
from buster_tasks.sources.postgres.failures import Place, login_error
from buster_tasks.sources.postgres.tls import TextFiles, Tls
from buster_tasks.sources.secrets import resolve_secret

Connection = psycopg.Connection[tuple[Any, ...]]

_LOOK_SECONDS = 0.05
_PROBE_SECONDS = 3.0
_VERBOSITY_OF_STATES, _VERBOSITY_OF_WORDS = 3, 1
_STATE = re.compile(rb":\s+([0-9A-Z]{5})\s*\Z")
_WANTS_TLS = struct.pack("!II", 8, 80_877_103)
_CHECK_WITH = "Check host and port, and that the database is started."


def connect(
    credentials: PostgresCredentials, files: TextFiles, budget: Budget, seconds: float
) -> Connection:
    """A connection to the first of the host's addresses that takes us within these seconds. Raises SourceError.

    The budget ends it too, when somebody stops it.
    """
    whole = Budget(seconds, within=budget)
    place = place_of(credentials)
    password = resolve_secret(credentials.password)
    _check_texts(place, password)
    found = addresses(place.host, place.port)
    tls = Tls(credentials.ssl, found, files)
    known = _parameters(place, password, tls)
    for at, address in enumerate(found):
        share = Budget((whole.left() or 0.0) / (len(found) - at))
        try:
            return _opened(_Attempt(place, address, tls, budget, share, seconds), known)
        except (ConnectionFailedError, SourceTimeoutError):
            if at + 1 == len(found):
                raise
    raise AssertionError("a host has an address, or the look-up fails")


def place_of(credentials: PostgresCredentials) -> Place:
    """Where these credentials lead."""
    return Place(credentials.host, credentials.port, credentials.database, credentials.username)


def _parameters(place: Place, password: str, tls: Tls) -> dict[str, Any]:
    """Everything that libpq is told; what is not here cannot be set by credentials."""
    return {
        "host": place.host,
        "port": place.port,
        "dbname": place.database,
        "user": place.user,
        "password": password,
        "application_name": "buster-tasks",
        "client_encoding": "UTF8",
        "gssencmode": "disable",
        "target_session_attrs": "any",
        **tls.parameters(pq.version()),
    }


def _check_texts(place: Place, password: str) -> None:
    if any("\0" in text for text in (place.host, place.database, place.user, password)):
        raise ConnectionFailedError(
            "A NUL character is in the host, database, user or password.",
            fix="Remove it from the credentials.",
            transient=False,
        )


class _Attempt:
    """One try to connect to one address, for a share of the time."""

    def __init__(
        self,
        place: Place,
        address: str,
        tls: Tls,
        budget: Budget,
        share: Budget,
        seconds: float,
    ) -> None:
        self.place, self.address = place, address
        self._tls, self._budget = tls, budget
        self._share, self._seconds = share, seconds

    def check(self) -> None:
        """Raise what ends it: somebody stopped it, or its time is over."""
        if self._budget.stopped:
            raise self._budget.error()
        if self._share.is_spent:
            raise no_answer(self.place.host, self.place.port, self._seconds)

    def error(self, message: bytes) -> SourceError:
        """Why it failed, from what libpq says."""
        state = _STATE.search(message)
        if state is not None:
            return login_error(state[1].decode(), self.place)
        seconds = min(self._share.left() or 0.0, _PROBE_SECONDS)
        return self._seen(max(seconds, 0.2)) or ConnectionFailedError(
            f"{self.place.server} ended the connection: {message.decode(errors='replace').strip()}.",
            fix=_CHECK_WITH,
        )

    def _seen(self, seconds: float) -> SourceError | None:
        """What a look of our own shows; None when all is well by that."""
        host, port = self.place.host, self.place.port
        try:
            with socket.create_connection((self.address, port), timeout=seconds) as plain:
                return self._tls_seen(plain) if self._tls.is_required else None
        except OSError as error:
            return unreachable(host, port, error)

    def _tls_seen(self, plain: socket.socket) -> SourceError | None:
        plain.sendall(_WANTS_TLS)
        answer = plain.recv(1)
        where = self.place.server
        if answer == b"N":
            return TlsFailedError(
                f"{where} offers no TLS, and an open connection would show the password and all data.",
                fix="Switch TLS on in the server, or set the option ssl to False where the network is trusted.",
            )
        if answer != b"S":
            return ConnectionFailedError(
                f"What listens on {where} does not answer as PostgreSQL does.",
                fix=_CHECK_WITH,
                transient=not answer,
            )
        try:
            self._tls.context().wrap_socket(plain, server_hostname=self.place.host).close()
        except ssl.SSLCertVerificationError as error:
            reason = error.verify_message.rstrip(".")
            return TlsFailedError(
                f"The certificate of {where} does not hold: {reason}.",
                fix="Give the certificate of its authority as ssl.ca, and the host by the name in its certificate.",
            )
        except ssl.SSLError as error:
            return TlsFailedError(
                f"TLS with {where} fails: {error.reason}.", fix="Check the option ssl."
            )
        return None


def _opened(attempt: _Attempt, known: dict[str, Any]) -> Connection:
    conninfo = make_conninfo(**known, hostaddr=attempt.address)
    pgconn = pq.PGconn.connect_start(conninfo.encode())
    try:
        _drive(pgconn, attempt)
    except BaseException:
        pgconn.finish()
        raise
    pgconn.nonblocking = 1
    connection = psycopg.Connection(pgconn, row_factory=tuple_row)
    connection.autocommit = True
    connection.prepare_threshold = None  # a pooler in between may forget what was prepared
    return connection


def _drive(pgconn: pq.abc.PGconn, attempt: _Attempt) -> None:
    """Carry the start of a connection to its end."""
    if pgconn.status == pq.ConnStatus.BAD:
        raise attempt.error(pgconn.error_message)
    set_verbosity = _verbosity_setter()
    # psycopg's protocol of a PGconn leaves it out, all that it has made have it
    pointer: int | None = getattr(pgconn, "pgconn_ptr", None)
    set_verbosity(pointer, _VERBOSITY_OF_STATES)
    while (status := pgconn.connect_poll()) != pq.PollingStatus.OK:
        if status == pq.PollingStatus.FAILED:
            raise attempt.error(pgconn.error_message)
        reading = status == pq.PollingStatus.READING
        event = selectors.EVENT_READ if reading else selectors.EVENT_WRITE
        with selectors.DefaultSelector() as selector:
            selector.register(pgconn.socket, event)
            while not selector.select(_LOOK_SECONDS):
                attempt.check()
    set_verbosity(pointer, _VERBOSITY_OF_WORDS)


@cache
def _verbosity_setter() -> Callable[[int | None, int], object]:
    """libpq's PQsetErrorVerbosity, which psycopg does not pass on; one that does nothing where it cannot be found."""
    try:
        module = importlib.import_module(
            {"binary": "psycopg_binary._psycopg", "c": "psycopg_c._psycopg"}[pq.__impl__]
        )
        # Its own libraries are looked through as well, and libpq is one of them.
        function: Any = ctypes.CDLL(str(module.__file__)).PQsetErrorVerbosity
    except (KeyError, ImportError, OSError, AttributeError):
        return lambda _pgconn, _verbosity: None
    function.argtypes, function.restype = (ctypes.c_void_p, ctypes.c_int), ctypes.c_int
    setter: Callable[[int | None, int], object] = function
    return setter
