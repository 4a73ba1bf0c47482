"""A store that does not answer for a while: the worker waits for it, and loses nothing that it could keep."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from taskkit import Context, RunHandle, RunStatus, task
from taskkit.backends.claim_loop.outage import Outage
from taskkit.backends.memory import MemoryBackend
from taskkit.errors import StoreUnavailableError
from taskkit.model.exchange import Lease, Outcome, Suspended
from taskkit.runtime.current_backend import home_for
from taskkit.session import Worker
from taskkit.testing import FakeClock

pytestmark = pytest.mark.anyio

LEASE = 9.0
CALLS = ("advance", "claim", "extend", "settle")


class Flaky(MemoryBackend):
    """Does not answer the calls in `away`, and counts the times that it was asked for them."""

    def __init__(self) -> None:
        super().__init__()
        self.away: set[str] = set()
        self.asked = 0
        self.settled: list[tuple[str, Outcome | Suspended]] = []

    def _answers(self, call: str) -> None:
        if call in self.away:
            self.asked += 1
            raise StoreUnavailableError("the cable was pulled")

    async def advance(self, **options: Any) -> Any:
        self._answers("advance")
        return await super().advance(**options)

    async def claim(self, *args: Any, **options: Any) -> Any:
        self._answers("claim")
        return await super().claim(*args, **options)

    async def extend(self, *args: Any, **options: Any) -> Any:
        self._answers("extend")
        return await super().extend(*args, **options)

    async def settle(self, lease: Lease, outcome: Outcome | Suspended, **options: Any) -> None:
        self._answers("settle")
        await super().settle(lease, outcome, **options)
        self.settled.append((lease.token, outcome))


@pytest.fixture
def store() -> Flaky:
    return Flaky()


@asynccontextmanager
async def serving(store: MemoryBackend, clock: FakeClock, **options: Any) -> AsyncIterator[Worker]:
    home = home_for(store, clock=clock)
    async with Worker(home, "development", lease=LEASE, **{"drain": 0, **options}) as worker:
        yield worker


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the worker has said of its store."""
    messages = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    return [text.partition(": ")[2] for text in messages if "the store" in text]


def holding() -> tuple[Any, asyncio.Event]:
    """A task that runs until its event is set."""
    gate = asyncio.Event()

    @task(id="held")
    async def held() -> str:
        await gate.wait()
        return "done"

    return held, gate


@pytest.mark.parametrize("calls", [("advance",), ("claim",), ("advance", "claim")])
async def test_the_worker_goes_on_when_the_store_is_back(
    calls: Iterable[str], store: Flaky, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    @task()
    async def quick() -> str:
        return "done"

    async with serving(store, clock) as worker:
        await clock.settle()
        store.away = set(calls)
        handle = await quick.trigger()
        await clock.advance("1m")
        assert worker.health().unavailable_since is not None
        assert len(said(caplog)) == 1  # once for the whole outage
        assert said(caplog)[0].endswith("until it is back: the cable was pulled")
        store.away = set()
        await clock.advance(5)
        assert (await handle.result()).unwrap() == "done"
        assert worker.health().unavailable_since is None
        assert len(said(caplog)) == 2
        assert said(caplog)[1].startswith("the store is back after 6")


async def test_an_absent_store_is_asked_less_and_less_often(store: Flaky, clock: FakeClock) -> None:
    async with serving(store, clock):
        await clock.settle()
        store.away = set(CALLS)
        await holding()[0].trigger()
        await clock.advance(0.04)
        assert store.asked == 1
        await clock.advance(0.96)
        assert 4 <= store.asked <= 5  # 0.1, 0.2, 0.4, 0.8: each at most, and at least half of it
        await clock.advance(9)
        soon = store.asked
        await clock.advance(100)
        assert 100 / 1.5 <= store.asked - soon <= 100 / 0.75


async def test_no_two_workers_ask_at_the_same_moments() -> None:
    error = StoreUnavailableError("gone")
    pauses = [Outage(f"worker-{n}", FakeClock(), 30).met(n, error) for n in range(20)]
    assert len(set(pauses)) == 20
    assert all(0.05 <= pause <= 0.1 for pause in pauses)


@pytest.mark.parametrize("away", [1, 8, 60], ids=str)
async def test_an_end_is_recorded_once_the_store_is_back(
    away: float, store: Flaky, clock: FakeClock
) -> None:
    """Also after the lease, as long as nobody has taken the run meanwhile."""
    held, gate = holding()
    async with serving(store, clock):
        handle = await held.trigger()
        await clock.settle()
        store.away = set(CALLS)
        gate.set()
        await clock.advance(away)
        assert store.settled == []
        store.away -= {"extend", "settle"}  # nobody may end the lease before
        await clock.advance(5)
        store.away = set()
        await clock.advance(5)
        run = await handle.retrieve()
        assert (run.status, run.delivery, run.deaths) == ("COMPLETED", 1, 0)
        assert len(store.settled) == 1


async def test_only_the_end_cannot_be_recorded(
    store: Flaky, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """The rest of the worker goes on, and says nothing of a return before that too works."""
    held, gate = holding()

    @task()
    async def lasting() -> None:
        await asyncio.Event().wait()

    async with serving(store, clock):
        handle = await held.trigger()
        await clock.settle()
        store.away = {"settle"}
        gate.set()
        await clock.advance("1m")
        other = await lasting.trigger()
        await clock.settle()
        assert (await other.retrieve()).status == RunStatus.EXECUTING
        assert len(said(caplog)) == 1
        assert store.asked < 60 / 0.75 + 5
        store.away = set()
        await clock.advance(5)
        assert (await handle.retrieve()).status == RunStatus.COMPLETED
        assert len(said(caplog)) == 2


async def test_what_runs_goes_on_during_a_short_outage(store: Flaky, clock: FakeClock) -> None:
    held, gate = holding()
    async with serving(store, clock):
        handle = await held.trigger()
        await clock.advance(4)
        store.away = set(CALLS)
        await clock.advance(
            LEASE - 3
        )  # two seconds before the lease that the last beat gave has ended
        store.away = set()
        await clock.advance(5)
        gate.set()
        await clock.settle()
        run = await handle.retrieve()
        assert (run.status, run.delivery) == ("COMPLETED", 1)


async def test_an_attempt_is_told_when_its_lease_has_surely_ended(
    store: Flaky, clock: FakeClock
) -> None:
    """Its clean-up is then owed by the next delivery, so that it has to be a new claim."""
    seen: list[str] = []

    @task(id="long")
    async def long(ctx: Context) -> str:
        seen.append(f"attempt {ctx.attempt.number}")
        if len(seen) > 1:
            return "in the second delivery"
        try:
            await asyncio.Event().wait()
        finally:
            seen.append(f"{ctx.signal.reason} at {clock.monotonic()}")
        return "not reached"

    long.cleanup(partial(seen.append, "cleanup"))
    async with serving(store, clock):
        handle = await long.trigger()
        await clock.advance(4)  # a beat at 3
        store.away = set(CALLS)
        await clock.advance(3 + LEASE - clock.monotonic() - 0.01)
        assert seen == ["attempt 1"]
        await clock.advance(0.02)
        assert seen == ["attempt 1", f"shutdown at {3 + LEASE}"]
        store.away = set()
        await clock.advance(5)
        run = await handle.retrieve()
        assert (run.status, run.attempt, run.delivery, run.deaths) == ("COMPLETED", 1, 2, 1)
        # Of the delivery that was lost, before the next begins, and of that itself.
        assert seen[2:] == ["cleanup", "attempt 1", "cleanup"]


async def test_a_run_that_waits_is_parked_once_the_store_is_back(
    store: Flaky, clock: FakeClock
) -> None:
    @task()
    async def child() -> int:
        return 7

    @task()
    async def parent() -> int:
        store.away = {"settle"}
        return await child.trigger_and_wait().unwrap()

    async with serving(store, clock, concurrency=1):
        handle: RunHandle[int] = await parent.trigger()
        await clock.advance(30)
        assert (await handle.retrieve()).status == RunStatus.EXECUTING
        store.away = set()
        await clock.advance(5)
        assert (await handle.result()).unwrap() == 7
        assert (await handle.retrieve()).deaths == 0


async def test_a_run_that_is_canceled_before_it_could_be_parked(
    store: Flaky, clock: FakeClock
) -> None:
    @task()
    async def child() -> None:
        await asyncio.Event().wait()

    @task()
    async def parent() -> None:
        store.away = {"settle"}
        await child.trigger_and_wait()

    async with serving(store, clock, concurrency=1):
        handle = await parent.trigger()
        await clock.settle()
        await handle.cancel()
        await clock.advance(6)
        store.away = set()
        await clock.advance(6)
        assert (await handle.retrieve()).status == RunStatus.CANCELED


@pytest.mark.parametrize("drain", [0, 20])
async def test_a_worker_that_stops_during_an_outage_gives_back_what_it_can(
    drain: float, store: Flaky, clock: FakeClock
) -> None:
    """Its own stop is in real time, so the store is back after one real pause."""
    async with serving(store, clock, drain=drain):
        handle = await holding()[0].trigger()
        await clock.settle()
        store.away = {"settle"}
        asyncio.get_running_loop().call_later(0.02, store.away.clear)
        if drain:
            asyncio.ensure_future(clock.advance(drain))  # noqa: RUF006 - over before the block is
    (run,) = await store.get([handle.id])
    assert run is not None
    assert (run.status, run.delivery, run.deaths) == ("QUEUED", 1, 0)


async def test_a_worker_that_stops_does_not_wait_for_ever(
    store: Flaky,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("taskkit.backends.claim_loop.worker._LAST_TRIES", 0.01)
    async with serving(store, clock):
        handle = await holding()[0].trigger()
        await clock.settle()
        store.away = set(CALLS)
    assert f"run {handle.id}: how it ended could not be stored" in caplog.text
    assert len(said(caplog)) == 1  # and not that it is back


async def test_a_beat_that_fails_while_the_worker_drains(store: Flaky, clock: FakeClock) -> None:
    held, gate = holding()

    async def be_away_for_a_while() -> None:
        await clock.advance(LEASE - 2)
        store.away.clear()
        await clock.advance(LEASE - 2)
        gate.set()

    async with serving(store, clock, drain=60):
        handle = await held.trigger()
        await clock.settle()
        store.away = {"extend"}
        moving = asyncio.ensure_future(be_away_for_a_while())
    await moving
    (run,) = await store.get([handle.id])
    assert run is not None
    assert (run.status, run.deaths) == ("COMPLETED", 0)
    assert store.asked > 1


async def test_health_says_when_the_worker_last_looked(store: Flaky, clock: FakeClock) -> None:
    held, _ = holding()
    start = clock.now()
    async with serving(store, clock) as worker:
        await clock.settle()
        health = worker.health()
        assert health.worker.startswith("worker_")
        assert (health.running, health.waiting, health.concurrency) == (0, 0, 10)
        assert (health.last_claim, health.last_beat) == (start, None)
        await held.trigger()
        await clock.advance(4)
        health = worker.health()
        assert health.running == 1
        assert health.last_beat == start + timedelta(seconds=3)
        store.away = set(CALLS)
        await clock.advance(4)
        health = worker.health()
        assert health.unavailable_since == start + timedelta(seconds=6)  # the next beat
        assert health.last_claim == start + timedelta(seconds=3)
        assert worker.is_serving
        store.away = set()
    assert not worker.is_serving
    assert worker.health().is_stopping
