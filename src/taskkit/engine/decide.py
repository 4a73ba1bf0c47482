"""What an ended attempt means for its run; pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from taskkit.errors import AbortTaskRunError, OutOfMemoryError
from taskkit.model.clock import after
from taskkit.model.duration import seconds
from taskkit.model.error_info import ErrorInfo
from taskkit.model.exchange import Failed, RetryAt
from taskkit.model.machine import DEFAULT
from taskkit.model.options import RetryDecision
from taskkit.model.retry import Retry

Verdict = Failed | RetryAt


@dataclass(frozen=True, slots=True)
class Retries:
    """What applies to one run: the task's retries, and whether retries are on in this environment."""

    retry: Retry
    max_attempts: int
    retries_enabled: bool = True

    def next_delay(
        self, attempt: int, retry: Retry | None, random: Callable[[], float]
    ) -> float | None:
        """Seconds until the next attempt, or None when none is left.

        The run's own `max_attempts` stands in for the policy's; a policy given by a decision counts whole.
        """
        if retry is not None:
            return retry.next_delay(attempt, random)
        if attempt >= self.max_attempts:
            return None
        own = self.retry
        lengthened = Retry(
            max(self.max_attempts, attempt + 1),
            own.min_timeout,
            own.max_timeout,
            own.factor,
            own.randomize,
        )
        return lengthened.next_delay(attempt, random)


def decide(
    error: BaseException,
    decision: RetryDecision | None,
    *,
    attempt: int,
    retries: Retries,
    machine: str | None,
    now: datetime,
    random: Callable[[], float],
    code: str | None = None,
) -> Verdict:
    """The verdict on an attempt that raised `error`; a `code` makes it one of our own, which is final.

    Precedence: what is final; retries switched off; the decision's skip, at, delay, retry; the retries. A
    decision that says none of these means no retry. Out of memory is retried only on another machine than
    the present one, and only when the policy names it.
    """
    reported = error if decision is None or decision.error is None else decision.error
    out_of_memory = isinstance(error, OutOfMemoryError | MemoryError)
    info = ErrorInfo.of(
        reported, code=code or ("TASK_PROCESS_OOM_KILLED" if out_of_memory else None)
    )
    if code is not None or isinstance(error, AbortTaskRunError) or not retries.retries_enabled:
        return Failed(info)
    larger = None
    if out_of_memory:
        larger = retries.retry.out_of_memory
        if larger == (machine or DEFAULT):
            larger = None
        if larger is None and decision is None:
            return Failed(info)
    at = _next_start(decision, attempt, retries, now, random)
    return Failed(info) if at is None else RetryAt(at, info, larger)


def _next_start(
    decision: RetryDecision | None,
    attempt: int,
    retries: Retries,
    now: datetime,
    random: Callable[[], float],
) -> datetime | None:
    if decision is None:
        return _from(now, retries.next_delay(attempt, None, random))
    if decision.skip:
        return None
    if decision.at is not None:
        return max(decision.at, now)
    if decision.delay is not None:
        return after(now, seconds(decision.delay, what="RetryDecision.delay"))
    if decision.retry is not None:
        return _from(now, retries.next_delay(attempt, decision.retry, random))
    return None


def _from(now: datetime, delay: float | None) -> datetime | None:
    return None if delay is None else after(now, delay)
