"""Asking again after what comes and goes, within the time that there is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar

from buster_tasks.language_model.errors import LanguageModelError, ModelUnavailableError
from taskkit.model.clock import Clock, sleep
from taskkit.model.retry import Retry

T = TypeVar("T")

RETRY: Final = Retry(max_attempts=5, min_timeout=0.5, max_timeout=20.0)
"""Four more attempts, after 0.5, 1, 2 and 4 seconds, each up to twice that."""


async def with_retries(
    attempt: Callable[[int], Awaitable[T]],
    *,
    policy: Retry,
    deadline: float,
    clock: Clock,
    random: Callable[[], float] | None = None,
) -> T:
    """What `attempt(number)` gives, number counting from 1; it is called again after a transient LanguageModelError.

    The pause is the policy's, or what the provider asks for where that is longer. When it would not be over before
    `deadline`, a moment of `clock.monotonic()`, or no attempt is left, the error is raised at once.
    """
    number = 1
    while True:
        try:
            return await attempt(number)
        except LanguageModelError as error:
            pause = _pause_after(error, number, policy, random)
            if pause is None or clock.monotonic() + pause >= deadline:
                if number > 1:
                    error.add_note(f"This was attempt {number}.")
                raise
        await sleep(clock, pause)
        number += 1


def _pause_after(
    error: LanguageModelError, number: int, policy: Retry, random: Callable[[], float] | None
) -> float | None:
    if not error.transient:
        return None
    pause = policy.next_delay(number, random)
    asked = error.retry_after if isinstance(error, ModelUnavailableError) else None
    return pause if pause is None or asked is None else max(pause, asked)


def retry_after_of(headers: Mapping[str, str], now: datetime) -> float | None:
    """The seconds that the headers of an answer ask to wait, from a number or a date; None where they do not."""
    asked = {name.lower(): value for name, value in headers.items()}
    milliseconds = _number(asked.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    text = asked.get("retry-after", "")
    seconds = _number(text)
    return seconds if seconds is not None else _until(text, now)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None


def _until(text: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
