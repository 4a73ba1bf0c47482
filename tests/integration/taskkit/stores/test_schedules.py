"""Schedules: declared, made while the program runs, and their ticks."""

import asyncio
from typing import Any

import pytest

import taskkit
from taskkit import Context, Cron, ScheduledPayload, Worker, runs, schedules, task
from taskkit.errors import InvalidCronError, ScheduleNotFoundError
from taskkit.runtime import current_backend

pytestmark = pytest.mark.anyio
everywhere = pytest.mark.parametrize(
    "work", ["memory", "sqlite", "postgres", "temporal"], indirect=True
)


@everywhere
@pytest.mark.usefixtures("app")
async def test_a_schedule_is_made_changed_and_forgotten() -> None:
    @task(id="report")
    async def report(payload: ScheduledPayload) -> None: ...

    made = await schedules.create(
        task=report,
        cron="0 9 * * MON-FRI",
        timezone="Europe/Berlin",
        external_id="customer-1",
        deduplication_key="daily",
    )
    assert (made.task_id, made.cron, made.timezone) == (
        "report",
        "0 9 * * MON-FRI",
        "Europe/Berlin",
    )
    assert (made.type, made.active, made.external_id) == ("IMPERATIVE", True, "customer-1")
    assert made.next_run_at is not None
    assert made.next_run_at.astimezone(made.created_at.tzinfo).minute == 0
    assert await schedules.retrieve(made.id) == made

    same = await schedules.create(task="report", cron="0 10 * * *", deduplication_key="daily")
    assert (same.id, same.cron, same.timezone) == (made.id, "0 10 * * *", "UTC")
    other = await schedules.create(task=report, cron="@daily")
    assert [found.id async for found in schedules.list(task=report)] == [made.id, other.id]
    assert [found.id async for found in schedules.list(task="none")] == []

    changed = await schedules.update(other.id, cron="30 6 * * *", external_id="x")
    assert (changed.cron, changed.external_id) == ("30 6 * * *", "x")
    stopped = await schedules.deactivate(other.id)
    assert (stopped.active, stopped.next_run_at) == (False, None)
    going = await schedules.activate(other.id)
    assert going.active
    assert going.next_run_at is not None
    await schedules.delete(other.id)
    with pytest.raises(ScheduleNotFoundError, match=other.id):
        await schedules.retrieve(other.id)
    with pytest.raises(InvalidCronError):
        await schedules.create(task=report, cron="61 * * * *")
    with pytest.raises(InvalidCronError, match="Atlantis"):
        await schedules.create(task=report, cron="@daily", timezone="Atlantis")
    zones = await schedules.timezones(exclude_utc=True)
    assert "Europe/Berlin" in zones
    assert "UTC" not in zones


@everywhere
async def test_a_declared_schedule_is_there_while_the_code_says_so(work: Any) -> None:
    @schedules.task(id="nightly", cron=Cron("0 3 * * *", timezone="Europe/Berlin"))
    async def nightly() -> None: ...

    async with work():
        [found] = [one async for one in schedules.list()]
        assert (found.type, found.task_id, found.cron) == ("DECLARATIVE", "nightly", "0 3 * * *")
        assert (found.timezone, found.active) == ("Europe/Berlin", True)


async def test_a_tick_brings_what_it_is_for(app: Worker, due_now: Any) -> None:
    seen: asyncio.Future[ScheduledPayload] = asyncio.get_running_loop().create_future()

    @task(id="report")
    async def report(payload: ScheduledPayload) -> None:
        seen.set_result(payload)

    made = await schedules.create(
        task=report, cron="0 9 * * *", timezone="Europe/Berlin", external_id="customer-1"
    )
    await due_now(app, made.id)
    payload = await seen
    assert (payload.schedule_id, payload.external_id) == (made.id, "customer-1")
    assert (payload.timezone, payload.type) == ("Europe/Berlin", "IMPERATIVE")
    assert payload.last_timestamp is None
    assert payload.upcoming[0] == made.next_run_at
    [run] = [run async for run in runs.list(schedule=made.id)]
    await runs.poll(run.id)
    after = await schedules.retrieve(made.id)
    assert after.last_run_at == payload.timestamp
    assert after.next_run_at == made.next_run_at


async def test_a_tick_is_one_run_however_many_workers_there_are(url: str, due_now: Any) -> None:
    ran: list[str] = []
    all_ran = asyncio.Event()

    @task(id="report")
    async def report(ctx: Context) -> None:
        ran.append(ctx.run.id)
        if len(ran) >= 5:
            all_ran.set()

    apart = current_backend.new_home(url)  # with connections of its own, as in another process
    async with taskkit.worker(apart.backend, drain=5), taskkit.worker(url, drain=5) as app:
        assert app.backend is not apart.backend
        made = [await schedules.create(task=report, cron="0 9 * * *") for _ in range(5)]
        for schedule in made:
            await due_now(app, schedule.id)
        await all_ran.wait()
        found = [[run.id async for run in runs.list(schedule=one.id)] for one in made]
    assert sorted(ran) == sorted(run_id for [run_id] in found)
