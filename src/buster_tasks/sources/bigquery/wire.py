"""The HTTP connections of the client: no request outlives its call, and all of them can be cut from another thread.

The client has waits of its own, two minutes at least for a result, and nothing that ends a request under way.
"""

from __future__ import annotations

import contextlib
import socket
from typing import Any
from weakref import WeakSet

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from buster_tasks.sources.blocking import Budget

Lines = WeakSet[socket.socket]

_CONNECT_SECONDS = 5.0
_SILENCE_SECONDS = 300.0


class Wire(HTTPAdapter):
    """What sends the requests of one client, within the budget of the call that they are for."""

    def __init__(self) -> None:
        self.budget = Budget(None)
        self._lines: Lines = WeakSet()
        super().__init__()

    def init_poolmanager(self, *given: Any, **more: Any) -> None:
        """Make the pools of connections, which remember their sockets."""
        super().init_poolmanager(*given, **more)
        manager: Any = self.poolmanager
        manager.pool_classes_by_scheme = {
            "http": _plain(self._lines),
            "https": _encrypted(self._lines),
        }

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: object = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: dict[str, str] | None = None,
    ) -> requests.Response:
        """The answer. Raises SourceError when there is no time for one, and what requests raises."""
        if self.budget.is_spent:
            raise self.budget.error()
        left = self.budget.left()
        seconds = _SILENCE_SECONDS if left is None else min(left, _SILENCE_SECONDS)
        limits = (min(seconds, _CONNECT_SECONDS), seconds)
        return super().send(request, stream, limits, verify, cert, proxies)

    def close(self) -> None:
        """End all connections now: left to itself urllib3 waits until nothing, no error either, refers to them."""
        pools: Any = self.poolmanager.pools
        for key in pools.keys():  # noqa: SIM118  # it is no dict, and cannot be gone through
            pool = pools.get(key)
            if pool is not None:
                pool.close()
        super().close()
        self.cut()

    def cut(self) -> None:
        """Shut every connection, from any thread: whoever waits for an answer fails at once."""
        for line in list(self._lines):
            with contextlib.suppress(OSError):  # it is shut already
                # that of an encrypted one would pull its state from under the thread that reads
                socket.socket.shutdown(line, socket.SHUT_RDWR)


def _plain(lines: Lines) -> type[HTTPConnectionPool]:
    class Connection(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            _remember(lines, self.sock)

    class Pool(HTTPConnectionPool):
        ConnectionCls = Connection  # pyright: ignore[reportAssignmentType]  # its parent is taken there too

    return Pool


def _encrypted(lines: Lines) -> type[HTTPSConnectionPool]:
    class Connection(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            _remember(lines, self.sock)

    class Pool(HTTPSConnectionPool):
        ConnectionCls = Connection  # pyright: ignore[reportAssignmentType]  # its parent is taken there too

    return Pool


def _remember(lines: Lines, line: object) -> None:
    if isinstance(line, socket.socket):
        lines.add(line)
