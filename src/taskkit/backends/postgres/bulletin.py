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

from taskkit.backends.postgres.connection import Place
from taskkit.backends.postgres.session import Session
from taskkit.backends.sql.encoding import from_json, to_json
from taskkit.backends.sql.watch import Watches
from taskkit.errors import BackendError, StoreUnavailableError
from taskkit.model.exchange import WORK_TOPIC
from taskkit.model.ids import new_id

_LONGEST: Final = 7_500
"""Bytes in a message; PostgreSQL's own limit is 8,000."""
_MOST: Final = 16
"""Messages for one look round; where it would be more, everybody looks at everything."""
_ALL: Final = "*"
_GATHER: Final = 0.002
"""Seconds between messages, so that those of a busy moment are one."""
_LOOK_FOR_WORK: Final = 1.0
_LOOK_AT_ALL: Final = 5.0
_LOOK_WITHOUT: Final = 0.5
"""Seconds between looks while there is no connection to listen on."""
_MOST_TOPICS: Final = 10_000
_LOOK_FOR_LOOP: Final = 5.0
"""Seconds after which a thread whose event loop has closed without a word ends too."""
_LAST_WORDS: Final = 5.0
"""Seconds that closing waits for the last messages to be sent."""


class Bulletin:
    """One thread with one connection. A message is a hint: a change that nobody was told of is found by the next look.

    Messages are sent after the commit that they are about, because a NOTIFY in a transaction makes commits of
    all connections wait for each other. Looks are made by the event loop, also while the thread hangs.
    """

    def __init__(self, place: Place, watches: Watches) -> None:
        self._place = place
        self._watches = watches
        self._channel = f"taskkit_{place.schema}"
        self._name = new_id("process")
        self._lock = threading.Lock()
        self._topics: set[str] = set()
        self._is_closed = False
        self._is_listening = False
        self._wake_read, self._wake_write = -1, -1
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Future[None] | None = None
        self._next_look: asyncio.TimerHandle | None = None
        self._looked_at_all = 0.0

    # --- on the event loop --------------------------------------------------------------------------

    def open(self) -> None:
        """Begin to listen."""
        self._loop = asyncio.get_running_loop()
        self._ended = self._loop.create_future()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        threading.Thread(target=self._run, name="taskkit-bulletin", daemon=True).start()
        self._looked_at_all = time.monotonic()
        self._next_look = self._loop.call_later(_LOOK_WITHOUT, self._look)

    async def close(self) -> None:
        """Send what is left, and let go of the connection."""
        if self._ended is None or self._is_closed:
            return
        self._is_closed = True
        if self._next_look is not None:
            self._next_look.cancel()
        self._wake()
        await asyncio.wait([self._ended], timeout=_LAST_WORDS)

    def _look(self) -> None:
        """What was not told is found by looking: for work often, at everything now and then."""
        assert self._loop is not None
        pause = _LOOK_FOR_WORK if self._is_listening else _LOOK_WITHOUT
        self._next_look = self._loop.call_later(pause, self._look)
        if not self._watches.is_wanted:
            return
        if not self._is_listening or time.monotonic() >= self._looked_at_all + _LOOK_AT_ALL:
            self._look_at_all()
        else:
            self._watches.publish([WORK_TOPIC])

    def _look_at_all(self) -> None:
        self._looked_at_all = time.monotonic()
        self._watches.publish_all(canceled=True)

    # --- from the writer's thread -------------------------------------------------------------------

    def tell(self, topics: Iterable[str]) -> None:
        """Let other processes know, soon."""
        with self._lock:
            self._topics.update(topics)
            if len(self._topics) > _MOST_TOPICS:
                self._topics = {_ALL}
        self._wake()

    def _wake(self) -> None:
        with self._lock, contextlib.suppress(BlockingIOError):  # full: it will be woken anyway
            if self._wake_write >= 0:
                os.write(self._wake_write, b"!")

    # --- in the thread ------------------------------------------------------------------------------

    def _run(self) -> None:
        session: Session | None = None
        try:
            while not self._is_over:
                try:
                    if session is None:
                        session = self._connect()
                    self._turn(session)
                except (StoreUnavailableError, BackendError, psycopg.Error, OSError):
                    self._is_listening = False
                    if session is not None:
                        session.close()
                    session = None
                    self._pause()
            if session is not None:
                with contextlib.suppress(psycopg.Error):
                    self._send(session)
        finally:
            self._is_listening = False
            if session is not None:
                session.close()
            with self._lock:  # nobody may write to whatever gets this number next
                os.close(self._wake_read)
                os.close(self._wake_write)
                self._wake_read = self._wake_write = -1
            self._post(self._end)

    @property
    def _is_over(self) -> bool:
        return self._is_closed or self._loop is None or self._loop.is_closed()

    def _connect(self) -> Session:
        # Losing a hint is no loss, so nobody waits for the disk.
        session = Session(self._place, writes=False, synchronous_commit="off")
        session.send(f'LISTEN "{self._channel}"')
        session.sync()
        self._is_listening = True
        self._post(self._look_at_all)  # whatever was missed
        return session

    def _turn(self, session: Session) -> None:
        server = session.live().pgconn
        poll = select.poll()
        poll.register(server.socket, select.POLLIN)
        poll.register(self._wake_read, select.POLLIN)
        for descriptor, _ in poll.poll(_LOOK_FOR_LOOP * 1_000):
            if descriptor == self._wake_read:
                os.read(self._wake_read, 4096)
            else:
                server.consume_input()
        if self._topics:
            self._send(session)
            time.sleep(_GATHER)
        messages: list[list[str]] = []
        # Also those that came while an answer was awaited.
        while (notice := server.notifies()) is not None:
            messages.append(_read(notice.extra))
        if messages:
            self._pass_on(messages)

    def _pass_on(self, messages: Iterable[list[str]]) -> None:
        topics = [topic for sender, *told in messages if sender != self._name for topic in told]
        if _ALL in topics:
            self._post(self._look_at_all)
        elif topics:
            self._post(self._watches.publish, topics)

    def _send(self, session: Session) -> None:
        with self._lock:
            topics, self._topics = self._topics, set()
        for message in _messages(self._name, topics) if topics else ():
            session.send("SELECT pg_notify(?, ?)", (self._channel, message))
        session.sync()

    def _pause(self) -> None:
        """Before the next try to connect."""
        poll = select.poll()
        poll.register(self._wake_read, select.POLLIN)
        ends = time.monotonic() + _LOOK_WITHOUT
        while not self._is_over and (left := ends - time.monotonic()) > 0:
            if poll.poll(left * 1_000):
                os.read(self._wake_read, 4096)

    def _end(self) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)

    def _post(self, call: Any, *args: Any) -> None:
        # A loop that has closed has nobody left who waits.
        with contextlib.suppress(RuntimeError):
            if self._loop is not None:
                self._loop.call_soon_threadsafe(call, *args)


def _read(message: bytes) -> list[str]:
    """The sender and its topics. Anybody may notify, and a message of others says only that something has changed."""
    try:
        sender, *topics = from_json(message.decode())
    except (ValueError, TypeError):
        return ["", _ALL]
    return [str(sender), *map(str, topics)]


def _messages(sender: str, topics: Iterable[str]) -> list[str]:
    """The topics in as few messages as they fit into, each with its sender in front."""
    messages: list[str] = []
    first = to_json(sender)
    gathered, length = [first], len(first) + 2
    for topic in topics:
        text = to_json(topic)
        if length + len(text) > _LONGEST and len(gathered) > 1:
            messages.append(f"[{','.join(gathered)}]")
            gathered, length = [first], len(first) + 2
        gathered.append(text)
        length += len(text) + 1
    messages.append(f"[{','.join(gathered)}]")
    return messages if len(messages) <= _MOST else [to_json([sender, _ALL])]
