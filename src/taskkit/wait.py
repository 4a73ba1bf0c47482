"""Waiting inside a task, without holding a slot."""

from __future__ import annotations

from datetime import datetime, timedelta

from taskkit.backends.base import Capability
from taskkit.errors import InvalidDurationError, InvalidOptionError
from taskkit.model.clock import after
from taskkit.model.duration import Duration, seconds as seconds_of
from taskkit.model.exchange import Until, Wait
from taskkit.runtime.portal import twin
from taskkit.runtime.scope import RunScope, need_scope


async def sleep(duration: Duration) -> None:
    """Go on after this long: `await wait.sleep("30s")`. The slot is free meanwhile, and max_duration stands still."""
    scope = need_scope("wait.sleep")
    length = seconds_of(duration, what="wait.sleep's duration")
    if length > 0:
        await _until(scope, after(scope.now(), length), f"sleep {length!r}")


async def for_(
    *,
    seconds: float | None = None,
    minutes: float | None = None,
    hours: float | None = None,
    days: float | None = None,
    weeks: float | None = None,
) -> None:
    """`wait.sleep` with the length in units, added up."""
    given = {"seconds": seconds, "minutes": minutes, "hours": hours, "days": days, "weeks": weeks}
    parts = {unit: value for unit, value in given.items() if value is not None}
    if not parts:
        raise InvalidOptionError("wait.for_", None, "give a length, such as seconds=30.")
    try:
        length = timedelta(**parts)
    except (TypeError, ValueError, OverflowError):
        raise InvalidDurationError("wait.for_", parts, "give numbers of units.") from None
    await sleep(length)


async def until(when: datetime, *, raise_if_past: bool = False) -> None:
    """Go on at this moment, which must be aware; a past one returns at once, or raises if that is asked for."""
    scope = need_scope("wait.until")
    when = _aware(when)
    if when <= scope.now():
        if raise_if_past:
            raise InvalidOptionError("wait.until's moment", when, "it is in the past.")
        return
    await _until(scope, when, f"until {when.isoformat()}")


def _aware(when: object) -> datetime:
    if not isinstance(when, datetime) or when.tzinfo is None:
        raise InvalidOptionError(
            "wait.until's moment", when, "give an aware datetime, such as datetime.now(UTC)."
        )
    return when


async def _until(scope: RunScope, at: datetime, what: str) -> None:
    scope.home.need(Capability.WAITS, "Waiting in a task")
    wait = Wait(scope.derived_id("wait", "timer", what), Until(at), "duration")
    await scope.wait_for(wait)


class sync:
    """The same calls for `def` tasks; `wait.sync.sleep("30s")`."""

    sleep = staticmethod(twin(sleep))
    for_ = staticmethod(twin(for_))
    until = staticmethod(twin(until))
