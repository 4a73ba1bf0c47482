"""Faults of schedules."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from broken.fault import Faulty, fault

from taskkit.model.exchange import Page, ScheduleRecord
from taskkit.model.ids import new_id, new_run_id
from taskkit.model.request import TriggerRequest


@fault("a_new_schedule_comes_back_as_it_was_put", "a_change_does_not_set_last_fired_back")
class ExternalIdsAreForgotten(Faulty):
    async def put_schedule(self, schedule: ScheduleRecord) -> ScheduleRecord | None:
        return await super().put_schedule(replace(schedule, external_id=None))


@fault("a_new_schedule_comes_back_as_it_was_put")
class EveryNewScheduleIsActive(Faulty):
    async def put_schedule(self, schedule: ScheduleRecord) -> ScheduleRecord | None:
        is_new = schedule.version == 0
        return await super().put_schedule(replace(schedule, active=True) if is_new else schedule)


@fault("schedules_are_read_in_order_with_none_for_the_unknown")
class SchedulesAreReadAsTheyWereMade(Faulty):
    """Get gives what there is, in the order of the store."""

    async def get_schedules(self, schedule_ids: Sequence[str]) -> Sequence[ScheduleRecord | None]:
        kept = [one for one in self._schedules if one in schedule_ids]
        unknown = [one for one in schedule_ids if one not in self._schedules]
        return await super().get_schedules([*kept, *unknown])


@fault("schedules_are_read_in_order_with_none_for_the_unknown")
class UnknownSchedulesAreLeftOut(Faulty):
    async def get_schedules(self, schedule_ids: Sequence[str]) -> Sequence[ScheduleRecord | None]:
        found = await super().get_schedules(schedule_ids)
        known = [one for one in found if one is not None]
        return known if len(schedule_ids) > 1 else found


# --- changes ------------------------------------------------------------------------------------


@fault("a_schedule_is_made_once")
class TheSecondMakingReplaces(Faulty):
    async def put_schedule(self, schedule: ScheduleRecord) -> ScheduleRecord | None:
        present = self._schedules.get(schedule.id)
        if present is not None and schedule.version == 0:
            schedule = replace(schedule, version=present.version)
        return await super().put_schedule(schedule)


@fault("a_change_needs_the_version_that_was_read")
class TheLatestChangeWins(Faulty):
    async def put_schedule(self, schedule: ScheduleRecord) -> ScheduleRecord | None:
        present = self._schedules.get(schedule.id)
        if present is not None and schedule.version:
            schedule = replace(schedule, version=present.version)
        return await super().put_schedule(schedule)


@fault("a_change_needs_the_version_that_was_read", "a_deleted_schedule_is_gone")
class AChangeMakesWhatIsGone(Faulty):
    async def put_schedule(self, schedule: ScheduleRecord) -> ScheduleRecord | None:
        if schedule.id not in self._schedules:
            schedule = replace(schedule, version=0)
        return await super().put_schedule(schedule)


@fault("a_change_does_not_set_last_fired_back")
class AChangeSetsLastFiredBack(Faulty):
    async def put_schedule(self, schedule: ScheduleRecord) -> ScheduleRecord | None:
        stored = await super().put_schedule(schedule)
        if stored is not None:
            stored = replace(stored, last_fired=schedule.last_fired)
            self._schedules[stored.id] = stored
        return stored


@fault("a_deduplication_key_is_one_schedule")
class ADeduplicationKeyMakesAnother(Faulty):
    async def put_schedule(self, schedule: ScheduleRecord) -> ScheduleRecord | None:
        if schedule.version == 0 and schedule.deduplication_key is not None:
            schedule = replace(schedule, id=new_id("sched"))
        return await super().put_schedule(schedule)


@fault("a_deleted_schedule_is_gone")
class EveryDeleteSaysTrue(Faulty):
    async def delete_schedule(self, schedule_id: str) -> bool:
        await super().delete_schedule(schedule_id)
        return True


@fault("a_deleted_schedule_is_gone")
class ADeleteOnlyStopsTheSchedule(Faulty):
    async def delete_schedule(self, schedule_id: str) -> bool:
        present = self._schedules.get(schedule_id)
        if present is None:
            return False
        self._schedules[schedule_id] = replace(present, active=False, next_at=None)
        return True


# --- lists --------------------------------------------------------------------------------------


@fault("schedules_are_listed_in_the_order_of_their_making")
class AChangeMovesAScheduleInTheList(Faulty):
    async def put_schedule(self, schedule: ScheduleRecord) -> ScheduleRecord | None:
        stored = await super().put_schedule(schedule)
        if stored is not None:
            del self._schedules[stored.id]
            self._schedules[stored.id] = stored
            self._places[stored.id] = next(self._next_place)
        return stored


@fault("schedules_are_listed_in_the_order_of_their_making")
class SchedulesOfAllTasksAreListed(Faulty):
    async def list_schedules(
        self, tasks: frozenset[str] | None, *, cursor: Any, limit: int
    ) -> Page[ScheduleRecord]:
        return await super().list_schedules(None, cursor=cursor, limit=limit)


@fault("schedules_are_listed_in_the_order_of_their_making")
class TheFirstPageOfSchedulesIsTheLast(Faulty):
    async def list_schedules(
        self, tasks: frozenset[str] | None, *, cursor: Any, limit: int
    ) -> Page[ScheduleRecord]:
        page = await super().list_schedules(tasks, cursor=cursor, limit=limit)
        return replace(page, cursor=None)


class _LooksAtAll(Faulty):
    """Looks at every schedule for the next ticks, and leaves one question out."""

    def is_next(self, schedule: ScheduleRecord, tasks: frozenset[str]) -> bool:
        return schedule.active and schedule.next_at is not None and schedule.task_id in tasks

    async def next_schedules(
        self, tasks: frozenset[str], *, limit: int
    ) -> Sequence[ScheduleRecord]:
        found = [one for one in self._schedules.values() if self.is_next(one, tasks)]
        return self.in_order(found)[:limit]

    def in_order(self, schedules: list[ScheduleRecord]) -> list[ScheduleRecord]:
        return sorted(schedules, key=lambda one: (one.next_at is None, one.next_at))


@fault("the_schedule_that_is_due_first_comes_first")
class InactiveSchedulesAreDue(_LooksAtAll):
    def is_next(self, schedule: ScheduleRecord, tasks: frozenset[str]) -> bool:
        return super().is_next(replace(schedule, active=True), tasks)


@fault("the_schedule_that_is_due_first_comes_first")
class SchedulesOfAllTasksAreDue(_LooksAtAll):
    def is_next(self, schedule: ScheduleRecord, tasks: frozenset[str]) -> bool:
        return super().is_next(schedule, tasks | {schedule.task_id})


@fault("the_schedule_that_is_due_first_comes_first")
class TheScheduleThatWasMadeFirstComesFirst(_LooksAtAll):
    def in_order(self, schedules: list[ScheduleRecord]) -> list[ScheduleRecord]:
        return schedules


# --- ticks --------------------------------------------------------------------------------------


@fault("a_tick_moves_a_schedule_forward_and_never_back")
class TheLastWordOnATickCounts(Faulty):
    async def record_tick(
        self, schedule_id: str, *, at: datetime | None, next_at: datetime | None, version: int
    ) -> None:
        await super().record_tick(schedule_id, at=at, next_at=next_at, version=version)
        present = self._schedules.get(schedule_id)
        if present is not None and present.version == version:
            self._schedules[schedule_id] = replace(present, last_fired=at, next_at=next_at)


@fault("a_tick_moves_a_schedule_forward_and_never_back")
class ATickIsAChange(Faulty):
    """A tick raises the version of its schedule."""

    async def record_tick(self, schedule_id: str, **tick: Any) -> None:
        await super().record_tick(schedule_id, **tick)
        present = self._schedules.get(schedule_id)
        if present is not None:
            self._schedules[schedule_id] = replace(present, version=present.version + 1)


@fault("a_tick_does_not_undo_a_change")
class ATickUndoesAChange(Faulty):
    async def record_tick(self, schedule_id: str, **tick: Any) -> None:
        present = self._schedules.get(schedule_id)
        if present is not None:
            tick["version"] = present.version
        await super().record_tick(schedule_id, **tick)


@fault("a_tick_does_not_undo_a_change")
class ATickOfAnEarlierVersionIsLost(Faulty):
    async def record_tick(self, schedule_id: str, **tick: Any) -> None:
        present = self._schedules.get(schedule_id)
        if present is not None and present.version == tick["version"]:
            await super().record_tick(schedule_id, **tick)


@fault("a_deleted_schedule_is_gone")
class ATickOfADeletedScheduleIsAnError(Faulty):
    async def record_tick(self, schedule_id: str, **tick: Any) -> None:
        if schedule_id not in self._schedules:
            raise KeyError(schedule_id)
        await super().record_tick(schedule_id, **tick)


@fault(
    "a_tick_that_is_enqueued_twice_is_one_run",
    "a_tick_that_is_due_is_one_run_with_several_workers",
)
class EachSchedulerMakesItsOwnRun(Faulty):
    def asked(self, request: TriggerRequest, now: datetime) -> TriggerRequest:
        understood = super().asked(request, now)
        if understood.schedule_id is None:
            return understood
        return replace(understood, run_id=new_run_id())
