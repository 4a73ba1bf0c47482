"""Calls to a blocking driver: one thread for each source, stopped in the database when nobody waits any more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from buster_tasks.errors import (
    ConnectionFailedError,
    QueryCanceledError,
    SourceError,
    SourceTimeoutError,
)

T = TypeVar("T")

_NUDGE_SECONDS = 0.02
_GRACE_SECONDS = 1.0


class Budget:
    """How long a call may still take, and whether somebody stopped it; the thread looks at it as it works."""

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self.stopped = False
        self._deadline = None if seconds is None else time.monotonic() + seconds

    def left(self) -> float | None:
        """Seconds until the deadline, at least 0; None without one."""
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

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


class BlockingThread:
    """Carries out blocking calls one after the other in a thread of its own.

    `interrupt` stops whatever statement runs now; it is called from the event loop's thread, and again until the
    call has ended, since a driver may forget one that comes between two statements.
    """

    def __init__(self, name: str, interrupt: Callable[[], None]) -> None:
        self._interrupt = interrupt
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._running: dict[asyncio.Future[Any], Budget] = {}
        self._closed = False

    async def call(self, work: Callable[[], T], budget: Budget) -> T:
        """What the work returns. Raises SourceTimeoutError past the budget, and what the work raises.

        When the caller is cancelled the work is stopped and not waited for.
        """
        if self._closed:
            raise ConnectionFailedError(
                "The source is closed.", fix="Connect again.", transient=False
            )
        future = asyncio.get_running_loop().run_in_executor(self._executor, work)
        self._running[future] = budget
        future.add_done_callback(self._forget)
        try:
            await asyncio.wait([future], timeout=budget.left())
            if not future.done():
                self._nudge(future)
                await asyncio.wait([future], timeout=_GRACE_SECONDS)
        except asyncio.CancelledError:
            self._stop(future, budget)
            raise
        if not future.done():
            raise budget.error()
        return future.result()

    def stop_all(self) -> None:
        """Stop the call that runs and those that wait for the thread."""
        for future, budget in list(self._running.items()):
            self._stop(future, budget)

    async def close(self, last: Callable[[], None]) -> None:
        """Stop everything, do this one last thing in the thread and end it. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self.stop_all()
        closing = asyncio.get_running_loop().run_in_executor(self._executor, last)
        self._executor.shutdown(wait=False)
        await asyncio.wait([closing])
        closing.result()

    def _stop(self, future: asyncio.Future[Any], budget: Budget) -> None:
        budget.stopped = True
        self._nudge(future)

    def _nudge(self, future: asyncio.Future[Any]) -> None:
        if not future.done():
            self._interrupt()
            asyncio.get_running_loop().call_later(_NUDGE_SECONDS, self._nudge, future)

    def _forget(self, future: asyncio.Future[Any]) -> None:
        self._running.pop(future, None)
        if not future.cancelled():
            future.exception()  # looked at, since nobody else may: the caller can be gone
