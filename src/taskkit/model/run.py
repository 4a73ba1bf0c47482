"""A run: what was asked for, and what has become of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from pydantic_core import from_json

from taskkit.model.error_info import ErrorInfo
from taskkit.model.request import TriggerRequest


class RunStatus(StrEnum):
    """Where a run stands; Trigger.dev's words."""

    PENDING_VERSION = "PENDING_VERSION"
    DELAYED = "DELAYED"
    QUEUED = "QUEUED"
    DEQUEUED = "DEQUEUED"
    EXECUTING = "EXECUTING"
    WAITING = "WAITING"
    COMPLETED = "COMPLETED"
    CANCELED = "CANCELED"
    FAILED = "FAILED"
    CRASHED = "CRASHED"
    SYSTEM_FAILURE = "SYSTEM_FAILURE"
    EXPIRED = "EXPIRED"
    TIMED_OUT = "TIMED_OUT"

    @property
    def is_final(self) -> bool:
        """The run is over and nothing about its end will change."""
        return self in FINAL


_S = RunStatus
FINAL = frozenset(
    {_S.COMPLETED, _S.CANCELED, _S.FAILED, _S.CRASHED, _S.SYSTEM_FAILURE, _S.EXPIRED, _S.TIMED_OUT}
)
"""The statuses in which a run ends."""

FREES_KEY = frozenset({_S.FAILED, _S.CRASHED, _S.SYSTEM_FAILURE, _S.TIMED_OUT, _S.EXPIRED})
"""The ends after which an idempotency key may start a new run; every other status holds it."""

_BODY_ENDS = frozenset(
    {_S.COMPLETED, _S.CANCELED, _S.FAILED, _S.CRASHED, _S.SYSTEM_FAILURE, _S.TIMED_OUT}
)

TRANSITIONS: Mapping[RunStatus, frozenset[RunStatus]] = {
    _S.PENDING_VERSION: frozenset({_S.DELAYED, _S.QUEUED, _S.CANCELED, _S.EXPIRED}),
    _S.DELAYED: frozenset({_S.QUEUED, _S.CANCELED}),
    _S.QUEUED: frozenset({_S.DEQUEUED, _S.EXECUTING, _S.CANCELED, _S.EXPIRED}),
    _S.DEQUEUED: frozenset({_S.QUEUED, _S.EXECUTING, _S.CANCELED}) | _BODY_ENDS,
    _S.EXECUTING: frozenset({_S.QUEUED, _S.WAITING}) | _BODY_ENDS,
    _S.WAITING: frozenset({_S.QUEUED, _S.EXECUTING}) | _BODY_ENDS,
    **{status: frozenset() for status in FINAL},
}
"""Every legal move. QUEUED after EXECUTING is a retry, a release or a delivery whose worker died."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a run, numbered from 1."""

    number: int
    started_at: datetime
    finished_at: datetime | None = None
    error: ErrorInfo | None = None


@dataclass(slots=True, eq=False)
class Run:
    """A run as it stood when it was read.

    Never changes after it was handed out: read it again, or subscribe, to see more. `payload` and `output`
    are decoded from JSON when they are looked at; where the task is known in this process, `output` is
    rebuilt by the task's return annotation.
    """

    request: TriggerRequest
    status: RunStatus
    created_at: datetime
    available_at: datetime
    queue_time: datetime
    batch_id: str | None = None
    attempt: int = 0
    delivery: int = 0
    deaths: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    output_json: bytes | None = None
    error: ErrorInfo | None = None
    metadata: dict[str, Any] = field(default_factory=cast("Callable[[], dict[str, Any]]", dict))
    tags: tuple[str, ...] = ()
    past_attempts: tuple[Attempt, ...] = ()
    attempt_started_at: datetime | None = None
    machine: str | None = None
    cancel_reason: str | None = None
    decode_output: Callable[[bytes], Any] | None = None

    @property
    def id(self) -> str:
        return self.request.run_id

    @property
    def task_id(self) -> str:
        return self.request.task_id

    @property
    def payload(self) -> Any:
        """What the run was given, as JSON data; secrets show as `********`."""
        visible = self.request.visible_payload
        return None if visible is None else from_json(visible)

    @property
    def output(self) -> Any:
        """What the run returned; None until it has completed."""
        if self.output_json is None:
            return None
        return (
            self.decode_output(self.output_json)
            if self.decode_output
            else from_json(self.output_json)
        )

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """Every attempt that has started, the present one last."""
        if self.attempt_started_at is None:
            return self.past_attempts
        present = Attempt(self.attempt, self.attempt_started_at, self.finished_at, self.error)
        return (*self.past_attempts, present)

    @property
    def queue(self) -> str:
        return self.request.queue

    @property
    def parent_id(self) -> str | None:
        return self.request.parent_id

    @property
    def root_id(self) -> str | None:
        return self.request.root_id

    @property
    def schedule_id(self) -> str | None:
        return self.request.schedule_id

    @property
    def idempotency_key(self) -> str | None:
        return self.request.idempotency_key

    @property
    def is_queued(self) -> bool:
        return self.status in (RunStatus.QUEUED, RunStatus.PENDING_VERSION, RunStatus.DELAYED)

    @property
    def is_executing(self) -> bool:
        return self.status in (RunStatus.EXECUTING, RunStatus.DEQUEUED)

    @property
    def is_waiting(self) -> bool:
        return self.status is RunStatus.WAITING

    @property
    def is_completed(self) -> bool:
        """The run has ended, well or not."""
        return self.status in FINAL

    @property
    def is_success(self) -> bool:
        return self.status is RunStatus.COMPLETED

    @property
    def is_failed(self) -> bool:
        return self.status in FREES_KEY and self.status is not RunStatus.EXPIRED

    @property
    def is_canceled(self) -> bool:
        return self.status is RunStatus.CANCELED

    def __repr__(self) -> str:
        error = f" error={str(self.error)[:80]!r}" if self.error is not None else ""
        return (
            f"<Run {self.id} of task {self.task_id!r} {self.status} attempt={self.attempt}{error}>"
        )

    def _repr_html_(self) -> str:
        """For notebooks."""
        from taskkit.model.html import run_card

        return run_card(self)

    def copy(self) -> Run:
        """A snapshot that later changes of this record do not reach.

        Written field by field, past `__init__`: it is made for every claim and every read.
        """
        run = object.__new__(Run)
        run.request = self.request
        run.status = self.status
        run.created_at = self.created_at
        run.available_at = self.available_at
        run.queue_time = self.queue_time
        run.batch_id = self.batch_id
        run.attempt = self.attempt
        run.delivery = self.delivery
        run.deaths = self.deaths
        run.started_at = self.started_at
        run.finished_at = self.finished_at
        run.output_json = self.output_json
        run.error = self.error
        run.metadata = self.metadata.copy()
        run.tags = self.tags
        run.past_attempts = self.past_attempts
        run.attempt_started_at = self.attempt_started_at
        run.machine = self.machine
        run.cancel_reason = self.cancel_reason
        run.decode_output = self.decode_output
        return run
