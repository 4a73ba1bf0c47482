"""Notices that a worker's event loop is blocked, and says by what."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import suppress
from types import FrameType
from typing import Any

from taskkit.engine.attempt import Attempt

_log = logging.getLogger("taskkit.worker")
BLOCKED_AFTER = 5.0
"""Seconds without a turn of the event loop after which it counts as blocked."""
_LOOKS = 5
_ATTEMPT = Attempt.run.__code__


class Watchdog:
    """A thread that asks an event loop for a sign of life, some times in each `after` seconds.

    A loop that gives none is reported once, with the stack of its thread: nobody can do more about it, and
    while it is blocked no lease is renewed, no limit is kept and nothing is claimed.
    """

    def __init__(self, after: float = BLOCKED_AFTER) -> None:
        self._after = after
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._over = threading.Event()
        self._seen = time.monotonic()
        self._is_asked = False
        self._is_reported = False
        threading.Thread(target=self._watch, name="taskkit-watchdog", daemon=True).start()

    def close(self) -> None:
        """Look no more."""
        self._over.set()

    def _watch(self) -> None:
        while not self._over.wait(self._after / _LOOKS):
            if not self._is_asked:
                self._is_asked = True
                self._seen = time.monotonic()
                try:
                    self._loop.call_soon_threadsafe(self._alive)
                except RuntimeError:  # the loop has closed
                    return
            elif not self._is_reported and time.monotonic() - self._seen >= self._after:
                self._is_reported = True
                self._report()

    def _alive(self) -> None:
        self._is_asked = self._is_reported = False

    def _report(self) -> None:
        frame = sys._current_frames().get(self._loop_thread)  # pyright: ignore[reportPrivateUsage]  # the only way
        if frame is None:
            return
        try:
            stack = "".join(traceback.format_stack(frame)).rstrip()
            text = ", ".join(self._responsible(frame)) or "none that can be told"
        finally:
            del frame  # it would keep what the blocked code holds
        _log.warning(
            "the event loop of this worker has been blocked for %.1f s; until it goes on no lease is renewed, so "
            "other workers may take its runs, and no time limit is kept. Task: %s. Await what it does, make the "
            'task a plain `def`, or give it isolation="process". It is here:\n%s',
            time.monotonic() - self._seen,
            text,
            stack,
        )

    def _responsible(self, frame: FrameType) -> list[str]:
        """The attempt whose code runs; otherwise all that are under way, one of which has started it."""
        outer: FrameType | None = frame
        while outer is not None:
            if outer.f_code is _ATTEMPT:
                return [_named(outer.f_locals["self"])]
            outer = outer.f_back
        with suppress(RuntimeError):  # tasks come and go
            return [f"one of {name}" for name in sorted(self._under_way())]
        return []

    def _under_way(self) -> Iterator[str]:
        for task in asyncio.all_tasks(self._loop):
            waiting: Any = task.get_coro()
            while waiting is not None:
                found = getattr(waiting, "cr_frame", None)
                if found is not None and found.f_code is _ATTEMPT:
                    yield _named(found.f_locals["self"])
                    break
                waiting = getattr(waiting, "cr_await", None)


def _named(attempt: Attempt) -> str:
    return f"{attempt.definition.id!r} (run {attempt.run_id})"
