"""How long a run, or a part of it, takes.

Times are seconds of wall time by the clock of the backend, so waits are in them, and for a run the pauses
between its attempts too. There are no costs: nobody is charged for a run.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar, cast, overload

from taskkit.model.clock import SYSTEM_CLOCK, Clock
from taskkit.runtime.portal import block_on, refuse_in_event_loop
from taskkit.runtime.scope import current_scope, need_scope

T = TypeVar("T")


class Compute(NamedTuple):
    """What something took; `duration` in seconds."""

    duration: float


class RunCompute(NamedTuple):
    """What a run has taken so far: this attempt, and everything since its first one began."""

    attempt: Compute
    total: Compute


class Usage(NamedTuple):
    """The usage of a run so far."""

    compute: RunCompute


class Measured(NamedTuple, Generic[T]):
    """What a measured function returned, and what it took."""

    result: T
    compute: Compute


def get_current() -> Usage:
    """What this run has taken so far: `usage.get_current().compute.total.duration` seconds. No I/O.

    Outside of a task NotInTaskError.
    """
    scope = need_scope("usage.get_current")
    run, now = scope.lease.run, scope.now()
    attempt = _since(run.attempt_started_at or scope.lease.now, now)
    total = _since(run.started_at or scope.lease.now, now)
    return Usage(RunCompute(Compute(attempt), Compute(max(attempt, total))))


@overload
async def measure(fn: Callable[[], Awaitable[T]]) -> Measured[T]: ...
@overload
async def measure(fn: Callable[[], T]) -> Measured[T]: ...
async def measure(fn: Callable[[], Any]) -> Measured[Any]:
    """What `fn` returned and how long it took: `(await usage.measure(work)).compute.duration` seconds.

    `fn` is plain or async and takes nothing; what it raises comes through. Works outside of a task too.
    """
    clock = _clock()
    started = clock.monotonic()
    made = fn()
    result = await made if inspect.isawaitable(made) else made
    return Measured(result, Compute(clock.monotonic() - started))


def _clock() -> Clock:
    scope = current_scope.get()
    return SYSTEM_CLOCK if scope is None else scope.home.clock


def _since(moment: datetime, now: datetime) -> float:
    return max(0.0, (now - moment).total_seconds())


class sync:
    """The same call for plain code; `usage.sync.measure(work)`."""

    @overload
    @staticmethod
    def measure(fn: Callable[[], Awaitable[T]]) -> Measured[T]: ...
    @overload
    @staticmethod
    def measure(fn: Callable[[], T]) -> Measured[T]: ...
    @staticmethod
    def measure(fn: Callable[[], Any]) -> Measured[Any]:
        """See `usage.measure`; a plain `fn` is called in this thread."""
        refuse_in_event_loop("usage.measure")
        clock = _clock()
        started = clock.monotonic()
        made = fn()
        if inspect.isawaitable(made):
            made = block_on(lambda: cast("Awaitable[Any]", made))
        return Measured(made, Compute(clock.monotonic() - started))
