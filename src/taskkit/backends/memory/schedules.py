"""Schedules kept in memory."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from heapq import nsmallest

from taskkit.backends.memory.watch import Watches
from taskkit.backends.paging import page_number
from taskkit.model.exchange import SCHEDULES_TOPIC, Page, ScheduleRecord


class Schedules:
    """The part of the memory backend that keeps schedules: `SupportsSchedules`."""

    _watches: Watches

    def __init__(self) -> None:
        self._schedules: dict[str, ScheduleRecord] = {}
        self._places: dict[str, int] = {}
        self._next_place = itertools.count(1)

    async def put_schedule(self, schedule: ScheduleRecord) -> ScheduleRecord | None:
        present = self._schedules.get(schedule.id)
        if schedule.version != (0 if present is None else present.version):
            return None
        fired = schedule.last_fired
        if present is None:
            self._places[schedule.id] = next(self._next_place)
        elif present.last_fired is not None and (fired is None or fired < present.last_fired):
            fired = present.last_fired
        stored = replace(schedule, last_fired=fired, version=schedule.version + 1)
        self._schedules[schedule.id] = stored
        self._watches.publish(SCHEDULES_TOPIC)
        return stored

    async def get_schedules(self, schedule_ids: Sequence[str]) -> Sequence[ScheduleRecord | None]:
        return [self._schedules.get(schedule_id) for schedule_id in schedule_ids]

    async def delete_schedule(self, schedule_id: str) -> bool:
        if self._schedules.pop(schedule_id, None) is None:
            return False
        del self._places[schedule_id]
        self._watches.publish(SCHEDULES_TOPIC)
        return True

    async def list_schedules(
        self, tasks: frozenset[str] | None, *, cursor: int | str | None, limit: int
    ) -> Page[ScheduleRecord]:
        start = page_number(cursor) or 0
        matching = (
            record
            for record in self._schedules.values()
            if self._places[record.id] > start and (tasks is None or record.task_id in tasks)
        )
        found = list(itertools.islice(matching, limit + 1))
        more = len(found) > limit
        return Page(found[:limit], self._places[found[limit - 1].id] if more else None)

    async def next_schedules(
        self, tasks: frozenset[str], *, limit: int
    ) -> Sequence[ScheduleRecord]:
        due = [
            (record.next_at, self._places[record.id], record)
            for record in self._schedules.values()
            if record.active and record.next_at is not None and record.task_id in tasks
        ]
        return [record for _, _, record in nsmallest(limit, due)]

    async def record_tick(
        self, schedule_id: str, *, at: datetime | None, next_at: datetime | None, version: int
    ) -> None:
        present = self._schedules.get(schedule_id)
        if present is None:
            return
        fired, following = present.last_fired, present.next_at
        if at is not None and (fired is None or at > fired):
            fired = at
        if present.version == version and following is not None:
            following = None if next_at is None else max(following, next_at)
        self._schedules[schedule_id] = replace(present, last_fired=fired, next_at=following)
