"""The loop that drives a store: claim, hand to the runner, beat, advance."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from datetime import datetime, timedelta

from taskkit.backends.base import Capability, QueueBackend, Runner, SupportsTurn, SupportsWake
from taskkit.backends.claim_loop.alarm import Alarm
from taskkit.backends.claim_loop.cancellation import claimed, raise_swallowed, uncancel
from taskkit.backends.claim_loop.held import Held
from taskkit.backends.claim_loop.outage import Outage
from taskkit.backends.claim_loop.presence import Presence
from taskkit.backends.claim_loop.repertoire import Repertoire
from taskkit.errors import StoreUnavailableError
from taskkit.model.clock import SYSTEM_CLOCK
from taskkit.model.exchange import (
    CANCEL_TOPIC,
    WORK_TOPIC,
    Lease,
    Signal,
    WorkerHealth,
    WorkerOptions,
)
from taskkit.model.ids import new_id

_log = logging.getLogger("taskkit.worker")
_ADVANCE_LIMIT = 1000
_BEATS_PER_LEASE = 3
_LAST_TRIES = 5.0
"""Seconds in which what could not be stored is tried again before the worker stops."""


class Worker:
    """One serving loop: its slots, the runs it holds, and when it has to look again."""

    def __init__(self, backend: QueueBackend, runner: Runner, options: WorkerOptions) -> None:
        self.backend = backend
        self.runner = runner
        self.options = options
        self.name = new_id("worker")
        self.clock = options.clock
        self._moves_time = self.clock is not SYSTEM_CLOCK
        self._shared = Capability.SHARED in backend.capabilities
        # A hint may be lost; and nobody waits for the turns of a fake clock.
        self._looks_again = self._shared and not self._moves_time
        self.held: dict[str, Held] = {}
        self.parked: dict[str, Held] = {}
        self.free = options.concurrency
        self.stopping = False
        self.task: asyncio.Task[None] | None = None
        self.loop = asyncio.get_running_loop()
        self.failure: BaseException | None = None
        self.outage = Outage(self.name, self.clock, options.lease)
        self.claims_end_at = math.inf
        self._looked: float | None = None
        self._beaten: float | None = None
        self._stops_trying = math.inf
        self._given_back = 0
        self._turns = backend if isinstance(backend, SupportsTurn) else None
        self._claiming = False
        self._claimed: asyncio.Future[None] | None = None
        self._woken = False
        self._has_more = True
        self._armed_for: datetime | None = None
        self._sleeper: asyncio.Future[None] | None = None
        self._alarm = Alarm(self.clock, self.wake)
        self._presence = Presence(
            backend, runner, self.name, self.clock, options.lease / _BEATS_PER_LEASE
        )
        self._repertoire = Repertoire(backend, runner, options.spec)
        self._next_beat = self.clock.monotonic()

    @property
    def now(self) -> datetime | None:
        """None lets the store use its own clock, which is the one all workers share."""
        return self.clock.now() if self._moves_time else None

    def health(self) -> WorkerHealth:
        """How it is just now."""
        return WorkerHealth(
            worker=self.name,
            concurrency=self.options.concurrency,
            running=self.options.concurrency - self.free,
            waiting=len(self.parked),
            last_claim=self._moment(self._looked),
            last_beat=self._moment(self._beaten),
            unavailable_since=self._moment(self.outage.since),
            is_stopping=self.stopping,
            given_back=self._given_back,
        )

    def _moment(self, steady: float | None) -> datetime | None:
        """Wall time for a moment of the clock's steady time."""
        if steady is None:
            return None
        return self.clock.now() - timedelta(seconds=self.clock.monotonic() - steady)

    # --- the loop -----------------------------------------------------------------------------------

    async def run(self) -> None:
        self.task = asyncio.current_task()
        if self.options.announce is not None:
            self.options.announce(self.health)
        stop_listening = self._listen()
        try:
            await self._work()
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            await self._die(error)
            raise
        finally:
            self._alarm.stop()
            stop_listening()
            await self._presence.end(self.failure)

    async def _work(self) -> None:
        try:
            while True:
                self._raise_failure()
                try:
                    await self._turn()
                except StoreUnavailableError as error:
                    await self._wait_out(error)
        except asyncio.CancelledError:
            self.stopping = True
            uncancel()
            await self._drain()
            self._raise_failure()
            raise

    def fail(self, error: BaseException) -> None:
        """The loop cannot go on: it ends with this, loudly, at its next turn."""
        if self.failure is None:
            self.failure = error
        self.wake()
        self.outage.cut_short()

    def _raise_failure(self) -> None:
        if self.failure is not None:
            raise self.failure
        raise_swallowed()

    async def _die(self, error: BaseException) -> None:
        self.failure = error
        _log.critical("worker %s stopped: %s: %s", self.name, type(error).__name__, error)
        try:
            await self._release_all()
        except asyncio.CancelledError:
            uncancel()  # whoever stops the worker now shall hear what it died of
            await self._release_all()

    async def _turn(self) -> None:
        began = self.clock.monotonic()
        if began >= self._next_beat:
            await self._beat()
        if self.free > 0 or self.parked:
            due = await self._claim()
        else:
            due = await self.backend.advance(now=self.now, limit=_ADVANCE_LIMIT)
        self._looked = began
        if self.outage.since is not None:
            self.outage.passed(self)
            self.outage.cut_short()
        if not self._woken:
            await self._sleep(due)
        self._woken = False

    async def _claim(self) -> datetime | None:
        """Do what is due, and take what may run; when something is due again."""
        if await self._repertoire.renewed():
            await self._presence.show(is_news=True)
        options, limit, backend = self.options, self.free, self.backend
        asked = (self.name, self._repertoire.spec)
        self._claiming = True
        try:
            if self._turns is None:
                due = await backend.advance(now=self.now, limit=_ADVANCE_LIMIT)
                claim = backend.claim(*asked, limit=limit, lease=options.lease, now=self.now)
                leases = await (claimed(backend, claim, self.now) if self._shared else claim)
            else:
                due, leases = await self._turns.turn(
                    *asked, limit=limit, lease=options.lease, now=self.now, advance=_ADVANCE_LIMIT
                )
            if leases:
                self.claims_end_at = self.clock.monotonic() + options.lease
                for lease in leases:
                    self._begin(lease)
        finally:
            self._claiming = False
            if self._claimed is not None:
                self._claimed.set_result(None)
                self._claimed = None
        self._has_more = len(leases) >= limit
        if self._has_more and self.free > 0:
            self.wake()  # given back while the claim was under way
        return due

    def _begin(self, lease: Lease) -> None:
        parked = self.parked.pop(lease.run.request.run_id, None) if self.parked else None
        if lease.kind != "cleanup":
            self.free -= 1
        if parked is not None:
            if lease.kind != "start":
                parked.resume(lease)
                return
            parked.tell(Signal.LOST)  # somebody else entered the attempt meanwhile
        held = Held(self, lease)
        self.held[lease.token] = held
        held.task = self.loop.create_task(held.carry(), name=lease.run.request.run_id)

    async def is_renewed(self, held: Held, lease: Lease) -> bool:
        """Whether only an older lease was lost: the next one may still be on its way here."""
        if self._claiming:
            if self._claimed is None:
                self._claimed = self.loop.create_future()
            await asyncio.shield(self._claimed)
        return held.lease is not lease

    def let_go(self, held: Held) -> None:
        self.held.pop(held.lease.token, None)
        if self.parked and self.parked.get(held.lease.run.id) is held:
            del self.parked[held.lease.run.id]
        if held.in_slot:
            held.in_slot = False
            self.free += 1
        held.task = None
        # The two are cycles, which would leave every run to the garbage collector.
        del held.execution
        if self._has_more or self.stopping or self.failure is not None:
            self.wake()  # otherwise it was not for want of a slot that nothing more was claimed

    # --- beats --------------------------------------------------------------------------------------

    @property
    def _must_beat(self) -> bool:
        """A parked run, once the store knows, has no lease to lose; only another process could take it from here."""
        if self._looks_again or len(self.held) > (0 if self._shared else len(self.parked)):
            return True
        return self.free < self.options.concurrency

    async def _beat(self) -> None:
        self._next_beat = self.clock.monotonic() + self.options.lease / _BEATS_PER_LEASE
        await self._presence.show()
        held = [
            one
            for one in self.held.values()
            if (self._shared or one.in_slot or one.lease.run.id not in self.parked)
            and not one.is_lost
        ]
        if not held:
            return
        leases = [h.lease for h in held]
        signals = await self.backend.extend(leases, lease=self.options.lease, now=self.now)
        self._beaten = self.clock.monotonic()
        for one, lease, signal in zip(held, leases, signals, strict=True):
            if one.lease is lease:
                one.ends_at = self._beaten + self.options.lease
            if signal is not Signal.HELD and self.held.get(lease.token) is one:
                one.tell(signal)

    # --- an outage of the store ---------------------------------------------------------------------

    async def _wait_out(self, error: StoreUnavailableError) -> None:
        """What runs goes on while the store is away, until its lease has surely ended."""
        now = self._next_beat = self.clock.monotonic()  # the first thing to do when it is back
        until = now + self.outage.met(self, error)
        while now < until and self.failure is None:
            next_end = self._end_leases(now)
            await self.outage.pause(min(until, next_end) - now)
            now = self.clock.monotonic()

    def _end_leases(self, now: float) -> float:
        """Tell those whose lease is over that they are lost; when the next one ends.

        A parked one can do no harm, and goes on if nobody has taken it when the store is back.
        """
        following = math.inf
        for one in list(self.held.values()):
            if one.is_lost or one.lease.run.id in self.parked:
                continue
            if one.ends_at <= now:
                one.tell(Signal.LOST)
            else:
                following = min(following, one.ends_at)
        return following

    async def outlasts(self, who: object, error: StoreUnavailableError) -> bool:
        """Wait until it is time to ask the store again; False where the worker has no more time for that."""
        delay = self.outage.met(who, error)
        if self.loop.time() >= self._stops_trying:
            return False
        await self.outage.pause(delay)
        return True

    # --- sleeping and waking ------------------------------------------------------------------------

    def wake(self) -> None:
        """Look again at the next turn of the event loop."""
        self._woken = True
        if self._sleeper is not None and not self._sleeper.done():
            self._sleeper.set_result(None)

    async def _sleep(self, due: datetime | None) -> None:
        raise_swallowed()
        is_armed = self._alarm.is_set and due is self._armed_for
        if not is_armed or (self._alarm.at > self._next_beat and self._must_beat):
            monotonic = self.clock.monotonic()
            until = self._next_beat if self._must_beat else None
            if due is not None:
                at = monotonic + (due - self.clock.now()).total_seconds()
                until = at if until is None else min(until, at)
            if until is not None and until <= monotonic:
                await asyncio.sleep(0)
                return
            if until is not None:
                self._alarm.set(until)
            self._armed_for = due
        self._sleeper = self.loop.create_future()
        try:
            await self._sleeper
        finally:
            self._sleeper = None

    def _heard(self, topic: str) -> None:
        if topic == CANCEL_TOPIC:
            self._next_beat = self.clock.monotonic()  # the beat brings who is asked to end
        self.wake()

    def _listen(self) -> Callable[[], object]:
        if isinstance(self.backend, SupportsWake):
            return self.backend.on_work(self._heard)
        pump = asyncio.create_task(self._pump(), name=f"{self.name}-watch")
        pump.add_done_callback(self._pumped)
        return pump.cancel

    def _pumped(self, pump: asyncio.Task[None]) -> None:
        if not pump.cancelled() and (error := pump.exception()) is not None:
            self.fail(error)

    async def _pump(self) -> None:
        watch = self.backend.watch([WORK_TOPIC, CANCEL_TOPIC])
        try:
            async for topic in watch:
                self._heard(topic)
        finally:
            watch.close()

    # --- the end ------------------------------------------------------------------------------------

    async def _drain(self) -> None:
        """Wait for what runs, then give the rest back; a second cancellation gives it back at once."""
        deadline = self.clock.monotonic() + self.options.drain
        if uncancel():  # the second one came before the first was heard
            deadline = -math.inf
        try:
            while self.free < self.options.concurrency and self.clock.monotonic() < deadline:
                await self._drain_turn(deadline)
        except asyncio.CancelledError:
            uncancel()
        await self._release_all()

    async def _drain_turn(self, deadline: float) -> None:
        self._raise_failure()
        now = self.clock.monotonic()
        if now >= self._next_beat:
            try:
                await self._beat()
            except StoreUnavailableError as error:
                self._next_beat = now + self.outage.met(self, error)
                self._end_leases(now)
            else:
                self.outage.passed(self)
        self._alarm.set(min(deadline, self._next_beat))
        if not self._woken:
            self._sleeper = asyncio.get_running_loop().create_future()
            await self._sleeper
        self._woken = False

    async def _release_all(self) -> None:
        self.stopping = True
        self._given_back = len(self.held)
        self._stops_trying = self.loop.time() + _LAST_TRIES
        self.outage.pause_clock = SYSTEM_CLOCK  # nobody moves a fake clock while a worker stops
        for one in list(self.held.values()):
            one.tell(Signal.SHUTDOWN)
        self.outage.cut_short()
        while self.held:  # not their tasks, some of which may ignore their cancellation
            self._sleeper = asyncio.get_running_loop().create_future()
            await self._sleeper
