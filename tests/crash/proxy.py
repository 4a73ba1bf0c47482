"""A network between a client and a server, that can stand still or break."""

import contextlib
import socket
import threading


class Proxy:
    """Forwards connections to a port of this machine; while it is `held` nothing passes, and nothing is closed."""

    def __init__(self, port: int) -> None:
        self._server = port
        self._open = threading.Event()
        self._open.set()
        self._marker: bytes | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def hold(self) -> None:
        self._open.clear()

    def go_on(self) -> None:
        self._open.set()

    def swallow_answer_to(self, marker: bytes) -> None:
        """The next message with this in it arrives; instead of its answer the connection ends."""
        self._marker = marker

    def close(self) -> None:
        self._open.set()
        for one in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._server))
                self._sockets += [client, server]
                breaks = threading.Event()
                for ends in ((client, server), (server, client)):
                    forward = threading.Thread(
                        target=self._forward, args=(*ends, ends[0] is client, breaks), daemon=True
                    )
                    forward.start()

    def _forward(
        self, source: socket.socket, target: socket.socket, asks: bool, breaks: threading.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                self._open.wait()
                if asks and self._marker is not None and self._marker in data:
                    self._marker = None
                    breaks.set()
                elif not asks and breaks.is_set():
                    break
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)
