"""Faults of two instances on one store that show when both are asked at the same moment."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from broken.fault import Faulty, fault, wrap

from taskkit.backends.base import Now
from taskkit.errors import StoreUnavailableError
from taskkit.model.exchange import (
    ClaimSpec,
    Enqueued,
    Entry,
    EntryKind,
    Lease,
    ScheduleRecord,
    Suspended,
    Token,
)
from taskkit.model.ids import new_id
from taskkit.model.options import Debounce
from taskkit.model.request import TriggerRequest
from taskkit.model.run import Run

# --- claims -------------------------------------------------------------------------------------


@fault("claims_of_two_instances_share_the_runs")
class ClaimsThatCrossTakeTheSame(Faulty):
    def spoil(self) -> None:
        super().spoil()
        self.between.taken = []

    async def claim(self, worker: str, spec: ClaimSpec, **rest: Any) -> Sequence[Lease]:
        async with self.crossing() as crosses:
            if not crosses:
                self.between.taken = []
            leases = await super().claim(worker, spec, **rest)
            taken = [replace(lease, token=new_id("lease")) for lease in self.between.taken]
            self.between.taken = [*leases]
        return [*taken, *leases]


@fault("a_queue_limit_holds_over_two_instances", "a_key_limit_holds_over_two_instances")
class LimitsAreLookedAtBefore(Faulty):
    """Of two claims that cross, each has the limit to itself."""

    async def claim(self, worker: str, spec: ClaimSpec, **rest: Any) -> Sequence[Lease]:
        async with self.crossing() as crosses:
            narrow = [one for one in self._lanes.queues.values() if one.declared and crosses]
            self._widen(narrow, 2)
            leases = await super().claim(worker, spec, **rest)
            self._widen(narrow, -2)
        return leases

    def _widen(self, queues: Sequence[Any], by: int) -> None:
        for state in queues:
            state.declared += by
            self._lanes.apply(state)


@fault("a_queue_limit_holds_over_two_instances")
class ASlotIsLostWhereEndsCross(Faulty):
    """Two that count a slot down at the same moment count it down once."""

    async def settle(self, lease: Lease, outcome: Any, **rest: Any) -> None:
        async with self.crossing() as crosses:
            gate = self._known(lease.run.id).gate
            await super().settle(lease, outcome, **rest)
            if crosses and gate is not None and gate.queue.limit is not None:
                gate.running += 1


@fault("a_cancel_meets_a_claim_of_another_instance")
class CancelsThatCrossAClaimAreLost(Faulty):
    async def claim(self, worker: str, spec: ClaimSpec, **rest: Any) -> Sequence[Lease]:
        async with self.crossing():
            return await super().claim(worker, spec, **rest)

    async def cancel(self, run_ids: Sequence[str], **rest: Any) -> Sequence[Run]:
        async with self.crossing() as crosses:
            return await super().cancel([] if crosses else run_ids, **rest)


@fault("a_death_counts_once_for_two_instances")
class DeathsThatBothFindCountTwice(Faulty):
    async def advance(self, *, now: Now, limit: int) -> datetime | None:
        async with self.crossing() as crosses:
            due = await super().advance(now=now, limit=limit)
            for record in self._records.values():
                record.deaths += int(crosses and record.orphaned)
        return due


@fault("a_late_end_meets_a_takeover")
class ATakeoverMissesALateEnd(Faulty):
    def spoil(self) -> None:
        super().spoil()
        self.between.late = []

    async def settle(self, lease: Lease, outcome: Any, **rest: Any) -> None:
        async with self.crossing():
            await super().settle(lease, outcome, **rest)
            self.between.late.append(lease)
        self.between.late.remove(lease)

    async def claim(self, worker: str, spec: ClaimSpec, **rest: Any) -> Sequence[Lease]:
        async with self.crossing() as crosses:
            missed = self.between.late if crosses else []
            taken = [replace(lease, token=new_id("lease")) for lease in missed]
            return [*taken, *await super().claim(worker, spec, **rest)]


# --- asking for runs ----------------------------------------------------------------------------


class _Asked(Faulty):
    """What becomes of requests that cross others; by itself without a fault."""

    def crossed(self, request: TriggerRequest) -> TriggerRequest:
        return request

    async def enqueue(
        self, requests: Sequence[TriggerRequest], *, batch_id: str | None, now: Now
    ) -> Sequence[Enqueued]:
        async with self.crossing() as crosses:
            if crosses:
                requests = [self.crossed(request) for request in requests]
            return await super().enqueue(requests, batch_id=batch_id, now=now)


@fault("racers_for_a_key_get_one_run", "racers_for_many_keys_meet_in_any_order")
class KeysAreLookedForBefore(_Asked):
    def crossed(self, request: TriggerRequest) -> TriggerRequest:
        return super().crossed(replace(request, idempotency_key=None))


@fault("racers_for_many_keys_meet_in_any_order")
class KeysInAnotherOrderAreADeadlock(_Asked):
    def crossed(self, request: TriggerRequest) -> TriggerRequest:
        if (request.task_id, request.idempotency_key) in self._keys._held:
            raise StoreUnavailableError("Two who asked for keys waited for each other.")
        return super().crossed(request)


@fault("racers_for_a_debounce_key_join_one_run")
class DebouncesAreLookedForBefore(_Asked):
    def crossed(self, request: TriggerRequest) -> TriggerRequest:
        if request.debounce is not None:
            request = replace(request, debounce=Debounce(new_id("key"), delay=5))
        return super().crossed(request)


@fault("racers_with_one_run_id_make_one_run")
class AKnownIdIsAnError(_Asked):
    """Who finds that somebody was faster says so."""

    def crossed(self, request: TriggerRequest) -> TriggerRequest:
        if request.run_id in self._records:
            raise StoreUnavailableError("There is a run of this id.")
        return super().crossed(request)


@fault("racers_with_one_run_id_make_one_run")
class AKnownIdIsMadeAgain(_Asked):
    def crossed(self, request: TriggerRequest) -> TriggerRequest:
        self._records.pop(request.run_id, None)
        return super().crossed(request)


@fault("racers_for_the_last_places_do_not_overfill_a_queue")
class PlacesAreCountedBefore(_Asked):
    def crossed(self, request: TriggerRequest) -> TriggerRequest:
        self._lanes.queue(request.queue).max_length = None
        return super().crossed(request)


# --- entries ------------------------------------------------------------------------------------


@fault("no_entry_of_two_instances_is_lost")
class AFlushThatCrossesIsLost(Faulty):
    async def append(self, run_id: str, entries: Sequence[Entry], **rest: Any) -> None:
        async with self.crossing() as crosses:
            await super().append(run_id, [] if crosses else entries, **rest)


@fault("no_entry_of_two_instances_is_lost")
class ACountThatCrossesIsLost(Faulty):
    async def append(self, run_id: str, entries: Sequence[Entry], **rest: Any) -> None:
        async with self.crossing() as crosses:
            before = self._known(run_id).metadata
            await super().append(run_id, entries, **rest)
            if crosses:
                self._known(run_id).metadata = before


@fault("no_entry_of_two_instances_is_lost")
class PositionsHaveGapsWhereFlushesCross(Faulty):
    async def append(self, run_id: str, entries: Sequence[Entry], **rest: Any) -> None:
        async with self.crossing() as crosses:
            await super().append(run_id, entries, **rest)
            logs = (self._known(run_id).entries or {}).get(EntryKind.LOG)
            if crosses and logs:
                logs[-1] = replace(logs[-1], position=logs[-1].position + 1)


# --- runs that wait -----------------------------------------------------------------------------


class _Blind(Faulty):
    """A suspension that crosses another call looks at the store as it was before; by itself without a fault."""

    def spoil(self) -> None:
        super().spoil()
        self.between.is_blind = False

    async def settle(self, lease: Lease, outcome: Any, **rest: Any) -> None:
        async with self.crossing() as crosses:
            self.between.is_blind = crosses and isinstance(outcome, Suspended)
            try:
                await super().settle(lease, outcome, **rest)
            finally:
                self.between.is_blind = False


@fault("an_end_meets_a_parent_that_begins_to_wait")
class AnEndThatCrossesASuspensionIsMissed(_Blind):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life._waiting, "_is_final", self._is_final_before)

    def _is_final_before(self, is_final: Any, run_id: str) -> bool:
        return not self.between.is_blind and is_final(run_id)


@fault("a_token_meets_a_run_that_begins_to_wait")
class ACompletionThatCrossesASuspensionIsMissed(_Blind):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life._waiting, "_begin_token", self._begin_open)

    async def complete_token(self, token_id: str, output: bytes | None, *, now: Now) -> bool:
        async with self.crossing():
            return await super().complete_token(token_id, output, now=now)

    def _begin_open(self, begin: Any, record: Any, wait_id: str, on: Any, now: datetime) -> None:
        if self.between.is_blind:
            waiters = self._life._waiting._awaited_tokens.setdefault(on.id, {})
            waiters[record.id, wait_id] = record
        else:
            begin(record, wait_id, on, now)


@fault("a_cancel_meets_a_run_that_begins_to_wait")
class ACancelThatCrossesASuspensionIsMissed(_Blind):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "_suspend", self._suspend_uncanceled)

    async def cancel(self, run_ids: Sequence[str], **rest: Any) -> Sequence[Run]:
        async with self.crossing():
            return await super().cancel(run_ids, **rest)

    def _suspend_uncanceled(self, suspend: Any, record: Any, outcome: Any, now: datetime) -> None:
        record.cancel_requested = record.cancel_requested and not self.between.is_blind
        suspend(record, outcome, now)


@fault("two_ends_meet_at_one_parent")
class TwoEndsThatCrossCountAsOne(Faulty):
    """Each of them sees that the other child has not ended."""

    async def settle(self, lease: Lease, outcome: Any, **rest: Any) -> None:
        async with self.crossing() as crosses:
            for awaiting in self._life._waiting.awaited.get(lease.run.id, ()):
                awaiting.left += int(crosses)
            await super().settle(lease, outcome, **rest)


# --- tokens and schedules -----------------------------------------------------------------------


@fault("a_token_is_completed_by_one_of_two_instances")
class CompletionsThatCrossBothCount(Faulty):
    async def complete_token(self, token_id: str, output: bytes | None, *, now: Now) -> bool:
        async with self.crossing() as crosses:
            return await super().complete_token(token_id, output, now=now) or crosses


@fault("racers_for_a_token_key_get_one_token")
class KeysOfTokensAreLookedForBefore(Faulty):
    async def create_token(
        self, token_id: str, *, idempotency_key: str | None, **rest: Any
    ) -> Token:
        async with self.crossing() as crosses:
            key = None if crosses else idempotency_key
            return await super().create_token(token_id, idempotency_key=key, **rest)


@fault("a_schedule_is_put_by_one_of_two_instances")
class VersionsAreLookedAtBefore(Faulty):
    async def put_schedule(self, schedule: ScheduleRecord) -> ScheduleRecord | None:
        async with self.crossing() as crosses:
            present = self._schedules.get(schedule.id)
            if crosses and present is not None:
                schedule = replace(schedule, version=present.version)
            return await super().put_schedule(schedule)


@fault("a_tick_is_never_set_back_by_another_instance")
class TheLastTickThatIsRecordedCounts(Faulty):
    async def record_tick(self, schedule_id: str, **rest: Any) -> None:
        async with self.crossing() as crosses:
            present = self._schedules.get(schedule_id)
            if crosses and present is not None:
                self._schedules[schedule_id] = replace(present, last_fired=None)
            await super().record_tick(schedule_id, **rest)
