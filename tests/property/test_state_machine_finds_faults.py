"""Backends that are broken on purpose, each of which the state machine finds well within its examples."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from taskkit.backends.base import Now
from taskkit.backends.memory import MemoryBackend
from taskkit.model.exchange import (
    Canceled,
    ClaimSpec,
    Completed,
    Enqueued,
    Entry,
    Lease,
    Outcome,
    Page,
    Released,
    RetryAt,
    RunFilter,
    Signal,
    Suspended,
)
from taskkit.model.request import TriggerRequest
from taskkit.model.run import Run, RunStatus
from taskkit.testing import BackendStateMachine, CheckFailedError

EXAMPLES = 5_000
"""The rarest is found after some hundreds. Which those are changes with the constants of the loaded modules."""


class SettleIsNotFenced(MemoryBackend):
    """Whoever settles is believed, also a worker that lost the run long ago."""

    async def settle(self, lease: Lease, outcome: Any, *, now: Now) -> None:
        token = self._known(lease.run.id).token
        await super().settle(replace(lease, token=token or lease.token), outcome, now=now)


class KeysAreNotScopedByTask(MemoryBackend):
    def __init__(self) -> None:
        super().__init__()
        find, hold = self._keys.find, self._keys._held
        self._keys.find = lambda task_id, key, now: next(  # type: ignore[method-assign]  # the fault
            (run for task, held in list(hold) if held == key and (run := find(task, key, now))),
            None,
        )


class ARunThatRanIsGivenAgain(MemoryBackend):
    """A lease that was settled as Released is handed out twice: once to each worker."""

    async def claim(self, worker: str, spec: ClaimSpec, **rest: Any) -> Sequence[Lease]:
        leases = list(await super().claim(worker, spec, **rest))
        return leases + [lease for lease in leases if lease.delivery > 1]


class RetriesAreNotCounted(MemoryBackend):
    """RetryAt brings the same attempt back."""

    async def settle(self, lease: Lease, outcome: Outcome | Suspended, *, now: Now) -> None:
        told = Released() if isinstance(outcome, RetryAt) else outcome
        await super().settle(lease, told, now=now)


class TheLastCancelCounts(MemoryBackend):
    async def cancel(
        self, run_ids: Sequence[str], *, reason: str | None, now: Now
    ) -> Sequence[Run]:
        for run_id in run_ids:
            record = self._known(run_id)
            if not record.status.is_final:
                record.cancel_reason = reason
        return await super().cancel(run_ids, reason=reason, now=now)


class ACancelOutlivesSuccess(MemoryBackend):
    """A run that completed although its end was asked for is CANCELED."""

    async def settle(self, lease: Lease, outcome: Outcome | Suspended, *, now: Now) -> None:
        asked = self._known(lease.run.id).cancel_requested and isinstance(outcome, Completed)
        await super().settle(lease, Canceled() if asked else outcome, now=now)


class AnswersAreHandedOverOneByOne(MemoryBackend):
    """Of answers that came together only the first is told."""

    async def claim(self, worker: str, spec: ClaimSpec, **rest: Any) -> Sequence[Lease]:
        leases = await super().claim(worker, spec, **rest)
        return [replace(lease, answers=dict(list(lease.answers.items())[:1])) for lease in leases]


class AFlushCountsEachTime(MemoryBackend):
    async def append(self, run_id: str, entries: Sequence[Entry], **rest: Any) -> None:
        flush_id = f"{rest['flush_id']}-{next(_numbers)}"
        await super().append(run_id, entries, **{**rest, "flush_id": flush_id})


class TimersStartAnewAfterACrash(MemoryBackend):
    def __init__(self) -> None:
        super().__init__()
        keep = self._life._waiting.begin

        def begin(record: Any, waits: Any, now: datetime) -> None:
            record.moments = None
            keep(record, waits, now)

        self._life._waiting.begin = begin  # type: ignore[method-assign]  # the fault


class AnExtendedLeaseIsLongForgiven(MemoryBackend):
    """A beat prolongs a lease by an hour."""

    async def extend(self, leases: Sequence[Lease], *, lease: float, now: Now) -> Sequence[Signal]:
        return await super().extend(leases, lease=lease + 3_600, now=now)


class ADeathEndsTheRun(MemoryBackend):
    """A run whose first worker dies is CRASHED, whatever its max_attempts."""

    def __init__(self) -> None:
        super().__init__()
        bury = self._life._bury

        def bury_at_once(record: Any, now: datetime) -> None:
            record.deaths += record.request.max_attempts
            bury(record, now)
            record.deaths -= record.request.max_attempts

        self._life._bury = bury_at_once  # type: ignore[method-assign]  # the fault


class TtlGoesOnWhileItRuns(MemoryBackend):
    """A run that has started and is queued again expires."""

    async def advance(self, *, now: Now, limit: int) -> datetime | None:
        due = await super().advance(now=now, limit=limit)
        for record in list(self._records.values()):
            ttl = record.request.ttl
            is_queued = record.status is RunStatus.QUEUED and record.started_at is not None
            if ttl is None or now is None or not is_queued or record.cancel_requested:
                continue
            if now >= record.created_at + timedelta(seconds=ttl):
                self._life._finish(record, RunStatus.EXPIRED, now)
        return due


class ABatchStopsAtTheFirstKnownRun(MemoryBackend):
    """What follows a run that exists already is answered, and not stored."""

    async def enqueue(
        self, requests: Sequence[TriggerRequest], *, batch_id: str | None, now: Now
    ) -> Sequence[Enqueued]:
        answers: list[Enqueued] = []
        for request in requests:
            if any(answer.disposition == "existing" for answer in answers):
                answers.append(Enqueued(request.run_id, "created"))
            else:
                answers += await super().enqueue([request], batch_id=batch_id, now=now)
        return answers


class PagesOverlap(MemoryBackend):
    """Each further page begins with the last run of the one before."""

    async def list(self, where: RunFilter, *, cursor: int | str | None, limit: int) -> Page[Run]:
        again = None if cursor is None else int(cursor) + 1
        return await super().list(where, cursor=again, limit=limit)


_numbers = itertools.count()
FAULTS = [
    SettleIsNotFenced,
    KeysAreNotScopedByTask,
    ARunThatRanIsGivenAgain,
    RetriesAreNotCounted,
    TheLastCancelCounts,
    ACancelOutlivesSuccess,
    AnswersAreHandedOverOneByOne,
    AFlushCountsEachTime,
    TimersStartAnewAfterACrash,
    AnExtendedLeaseIsLongForgiven,
    ADeathEndsTheRun,
    TtlGoesOnWhileItRuns,
    ABatchStopsAtTheFirstKnownRun,
    PagesOverlap,
]


@pytest.mark.timeout(600)  # if one is not found, or the machine is busy
@pytest.mark.parametrize("fault", FAULTS)
def test_the_state_machine_finds(fault: type[MemoryBackend]) -> None:
    made = itertools.count(1)
    examples = 0

    class Machine(BackendStateMachine):
        def make_backend(self) -> MemoryBackend:
            nonlocal examples
            examples = next(made)
            return fault()

    with pytest.raises(CheckFailedError) as raised:
        run_state_machine_as_test(Machine, settings=searching(EXAMPLES))
    print(f"{fault.__name__}: example {examples}: {raised.value.what}")


def searching(examples: int) -> settings:
    """Looks for a failure, and does not shorten it."""
    return settings(
        max_examples=examples,
        stateful_step_count=50,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=[HealthCheck.too_slow],
    )
