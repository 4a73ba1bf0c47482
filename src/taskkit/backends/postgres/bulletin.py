"""What processes tell each other: LISTEN and NOTIFY, and a look every now and then behind it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import threading
import time
from collections.abc import Iterable
from typing import Any, Final

import psycopg

from taskkit.backends.postgres.connection import Place, connect
from taskkit.backends.sql.encoding import from_json, to_json
from taskkit.backends.sql.watch import Watches
from taskkit.model.exchange import WORK_TOPIC

_LONGEST: Final = 7_500
"""Bytes in a message; PostgreSQL's own limit is 8,000."""
_MOST: Final = 16
"""Messages for one look round; where it would be more, everybody looks at everything."""
_ALL: Final = "*"
_GATHER: Final = 0.005
"""Seconds between messages, so that those of a busy moment are one."""
_LOOK_FOR_WORK: Final = 1.0
_LOOK_AT_ALL: Final = 5.0
_LOOK_WITHOUT: Final = 0.5
"""Seconds between looks while there is no connection to listen on."""


class Bulletin:
    """One thread with one connection. A message is a hint: a transaction that lost it is found by the next look.

    Messages are sent after the commit that they are about, because a NOTIFY in a transaction makes commits of
    all connections wait for each other.
    """

    def __init__(self, place: Place, watches: Watches) -> None:
        self._place = place
        self._watches = watches
        self._channel = f"taskkit_{place.schema}"
        self._lock = threading.Lock()
        self._topics: set[str] = set()
        self._is_closed = False
        self._wake_read, self._wake_write = -1, -1
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Future[None] | None = None
        self._looked = self._looked_at_all = 0.0

    # --- on the event loop --------------------------------------------------------------------------

    def open(self) -> None:
        """Begin to listen."""
        self._loop = asyncio.get_running_loop()
        self._ended = self._loop.create_future()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)
        threading.Thread(target=self._run, name="taskkit-bulletin", daemon=True).start()

    async def close(self) -> None:
        """Send what is left, and let go of the connection."""
        if self._ended is None:
            return
        self._is_closed = True
        self._wake()
        await self._ended
        os.close(self._wake_read)
        os.close(self._wake_write)

    # --- from the writer's thread -------------------------------------------------------------------

    def tell(self, topics: Iterable[str]) -> None:
        """Let other processes know, soon."""
        with self._lock:
            self._topics.update(topics)
        self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake_write, b"!")

    # --- in the thread ------------------------------------------------------------------------------

    def _run(self) -> None:
        connection: psycopg.Connection[tuple[Any, ...]] | None = None
        try:
            while not self._is_closed:
                try:
                    if connection is None:
                        connection = self._connect()
                    self._turn(connection)
                except psycopg.Error:
                    if connection is not None:
                        connection.close()
                    connection = None
                    self._wait_without()
            if connection is not None:
                with contextlib.suppress(psycopg.Error):
                    self._send(connection)
        finally:
            if connection is not None:
                connection.close()
            self._post(self._end)

    def _connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        # Losing a hint is no loss, so nobody waits for the disk.
        connection = connect(self._place, synchronous_commit="off")
        connection.execute(f'LISTEN "{self._channel}"'.encode())
        self._look_at_all()  # whatever was missed
        return connection

    def _turn(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        ready, _, _ = select.select([connection.fileno(), self._wake_read], [], [], _LOOK_FOR_WORK)
        if self._wake_read in ready:
            os.read(self._wake_read, 4096)
        if connection.fileno() in ready:
            self._receive(connection)
        if self._topics:
            self._send(connection)
            time.sleep(_GATHER)
        self._look()

    def _receive(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        connection.pgconn.consume_input()
        topics: list[str] = []
        while (notice := connection.pgconn.notifies()) is not None:
            if notice.be_pid != connection.pgconn.backend_pid:
                topics += from_json(notice.extra.decode())
        if connection.pgconn.status != psycopg.pq.ConnStatus.OK:
            raise psycopg.OperationalError("the connection was closed")
        if _ALL in topics:
            self._look_at_all()
        elif topics:
            self._post(self._watches.publish, topics)

    def _send(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        with self._lock:
            topics, self._topics = self._topics, set()
        if not topics:
            return
        for message in _messages(topics):
            connection.execute("SELECT pg_notify(%s, %s)", (self._channel, message), prepare=True)

    def _look(self) -> None:
        """What was not told is found by looking: for work often, at everything now and then."""
        if not self._watches.is_wanted:
            return
        now = time.monotonic()
        if now >= self._looked_at_all + _LOOK_AT_ALL:
            self._look_at_all()
        elif now >= self._looked + _LOOK_FOR_WORK:
            self._looked = now
            self._post(self._watches.publish, [WORK_TOPIC])

    def _look_at_all(self) -> None:
        self._looked = self._looked_at_all = time.monotonic()
        self._post(self._publish_all)

    def _publish_all(self) -> None:
        self._watches.publish_all(canceled=True)

    def _wait_without(self) -> None:
        ready, _, _ = select.select([self._wake_read], [], [], _LOOK_WITHOUT)
        if ready:
            os.read(self._wake_read, 4096)
            if not self._is_closed:
                time.sleep(0.05)
        self._look_at_all()

    def _end(self) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)

    def _post(self, call: Any, *args: Any) -> None:
        with contextlib.suppress(
            RuntimeError
        ):  # the loop has closed, and with it everybody who waited
            if self._loop is not None:
                self._loop.call_soon_threadsafe(call, *args)


def _messages(topics: Iterable[str]) -> list[str]:
    """The topics in as few messages as they fit into."""
    messages: list[str] = []
    gathered: list[str] = []
    length = 2
    for topic in topics:
        text = to_json(topic)
        if length + len(text) > _LONGEST and gathered:
            messages.append(f"[{','.join(gathered)}]")
            gathered, length = [], 2
        gathered.append(text)
        length += len(text) + 1
    messages.append(f"[{','.join(gathered)}]")
    return messages if len(messages) <= _MOST else [to_json([_ALL])]
