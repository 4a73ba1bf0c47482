"""The tasks of the campaign: each tells the ledger where it is, and has an end that can be foretold."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from campaign.ledger import Ledger
from taskkit import Context, Queue, Retry, Task, memo, metadata, task, wait
from taskkit.backends.base import Capability
from taskkit.runtime.current_backend import home_of
from taskkit.runtime.scope import current_scope

LEDGER, WHO = "CAMPAIGN_LEDGER", "CAMPAIGN_WHO"
_OFTEN = Retry(max_attempts=40, min_timeout=0.05, max_timeout=0.2, factor=1, randomize=False)


@cache
def ledger() -> Ledger:
    """This process's pen, also in the child process of an attempt."""
    return Ledger(Path(os.environ[LEDGER]), os.environ[WHO])


def note(what: str, more: object = "-") -> None:
    """Tell the ledger, with the delivery that is being carried out."""
    scope = current_scope.get()
    assert scope is not None
    lease = scope.lease
    ledger().write(what, lease.run.id, lease.attempt, lease.delivery, str(more))


def cleaned() -> None:
    note("cleanup")


@task(id="quick", retry=_OFTEN)
async def quick(number: int) -> int:
    note("begin")
    return number * 2


@task(id="short", retry=_OFTEN, cleanup=cleaned)
async def short(number: int) -> int:
    """Works for a while, and says how far it is."""
    note("begin")
    for step in range(4):
        metadata.set("step", step)
        await metadata.flush()
        await asyncio.sleep(0.05 + number % 10 / 100)
    return number + 1


@task(id="thread", retry=_OFTEN, cleanup=cleaned)
def thread(number: int) -> int:
    note("begin")
    time.sleep(0.1 + number % 10 / 50)
    return number + 3


@task(id="isolated", retry=_OFTEN, cleanup=cleaned, isolation="process")
def isolated(number: int) -> int:
    """In a child process, which must not outlive its worker."""
    note("begin")
    time.sleep(0.1)
    return number + 4


@task(id="flaky", retry=_OFTEN, cleanup=cleaned)
async def flaky(number: int, ctx: Context) -> int:
    """Fails twice."""
    note("begin")
    await asyncio.sleep(0.1)
    if ctx.attempt.number < 3:
        raise ValueError(f"attempt {ctx.attempt.number} of {number}")
    return number + 2


@task(
    id="hopeless",
    retry=Retry(max_attempts=3, min_timeout=0.05, factor=1, randomize=False),
    cleanup=cleaned,
)
async def hopeless(number: int) -> int:
    """Fails each time; or its workers die more than three times."""
    note("begin")
    await asyncio.sleep(0.05)
    raise ValueError(str(number))


@task(id="fragile", retry=Retry(max_attempts=1), cleanup=cleaned)
async def fragile(number: int) -> int:
    """Ends CRASHED when its worker dies twice."""
    note("begin")
    await asyncio.sleep(0.4)
    return number


@task(id="child", retry=_OFTEN, cleanup=cleaned)
async def child(number: int) -> int:
    note("begin")
    await asyncio.sleep(0.05)
    return number + 1


@task(id="parent", retry=_OFTEN, cleanup=cleaned)
async def parent(number: int) -> int:
    """Three children, and a sleep between them."""
    note("begin")
    first = await child.trigger_and_wait(number).unwrap()
    await wait.sleep(0.1)
    rest = await child.batch_trigger_and_wait([first, first + 1])
    return first + sum(one.unwrap() for one in rest.runs)


@task(id="sleeper", retry=_OFTEN, cleanup=cleaned)
async def sleeper(number: int) -> int:
    note("begin")
    await asyncio.sleep(0.05)
    await wait.sleep(0.2)
    await asyncio.sleep(0.05)
    return number


@task(id="token", retry=_OFTEN, cleanup=cleaned)
async def token(token_id: str) -> Any:
    """What the token was completed with."""
    note("begin")
    answer = await wait.for_token(token_id).unwrap()
    await asyncio.sleep(0.05)
    return answer


@task(id="memo", retry=_OFTEN, cleanup=cleaned)
async def remembers(number: int) -> int:
    """A value that is drawn once; each delivery tells which one it met."""
    note("begin")
    drawn: int = await memo("drawn", lambda: random.randrange(10**9))
    note("drawn", drawn)
    await asyncio.sleep(0.2)
    return drawn


@task(id="endless", retry=_OFTEN, cleanup=cleaned)
async def endless(number: int) -> None:
    """Until somebody cancels it."""
    note("begin")
    await asyncio.Event().wait()


@endless.on_cancel
def canceled() -> None:
    note("on_cancel")


# --- of single scenes -------------------------------------------------------------------------------


@task(id="narrow", retry=_OFTEN, queue=Queue("narrow", concurrency_limit=3))
async def narrow(number: int) -> int:
    """Tells when it enters and leaves a place that holds three."""
    note("begin")
    await asyncio.sleep(0.002)
    note("leave")
    return number


@task(id="stays", retry=_OFTEN, cleanup=cleaned)
async def stays(path: str) -> str:
    """Until there is such a file. Its first delivery keeps the event loop from turning meanwhile."""
    note("begin")
    scope = current_scope.get()
    assert scope is not None
    is_first = scope.lease.delivery == 1
    while not Path(path).exists():
        time.sleep(0.01) if is_first else await asyncio.sleep(0.01)  # noqa: ASYNC251 - meant
    return os.environ[WHO]


@task(id="lasts", retry=_OFTEN, cleanup=cleaned)
async def lasts(seconds: float) -> str:
    note("begin")
    await asyncio.sleep(seconds)
    return os.environ[WHO]


@task(id="naps", retry=_OFTEN, cleanup=cleaned)
async def naps(seconds: float) -> str:
    """Holds no slot meanwhile."""
    note("begin")
    await wait.sleep(seconds)
    return os.environ[WHO]


@task(id="weighs", retry=_OFTEN, cleanup=cleaned)
async def weighs(text: str) -> int:
    note("begin")
    return len(text)


# --- the shapes -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shape:
    """A kind of run: how many of a hundred, and what it ends with, in which attempt.

    Unless its workers die too often.
    """

    task: Task[Any, Any, Any]
    weight: int
    status: str = "COMPLETED"
    attempt: int = 1
    output: Callable[[int], Any] | None = None


SHAPES = (
    Shape(quick, 8, output=lambda n: n * 2),
    Shape(short, 28, output=lambda n: n + 1),
    Shape(thread, 10, output=lambda n: n + 3),
    Shape(isolated, 2, output=lambda n: n + 4),
    Shape(flaky, 10, attempt=3, output=lambda n: n + 2),
    Shape(hopeless, 6, status="FAILED", attempt=3),
    Shape(fragile, 6, output=lambda n: n),
    Shape(parent, 10, output=lambda n: 3 * n + 6),
    Shape(sleeper, 6, output=lambda n: n),
    Shape(token, 6),
    Shape(remembers, 4),
    Shape(endless, 4, status="CANCELED"),
)
_OTHERS = (child, narrow, stays, lasts, naps, weighs)
BY_TASK = {one.task.id: one for one in (*SHAPES, *(Shape(other, 0) for other in _OTHERS))}


def shapes_of(url: str) -> list[Shape]:
    """Those that a backend of this URL can do."""
    can = home_of(url).backend.capabilities
    return [one for one in SHAPES if Capability.MEMO in can or one.task is not remembers]
