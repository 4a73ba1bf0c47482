"""The engine as a backend sees it that brings a loop of its own: what it is given, and what it says, told to a ledger.

A store that we drive says what it has taken (`Watched`). Here that is seen from the engine's side: a lease that it is
handed is a claim, an outcome or a wait that it hands over a settle, of which nobody tells whether the server has it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from taskkit.backends.base import Control, Execution, Runner
from taskkit.model.exchange import Lease, Manifest, Outcome, Signal, Wait

Tell = Callable[..., None]
Pass = Callable[[], None]


class WatchedRunner:
    """`tell` writes a line about a lease; `settles` and `claims` are called where the process may be to die."""

    def __init__(self, runner: Runner, tell: Tell, *, claims: Pass, settles: Pass) -> None:
        self._runner = runner
        self.tell = tell
        self.claims = claims
        self.settles = settles

    @property
    def manifest(self) -> Manifest:
        return self._runner.manifest

    def begin(self, lease: Lease, control: Control) -> Execution:
        self.claims()
        return WatchedExecution(self, self._runner, lease, control)

    def claimed(self, lease: Lease) -> None:
        self.tell("claimed", lease, f"{lease.kind}{'-orphaned' if lease.orphaned else ''}")


class WatchedExecution:
    """An `Execution`, and the `Control` of the one that it watches."""

    def __init__(
        self, watched: WatchedRunner, runner: Runner, lease: Lease, control: Control
    ) -> None:
        self._watched = watched
        self._lease = lease
        self._control: Any = control
        self._is_lost = False
        watched.claimed(lease)
        self._execution = runner.begin(lease, self)

    async def run(self) -> Outcome:
        try:
            outcome = await self._execution.run()
        except asyncio.CancelledError:
            self._watched.tell("unsettled", self._lease, "CancelledError")
            raise
        self._say(type(outcome).__name__)
        return outcome

    def _say(self, name: str) -> None:
        watched = self._watched
        watched.tell("fenced" if self._is_lost else "settling", self._lease, name)
        watched.settles()

    def resume(self, lease: Lease) -> None:
        self._lease = lease
        self._watched.claims()
        self._watched.claimed(lease)
        self._execution.resume(lease)

    def tell(self, signal: Signal) -> None:
        self._is_lost = self._is_lost or signal is Signal.LOST
        self._watched.tell("told", self._lease, signal.value)
        self._execution.tell(signal)

    # --- as its control -----------------------------------------------------------------------------

    @property
    def is_stopping(self) -> bool:
        return bool(self._control.is_stopping)

    async def park(self, waits: Sequence[Wait]) -> None:
        self._say("Suspended")
        await self._control.park(waits)

    async def abandon(self, outcome: Outcome) -> None:
        self._say(type(outcome).__name__)
        await self._control.abandon(outcome)
