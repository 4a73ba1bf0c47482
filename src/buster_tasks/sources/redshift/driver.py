"""The driver's connection over a socket of ours, with what it leaves open: limits of rows, values by type.

The driver makes its own socket: IPv4 alone, no authority but its own and the system's, and nobody can cut it. Here it
is handed one that is connected and encrypted already. All values come as text, which `values.py` reads.
"""

from __future__ import annotations

import socket
import struct
import types
from collections import defaultdict
from typing import Any

from redshift_connector import core

from buster_tasks.sources.collected import Collected
from buster_tasks.sources.redshift.values import Convert, converters

_FORMAT_TEXT = 0
_BASE_PROTOCOL = 0
_ANY_HOST = "127.0.0.1"


class ReadingConnection(core.Connection):
    """A connection that asks for no more rows than are wanted, and keeps no more."""

    into: Collected | None = None
    """Where the rows of the next statement go, as they come; None for all of them with its cursor."""
    is_suspended = False
    """Whether the server stopped because it was asked for no more."""
    # the driver does not say what these hold
    _write: Any
    _flush: Any
    _caches: Any
    parameter_statuses: Any

    def __init__(self, connected: socket.socket, user: str, password: str, database: str) -> None:
        parent = core.Connection.__init__
        names = {**vars(core), "socket": _module(connected)}
        start = types.FunctionType(parent.__code__, names, "start", parent.__defaults__)
        start(
            self,
            user,
            password,
            database,
            host=_ANY_HOST,
            ssl=False,
            max_prepared_statements=0,
            application_name="buster-tasks",
            client_protocol_version=_BASE_PROTOCOL,
        )
        self.autocommit = True  # transactions are begun by us, and read only

    def _enable_protocol_based_conversion_funcs(self) -> None:
        known: dict[int, tuple[int, Convert]] = {
            oid: (_FORMAT_TEXT, convert) for oid, convert in converters().items()
        }
        text = known[25]
        self.redshift_types = defaultdict(lambda: text, known)

    def send_EXECUTE(self, cursor: Any) -> None:  # noqa: N802 - the driver's name
        """Ask for the rows, as many as are wanted."""
        self._write(_execute(0 if self.into is None else self.into.wanted))
        self._write(core.FLUSH_MSG)

    def handle_PORTAL_SUSPENDED(self, data: Any, cursor: Any) -> None:  # noqa: N802 - the driver's name
        """There may be more rows."""
        self.is_suspended = True

    def handle_DATA_ROW(self, data: bytes, cursor: Any) -> None:  # noqa: N802 - the driver's name
        """Keep the row, unless there are enough: a server need not heed how many were asked for."""
        if self.into is None:
            super().handle_DATA_ROW(data, cursor)
        elif self.into.wanted:
            super().handle_DATA_ROW(data, cursor)
            self.into.take([cursor._cached_rows.popleft()])

    def ask(
        self, statement: str, parameters: tuple[object, ...] = (), *, into: Collected | None = None
    ) -> Any:
        """The cursor of a statement that has run, with all its rows; or they go `into`, page by page.

        Pages need a transaction that has begun: the server forgets what it had suspended at the end of one.
        """
        self.into, self.is_suspended = into, False
        cursor: Any = self.cursor()
        try:
            cursor.execute(statement, parameters or None, merge_socket_read=True)
            while self.is_suspended and into is not None and into.wanted:
                self._more(cursor)
        finally:
            self.into = None
            self._caches.clear()  # it would keep the text of every statement
        return cursor

    def _more(self, cursor: Any) -> None:
        """The next page of what the server has suspended."""
        self.is_suspended = False
        self.send_EXECUTE(cursor)
        self._write(core.SYNC_MSG)
        self._flush()
        self.handle_messages_merge_socket_read(cursor)

    @property
    def key(self) -> bytes | None:
        """What the server wants to be told to cancel this connection's statement."""
        return self._backend_key_data

    def status(self, name: str) -> str | None:
        """What the server reported of itself under this name."""
        found = dict(self.parameter_statuses).get(name.encode())
        return None if found is None else bytes(found).decode("utf-8", "replace")


def _execute(rows: int) -> bytes:
    """The message that has the portal without a name give so many rows."""
    return core.create_message(core.EXECUTE, struct.pack("!xI", rows))


class _Connected:
    """A socket to which the driver may connect: it is connected."""

    def __init__(self, connected: socket.socket) -> None:
        self._connected = connected

    def connect(self, _address: object) -> None:
        """Nothing is left to do."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connected, name)


def _module(connected: socket.socket) -> types.SimpleNamespace:
    """The module `socket`, where every new socket is this one."""

    def made(_family: object, _kind: object) -> _Connected:
        return _Connected(connected)

    return types.SimpleNamespace(**{**vars(socket), "socket": made})
