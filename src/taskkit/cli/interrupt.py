"""What Ctrl-C and SIGTERM do."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from types import FrameType

_SHOW_CURSOR = "\x1b[?25h"
_GRACE = 10.0
_GRACE_AFTER_SIGNAL = 1.0
_owned: list[bool] = []


def own_the_process() -> None:
    """This process is ours to end; without this word it belongs to the program that calls us."""
    _owned[:] = [True]


class Interruption:
    """Whether a signal has come, and the exit status that it means. `first` may be changed."""

    def __init__(self, first: Callable[[], object]) -> None:
        self.first = first
        self.number: int | None = None

    def begin(self) -> None:
        """Do what the first signal asks for, as it stands now."""
        self.first()

    @property
    def status(self) -> int | None:
        """128 and the signal's number, as a shell says it."""
        return None if self.number is None else 128 + self.number


@contextmanager
def gently(
    first: Callable[[], object], *, second: Callable[[], object] | None = None
) -> Generator[Interruption]:
    """In this block the first signal calls `first` on the event loop, the second `second` where there is one.

    The next one ends the process at once.
    """
    left = [] if second is None else [second]
    seen = Interruption(first)
    loop = asyncio.get_running_loop()

    def handle(number: int, _: FrameType | None) -> None:
        if seen.number is not None:
            if not left:
                end_now(128 + number)
            loop.call_soon_threadsafe(left.pop())
            return
        seen.number = number
        loop.call_soon_threadsafe(seen.begin)

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield seen
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def end_now(status: int) -> None:
    """End this process, whatever still runs in it."""
    for stream in (sys.__stdout__, sys.__stderr__):
        with suppress(Exception):
            if stream is not None and stream.isatty():
                os.write(stream.fileno(), _SHOW_CURSOR.encode())
            if stream is not None:
                stream.flush()
    os._exit(status)


def end_soon(status: int, *, signaled: bool) -> None:
    """Everything was said: a thread or a coroutine that will not stop keeps the process for some seconds only."""
    if not _owned:
        return
    timer = threading.Timer(_GRACE_AFTER_SIGNAL if signaled else _GRACE, end_now, (status,))
    timer.daemon = True
    timer.start()
