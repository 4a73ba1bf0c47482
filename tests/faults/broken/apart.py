"""Faults of two instances on one store, each of which keeps something for itself."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Self

from broken.fault import Faulty, fault
from broken.purge import Purging

from taskkit.backends.base import Now, Watch
from taskkit.model.exchange import (
    CANCEL_TOPIC,
    SCHEDULES_TOPIC,
    WORK_TOPIC,
    ClaimSpec,
    Enqueued,
    Entry,
    EntryKind,
    Lease,
    Page,
    RunFilter,
    Signal,
    Suspended,
)
from taskkit.model.request import TriggerRequest
from taskkit.model.run import Run, RunStatus


class _Own(Faulty):
    """Each instance knows which runs it has stored; by itself without a fault."""

    def begin(self) -> None:
        super().begin()
        self.own: set[str] = set()

    async def enqueue(
        self, requests: Sequence[TriggerRequest], *, batch_id: str | None, now: Now
    ) -> Sequence[Enqueued]:
        self.own.update(request.run_id for request in requests)
        return await super().enqueue(requests, batch_id=batch_id, now=now)


@fault("another_instance_reads_a_run_as_it_was_asked_for")
class WhatIsRarelySaidIsNotStored(_Own):
    """Who stored a run still has its request, and shows that."""

    async def get(self, run_ids: Sequence[str]) -> Sequence[Run | None]:
        return [
            run
            if run is None or run.id in self.own
            else replace(run, request=replace(run.request, is_replay=False))
            for run in await super().get(run_ids)
        ]


@fault("a_run_is_claimed_and_ended_through_another_instance")
class RunsAreReadOnce(Faulty):
    """An instance reads a run again only when it has changed it."""

    def begin(self) -> None:
        super().begin()
        self.read_before: dict[str, Run | None] = {}

    async def get(self, run_ids: Sequence[str]) -> Sequence[Run | None]:
        for run_id, run in zip(run_ids, await super().get(run_ids), strict=True):
            self.read_before.setdefault(run_id, run)
        return [self.read_before[run_id] for run_id in run_ids]

    async def cancel(self, run_ids: Sequence[str], **rest: Any) -> Sequence[Run]:
        self.read_before.clear()
        return await super().cancel(run_ids, **rest)

    async def settle(self, lease: Lease, outcome: Any, **rest: Any) -> None:
        self.read_before.clear()
        await super().settle(lease, outcome, **rest)


@fault("what_is_shared_is_seen_by_another_instance")
class ThereIsNoOtherInstance(Faulty):
    def another(self) -> Self | None:
        return None


@fault("what_is_shared_is_seen_by_another_instance")
class EachInstanceHasAStore(Faulty):
    def another(self) -> Self | None:
        return type(self)()


@fault(
    "a_run_is_claimed_and_ended_through_another_instance",
    "a_worker_serves_what_another_instance_has_stored",
)
class RunsStayWhereTheyWereStored(_Own):
    async def claim(self, worker: str, spec: ClaimSpec, **rest: Any) -> Sequence[Lease]:
        if self._records.keys() - self.own:
            return []
        return await super().claim(worker, spec, **rest)


@fault("a_list_shows_what_other_instances_do")
class ListsShowOwnRuns(_Own):
    async def list(self, where: RunFilter, **rest: Any) -> Page[Run]:
        page = await super().list(where, **rest)
        return Page([run for run in page.items if run.id in self.own], page.cursor)


@fault("what_one_instance_forgets_is_gone_for_another")
class WhatIsForgottenIsRemembered(Purging):
    """An instance knows the runs that it has read for ever."""

    def begin(self) -> None:
        super().begin()
        self.known_runs: dict[str, Run] = {}

    async def get(self, run_ids: Sequence[str]) -> Sequence[Run | None]:
        found = await super().get(run_ids)
        self.known_runs |= {run.id: run for run in found if run is not None}
        return [self.known_runs.get(run_id) for run_id in run_ids]


# --- leases -------------------------------------------------------------------------------------


class _Remembers(Faulty):
    """An instance remembers the latest lease that it has given on each run; by itself without a fault."""

    def begin(self) -> None:
        super().begin()
        self.given: dict[str, str] = {}

    async def claim(self, worker: str, spec: ClaimSpec, **rest: Any) -> Sequence[Lease]:
        leases = await super().claim(worker, spec, **rest)
        self.given |= {lease.run.id: lease.token for lease in leases}
        return leases

    def trusts(self, lease: Lease) -> bool:
        """It is the latest lease that this instance knows of, on a run that executes."""
        record = self._find(lease.run.id)
        executes = record is not None and record.status is RunStatus.EXECUTING
        return executes and self.given.get(lease.run.id) == lease.token


@fault("a_lease_taken_over_through_another_instance_is_lost")
class BeatsTrustTheInstance(_Remembers):
    async def extend(self, leases: Sequence[Lease], **rest: Any) -> Sequence[Signal]:
        signals = await super().extend(leases, **rest)
        pairs = zip(leases, signals, strict=True)
        return [
            Signal.HELD if signal is Signal.LOST and self.trusts(one) else signal
            for one, signal in pairs
        ]


@fault("a_lease_taken_over_through_another_instance_is_lost")
class SettlesTrustTheInstance(_Remembers):
    async def settle(self, lease: Lease, outcome: Any, **rest: Any) -> None:
        if self.trusts(lease):
            self._known(lease.run.id).token = lease.token
        await super().settle(lease, outcome, **rest)


@fault("a_lease_taken_over_through_another_instance_appends_nothing")
class AppendsTrustTheInstance(_Remembers):
    async def append(
        self, run_id: str, entries: Sequence[Entry], *, flush_id: str, lease: Lease | None
    ) -> None:
        if lease is not None and self.trusts(lease):
            lease = None
        await super().append(run_id, entries, flush_id=flush_id, lease=lease)


@fault("a_cancel_reaches_the_lease_of_another_instance")
class CancelsAreToldWhereTheyWereAsked(Faulty):
    def begin(self) -> None:
        super().begin()
        self.canceled: set[str] = set()

    async def cancel(self, run_ids: Sequence[str], **rest: Any) -> Sequence[Run]:
        self.canceled.update(run_ids)
        return await super().cancel(run_ids, **rest)

    async def extend(self, leases: Sequence[Lease], **rest: Any) -> Sequence[Signal]:
        signals = await super().extend(leases, **rest)
        return [
            Signal.HELD if signal is Signal.CANCEL and one.run.id not in self.canceled else signal
            for one, signal in zip(leases, signals, strict=True)
        ]


@fault("a_beat_of_one_instance_keeps_others_off")
class EndsOfLeasesAreReadOnce(Faulty):
    """An instance goes by the end of a lease that it has seen first."""

    def begin(self) -> None:
        super().begin()
        self.expires: dict[str, datetime] = {}

    async def advance(self, *, now: Now, limit: int) -> datetime | None:
        for record in self._records.values():
            if record.token is not None and record.expires is not None:
                seen = self.expires.setdefault(record.token, record.expires)
                if self.is_other and now is not None and seen <= now:
                    record.expires = seen
                    self._life._look_for_dead_at = seen
        return await super().advance(now=now, limit=limit)


# --- waits --------------------------------------------------------------------------------------


class _Parks(Faulty):
    """An instance knows which runs it has parked; by itself without a fault."""

    def begin(self) -> None:
        super().begin()
        self.parked: set[str] = set()

    async def settle(self, lease: Lease, outcome: Any, **rest: Any) -> None:
        if isinstance(outcome, Suspended):
            self.parked.add(lease.run.id)
        await super().settle(lease, outcome, **rest)


@fault("a_child_that_ends_through_another_instance_is_an_answer")
class EndsAnswerRunsThatWereParkedHere(_Parks):
    async def settle(self, lease: Lease, outcome: Any, **rest: Any) -> None:
        awaited = self._life._waiting.awaited
        if any(one.record.id not in self.parked for one in awaited.get(lease.run.id, ())):
            del awaited[lease.run.id]
        await super().settle(lease, outcome, **rest)


@fault("a_token_completed_through_another_instance_is_an_answer")
class TokensAnswerRunsThatWereParkedHere(_Parks):
    async def complete_token(self, token_id: str, output: bytes | None, *, now: Now) -> bool:
        awaited = self._life._waiting._awaited_tokens
        if any(run_id not in self.parked for run_id, _ in awaited.get(token_id, {})):
            del awaited[token_id]
        return await super().complete_token(token_id, output, now=now)


# --- queues and keys ----------------------------------------------------------------------------


@fault("a_queue_paused_through_one_instance_is_paused_for_all")
class PausesHoldWhereTheyWereAsked(Faulty):
    async def claim(self, worker: str, spec: ClaimSpec, **rest: Any) -> Sequence[Lease]:
        paused = [one for one in self._lanes.queues.values() if one.paused and self.is_other]
        for state in paused:
            state.paused = False
            self._lanes.apply(state)
        leases = await super().claim(worker, spec, **rest)
        for state in paused:
            state.paused = True
            self._lanes.apply(state)
        return leases


@fault("a_queue_paused_through_one_instance_is_paused_for_all")
class LimitsHoldWhereTheyWereSet(Faulty):
    async def claim(self, worker: str, spec: ClaimSpec, **rest: Any) -> Sequence[Lease]:
        queues = self._lanes.queues.values()
        limits = {one: one.override for one in queues if self.is_other and one.override is not None}
        for state in limits:
            state.override = None
            self._lanes.apply(state)
        leases = await super().claim(worker, spec, **rest)
        for state, limit in limits.items():
            state.override = limit
            self._lanes.apply(state)
        return leases


@fault("a_queue_is_full_for_all_instances")
class LengthsCountOwnRuns(_Own):
    async def enqueue(
        self, requests: Sequence[TriggerRequest], *, batch_id: str | None, now: Now
    ) -> Sequence[Enqueued]:
        others = self._records.keys() - self.own
        short = [one for one in self._lanes.queues.values() if one.max_length is not None]
        for state in short:
            state.length -= len(others)
        answers = await super().enqueue(requests, batch_id=batch_id, now=now)
        for state in short:
            state.length += len(others)
        return answers


@fault("a_key_is_held_and_freed_for_all_instances")
class KeysAreRemembered(Faulty):
    """An instance that has seen which run a key gives does not look again."""

    def begin(self) -> None:
        super().begin()
        self.seen: dict[str, str] = {}

    async def enqueue(
        self, requests: Sequence[TriggerRequest], *, batch_id: str | None, now: Now
    ) -> Sequence[Enqueued]:
        key = requests[0].idempotency_key if self.is_other and len(requests) == 1 else None
        if key in self.seen:
            return [Enqueued(self.seen[key], "existing")]
        answers = await super().enqueue(requests, batch_id=batch_id, now=now)
        if key is not None:
            self.seen[key] = answers[0].run_id
        return answers


# --- entries ------------------------------------------------------------------------------------


@fault("what_another_instance_appends_is_not_overwritten")
class MetadataIsWrittenBack(Faulty):
    """An instance changes metadata as it has left them."""

    def begin(self) -> None:
        super().begin()
        self.left: dict[str, Any] = {}

    async def append(self, run_id: str, entries: Sequence[Entry], **rest: Any) -> None:
        record = self._known(run_id)
        record.metadata = self.left.get(run_id, record.metadata)
        await super().append(run_id, entries, **rest)
        self.left[run_id] = dict(record.metadata)


@fault("what_another_instance_appends_is_not_overwritten")
class TagsAreWrittenBack(Faulty):
    """An instance adds tags to those that it has left."""

    def begin(self) -> None:
        super().begin()
        self.tags_left: dict[str, tuple[str, ...]] = {}

    async def append(self, run_id: str, entries: Sequence[Entry], **rest: Any) -> None:
        record = self._known(run_id)
        record.tags = self.tags_left.get(run_id, record.tags)
        await super().append(run_id, entries, **rest)
        self.tags_left[run_id] = record.tags


@fault("a_memo_is_read_through_another_instance")
class MemosAreReadWhereTheyWereWritten(Faulty):
    def begin(self) -> None:
        super().begin()
        self.written: set[str] = set()

    async def append(self, run_id: str, entries: Sequence[Entry], **rest: Any) -> None:
        self.written.add(run_id)
        await super().append(run_id, entries, **rest)

    async def read(self, run_id: str, kind: EntryKind, **rest: Any) -> Page[Entry]:
        if kind is EntryKind.MEMO and run_id not in self.written:
            return Page([])
        return await super().read(run_id, kind, **rest)


# --- hearing ------------------------------------------------------------------------------------


class _Deaf(Faulty):
    """The other instance hears nothing of topics that begin with this."""

    unheard: str | None = None

    def _hears(self, topic: str) -> bool:
        kinds = [vars(kind).get("unheard") for kind in type(self).__mro__]
        return not (self.is_other and topic.startswith(tuple(kind for kind in kinds if kind)))

    def watch(self, topics: Sequence[str]) -> Watch:
        return super().watch([topic for topic in topics if self._hears(topic)])

    def on_work(self, callback: Callable[[str], None]) -> Callable[[], None]:
        return super().on_work(lambda topic: callback(topic) if self._hears(topic) else None)


@fault(
    "a_watch_hears_of_a_run_of_another_instance",
    "a_watch_hears_of_each_change_by_another_instance",
)
class ChangesAreNotHeardElsewhere(_Deaf):
    unheard = "run:"


@fault("a_watch_hears_of_a_run_of_another_instance")
class EndsAreNotHeardElsewhere(_Deaf):
    unheard = "end:"


@fault("a_watch_hears_of_a_run_of_another_instance")
class TagsAreNotHeardElsewhere(_Deaf):
    unheard = "tag:"


@fault("a_watch_hears_of_a_run_of_another_instance")
class BatchesAreNotHeardElsewhere(_Deaf):
    unheard = "batch:"


@fault("a_watch_hears_of_a_schedule_of_another_instance")
class SchedulesAreNotHeardElsewhere(_Deaf):
    unheard = SCHEDULES_TOPIC


@fault(
    "a_worker_hears_of_work_from_another_instance",
    "a_worker_hears_of_a_slot_that_another_instance_frees",
    "a_worker_hears_that_another_instance_opened_a_queue",
)
class WorkIsNotHeardElsewhere(_Deaf):
    unheard = WORK_TOPIC


@fault("a_worker_hears_of_a_cancel_by_another_instance")
class CancelsAreNotHeardElsewhere(_Deaf):
    unheard = CANCEL_TOPIC


@fault("an_end_by_another_instance_is_awaited")
class EndsAreNotAwaitedElsewhere(_Own):
    """Whoever waits for a run that was stored here trusts that it ends here."""

    async def end_of(self, run_id: str) -> Run | None:
        if self.is_other and run_id in self.own:
            await asyncio.Event().wait()
        return await super().end_of(run_id)
