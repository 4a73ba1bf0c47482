"""Where time comes from.

Every part of taskkit that reads a clock or sets a timer is given a `Clock`, so that tests can move time
instead of waiting for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeAlias

# The moment at which a call of a backend takes effect; None is the store's own clock.
Now: TypeAlias = datetime | None


class Timer(Protocol):
    """A callback that waits for its moment."""

    def cancel(self) -> None:
        """The callback will not run; does nothing when it already has."""
        ...


class Clock(Protocol):
    """Wall time, steady time and timers.

    `busy` counts the threads that work for runs just now, which an event loop cannot see; a fake clock
    stands still until it is zero. Changed on the event loop only.
    """

    busy: int

    def now(self) -> datetime:
        """The wall time, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards; only differences mean something."""
        ...

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Run `callback` on the running event loop once `monotonic()` has reached `when`."""
        ...


class SystemClock:
    """The machine's own clocks."""

    __slots__ = ("busy",)

    def __init__(self) -> None:
        self.busy = 0

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        return asyncio.get_running_loop().call_later(max(0.0, when - time.monotonic()), callback)


SYSTEM_CLOCK = SystemClock()


async def sleep(clock: Clock, seconds: float) -> None:
    """Return once `seconds` have passed on `clock`."""
    passed = asyncio.Event()
    timer = clock.call_at(clock.monotonic() + seconds, passed.set)
    try:
        await passed.wait()
    finally:
        timer.cancel()


def after(moment: datetime, seconds: float) -> datetime:
    """`moment` plus `seconds`, held at the last representable moment."""
    try:
        return moment + timedelta(seconds=seconds)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)
