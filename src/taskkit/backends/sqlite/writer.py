"""The thread that owns the connection, and commits for many callers at once."""

from __future__ import annotations

import asyncio
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, TypeVar

from taskkit.backends.sqlite.connection import Place, connect, unavailable
from taskkit.backends.sqlite.store import Store
from taskkit.errors import StoreUnavailableError, TaskkitError

ResultT = TypeVar("ResultT")

_POLL_EVERY: Final = 0.05
"""Seconds after which a change that another process made is noticed, where somebody waits for one."""

_IDLE: Final = 5.0
_MOST: Final = 1_000
"""Calls in one transaction: others wait for the lock meanwhile."""


class Call(Generic[ResultT]):
    """Something to do on the connection, and who waits for it.

    `needed` is asked, where there is one, before the lock is taken; when it says no the answer is `idle`.
    `undo` takes back a result that nobody waits for any more.
    """

    __slots__ = ("error", "future", "idle", "needed", "result", "undo", "work", "writes")

    def __init__(
        self,
        work: Callable[[], ResultT],
        future: asyncio.Future[ResultT],
        *,
        writes: bool,
        needed: Callable[[], bool] | None = None,
        idle: Callable[[], ResultT] | None = None,
        undo: Callable[[ResultT], None] | None = None,
    ) -> None:
        self.work = work
        self.future = future
        self.writes = writes
        self.needed = needed
        self.idle = idle
        self.undo = undo
        self.result: Any = None
        self.error: Exception | None = None

    def deliver(self) -> None:
        """Answer, on the event loop."""
        if not self.future.done():
            if self.error is not None:
                self.future.set_exception(self.error)
            else:
                self.future.set_result(self.result)
        elif self.undo is not None and self.error is None and self.result is not None:
            self.undo(self.result)


class Changes:
    """What a commit brought, besides its answers."""

    __slots__ = ("by_others", "canceled", "topics")

    def __init__(
        self, topics: set[str], *, by_others: bool = False, canceled: bool = False
    ) -> None:
        self.topics = topics
        self.by_others = by_others
        self.canceled = canceled


_open: set[Writer] = set()
_left_by_fork: list[object] = []


class Writer:
    """One thread with one connection. All calls of a turn of the event loop come as one message.

    While a commit is on its way to the disk further messages gather; they share the next commit. `heard` is
    called on the event loop with what has changed.
    """

    def __init__(
        self,
        place: Place,
        wants: Callable[[str], bool],
        is_wanted: Callable[[], bool],
        heard: Callable[[Changes], None],
    ) -> None:
        self._place = place
        self._wants = wants
        self._is_wanted = is_wanted
        self._heard = heard
        self._messages: queue.SimpleQueue[list[Call[Any]] | None] = queue.SimpleQueue()
        self._gathered: list[Call[Any]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Future[None] | None = None
        self._looked_at = 0.0
        self._cancels = 0
        self._must_tell = False
        self._store: Store | None = None
        self._is_closed = False

    # --- on the event loop --------------------------------------------------------------------------

    async def open(self, ready: Callable[[Store], None]) -> None:
        """Start the thread; returns when the file is open. `ready` is called there first."""
        self._loop = asyncio.get_running_loop()
        opened: asyncio.Future[None] = self._loop.create_future()
        self._ended = self._loop.create_future()
        thread = threading.Thread(
            target=self._run, args=(opened, ready), name="taskkit-sqlite", daemon=True
        )
        thread.start()
        await opened

    def submit(self, call: Call[Any]) -> None:
        if self._is_closed or self._loop is None:
            call.error = StoreUnavailableError(
                f"The SQLite file {str(self._place.path)!r} was closed before this call. Open the backend again."
            )
            call.deliver()
            return
        if not self._gathered:
            self._loop.call_soon(self._send)
        self._gathered.append(call)

    def _send(self) -> None:
        if self._gathered:
            self._messages.put(self._gathered)
            self._gathered = []

    def poke(self) -> None:
        """Somebody began to wait for changes, or no longer does: the thread looks how long it may sleep."""
        self._messages.put([])

    async def close(self) -> None:
        """Answer everything that was asked, then let go of the file."""
        if self._is_closed or self._ended is None:
            return
        self._send()
        self._is_closed = True
        self._messages.put(None)
        await asyncio.shield(self._ended)

    # --- in the thread ------------------------------------------------------------------------------

    def _run(self, opened: asyncio.Future[None], ready: Callable[[Store], None]) -> None:
        try:
            db = connect(self._place)
        except Exception as error:  # whoever opens is told
            self._post(_set_error, opened, error)
            return
        try:
            store = self._store = Store(db, self._wants)
            ready(store)
            _open.add(self)
            self._post(_set, opened)
            self._serve(store)
        finally:
            _open.discard(self)
            db.close()
            if self._ended is not None:
                self._post(_set, self._ended)

    def _serve(self, store: Store) -> None:
        self._cancels = store.counter("cancels")
        is_open = True
        while is_open and self._loop is not None and not self._loop.is_closed():
            batch, is_open = self._next()
            if batch:
                self._answer(store, [call for call in batch if not call.future.cancelled()])
            self._look(store)

    def _next(self) -> tuple[list[Call[Any]], bool]:
        """What was asked for meanwhile; False when that was the last."""
        try:
            message = self._messages.get(timeout=_POLL_EVERY if self._is_wanted() else _IDLE)
        except queue.Empty:
            return [], True
        batch: list[Call[Any]] = []
        while message is not None:
            batch += message
            if len(batch) >= _MOST:
                return batch, True
            try:
                message = self._messages.get_nowait()
            except queue.Empty:
                return batch, True
        return batch, False

    def _look(self, store: Store) -> None:
        """Tell what other processes have changed, not more often than it would be polled."""
        now = time.monotonic()
        if not self._is_wanted() or now < self._looked_at + _POLL_EVERY:
            return
        self._looked_at = now
        try:
            store.look()
            if store.others_wrote:
                store.others_wrote = False
                cancels = store.counter("cancels")
                canceled, self._cancels = cancels != self._cancels, cancels
                self._post(self._heard, Changes(set(), by_others=True, canceled=canceled))
        except sqlite3.Error:
            return  # the next call that asks for something is told

    def _answer(self, store: Store, asked: list[Call[Any]]) -> None:
        topics: set[str] = set()
        try:
            topics = self._carry_out(store, asked)
        except Exception as error:  # nobody may be left waiting, whatever it is
            for call in asked:
                call.error = call.error or self._told(error)
        self._post(self._deliver, asked, topics)

    def _carry_out(self, store: Store, asked: list[Call[Any]]) -> set[str]:
        reading: list[Call[Any]] = []
        writing: list[Call[Any]] = []
        for call in asked:
            if not call.writes:
                reading.append(call)
            elif call.needed is None or self._is_needed(call, call.needed):
                writing.append(call)
        topics: set[str] = set()
        if reading:
            topics |= self._together(store, reading, writes=False)
        if writing:
            topics |= self._together(store, writing, writes=True)
        return topics

    def _is_needed(self, call: Call[Any], needed: Callable[[], bool]) -> bool:
        """Whether it has anything to do; otherwise it is answered, and nobody was kept from writing."""
        try:
            if needed():
                return True
            call.result = None if call.idle is None else call.idle()
        except Exception as error:
            call.error = self._told(error)
        return False

    def _together(self, store: Store, calls: Sequence[Call[Any]], *, writes: bool) -> set[str]:
        try:
            store.begin(writes=writes)
        except (
            sqlite3.Error
        ) as error:  # to ask again for each call would take as long again for each
            store.roll_back()
            for call in calls:
                call.error = self._told(error)
            return set()
        try:
            for call in calls:
                _do(store, call, writes)
            store.commit()
        except Exception as error:
            store.roll_back()
            if len(calls) == 1:
                calls[0].result = None
                calls[0].error = self._told(error)
                return set()
            # One call must not fail the others: each by itself, in the same order.
            return set[str]().union(*[self._together(store, [one], writes=writes) for one in calls])
        return store.topics

    def _told(self, error: Exception) -> Exception:
        if isinstance(error, sqlite3.Error):
            told = unavailable(self._place.path, error)
            told.__cause__ = error
            return told
        return error

    def _deliver(self, calls: Sequence[Call[Any]], topics: set[str]) -> None:
        for call in calls:
            call.deliver()
        if topics:
            self._heard(Changes(topics))

    def _post(self, call: Callable[..., None], *args: Any) -> None:
        try:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(call, *args)
        except RuntimeError:
            return  # the loop has closed, and with it everybody who waited


def _do(store: Store, call: Call[Any], writes: bool) -> None:
    """A condition of ours is told to who asked; it is found before anything is written."""
    call.error = None
    try:
        call.result = call.work()
        if writes:
            store.flush()
        else:
            store.untouch()
    except TaskkitError as error:
        call.error = error
        store.forget()


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _set_error(future: asyncio.Future[None], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)


def _after_fork() -> None:
    """The child has no such thread, and must not close the parent's connection when it collects garbage."""
    _left_by_fork.extend(_open)
    _open.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
