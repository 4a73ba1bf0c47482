"""Faults of cancels."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from broken.fault import Faulty, fault, wrap

from taskkit.model.exchange import Canceled, ClaimSpec, Completed, Lease, Signal
from taskkit.model.run import FINAL, Run, RunStatus


@fault("a_queued_run_is_canceled_at_once", "a_delayed_run_is_canceled_at_once")
class EveryCancelIsARequest(Faulty):
    """A run that has not begun is cleaned up by a worker first."""

    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "cancel", self._request)

    @staticmethod
    def _request(cancel: Any, record: Any, reason: str | None, now: datetime) -> None:
        record.delivery += 1
        cancel(record, reason, now)
        record.delivery -= 1


@fault("a_canceled_run_is_never_given_out")
class CanceledRunsStayInTheQueue(Faulty):
    async def cancel(self, run_ids: Sequence[str], **rest: Any) -> Sequence[Run]:
        queued = [r for i in run_ids if (r := self._find(i)) and r.status is RunStatus.QUEUED]
        runs = await super().cancel(run_ids, **rest)
        self._left = [record for record in queued if record.status is RunStatus.CANCELED]
        return runs

    async def claim(self, worker: str, spec: ClaimSpec, **rest: Any) -> Sequence[Lease]:
        for record in getattr(self, "_left", ()):
            record.status = RunStatus.QUEUED
            self._lanes.put(record)
        self._left = []
        return await super().claim(worker, spec, **rest)


@fault("the_end_of_a_delay_wakes_no_canceled_run")
class ADelayWakesCanceledRuns(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "_start_due", self._start_any)

    def _start_any(self, start_due: Any, record: Any, place: int, now: datetime) -> None:
        if record.status is RunStatus.CANCELED and record.started_at is None:
            self._life._queue(record, now)
        else:
            start_due(record, place, now)


@fault("an_unknown_id_cancels_nothing")
class AnUnknownIdCancelsTheRest(Faulty):
    async def cancel(self, run_ids: Sequence[str], **rest: Any) -> Sequence[Run]:
        runs: list[Run] = []
        for run_id in run_ids:
            runs += await super().cancel([run_id], **rest)
        return runs


@fault("an_unknown_id_cancels_nothing")
class AnUnknownIdIsPassedOver(Faulty):
    async def cancel(self, run_ids: Sequence[str], **rest: Any) -> Sequence[Run]:
        known = [run_id for run_id in run_ids if self._find(run_id) is not None]
        return await super().cancel(known, **rest)


@fault("a_queued_run_is_canceled_at_once")
class CanceledRunsComeInAnotherOrder(Faulty):
    async def cancel(self, run_ids: Sequence[str], **rest: Any) -> Sequence[Run]:
        return sorted(await super().cancel(run_ids, **rest), key=lambda run: run.id)


@fault("a_queued_run_is_canceled_at_once")
class TheReasonIsForgotten(Faulty):
    async def cancel(self, run_ids: Sequence[str], **rest: Any) -> Sequence[Run]:
        return await super().cancel(run_ids, **{**rest, "reason": None})


@fault("a_canceled_run_keeps_its_first_reason")
class TheLastReasonCounts(Faulty):
    async def cancel(
        self, run_ids: Sequence[str], *, reason: str | None, now: Any
    ) -> Sequence[Run]:
        await super().cancel(run_ids, reason=reason, now=now)
        for run_id in run_ids:
            record = self._known(run_id)
            if record.status is RunStatus.CANCELED:
                record.cancel_reason = reason
        return await super().cancel(run_ids, reason=reason, now=now)


@fault("a_cancel_changes_no_run_that_is_over")
class ACancelChangesTheEnd(Faulty):
    async def cancel(self, run_ids: Sequence[str], **rest: Any) -> Sequence[Run]:
        await super().cancel(run_ids, **rest)
        for run_id in run_ids:
            record = self._known(run_id)
            if record.status in FINAL:
                record.status = RunStatus.CANCELED
        return await super().cancel(run_ids, **rest)


# --- while it runs ------------------------------------------------------------------------------


class _Deaf(Faulty):
    """Does not hear of cancels of runs that are somewhere in their life."""

    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "cancel", self._cancel_some)

    def _cancel_some(self, cancel: Any, record: Any, reason: str | None, now: datetime) -> None:
        if not self.deaf_to(record):
            cancel(record, reason, now)

    def deaf_to(self, record: Any) -> bool:
        return False


@fault("a_running_run_hears_of_its_cancel_with_the_next_beat", "a_running_task_is_canceled")
class CancelOfARunningRunIsForgotten(_Deaf):
    def deaf_to(self, record: Any) -> bool:
        return record.id in self._life._leased or super().deaf_to(record)


@fault("a_run_between_two_attempts_can_be_canceled")
class CancelBetweenAttemptsIsForgotten(_Deaf):
    def deaf_to(self, record: Any) -> bool:
        between = record.status is RunStatus.QUEUED and record.delivery > 0
        return between or super().deaf_to(record)


@fault("a_waiting_run_is_cleaned_up_at_once")
class CancelOfAWaitingRunIsForgotten(_Deaf):
    def deaf_to(self, record: Any) -> bool:
        return record.status is RunStatus.WAITING or super().deaf_to(record)


@fault("a_running_run_hears_of_its_cancel_with_the_next_beat")
class ACancelIsToldOnce(Faulty):
    async def extend(self, leases: Sequence[Lease], **rest: Any) -> Sequence[Signal]:
        signals = await super().extend(leases, **rest)
        for lease, signal in zip(leases, signals, strict=True):
            if signal is Signal.CANCEL:
                self._known(lease.run.id).cancel_requested = False
        return signals


@fault("a_running_run_hears_of_its_cancel_with_the_next_beat")
class ACancelTakesTheLease(Faulty):
    """A run that executes is CANCELED at once, and its worker is told nothing but LOST."""

    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "cancel", self._cancel_at_once)

    def _cancel_at_once(self, cancel: Any, record: Any, reason: str | None, now: datetime) -> None:
        if self._life._leased.pop(record.id, None) is not None:
            record.cancel_reason = reason
            self._life._finish(record, RunStatus.CANCELED, now)
        else:
            cancel(record, reason, now)


@fault("a_run_that_completes_despite_a_cancel_is_completed")
class ACancelBeatsTheOutcome(Faulty):
    def told(self, record: Any, outcome: Any, now: datetime) -> Any:
        understood = super().told(record, outcome, now)
        if record.cancel_requested and isinstance(understood, Completed):
            return Canceled(record.cancel_reason)
        return understood


@fault("a_run_that_is_to_end_does_not_start_again")
class ACanceledRunStartsAgain(Faulty):
    """A retry, a release or a death brings the body of a canceled run back."""

    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "_again", self._again_all_the_same)
        wrap(self._life, "_bury", self._again_all_the_same)

    @staticmethod
    def _again_all_the_same(inner: Any, record: Any, *rest: Any) -> None:
        record.cancel_requested = False
        inner(record, *rest)


@fault("a_death_leaves_its_clean_up_to_the_cancel")
class ACancelForgetsTheDead(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "cancel", self._cancel_and_forget)

    @staticmethod
    def _cancel_and_forget(cancel: Any, record: Any, reason: str | None, now: datetime) -> None:
        record.orphaned = False
        cancel(record, reason, now)


@fault("a_canceled_run_whose_clean_up_dies_ends_canceled")
class ADeadCleanUpIsACrash(Faulty):
    """When the worker of a clean-up dies the run ends CRASHED, also one that was canceled."""

    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "_bury", self._bury_crashed)

    @staticmethod
    def _bury_crashed(bury: Any, record: Any, now: datetime) -> None:
        if record.ending is RunStatus.CANCELED:
            record.ending = RunStatus.CRASHED
        bury(record, now)


@fault("a_canceled_run_whose_clean_up_dies_ends_canceled")
class CleanUpsOfCancelsAreTriedForEver(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "_bury", self._bury_canceled_again)

    @staticmethod
    def _bury_canceled_again(bury: Any, record: Any, now: datetime) -> None:
        if record.ending is RunStatus.CANCELED:
            record.deaths = 0
        bury(record, now)


# --- while it waits -----------------------------------------------------------------------------


@fault("a_waiting_run_is_cleaned_up_at_once", "children_that_are_waited_for_are_canceled_too")
class AWaitingRunEndsWithoutACleanUp(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "_cancel_waiting", self._end)

    def _end(self, cancel_waiting: Any, record: Any, now: datetime) -> None:
        children = self._life._waiting.children(record)
        self._life._finish(record, RunStatus.CANCELED, now)
        for child in children:
            self._life.cancel(child, record.cancel_reason, now)


@fault("children_that_are_waited_for_are_canceled_too")
class ChildrenAreLeftAlone(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life._waiting, "children", lambda children, record: [])


@fault("children_that_are_waited_for_are_canceled_too")
class GrandchildrenAreLeftAlone(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life._waiting, "children", self._children_of_roots)

    @staticmethod
    def _children_of_roots(children: Any, record: Any) -> Any:
        return children(record) if record.parent_id is None else []


@fault("children_that_are_waited_for_are_canceled_too")
class EveryChildIsCanceled(Faulty):
    """A cancel reaches children that nobody waits for."""

    def spoil(self) -> None:
        super().spoil()
        wrap(self._life._waiting, "children", self._all_children)

    def _all_children(self, children: Any, record: Any) -> list[Any]:
        return [child for child in self._records.values() if child.parent_id == record.id]


@fault("children_that_are_waited_for_are_canceled_too")
class ChildrenAreNotToldWhy(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "_cancel_waiting", self._cancel_unnamed)

    def _cancel_unnamed(self, cancel_waiting: Any, record: Any, now: datetime) -> None:
        reason, record.cancel_reason = record.cancel_reason, None
        cancel_waiting(record, now)
        record.cancel_reason = reason


@fault("a_run_that_is_to_end_does_not_begin_to_wait")
class ACanceledRunBeginsToWait(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "_suspend", self._suspend_all_the_same)

    @staticmethod
    def _suspend_all_the_same(suspend: Any, record: Any, outcome: Any, now: datetime) -> None:
        asked, record.cancel_requested = record.cancel_requested, False
        suspend(record, outcome, now)
        record.cancel_requested = asked


@fault("a_waiting_run_is_cleaned_up_at_once")
class ACleanUpIsToldToEnd(Faulty):
    """The lease of a clean-up hears CANCEL, and would be cleaned up in turn."""

    async def extend(self, leases: Sequence[Lease], **rest: Any) -> Sequence[Signal]:
        signals = await super().extend(leases, **rest)
        return [
            Signal.CANCEL if lease.kind == "cleanup" and signal is Signal.HELD else signal
            for lease, signal in zip(leases, signals, strict=True)
        ]


@fault("a_waiting_run_is_cleaned_up_at_once")
class ACleanUpDoesNotSayHowItEnds(Faulty):
    async def claim(self, worker: str, spec: ClaimSpec, **rest: Any) -> Sequence[Lease]:
        leases = await super().claim(worker, spec, **rest)
        return [replace(lease, ending=None) for lease in leases]


@fault("a_canceled_run_is_never_given_out", "a_queued_run_is_canceled_at_once")
class ACancelIsSeenLater(Faulty):
    """Cancel gives the runs as they were before, and a run that has not begun ends with the next look."""

    async def cancel(self, run_ids: Sequence[str], **rest: Any) -> Sequence[Run]:
        runs = [self._known(run_id).copy() for run_id in run_ids]
        await super().cancel(run_ids, **rest)
        for run_id in run_ids:
            record = self._known(run_id)
            if record.status is RunStatus.CANCELED and record.started_at is None:
                record.finished_at = datetime.now(UTC)
        return runs
