"""A backend that tells the ledger what it is asked, and in which its process kills itself at a given call."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, TypeVar, get_args

from campaign.ledger import Ledger
from campaign.watched_runner import WatchedRunner
from taskkit.backends.base import Runner, SupportsTurn
from taskkit.errors import LeaseLostError
from taskkit.model.exchange import Lease, Outcome, Signal, Suspended

T = TypeVar("T")
Operation = Literal["enqueue", "claim", "append", "extend", "settle"]
When = Literal["before", "during", "after"]
OPERATIONS: tuple[Operation, ...] = get_args(Operation)
WHENS: tuple[When, ...] = get_args(When)
_SENT = 0.02


@dataclass(frozen=True, slots=True)
class KillPoint:
    """The process ends before, during or after its `nth` call of this operation.

    During means `delay` seconds after the call was handed to the store, or with its answer if that comes first.
    """

    operation: Operation
    nth: int
    when: When
    delay: float = 0.0

    def __str__(self) -> str:
        return f"{self.operation}:{self.nth}:{self.when}:{self.delay:.6f}"

    @classmethod
    def parse(cls, text: str) -> KillPoint | None:
        """What `str` wrote; None for an empty text."""
        if not text:
            return None
        operation, nth, when, delay = text.split(":")
        return cls(operation, int(nth), when, float(delay))  # type: ignore[arg-type]  # written by str


class Watched:
    """Stands in for methods of one backend instance; everything else of it stays as it is."""

    def __init__(self, backend: Any, ledger: Ledger, point: KillPoint | None) -> None:
        self._ledger = ledger
        self._point = point
        self._calls = dict.fromkeys(OPERATIONS, 0)
        self._backend = backend
        self._given = {
            name: getattr(backend, name)
            for name in ("enqueue", "claim", "turn", "append", "extend", "settle")
            if hasattr(backend, name)
        }
        if "settle" not in self._given:  # it drives itself
            self._given["serve"] = backend.serve
        for name in self._given:
            setattr(backend, name, getattr(self, "_" + name))
        assert isinstance(backend, SupportsTurn) == ("turn" in self._given)

    # --- the kill -----------------------------------------------------------------------------------

    async def _around(self, operation: Operation, call: Coroutine[Any, Any, T]) -> T:
        self._calls[operation] += 1
        point = self._point
        if point is None or (point.operation, point.nth) != (operation, self._calls[operation]):
            return await call
        if point.when == "before":
            self._die()
        if point.when == "during":
            under_way = asyncio.ensure_future(call)
            await asyncio.sleep(0)  # it is with the store from here on
            threading.Thread(target=self._die_after, args=(point.delay,), daemon=True).start()
            await under_way
        else:
            await call
        return self._die()

    def _pass(self, operation: Operation) -> None:
        """Where nobody can be awaited: during is a moment later, and after one by which the server has it."""
        self._calls[operation] += 1
        point = self._point
        if point is None or (point.operation, point.nth) != (operation, self._calls[operation]):
            return
        if point.when == "before":
            self._die()
        delay = point.delay + (_SENT if point.when == "after" else 0)
        threading.Thread(target=self._die_after, args=(delay,), daemon=True).start()

    def _die_after(self, seconds: float) -> None:
        time.sleep(seconds)
        self._die()

    def _die(self) -> NoReturn:
        self._ledger.write("killing", more=str(self._point))
        os.kill(os.getpid(), signal.SIGKILL)
        raise SystemExit  # not reached

    # --- what is told -------------------------------------------------------------------------------

    def _tell(self, what: str, lease: Lease, more: str = "-") -> None:
        self._ledger.write(what, lease.run.id, lease.attempt, lease.delivery, more)

    def _claimed(self, leases: Sequence[Lease]) -> None:
        for lease in leases:
            self._tell("claimed", lease, f"{lease.kind}{'-orphaned' if lease.orphaned else ''}")

    async def _serve(self, runner: Runner, options: Any) -> None:
        watched = WatchedRunner(
            runner,
            self._tell,
            claims=lambda: self._pass("claim"),
            settles=lambda: self._pass("settle"),
        )
        await self._given["serve"](watched, options)

    async def _enqueue(self, requests: Any, **rest: Any) -> Any:
        return await self._around("enqueue", self._given["enqueue"](requests, **rest))

    async def _append(self, run_id: str, entries: Any, **rest: Any) -> None:
        await self._around("append", self._given["append"](run_id, entries, **rest))

    async def _claim(self, worker: str, spec: Any, **rest: Any) -> Sequence[Lease]:
        leases: Sequence[Lease] = await self._looking(self._given["claim"](worker, spec, **rest))
        self._claimed(leases)
        return leases

    async def _turn(self, worker: str, spec: Any, **rest: Any) -> tuple[Any, Sequence[Lease]]:
        due, leases = await self._looking(self._given["turn"](worker, spec, **rest))
        self._claimed(leases)
        return due, leases

    async def _looking(self, call: Coroutine[Any, Any, T]) -> T:
        return await self._around("claim", call)

    async def _extend(self, leases: Sequence[Lease], **rest: Any) -> Sequence[Signal]:
        self._ledger.write("beating")
        signals: Sequence[Signal] = await self._around(
            "extend", self._given["extend"](leases, **rest)
        )
        self._ledger.write("beat")
        for lease, told in zip(leases, signals, strict=True):
            if told is not Signal.HELD:
                self._tell("told", lease, told.value)
        return signals

    async def _settle(self, lease: Lease, outcome: Outcome | Suspended, **rest: Any) -> None:
        name = type(outcome).__name__
        self._tell("settling", lease, name)
        try:
            await self._around("settle", self._given["settle"](lease, outcome, **rest))
        except LeaseLostError:
            self._tell("fenced", lease, name)
            raise
        except BaseException as error:
            self._tell("unsettled", lease, type(error).__name__)
            raise
        self._tell("settled", lease, name)
