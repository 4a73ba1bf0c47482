"""A Temporal server that is killed and started again, on the same port and data, while workers and clients go on."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.temporal import TemporalServer
from campaign import shapes
from campaign.processes import WITHIN, Processes
from campaign.store import all_ended, all_runs, asking
from campaign.verdict import Figures, examine
from taskkit import RunHandle, wait
from taskkit.errors import StoreUnavailableError

T = TypeVar("T")
_STOPS = (signal.SIGKILL, signal.SIGTERM)
_ASKS_AGAIN = 0.2
_BACK_WITHIN = 30.0
_RESULT_WITHIN = 240.0  # most of which its server may be away


@dataclass(frozen=True, slots=True)
class Plan:
    """`away` are how many seconds the server is away, one after the other; `busy` how long it answers between them."""

    away: tuple[float, ...]
    seed: int
    lease: float = 5.0
    workers: int = 2
    clients: int = 12
    busy: float = 1.5


@dataclass(slots=True)
class Outages:
    """One play of it; `figures` when it is over."""

    server: TemporalServer
    url: str
    folder: Path
    plan: Plan
    refused: int = 0
    back_after: list[float] = field(default_factory=list[float])
    """From the server's start to the first delivery that a worker begins."""
    wrong: list[str] = field(default_factory=list[str])
    _is_over: bool = False

    async def run(self) -> Figures:
        began, workers = time.monotonic(), [f"w{number}" for number in range(self.plan.workers)]
        async with Processes(self.url, self.folder) as processes, asking(self.url):
            for who in workers:
                processes.start("work", who, self.url, self.plan.lease, 5)
            for who in workers:
                await processes.until(lambda e, who=who: e.who == who and e.what == "ready")  # type: ignore[misc]  # mypy cannot infer a lambda with a default
            clients = [self._ask(processes, number) for number in range(self.plan.clients)]
            asking_all = asyncio.ensure_future(asyncio.gather(*clients))
            try:
                await self._restart_often(processes)
                self._is_over = True
                await asking_all
            finally:
                asking_all.cancel()
            await all_ended(self.url, WITHIN)
            for who in workers:
                assert not processes.has_ended(who), processes.errors_of(who)
                assert await processes.stop(who) == 0, processes.errors_of(who)
            accepted = {event.run for event in processes.look() if event.what == "accepted"}
            runs = await all_runs(self.url, known=accepted)
            figures = examine(processes.look(), runs, self.plan.lease, is_steady=False)
        figures.faults[:0] = self.wrong
        figures.seconds = time.monotonic() - began
        return figures

    async def _restart_often(self, processes: Processes) -> None:
        dice = random.Random(f"{self.plan.seed}/server")
        for number, away in enumerate(self.plan.away):
            await asyncio.sleep(self.plan.busy + dice.uniform(0, 1))
            stop = _STOPS[number % len(_STOPS)]
            processes.ledger.write("away", more=stop.name)
            await asyncio.to_thread(self.server.stop, stop)
            await asyncio.sleep(away)
            await asyncio.to_thread(self.server.start)
            seen, back = len(processes.look()), time.monotonic()
            processes.ledger.write("back")
            await processes.until(lambda e: e.what == "claimed", since=seen, within=_BACK_WITHIN)
            self.back_after.append(time.monotonic() - back)

    # --- clients ------------------------------------------------------------------------------------

    async def _ask(self, processes: Processes, number: int) -> None:
        dice = random.Random(f"{self.plan.seed}/client/{number}")
        chosen = [
            one
            for one in shapes.shapes_of(self.url)
            if one.task not in (shapes.isolated, shapes.fragile)
        ]
        # Those that are in mid-flight while nothing of theirs is executed come more often than in the campaign.
        waiting = {shapes.parent, shapes.sleeper, shapes.token}
        weights = [10 + one.weight if one.task in waiting else one.weight for one in chosen]
        while not self._is_over:
            (shape,) = dice.choices(chosen, weights)
            argument: Any = dice.randrange(1000)
            if shape.task is shapes.token:
                argument = (await self._insist(wait.create_token)).id
            asks = shape.task
            handle = await self._insist(lambda asks=asks, given=argument: asks.trigger(given))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
            processes.ledger.write("accepted", handle.id, more=shape.task.id)
            await self._finish(handle, shape, argument, dice)

    async def _finish(
        self, handle: RunHandle[Any], shape: shapes.Shape, argument: Any, dice: random.Random
    ) -> None:
        await asyncio.sleep(dice.uniform(0, 1))
        if shape.task is shapes.token:
            await self._insist(lambda: wait.complete_token(argument, argument[-4:]))
        if shape.task is shapes.endless:
            await self._insist(lambda: handle.cancel(reason="enough"))
        result = await self._insist(lambda: handle.result(timeout=_RESULT_WITHIN))
        expected = shape.output(argument) if shape.output is not None else result.output
        if shape.task is shapes.token:
            expected = argument[-4:]
        if (result.status, result.output) != (shape.status, expected):
            self.wrong.append(
                f"{shape.task.id} {handle.id}, asked for with {argument}, ended {result}"
            )

    async def _insist(self, ask: Callable[[], Awaitable[T]]) -> T:
        """The answer; while the server is away only StoreUnavailableError is seen."""
        while True:
            try:
                return await ask()
            except StoreUnavailableError:
                self.refused += 1
                await asyncio.sleep(_ASKS_AGAIN)


def passed(played: Outages, figures: Figures) -> str:
    """What it came to; AssertionError when something is wrong, or it has shown nothing."""
    said = f"{figures}\n{played.refused} calls refused; back after {[round(one, 1) for one in played.back_after]} s"
    assert not figures.faults, said
    assert figures.accepted > len(played.plan.away), said
    return said
