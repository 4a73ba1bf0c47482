"""Faults of the limits of queues and keys."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from broken.fault import Faulty, fault, nothing, wrap

from taskkit.backends.memory.queue_state import Gate
from taskkit.model.exchange import ClaimSpec, Enqueued, Lease
from taskkit.model.queue import Queue
from taskkit.model.request import TriggerRequest
from taskkit.model.run import FINAL, Run, RunStatus


def _limited(declare: Any, queue: Queue, limit: int | None) -> None:
    declare(Queue(queue.name, limit, queue.max_length))


def _long(declare: Any, queue: Queue, length: int | None) -> None:
    declare(Queue(queue.name, queue.concurrency_limit, length))


def _more(number: int | None) -> int | None:
    return None if number is None else number + 1


@fault("a_queue_limit_holds_over_all_workers", "a_queue_limit_holds_within_one_claim")
class LimitIsIgnored(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._lanes, "declare", lambda declare, queue: _limited(declare, queue, None))


@fault("a_queue_limit_holds_over_all_workers", "a_limit_of_zero_lets_none_start")
class OneMoreThanTheLimitOfAQueue(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(
            self._lanes,
            "declare",
            lambda declare, queue: _limited(declare, queue, _more(queue.concurrency_limit)),
        )


@fault("a_limit_of_zero_lets_none_start")
class LimitOfZeroIsNoLimit(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(
            self._lanes,
            "declare",
            lambda declare, queue: _limited(declare, queue, queue.concurrency_limit or None),
        )


@fault("the_latest_word_on_a_queue_counts")
class FirstWordOnAQueueCounts(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._lanes, "declare", self._declare_once)

    def _declare_once(self, declare: Any, queue: Queue) -> None:
        if queue.name not in self._lanes.queues:
            declare(queue)


@fault("a_queue_limit_holds_over_all_workers")
class LimitCountsForEachWorker(Faulty):
    async def claim(self, worker: str, spec: ClaimSpec, **rest: Any) -> Sequence[Lease]:
        gates = self._lanes._gates.values()
        for gate in gates:
            gate.running = self._running(gate, worker)
            self._lanes._unblock(gate)
        leases = await super().claim(worker, spec, **rest)
        for gate in gates:
            gate.running = self._running(gate, None)
        return leases

    def _running(self, gate: Gate, worker: str | None) -> int:
        held = self._life._leased.values()
        return sum(one.gate is gate and worker in (None, one.holder) for one in held)


@fault("a_queue_limit_holds_within_one_claim")
class LimitIsLookedAtBeforeTheClaim(Faulty):
    """A claim that finds room in a queue takes as much of it as it likes."""

    def spoil(self) -> None:
        super().spoil()
        wrap(self._lanes, "_take_first", self._take_uncounted)

    @staticmethod
    def _take_uncounted(take_first: Any, lane: Any, taken: list[Any]) -> None:
        before = len(taken)
        take_first(lane, taken)
        lane.gate.running -= len(taken) - before

    async def claim(self, worker: str, spec: ClaimSpec, **rest: Any) -> Sequence[Lease]:
        leases = await super().claim(worker, spec, **rest)
        for lease in leases:
            gate = self._known(lease.run.id).gate
            if gate is not None:
                gate.running += 1
        return leases


@fault("a_queue_at_its_limit_holds_up_no_other")
class FullQueueHoldsUpAll(Faulty):
    """The oldest run is the next one, and if it may not start none may."""

    async def claim(self, worker: str, spec: ClaimSpec, **rest: Any) -> Sequence[Lease]:
        lanes = [lane for lane in self._lanes._lanes.values() if lane.items]
        if lanes:
            gate = min(lanes, key=lambda lane: lane.items[0][:2]).gate
            if gate.queue.limit is not None and gate.running >= gate.queue.limit:
                return []
        return await super().claim(worker, spec, **rest)


# --- slots that are lost, or come back too often ------------------------------------------------


class _Keeps(Faulty):
    """Loses the slot of a run at one moment of its life."""

    def keep(self, name: str) -> None:
        wrap(self._life, name, self._keeping)

    def _keeping(self, inner: Any, record: Any, *rest: Any, **options: Any) -> None:
        leave = self._life._leave
        self._life._leave = nothing
        try:
            inner(record, *rest, **options)
        finally:
            self._life._leave = leave


@fault("a_run_that_waits_holds_no_slot")
class WaitingRunsHoldTheirSlot(_Keeps):
    def spoil(self) -> None:
        super().spoil()
        self.keep("_suspend")


@fault("a_slot_comes_back_after_a_death")
class DeadRunsHoldTheirSlot(_Keeps):
    def spoil(self) -> None:
        super().spoil()
        self.keep("_bury")


@fault("a_slot_comes_back_with_each_outcome")
class RetriedRunsHoldTheirSlot(_Keeps):
    def spoil(self) -> None:
        super().spoil()
        self.keep("_retry")


@fault("a_slot_comes_back_with_each_outcome")
class FinishedRunsHoldTheirSlot(_Keeps):
    def spoil(self) -> None:
        super().spoil()
        self.keep("_finish")


@fault("an_end_straight_from_waiting_frees_no_slot")
class EndFromWaitingFreesASlot(Faulty):
    async def settle(self, lease: Lease, outcome: Any, **at: Any) -> None:
        record = self._known(lease.run.id)
        waited = record.status is RunStatus.WAITING
        await super().settle(lease, outcome, **at)
        if waited and record.status in FINAL:
            gate = self._lanes._gate(record.queue, record.request.concurrency_key)
            gate.running -= 1
            self._lanes._unblock(gate)


@fault("a_slot_comes_back_with_each_outcome")
class EachEndFreesTwoSlots(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._lanes, "leave", self._leave_twice)

    @staticmethod
    def _leave_twice(leave: Any, record: Any) -> bool:
        if record.gate is not None:
            record.gate.running -= 1
        return bool(leave(record))


# --- keys, lengths ------------------------------------------------------------------------------


@fault("a_limit_counts_for_each_concurrency_key", "a_slot_comes_back_to_its_own_key")
class KeysShareTheLimit(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._lanes, "_gate", lambda gate, queue, key: gate(queue, None))


@fault("a_limit_counts_for_each_concurrency_key")
class RunsWithoutAKeyHaveNoLimit(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._lanes, "_gate", self._open_gate)

    @staticmethod
    def _open_gate(inner: Any, queue: str, key: str | None) -> Gate:
        gate: Gate = inner(queue, key)
        if key is None:
            gate.running = -1000
        return gate


@fault("a_slot_comes_back_to_its_own_key")
class SlotComesBackToAnotherKey(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._lanes, "leave", self._leave_elsewhere)

    def _leave_elsewhere(self, leave: Any, record: Any) -> bool:
        own = record.gate
        for gate in self._lanes._gates.values():
            if own is not None and gate.queue is own.queue and gate is not own:
                record.gate = gate
                break
        return bool(leave(record))


@fault("a_full_queue_refuses")
class LengthIsIgnored(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._lanes, "declare", lambda declare, queue: _long(declare, queue, None))


@fault("a_full_queue_refuses")
class OneMoreThanTheLength(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(
            self._lanes,
            "declare",
            lambda declare, queue: _long(declare, queue, _more(queue.max_length)),
        )


@fault("a_full_queue_refuses")
class FullQueueKeepsTheRun(Faulty):
    """A run is refused, and stored all the same."""

    async def enqueue(self, requests: Any, **rest: Any) -> Any:
        answers = list(await super().enqueue(requests, **rest))
        refused = [answer.run_id for answer in answers if answer.disposition == "refused"]
        again = [replace(one, queue="overflow") for one in requests if one.run_id in refused]
        if again:
            await super().enqueue(again, **rest)
        return answers


@fault("a_full_queue_takes_more_when_a_run_has_left_it")
class LengthCountsCanceledRuns(Faulty):
    async def cancel(self, run_ids: Sequence[str], **rest: Any) -> Sequence[Run]:
        queued = [record for i in run_ids if (record := self._find(i)) and record.queued]
        runs = await super().cancel(run_ids, **rest)
        for record in queued:
            self._lanes.queue(record.queue).length += 1
        return runs


@fault("a_run_that_was_refused_holds_no_key")
class ARefusedRunHoldsItsKey(Faulty):
    def _accept(self, request: TriggerRequest, batch_id: str | None, now: datetime) -> Enqueued:
        key = request.idempotency_key
        answer = super()._accept(request, batch_id, now)
        if answer.disposition == "refused" and key is not None and self._records:
            holder = next(iter(self._records.values()))
            self._keys._held[request.task_id, key] = (holder, now + timedelta(days=30))
        return answer


@fault("a_full_queue_takes_more_when_a_run_has_left_it")
class LengthCountsRunsThatStarted(Faulty):
    async def claim(self, worker: str, spec: ClaimSpec, **rest: Any) -> Sequence[Lease]:
        leases = await super().claim(worker, spec, **rest)
        for lease in leases:
            self._lanes.queue(lease.run.queue).length += 1
        return leases
