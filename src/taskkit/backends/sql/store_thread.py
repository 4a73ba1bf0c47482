"""The thread that owns a connection, and commits for many callers at once."""

from __future__ import annotations

import asyncio
import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from taskkit.backends.sql.call import Call, Changes
from taskkit.backends.sql.rooms import Rooms
from taskkit.backends.sql.store import Store
from taskkit.errors import StoreUnavailableError, TaskkitError

_POLL_EVERY: Final = 0.05
"""Seconds after which a change that another process made is noticed, where somebody waits for one."""

_IDLE: Final = 5.0
_MOST: Final = 1_000
"""Calls in one transaction: others wait for the lock meanwhile."""

_TRIES: Final = 10
_TRY_FOR: Final = 10.0
"""Seconds: others wait meanwhile."""
_PAUSE: Final = 0.01
"""Seconds, doubled each time, before a call is tried again that another transaction was in the way of."""


_open: set[StoreThread] = set()
_left_by_fork: list[object] = []


class StoreThread:
    """One thread with one connection. All calls of a turn of the event loop come as one message.

    While a commit is on its way to the disk further messages gather; they share the next commit.
    """

    def __init__(self, rooms: Rooms, name: str) -> None:
        self._rooms = rooms
        self._name = name
        self._messages: queue.SimpleQueue[list[Call[Any]] | None] = queue.SimpleQueue()
        self._gathered: list[Call[Any]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Future[None] | None = None
        self._looked_at = 0.0
        self._store: Store | None = None  # held for a child that is forked, see `_after_fork`
        self._thread: threading.Thread | None = None
        self._is_closed = False

    # --- on the event loop --------------------------------------------------------------------------

    async def open(self) -> None:
        """Start the thread; returns when the connection is open."""
        await self._end_the_one_before()
        self._loop = asyncio.get_running_loop()
        self._is_closed = False
        opened: asyncio.Future[None] = self._loop.create_future()
        self._ended = self._loop.create_future()
        self._thread = threading.Thread(
            target=self._run, args=(opened,), name="taskkit-store", daemon=True
        )
        self._thread.start()
        try:
            await opened
        except Exception:  # whatever it was, the thread has ended
            self._ended = None  # so there is nothing to close
            raise
        except BaseException:  # nobody waits for it any more
            self._is_closed = True
            self._messages.put(None)
            raise

    async def _end_the_one_before(self) -> None:
        """One whose event loop closed without `close`, or whose `open` was canceled: two would share the rooms."""
        if self._thread is not None and self._thread.is_alive():
            self._messages.put(None)
            await asyncio.to_thread(self._thread.join)
        self._messages, self._gathered = queue.SimpleQueue(), []

    def submit(self, call: Call[Any]) -> None:
        if self._is_closed or self._loop is None:
            call.error = StoreUnavailableError(
                f"{self._name} was closed before this call. Open the backend again."
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
        """Answer everything that was asked, then let go of the connection."""
        if self._is_closed or self._ended is None:
            return
        self._send()
        self._is_closed = True
        self._messages.put(None)
        await asyncio.shield(self._ended)

    # --- in the thread ------------------------------------------------------------------------------

    def _run(self, opened: asyncio.Future[None]) -> None:
        try:
            store = self._store = self._rooms.open()
        except Exception as error:  # whoever opens is told
            self._post(_set_error, opened, error)
            return
        try:
            _open.add(self)
            self._post(_set, opened)
            self._serve(store)
        finally:
            _open.discard(self)
            store.close()
            if self._ended is not None:
                self._post(_set, self._ended)

    def _serve(self, store: Store) -> None:
        is_open = True
        while is_open and self._loop is not None and not self._loop.is_closed():
            batch, is_open = self._next()
            if batch:
                self._answer(store, [call for call in batch if not call.future.cancelled()])
            self._look(store)

    def _next(self) -> tuple[list[Call[Any]], bool]:
        """What was asked for meanwhile; False when that was the last."""
        try:
            message = self._messages.get(timeout=_POLL_EVERY if self._rooms.is_wanted() else _IDLE)
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
        if not self._rooms.is_wanted() or now < self._looked_at + _POLL_EVERY:
            return
        self._looked_at = now
        changes = store.changes_by_others()
        if changes is not None:
            self._post(self._rooms.heard, changes)

    def _answer(self, store: Store, asked: list[Call[Any]]) -> None:
        changes: list[Changes] = []
        try:
            self._carry_out(store, asked, changes)
        except Exception as error:  # nobody may be left waiting, whatever it is
            for call in asked:
                call.error = call.error or store.told(error)
        self._post(self._deliver, asked, changes)

    def _carry_out(self, store: Store, asked: list[Call[Any]], changes: list[Changes]) -> None:
        reading: list[Call[Any]] = []
        writing: list[Call[Any]] = []
        for call in asked:
            if not call.writes:
                reading.append(call)
            elif call.needed is None or self._is_needed(store, call, call.needed):
                writing.append(call)
        if reading:
            self._together(store, reading, changes, writes=False)
        if writing:
            self._together(store, writing, changes, writes=True)

    def _is_needed(self, store: Store, call: Call[Any], needed: Callable[[], bool]) -> bool:
        """Whether it has anything to do; otherwise it is answered, and nobody was kept from writing."""
        try:
            if needed():
                return True
            call.result = None if call.idle is None else call.idle()
        except Exception as error:
            call.error = store.told(error)
            store.roll_back()  # the connection may be lost, which the next call shall not have to find out
        return False

    def _together(
        self, store: Store, calls: Sequence[Call[Any]], changes: list[Changes], *, writes: bool
    ) -> None:
        """All of them in one transaction; each in one of its own when that does not go."""
        error = self._attempt(store, calls, changes, writes=writes)
        if error is None:
            return
        if store.is_outdated(error):
            error = self._attempt(store, calls, changes, writes=writes, again=True)
            if error is None:
                return
        if len(calls) > 1 and not store.is_lost(error):
            self._one_by_one(store, calls, changes, writes=writes)
            return
        for call in calls:
            if len(calls) == 1 and store.may_succeed_later(error):
                self._alone(store, call, changes, time.monotonic() + _TRY_FOR, writes=writes)
            else:
                call.result, call.error = None, store.told(error)

    def _one_by_one(
        self, store: Store, calls: Sequence[Call[Any]], changes: list[Changes], *, writes: bool
    ) -> None:
        """One must not fail the others: each by itself, in the same order.

        But where somebody is still in the way when the time is over, nobody behind waits for as long again.
        """
        ends, error = time.monotonic() + _TRY_FOR, None
        for call in calls:
            if error is None or not store.may_succeed_later(error) or time.monotonic() < ends:
                error = self._alone(store, call, changes, ends, writes=writes)
            else:
                call.result, call.error = None, store.told(error)

    def _alone(
        self, store: Store, call: Call[Any], changes: list[Changes], ends: float, *, writes: bool
    ) -> Exception | None:
        """Try until it goes, or cannot go, or the time is over; what was in the way."""
        pause, error = _PAUSE, None
        for _ in range(_TRIES):
            error = self._attempt(store, [call], changes, writes=writes, again=True)
            if error is None:
                return None
            call.result, call.error = None, store.told(error)
            if not store.may_succeed_later(error) or time.monotonic() > ends:
                break
            time.sleep(pause)
            pause *= 2
        return error

    def _attempt(
        self,
        store: Store,
        calls: Sequence[Call[Any]],
        changes: list[Changes],
        *,
        writes: bool,
        again: bool = False,
    ) -> Exception | None:
        try:
            store.begin(calls, writes=writes, again=again)
            for call in calls:
                _do(store, call, writes)
            if writes:
                self._rooms.finish()
            store.commit()
        except Exception as error:
            store.roll_back()
            self._rooms.forget()
            return error
        if store.topics or store.ends:
            changes.append(Changes(store.topics, store.ends))
        return None

    def _deliver(self, calls: Sequence[Call[Any]], changes: Sequence[Changes]) -> None:
        for call in calls:
            call.deliver()
        for one in changes:
            self._rooms.heard(one)

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
        store.drop()


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
