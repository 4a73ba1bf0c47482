"""What can be said when a run is triggered, and when an attempt has failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypedDict

from taskkit.errors import InvalidOptionError
from taskkit.model.duration import Duration, seconds
from taskkit.model.retry import Retry

_KEY_LENGTH = 512
_LEAST_DELAY = 1


@dataclass(frozen=True, slots=True)
class Debounce:
    """Triggers of a task with the same key become one run, `delay` after the last of them.

    `mode` says whose payload counts: the first ("leading"), or the last ("trailing"), then with its metadata,
    tags, max_duration and machine where it gives them, and its max_attempts. A trigger that would push the
    run beyond `max_delay` after its making lets it go, and makes a new one. Raises InvalidOptionError: the
    key is a text of 1 to 512 characters, the delay at least 1 s, `max_delay` no shorter than it.
    """

    key: str
    delay: Duration
    mode: Literal["leading", "trailing"] = "leading"
    max_delay: Duration | None = None

    def __post_init__(self) -> None:
        _check_key(self.key)
        if self.delay_seconds < _LEAST_DELAY:
            raise InvalidOptionError(
                "delay of a Debounce", self.delay, "give at least 1 second, such as 1 or '5s'."
            )
        if self.mode not in ("leading", "trailing"):
            raise InvalidOptionError(
                "mode of a Debounce", self.mode, "give 'leading' or 'trailing'."
            )
        longest = self.max_delay_seconds
        if longest is not None and longest < self.delay_seconds:
            raise InvalidOptionError(
                "max_delay of a Debounce",
                self.max_delay,
                f"it is shorter than the delay ({self.delay!r}), so no trigger could join another.",
            )

    @property
    def delay_seconds(self) -> float:
        return seconds(self.delay, what="delay of a Debounce")

    @property
    def max_delay_seconds(self) -> float | None:
        """None when the run can be pushed back without end."""
        if self.max_delay is None:
            return None
        return seconds(self.max_delay, what="max_delay of a Debounce")


def _check_key(key: object) -> None:
    if not isinstance(key, str) or not 1 <= len(key) <= _KEY_LENGTH:
        raise InvalidOptionError(
            "key of a Debounce", key, f"give a text of 1 to {_KEY_LENGTH} characters."
        )
    check_text("key of a Debounce", key)


def check_text(option: str, value: str) -> None:
    """Refuse what a Python `str` can hold and no store can write."""
    try:
        value.encode()
    except UnicodeEncodeError:
        reason = "it holds half of a surrogate pair, which is no text. Check where it was decoded."
        raise InvalidOptionError(option, value, reason) from None


class TriggerOptions(TypedDict, total=False):
    """Everything that a trigger may say besides the payload."""

    idempotency_key: str | Sequence[str] | None
    """The same key gives the same run. A raw text counts for the current run inside a task, globally outside."""
    idempotency_key_ttl: Duration | None
    """How long the key holds; 30 days when it is not given."""
    delay: Duration | datetime | None
    """Not before this long from now, or this moment."""
    ttl: Duration | None
    """EXPIRED when the run has not started this long after it could; 0 for none."""
    queue: str | None
    """Name of a declared queue."""
    concurrency_key: str | None
    """The queue's limit counts separately for each key."""
    priority: float | None
    """Seconds of head start in its queue."""
    max_attempts: int | None
    max_duration: Duration | None
    """Seconds that one attempt may take, waits excluded."""
    tags: str | Sequence[str] | None
    """At most 10, each of 1 to 128 characters."""
    metadata: Mapping[str, Any] | None
    """JSON data, at most 256 KiB."""
    machine: str | Mapping[str, str] | None
    debounce: Debounce | None


@dataclass(frozen=True, slots=True)
class RetryDecision:
    """What `catch_error` decides. Precedence: skip, at, delay, retry; nothing of these means no retry.

    `delay` is a duration (0 counts), `at` an aware datetime, `retry` a policy asked with the present
    attempt. `error` replaces the reported error.
    """

    skip: bool = False
    at: datetime | None = None
    delay: Duration | None = None
    retry: Retry | None = None
    error: BaseException | None = None
