"""Schedules on a real Temporal dev server: what is kept there, who hears of it, and that each tick is one run."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from signal import SIGKILL
from typing import Any

import pytest

from benchmarks.temporal import restartable_server, temporal_server
from taskkit import Context, Cron, schedules, task
from taskkit.engine.scheduler import Scheduler
from taskkit.engine.tick import tick_run_id
from taskkit.errors import InvalidCronError
from taskkit.model.exchange import SCHEDULES_TOPIC, ScheduleRecord
from taskkit.model.ids import new_id
from taskkit.runtime.current_backend import choose
from taskkit.runtime.home import Home
from taskkit.session import Worker
from taskkit.testing import FakeClock
from taskkit.testing.conformance.serving import own_tasks

pytest.importorskip("temporalio", reason="temporalio is not installed")

from taskkit.backends.temporal import TemporalBackend  # needs it
from taskkit.backends.temporal.bell import Bell  # needs it
from tests.integration.taskkit.temporal.worker_process import until_said, worker_process

pytestmark = pytest.mark.anyio
TASKS = Path(__file__).with_name("scheduled_tasks.py")
NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _own_tasks() -> Iterator[None]:
    with own_tasks():
        yield


@pytest.fixture
async def backends(temporal_url: str) -> AsyncIterator[Sequence[TemporalBackend]]:
    """Two that know the same project, as two processes do."""
    opened = [TemporalBackend.from_url(temporal_url) for _ in range(2)]
    for backend in opened:
        await backend.open()
    yield opened
    for backend in opened:
        await backend.close()


def record(**fields: Any) -> ScheduleRecord:
    ordinary: dict[str, Any] = {
        "id": new_id("sched"), "task_id": "report", "pattern": "0 * * * *", "timezone": "UTC",
        "kind": "IMPERATIVE", "created_at": NOW, "next_at": NOW,
    }  # fmt: skip
    return ScheduleRecord(**{**ordinary, **fields})


async def put(backend: TemporalBackend, schedule: ScheduleRecord) -> ScheduleRecord:
    stored = await backend.put_schedule(schedule)
    assert stored is not None
    return stored


async def stored(backend: TemporalBackend, schedule_id: str) -> ScheduleRecord:
    (found,) = await backend.get_schedules([schedule_id])
    assert found is not None
    return found


async def until(is_so: Callable[[ScheduleRecord], bool], backend: TemporalBackend, at: str) -> None:
    while not is_so(await stored(backend, at)):
        await asyncio.sleep(0)


# --- what the server keeps ----------------------------------------------------------------------


async def test_of_many_who_put_a_version_one_wins(backends: Sequence[TemporalBackend]) -> None:
    """The server tells all of them that it went well."""
    schedule = record()
    for version in range(4):
        racers = [
            backends[number % 2].put_schedule(replace(schedule, external_id=f"{number}"))
            for number in range(8)
        ]
        (schedule,) = [won for won in await asyncio.gather(*racers) if won is not None]
        assert schedule.version == version + 1
        assert [await stored(backend, schedule.id) for backend in backends] == [schedule] * 2


async def test_the_server_shows_it_paused_and_never_fires_it(
    backends: Sequence[TemporalBackend], temporal_url: str
) -> None:
    backend, project = backends[0], temporal_url.partition("project=")[2].partition("&")[0]
    pattern, zone = "30 2 * * *", "Europe/Berlin"
    in_the_gap = Cron(pattern, zone).next_after(datetime(2030, 3, 30, 12, tzinfo=UTC))
    made = await put(backend, record(pattern=pattern, timezone=zone, next_at=in_the_gap))
    off = await put(backend, record(active=False, next_at=None))
    shown: dict[str, Any] = {}
    while len(shown) < 2:  # the list lags
        listed = await backend.client.list_schedules()
        shown = {one.id: one async for one in listed if one.id.startswith(f"{project}/")}
    one, other = shown[f"{project}/{made.id}"], shown[f"{project}/{off.id}"]
    assert one.schedule.state.paused
    assert one.info.next_action_times == [datetime(2030, 3, 31, 1, tzinfo=UTC)]
    note = "Task 'report', 30 2 * * * in Europe/Berlin. Fired by taskkit's workers"
    assert one.schedule.state.note.startswith(note)
    assert other.info.next_action_times == []
    assert "deactivated" in other.schedule.state.note


async def test_one_that_is_due_now_is_left_to_the_workers(
    backends: Sequence[TemporalBackend],
) -> None:
    """A moment that comes while nobody works passes by on the server without any action."""
    backend = backends[0]
    due = datetime.now(UTC) + timedelta(seconds=1)
    made = await put(backend, record(next_at=due))
    handle = backend.client.get_schedule_handle(f"{backend.place.project}/{made.id}")
    description = await handle.describe()
    while datetime.now(UTC) < due + timedelta(seconds=1):
        description = await handle.describe()
    assert (description.info.num_actions, description.info.running_actions) == (0, [])
    assert await stored(backend, made.id) == made


async def test_one_that_is_deleted_by_hand_is_gone(backends: Sequence[TemporalBackend]) -> None:
    backend = backends[0]
    made, kept = await put(backend, record()), await put(backend, record())
    tasks = frozenset({"report"})
    assert await backend.next_schedules(tasks, limit=9) == [made, kept]
    await backend.client.get_schedule_handle(f"{backend.place.project}/{made.id}").delete()
    assert await backend.next_schedules(tasks, limit=9) == [kept]
    assert await backend.put_schedule(made) is None
    await backend.record_tick(made.id, at=NOW, next_at=None, version=1)
    assert await backend.get_schedules([made.id]) == [None]
    assert not await backend.delete_schedule(made.id)


async def test_a_tick_of_another_is_seen_before_it_is_made_again(
    backends: Sequence[TemporalBackend],
) -> None:
    """A tick rings no bell: who still takes the schedule to be due reads it first."""
    one, other = backends
    async with asyncio.timeout(20):
        watch = one.watch([SCHEDULES_TOPIC])
        assert await anext(watch) == SCHEDULES_TOPIC
        past, tasks = datetime.now(UTC) - timedelta(hours=1), frozenset({"report"})
        made = await put(one, record(next_at=past))
        assert await one.next_schedules(tasks, limit=9) == [made]
        await other.record_tick(made.id, at=past, next_at=NOW, version=1)
        ticked = replace(made, last_fired=past, next_at=NOW)
        assert await one.next_schedules(tasks, limit=9) == [ticked]
    watch.close()


# --- who hears of it ----------------------------------------------------------------------------


async def test_a_change_elsewhere_is_heard_within_five_seconds(
    backends: Sequence[TemporalBackend],
) -> None:
    """And what is read then is what was changed."""
    one, other = backends
    tasks = frozenset({"report"})
    watch = one.watch([SCHEDULES_TOPIC])
    await anext(watch)
    assert await one.next_schedules(tasks, limit=9) == []
    async with asyncio.timeout(5):
        first = await put(other, record())
        while await one.next_schedules(tasks, limit=9) != [first]:
            await anext(watch)
    async with asyncio.timeout(5):
        sooner = await put(other, replace(first, next_at=NOW - timedelta(hours=1)))
        while await one.next_schedules(tasks, limit=9) != [sooner]:
            await anext(watch)
    async with asyncio.timeout(5):
        await other.delete_schedule(first.id)
        while await one.next_schedules(tasks, limit=9) != []:
            await anext(watch)
    watch.close()


async def heard(changes: AsyncIterator[frozenset[str] | None], schedule_id: str) -> int:
    """How often it was said that something may have been missed, until this one was told."""
    missed = 0
    async for changed in changes:
        if changed is None:
            missed += 1
        elif schedule_id in changed:
            return missed
    raise AssertionError("it ended")


async def test_a_bell_that_is_full_is_followed_by_another(
    backends: Sequence[TemporalBackend],
) -> None:
    one, other = (Bell(backend.client, backend.place, full=20) for backend in backends)
    changes = one.changes()
    assert await anext(changes) is None
    missed = 0
    async with asyncio.timeout(20):
        for number in range(60):
            await other.ring(f"{number}")
            missed += await heard(changes, f"{number}")
    await changes.aclose()
    assert missed >= 1


async def test_a_bell_that_nobody_hears_is_rung_all_the_same() -> None:
    """The server takes no more signals for a workflow than its limit."""
    with temporal_server(["--dynamic-config-value", "history.maximumSignalsPerExecution=3"]) as at:
        backend = TemporalBackend.from_url(f"temporal://{at}/default")
        await backend.open()
        made = [await put(backend, record()) for _ in range(8)]
        watch = backend.watch([SCHEDULES_TOPIC])
        await anext(watch)
        assert await backend.next_schedules(frozenset({"report"}), limit=9) == made
        watch.close()
        await backend.close()


async def test_changes_are_heard_after_the_server_was_killed_and_came_back() -> None:
    with restartable_server() as server:
        one, other = (
            TemporalBackend.from_url(f"temporal://{server.address}/default") for _ in range(2)
        )
        await one.open()
        await other.open()
        first = await put(other, record())
        watch = one.watch([SCHEDULES_TOPIC])
        await anext(watch)
        await asyncio.to_thread(server.stop, SIGKILL)
        await asyncio.to_thread(server.start)
        second = await put(other, record())
        async with asyncio.timeout(30):
            while await one.next_schedules(frozenset({"report"}), limit=9) != [first, second]:
                await anext(watch)
        watch.close()
        await one.close()
        await other.close()


# --- ticks --------------------------------------------------------------------------------------


async def test_each_tick_is_one_run_however_many_schedulers_there_are(temporal_url: str) -> None:
    entered: list[str] = []
    all_entered = asyncio.Event()

    @task(id="report")
    async def report(ctx: Context) -> None:
        entered.append(ctx.run.id)
        if len(set(entered)) == 5:
            all_entered.set()

    homes = [Home(lambda: TemporalBackend.from_url(temporal_url), name=n) for n in ("a", "b")]
    for home in homes:
        await home.ready()
    backend: Any = homes[0].backend
    due = datetime.now(UTC)
    async with (
        Worker(homes[0], "production", concurrency=10, lease=3, drain=0),
        Worker(homes[1], "production", concurrency=10, lease=3, drain=0),
    ):
        made = [await put(backend, record(next_at=due)) for _ in range(5)]
        async with asyncio.timeout(30):
            await all_entered.wait()
            for one in made:
                await until(lambda now: now.last_fired == due, backend, one.id)
    assert sorted(entered) == sorted(tick_run_id(one.id, due) for one in made)
    for home in homes:
        await home.close()


async def test_a_local_time_that_the_clocks_skip_fires_after_the_gap(temporal_url: str) -> None:
    """Which Temporal's own calendars leave out."""

    @task(id="report")
    async def report() -> None: ...

    clock = FakeClock(datetime(2030, 3, 30, 12, tzinfo=UTC))
    home = Home(lambda: TemporalBackend.from_url(temporal_url), name="temporal", clock=clock)
    await home.ready()
    after_the_gap = datetime(2030, 3, 31, 1, tzinfo=UTC)  # 03:00 there, and 02:30 never comes
    with choose(home):
        made = await schedules.create(task=report, cron="30 2 * * *", timezone="Europe/Berlin")
        assert made.next_run_at == after_the_gap
        with pytest.raises(InvalidCronError, match="day-of-month"):
            await schedules.create(task=report, cron="0 0 30 2 *")
        assert [one.id async for one in schedules.list()] == [made.id]
    await clock.advance_to(after_the_gap)
    backend: Any = home.backend
    serving = asyncio.create_task(Scheduler(home).run())
    async with asyncio.timeout(20):
        await until(lambda now: now.last_fired == after_the_gap, backend, made.id)
    serving.cancel()
    (run,) = await backend.get([tick_run_id(made.id, after_the_gap)])
    assert run.schedule_id == made.id
    assert (await stored(backend, made.id)).next_at == datetime(2030, 4, 1, 0, 30, tzinfo=UTC)
    await home.close()


# --- processes ----------------------------------------------------------------------------------


def told(at: datetime, schedule_id: str) -> str:
    return f"{at.isoformat()} {tick_run_id(schedule_id, at)}"


async def test_a_schedule_outlives_the_workers_that_serve_it(
    temporal_url: str, tmp_path: Path
) -> None:
    """One is killed and the other goes on; what all have missed is caught up with once, and then comes the next."""
    backend, ledger = TemporalBackend.from_url(temporal_url), tmp_path / "ledger"
    await backend.open()
    now = datetime.now(UTC)
    first_due, second_due = now - timedelta(hours=4), now - timedelta(hours=3)
    once = f"0 0 1 {(now.month + 5) % 12 + 1} *"  # in half a year
    made = await put(backend, record(pattern=once, next_at=None))

    async def fires(due: datetime) -> None:
        await put(backend, replace(await stored(backend, made.id), next_at=due))
        await until(lambda one: one.last_fired == due, backend, made.id)
        while told(due, made.id) not in (ledger.read_text() if ledger.exists() else ""):
            await asyncio.sleep(0)

    async with asyncio.timeout(60):
        with ExitStack() as stack:
            first, second = (
                stack.enter_context(worker_process(temporal_url, TASKS, LEDGER=ledger))
                for _ in range(2)
            )
            await until_said(first, "started")
            await until_said(second, "started")
            await fires(first_due)
            first.kill()
            await fires(second_due)
        hour = now.replace(minute=0, second=0, microsecond=0)
        missed = replace(await stored(backend, made.id), pattern="0 * * * *")
        await put(backend, replace(missed, next_at=hour - timedelta(hours=2)))
        with worker_process(temporal_url, TASKS, LEDGER=ledger) as third:
            await until_said(third, "entered")
            await until(lambda one: one.last_fired != second_due, backend, made.id)
    after = await stored(backend, made.id)
    assert after.last_fired is not None
    assert after.last_fired >= hour  # and not one of the ticks before
    assert after.next_at == after.last_fired + timedelta(hours=1)
    ticks = (first_due, second_due, after.last_fired)
    assert set(ledger.read_text().splitlines()) == {told(at, made.id) for at in ticks}
    await backend.close()
