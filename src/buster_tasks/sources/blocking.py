"""Calls to a blocking driver: one thread for each source, stopped in the database when nobody waits any more."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from buster_tasks.errors import (
    ConnectionFailedError,
    QueryCanceledError,
    SourceError,
    SourceTimeoutError,
)

T = TypeVar("T")

_NUDGE_SECONDS, _LONGEST_NUDGE_SECONDS = 0.02, 1.0
_GRACE_SECONDS = 1.0


class Budget:
    """How long a call may still take, and whether somebody stopped it; the thread looks at it as it works."""

    def __init__(self, seconds: float | None, *, within: Budget | None = None) -> None:
        """`within` is the budget of what this is a part of: it is over, and stopped, when that one is."""
        self.seconds = seconds
        self._within = within
        self._is_stopped = False
        self._deadline = None if seconds is None else time.monotonic() + seconds

    @property
    def stopped(self) -> bool:
        """Whether somebody stopped it, or all that it is a part of."""
        return self._is_stopped or (self._within is not None and self._within.stopped)

    def stop(self) -> None:
        """Let the work end as soon as it looks."""
        self._is_stopped = True

    def left(self) -> float | None:
        """Seconds until the deadline, at least 0; None without one."""
        own = None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
        whole = None if self._within is None else self._within.left()
        if own is None or whole is None:
            return whole if own is None else own
        return min(own, whole)

    @property
    def is_spent(self) -> bool:
        """Whether the work should end now."""
        return self.stopped or self.left() == 0.0

    def error(self) -> SourceError:
        """Why the work ended."""
        if self.stopped:
            return QueryCanceledError(
                "The statement was canceled.", fix="Run it again if it is still wanted."
            )
        return SourceTimeoutError(
            f"It did not end within {self.seconds:g} s." if self.seconds else "No time was left.",
            fix="Narrow it down, or allow it more time.",
        )


class OneAtATime:
    """Does blocking work in a thread of its own; a call while it is still being done does nothing.

    For an `interrupt` that has to ask the server over a connection of its own.
    """

    def __init__(self, work: Callable[[], None], name: str) -> None:
        self._work, self._name = work, name
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def __call__(self) -> None:
        with self._lock:  # so that nobody joins a thread that is not started yet
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self._thread.start()

    def join(self, seconds: float) -> bool:
        """Wait for what is being done, this long at most; whether it is done."""
        with self._lock:
            thread = self._thread
        if thread is None:
            return True
        thread.join(seconds)
        return not thread.is_alive()


@contextmanager
def reminded(budget: Budget, interrupt: Callable[[], None]) -> Generator[None]:
    """A block of the working thread whose statement is interrupted when the budget is over, again and again.

    For the parts of a call that have less time than the whole, which the event loop knows nothing of.
    """
    left = budget.left()
    if not left:  # it has no end, or nothing begins any more
        yield
        return
    over, turn = threading.Event(), threading.Lock()

    def remind() -> None:
        pause = left
        while not over.wait(pause):
            with turn:  # so that it does not hit what comes after the block
                if not over.is_set():
                    interrupt()
            pause = _NUDGE_SECONDS if pause is left else min(2 * pause, _LONGEST_NUDGE_SECONDS)

    reminder = threading.Thread(target=remind, name="source-reminder", daemon=True)
    reminder.start()
    try:
        yield
    finally:
        with turn:
            over.set()
        reminder.join()


class BlockingThread:
    """Carries out blocking calls one after the other in a thread of its own.

    `interrupt` stops whatever statement runs now; it is called from the event loop's thread, and again until the
    call has ended, since a driver may forget one that comes between two statements. It is never called for one call
    while the thread works for another. `abandon` is called in the same thread by `close` when that was of no use: it
    makes the blocking call fail, without asking the server.
    """

    def __init__(
        self,
        name: str,
        interrupt: Callable[[], None],
        abandon: Callable[[], None] | None = None,
    ) -> None:
        self._interrupt = interrupt
        self._abandon = abandon
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._calls: dict[Future[Any], Budget] = {}
        self._at_work: Budget | None = None
        self._turn = threading.Lock()
        self._closed = False

    async def call(self, work: Callable[[], T], budget: Budget) -> T:
        """What the work returns. Raises SourceTimeoutError past the budget, and what the work raises.

        Who was stopped gets QueryCanceledError, however the work ended; what still waited for the thread is not begun.
        When the caller is cancelled the work is stopped and not waited for.
        """
        if self._closed:
            raise ConnectionFailedError(
                "The source is closed.", fix="Connect again.", transient=False
            )
        # the run that calls is known in the thread too: its secrets are masked there as well
        within = contextvars.copy_context().run
        call: Future[T] = self._executor.submit(within, self._carried_out, work, budget)
        future = asyncio.wrap_future(call)
        future.add_done_callback(_look_at)
        self._calls[call] = budget
        try:
            await asyncio.wait([future], timeout=budget.left())
            if not future.done() and not call.cancel():
                self._nudge(call, budget)
                await asyncio.wait([future], timeout=_GRACE_SECONDS)
        except asyncio.CancelledError:
            self._stop(call, budget)
            raise
        finally:
            del self._calls[call]
        if call.cancelled() or not future.done():
            raise budget.error()
        error = future.exception()
        if budget.stopped and not isinstance(error, QueryCanceledError):
            raise budget.error() from error
        return future.result()

    def post(self, work: Callable[[], None]) -> None:
        """Have the thread do this after what it does now, without waiting; nothing when it is closed."""
        if not self._closed:
            self._executor.submit(work)

    def stop_all(self) -> None:
        """Stop the call that runs and those that wait for the thread."""
        for call, budget in list(self._calls.items()):
            self._stop(call, budget)

    async def close(self, last: Callable[[], None], *, patience: float | None = None) -> None:
        """Stop everything, do this one last thing in the thread and end it. May be called twice.

        What still blocks after `patience` seconds is abandoned, and after as many again the thread is left alone.
        """
        if self._closed:
            return
        self._closed = True
        self.stop_all()
        closing = asyncio.get_running_loop().run_in_executor(self._executor, last)
        closing.add_done_callback(_look_at)
        self._executor.shutdown(wait=False)
        await asyncio.wait([closing], timeout=patience)
        if not closing.done() and self._abandon is not None:
            self._abandon()
            await asyncio.wait([closing], timeout=patience)
        if closing.done():
            closing.result()

    def _carried_out(self, work: Callable[[], T], budget: Budget) -> T:
        """In the thread: what the work returns, unless nobody wants it any more."""
        with self._turn:
            self._at_work = budget
        try:
            if budget.is_spent:
                raise budget.error()
            return work()
        finally:
            with self._turn:
                self._at_work = None

    def _stop(self, call: Future[Any], budget: Budget) -> None:
        budget.stop()
        if not call.cancel():
            self._nudge(call, budget)

    def _nudge(self, call: Future[Any], budget: Budget, pause: float = _NUDGE_SECONDS) -> None:
        if not call.done():
            with self._turn:  # so that it does not hit the work of the next call
                if self._at_work is budget:
                    self._interrupt()
            longer = min(2 * pause, _LONGEST_NUDGE_SECONDS)
            asyncio.get_running_loop().call_later(pause, self._nudge, call, budget, longer)


def _look_at(future: asyncio.Future[Any]) -> None:
    """Take the error out of it, since nobody else may: the caller can be gone."""
    if not future.cancelled():
        future.exception()
