"""A run as the memory backend keeps it."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Any

from taskkit.model.clock import after
from taskkit.model.exchange import (
    Answer,
    Canceled,
    ClaimSpec,
    Completed,
    Entry,
    EntryKind,
    Failed,
    Outcome,
    Suspended,
    Wait,
)
from taskkit.model.request import TriggerRequest
from taskkit.model.run import Run, RunStatus

if TYPE_CHECKING:
    from taskkit.backends.memory.queue_state import Gate, QueueState


_NOTHING: dict[str, Any] = {}
"""The metadata of runs that have none; replaced, never changed."""


class Record(Run):
    """The run itself, who holds it, and what it waits for; handed out only as a `copy()`.

    One object for both, because thousands of finished runs are kept, and every object more is looked at by
    each full garbage collection. `place` counts how often the record was put into a lane, so that an older
    entry in a lane is seen to be stale; `wait_round` does the same for answers and timers of waits that
    were replaced. `moments` are the times that this attempt's timers were first set to. `payer` is the queue
    whose turn the run uses, None for its own, and `rank` its order of arrival: its number, or its parent's.
    """

    __slots__ = (
        "__weakref__",
        "answers",
        "busy",
        "cancel_requested",
        "end_waiters",
        "ending",
        "entries",
        "expires",
        "flushes",
        "gate",
        "holder",
        "moments",
        "number",
        "open_waits",
        "orphaned",
        "outcome",
        "payer",
        "place",
        "queued",
        "rank",
        "token",
        "wait_round",
    )

    def __init__(
        self,
        request: TriggerRequest,
        number: int,
        now: datetime,
        batch_id: str | None,
    ) -> None:
        # In place of Run's own __init__, which would cost a second call for every run.
        available_at = now if request.delay_until is None else max(now, request.delay_until)
        if request.debounce is not None:
            available_at = after(now, request.debounce.delay_seconds)
        self.request = request
        self.status = RunStatus.DELAYED
        self.created_at = now
        self.available_at = available_at
        self.queue_time = request.queue_time or available_at
        self.batch_id = batch_id
        self.attempt = self.delivery = self.deaths = 0
        self.started_at = self.finished_at = self.attempt_started_at = None
        self.output_json = self.error = self.cancel_reason = self.decode_output = None
        self.metadata = dict(request.metadata) if request.metadata else _NOTHING
        self.tags = request.tags
        self.past_attempts = ()
        self.machine = request.machine
        self.number = self.rank = number
        self.place = 0
        self.payer: QueueState | None = None
        self.token: str | None = None
        self.holder: str | None = None
        self.expires: datetime | None = None
        self.gate: Gate | None = None
        self.outcome: Outcome | Suspended | None = None
        self.open_waits: dict[str, Wait] | None = None
        self.answers: dict[str, Answer] | None = None
        self.moments: dict[str, datetime] | None = None
        self.wait_round = 0
        self.cancel_requested = False
        self.orphaned = False
        self.ending: RunStatus | None = None
        self.busy = False
        self.end_waiters: list[asyncio.Future[None]] | None = None
        self.queued = False
        self.entries: dict[EntryKind, list[Entry]] | None = None
        self.flushes: dict[str, None] | None = None

    def wake_end_waiters(self) -> None:
        """The run has ended, or somebody should look whether it ever will."""
        waiters, self.end_waiters = self.end_waiters, None
        for waiter in waiters or ():
            if not waiter.done():
                waiter.set_result(None)

    def flushed(self, flush_id: str) -> bool:
        """Whether this flush was counted before; it is from now on."""
        if self.flushes is None:
            self.flushes = {}
        if flush_id in self.flushes:
            return True
        self.flushes[flush_id] = None
        if len(self.flushes) > 1024:
            del self.flushes[next(iter(self.flushes))]
        return False

    def fits(self, spec: ClaimSpec) -> bool:
        """Whether a worker takes this run; of what stands in lanes, `Lane.matches` tells."""
        return spec.fits(self.request.task_id, self.request.queue, self.machine)

    def has_recorded(self, outcome: Outcome | Suspended) -> bool:
        """Whether this is the outcome that the latest lease ended with."""
        if isinstance(outcome, Completed):
            return self.status is RunStatus.COMPLETED and self.output_json == outcome.output
        if isinstance(outcome, Failed):
            return self.status is outcome.status and self.error == outcome.error
        if isinstance(outcome, Canceled):
            return self.status is RunStatus.CANCELED
        return self.outcome == outcome
