"""How often a run is tried, and how long it waits in between."""

from __future__ import annotations

import math
import random as _random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeGuard

from taskkit.errors import InvalidDurationError, InvalidOptionError
from taskkit.model.duration import Duration, seconds
from taskkit.model.machine import preset_name


@dataclass(frozen=True, slots=True, init=False)
class Retry:
    """A retry policy: at most `max_attempts` tries, the first included.

    The delay after attempt n is `min_timeout * factor ** (n - 1)`, up to twice that with `randomize`, and
    never above `max_timeout`. Times are given as durations and kept in seconds. `out_of_memory` names the
    machine preset for the attempt after one that ran out of memory.
    """

    max_attempts: int
    min_timeout: float
    max_timeout: float
    factor: float
    randomize: bool
    out_of_memory: str | None

    def __init__(
        self,
        max_attempts: int | None = None,
        min_timeout: Duration | None = None,
        max_timeout: Duration | None = None,
        factor: float | None = None,
        randomize: bool | None = None,
        out_of_memory: str | None = None,
    ) -> None:
        """A policy of 3 attempts, 1 s, 60 s, factor 2 and jitter, but for what is given; None is not given.

        Raises InvalidOptionError that names field and value.
        """
        keep = object.__setattr__
        keep(self, "max_attempts", 3 if max_attempts is None else _attempts(max_attempts))
        keep(
            self,
            "min_timeout",
            1.0 if min_timeout is None else _timeout("min_timeout", min_timeout),
        )
        keep(
            self,
            "max_timeout",
            60.0 if max_timeout is None else _timeout("max_timeout", max_timeout),
        )
        keep(self, "factor", 2.0 if factor is None else _factor(factor))
        keep(self, "randomize", True if randomize is None else _flag(randomize))
        keep(self, "out_of_memory", None if out_of_memory is None else _preset(out_of_memory))

    def next_delay(self, attempt: int, random: Callable[[], float] | None = None) -> float | None:
        """Seconds, to the millisecond, from the end of `attempt` to the next one; None when none is left.

        `random` gives a number in [0, 1); it is called once, and only with `randomize`.
        """
        if not _is_count(attempt):
            raise InvalidOptionError("attempt", attempt, "attempts are whole numbers from 1.")
        if attempt >= self.max_attempts:
            return None
        stretch = 1.0 + (random or _random.random)() if self.randomize else 1.0
        # 0 times an infinite growth is no number, and no wait is no wait however often it grows.
        delay = (
            min(self.max_timeout, stretch * self.min_timeout * self._growth(attempt))
            if self.min_timeout
            else 0.0
        )
        return math.floor(delay * 1000 + 0.5) / 1000

    def _growth(self, attempt: int) -> float:
        try:
            return math.pow(self.factor, min(attempt - 1, 10**300))
        except OverflowError:
            return math.inf


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _attempts(value: object) -> int:
    if not _is_count(value):
        raise InvalidOptionError(
            "max_attempts", value, "give a whole number of at least 1; 1 means no retry."
        )
    return value


def _timeout(field: str, value: Duration) -> float:
    try:
        return seconds(value, what=field)
    except InvalidDurationError as error:
        raise InvalidOptionError(field, value, error.reason) from None


def _factor(value: object) -> float:
    if not isinstance(value, bool) and isinstance(value, int | float):
        try:
            factor = float(value)
        except OverflowError:
            factor = math.inf
        if 0 <= factor < math.inf:
            return factor
    raise InvalidOptionError(
        "factor", value, "give a finite number of at least 0; 2 doubles each delay."
    )


def _preset(value: str) -> str:
    return preset_name(value, option="out_of_memory")


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidOptionError("randomize", value, "give True or False.")
    return value
