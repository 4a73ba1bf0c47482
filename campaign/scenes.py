"""Single things that go wrong, each told with real processes. They raise AssertionError, with what was seen."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from campaign import shapes
from campaign.fast_clock import FastClock
from campaign.ledger import Event
from campaign.processes import WITHIN, Processes
from campaign.store import all_ended, all_runs, asking
from campaign.verdict import Figures, examine
from taskkit.model.exchange import RunFilter


def passed(figures: Figures) -> None:
    assert not figures.faults, str(figures)


async def stopped_and_continued(url: str, folder: Path, *, lease: float = 1.0) -> None:
    """A worker that stood still past its lease: its late settle is refused, the run ends once, and it works on."""
    async with Processes(url, folder) as processes, asking(url):
        processes.start("work", "first", url, lease, 4)
        await _ready(processes, "first")
        handle = await shapes.stays.trigger(str(folder / "go"))
        begun = await processes.until(lambda e: e.what == "begin" and e.run == handle.id)
        assert begun.who == "first"
        processes.signal("first", signal.SIGSTOP)
        processes.start("work", "second", url, lease, 4)
        await processes.until(lambda e: e.what == "begin" and e.who == "second")
        (folder / "go").touch()
        assert (await handle.result(timeout=WITHIN)).unwrap() == "second"
        processes.signal("first", signal.SIGCONT)
        # Who is not heard to settle is not heard to be refused either.
        late = ("settling",) if url.startswith("temporal:") else ("fenced",)
        await processes.until(
            lambda e: e.what in (*late, "fenced") and e.run == handle.id and e.who == "first"
        )
        assert await processes.stop("second") == 0
        later = await shapes.quick.trigger(1)
        assert (await later.result(timeout=WITHIN)).unwrap() == 2
        assert await processes.stop("first") == 0, processes.errors_of("first")
        run = await handle.retrieve()
        # A server that has open polls of the one that stands still may give it the run again.
        is_open = url.startswith("temporal:")
        deaths = run.deaths if is_open and 1 <= run.deaths <= 3 else 1
        assert (run.output, run.attempt) == ("second", 1)
        assert (run.delivery, run.deaths) == (deaths + 1, deaths)
        passed(examine(processes.look(), await all_runs(url), lease))
        assert not [e for e in processes.look() if e.what == "told" and e.more == "cancel"]


async def stopped_while_parked(url: str, folder: Path, *, lease: float) -> None:
    """A worker stood still while a run that it has parked went elsewhere: it is told, and lets go of it."""
    async with Processes(url, folder) as processes, asking(url):
        processes.start("work", "first", url, lease, 4)
        await _ready(processes, "first")
        handle = await shapes.naps.trigger(3.0)
        await processes.until(lambda e: e.what == "settling" and e.more == "Suspended")
        while (await handle.retrieve()).status != "WAITING":
            await asyncio.sleep(0.01)
        processes.signal("first", signal.SIGSTOP)
        processes.start("work", "second", url, lease, 4)
        await processes.until(lambda e: e.what == "begin" and e.who == "second")
        assert (await handle.result(timeout=WITHIN)).unwrap() == "second"
        processes.signal("first", signal.SIGCONT)
        told = await processes.until(lambda e: e.what == "told" and e.run == handle.id)
        assert (told.who, told.more) == ("first", "lost")
        for who in ("first", "second"):
            assert await processes.stop(who) == 0, processes.errors_of(who)
        run = await handle.retrieve()
        assert run.attempt == 1


async def lasting(url: str, folder: Path, *, lease: float, leases: float = 5) -> None:
    """A run of five leases is not delivered to anybody else while its worker lives."""
    async with Processes(url, folder) as processes, asking(url):
        for who in ("first", "second"):
            processes.start("work", who, url, lease, 4)
            await _ready(processes, who)
        handles = [await shapes.lasts.trigger(lease * leases) for _ in range(3)]
        for handle in handles:
            assert (await handle.result(timeout=WITHIN)).status == "COMPLETED"
        figures = examine(processes.look(), await all_runs(url), lease)
        passed(figures)
        # A machine that is so busy that a worker cannot beat is no fault of the worker's.
        assert figures.stalls or (figures.deliveries, figures.deaths) == (3, 0)


async def racing(url: str, folder: Path, *, racers: int, keys: int) -> None:
    """Many processes trigger with the same idempotency keys: one run for each, and no error to anybody."""
    async with Processes(url, folder) as processes, asking(url):
        names = [f"r{number}" for number in range(racers)]
        for who in names:
            processes.start("race", who, url, keys)
        for who in names:
            await _ready(processes, who)
        ends = [asyncio.ensure_future(processes.stop(who)) for who in names]  # which lets them go
        statuses = await asyncio.gather(*ends)
        assert statuses == [0] * racers, [processes.errors_of(who) for who in names]
        told = [event for event in processes.look() if event.what == "raced"]
        runs = {number: {e.run for e in told if e.more == str(number)} for number in range(keys)}
        assert len(told) == racers * keys
        assert {number: len(ids) for number, ids in runs.items()} == dict.fromkeys(range(keys), 1)
        made = set().union(*runs.values())
        assert {run.id for run in await all_runs(url, known=made)} == made


async def replying(url: str, folder: Path, *, times: int, seed: int) -> None:
    """A process that dies at once after the reply to its trigger: the run is there."""
    dice = random.Random(seed)
    async with Processes(url, folder) as processes, asking(url):
        await all_runs(url)  # the store is made
        at_once = 8
        for first in range(0, times, at_once):
            names = [f"t{number}" for number in range(first, min(first + at_once, times))]
            for who in names:
                processes.start("reply", who, url, dice.randrange(1, 5))
            ends = await asyncio.gather(*(processes.ended(who) for who in names))
            assert ends == [-9] * len(names), [processes.errors_of(who) for who in names]
        accepted = {event.run for event in processes.look() if event.what == "accepted"}
        assert len(accepted) >= times
        assert accepted <= {run.id for run in await all_runs(url, known=accepted)}


async def crowding(url: str, folder: Path, *, runs: int, workers: int = 4) -> None:
    """A queue that holds three is never seen with four, over several worker processes."""
    async with Processes(url, folder) as processes, asking(url):
        for number in range(workers):
            processes.start("work", f"w{number}", url, 10.0, 2)
        for number in range(workers):
            await _ready(processes, f"w{number}")
        for first in range(0, runs, 500):
            await shapes.narrow.batch_trigger(list(range(first, min(first + 500, runs))))
        await all_ended(url, WITHIN + runs / 10)
        events = sorted(processes.look(), key=lambda event: event.at)
        inside = most = 0
        for event in events:
            inside += (event.what == "begin") - (event.what == "leave")
            most = max(most, inside)
        served = {event.who for event in events if event.what == "begin"}
        assert (inside, most) == (0, 3)
        assert len(served) > 1
        passed(examine(events, await all_runs(url), 10.0))


async def ticking(url: str, folder: Path, *, seconds: float, seed: int) -> list[datetime]:
    """Two schedulers of which one is killed again and again: each tick is one run; which those were."""
    dice, factor = random.Random(seed), 100.0
    period = 60 / factor
    began = time.monotonic_ns()
    clock = FastClock(began, factor)
    async with Processes(url, folder) as processes, asking(url):
        alive = ["s0", "s1"]
        for who in alive:
            processes.start("schedule", who, url, began, factor, 2 * factor)
            await _ready(processes, who)
        number, until = 2, time.monotonic() + seconds
        while time.monotonic() < until:
            await asyncio.sleep(dice.uniform(period / 4, period))
            who = alive.pop(dice.randrange(2))
            processes.signal(who)
            assert await processes.ended(who) == -9, processes.errors_of(who)
            alive.append(f"s{number}")
            processes.start("schedule", alive[-1], url, began, factor, 2 * factor)
            await _ready(processes, alive[-1])
            number += 1
        await all_ended(url, WITHIN)
        for who in alive:
            assert await processes.stop(who) == 0, processes.errors_of(who)
        events = processes.look()
        runs = await all_runs(url, RunFilter(task=frozenset({"tick"})))
    planned = sorted(datetime.fromisoformat(run.output) for run in runs if run.output is not None)
    assert Counter(planned).most_common(1)[0][1] == 1, planned
    assert len(planned) == len(runs)
    expected = planned[0]
    while expected < planned[-1]:
        if expected not in planned:
            at = clock.at(expected)
            healthy = [who for who in _names(events) if _lived(events, who, at, period)]
            assert not healthy, f"{healthy} lived, and the tick of {expected} is missing"
        expected += timedelta(minutes=1)
    return planned


async def clock_jumping(url: str, folder: Path, *, runs: int, seed: int) -> None:
    """The machine's clock is set forth and back by an hour, and again, while runs are under way."""
    dice, hour = random.Random(seed), 3600
    offset = folder / "offset"
    _write(offset, 0)
    async with Processes(url, folder) as processes, asking(url):
        for who in ("first", "second"):
            processes.start("shifted", who, url, 1.0, str(offset))
            await _ready(processes, who)
        chosen = (shapes.quick, shapes.short, shapes.flaky, shapes.parent, shapes.sleeper)
        handles = []
        for number in range(runs):
            handle = await dice.choice(chosen).trigger(number)
            processes.ledger.write("accepted", handle.id, more=handle.task_id)
            handles.append(handle)
        # Last the latest time of all: what was put off by a clock that was ahead need not be waited for.
        for jump in (hour, 0, -hour, 2 * hour):
            seen = len(processes.events)
            await processes.until(lambda e: e.what == "begin", since=seen)
            _write(offset, jump)
        for handle in handles:
            result = await handle.result(timeout=WITHIN)
            assert result.status == "COMPLETED", (handle.task_id, result)
        await all_ended(url, WITHIN)
        for who in ("first", "second"):
            assert await processes.stop(who) == 0, processes.errors_of(who)
        passed(examine(processes.look(), await all_runs(url), 1.0, is_steady=False))


def _write(path: Path, number: int) -> None:
    """At once, so that nobody reads half of it."""
    new = path.with_suffix(".new")
    new.write_text(str(number))
    new.rename(path)


async def _ready(processes: Processes, who: str) -> None:
    await processes.until(lambda e: e.who == who and e.what == "ready")


def _names(events: list[Event]) -> set[str]:
    return {event.who for event in events if event.what == "alive"}


def _lived(events: list[Event], who: str, at: int, period: float) -> bool:
    """Its event loop turned all the time in which it had to make the tick."""
    begins, ends, most = at - int(0.3e9), at + int(period * 1e9), int(0.35e9)
    signs = [e.at for e in events if e.who == who and e.what in ("alive", "ready")]
    ready = [e.at for e in events if e.who == who and e.what == "ready"]
    near = [begins, *(sign for sign in signs if begins < sign < ends), ends]
    gaps = (second - first for first, second in pairwise(near))
    return bool(ready) and ready[0] < begins and max(gaps) < most
