"""The driver's own connection, so that one that hangs can be cut: ODBC has no call that does not ask the server."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterable
from pathlib import Path

_LISTS = ("/proc/self/fd", "/dev/fd")


class Line:
    """Finds the socket that the driver opens to one of these addresses after this was made.

    Where several could be it, as when two sources connect to one server at the same moment, none is taken; nor on
    systems that do not list what a process has open.
    """

    def __init__(self, addresses: Iterable[str], port: int) -> None:
        self._peers = {(address, port) for address in addresses}
        self._before = set(_open_files())
        self._socket: socket.socket | None = None

    def take(self) -> None:
        """Remember the socket, now that the driver has opened it."""
        if self._socket is None:
            self._socket = self._found()

    def cut(self) -> None:
        """Shut the connection, from any thread: whoever waits for it fails at once."""
        taken = self._socket
        found = taken or self._found()
        if found is None:
            return
        with contextlib.suppress(OSError):  # it is shut already
            found.shutdown(socket.SHUT_RDWR)
        if taken is None:
            found.close()

    def close(self) -> None:
        """Let go of it; the driver's own is the driver's to close."""
        found, self._socket = self._socket, None
        if found is not None:
            found.close()

    def _found(self) -> socket.socket | None:
        """A duplicate of the one socket that it can be."""
        fitting = [file for file in _open_files() if file not in self._before and self._leads(file)]
        if len(fitting) != 1:
            return None
        with contextlib.suppress(OSError):
            return socket.socket(fileno=os.dup(fitting[0]))
        return None

    def _leads(self, file: int) -> bool:
        try:
            one = socket.socket(fileno=os.dup(file))
        except OSError:
            return False  # it is no socket, or closed by now
        with one:
            try:
                peer = one.getpeername()
            except OSError:
                return False
        return isinstance(peer, tuple) and peer[:2] in self._peers


def _open_files() -> list[int]:
    for place in _LISTS:
        with contextlib.suppress(OSError):
            listed = [int(path.name) for path in Path(place).iterdir()]
            return [file for file in listed if _is_open(file)]  # what listed them is closed
    return []


def _is_open(file: int) -> bool:
    try:
        os.fstat(file)
    except OSError:
        return False
    return True
