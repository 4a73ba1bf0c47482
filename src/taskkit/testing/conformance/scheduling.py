"""Schedules: kept, changed by one at a time, and each tick one run."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from taskkit import schedules
from taskkit.backends.base import Capability, SupportsSchedules
from taskkit.decorator import task
from taskkit.definition.context import Context
from taskkit.definition.schedule import ScheduledPayload
from taskkit.engine.tick import tick_run_id
from taskkit.model.exchange import ScheduleRecord
from taskkit.model.ids import new_id
from taskkit.runtime.current_backend import choose
from taskkit.testing.conformance.check import CheckFailedError, check, expect
from taskkit.testing.conformance.serving import own_tasks, working
from taskkit.testing.conformance.trial import OTHER_TASK, TASK, Trial

_SCHEDULES = Capability.SCHEDULES
_BOTH = frozenset({TASK, OTHER_TASK})
_POLL_EVERY = 0.02


def _store(trial: Trial) -> SupportsSchedules:
    return cast("SupportsSchedules", trial.backend)


def _new(trial: Trial, **fields: Any) -> ScheduleRecord:
    """An hourly schedule that was not stored yet."""
    ordinary: dict[str, Any] = {
        "id": new_id("sched"),
        "task_id": TASK,
        "pattern": "0 * * * *",
        "timezone": "UTC",
        "kind": "IMPERATIVE",
        "created_at": trial.moment,
        "next_at": trial.after(3600),
    }
    return ScheduleRecord(**{**ordinary, **fields})


async def _put(trial: Trial, schedule: ScheduleRecord) -> ScheduleRecord:
    stored = await _store(trial).put_schedule(schedule)
    if stored is None:
        raise CheckFailedError(
            f"put_schedule of version {schedule.version}, which nobody has changed since",
            expected="the record as it is stored",
            came="None",
        )
    return stored


async def _added(trial: Trial, **fields: Any) -> ScheduleRecord:
    return await _put(trial, _new(trial, **fields))


async def _read(trial: Trial, schedule_id: str) -> ScheduleRecord:
    (record,) = await _store(trial).get_schedules([schedule_id])
    if record is None:
        raise CheckFailedError(f"get of {schedule_id}", expected="the schedule", came="None")
    return record


# --- keeping ------------------------------------------------------------------------------------


@check("SupportsSchedules.put_schedule", _SCHEDULES, protocol=SupportsSchedules)
async def a_new_schedule_comes_back_as_it_was_put(trial: Trial) -> None:
    """Everything that a record says is kept; stored for the first time it has version 1."""
    full = _new(
        trial,
        task_id=OTHER_TASK,
        pattern="30 9 * * MON-FRI",
        timezone="Europe/Berlin",
        kind="DECLARATIVE",
        external_id="caf\u00e9",
        deduplication_key="a key",
        last_fired=trial.after(-60.5),
    )
    off = _new(trial, active=False, next_at=None)
    for schedule in (full, off):
        expected = replace(schedule, version=1)
        expect("what put_schedule gives", await _put(trial, schedule), expected)
        expect("the schedule as it is read", await _read(trial, schedule.id), expected)


@check("SupportsSchedules.get_schedules", _SCHEDULES, protocol=SupportsSchedules)
async def schedules_are_read_in_order_with_none_for_the_unknown(trial: Trial) -> None:
    """Get gives the schedules in the order asked for, and None for an unknown id."""
    first, second = await _added(trial), await _added(trial)
    came = await _store(trial).get_schedules([second.id, new_id("sched"), first.id])
    expect("the schedules", list(came), [second, None, first])


@check("SupportsSchedules.put_schedule", _SCHEDULES, protocol=SupportsSchedules)
async def a_schedule_is_made_once(trial: Trial) -> None:
    """Of two that make a schedule of one id, the second is told None and changes nothing."""
    first = await _added(trial, external_id="first")
    again = await _store(trial).put_schedule(_new(trial, id=first.id, external_id="second"))
    expect("the second put of version 0", again, None)
    expect("the schedule", await _read(trial, first.id), first)


@check("SupportsSchedules.put_schedule", _SCHEDULES, protocol=SupportsSchedules)
async def a_change_needs_the_version_that_was_read(trial: Trial) -> None:
    """A put replaces only the version that it was made from; what is gone is not made again."""
    first = await _added(trial)
    second = await _put(trial, replace(first, pattern="5 * * * *", next_at=trial.after(300)))
    expect("the version and the pattern", (second.version, second.pattern), (2, "5 * * * *"))
    late = await _store(trial).put_schedule(replace(first, pattern="10 * * * *"))
    expect("a put of the version before", late, None)
    expect("the schedule", await _read(trial, first.id), second)
    unknown = await _store(trial).put_schedule(replace(first, id=new_id("sched")))
    expect("a put of version 1 under an unknown id", unknown, None)


@check("SupportsSchedules.delete_schedule", _SCHEDULES, protocol=SupportsSchedules)
async def a_deleted_schedule_is_gone(trial: Trial) -> None:
    """It is not read, listed or due; deleting it again says False; its id can be used again."""
    store, schedule = _store(trial), await _added(trial)
    kept = await _added(trial)
    expect("delete", await store.delete_schedule(schedule.id), True)
    expect("delete again", await store.delete_schedule(schedule.id), False)
    expect("get", list(await store.get_schedules([schedule.id])), [None])
    page = await store.list_schedules(None, cursor=None, limit=10)
    expect("the list", list(page.items), [kept])
    expect("what is due next", list(await store.next_schedules(_BOTH, limit=10)), [kept])
    expect("a put of its version", await store.put_schedule(schedule), None)
    await store.record_tick(schedule.id, at=trial.moment, next_at=None, version=1)
    again = await _added(trial, id=schedule.id)
    expect("version and last_fired of a new one", (again.version, again.last_fired), (1, None))


@check("SupportsSchedules.list_schedules", _SCHEDULES, protocol=SupportsSchedules)
async def schedules_are_listed_in_the_order_of_their_making(trial: Trial) -> None:
    """Page by page, those of the tasks that are asked for; a change does not move a schedule."""
    store = _store(trial)
    made = [await _added(trial, task_id=TASK if n % 2 else OTHER_TASK) for n in range(5)]
    made[0] = await _put(trial, replace(made[0], external_id="changed", active=False))
    pages: list[list[ScheduleRecord]] = []
    cursor: int | str | None = None
    for _ in range(3):
        page = await store.list_schedules(None, cursor=cursor, limit=2)
        pages.append(list(page.items))
        cursor = page.cursor
    expect("three pages of 2", pages, [made[:2], made[2:4], made[4:]])
    expect("the cursor after the last page", cursor, None)
    mine = await store.list_schedules(frozenset({TASK}), cursor=None, limit=2)
    expect("the list of one task", (list(mine.items), mine.cursor), (made[1::2], None))


# --- ticks --------------------------------------------------------------------------------------


@check("SupportsSchedules.next_schedules", _SCHEDULES, protocol=SupportsSchedules)
async def the_schedule_that_is_due_first_comes_first(trial: Trial) -> None:
    """Next gives active schedules of these tasks by the moment of their next tick, up to the limit."""
    store = _store(trial)
    last = await _added(trial, next_at=trial.after(300))
    first = await _added(trial, next_at=trial.after(-100))
    await _added(trial, next_at=trial.after(-200), active=False)
    await _added(trial, next_at=None)
    other = await _added(trial, next_at=trial.after(-300), task_id=OTHER_TASK)
    mine = frozenset({TASK, "a task that has none"})
    expect("the next of one task", list(await store.next_schedules(mine, limit=9)), [first, last])
    came = list(await store.next_schedules(_BOTH, limit=2))
    expect("the next two of all", came, [other, first])
    expect("the next of no task", list(await store.next_schedules(frozenset(), limit=9)), [])


@check("SupportsSchedules.record_tick", _SCHEDULES, protocol=SupportsSchedules)
async def a_tick_moves_a_schedule_forward_and_never_back(trial: Trial) -> None:
    """`last_fired` and `next_at` follow the latest tick, in whatever order ticks are told; no new version."""
    store, schedule = _store(trial), await _added(trial)
    one, two, three = trial.after(3600), trial.after(7200), trial.after(10800)
    for at, following in ((two, three), (one, two), (None, one), (two, three)):
        await store.record_tick(schedule.id, at=at, next_at=following, version=1)
        expected = replace(schedule, last_fired=two, next_at=three)
        expect(f"the schedule after the tick of {at}", await _read(trial, schedule.id), expected)
    await store.record_tick(schedule.id, at=three, next_at=None, version=1)
    expected = replace(schedule, last_fired=three, next_at=None)
    expect("after the last tick of all", await _read(trial, schedule.id), expected)
    expect("what is due next", list(await store.next_schedules(_BOTH, limit=9)), [])


@check("SupportsSchedules.record_tick", _SCHEDULES, protocol=SupportsSchedules)
async def a_tick_does_not_undo_a_change(trial: Trial) -> None:
    """A tick that was planned before a change counts as fired, and leaves `next_at` as the change put it."""
    store, first = _store(trial), await _added(trial)
    changed = await _put(trial, replace(first, pattern="5 * * * *", next_at=trial.after(300)))
    await store.record_tick(
        first.id, at=trial.after(60), next_at=trial.after(7200), version=first.version
    )
    expected = replace(changed, last_fired=trial.after(60))
    expect("the schedule", await _read(trial, first.id), expected)


@check("SupportsSchedules.put_schedule", _SCHEDULES, protocol=SupportsSchedules)
async def a_change_does_not_set_last_fired_back(trial: Trial) -> None:
    """A change that was made from a record without the latest tick keeps that tick."""
    store, schedule = _store(trial), await _added(trial)
    await store.record_tick(schedule.id, at=trial.after(3600), next_at=trial.after(7200), version=1)
    changed = await _put(trial, replace(schedule, external_id="changed"))
    came = (changed.external_id, changed.last_fired)
    expect("what put_schedule gives", came, ("changed", trial.after(3600)))
    expect("the schedule", await _read(trial, schedule.id), changed)


@check("Backend.enqueue", _SCHEDULES, protocol=SupportsSchedules)
async def a_tick_that_is_enqueued_twice_is_one_run(trial: Trial) -> None:
    """Two schedulers that see one tick make one run, which knows its schedule."""
    run_id = tick_run_id("sched_1", trial.moment)
    answers = [
        (await trial.enqueue(trial.request(run_id=run_id, schedule_id="sched_1")))[0]
        for _ in range(2)
    ]
    came = [(answer.run_id, answer.disposition) for answer in answers]
    expect("the answers", came, [(run_id, "created"), (run_id, "existing")])
    expect("the schedule of the run", (await trial.run(run_id)).schedule_id, "sched_1")


# --- the whole way ------------------------------------------------------------------------------


@check("SupportsSchedules.put_schedule", _SCHEDULES, protocol=SupportsSchedules)
async def a_deduplication_key_is_one_schedule(trial: Trial) -> None:
    """`schedules.create` with the same key updates the schedule that was made with it."""
    with own_tasks(), choose(trial.home):

        @task(id=TASK)
        async def scheduled() -> None:
            return None

        first = await schedules.create(task=scheduled, cron="@daily", deduplication_key="key")
        again = await schedules.create(
            task=scheduled, cron="@hourly", external_id="x", deduplication_key="key"
        )
        other = await schedules.create(task=scheduled, cron="@daily", deduplication_key="else")
        listed = [one async for one in schedules.list()]
    expect("the id", again.id, first.id)
    expect("pattern and external id", (again.cron, again.external_id), ("@hourly", "x"))
    expect("the list", listed, [again, other])


class _Seen:
    """A task that notes what it is given, and a yearly schedule of it that was due two hours ago."""

    def __init__(self) -> None:
        self.due = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=2)
        self.given: list[tuple[datetime, str | None]] = []
        self._any = asyncio.Event()

        @task(id=TASK)
        async def scheduled(payload: ScheduledPayload, ctx: Context) -> None:
            schedule = ctx.schedule
            self.given.append((payload.timestamp, None if schedule is None else schedule.id))
            self._any.set()

        self.task = scheduled

    def record(self, trial: Trial) -> ScheduleRecord:
        due = self.due
        pattern = f"{due.minute} {due.hour} {due.day} {due.month} *"
        return _new(trial, pattern=pattern, next_at=due)

    async def recorded(self, trial: Trial, schedule_id: str) -> ScheduleRecord:
        """The schedule, once a scheduler has said that it fired, and the task was entered."""
        await self._any.wait()
        self._any.clear()
        record = await _read(trial, schedule_id)
        while record.last_fired is None:
            await asyncio.sleep(_POLL_EVERY)
            record = await _read(trial, schedule_id)
        return record


@check("Backend.serve", _SCHEDULES, protocol=SupportsSchedules)
async def a_tick_that_is_due_is_one_run_with_several_workers(trial: Trial) -> None:
    """Workers that start late catch up with the last tick that was missed, together once."""
    with own_tasks():
        seen = _Seen()
        schedule = await _put(trial, seen.record(trial))
        async with working(trial), working(trial), working(trial):
            record = await seen.recorded(trial, schedule.id)
    expect("what the task was given", seen.given, [(seen.due, schedule.id)])
    expect("last_fired", record.last_fired, seen.due)
    expect("next_at lies ahead", record.next_at is not None and record.next_at > seen.due, True)
    run = await trial.run(tick_run_id(schedule.id, seen.due))
    expect("the run of the tick", (run.status, run.schedule_id), ("COMPLETED", schedule.id))


@check("Backend.watch", _SCHEDULES, protocol=SupportsSchedules)
async def a_worker_hears_of_a_new_schedule(trial: Trial) -> None:
    """A schedule that is put while a worker serves fires without waiting for anything else to happen."""
    with own_tasks():
        seen = _Seen()
        async with working(trial):
            first = await _put(trial, seen.record(trial))
            await seen.recorded(trial, first.id)
            await asyncio.sleep(_POLL_EVERY)  # the scheduler has nothing to do any more
            second = await _put(trial, seen.record(trial))
            await seen.recorded(trial, second.id)
    came = [schedule_id for _, schedule_id in seen.given]
    expect("the schedules that fired", came, [first.id, second.id])
