"""Ticks become runs: when, how often, and what they are given."""

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import taskkit
from taskkit import (
    Context,
    Cron,
    Queue,
    Retry,
    RunStatus,
    ScheduledPayload,
    runs,
    schedules,
    task,
)
from taskkit.backends.base import Capability, Now
from taskkit.backends.memory import MemoryBackend
from taskkit.definition.registry import REGISTRY
from taskkit.engine.tick import Plan, plan, tick_run_id
from taskkit.errors import InvalidCronError, StoreUnavailableError, UnsupportedByBackendError
from taskkit.model.clock import sleep
from taskkit.model.exchange import Enqueued, ScheduleRecord
from taskkit.model.request import TriggerRequest
from taskkit.model.run import Run
from taskkit.session import Worker
from taskkit.testing import FakeClock

pytestmark = pytest.mark.anyio

START = datetime(2030, 1, 1, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def hours(*numbers: int) -> list[datetime]:
    return [START + number * HOUR for number in numbers]


def hourly(task_id: str = "hourly", pattern: str = "0 * * * *", **options: Any) -> list[datetime]:
    """Define a task that notes the moments it is given."""
    seen: list[datetime] = []

    @schedules.task(id=task_id, cron=pattern, **options)
    async def note(payload: ScheduledPayload) -> None:
        seen.append(payload.timestamp)

    return seen


async def all_runs(**where: Any) -> list[Run]:
    return [run async for run in runs.list(**where)][::-1]


async def the_schedule() -> schedules.Schedule:
    (found,) = [schedule async for schedule in schedules.list()]
    return found


# --- planning -----------------------------------------------------------------------------------


def record(**fields: Any) -> ScheduleRecord:
    ordinary: dict[str, Any] = {
        "id": "sched_1",
        "task_id": "hourly",
        "pattern": "0 * * * *",
        "timezone": "UTC",
        "kind": "IMPERATIVE",
        "created_at": START,
        "next_at": START + HOUR,
    }
    return ScheduleRecord(**{**ordinary, **fields})


@pytest.mark.parametrize(
    ("fields", "now", "expected"),
    [
        ({}, 59, Plan(None, None, START + HOUR)),
        ({}, 60, Plan(START + HOUR, START + HOUR, START + 2 * HOUR)),
        ({}, 119, Plan(START + HOUR, START + HOUR, START + 2 * HOUR)),
        ({}, 120, Plan(START + 2 * HOUR, START + HOUR, START + 3 * HOUR)),
        ({}, 365 * 24 * 60 + 30, Plan(START + 365 * DAY, START + HOUR, START + 365 * DAY + HOUR)),
        ({"next_at": None}, 600, Plan(None, None, None)),
        # changed by somebody who had read it before its last tick
        ({"last_fired": START + HOUR}, 90, Plan(None, None, START + 2 * HOUR)),
        (
            {"last_fired": START + HOUR},
            120,
            Plan(START + 2 * HOUR, START + 2 * HOUR, START + 3 * HOUR),
        ),
    ],
)
def test_plan(fields: dict[str, Any], now: int, expected: Plan) -> None:
    assert plan(record(**fields), START + timedelta(minutes=now)) == expected


def test_a_plan_ends_with_the_calendar() -> None:
    end = datetime(9999, 12, 31, 23, tzinfo=UTC)
    assert plan(record(next_at=end), end) == Plan(end, end, None)
    assert plan(record(next_at=end, last_fired=end), end) == Plan(None, None, None)


def test_the_run_of_a_tick_has_one_id_everywhere() -> None:
    assert tick_run_id("sched_1", START) == tick_run_id("sched_1", START.astimezone(BERLIN))
    ids = {tick_run_id(name, moment) for name in ("a", "b") for moment in hours(0, 1)}
    assert len(ids) == 4


# --- time passes --------------------------------------------------------------------------------


async def test_thirty_days_of_an_hourly_schedule_in_under_a_second(
    app: Worker, clock: FakeClock
) -> None:
    """At midnight a run holds the one slot until half past one; the ticks of one o'clock expire."""
    starts: list[tuple[datetime, int, datetime]] = []

    retry = Retry(3, 60, 120, 2, randomize=False)

    @schedules.task(cron="0 * * * *", ttl="20m", retry=retry, max_duration="2h")
    async def work(payload: ScheduledPayload, ctx: Context) -> None:
        starts.append((payload.timestamp, ctx.attempt.number, clock.now()))
        if payload.timestamp.hour == 0:
            await sleep(clock, 5400)
        if payload.timestamp.hour == 5:
            raise ValueError("broken")
        if payload.timestamp.hour == 3 and ctx.attempt.number < 3:
            raise ValueError("not yet")

    began = time.process_time()
    await clock.advance(30 * DAY + timedelta(minutes=59))
    took = time.process_time() - began

    planned = hours(*range(1, 30 * 24 + 1))
    expected = [
        (moment, attempt, moment + timedelta(seconds=(0, 60, 180)[attempt - 1]))
        for moment in planned
        if moment.hour != 1 or moment == START + HOUR
        for attempt in ((1, 2, 3) if moment.hour in {3, 5} else (1,))
    ]
    assert starts == expected
    found = await all_runs()
    assert [run.created_at for run in found] == planned
    statuses = [run.status for run in found]
    assert [statuses.count(status) for status in ("EXPIRED", "FAILED", "EXECUTING")] == [29, 30, 1]
    assert statuses.count(RunStatus.COMPLETED) == 720 - 60
    assert took < 1


async def test_ticks_of_several_schedules_come_in_order(app: Worker, clock: FakeClock) -> None:
    seen: list[tuple[str, datetime]] = []

    def note(task_id: str, pattern: str) -> None:
        @schedules.task(id=task_id, cron=pattern)
        async def work(payload: ScheduledPayload, ctx: Context) -> None:
            seen.append((ctx.task.id, payload.timestamp))

    for task_id, pattern in (("a", "*/20 * * * *"), ("b", "30 * * * *"), ("c", "10,50 * * * *")):
        note(task_id, pattern)
    await clock.advance("1h")
    minutes = [(task_id, (moment - START).total_seconds() / 60) for task_id, moment in seen]
    assert minutes == [("c", 10), ("a", 20), ("b", 30), ("a", 40), ("c", 50), ("a", 60)]


async def test_a_tick_comes_neither_early_nor_late(app: Worker, clock: FakeClock) -> None:
    seen = hourly()
    await clock.advance(3599.999)
    assert seen == []
    await clock.advance(0.001)
    assert seen == hours(1)


@pytest.mark.parametrize(
    ("pattern", "start", "expected"),
    [
        # the clocks of Berlin skip 02:00 to 03:00 on 31 March 2030, and repeat it on 27 October
        ("30 2 * * *", datetime(2030, 3, 30, 12, tzinfo=UTC), ["31T03:00+02:00", "01T02:30+02:00"]),
        (
            "30 2 * * *",
            datetime(2030, 10, 26, 12, tzinfo=UTC),
            ["27T02:30+02:00", "28T02:30+01:00"],
        ),
        (
            "0 * * * *",
            datetime(2030, 10, 26, 23, 30, tzinfo=UTC),
            ["27T02:00+02:00", "27T02:00+01:00", "27T03:00+01:00"],
        ),
    ],
)
async def test_clock_changes(pattern: str, start: datetime, expected: list[str]) -> None:
    clock = FakeClock(start)
    seen: list[datetime] = []

    @schedules.task(cron=Cron(pattern, "Europe/Berlin"))
    async def work(payload: ScheduledPayload) -> None:
        assert payload.timestamp == clock.now()
        seen.append(payload.timestamp)

    async with taskkit.local(clock=clock):
        await clock.advance("2d")
    shown = [moment.astimezone(BERLIN).isoformat(timespec="minutes")[8:] for moment in seen]
    assert shown[: len(expected)] == expected


async def test_runs_of_one_schedule_may_overlap(clock: FakeClock) -> None:
    running: list[int] = []
    most = 0

    @schedules.task(cron="0 * * * *", max_duration="2h")
    async def work(payload: ScheduledPayload) -> None:
        nonlocal most
        running.append(payload.timestamp.hour)
        most = max(most, len(running))
        await sleep(clock, 5400)
        running.remove(payload.timestamp.hour)

    async with taskkit.local(clock=clock):
        await clock.advance("4h")
    assert most == 2


async def test_a_stopped_worker_fires_no_more(clock: FakeClock) -> None:
    seen = hourly()
    async with taskkit.local(clock=clock):
        await clock.advance("1h")
    await clock.advance("5h")
    assert seen == hours(1)


async def test_the_scheduler_of_real_time_looks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hint may be lost, and the wall clock may be set: nothing but time passing must be enough."""
    from taskkit.engine import scheduler

    monkeypatch.setattr(scheduler, "_LOOK_AGAIN", 0.01)
    fired = asyncio.Event()

    @task()
    async def work() -> None:
        fired.set()

    async with taskkit.local() as app:
        assert isinstance(app.backend, MemoryBackend)
        made = await schedules.create(task=work, cron="@yearly")
        stored = app.backend._schedules[made.id]
        app.backend._schedules[made.id] = replace(stored, next_at=START.replace(year=2020))
        await fired.wait()


# --- what a tick is given -----------------------------------------------------------------------


async def test_payload_and_context_of_a_declared_schedule(app: Worker, clock: FakeClock) -> None:
    seen: list[tuple[ScheduledPayload, Any]] = []

    @schedules.task(id="work", cron=Cron("0 */6 * * *", "Asia/Tokyo"))
    async def work(payload: ScheduledPayload, ctx: Context) -> None:
        seen.append((payload, ctx.schedule))

    await clock.advance("12h")
    schedule = await the_schedule()
    (first, told), (second, _) = seen
    moments = hours(3, 9, 15, 21, 27, 33, 39)
    assert first == ScheduledPayload(
        timestamp=moments[0],
        last_timestamp=None,
        timezone="Asia/Tokyo",
        schedule_id=schedule.id,
        type="DECLARATIVE",
        external_id=None,
        upcoming=moments[1:6],
    )
    assert (second.timestamp, second.last_timestamp, second.upcoming) == (
        moments[1],
        moments[0],
        moments[2:7],
    )
    assert (told.id, told.pattern, told.timezone) == (schedule.id, "0 */6 * * *", "Asia/Tokyo")
    assert [run.schedule_id for run in await all_runs(schedule=schedule.id)] == [schedule.id] * 2
    assert await all_runs(schedule="sched_other") == []


async def test_payload_and_context_of_a_dynamic_schedule(app: Worker, clock: FakeClock) -> None:
    seen: list[tuple[ScheduledPayload, Any]] = []

    @task()
    async def remind(payload: ScheduledPayload, ctx: Context) -> None:
        seen.append((payload, ctx.schedule))

    made = await schedules.create(
        task=remind, cron="0 9 * * *", timezone="Europe/Berlin", external_id="user 7"
    )
    await clock.advance("1d")
    ((payload, told),) = seen
    assert (payload.type, payload.timezone, payload.external_id, payload.schedule_id) == (
        "IMPERATIVE",
        "Europe/Berlin",
        "user 7",
        made.id,
    )
    assert (told.id, told.timezone, told.external_id) == (made.id, "Europe/Berlin", "user 7")


async def test_a_task_without_a_payload_can_be_scheduled(app: Worker, clock: FakeClock) -> None:
    seen: list[Any] = []

    @task()
    async def work(ctx: Context) -> None:
        seen.append(ctx.schedule)

    made = await schedules.create(task="work", cron="@hourly")
    await clock.advance("1h")
    assert [told.id for told in seen] == [made.id]


async def test_a_scheduled_task_needs_no_payload(clock: FakeClock) -> None:
    seen: list[Any] = []

    @schedules.task(cron="@hourly")
    def tick() -> None:
        seen.append("tick")

    @schedules.task(cron="@hourly")
    async def told(ctx: Context) -> None:
        seen.append(ctx.schedule is not None)

    async with taskkit.local(clock=clock):
        await clock.advance("1h")
        await (await tick.trigger()).result()
    assert sorted(map(str, seen)) == ["True", "tick", "tick"]


async def test_a_triggered_run_of_a_scheduled_task_has_no_schedule(app: Worker) -> None:
    @schedules.task(cron="@daily")
    async def work(payload: ScheduledPayload, ctx: Context) -> bool:
        return ctx.schedule is None

    handle = await work.trigger(ScheduledPayload(timestamp=START, schedule_id="by hand"))
    assert (await handle.result()).unwrap() is True


async def test_ticks_belong_to_no_run_wherever_the_worker_was_started(
    app: Worker, clock: FakeClock
) -> None:
    seen = hourly()

    @task()
    async def outer() -> list[str | None]:
        inner_clock = FakeClock(START)
        async with taskkit.local(clock=inner_clock) as inner:
            await inner_clock.advance("1h")
            (run,) = await _kept(inner)
            return [run.parent_id, run.root_id]

    handle = await outer.trigger()
    assert (await handle.result()).unwrap() == [None, None]
    assert seen == hours(1)


async def _kept(worker: Worker) -> Sequence[Run]:
    assert isinstance(worker.backend, MemoryBackend)
    return [record.copy() for record in worker.backend._records.values()]


# --- catching up --------------------------------------------------------------------------------


async def test_one_late_tick_then_the_next(
    serve: Any, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    seen, backend = hourly(), MemoryBackend()
    async with serve(backend, clock=clock):
        await clock.advance("2h")
    await clock.advance("5h30m")
    async with serve(backend, clock=clock):
        await clock.settle()
        assert seen == hours(1, 2, 7)
        assert "missed its ticks from 2030-01-01 03:00:00+00:00 on: only the last" in caplog.text
        await clock.advance("30m")
        assert seen == hours(1, 2, 7, 8)
        (run,) = await all_runs(since=START + 7.5 * HOUR, until=START + 7.5 * HOUR)
        assert run.output is None
        assert (await the_schedule()).last_run_at == START + 8 * HOUR


async def test_the_payload_of_a_late_tick_tells_the_planned_moments(
    serve: Any, clock: FakeClock
) -> None:
    payloads: list[ScheduledPayload] = []

    @schedules.task(cron="0 * * * *")
    async def work(payload: ScheduledPayload) -> None:
        payloads.append(payload)

    backend = MemoryBackend()
    async with serve(backend, clock=clock):
        await clock.advance("1h")
    await clock.advance("3h30m")
    async with serve(backend, clock=clock):
        await clock.settle()
    late = payloads[-1]
    assert [late.timestamp, late.last_timestamp, *late.upcoming[:2]] == hours(4, 1, 5, 6)


async def test_a_single_late_tick_is_told(
    serve: Any, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    seen, backend = hourly(), MemoryBackend()
    async with serve(backend, clock=clock):
        await clock.settle()
    await clock.advance("1h10m")
    async with serve(backend, clock=clock):
        await clock.settle()
    assert seen == hours(1)
    assert "the tick of 2030-01-01 01:00:00+00:00 comes late" in caplog.text


async def test_a_pause_without_a_tick_changes_nothing(
    serve: Any, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    seen, backend = hourly(), MemoryBackend()
    for _ in range(4):
        async with serve(backend, clock=clock):
            await clock.advance("20m")
    assert seen == hours(1)
    assert not [entry for entry in caplog.records if entry.levelno >= logging.WARNING]


async def test_ten_years_of_missed_minutes_are_one_tick(serve: Any) -> None:
    clock, backend = FakeClock(START), MemoryBackend()
    seen = hourly(pattern="* * * * *")
    async with serve(backend, clock=clock):
        await clock.settle()
    await clock.advance(3650 * DAY)
    began = time.process_time()
    async with serve(backend, clock=clock):
        await clock.settle()
    assert seen == [START + 3650 * DAY]
    assert time.process_time() - began < 1


# --- many schedulers, and failures --------------------------------------------------------------


async def test_several_workers_make_one_run_of_a_tick(serve: Any, clock: FakeClock) -> None:
    seen, backend = hourly(), MemoryBackend()
    async with AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(serve(backend, clock=clock))
        await clock.advance("1d")
        assert seen == hours(*range(1, 25))
        assert len(await all_runs()) == 24


class Unreliable(MemoryBackend):
    """Fails when it is told to, before or after it has done what it was asked for."""

    failing = ""

    async def enqueue(
        self, requests: Sequence[TriggerRequest], *, batch_id: str | None, now: Now
    ) -> Sequence[Enqueued]:
        self._fail("before enqueue")
        return await super().enqueue(requests, batch_id=batch_id, now=now)

    async def record_tick(self, *args: Any, **more: Any) -> None:
        self._fail("before record_tick")
        await super().record_tick(*args, **more)
        self._fail("after record_tick")

    def _fail(self, where: str) -> None:
        if self.failing == where:
            self.failing = ""
            raise StoreUnavailableError("the store is gone")


@pytest.mark.parametrize("where", ["before enqueue", "before record_tick", "after record_tick"])
async def test_a_store_that_fails_loses_and_doubles_no_tick(
    serve: Any, clock: FakeClock, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    seen, backend = hourly(), Unreliable()
    async with serve(backend, clock=clock):
        await clock.advance("30m")
        backend.failing = where
        await clock.advance("30m1s")
        assert "wait for the store" in caplog.text
        await clock.advance("1h")
        assert seen == hours(1, 2)
        assert len(await all_runs()) == 2


async def test_a_tick_that_a_full_queue_refuses_is_told_and_left_out(
    app: Worker, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[datetime] = []

    narrow = Queue("narrow", max_length=1)

    @schedules.task(id="slow", cron="0 * * * *", queue=narrow, max_duration="4h")
    async def slow(payload: ScheduledPayload) -> None:
        seen.append(payload.timestamp)
        await sleep(clock, 3.5 * 3600)

    await clock.advance("6h")
    assert seen == [START + HOUR, START + 2 * HOUR]
    assert "the tick of 2030-01-01 03:00:00+00:00 is left out" in caplog.text
    assert "QueueFullError" in caplog.text


async def test_a_schedule_that_cannot_be_read_does_not_stop_the_others(
    app: Worker, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    seen = hourly()
    assert isinstance(app.backend, MemoryBackend)
    broken = record(id="sched_broken", pattern="every full moon", next_at=START + HOUR / 2)
    await app.backend.put_schedule(broken)
    await clock.advance("2h")
    assert seen == hours(1, 2)
    assert "schedule sched_broken of task hourly stops" in caplog.text
    (stored,) = await app.backend.get_schedules(["sched_broken"])
    assert stored is not None
    assert (stored.next_at, stored.last_fired) == (None, None)


async def test_schedules_of_unknown_tasks_wait_for_a_worker_that_knows_them(
    serve: Any, clock: FakeClock
) -> None:
    backend = MemoryBackend()
    with REGISTRY.isolated():
        hourly("elsewhere")
        async with serve(backend, clock=clock):
            await clock.settle()
    async with serve(backend, clock=clock):
        await clock.advance("3h")
        assert await all_runs() == []
    seen = hourly("elsewhere")
    async with serve(backend, clock=clock):
        await clock.advance("1h")
    assert seen == hours(3, 4)


# --- what the code declares ---------------------------------------------------------------------


async def test_a_declared_schedule_is_there_when_the_worker_is(app: Worker, serve: Any) -> None:
    hourly()
    async with taskkit.local():
        schedule = await the_schedule()
    assert (schedule.task_id, schedule.cron, schedule.type) == (
        "hourly",
        "0 * * * *",
        "DECLARATIVE",
    )


async def test_a_task_that_is_defined_later_is_scheduled(app: Worker, clock: FakeClock) -> None:
    await clock.advance("10m")
    await asyncio.to_thread(hourly)  # as an import in another thread does
    seen = hourly()
    await clock.advance("2h")
    assert seen == hours(1, 2)


async def test_a_new_pattern_replaces_the_old_one(serve: Any, clock: FakeClock) -> None:
    backend = MemoryBackend()
    with REGISTRY.isolated():
        seen = hourly()
        async with serve(backend, clock=clock):
            await clock.advance("1h")
            before = await the_schedule()
    later = hourly(pattern="30 * * * *")
    async with serve(backend, clock=clock):
        await clock.advance("2h")
        after = await the_schedule()
    assert seen == hours(1)
    assert later == [START + 1.5 * HOUR, START + 2.5 * HOUR]
    assert (after.id, after.cron, after.created_at) == (before.id, "30 * * * *", START)


async def test_a_new_pattern_does_not_catch_up(serve: Any, clock: FakeClock) -> None:
    backend = MemoryBackend()
    with REGISTRY.isolated():
        hourly()
        async with serve(backend, clock=clock):
            await clock.settle()
    await clock.advance("5h")
    later = hourly(pattern="30 * * * *")
    async with serve(backend, clock=clock):
        await clock.settle()
        assert later == []


async def test_a_schedule_that_has_left_the_code_is_deleted(serve: Any, clock: FakeClock) -> None:
    backend = MemoryBackend()
    with REGISTRY.isolated():
        hourly()
        async with serve(backend, clock=clock):
            await clock.advance("1h")

    @task(id="hourly")
    async def plain() -> None: ...

    async with serve(backend, clock=clock):
        assert [schedule async for schedule in schedules.list()] == []
        await clock.advance("5h")
        assert len(await all_runs()) == 1


async def test_a_dynamic_schedule_of_a_task_outlives_its_declared_one(
    serve: Any, clock: FakeClock
) -> None:
    backend = MemoryBackend()
    with REGISTRY.isolated():
        hourly()
        async with serve(backend, clock=clock):
            made = await schedules.create(task="hourly", cron="@daily")

    @task(id="hourly")
    async def plain() -> None: ...

    async with serve(backend, clock=clock):
        assert await the_schedule() == made


class Scheduleless(MemoryBackend):
    capabilities = MemoryBackend.capabilities - {Capability.SCHEDULES}


async def test_a_backend_without_schedules_refuses_a_scheduled_task(serve: Any) -> None:
    async with serve(Scheduleless()):
        with pytest.raises(UnsupportedByBackendError, match="SCHEDULES"):
            await schedules.retrieve("sched_1")
    hourly()
    with pytest.raises(UnsupportedByBackendError, match=r"schedule of task 'hourly'.*SCHEDULES"):
        async with serve(Scheduleless()):
            pass


def test_a_stored_pattern_that_cannot_be_read_is_an_error_of_the_plan() -> None:
    with pytest.raises(InvalidCronError):
        plan(record(pattern="every full moon"), START + HOUR)
