"""The campaign itself: clients that ask for runs, keepers that kill and restart workers."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from campaign.kill_point import OPERATIONS, WHENS, KillPoint
from campaign.ledger import Ledger
from campaign.processes import Processes
from campaign.shapes import Shape, endless, shapes_of, token
from campaign.store import all_ended, all_runs, asking
from campaign.verdict import Figures, examine
from taskkit import RunHandle, wait
from taskkit.errors import ResultTimeoutError

_ARMED = 0.4  # of all victims; the others are killed from outside
_SETTLES = 0.55  # of the armed
_RESULT_WITHIN = 300.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How much, how long at most, and with what.

    `pace` is how many outside kills of a worker a second there are, once its first run has begun, `patience` how long
    that is waited for.
    """

    kills: int
    seed: int
    workers: int = 4
    concurrency: int = 3
    clients: int = 60
    lease: float = 2.0
    seconds: float = 3600.0
    pace: float = 1.6
    patience: float = 3.0


TEMPORAL = Plan(80, 0, workers=3, concurrency=4, clients=30, lease=5.0, pace=0.3, patience=15.0)
"""There a delivery costs more, and a worker that is gone is missed for longer."""


@dataclass(slots=True)
class Campaign:
    """One campaign over the backend of a URL, in a folder of its own."""

    url: str
    folder: Path
    plan: Plan
    killed: int = 0
    accepted: int = 0
    wrong: list[str] = field(default_factory=list)
    _is_over: bool = False
    _clients_done: bool = False
    _names: int = 0
    _began: float = 0.0

    async def run(self) -> Figures:
        """Carry it out; what was found."""
        self._began = time.monotonic()
        async with Processes(self.url, self.folder) as processes:
            async with asking(self.url):
                clients = asyncio.ensure_future(self._clients(processes.ledger))
                tasks = [clients, asyncio.ensure_future(self._tell())]
                keepers = [self._keep(processes, number) for number in range(self.plan.workers)]
                tasks += map(asyncio.ensure_future, keepers)
                try:
                    await asyncio.gather(clients, *tasks[2:])  # until the first of them raises
                finally:
                    for task in tasks:
                        task.cancel()
                accepted = {e.run for e in processes.look() if e.what == "accepted"}
                runs = await all_runs(self.url, known=accepted)
            events = processes.look()
        figures = examine(events, runs, self.plan.lease)
        figures.faults[:0] = self.wrong
        figures.seconds = time.monotonic() - self._began
        return figures

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(5)
            seconds = time.monotonic() - self._began
            print(
                f"  {seconds:5.0f} s  {self.killed}/{self.plan.kills} kills, {self.accepted} runs asked for, "
                f"{len(self.wrong)} wrong",
                flush=True,
            )

    @property
    def _goes_on(self) -> bool:
        if not self._is_over:
            is_late = time.monotonic() - self._began > self.plan.seconds
            self._is_over = self.killed >= self.plan.kills or is_late
        return not self._is_over

    async def _clients(self, ledger: Ledger) -> None:
        await asyncio.gather(*(self._ask(ledger, number) for number in range(self.plan.clients)))
        with suppress(TimeoutError):  # the verdict tells
            await all_ended(self.url, _RESULT_WITHIN)  # also children whose parent has crashed
        self._clients_done = True

    # --- clients ------------------------------------------------------------------------------------

    async def _ask(self, ledger: Ledger, number: int) -> None:
        """Trigger one run after another and look whether each ends as it must."""
        dice = random.Random(f"{self.plan.seed}/client/{number}")
        shapes = shapes_of(self.url)
        weights = [shape.weight for shape in shapes]
        while self._goes_on:
            (shape,) = dice.choices(shapes, weights)
            argument: Any = dice.randrange(1000)
            completes = None
            if shape.task is token:
                made = await wait.create_token()
                completes, argument = made.id, made.id
            handle = await shape.task.trigger(argument)
            ledger.write("accepted", handle.id, more=shape.task.id)
            self.accepted += 1
            if completes is not None:
                await asyncio.sleep(dice.uniform(0, 0.5))
                await wait.complete_token(completes, completes[-4:])
            if shape.task is endless:
                await asyncio.sleep(dice.uniform(0, 1.5))
                await handle.cancel(reason="enough")
            await self._look(handle, shape, argument)

    async def _look(self, handle: RunHandle[Any], shape: Shape, argument: Any) -> None:
        try:
            result = await handle.result(timeout=_RESULT_WITHIN)
        except ResultTimeoutError:
            run = await handle.retrieve()
            self.wrong.append(f"{shape.task.id} {handle.id} has no end: {run.status}")
            return
        said = f"{shape.task.id} {handle.id} ended {result.status} with {result.output!r}"
        if result.status == "CRASHED":
            return  # whether that is right, the verdict tells
        if result.status != shape.status:
            self.wrong.append(f"{said}: {result.error}")
        elif shape.output is not None and result.output != shape.output(argument):
            self.wrong.append(f"{said}, asked for with {argument}")
        elif shape.task is token and result.output != argument[-4:]:
            self.wrong.append(said)

    # --- keepers ------------------------------------------------------------------------------------

    async def _keep(self, processes: Processes, number: int) -> None:
        """One worker after another, each killed in its own way; at last one that may live."""
        dice = random.Random(f"{self.plan.seed}/keeper/{number}")
        while not self._clients_done:
            self._names += 1
            who = f"w{self._names}"
            point = _kill_point(dice) if self._goes_on else None
            plan = self.plan
            processes.start("work", who, self.url, plan.lease, plan.concurrency, str(point or ""))
            if self._goes_on:
                await self._kill(processes, who, dice.expovariate(plan.pace), point)
            else:
                await self._let_live(processes, who)

    async def _kill(
        self, processes: Processes, who: str, after: float, point: KillPoint | None
    ) -> None:
        """A while after its first run has begun; or in the call for which it is armed."""
        patience = self.plan.patience
        began = asyncio.ensure_future(
            processes.until(
                lambda event: event.who == who and event.what == "begin",
                since=len(processes.events),
            )
        )
        ended = asyncio.ensure_future(processes.ended(who))
        await asyncio.wait((began, ended), timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        began.cancel()
        await asyncio.wait((ended,), timeout=min(after, patience) if point is None else patience)
        if not ended.done():
            processes.ledger.write("killing", more=f"outside:{who}")
            processes.signal(who)
        status = await ended
        if status == -9:
            self.killed += 1
        else:
            raise AssertionError(
                f"worker {who} ended by itself, status {status}: {processes.errors_of(who)}"
            )

    async def _let_live(self, processes: Processes, who: str) -> None:
        while not self._clients_done and not processes.has_ended(who):
            await asyncio.sleep(0.05)
        status = await processes.stop(who)
        if status != 0:
            raise AssertionError(
                f"worker {who} could not stop, status {status}: {processes.errors_of(who)}"
            )


def _kill_point(dice: random.Random) -> KillPoint | None:
    if dice.random() > _ARMED:
        return None
    operation = "settle" if dice.random() < _SETTLES else dice.choice(OPERATIONS)
    nth = 1 + min(int(dice.expovariate(0.25)), 12) if operation != "extend" else 1
    return KillPoint(operation, nth, dice.choice(WHENS), dice.uniform(0, 0.003))
