"""Messages between a worker and its child process, over a socket that only these two have.

A message is a tuple whose first element says what it is, pickled, with its length before it. Both ends are
the same user's code of the same version; nothing of it is ever stored.
"""

from __future__ import annotations

import asyncio
import logging
import pickle
import socket
import struct
from typing import Any, TypeAlias

Message: TypeAlias = tuple[Any, ...]

_HEAD = struct.Struct("!Q")
_LONGEST = 1 << 30
_log = logging.getLogger("taskkit.worker")


def packed(message: Message) -> bytes:
    """The bytes of one message."""
    data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return _HEAD.pack(len(data)) + data


def received(link: socket.socket) -> Message | None:
    """The next message, for plain code; None when the other end is gone."""
    head = _exactly(link, _HEAD.size)
    data = None if head is None else _exactly(link, _HEAD.unpack(head)[0])
    return None if data is None else _message(data)


def _exactly(link: socket.socket, count: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < count:
        try:
            part = link.recv(min(count - len(parts), 1 << 20))
        except OSError:
            return None
        if not part:
            return None
        parts += part
    return bytes(parts)


def _message(data: bytes) -> Message:
    message: Message = pickle.loads(data)  # noqa: S301 - see above
    return message


class Link:
    """The worker's end, on its event loop."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def over(cls, end: socket.socket) -> Link:
        """The link over one end of a socket pair."""
        return cls(*await asyncio.open_unix_connection(sock=end))

    def send(self, message: Message) -> None:
        """Hand a message over; lost when the child is gone."""
        self.send_packed(packed(message))

    def send_packed(self, data: bytes) -> None:
        """The same for a message that is packed already."""
        if not self._writer.is_closing():
            self._writer.write(data)

    async def receive(self) -> Message | None:
        """The next message; None when the child is gone, or what it sends is none."""
        try:
            (length,) = _HEAD.unpack(await self._reader.readexactly(_HEAD.size))
            if length <= _LONGEST:
                return _message(await self._reader.readexactly(length))
        except (asyncio.IncompleteReadError, OSError):
            return None
        except Exception as error:  # its code may write into any open file
            _log.error("a child process sent what cannot be read: %r", error)
            return None
        _log.error("a child process sent a message of %d bytes", length)
        return None

    def close(self) -> None:
        """Let go of the socket; a child that still runs ends itself."""
        self._writer.close()
