"""What a client of Redshift meets, in front of PostgreSQL: its start-up message, its version, its TLS.

The driver says things at its start that PostgreSQL refuses, and reads a version that it has not; both are mended on the
way, and all else passes as it is. TLS ends here, so that the certificate is one of ours. Statements are PostgreSQL's.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TLS, _CANCEL = 80_877_103, 80_877_102
_KEPT = (b"user", b"database", b"application_name", b"options")
VERSION = b"8.0.2"


class RedshiftProxy:
    """Listens on `port` of 127.0.0.1; `cut` makes it swallow everything, new connections too."""

    def __init__(self, target: int, certificate: Path | None, *, strips: bool = True) -> None:
        self._target = ("127.0.0.1", target)
        self._strips = strips
        self._context: ssl.SSLContext | None = None
        if certificate is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._cut = threading.Event()
        self.port = int(self._listener.getsockname()[1])
        self.cancels = 0
        self.received = 0
        """How many bytes of rows came from the server."""
        self.encrypted = 0
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()

    def cut(self) -> None:
        self._cut.set()

    def close(self) -> None:
        for one in (self._listener, *tuple(self._open)):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            self._open.add(client)
            threading.Thread(target=self._serve, args=[client], name="proxy", daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            self._conversation(client)
        except (OSError, EOFError, ValueError):  # the last of a socket that `close` has closed
            pass  # one of the sides is gone, and so is the other
        finally:
            client.close()
            self._open.discard(client)

    def _conversation(self, client: socket.socket) -> None:
        if self._cut.is_set():
            self._swallow(client)
        code, body = _start(client)
        if code == _TLS:
            client.sendall(b"S" if self._context else b"N")
            if self._context:
                plain, client = client, self._context.wrap_socket(client, server_side=True)
                self._open.add(client)  # the plain one is an empty shell now
                self._open.discard(plain)
                self.encrypted += 1
            code, body = _start(client)
        with self._ended(client), socket.create_connection(self._target) as server:
            if code == _CANCEL:
                self.cancels += 1
            elif self._strips:
                body = _stripped(body)
            server.sendall(struct.pack("!II", len(body) + 8, code) + body)
            if code == _CANCEL:
                server.recv(1)
                return
            self._carry(client, server)

    @contextmanager
    def _ended(self, client: socket.socket) -> Iterator[None]:
        try:
            yield
        finally:
            client.close()
            self._open.discard(client)

    def _swallow(self, client: socket.socket) -> None:
        while client.recv(65_536):
            pass
        raise EOFError

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        """Both ways, what the server says of its version being replaced."""
        unread, is_starting = b"", True
        while True:
            waiting = isinstance(client, ssl.SSLSocket) and client.pending() > 0
            ready = [client] if waiting else select.select([client, server], [], [])[0]
            for one in ready:
                data = one.recv(65_536)
                if not data:
                    return
                if self._cut.is_set():
                    continue
                if one is client:
                    server.sendall(data)
                    continue
                self.received += len(data)
                if is_starting:
                    data, unread, is_starting = _versioned(unread + data)
                client.sendall(data)


def _start(client: socket.socket) -> tuple[int, bytes]:
    length, code = struct.unpack("!II", _exactly(client, 8))
    return code, _exactly(client, length - 8)


def _exactly(client: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        more = client.recv(size - len(found))
        if not more:
            raise EOFError
        found += more
    return found


def _stripped(body: bytes) -> bytes:
    """The parameters of a start-up message that PostgreSQL knows."""
    parts = body.rstrip(b"\0").split(b"\0")
    pairs = zip(parts[::2], parts[1::2], strict=False)
    return b"".join(name + b"\0" + value + b"\0" for name, value in pairs if name in _KEPT) + b"\0"


def _versioned(data: bytes) -> tuple[bytes, bytes, bool]:
    """What may be sent on of this, what is not whole yet, and whether the start goes on."""
    made = b""
    while len(data) >= 5:
        size = struct.unpack("!I", data[1:5])[0] + 1
        if len(data) < size:
            break
        message, data = data[:size], data[size:]
        if message[:1] == b"S" and message[5:].startswith(b"server_version\0"):
            text = b"server_version\0" + VERSION + b"\0"
            message = b"S" + struct.pack("!I", len(text) + 4) + text
        made += message
        if message[:1] == b"Z":
            return made + data, b"", False
    return made, data, True


@contextmanager
def redshift_proxy(
    target: int, certificate: Path | None = None, *, strips: bool = True
) -> Iterator[RedshiftProxy]:
    """A proxy in front of the PostgreSQL server on this port; `certificate` has its key too, None is no TLS."""
    proxy = RedshiftProxy(target, certificate, strips=strips)
    try:
        yield proxy
    finally:
        proxy.close()
