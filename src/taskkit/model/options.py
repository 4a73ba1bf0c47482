"""What can be said when a run is triggered, and when an attempt has failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypedDict

from taskkit.model.duration import Duration
from taskkit.model.retry import Retry


@dataclass(frozen=True, slots=True)
class Debounce:
    """Triggers with the same key become one run, `delay` after the last of them.

    `mode` says whose payload counts: the first ("leading") or the last ("trailing"). `max_delay` bounds how
    long the run can be pushed back.
    """

    key: str
    delay: Duration
    mode: Literal["leading", "trailing"] = "leading"
    max_delay: Duration | None = None


class TriggerOptions(TypedDict, total=False):
    """Everything that a trigger may say besides the payload."""

    idempotency_key: str | None
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
