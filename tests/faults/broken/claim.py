"""Faults of the order of runs, and of which worker gets which."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from broken.fault import Faulty, fault, nothing, wrap

from taskkit.model.exchange import ClaimSpec, Enqueued, Lease
from taskkit.model.request import TriggerRequest

_MIDDLE = datetime(2030, 1, 1, tzinfo=UTC)


@fault("runs_start_in_the_order_of_their_queue_time")
class LastComeFirstServed(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._lanes, "put", self._put_in_front)

    @staticmethod
    def _put_in_front(put: Any, record: Any, holder: str | None = None) -> None:
        real = record.queue_time
        record.queue_time = _MIDDLE - (real - _MIDDLE)
        put(record, holder)
        record.queue_time = real


@fault("runs_start_in_the_order_of_their_queue_time")
class OrderOfABatchIsMixed(Faulty):
    """The requests of one call are stored last one first."""

    async def enqueue(self, requests: Sequence[TriggerRequest], **rest: Any) -> Sequence[Enqueued]:
        return list(await super().enqueue(list(requests)[::-1], **rest))[::-1]


@fault("a_run_with_an_older_queue_time_starts_first")
class QueueTimeIsIgnored(Faulty):
    def asked(self, request: TriggerRequest, now: datetime) -> TriggerRequest:
        return replace(super().asked(request, now), queue_time=None)


@fault("a_priority_is_a_head_start_in_seconds")
class PriorityIsIgnored(Faulty):
    def asked(self, request: TriggerRequest, now: datetime) -> TriggerRequest:
        return replace(super().asked(request, now), priority=0.0)


@fault("a_priority_is_a_head_start_in_seconds")
class PriorityBeatsAnyAge(Faulty):
    def asked(self, request: TriggerRequest, now: datetime) -> TriggerRequest:
        understood = super().asked(request, now)
        return replace(understood, priority=1e6 * understood.priority)


@fault("a_claim_gives_no_more_than_its_limit")
class OneMoreThanTheLimit(Faulty):
    async def claim(self, worker: str, spec: ClaimSpec, **rest: Any) -> Sequence[Lease]:
        return await super().claim(worker, spec, **{**rest, "limit": rest["limit"] + 1})


@fault("a_worker_gets_runs_of_its_tasks_only")
class TasksOfAWorkerAreIgnored(Faulty):
    async def claim(self, worker: str, spec: ClaimSpec, **rest: Any) -> Sequence[Lease]:
        return await super().claim(worker, replace(spec, tasks=None), **rest)


@fault("a_worker_gets_runs_of_its_queues_only")
class QueuesOfAWorkerAreIgnored(Faulty):
    async def claim(self, worker: str, spec: ClaimSpec, **rest: Any) -> Sequence[Lease]:
        return await super().claim(worker, replace(spec, queues=None), **rest)


@fault("a_worker_gets_runs_of_its_machines_only")
class MachineOfAWorkerIsIgnored(Faulty):
    async def claim(self, worker: str, spec: ClaimSpec, **rest: Any) -> Sequence[Lease]:
        return await super().claim(worker, replace(spec, machines=None), **rest)


@fault("a_worker_gets_runs_of_its_machines_only")
class RunsWithoutAMachineFitNowhere(Faulty):
    def asked(self, request: TriggerRequest, now: datetime) -> TriggerRequest:
        understood = super().asked(request, now)
        return replace(understood, machine=understood.machine or "no machine")


# --- clean-ups ----------------------------------------------------------------------------------


@fault("a_clean_up_goes_to_workers_of_its_queue_only")
class CleanUpsGoToWorkersOfAnything(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "_claim_cleanups", self._claim_any)

    @staticmethod
    def _claim_any(claim: Any, worker: str, spec: Any, expires: Any, now: Any) -> Any:
        return claim(worker, ClaimSpec(), expires, now)


@fault("a_clean_up_needs_no_slot")
class CleanUpsNeedASlot(Faulty):
    async def claim(self, worker: str, spec: ClaimSpec, **rest: Any) -> Sequence[Lease]:
        return await super().claim(worker, spec, **rest) if rest["limit"] else []


@fault("a_clean_up_goes_first_to_the_worker_that_parked")
class CleanUpsGoToAnybody(Faulty):
    async def claim(self, worker: str, spec: ClaimSpec, **rest: Any) -> Sequence[Lease]:
        for record in self._life._cleanups.values():
            record.holder = None
        return await super().claim(worker, spec, **rest)


@fault("a_clean_up_goes_first_to_the_worker_that_parked")
class CleanUpsWaitForTheirWorkerForEver(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "_offer_clean_up", nothing)
