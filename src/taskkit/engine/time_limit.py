"""When attempts reach their max_duration, without a timer for each."""

from __future__ import annotations

from collections.abc import Callable

from taskkit.model.clock import Clock, Timer

_HORIZON = 10.0
Reached = Callable[[], None]


class TimeLimit:
    """One attempt's limit, begun: runs while the attempt does, stands still while it waits.

    It keeps no reference to the attempt: a cycle between the two would leave every run to the garbage
    collector.
    """

    __slots__ = ("_deadline", "_left", "_limits", "_timer")

    def __init__(self, limits: TimeLimits, seconds: float, now: float, reached: Reached) -> None:
        self._limits = limits
        self._left = seconds
        self._deadline: float | None = now + seconds
        self._timer: Timer | None = None
        if seconds > 2 * _HORIZON and limits.scanning:
            limits.far[self] = reached
        else:
            limits.add(self, seconds, reached)

    @property
    def left(self) -> float:
        """Seconds that the attempt still has."""
        if self._deadline is None:
            return self._left
        return max(0.0, self._deadline - self._limits.clock.monotonic())

    def go_on(self, now: float, reached: Reached) -> None:
        """Count again from `now`, and call `reached` at the end."""
        if self._deadline is None:
            self._deadline = now + self._left
            self._limits.add(self, self._left, reached)

    def stop(self) -> None:
        """Stand still."""
        if self._deadline is not None:
            self._left = self.left
            self.end()

    def end(self) -> None:
        """The attempt is over; how much was left no longer matters."""
        self._deadline = None
        self._limits.far.pop(self, None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def arm_if_near(self, until: float, reached: Reached) -> bool:
        """Set a timer when the limit falls before `until`; whether it did."""
        if self._deadline is None or self._deadline > until:
            return False
        self._timer = self._limits.clock.call_at(self._deadline, reached)
        return True


class TimeLimits:
    """The limits of a worker's attempts.

    Most attempts end long before their limit, and a timer costs more than a place in a set: limits that
    are far off are looked through every ten seconds, and only those that come near get a timer.
    """

    __slots__ = ("_scan", "clock", "far")

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.far: dict[TimeLimit, Reached] = {}
        self._scan: Timer | None = None

    @property
    def scanning(self) -> bool:
        """Whether the limits that are far off are being looked through."""
        return self._scan is not None

    def add(self, limit: TimeLimit, seconds: float, reached: Reached) -> None:
        if seconds > 2 * _HORIZON:
            self.far[limit] = reached
            if self._scan is None:
                self._scan = self.clock.call_at(self.clock.monotonic() + _HORIZON, self._look)
        else:
            limit.arm_if_near(float("inf"), reached)

    def _look(self) -> None:
        self._scan = None
        until = self.clock.monotonic() + 2 * _HORIZON
        near = [limit for limit, reached in self.far.items() if limit.arm_if_near(until, reached)]
        for limit in near:
            del self.far[limit]
        if self.far:
            self._scan = self.clock.call_at(self.clock.monotonic() + _HORIZON, self._look)

    def close(self) -> None:
        if self._scan is not None:
            self._scan.cancel()
            self._scan = None
        self.far.clear()
