"""What the processes of the campaign do. `stops` is a pipe that ends when one shall stop in order."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import taskkit
from campaign import shapes
from campaign.fast_clock import FastClock
from campaign.kill_point import KillPoint, Watched
from taskkit import idempotency_keys, session
from taskkit.model.clock import SystemClock
from taskkit.runtime.current_backend import home_of, new_home
from taskkit.runtime.home import Home

_SIGN_OF_LIFE = 0.2


def work(stops: int, url: str, lease: float, concurrency: int, point: str = "") -> None:
    """A worker, with what it asks of its store told to the ledger."""
    asyncio.run(_work(stops, url, lease, concurrency, KillPoint.parse(point)))


async def _work(
    stops: int, url: str, lease: float, concurrency: int, point: KillPoint | None
) -> None:
    Watched(home_of(url).backend, shapes.ledger(), point)
    living = asyncio.create_task(_live())
    async with taskkit.worker(url, lease=lease, drain=0, concurrency=concurrency) as worker:
        shapes.ledger().write("ready")
        told, ended = (
            asyncio.create_task(_stopped(stops)),
            asyncio.create_task(worker.ended()),
        )
        await asyncio.wait((told, ended), return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            ended.result()  # what it died of
    living.cancel()


async def _live() -> None:
    """Tell that the event loop turns: a worker that does not come to its beats has stood still, or has a fault."""
    while True:
        shapes.ledger().write("alive")
        await asyncio.sleep(_SIGN_OF_LIFE)


async def _stopped(stops: int) -> None:
    over = asyncio.Event()
    asyncio.get_running_loop().add_reader(stops, over.set)
    await over.wait()
    asyncio.get_running_loop().remove_reader(stops)
    os.close(stops)


# --- programs of single scenes ----------------------------------------------------------------------


def race(stops: int, url: str, keys: int) -> None:
    """Trigger once for each key, when told to; tell which runs those are."""
    asyncio.run(_race(stops, url, keys))


async def _race(stops: int, url: str, keys: int) -> None:
    ledger = shapes.ledger()
    with taskkit.use_backend(url):
        await home_of(url).ready()
        ledger.write("ready")
        await _stopped(stops)
        names = [idempotency_keys.create(f"key-{n}", scope="global") for n in range(keys)]
        handles = await asyncio.gather(
            *(shapes.quick.trigger(n, idempotency_key=key) for n, key in enumerate(names))
        )
        for number, handle in enumerate(handles):
            ledger.write("raced", handle.id, more=str(number))
        await home_of(url).close()


def reply(stops: int, url: str, replies: int) -> None:
    """Trigger as often as told, and die with the last reply."""
    asyncio.run(_reply(url, replies))


async def _reply(url: str, replies: int) -> None:
    ledger = shapes.ledger()
    with taskkit.use_backend(url):
        for number in range(replies):
            handle = await shapes.quick.trigger(number)
            if number == replies - 1:
                ledger.write("accepted", handle.id, more="quick")
                os.kill(os.getpid(), signal.SIGKILL)
            ledger.write("accepted", handle.id, more="quick")


def schedule(stops: int, url: str, began: int, factor: float, lease: float) -> None:
    """A worker with its scheduler, by a clock that goes faster; `lease` in its seconds."""
    import campaign.ticking  # noqa: F401 - declares the schedule, here only

    clock = FastClock(began, factor)
    asyncio.run(_schedule(stops, new_home(url, clock=clock), lease))


async def _schedule(stops: int, home: Home, lease: float) -> None:
    living = asyncio.create_task(_live())
    async with session.Worker(home, "production", lease=lease, drain=0):
        shapes.ledger().write("ready")
        await _stopped(stops)
    living.cancel()


def shifted(stops: int, url: str, lease: float, offset: str) -> None:
    """A worker whose machine's clock is wrong by as many seconds as a file says."""

    def wrong() -> datetime:
        return datetime.now(UTC) + timedelta(seconds=float(Path(offset).read_text()))

    clock: Any = SystemClock  # the machine's clock, as this process reads it
    clock.now = lambda _: wrong()
    if url.startswith("sqlite:"):
        from taskkit.backends.sql.encoding import micros
        from taskkit.backends.sqlite.store import SqliteStore

        store: Any = SqliteStore
        store.now = lambda _: micros(wrong())
    asyncio.run(_work(stops, url, lease, 4, None))
