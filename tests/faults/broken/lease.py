"""Faults of leases: who holds a run, what fences it, what follows a death."""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from broken.fault import Faulty, fault, nothing, wrap

from taskkit.model.exchange import ClaimSpec, Entry, Lease, Signal
from taskkit.model.run import RunStatus


def _under_present_token(backend: Faulty, lease: Lease) -> Lease:
    record = backend._find(lease.run.id)
    return lease if record is None or record.token is None else replace(lease, token=record.token)


@fault("an_older_lease_cannot_settle", "a_token_is_needed_to_settle")
class SettleIsNotFenced(Faulty):
    """Whoever settles is believed."""

    async def settle(self, lease: Lease, outcome: Any, **at: Any) -> None:
        await super().settle(_under_present_token(self, lease), outcome, **at)


@fault("an_older_lease_cannot_append", "a_settled_lease_cannot_append")
class AppendIsNotFenced(Faulty):
    """Whoever appends is believed."""

    async def append(self, run_id: str, entries: Sequence[Entry], **rest: Any) -> None:
        await super().append(run_id, entries, **{**rest, "lease": None})


@fault("an_older_lease_is_told_that_it_is_lost", "a_token_ends_when_the_run_comes_back")
class ExtendIsNotFenced(Faulty):
    """An older lease is told that it holds, and prolongs the new one."""

    async def extend(self, leases: Sequence[Lease], **rest: Any) -> Sequence[Signal]:
        return await super().extend([_under_present_token(self, one) for one in leases], **rest)


@fault("a_run_is_held_by_one_worker_at_a_time")
class LeaseIsNotExclusive(Faulty):
    """A run that one worker holds is given to every other one that asks."""

    async def claim(self, worker: str, spec: ClaimSpec, **rest: Any) -> Sequence[Lease]:
        for record in list(self._life._leased.values()):
            if record.holder != worker and record.ending is None:
                self._lanes.leave(record)
                record.status = RunStatus.QUEUED
                self._lanes.put(record)
        return await super().claim(worker, spec, **rest)


@fault("workers_that_claim_together_share_the_runs")
class ClaimReadsBeforeItWrites(Faulty):
    """Between finding due runs and taking them there is time for another worker to find them too."""

    async def claim(self, worker: str, spec: ClaimSpec, **rest: Any) -> Sequence[Lease]:
        leases = await super().claim(worker, spec, **rest)
        found = [self._known(lease.run.id) for lease in leases if lease.kind == "start"]
        places = {}
        for record in found:
            record.status = RunStatus.QUEUED
            self._lanes.put(record)
            places[record.id] = record.place
        await asyncio.sleep(0)
        for record in found:
            if record.status is RunStatus.QUEUED and record.place == places[record.id]:
                self._lanes.remove(record)
                record.status = RunStatus.EXECUTING
        return leases


@fault("a_lease_on_an_unknown_run_settles_nothing")
class SettlingAnUnknownRunIsNoError(Faulty):
    async def settle(self, lease: Lease, outcome: Any, **at: Any) -> None:
        if self._find(lease.run.id) is not None:
            await super().settle(lease, outcome, **at)


@fault("a_lease_on_an_unknown_run_settles_nothing")
class AnUnknownRunIsHeld(Faulty):
    async def extend(self, leases: Sequence[Lease], **rest: Any) -> Sequence[Signal]:
        signals = await super().extend(leases, **rest)
        return [
            signal if self._find(lease.run.id) is not None else Signal.HELD
            for lease, signal in zip(leases, signals, strict=True)
        ]


@fault("tokens_are_never_the_same")
class EveryTokenIsTheSame(Faulty):
    def spoil(self) -> None:
        super().spoil()
        self._life._tokens = itertools.repeat(1)


@fault("a_lease_that_ran_out_is_delivered_again")
class DeadLeasesStay(Faulty):
    """A run whose worker died executes for ever."""

    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "_bury", nothing)
        wrap(self._life, "_bury_dead", self._look_away)

    def _look_away(self, bury_dead: Any, now: Any) -> None:
        self._life._look_for_dead_at = None


@fault("a_lease_that_ran_out_is_delivered_again", "a_worker_that_dies_after_an_answer_is_a_death")
class DeathsAreNotCounted(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "_bury", self._bury_uncounted)

    @staticmethod
    def _bury_uncounted(bury: Any, record: Any, now: Any) -> None:
        record.deaths = -1
        bury(record, now)


@fault("a_lease_that_ran_out_is_delivered_again")
class DeathsRaiseTheAttempt(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "_bury", self._bury_an_attempt)

    @staticmethod
    def _bury_an_attempt(bury: Any, record: Any, now: Any) -> None:
        record.attempt += 1
        bury(record, now)


@fault("a_run_that_kills_its_workers_ends_crashed")
class WorkersAreKilledForEver(Faulty):
    """A run that kills its workers is delivered again, however often."""

    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "_bury", self._bury_and_forgive)

    @staticmethod
    def _bury_and_forgive(bury: Any, record: Any, now: Any) -> None:
        real = record.deaths
        record.deaths = -1_000_000
        bury(record, now)
        record.deaths = real + 1


@fault("a_run_that_kills_its_workers_ends_crashed")
class CrashedWithoutACleanUp(Faulty):
    """A run that kills its workers is CRASHED before its hooks have run."""

    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "_clean_up", self._crash)

    def _crash(self, clean_up: Any, record: Any, ending: RunStatus, *, owed: bool) -> None:
        if ending is RunStatus.CRASHED:
            self._life._finish(record, ending, record.expires)
        else:
            clean_up(record, ending, owed=owed)


@fault("a_run_whose_cleanup_dies_ends_all_the_same")
class CleanUpsAreTriedForEver(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "_bury", self._bury_again)

    @staticmethod
    def _bury_again(bury: Any, record: Any, now: Any) -> None:
        if record.ending is not None:
            record.deaths = record.request.max_attempts
        bury(record, now)


@fault("a_lease_that_ran_out_is_delivered_again", "a_death_leaves_its_clean_up_to_the_cancel")
class NoCleanUpIsOwed(Faulty):
    """A lease does not say that an earlier delivery died."""

    async def claim(self, worker: str, spec: ClaimSpec, **rest: Any) -> Sequence[Lease]:
        leases = await super().claim(worker, spec, **rest)
        return [replace(lease, orphaned=False) for lease in leases]


@fault("no_delivery_is_started_twice", "a_released_run_is_delivered_again_at_once")
class DeliveryIsNotRaised(Faulty):
    async def claim(self, worker: str, spec: ClaimSpec, **rest: Any) -> Sequence[Lease]:
        leases = await super().claim(worker, spec, **rest)
        return [replace(lease, delivery=1) for lease in leases]


@fault("a_lease_says_what_is_held")
class LeasesTellTheTimeOfTheTrigger(Faulty):
    """`Lease.now` is not the store's clock at the claim."""

    async def claim(self, worker: str, spec: ClaimSpec, **rest: Any) -> Sequence[Lease]:
        leases = await super().claim(worker, spec, **rest)
        return [replace(lease, now=lease.run.created_at) for lease in leases]


@fault("a_lease_that_is_extended_goes_on")
class ExtendProlongsNothing(Faulty):
    async def extend(self, leases: Sequence[Lease], **rest: Any) -> Sequence[Signal]:
        records = [self._find(lease.run.id) for lease in leases]
        expires = [record and record.expires for record in records]
        signals = await super().extend(leases, **rest)
        for record, moment in zip(records, expires, strict=True):
            if record is not None:
                record.expires = moment
        return signals


@fault("a_lease_that_is_extended_goes_on")
class ExtendedOnceHeldForEver(Faulty):
    async def extend(self, leases: Sequence[Lease], **rest: Any) -> Sequence[Signal]:
        return await super().extend(leases, **{**rest, "lease": 1e6})


@fault("an_older_lease_is_told_that_it_is_lost")
class SignalsAreMixedUp(Faulty):
    """Extend answers in another order than it was asked."""

    async def extend(self, leases: Sequence[Lease], **rest: Any) -> Sequence[Signal]:
        return list(await super().extend(leases, **rest))[::-1]
