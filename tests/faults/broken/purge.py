"""Faults of retention, on a memory backend that can purge."""

from datetime import datetime

from broken.fault import Faulty, fault

from taskkit.backends.memory.record import Record


class Purging(Faulty):
    """Forgets runs when it is asked to; by itself without a fault."""

    def is_old(self, record: Record, before: datetime) -> bool:
        return record.finished_at is not None and record.finished_at < before

    def is_needed(self, record: Record) -> bool:
        parent = self._records.get(record.request.parent_id or "")
        return parent is not None and not parent.status.is_final

    def chosen(self, old: list[Record], limit: int) -> list[Record]:
        return sorted(old, key=lambda record: record.finished_at or record.created_at)[:limit]

    def forget(self, record: Record) -> None:
        del self._records[record.id]
        self._finished.remove(record)
        if record.request.idempotency_key is not None:
            self._keys.free(record.task_id, record.request.idempotency_key)

    async def purge(self, before: datetime, *, limit: int) -> int:
        old = [one for one in self._records.values() if self.is_old(one, before)]
        gone = self.chosen([one for one in old if not self.is_needed(one)], limit)
        for record in gone:
            self.forget(record)
        return len(gone)


@fault("a_purge_forgets_what_ended_before")
class WhatEndsAtThatMomentGoesToo(Purging):
    def is_old(self, record: Record, before: datetime) -> bool:
        return record.finished_at is not None and record.finished_at <= before


@fault("a_purge_forgets_what_ended_before")
class WhatWasMadeBeforeGoes(Purging):
    """Also when it has not ended."""

    def is_old(self, record: Record, before: datetime) -> bool:
        return record.created_at < before

    def forget(self, record: Record) -> None:
        if record.finished_at is None:
            self._finished.append(record)
        super().forget(record)


@fault("a_purge_forgets_what_ended_before")
class NothingIsForgotten(Purging):
    def forget(self, record: Record) -> None:
        """It only counts."""


@fault("a_purge_stops_at_its_limit")
class APurgeHasNoLimit(Purging):
    def chosen(self, old: list[Record], limit: int) -> list[Record]:
        return old


@fault("a_purge_stops_at_its_limit")
class TheYoungestGoFirst(Purging):
    def chosen(self, old: list[Record], limit: int) -> list[Record]:
        return super().chosen(old, len(old))[::-1][:limit]


@fault("a_purge_leaves_the_children_of_a_run_that_goes_on")
class NobodyIsAskedForTheParent(Purging):
    def is_needed(self, record: Record) -> bool:
        return False


@fault("what_was_purged_can_come_again")
class TheKeyStays(Purging):
    """And leads to a run that nobody can read."""

    def forget(self, record: Record) -> None:
        del self._records[record.id]
        self._finished.remove(record)
        self._forgotten[record.id] = lambda: record  # type: ignore[assignment]  # what a weak reference would say


@fault("what_was_purged_can_come_again")
class EntriesStay(Purging):
    """They are kept by the run's id, and found by the next run that has it."""

    def spoil(self) -> None:
        super().spoil()
        self._kept: dict[str, Record] = {}

    def forget(self, record: Record) -> None:
        super().forget(record)
        self._kept[record.id] = record

    async def enqueue(self, requests, *, batch_id, now):  # type: ignore[no-untyped-def]  # as in the backend
        answers = await super().enqueue(requests, batch_id=batch_id, now=now)
        for request in requests:
            if request.run_id in self._kept:
                self._records[request.run_id].entries = self._kept[request.run_id].entries
        return answers
