"""What asks for a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from taskkit.model.options import Debounce

SEALED: Final = b'{"$sealed":"'
"""What a payload begins with that is an envelope round the payload proper; `taskkit.model.sealing` makes it."""


@dataclass(slots=True, eq=False)
class TriggerRequest:
    """Everything a backend needs to make a run; never changed once it was handed over.

    Times that depend on the store's clock are relative (`ttl`, `idempotency_key_ttl` in seconds) or decided
    by the caller (`delay_until`). `idempotency_key` is hashed. `max_attempts` is the task's own policy when
    the caller gave none, so that a store can tell a run that kills its workers from one that is retried.
    `trace_parent` is the span that asked for it, as the W3C writes it in the header `traceparent`.

    `secrets` are clear, so they stay in this process: a backend that declares DURABLE is given none, they are
    sealed inside `payload` then.
    """

    run_id: str
    task_id: str
    payload: bytes | None
    queue: str
    secrets: Mapping[str, str] | None = field(default=None, repr=False)
    concurrency_key: str | None = None
    priority: float = 0.0
    delay_until: datetime | None = None
    ttl: float | None = None
    idempotency_key: str | None = None
    idempotency_key_ttl: float | None = None
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] | None = None
    max_attempts: int = 3
    max_duration: float | None = None
    machine: str | None = None
    debounce: Debounce | None = None
    parent_id: str | None = None
    root_id: str | None = None
    awaited: bool = False
    queue_time: datetime | None = None
    schedule_id: str | None = None
    is_test: bool = False
    is_replay: bool = False
    version: str | None = None
    trace_parent: str | None = None

    def joined_by(self, last: TriggerRequest) -> TriggerRequest:
        """What a debounced run does once `last` has joined it: what that says; what it leaves out stays."""
        return replace(
            self,
            payload=last.payload,
            secrets=last.secrets,
            metadata=self.metadata if last.metadata is None else last.metadata,
            tags=last.tags or self.tags,
            max_attempts=last.max_attempts,
            max_duration=self.max_duration if last.max_duration is None else last.max_duration,
            machine=last.machine or self.machine,
            trace_parent=last.trace_parent or self.trace_parent,
        )

    @property
    def visible_payload(self) -> bytes | None:
        """The payload as anybody may see it, with a mask for each secret."""
        if self.payload is None or not self.payload.startswith(SEALED):
            return self.payload
        from taskkit.model.sealing import visible  # which hardly any payload needs

        return visible(self.payload)

    def opened(self) -> tuple[bytes, Mapping[str, str] | None]:
        """What a codec decodes: the payload, and its secrets in the clear.

        ConfigError where the key that they are sealed with is not here, BackendError where they were changed.
        """
        if self.payload is None:
            return b"null", None
        if not self.payload.startswith(SEALED):
            return self.payload, self.secrets
        from taskkit.model.sealing import opened  # which hardly any payload needs

        return opened(self)
