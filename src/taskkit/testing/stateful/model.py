"""What a store of runs has to do, written as plainly as possible: slow, and easy to check by reading.

No indexes, no timers, no bookkeeping that could be wrong: who may be claimed, which waits have their answer
and what is due are found by looking at every run, each time. Where the contract leaves a choice (which of
two equals comes first, how often a clean-up is tried) the model follows the backend, and says when what it
chose is not among what it may choose.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from taskkit.backends.base import Capability
from taskkit.errors import LeaseLostError, RunNotDelayedError
from taskkit.model.exchange import (
    Answers,
    ClaimSpec,
    Enqueued,
    Entry,
    EntryKind,
    Lease,
    LeaseKind,
    RunFilter,
)
from taskkit.model.queue import Queue
from taskkit.model.request import TriggerRequest
from taskkit.model.run import FREES_KEY, RunStatus
from taskkit.testing.conformance.check import expect, expect_that
from taskkit.testing.stateful.model_life import LEASE, ModelLife, Refusal
from taskkit.testing.stateful.model_run import ModelRun, Place, expected_of, shown_of

_KEY_TTL = timedelta(days=30)
_NO_LIMIT = Queue("none")
_KINDS: Final[Mapping[Place, LeaseKind]] = {
    Place.QUEUED: "start",
    Place.ANSWERED: "resume",
    Place.OWED: "cleanup",
}


class ReferenceModel(ModelLife):
    """A `QueueBackend` on paper. `now` is passed to each call, and never goes back."""

    def __init__(self, capabilities: frozenset[Capability]) -> None:
        super().__init__(capabilities)
        self._keys: dict[tuple[str, str], tuple[ModelRun, datetime]] = {}
        self._lease_tokens: set[str] = set()

    # --- asking for runs ----------------------------------------------------------------------------

    def declare(self, queues: Iterable[Queue]) -> None:
        self.queues.update({queue.name: queue for queue in queues})

    def enqueue(
        self, request: TriggerRequest, batch_id: str | None, now: datetime, came: Enqueued
    ) -> None:
        """Follow the answer to one request of a call."""
        known = self.by_id.get(request.run_id) or self._holder_of_key(request, now)
        answer = (came.run_id, came.disposition)
        if known is not None:
            expect("the answer to a run or a key that is known", answer, (known.id, "existing"))
            return
        fewest, most = self._length(request.queue)
        limit = self.queues.get(request.queue, _NO_LIMIT).max_length
        refused = limit is not None and fewest >= limit
        if limit is not None and fewest < limit <= most:
            refused = came.disposition == "refused"  # which of its runs count is not laid down
        expected = (request.run_id, "refused" if refused else "created")
        expect(f"the answer to a new run in queue {request.queue!r}", answer, expected)
        if not refused:
            self._create(request, batch_id, now)

    def _create(self, request: TriggerRequest, batch_id: str | None, now: datetime) -> None:
        available = max(now, request.delay_until or now)
        run = ModelRun(
            number=len(self.runs),
            request=request,
            created_at=now,
            available_at=available,
            batch_id=batch_id,
            place=Place.LATER,
            tags=request.tags,
            metadata=dict(request.metadata or {}),
            machine=request.machine,
            was_delayed=available > now,
        )
        self.runs.append(run)
        self.by_id[run.id] = run
        if request.idempotency_key is not None:
            ttl = request.idempotency_key_ttl
            until = now + (_KEY_TTL if ttl is None else timedelta(seconds=ttl))
            self._keys[request.task_id, request.idempotency_key] = (run, until)
        self.advance(now)

    def _holder_of_key(self, request: TriggerRequest, now: datetime) -> ModelRun | None:
        return self._held_by(request.task_id, request.idempotency_key or "", now)

    def _held_by(self, task_id: str, key: str, now: datetime) -> ModelRun | None:
        run, until = self._keys.get((task_id, key), (None, now))
        return None if run is None or until <= now or run.status in FREES_KEY else run

    def release_key(self, task_id: str, key: str, now: datetime) -> bool:
        was_held = self._held_by(task_id, key, now) is not None
        self._keys.pop((task_id, key), None)
        return was_held

    def _length(self, queue: str) -> tuple[int, int]:
        """The fewest and the most runs that may be said to stand in a queue."""
        mine = [run for run in self.runs if run.request.queue == queue]
        sure = [run for run in mine if run.place is Place.QUEUED]
        outside = (Place.HELD, Place.OVER)
        return len(sure), len([run for run in mine if run.place not in outside])

    def reschedule(self, run: ModelRun, at: datetime, now: datetime) -> Refusal:
        if run.place is not Place.LATER or run.delivery > 0:
            return RunNotDelayedError
        run.available_at = at
        self.advance(now)
        return None

    def complete_token(self, token_id: str, output: bytes | None, now: datetime) -> bool:
        is_first = self.tokens.complete(token_id, output, now)
        self.advance(now)
        return is_first

    def append(
        self, run: ModelRun, entries: Sequence[Entry], flush_id: str, token: str | None
    ) -> Refusal:
        if token is not None and not self.may_write(run, token):
            return LeaseLostError
        if flush_id in run.flushes:
            return None
        run.flushes[flush_id] = None
        for entry in entries:
            if entry.kind is EntryKind.METADATA:
                _change(run.metadata, entry.data)
            elif entry.kind is EntryKind.LOG:
                run.logs.append(entry.data)
            elif entry.data not in run.tags:
                run.tags = (*run.tags, entry.data)
        return None

    def listed(self, where: RunFilter) -> list[ModelRun]:
        """The runs that match, newest first."""
        return [run for run in reversed(self.runs) if _matches(run, where)]

    # --- claims -------------------------------------------------------------------------------------

    def claim(
        self, leases: Sequence[Lease], worker: str, spec: ClaimSpec, limit: int, now: datetime
    ) -> None:
        """Follow what a worker was given."""
        owed = [run for run in self._claimable(worker, spec, now) if run.place is Place.OWED]
        came = sorted(lease.run.id for lease in leases[: len(owed)])
        expected = sorted(run.id for run in owed)
        expect("the clean-ups that a claim gives, before all others", came, expected)
        rest = leases[len(owed) :]
        expect_that(
            "the number of runs that a claim gives beside clean-ups",
            len(rest) <= limit,
            expected=f"at most {limit}",
            came=len(rest),
        )
        for lease in leases[: len(owed)]:
            self._lend(self.by_id[lease.run.id], lease, worker, now)
        for lease in rest:
            due = [run for run in self._claimable(worker, spec, now) if run.place is not Place.OWED]
            ids = [run.id for run in due]
            what = f"what a claim gives to {worker}, of what is due for it"
            expect_that(what, lease.run.id in ids, expected=f"one of {ids}", came=lease.run.id)
            run = self.by_id[lease.run.id]
            first = [other.id for other in due if _goes_before(other, run)]
            expect(
                f"the runs that stand before {run.id} in the queue and were not given", first, []
            )
            self._lend(run, lease, worker, now)
        if len(rest) < limit:
            left = [run.id for run in self._claimable(worker, spec, now)]
            expect(f"the runs that {worker} could have been given, and was not", left, [])

    def _claimable(self, worker: str, spec: ClaimSpec, now: datetime) -> list[ModelRun]:
        return [
            run
            for run in self.runs
            if run.place in (Place.QUEUED, Place.ANSWERED, Place.OWED)
            and _fits(run, spec)
            and (run.place is Place.QUEUED or _is_for(run, worker, now))
            and (run.place is Place.OWED or self._has_room(run))
        ]

    def _has_room(self, run: ModelRun) -> bool:
        limit = self.queues.get(run.request.queue, _NO_LIMIT).concurrency_limit
        if limit is None:
            return True
        running = [
            other for other in self.runs if other.has_slot and self._share_a_limit(other, run)
        ]
        return len(running) < limit

    def _share_a_limit(self, one: ModelRun, other: ModelRun) -> bool:
        by_key = Capability.KEY_LIMIT in self.capabilities
        same_key = one.request.concurrency_key == other.request.concurrency_key
        return one.request.queue == other.request.queue and (same_key or not by_key)

    def _lend(self, run: ModelRun, lease: Lease, worker: str, now: datetime) -> None:
        run.kind = _KINDS[run.place]
        left_behind = run.kind != "start" and run.holder not in (None, worker)
        orphaned = run.owes_clean_up or left_behind
        self._expect_lease(run, lease, orphaned, now)
        if run.kind == "start" and run.attempt_started_at is None:
            run.attempt_started_at = now
        run.started_at = run.started_at or now
        run.endings = () if lease.ending is None else (lease.ending,)
        run.place, run.has_slot = Place.HELD, run.kind != "cleanup"
        run.token, run.may_write, run.holder = lease.token, True, worker
        run.delivery, run.lease_ends = lease.delivery, now + LEASE
        # who is told that a clean-up is owed has to see to it; a clean-up that comes back is owed still
        run.owes_clean_up = orphaned and run.kind == "cleanup"
        run.is_parked, run.outcome, run.waits = False, None, {}
        expect(f"the run in the lease on {run.id}", shown_of(lease.run), expected_of(run))

    def _expect_lease(self, run: ModelRun, lease: Lease, orphaned: bool, now: datetime) -> None:
        what = f"the lease on {run.id}"
        came = (lease.kind, lease.attempt, lease.orphaned, lease.now)
        expect(
            f"{what}: kind, attempt, orphaned, now", came, (run.kind, run.attempt, orphaned, now)
        )
        endings: tuple[RunStatus | None, ...] = run.endings or (None,)
        expect_that(
            f"{what}: its ending",
            lease.ending in endings,
            expected=f"one of {endings}",
            came=lease.ending,
        )
        if run.kind != "cleanup":
            answers = self.answers_of(run, now) if run.kind == "resume" else {}
            expect(f"{what}: its answers", seen(lease.answers), answers)
        least = run.delivery + 1 if run.kind == "start" else run.delivery
        expect_that(
            f"{what}: its delivery",
            lease.delivery >= least,
            expected=f"at least {least}",
            came=lease.delivery,
        )
        is_new = lease.token not in self._lease_tokens
        expect_that(f"{what}: its token", is_new, expected="a new one", came="one seen before")
        self._lease_tokens.add(lease.token)


def seen(answers: Answers) -> dict[str, object]:
    """Answers in a form that can be compared: runs by their end, tokens and timers as they are."""
    return {
        wait_id: [(run.id, run.status, run.output_json, run.error) for run in answer]
        if isinstance(answer, tuple)
        else answer
        for wait_id, answer in answers.items()
    }


def _goes_before(one: ModelRun, other: ModelRun) -> bool:
    """Whether the contract puts this one first: it speaks of first deliveries in one queue, under one key."""
    if not one.place is other.place is Place.QUEUED or one.delivery or other.delivery:
        return False
    if (one.request.queue, one.request.concurrency_key) != (
        other.request.queue,
        other.request.concurrency_key,
    ):
        return False
    if one.order != other.order:
        return one.order < other.order
    is_plain = all(run.request.queue_time is None and not run.was_delayed for run in (one, other))
    return is_plain and one.number < other.number


def _fits(run: ModelRun, spec: ClaimSpec) -> bool:
    return (
        (spec.tasks is None or run.request.task_id in spec.tasks)
        and (spec.queues is None or run.request.queue in spec.queues)
        and (spec.machines is None or run.machine is None or run.machine in spec.machines)
    )


def _is_for(run: ModelRun, worker: str, now: datetime) -> bool:
    """An answer and a clean-up go to the worker that holds the coroutine first, after one lease to any."""
    return run.holder in (None, worker) or run.turned_at is None or now >= run.turned_at + LEASE


def _matches(run: ModelRun, where: RunFilter) -> bool:
    return (
        (where.status is None or run.status in where.status)
        and (where.task is None or run.request.task_id in where.task)
        and (where.tag is None or not where.tag.isdisjoint(run.tags))
        and (where.batch is None or run.batch_id in where.batch)
        and (where.since is None or run.created_at >= where.since)
        and (where.until is None or run.created_at <= where.until)
    )


def _change(metadata: dict[str, Any], operation: Mapping[str, Any]) -> None:
    key = operation["key"]
    if operation["type"] == "set":
        metadata[key] = operation["value"]
    elif operation["type"] == "increment":
        metadata[key] = metadata.get(key, 0) + operation["value"]
    else:
        metadata.pop(key, None)
