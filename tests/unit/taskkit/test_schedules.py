"""`schedules`: made, read, changed and deleted while the program runs."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import BaseModel

import taskkit
from taskkit import Context, Cron, ScheduledPayload, schedules, task
from taskkit.backends.memory import MemoryBackend
from taskkit.errors import (
    BackendError,
    BackendNotConfiguredError,
    InvalidCronError,
    InvalidOptionError,
    ScheduleNotFoundError,
    SyncInAsyncError,
    TaskNotFoundError,
)
from taskkit.model.exchange import ScheduleRecord
from taskkit.schedules import Schedule
from taskkit.session import Worker
from taskkit.testing import FakeClock

pytestmark = pytest.mark.anyio

START = datetime(2030, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def seen() -> list[ScheduledPayload]:
    return []


@pytest.fixture
def work(seen: list[ScheduledPayload], app: Worker) -> Any:
    @task(id="work")
    async def work(payload: ScheduledPayload) -> None:
        seen.append(payload)

    return work


def hours_of(seen: list[ScheduledPayload]) -> list[float]:
    return [(payload.timestamp - START) / HOUR for payload in seen]


async def listed(**where: Any) -> list[Schedule]:
    return [schedule async for schedule in schedules.list(**where)]


# --- making and reading -------------------------------------------------------------------------


async def test_create_says_what_was_made(work: Any) -> None:
    made = await schedules.create(
        task=work,
        cron="0 9 * * MON",
        timezone="Europe/Berlin",
        external_id="user 7",
        deduplication_key="user 7, mondays",
    )
    assert made == Schedule(
        id=made.id,
        task_id="work",
        cron="0 9 * * MON",
        timezone="Europe/Berlin",
        type="IMPERATIVE",
        active=True,
        external_id="user 7",
        deduplication_key="user 7, mondays",
        created_at=START,
        last_run_at=None,
        next_run_at=datetime(2030, 1, 7, 8, tzinfo=UTC),
    )
    assert await schedules.retrieve(made.id) == made
    assert await listed() == [made]


async def test_a_cron_brings_its_zone_and_a_task_may_be_an_id(work: Any) -> None:
    made = await schedules.create(task="work", cron=Cron("@daily", "Asia/Tokyo"))
    assert (made.cron, made.timezone) == ("@daily", "Asia/Tokyo")
    same = await schedules.create(task="work", cron=Cron("@daily", "UTC"), timezone="UTC")
    assert same.timezone == "UTC"
    with pytest.raises(InvalidOptionError, match="Cron that is given has 'Asia/Tokyo'"):
        await schedules.create(task="work", cron=Cron("@daily", "Asia/Tokyo"), timezone="UTC")


async def test_last_and_next_run_follow_the_ticks(work: Any, clock: FakeClock) -> None:
    made = await schedules.create(task=work, cron="@hourly")
    await clock.advance("90m")
    now = await schedules.retrieve(made.id)
    assert (now.last_run_at, now.next_run_at) == (START + HOUR, START + 2 * HOUR)


async def test_the_same_key_updates(
    work: Any, seen: list[ScheduledPayload], clock: FakeClock
) -> None:
    first = await schedules.create(task=work, cron="@hourly", deduplication_key="k")
    await clock.advance("30m")
    second = await schedules.create(
        task=work, cron="45 * * * *", external_id="x", deduplication_key="k"
    )
    assert (second.id, second.created_at) == (first.id, first.created_at)
    assert (second.cron, second.external_id) == ("45 * * * *", "x")
    assert await listed() == [second]
    await clock.advance("1h")
    assert hours_of(seen) == [0.75]


async def test_the_same_schedule_under_the_same_key_changes_nothing(
    serve: Any, clock: FakeClock
) -> None:
    """A program that creates its schedules at each start still catches up with what it missed."""
    seen: list[datetime] = []

    @task(id="work")
    async def work(payload: ScheduledPayload) -> None:
        seen.append(payload.timestamp)

    backend = MemoryBackend()
    async with serve(backend, clock=clock):
        first = await schedules.create(task=work, cron="@hourly", deduplication_key="k")
    await clock.advance("3h30m")
    with taskkit.use_backend(backend):
        assert await schedules.create(task=work, cron="@hourly", deduplication_key="k") == first
    async with serve(backend, clock=clock):
        await clock.settle()
    assert seen == [START + 3 * HOUR]


async def test_without_a_key_each_call_makes_another(work: Any) -> None:
    first = await schedules.create(task=work, cron="@hourly")
    second = await schedules.create(task=work, cron="@hourly")
    assert first.id != second.id
    assert await listed() == [first, second]


async def test_an_inactive_schedule_stays_so_when_it_is_created_again(
    work: Any, seen: list[ScheduledPayload], clock: FakeClock
) -> None:
    first = await schedules.create(task=work, cron="@hourly", deduplication_key="k")
    await schedules.deactivate(first.id)
    again = await schedules.create(task=work, cron="30 * * * *", deduplication_key="k")
    assert (again.active, again.next_run_at, again.cron) == (False, None, "30 * * * *")
    await clock.advance("2h")
    assert seen == []


async def test_list_gives_pages_and_one_task(work: Any, clock: FakeClock) -> None:
    @schedules.task(id="other", cron="@daily")
    async def other(payload: ScheduledPayload) -> None: ...

    made = [await schedules.create(task=work, cron="@daily") for _ in range(250)]
    await clock.settle()
    assert await listed(task=work) == made
    assert await listed(task="work") == made
    assert [one.type for one in await listed(task="other")] == ["DECLARATIVE"]
    assert len(await listed()) == 251


async def test_timezones() -> None:
    names = await schedules.timezones()
    assert names == sorted(names)
    assert {"UTC", "Europe/Berlin", "America/New_York"} <= set(names)
    assert set(names) - set(await schedules.timezones(exclude_utc=True)) == {"UTC"}


# --- changing -----------------------------------------------------------------------------------


async def test_update_keeps_what_is_not_given(work: Any) -> None:
    made = await schedules.create(
        task=work, cron="0 9 * * *", timezone="Europe/Berlin", external_id="x"
    )
    changed = await schedules.update(made.id, cron="0 10 * * *")
    assert changed == replace(
        made, cron="0 10 * * *", next_run_at=datetime(2030, 1, 1, 9, tzinfo=UTC)
    )
    moved = await schedules.update(made.id, timezone="UTC")
    assert (moved.cron, moved.next_run_at) == ("0 10 * * *", START + 10 * HOUR)
    by_cron = await schedules.update(made.id, cron=Cron("@daily", "Asia/Tokyo"))
    assert (by_cron.timezone, by_cron.external_id) == ("Asia/Tokyo", "x")
    assert (await schedules.update(made.id, external_id=None)).external_id is None
    assert await schedules.update(made.id) == await schedules.retrieve(made.id)


async def test_update_moves_it_to_another_task(
    work: Any, seen: list[ScheduledPayload], clock: FakeClock
) -> None:
    entered: list[str] = []

    @task(id="other")
    async def other(ctx: Context) -> None:
        entered.append(ctx.task.id)

    made = await schedules.create(task=work, cron="@hourly")
    changed = await schedules.update(made.id, task=other)
    assert changed.task_id == "other"
    await clock.advance("1h")
    assert (seen, entered) == ([], ["other"])


async def test_a_new_external_id_moves_no_tick(
    work: Any, seen: list[ScheduledPayload], clock: FakeClock
) -> None:
    made = await schedules.create(task=work, cron="@hourly")
    await clock.advance("59m")
    changed = await schedules.update(made.id, external_id="y")
    assert changed.next_run_at == START + HOUR
    await clock.advance("1m")
    assert [payload.external_id for payload in seen] == ["y"]


async def test_deactivate_and_activate(
    work: Any, seen: list[ScheduledPayload], clock: FakeClock
) -> None:
    made = await schedules.create(task=work, cron="@hourly")
    await clock.advance("1h")
    off = await schedules.deactivate(made.id)
    assert (off.active, off.next_run_at, off.last_run_at) == (False, None, START + HOUR)
    assert await schedules.deactivate(made.id) == off
    await clock.advance("4h30m")
    on = await schedules.activate(made.id)
    assert (on.active, on.next_run_at) == (True, START + 6 * HOUR)
    assert await schedules.activate(made.id) == on
    await clock.advance("1h")
    assert hours_of(seen) == [1, 6]


async def test_delete(work: Any, seen: list[ScheduledPayload], clock: FakeClock) -> None:
    made = await schedules.create(task=work, cron="@hourly", deduplication_key="k")
    await clock.advance("1h")
    await schedules.delete(made.id)
    await clock.advance("3h")
    assert hours_of(seen) == [1]
    assert await listed() == []
    again = await schedules.create(task=work, cron="@hourly", deduplication_key="k")
    assert (again.id, again.created_at) == (made.id, START + 4 * HOUR)
    await clock.advance("1h")
    assert hours_of(seen) == [1, 5]


async def test_schedules_are_made_and_ended_inside_a_task(app: Worker, clock: FakeClock) -> None:
    @task(id="once")
    async def once(payload: ScheduledPayload) -> None:
        await schedules.delete(payload.schedule_id)

    @task(id="start")
    async def start() -> str:
        made = await schedules.create(task=once, cron="@hourly", deduplication_key="k")
        return made.id

    handle = await start.trigger()
    assert (await handle.result()).unwrap() == (await listed())[0].id
    await clock.advance("5h")
    assert await listed() == []


class Contended(MemoryBackend):
    """Somebody else is faster, for a while."""

    left = 0

    async def put_schedule(self, schedule: ScheduleRecord) -> ScheduleRecord | None:
        if schedule.version and self.left:
            self.left -= 1
            present = self._schedules[schedule.id]
            await super().put_schedule(replace(present, external_id=f"by others, {self.left} left"))
        return await super().put_schedule(schedule)


async def test_a_change_that_others_overtake_is_made_anew(serve: Any) -> None:
    backend = Contended()
    async with serve(backend, clock=FakeClock()):

        @task(id="work")
        async def work() -> None: ...

        made = await schedules.create(task=work, cron="@hourly")
        backend.left = 3
        changed = await schedules.update(made.id, cron="@daily")
        assert (changed.cron, changed.external_id) == ("@daily", "by others, 0 left")
        backend.left = 100
        with pytest.raises(BackendError, match="Nothing was written; try again"):
            await schedules.update(made.id, cron="@weekly")
        assert (await schedules.retrieve(made.id)).cron == "@daily"


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["retrieve", "update", "delete", "activate", "deactivate"])
async def test_an_unknown_schedule(app: Worker, name: str) -> None:
    with pytest.raises(ScheduleNotFoundError, match="sched_none"):
        await getattr(schedules, name)("sched_none")
    with pytest.raises(InvalidOptionError, match="id of a schedule"):
        await getattr(schedules, name)(5)


@pytest.mark.parametrize("name", ["update", "delete", "activate", "deactivate"])
async def test_a_declared_schedule_is_changed_in_the_code(
    app: Worker, clock: FakeClock, name: str
) -> None:
    @schedules.task(id="nightly", cron="@daily")
    async def nightly(payload: ScheduledPayload) -> None: ...

    await clock.settle()
    (declared,) = await listed()
    with pytest.raises(
        InvalidOptionError, match=r"code of task 'nightly' at .*test_schedules.*Change it there"
    ):
        await getattr(schedules, name)(declared.id)
    assert await listed() == [declared]


class Other(BaseModel):
    name: str


@pytest.mark.parametrize(
    ("options", "error", "hint"),
    [
        ({"cron": "* * * * * *"}, InvalidCronError, "six fields"),
        ({"cron": 5}, InvalidCronError, "plain text"),
        ({"timezone": "Europe/Berln"}, InvalidCronError, "Did you mean 'Europe/Berlin'"),
        ({"timezone": ""}, InvalidCronError, "unknown"),
        ({"task": "wrok"}, TaskNotFoundError, "work"),
        ({"task": 5}, InvalidOptionError, "task or its id"),
        ({"task": "other"}, InvalidOptionError, "does not take"),
        ({"deduplication_key": ""}, InvalidOptionError, "1 to 512 characters"),
        ({"deduplication_key": 5}, InvalidOptionError, "1 to 512 characters"),
        ({"external_id": "x" * 513}, InvalidOptionError, "1 to 512 characters"),
    ],
)
async def test_what_create_refuses(
    work: Any, options: dict[str, Any], error: type[Exception], hint: str
) -> None:
    @task(id="other")
    async def other(payload: Other) -> None: ...

    with pytest.raises(error, match=hint):
        await schedules.create(**{"task": "work", "cron": "@daily", **options})
    assert await listed() == []


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"cron": "@never"}, InvalidCronError),
        ({"timezone": "Nowhere"}, InvalidCronError),
        ({"task": "wrok"}, TaskNotFoundError),
        ({"external_id": ""}, InvalidOptionError),
    ],
)
async def test_what_update_refuses(
    work: Any, options: dict[str, Any], error: type[Exception]
) -> None:
    made = await schedules.create(task=work, cron="@daily")
    with pytest.raises(error):
        await schedules.update(made.id, **options)
    assert await schedules.retrieve(made.id) == made


async def test_any_payload_that_takes_what_a_tick_gives(app: Worker, clock: FakeClock) -> None:
    seen: list[Any] = []

    class Part(BaseModel):
        timestamp: datetime

    @task(id="part")
    async def part(payload: Part) -> None:
        seen.append(payload)

    @task(id="data")
    async def data(payload: dict[str, Any]) -> None:
        seen.append(payload["timestamp"])

    for name in ("part", "data"):
        await schedules.create(task=name, cron="@hourly")
    await clock.advance("1h")
    assert seen == [Part(timestamp=START + HOUR), "2030-01-01T01:00:00Z"]


# --- plain code ---------------------------------------------------------------------------------


async def test_sync_twins(work: Any, clock: FakeClock) -> None:
    def plain() -> list[str]:
        sync = schedules.sync
        made = sync.create(task="work", cron="@hourly", deduplication_key="k")
        assert sync.retrieve(made.id) == made
        told = [one.id for one in sync.list()]
        assert told == [made.id]
        off = sync.deactivate(made.id)
        on = sync.activate(made.id)
        changed = sync.update(made.id, cron="@daily")
        sync.delete(made.id)
        assert "UTC" in sync.timezones()
        assert list(sync.list()) == []
        return [str(off.active), str(on.active), changed.cron]

    assert await asyncio.to_thread(plain) == ["False", "True", "@daily"]
    with pytest.raises(SyncInAsyncError, match=r"schedules\.retrieve"):
        schedules.sync.retrieve("sched_1")


async def test_no_backend() -> None:
    with pytest.raises(BackendNotConfiguredError):
        await schedules.retrieve("sched_1")
