"""The main thread of a child process: plain bodies run there, where a signal can end them."""

from __future__ import annotations

import asyncio
import contextvars
import signal
import threading
from collections.abc import Callable
from queue import SimpleQueue
from types import FrameType
from typing import Any

_AGAIN = 0.05


class MainThread:
    """Runs what the event loop hands over; the loop itself is in another thread.

    A body is ended by SIGTERM: its handler raises a CancelledError wherever the body just is, though not
    while `is_sending`. A handler that the body has set itself is left to do as it likes. `heard` is called
    when the body gets to know.
    """

    def __init__(self, heard: Callable[[], None], is_sending: Callable[[], bool]) -> None:
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._ident = threading.get_ident()
        self._heard = heard
        self._is_sending = is_sending
        self._is_running = False
        self._is_wanted = False
        signal.signal(signal.SIGTERM, self._on_sigterm)

    def work(self) -> None:
        """Run what comes, until `stop`."""
        while (job := self._jobs.get()) is not None:
            job()

    def stop(self) -> None:
        """Let `work` return."""
        self._jobs.put(None)

    async def call(self, fn: Callable[..., Any], *args: Any) -> Any:
        """What `fn(*args)` returns, in the main thread, in this context.

        A cancellation ends it there, and comes through when it has ended.
        """
        ended: asyncio.Future[tuple[Any, BaseException | None]]
        loop = asyncio.get_running_loop()
        ended = loop.create_future()
        context = contextvars.copy_context()

        def job() -> None:
            end = self._end_of(lambda: context.run(fn, *args))
            loop.call_soon_threadsafe(ended.set_result, end)

        self._jobs.put(job)
        while not ended.done():
            try:
                await asyncio.wait((ended,), timeout=_AGAIN if self._is_wanted else None)
            except asyncio.CancelledError:
                self._begin_interrupt()
            if self._is_wanted:
                signal.pthread_kill(self._ident, signal.SIGTERM)
        result, error = ended.result()
        if error is not None:
            raise error
        return result

    def _end_of(self, body: Callable[[], Any]) -> tuple[Any, BaseException | None]:
        result: Any = None
        error: BaseException | None = None
        try:
            self._is_running = True
            result = body()
            self._is_running = False
        except BaseException as raised:  # the event loop's thread decides what it means
            self._is_running = False
            error = raised
        return result, error

    def _begin_interrupt(self) -> None:
        if signal.getsignal(signal.SIGTERM) == self._on_sigterm:
            self._is_wanted = True
        else:
            self._heard()  # by a handler of its own, which is not seen from here
            signal.pthread_kill(self._ident, signal.SIGTERM)

    def _on_sigterm(self, number: int, frame: FrameType | None) -> None:
        """Raise in the body when it was asked for here; one from outside is for the worker to answer."""
        if not self._is_wanted or self._is_sending():
            return
        self._is_wanted = False
        self._heard()
        if self._is_running:
            self._is_running = False
            raise asyncio.CancelledError
