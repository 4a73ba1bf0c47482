"""Faults of runs that wait."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from broken.fault import Faulty, fault, nothing, wrap

from taskkit.errors import LeaseLostError
from taskkit.model.exchange import ClaimSpec, Lease, Released, Runs, Suspended
from taskkit.model.run import RunStatus


@fault("a_child_that_ended_before_its_parent_waits_is_an_answer")
class EarlyAnswersAreLost(Faulty):
    """Only ends that come after the Suspended are answers."""

    def spoil(self) -> None:
        super().spoil()
        wrap(self._life._waiting, "_begin_runs", self._begin_pending)

    def _begin_pending(self, begin_runs: Any, record: Any, wait_id: str, on: Runs) -> None:
        statuses = [child.status for id_ in on.ids if (child := self._find(id_)) is not None]
        if any(not status.is_final for status in statuses):
            begin_runs(record, wait_id, on)


@fault("a_wait_for_several_runs_is_answered_when_all_have_ended")
class TheFirstEndAnswersForAll(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life._waiting, "ended", self._ended_for_all)

    def _ended_for_all(self, ended: Any, record: Any, now: datetime) -> None:
        for awaiting in self._life._waiting.awaited.get(record.id, ()):
            awaiting.left = 1
        ended(record, now)


@fault("a_wait_for_several_runs_is_answered_when_all_have_ended")
class AnswersComeInTheOrderOfTheEnds(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life._waiting, "_runs", self._runs_by_trigger)

    @staticmethod
    def _runs_by_trigger(runs: Any, on: Runs) -> Any:
        return tuple(sorted(runs(on), key=lambda run: run.id))


@fault("a_child_answers_however_it_ends")
class FailedChildrenDoNotAnswer(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life._waiting, "ended", self._ended_well)

    @staticmethod
    def _ended_well(ended: Any, record: Any, now: datetime) -> None:
        if record.status is not RunStatus.FAILED:
            ended(record, now)


@fault("a_child_answers_however_it_ends")
class CanceledChildrenDoNotAnswer(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life._waiting, "ended", self._ended_alone)

    @staticmethod
    def _ended_alone(ended: Any, record: Any, now: datetime) -> None:
        if record.status is not RunStatus.CANCELED:
            ended(record, now)


@fault("a_child_answers_everybody_who_waits_for_it")
class OnlyOneIsAnswered(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life._waiting, "ended", self._ended_for_one)

    def _ended_for_one(self, ended: Any, record: Any, now: datetime) -> None:
        awaited = self._life._waiting.awaited
        if record.id in awaited:
            awaited[record.id] = awaited[record.id][:1]
        ended(record, now)


@fault("answers_that_came_together_are_handed_over_together")
class AnswersComeOneByOne(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life._waiting, "hand_over", self._hand_over_one)

    @staticmethod
    def _hand_over_one(hand_over: Any, record: Any) -> Any:
        return dict(list(hand_over(record).items())[:1])


@fault("a_run_comes_back_with_each_answer")
class AnswersWaitForEachOther(Faulty):
    """A run comes back when everything that it waits for is answered."""

    def spoil(self) -> None:
        super().spoil()
        wrap(self._life._waiting, "_answered", self._answered_all)

    @staticmethod
    def _answered_all(answered: Any, record: Any, now: datetime) -> None:
        if len(record.answers or ()) == len(record.open_waits or ()):
            answered(record, now)


@fault("a_parent_meets_the_answer_of_its_child", "a_parent_waits_beside_its_children_in_one_slot")
class AnswersAreEmpty(Faulty):
    """A run comes back, and is not told why."""

    async def claim(self, worker: str, spec: ClaimSpec, **rest: Any) -> Sequence[Lease]:
        leases = await super().claim(worker, spec, **rest)
        return [replace(lease, answers={}) for lease in leases]


@fault("a_parent_meets_the_answer_of_its_child")
class AnswersComeTooEarly(Faulty):
    """A run that waits for others comes back at once."""

    def spoil(self) -> None:
        super().spoil()
        wrap(self._life._waiting, "begin", self._begin_answered)

    def _begin_answered(self, begin: Any, record: Any, waits: Any, now: datetime) -> None:
        begin(record, waits, now)
        self._life._answered(record, now)


@fault("a_timer_answers_at_its_moment")
class TimersAreEarly(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life._waiting, "_begin_timer", self._begin_early)

    @staticmethod
    def _begin_early(begin: Any, record: Any, wait_id: str, at: datetime, now: datetime) -> None:
        begin(record, wait_id, at - timedelta(seconds=3), now)


@fault("a_timer_answers_at_its_moment")
class PastTimersNeverRing(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life._waiting, "_begin_timer", self._begin_future)

    @staticmethod
    def _begin_future(begin: Any, record: Any, wait_id: str, at: datetime, now: datetime) -> None:
        if at > now:
            begin(record, wait_id, at, now)


@fault("a_timer_answers_at_its_moment", "a_task_sleeps_without_a_slot")
class TimersNeverRing(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life._waiting, "_begin_timer", nothing)


@fault("a_timer_keeps_its_moment_when_an_attempt_is_entered_again")
class TimersAreSetAnew(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life._waiting, "_begin_timer", self._begin_anew)

    @staticmethod
    def _begin_anew(begin: Any, record: Any, wait_id: str, at: datetime, now: datetime) -> None:
        (record.moments or {}).pop(wait_id, None)
        begin(record, wait_id, at, now)


@fault("a_run_that_waits_for_nothing_comes_back_at_once")
class WaitingForNothingIsForEver(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life._waiting, "begin", self._begin_something)

    def _begin_something(self, begin: Any, record: Any, waits: Any, now: datetime) -> None:
        if waits:
            begin(record, waits, now)
        else:
            self._life._waiting.keep(record, waits)


# --- what a run that waits may still do ---------------------------------------------------------


@fault("another_suspension_replaces_the_waits")
class FormerWaitsStillCount(Faulty):
    """A second Suspended adds to the first."""

    def spoil(self) -> None:
        super().spoil()
        wrap(self._life._waiting, "begin", self._begin_more)

    def _begin_more(self, begin: Any, record: Any, waits: Any, now: datetime) -> None:
        former = tuple((record.open_waits or {}).values())
        begin(record, (*former, *waits), now)


@fault("another_suspension_replaces_the_waits")
class TheFirstSuspensionCounts(Faulty):
    async def settle(self, lease: Lease, outcome: Any, **at: Any) -> None:
        waits = self._known(lease.run.id).status is RunStatus.WAITING
        if not (waits and isinstance(outcome, Suspended)):
            await super().settle(lease, outcome, **at)


def _waits(backend: Faulty, run_id: str, lease: Lease | None) -> bool:
    record = backend._known(run_id)
    return lease is not None and record.status is RunStatus.WAITING and record.token == lease.token


@fault("the_same_suspension_twice_counts_once")
class ASuspensionCannotBeRepeated(Faulty):
    async def settle(self, lease: Lease, outcome: Any, **at: Any) -> None:
        if isinstance(outcome, Suspended) and _waits(self, lease.run.id, lease):
            raise LeaseLostError(lease.run.id)
        await super().settle(lease, outcome, **at)


@fault("a_run_may_end_straight_from_waiting", "an_end_straight_from_waiting_frees_no_slot")
class NoEndFromWaiting(Faulty):
    async def settle(self, lease: Lease, outcome: Any, **at: Any) -> None:
        going_on = isinstance(outcome, Suspended | Released)
        if not going_on and _waits(self, lease.run.id, lease):
            raise LeaseLostError(lease.run.id)
        await super().settle(lease, outcome, **at)


@fault("a_run_may_append_while_it_waits")
class NoAppendWhileWaiting(Faulty):
    async def append(self, run_id: str, entries: Any, *, flush_id: str, lease: Any) -> None:
        if _waits(self, run_id, lease):
            raise LeaseLostError(run_id)
        await super().append(run_id, entries, flush_id=flush_id, lease=lease)


@fault("a_token_ends_when_the_run_comes_back")
class ATokenOutlivesTheWait(Faulty):
    """A run that comes back keeps the token that it had before."""

    async def claim(self, worker: str, spec: ClaimSpec, **rest: Any) -> Sequence[Lease]:
        tokens = {record.id: record.token for record in self._records.values()}
        leases = await super().claim(worker, spec, **rest)
        for lease in leases:
            if lease.kind == "resume" and (token := tokens[lease.run.id]) is not None:
                lease.token = self._known(lease.run.id).token = token
        return leases


@fault("a_run_that_waits_does_not_die")
class WaitingRunsDie(Faulty):
    """A run that waits must be held on to, as if it executed."""

    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "_suspend", self._suspend_and_hold)

    def _suspend_and_hold(self, suspend: Any, record: Any, outcome: Any, now: datetime) -> None:
        suspend(record, outcome, now)
        if record.status is RunStatus.WAITING and not record.busy:
            self._life._leased[record.id] = record


@fault("a_timer_of_the_next_attempt_is_a_new_one")
class TimersOutliveTheAttempt(Faulty):
    """The next attempt's timers have the moments of the first one's."""

    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "_retry", self._retry_with_moments)

    @staticmethod
    def _retry_with_moments(retry: Any, record: Any, outcome: Any, now: datetime) -> None:
        moments = record.moments
        retry(record, outcome, now)
        record.moments = moments


@fault("an_attempt_may_end_straight_from_waiting")
class WaitsOutliveTheAttempt(Faulty):
    """An answer to a former attempt brings the run back before its next one is due."""

    def spoil(self) -> None:
        super().spoil()
        wrap(self._life._waiting, "drop", self._drop_unless_waiting)

    @staticmethod
    def _drop_unless_waiting(drop: Any, record: Any) -> None:
        if record.status is not RunStatus.WAITING or record.answers:
            drop(record)


@fault("no_timer_of_a_running_task_is_rounded")
class WaitsAreWholeSeconds(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life._waiting, "_begin_timer", self._begin_rounded)

    @staticmethod
    def _begin_rounded(begin: Any, record: Any, wait_id: str, at: datetime, now: datetime) -> None:
        if at.microsecond:
            at = at.replace(microsecond=0) + timedelta(seconds=1)
        begin(record, wait_id, at, now)


# --- where the answer goes ----------------------------------------------------------------------


@fault("an_answer_goes_first_to_the_worker_that_parked")
class AnswersGoToAnybody(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._lanes, "put", lambda put, record, holder=None: put(record))


@fault("an_answer_goes_to_any_worker_after_one_lease")
class AnswersWaitForTheirWorkerForEver(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "_offer_due", nothing)


@fault("a_released_run_waits_on_for_any_worker")
class AReleaseForgetsTheWaits(Faulty):
    """Released from WAITING queues the run as if it had executed."""

    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "_release", self._release_to_the_queue)

    def _release_to_the_queue(self, release: Any, record: Any, *rest: Any) -> None:
        if record.status is RunStatus.WAITING:
            record.status = RunStatus.EXECUTING
            self._life._waiting.drop(record)
        release(record, *rest)


@fault("a_released_run_waits_on_for_any_worker")
class AReleasedRunWaitsForItsWorker(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "_release", self._release_and_hold)

    def _release_and_hold(self, release: Any, record: Any, *rest: Any) -> None:
        holder = record.holder
        release(record, *rest)
        if record.status is RunStatus.WAITING:
            record.holder = holder


@fault("a_parent_meets_the_answer_of_its_child")
class ARunComesBackFromTheTop(Faulty):
    """An answer makes a start, not a resume."""

    async def claim(self, worker: str, spec: ClaimSpec, **rest: Any) -> Sequence[Lease]:
        leases = await super().claim(worker, spec, **rest)
        return [
            replace(lease, kind="start") if lease.kind == "resume" else lease for lease in leases
        ]
