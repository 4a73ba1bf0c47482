"""The driver's own connection over HTTP: how long it may take, and how it is cut while somebody waits for it.

The driver holds a lock while it waits for an answer, a cancel included, so what hangs is cut by its socket. It is
reached through attributes that are not promised: where a version of the driver lacks one, its own limits hold.
"""

from __future__ import annotations

import contextlib
import os
import socket
from io import BytesIO
from typing import Any


class _WholeAnswer:
    """An answer that is here already: the driver asks for it a few bytes at a time, each through all of urllib3."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer
        self.read = BytesIO(answer.data).read

    def __getattr__(self, name: str) -> Any:
        return getattr(self._answer, name)


class Line:
    """The HTTP connection of one session."""

    def __init__(self, connection: Any) -> None:
        """Follows the connection from now on, and has it fail at once instead of asking again by itself."""
        self._socket: socket.socket | None = None
        self._backend: Any = connection.session.backend
        self._transport: Any = getattr(self._backend, "_transport", None)
        self._pool: Any = getattr(self._transport, "_THttpClient__pool", None)
        self._follow()
        policy = getattr(self._backend, "retry_policy", None)
        for name in ("connect", "read", "other"):
            if hasattr(policy, name):
                setattr(policy, name, 0)  # what was cut must not be sent again
        if hasattr(self._backend, "_retry_stop_after_attempts_count"):
            self._backend._retry_stop_after_attempts_count = 1

    def limit(self, seconds: float) -> None:
        """How long each request may take from now on."""
        if self._transport is not None:
            self._transport.setTimeout(seconds * 1000)

    def cut(self) -> None:
        """Shut the socket, from any thread: whoever waits for it fails at once, and the next request has a new one."""
        # a duplicate, since that of TLS may not be touched while another thread reads from it
        with contextlib.suppress(OSError, ValueError):  # it is closed already
            if self._socket is not None:
                twin = socket.socket(fileno=os.dup(self._socket.fileno()))
                twin.shutdown(socket.SHUT_RDWR)
                twin.close()

    def close(self) -> None:
        """Close what is left of it."""
        if self._pool is not None:
            self._pool.close()

    def close_operation(self, cursor: Any) -> None:
        """Have the server forget a statement whose result was never asked for, which the driver does not do."""
        number = getattr(cursor, "active_command_id", None)
        if number is not None and getattr(cursor, "active_result_set", None) is None:
            self._backend.close_command(number)

    def _follow(self) -> None:
        pool, line = self._pool, self
        kind = getattr(pool, "ConnectionCls", None)
        if pool is None or kind is None:
            return

        def connect(made: Any) -> None:
            kind.connect(made)
            line._socket = made.sock

        def request(*given: Any, **more: Any) -> _WholeAnswer:
            return _WholeAnswer(asks(*given, **{**more, "preload_content": True}))

        asks, pool.request = pool.request, request
        # HTTP or HTTPS, as the pool has it
        pool.ConnectionCls = type("Followed", (kind,), {"connect": connect})
        for idle in list(getattr(pool.pool, "queue", ())):
            self._socket = getattr(idle, "sock", None) or self._socket
