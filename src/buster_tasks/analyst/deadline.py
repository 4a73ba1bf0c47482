"""How long an analysis may take, and how much of it is kept for the review."""

from __future__ import annotations

import math

from taskkit.model.clock import SYSTEM_CLOCK, Clock

REVIEW_SHARE = 0.15
"""Of the time, and of what may be spent, kept for reviewing."""

_SOFT = 0.8


class Deadline:
    """Seconds from now on. Past `soft` of them nothing new is begun but the review."""

    def __init__(self, seconds: float | None, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._began = clock.monotonic()
        self._seconds = math.inf if seconds is None else max(0.0, seconds)

    @property
    def elapsed(self) -> float:
        """Seconds since it began."""
        return self._clock.monotonic() - self._began

    def left(self, *, for_review: bool = False) -> float:
        """Seconds until the end, of the review or of what comes before it; at least 0."""
        whole = self._seconds if for_review else self._seconds * _SOFT
        return max(0.0, whole - self.elapsed)
