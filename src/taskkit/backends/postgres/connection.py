"""The database: which one a URL means, connected to, and what its errors mean."""

from __future__ import annotations

import os
import re
import socket
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from taskkit.backends.postgres.parameters import UnstorableTextError
from taskkit.errors import (
    BackendError,
    InvalidConfigError,
    StoreUnavailableError,
)

T = TypeVar("T")
_OLDEST: Final = 120_000
_SCHEMA: Final = re.compile(r"[a-z_][a-z0-9_]{0,39}")
_FIX: Final = (
    "Write postgresql://user:password@host:5432/database; behind a ? may stand schema=taskkit (the default), "
    "migrate=no, and options of libpq such as sslmode=verify-full."
)
_QUOTED: Final = re.compile(r'".*%.*"', re.DOTALL)
"""What libpq quotes where it is not encoded well, which is mostly a password."""
_HINT: Final = re.compile(
    r"\s*Is the server running on that host and accepting TCP/IP connections\?"
)
"""What libpq asks, and our own advice says."""
_OURS: Final = ("schema", "migrate")
"""Options of the URL that libpq does not know."""
_PATIENCE: Final = {
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
    "application_name": "taskkit",
}
"""A server that is gone without a word is noticed, in seconds rather than in hours (milliseconds, the last but one)."""

_SETTINGS: Final = {
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "10s",  # of a process that was stopped while it held locks
    "jit": "off",  # which compiles for as long as a plan looks dear, and ours without an index do
    "client_encoding": "UTF8",
    "TimeZone": "UTC",
}
_LASTING: Final = (
    "SELECT set_config(name, 'on', false) FROM pg_settings "
    "WHERE name = 'synchronous_commit' AND setting = 'off'"
)
_RETRIED: Final = frozenset({"40001", "40P01", "23505", "55P03"})
"""Another transaction was in the way: serialization, deadlock, the same row at the same time, lock timeout."""

_OUTAGES: Final = ("08", "28", "3D", "53", "57", "58", "25006", "25P03", "25P04")
"""Connection, login, database, resources (a full disk, too many connections), shutdown and statements that were ended
from outside, system, a standby that only reads, sessions that were ended because they stood still for too long."""


_LOOK: Final = (
    "Look whether the server runs, can be reached from here and has room, and whether user, password and the name "
    "of the database are right."
)
_ADVICE: Final = {
    "25006": "Name the primary rather than a standby, or target_session_attrs=read-write among the URL's options.",
    "42501": (
        "The user needs CREATE on the database, or a schema made for it with all rights on the schema and what is "
        "in it."
    ),
    "53300": "Each process uses three connections: raise max_connections, or run fewer processes.",
    "53100": "Make room on the server's disk.",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Which database (`conninfo` for libpq), the schema in it, and how long an answer may take, in seconds.

    `upgrades` says whether opening an older schema upgrades it.
    """

    conninfo: str
    schema: str = "taskkit"
    patience: float = 30.0
    upgrades: bool = True

    @property
    def shown(self) -> str:
        """Host and database, without user and password."""
        parts = urlsplit(self.conninfo)
        host = parts.netloc.rpartition("@")[2] or dict(parse_qsl(parts.query)).get("host", "")
        return f"{host}{parts.path}" or "of the default host"

    def __repr__(self) -> str:
        return f"Place({self.shown!r}, schema={self.schema!r})"


def place_of(url: str) -> Place:
    """What a URL says; InvalidConfigError when that is no database. The password is never shown."""
    parts = urlsplit(url)
    _refuse_unclear(parts)
    options = parse_qsl(parts.query.replace("+", "%2B"), keep_blank_values=True)  # a plus is a plus
    schema = dict(options).get("schema", "taskkit")
    migrate = dict(options).get("migrate", "yes")
    rest = urlencode(
        [(name, value) for name, value in options if name not in _OURS],
        quote_via=quote,
    )
    conninfo = f"postgresql://{parts.netloc}{parts.path}{'?' if rest else ''}{rest}"
    place = Place(conninfo, schema, upgrades=migrate == "yes")
    if _SCHEMA.fullmatch(schema) is None:
        raise InvalidConfigError(
            f"The backend URL of {place.shown} names the schema {schema!r}: give a name of small letters, digits "
            f"and underscores, at most 40 of them. {_FIX}"
        )
    if migrate not in ("yes", "no"):
        raise InvalidConfigError(
            f"The backend URL of {place.shown} says migrate={migrate!r}: give yes or no. {_FIX}"
        )
    try:
        known = conninfo_to_dict(place.conninfo)
    except psycopg.ProgrammingError as error:
        reason = _QUOTED.sub('"..."', str(error).strip())
        raise InvalidConfigError(
            f"The backend URL of {place.shown} is not understood by libpq: {reason}. {_FIX}"
        ) from None
    ports = str(known.get("port") or "").split(",")
    if not all(port == "" or port.isdecimal() for port in ports):
        raise InvalidConfigError(
            f"The backend URL, which is not shown because it may hold a password there, has a port that is no number. "
            f"{_FIX}"
        )
    return place


def _refuse_unclear(parts: SplitResult) -> None:
    """A character of the password that ends the password, after which the rest of it passes for a host."""
    names = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    if parts.fragment or any("@" in text for text in (parts.path, *names)):
        raise InvalidConfigError(
            f"The backend URL, which is not shown because it holds a password, has one of / ? # @ in its user or "
            f"password. Write them as %2F %3F %23 %40, as urllib.parse.quote(password, safe='') does. {_FIX}"
        )


def connect(place: Place, **settings: str) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection whose transactions are ours to begin and end. Raises psycopg.Error."""
    given = conninfo_to_dict(place.conninfo)
    missing = {name: value for name, value in _PATIENCE.items() if name not in given}
    connection = psycopg.connect(make_conninfo(place.conninfo, **missing), autocommit=True)
    try:
        _check_version(connection, place)
        with within(place.patience, connection):
            set_all(connection, {**_SETTINGS, **settings, "search_path": place.schema})
            if "synchronous_commit" not in settings:
                connection.execute(_LASTING)
    except BaseException:
        connection.close()
        raise
    return connection


def set_all(connection: psycopg.Connection[tuple[Any, ...]], settings: Mapping[str, str]) -> None:
    """Settings for the rest of the session."""
    calls = ", ".join(["set_config(%s, %s, false)"] * len(settings))
    values = [text for setting in settings.items() for text in setting]
    connection.execute(f"SELECT {calls}".encode(), values)


@contextmanager
def within(seconds: float, connection: psycopg.Connection[tuple[Any, ...]]) -> Generator[None]:
    """Whatever waits for the server in this block fails after so many seconds: the driver itself waits for ever."""
    cut = threading.Event()
    with socket.socket(fileno=os.dup(connection.fileno())) as line:

        def cut_off() -> None:
            cut.set()
            with suppress(OSError):  # it has ended by itself
                line.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(seconds, cut_off)
        timer.daemon = True
        timer.start()
        try:
            yield
        except psycopg.OperationalError as error:
            raise (silence(seconds) if cut.is_set() else error) from None
        finally:
            timer.cancel()


def silence(seconds: float) -> psycopg.OperationalError:
    """The error for an answer that does not come."""
    return psycopg.OperationalError(f"the server has not answered within {seconds:g} s")


def ask(place: Place, question: Callable[[psycopg.Connection[tuple[Any, ...]], str], T]) -> T:
    """The answer to something that is asked of the schema, on a connection of its own."""
    try:
        connection = connect(place)
        try:
            return question(connection, place.schema)
        finally:
            connection.close()
    except psycopg.Error as error:
        raise told(place, error) from error


def _check_version(connection: psycopg.Connection[tuple[Any, ...]], place: Place) -> None:
    version = connection.info.server_version
    if version < _OLDEST:
        raise BackendError(
            f"The PostgreSQL server of {place.shown} is of version {version // 10_000}; 12 is needed."
        )


def told(place: Place, error: Exception) -> Exception:
    """What to tell for an error of the driver's; others as they are."""
    if isinstance(error, UnstorableTextError):
        return BackendError(
            f"The PostgreSQL database {place.shown} cannot hold the text {error.args[0][:100]!r}: leave out the "
            f"character U+0000 and halves of surrogate pairs."
        )
    if not isinstance(error, psycopg.Error):
        return error
    reason = " ".join(_HINT.sub("", str(error)).split()).rstrip(".")
    advice = _advice(error.sqlstate or "")
    if is_outage(error):
        made: Exception = StoreUnavailableError(
            f"The PostgreSQL database {place.shown} could not be used: {reason}. What this call asked for is not "
            f"known to be stored; it may be repeated. {advice}"
        )
    else:
        made = BackendError(
            f"The PostgreSQL database {place.shown} refuses a statement: {reason}. {advice}".strip()
        )
    made.__cause__ = error
    return made


def _advice(state: str) -> str:
    for start, advice in _ADVICE.items():
        if state.startswith(start):
            return advice
    return "" if state and not state.startswith(_OUTAGES) else _LOOK


def is_outage(error: Exception) -> bool:
    """Whether the database could not be used just now."""
    if not isinstance(error, psycopg.Error):
        return False
    state = error.sqlstate
    if state is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return state.startswith(_OUTAGES) or state in _RETRIED


def may_succeed_later(error: Exception) -> bool:
    """Whether only another transaction was in the way."""
    return isinstance(error, psycopg.Error) and error.sqlstate in _RETRIED
