"""A run as a store keeps it, and what each call of the contract does to it: the rules, without any storage.

A store that keeps runs as documents reads one, calls a method, and writes what came of it in the same
transaction. Runs that wait (WAITS) and limits of queues are not in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from taskkit.backends.topic_watch import topics_of
from taskkit.errors import LeaseLostError, UnsupportedByBackendError
from taskkit.model import metadata_operations
from taskkit.model.clock import after
from taskkit.model.error_info import ErrorInfo
from taskkit.model.exchange import (
    CANCEL_TOPIC,
    WORK_TOPIC,
    Canceled,
    Completed,
    Entry,
    EntryKind,
    Failed,
    Lease,
    LeaseKind,
    Outcome,
    RetryAt,
    Signal,
    Suspended,
)
from taskkit.model.idempotency import DEFAULT_TTL
from taskkit.model.request import TriggerRequest
from taskkit.model.run import FREES_KEY, Attempt, Run, RunStatus
from taskkit.model.stored import to_text
from taskkit.model.verdict import crashed, expired

_CLEANUP_TRIES: Final = 3
_TAGS_PER_RUN: Final = 10


@dataclass(slots=True, eq=False)
class KeptRun:
    """A run, who holds it, and what it is owed; kept as text by `to_text(kept)` and `from_text(KeptRun, text)`.

    `number` is its place among all runs by the time of their asking. `is_ready` says that its delay is over,
    `expires` when its lease ends, None while nobody holds it. `token` is that of the latest lease, `settled` what
    that ended with. `ending` is set where nothing but a clean-up is left to do, and is how the run ends then;
    `orphaned` where a delivery died and its clean-up is owed.
    """

    run: Run
    number: int = 0
    is_ready: bool = False
    token: str | None = None
    expires: datetime | None = None
    settled: str | None = None
    cancel_requested: bool = False
    ending: RunStatus | None = None
    orphaned: bool = False

    @classmethod
    def accepted(
        cls, request: TriggerRequest, batch_id: str | None, now: datetime, number: int
    ) -> KeptRun:
        """A new run, DELAYED or QUEUED; `number` is higher than that of any run that was asked for before."""
        at = max(now, request.delay_until or now)
        run = Run(request, RunStatus.DELAYED, now, at, request.queue_time or at, batch_id)
        run.metadata = dict(request.metadata or {})
        run.tags, run.machine = request.tags, request.machine
        kept = cls(run, number)
        kept._queue(at, now)
        return kept

    # --- where it stands ----------------------------------------------------------------------------

    @property
    def is_held(self) -> bool:
        return self.expires is not None

    @property
    def is_cleanup(self) -> bool:
        """A claim may take it, beyond its limit, for the clean-up alone."""
        return self.ending is not None and not self.is_held and not self.run.status.is_final

    @property
    def is_claimable(self) -> bool:
        """A claim may take it within its limit, by `order`."""
        is_queued = self.run.status is RunStatus.QUEUED and not self.is_held
        return self.is_ready and is_queued and self.ending is None

    @property
    def order(self) -> float:
        """The lower, the sooner; of equals the one with the lower `number` comes first."""
        return self.run.queue_time.timestamp() - self.run.request.priority

    @property
    def due(self) -> datetime | None:
        """When `pass_time` will have something to do; None for never."""
        if self.is_held:
            return self.expires
        if self.run.status.is_final or self.ending is not None:
            return None
        if not self.is_ready:
            return self.run.available_at
        ttl = None if self.run.started_at is not None else self.run.request.ttl
        return None if ttl is None else after(self.run.available_at, ttl)

    @property
    def topics(self) -> tuple[str, ...]:
        """What is to be told after a change, to those who watch the run and to workers."""
        topics = topics_of(self.run)
        if self.is_held:
            return (*topics, CANCEL_TOPIC) if self.cancel_requested else topics
        return topics if self.run.status.is_final else (*topics, WORK_TOPIC)

    def holds_key(self, now: datetime) -> bool:
        """Whether the idempotency key of its request still leads to it."""
        ttl = self.run.request.idempotency_key_ttl
        until = after(self.run.created_at, DEFAULT_TTL if ttl is None else ttl)
        return self.run.status not in FREES_KEY and now < until

    # --- what the calls do --------------------------------------------------------------------------

    def cancel(self, reason: str | None, now: datetime) -> bool:
        """Ask for its end; False where that changes nothing."""
        if self.run.status.is_final or self.cancel_requested:
            return False
        self.cancel_requested, self.run.cancel_reason = True, reason
        if self.run.delivery == 0:
            self._finish(RunStatus.CANCELED, now)
        elif not self.is_held:
            self.ending = RunStatus.CANCELED
        return True

    def lend(self, token: str, expires: datetime, now: datetime) -> Lease | None:
        """Give it to a worker, under a new token; None where no claim may take it, or no longer."""
        if not (self.is_claimable or self.is_cleanup):
            return None
        run, ending, orphaned = self.run, self.ending, self.orphaned
        if run.attempt_started_at is None and ending is None:
            run.attempt, run.attempt_started_at = run.attempt or 1, now
        run.delivery += 1
        run.status, run.started_at = RunStatus.EXECUTING, run.started_at or now
        self.token, self.expires, self.settled = token, expires, None
        kind: LeaseKind = "start" if ending is None else "cleanup"
        return Lease(
            run, token, run.attempt, run.delivery, kind, now, ending=ending, orphaned=orphaned
        )

    def check(self, lease: Lease | None) -> None:
        """LeaseLostError unless this lease may write; without one anybody may."""
        if lease is not None and (self.token != lease.token or not self.is_held):
            raise LeaseLostError(self.run.id)

    def extend(self, lease: Lease, expires: datetime) -> Signal:
        """Hold it until then, where the lease is still good."""
        if self.token != lease.token or not self.is_held:
            return Signal.LOST
        self.expires = expires
        is_told = self.cancel_requested and lease.kind != "cleanup"
        return Signal.CANCEL if is_told else Signal.HELD

    def settle(self, lease: Lease, outcome: Outcome | Suspended, now: datetime) -> bool:
        """Record how a lease ended; False where the very same was recorded before. LeaseLostError."""
        told = f"{type(outcome).__name__} {sha256(to_text(outcome).encode()).hexdigest()}"
        if self.token == lease.token and self.settled == told:
            return False
        self.check(lease)
        if isinstance(outcome, Suspended):
            raise UnsupportedByBackendError("A wait in a task", backend="of KeptRun")
        self.expires, self.settled = None, told
        if isinstance(outcome, Completed):
            self.run.output_json = outcome.output
            self._finish(RunStatus.COMPLETED, now)
        elif isinstance(outcome, Failed):
            self._finish(outcome.status, now, outcome.error)
        elif isinstance(outcome, Canceled):
            self.run.cancel_reason = outcome.reason or self.run.cancel_reason
            self._finish(RunStatus.CANCELED, now)
        elif isinstance(outcome, RetryAt):
            self._retry(outcome, now)
        elif self.ending is None:  # Released: its body has cleaned up
            self.orphaned = False
            self._queue(now, now)
        return True

    def append(self, entries: Sequence[Entry]) -> list[Entry]:
        """Take metadata operations and tags into the run; the entries that are left, to be kept in order."""
        for entry in entries:
            if entry.kind is EntryKind.METADATA:
                metadata_operations.apply(self.run.metadata, entry.data)
            elif entry.kind is EntryKind.TAG and entry.data not in self.run.tags:
                self.run.tags = (*self.run.tags, entry.data)[:_TAGS_PER_RUN]
        return [one for one in entries if one.kind not in (EntryKind.METADATA, EntryKind.TAG)]

    def pass_time(self, now: datetime) -> bool:
        """Do what is due by now: the end of a delay, of a ttl, or of a lease; False where nothing was."""
        if self.due is None or self.due > now:
            return False
        if self.is_held:
            self._bury(now)
        elif self.is_ready:
            self._finish(RunStatus.EXPIRED, now, expired(self.run))
        else:
            self._queue(self.run.available_at, now)
        return True

    # --- what becomes of it -------------------------------------------------------------------------

    def _queue(self, at: datetime, now: datetime) -> None:
        """It may start from this moment on; one that is to end is only cleaned up."""
        self.run.available_at, self.is_ready = at, at <= now
        is_delayed = self.run.delivery == 0 and not self.is_ready
        self.run.status = RunStatus.DELAYED if is_delayed else RunStatus.QUEUED
        if self.cancel_requested:
            self.ending = RunStatus.CANCELED

    def _retry(self, outcome: RetryAt, now: datetime) -> None:
        run = self.run
        if run.attempt_started_at is not None:
            past = Attempt(run.attempt, run.attempt_started_at, now, outcome.error)
            run.past_attempts = (*run.past_attempts, past)
        run.attempt += 1
        run.attempt_started_at = None
        run.machine = outcome.machine or run.machine
        run.queue_time = max(outcome.at, now)
        self.orphaned = False  # who ends an attempt cleans up after it
        self._queue(run.queue_time, now)

    def _bury(self, now: datetime) -> None:
        """Its worker is dead: it starts again, or once it has killed too many it is only cleaned up."""
        self.expires = self.token = None
        self.orphaned = True
        self.run.deaths += 1
        most = self.run.request.max_attempts
        if self.ending is None and (self.cancel_requested or self.run.deaths <= most):
            self._queue(now, now)
        elif self.run.deaths <= most + _CLEANUP_TRIES:
            self.ending = self.ending or RunStatus.CRASHED
        else:  # its hooks kill workers too
            ending = self.ending or RunStatus.CRASHED
            error = None if ending is RunStatus.CANCELED else crashed(self.run)
            self._finish(ending, now, error)

    def _finish(self, status: RunStatus, now: datetime, error: ErrorInfo | None = None) -> None:
        self.run.status, self.run.finished_at, self.run.error = status, now, error
