"""When a worker that sleeps has to look again."""

from __future__ import annotations

from collections.abc import Callable

from taskkit.model.clock import Clock, Timer


class Alarm:
    """One timer, which is only ever moved forward.

    An alarm that is too early costs one more look; a timer made and canceled for each run costs more.
    """

    __slots__ = ("_clock", "_ring", "_timer", "at")

    def __init__(self, clock: Clock, ring: Callable[[], None]) -> None:
        self._clock = clock
        self._ring = ring
        self._timer: Timer | None = None
        self.at = 0.0

    @property
    def is_set(self) -> bool:
        return self._timer is not None

    def set(self, at: float) -> None:
        """Ring at this moment of the clock's steady time, if it would not ring before."""
        if self._timer is not None:
            if self.at <= at:
                return
            self._timer.cancel()
        self.at = at
        self._timer = self._clock.call_at(at, self._rings)

    def _rings(self) -> None:
        self._timer = None
        self._ring()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
