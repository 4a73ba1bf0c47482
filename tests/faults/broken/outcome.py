"""Faults of settle: retries, releases, ends that do not stay."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from broken.fault import Faulty, fault, wrap

from taskkit.errors import LeaseLostError
from taskkit.model.exchange import (
    Canceled,
    Completed,
    Failed,
    Lease,
    Outcome,
    Released,
    RetryAt,
    Suspended,
)
from taskkit.model.run import FINAL, RunStatus


@fault("a_retry_is_the_next_attempt_at_its_moment")
class RetriesAreDueAtOnce(Faulty):
    def told(self, record: Any, outcome: Any, now: datetime) -> Any:
        understood = super().told(record, outcome, now)
        return replace(understood, at=now) if isinstance(understood, RetryAt) else understood


@fault("a_retry_at_once_is_due_at_once")
class RetriesTakeASecondAtLeast(Faulty):
    def told(self, record: Any, outcome: Any, now: datetime) -> Any:
        understood = super().told(record, outcome, now)
        if isinstance(understood, RetryAt):
            return replace(understood, at=max(understood.at, now + timedelta(seconds=1)))
        return understood


@fault("no_timer_of_a_running_task_is_rounded")
class RetriesAreWholeSeconds(Faulty):
    def told(self, record: Any, outcome: Any, now: datetime) -> Any:
        understood = super().told(record, outcome, now)
        if isinstance(understood, RetryAt) and understood.at.microsecond:
            at = understood.at.replace(microsecond=0) + timedelta(seconds=1)
            return replace(understood, at=at)
        return understood


@fault("a_retry_is_the_next_attempt_at_its_moment", "a_retry_at_once_is_due_at_once")
class RetriesKeepTheAttempt(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "_retry", self._retry_same)

    @staticmethod
    def _retry_same(retry: Any, record: Any, outcome: Any, now: datetime) -> None:
        record.attempt -= 1
        retry(record, outcome, now)


@fault("a_retry_is_the_next_attempt_at_its_moment")
class RetriesAreDelayed(Faulty):
    """Between two attempts a run is DELAYED, as if it had not begun."""

    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "_retry", self._retry_delayed)

    @staticmethod
    def _retry_delayed(retry: Any, record: Any, outcome: Any, now: datetime) -> None:
        retry(record, outcome, now)
        if record.status is RunStatus.QUEUED and record.available_at > now:
            record.status = RunStatus.DELAYED


@fault("a_retry_is_the_next_attempt_at_its_moment")
class RetriesCountAsDeaths(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "_retry", self._retry_dead)

    @staticmethod
    def _retry_dead(retry: Any, record: Any, outcome: Any, now: datetime) -> None:
        record.deaths += 1
        retry(record, outcome, now)


@fault("a_released_run_is_delivered_again_at_once")
class ReleasesRaiseTheAttempt(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "_release", self._release_next)

    @staticmethod
    def _release_next(release: Any, record: Any, *rest: Any) -> None:
        record.attempt += record.status is not RunStatus.WAITING
        release(record, *rest)


@fault("a_released_run_is_delivered_again_at_once")
class ReleasesCountAsDeaths(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "_release", self._release_dead)

    @staticmethod
    def _release_dead(release: Any, record: Any, *rest: Any) -> None:
        record.deaths += record.status is not RunStatus.WAITING
        release(record, *rest)


@fault("each_attempt_is_kept")
class PastAttemptsAreForgotten(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "_retry", self._retry_and_forget)

    @staticmethod
    def _retry_and_forget(retry: Any, record: Any, outcome: Any, now: datetime) -> None:
        retry(record, outcome, now)
        record.past_attempts = ()


@fault("a_retry_can_ask_for_another_machine")
class AnotherMachineIsForgotten(Faulty):
    def told(self, record: Any, outcome: Any, now: datetime) -> Any:
        understood = super().told(record, outcome, now)
        return replace(understood, machine=None) if isinstance(understood, RetryAt) else understood


@fault("a_retry_can_ask_for_another_machine")
class AnotherMachineIsForOneAttempt(Faulty):
    def told(self, record: Any, outcome: Any, now: datetime) -> Any:
        understood = super().told(record, outcome, now)
        if isinstance(understood, RetryAt) and understood.machine is None:
            return replace(understood, machine=record.request.machine)
        return understood


# --- ends ---------------------------------------------------------------------------------------


@fault("an_output_comes_back_byte_for_byte")
class OutputsAreWrittenAnew(Faulty):
    def told(self, record: Any, outcome: Any, now: datetime) -> Any:
        understood = super().told(record, outcome, now)
        if not isinstance(understood, Completed) or understood.output is None:
            return understood
        return Completed(json.dumps(json.loads(understood.output)).encode())


@fault("an_output_comes_back_byte_for_byte")
class NoOutputIsNull(Faulty):
    def told(self, record: Any, outcome: Any, now: datetime) -> Any:
        understood = super().told(record, outcome, now)
        return (
            Completed(understood.output or b"null") if type(understood) is Completed else understood
        )


@fault("each_failed_end_is_kept_with_its_error")
class ErrorsLoseTheirTraceback(Faulty):
    def told(self, record: Any, outcome: Any, now: datetime) -> Any:
        understood = super().told(record, outcome, now)
        if not isinstance(understood, Failed):
            return understood
        return replace(understood, error=replace(understood.error, stack=None))


@fault("each_failed_end_is_kept_with_its_error")
class EveryFailureIsFailed(Faulty):
    def told(self, record: Any, outcome: Any, now: datetime) -> Any:
        understood = super().told(record, outcome, now)
        return Failed(understood.error) if isinstance(understood, Failed) else understood


def _is_over(record: Any, lease: Lease) -> bool:
    return record.status in FINAL and record.token == lease.token


@fault("the_same_outcome_twice_counts_once")
class ARepetitionIsRefused(Faulty):
    async def settle(self, lease: Lease, outcome: Any, **at: Any) -> None:
        if not self._life.holds(self._known(lease.run.id), lease):
            raise LeaseLostError(lease.run.id)
        await super().settle(lease, outcome, **at)


@fault("the_same_outcome_twice_counts_once")
class ARepetitionCountsAgain(Faulty):
    async def settle(self, lease: Lease, outcome: Any, **at: Any) -> None:
        record = self._known(lease.run.id)
        again = _is_over(record, lease)
        await super().settle(lease, outcome, **at)
        if again:
            record.finished_at = at["now"]


@fault("another_outcome_after_the_end_is_refused")
class TheLastOutcomeCounts(Faulty):
    """The end of a run can be changed by who brought it."""

    async def settle(self, lease: Lease, outcome: Outcome | Suspended, **at: Any) -> None:
        record = self._known(lease.run.id)
        if _is_over(record, lease) and isinstance(outcome, Completed | Failed | Canceled):
            ends = {Completed: RunStatus.COMPLETED, Canceled: RunStatus.CANCELED}
            record.status = ends.get(type(outcome)) or outcome.status
            return
        await super().settle(lease, outcome, **at)


@fault("another_outcome_after_the_end_is_refused", "a_run_that_is_over_waits_for_nothing")
class WhatComesLateIsSwallowed(Faulty):
    """An outcome that does not count is taken without a word."""

    async def settle(self, lease: Lease, outcome: Any, **at: Any) -> None:
        if not _is_over(self._known(lease.run.id), lease):
            await super().settle(lease, outcome, **at)


@fault("a_run_that_is_over_waits_for_nothing")
class ARunThatIsOverCanWait(Faulty):
    async def settle(self, lease: Lease, outcome: Any, **at: Any) -> None:
        record = self._known(lease.run.id)
        if isinstance(outcome, Suspended) and _is_over(record, lease):
            record.status = RunStatus.WAITING
            return
        await super().settle(lease, outcome, **at)


@fault("a_run_that_is_over_is_never_due")
class AFinishedRunDies(Faulty):
    """A run that was settled is taken for dead when its lease runs out."""

    async def settle(self, lease: Lease, outcome: Any, **at: Any) -> None:
        await super().settle(lease, outcome, **at)
        record = self._known(lease.run.id)
        if record.status in FINAL:
            self._life._leased[record.id] = record


@fault("a_settled_lease_cannot_append")
class AFinishedRunIsAppendedTo(Faulty):
    """The lease that ended a run may still write to it."""

    async def append(self, run_id: str, entries: Any, *, flush_id: str, lease: Any) -> None:
        if lease is not None and _is_over(self._known(run_id), lease):
            lease = None
        await super().append(run_id, entries, flush_id=flush_id, lease=lease)


@fault("a_released_run_is_delivered_again_at_once")
class ReleasedRunsAreLost(Faulty):
    """A run that is given back stands in no queue."""

    async def settle(self, lease: Lease, outcome: Any, **at: Any) -> None:
        await super().settle(lease, outcome, **at)
        record = self._known(lease.run.id)
        if isinstance(outcome, Released) and record.status is RunStatus.QUEUED:
            self._lanes.remove(record)
