"""The serve() of stores: claim, hand to the runner, beat, settle, advance."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from taskkit.backends.base import Capability, QueueBackend, Runner, SupportsWake
from taskkit.errors import LeaseLostError
from taskkit.model.clock import SYSTEM_CLOCK, Timer
from taskkit.model.exchange import (
    CANCEL_TOPIC,
    WORK_TOPIC,
    Completed,
    Lease,
    Outcome,
    Signal,
    Suspended,
    Wait,
    WorkerOptions,
)
from taskkit.model.ids import new_id

_log = logging.getLogger("taskkit.worker")
_ADVANCE_LIMIT = 1000
_BEATS_PER_LEASE = 3


class ClaimLoop:
    """Gives a `QueueBackend` its `serve`. A store inherits it and adds nothing."""

    async def serve(self: QueueBackend, runner: Runner, options: WorkerOptions) -> None:
        """See `Backend.serve`."""
        await self.register(runner.manifest)
        await Worker(self, runner, options).run()


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
        self.held: dict[str, Held] = {}
        self.parked: dict[str, Held] = {}
        self.free = options.concurrency
        self.stopping = False
        self.task: asyncio.Task[None] | None = None
        self.loop = asyncio.get_running_loop()
        self.failure: BaseException | None = None
        self._claiming = False
        self._claimed: asyncio.Future[None] | None = None
        self._woken = False
        self._has_more = True
        self._armed_for: datetime | None = None
        self._sleeper: asyncio.Future[None] | None = None
        self._alarm: Timer | None = None
        self._alarm_at = 0.0
        self._next_beat = self.clock.monotonic() + options.lease / _BEATS_PER_LEASE

    @property
    def now(self) -> datetime | None:
        """None lets the store use its own clock, which is the one all workers share."""
        return self.clock.now() if self._moves_time else None

    # --- the loop -----------------------------------------------------------------------------------

    async def run(self) -> None:
        self.task = asyncio.current_task()
        stop_listening = self._listen()
        try:
            await self._work()
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            await self._die(error)
            raise
        finally:
            self._disarm()
            stop_listening()

    async def _work(self) -> None:
        try:
            while True:
                await self._turn()
        except asyncio.CancelledError:
            self.stopping = True
            _uncancel()
            await self._drain()
            self._raise_failure()
            raise

    def fail(self, error: BaseException) -> None:
        """The loop cannot go on: it ends with this, loudly, at its next turn."""
        if self.failure is None:
            self.failure = error
        self.wake()

    def _raise_failure(self) -> None:
        if self.failure is not None:
            raise self.failure

    async def _die(self, error: BaseException) -> None:
        self.failure = error
        _log.critical("worker %s stopped: %s: %s", self.name, type(error).__name__, error)
        try:
            await self._release_all()
        except asyncio.CancelledError:
            _uncancel()  # whoever stops the worker now shall hear what it died of
            await self._release_all()

    async def _turn(self) -> None:
        self._raise_failure()
        if self.clock.monotonic() >= self._next_beat:
            await self._beat()
        due = await self.backend.advance(now=self.now, limit=_ADVANCE_LIMIT)
        if self.free > 0 or self.parked:
            await self._claim()
        if not self._woken:
            await self._sleep(due)
        self._woken = False

    async def _claim(self) -> None:
        options, limit = self.options, self.free
        self._claiming = True
        try:
            leases = await self.backend.claim(
                self.name, options.spec, limit=limit, lease=options.lease, now=self.now
            )
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

    def _begin(self, lease: Lease) -> None:
        parked = self.parked.pop(lease.run.request.run_id, None) if self.parked else None
        if lease.kind != "cleanup":
            self.free -= 1
        if parked is not None:
            if lease.kind != "start":
                parked.resume(lease)
                return
            parked.execution.tell(Signal.LOST)  # somebody else entered the attempt meanwhile
        held = Held(self, lease)
        self.held[lease.token] = held
        held.task = self.loop.create_task(self._carry(held), name=lease.run.request.run_id)

    async def _carry(self, held: Held) -> None:
        try:
            outcome = await held.execution.run()
            if not held.abandoned:
                try:
                    await self.backend.settle(held.lease, outcome, now=self.now)
                except LeaseLostError:
                    await self.settle(held, outcome)  # tells whether that was only an older lease
                if not isinstance(outcome, Completed):
                    self.wake()  # a retry may be due before anything that this worker knows of
        except (asyncio.CancelledError, GeneratorExit):
            raise
        except BaseException as error:  # a fault of the engine or the store, or what is not ours
            self.fail(error)
        finally:
            self._let_go(held)

    async def settle(self, held: Held, outcome: Outcome) -> None:
        """Record how a run ended, under the lease that is held when that arrives."""
        lease = held.lease
        try:
            await self.backend.settle(lease, outcome, now=self.now)
        except LeaseLostError:
            if await self.is_renewed(held, lease):
                await self.settle(held, outcome)
                return
            run_id = lease.run.id
            _log.warning("run %s: its lease was lost, what it did here is not recorded", run_id)

    async def is_renewed(self, held: Held, lease: Lease) -> bool:
        """Whether only an older lease was lost: the next one may still be on its way here."""
        if self._claiming:
            if self._claimed is None:
                self._claimed = self.loop.create_future()
            await asyncio.shield(self._claimed)
        return held.lease is not lease

    def _let_go(self, held: Held) -> None:
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
        """A parked run has no lease to lose; only another process could take it from here."""
        return len(self.held) > (0 if self._shared else len(self.parked))

    async def _beat(self) -> None:
        self._next_beat = self.clock.monotonic() + self.options.lease / _BEATS_PER_LEASE
        held = [h for h in self.held.values() if self._shared or h.lease.run.id not in self.parked]
        if not held:
            return
        leases = [h.lease for h in held]
        signals = await self.backend.extend(leases, lease=self.options.lease, now=self.now)
        for one, lease, signal in zip(held, leases, signals, strict=True):
            if signal is not Signal.HELD and self.held.get(lease.token) is one:
                one.execution.tell(signal)

    # --- sleeping and waking ------------------------------------------------------------------------

    def wake(self) -> None:
        """Look again at the next turn of the event loop."""
        self._woken = True
        if self._sleeper is not None and not self._sleeper.done():
            self._sleeper.set_result(None)

    async def _sleep(self, due: datetime | None) -> None:
        is_armed = self._alarm is not None and due is self._armed_for
        if not is_armed or (self._alarm_at > self._next_beat and self._must_beat):
            monotonic = self.clock.monotonic()
            until = self._next_beat if self._must_beat else None
            if due is not None:
                at = monotonic + (due - self.clock.now()).total_seconds()
                until = at if until is None else min(until, at)
            if until is not None and until <= monotonic:
                await asyncio.sleep(0)
                return
            self._arm(until)
            self._armed_for = due
        self._sleeper = self.loop.create_future()
        try:
            await self._sleeper
        finally:
            self._sleeper = None

    def _arm(self, until: float | None) -> None:
        if self._alarm is not None and (until is None or self._alarm_at <= until):
            return  # an earlier alarm costs one more look; a timer made and canceled for each run costs more
        if until is None:
            return
        self._disarm()
        self._alarm_at = until
        self._alarm = self.clock.call_at(until, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        self.wake()

    def _disarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

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
        try:
            while self.free < self.options.concurrency and self.clock.monotonic() < deadline:
                await self._drain_turn(deadline)
        except asyncio.CancelledError:
            _uncancel()
        await self._release_all()

    async def _drain_turn(self, deadline: float) -> None:
        self._raise_failure()
        if self.clock.monotonic() >= self._next_beat:
            await self._beat()
        self._arm(min(deadline, self._next_beat))
        if not self._woken:
            self._sleeper = asyncio.get_running_loop().create_future()
            await self._sleeper
        self._woken = False

    async def _release_all(self) -> None:
        self.stopping = True
        for one in list(self.held.values()):
            one.execution.tell(Signal.SHUTDOWN)
        while self.held:  # not their tasks, some of which may ignore their cancellation
            self._sleeper = asyncio.get_running_loop().create_future()
            await self._sleeper


class Held:
    """One run in this worker's hands, and the `Control` that its execution is given."""

    __slots__ = ("_worker", "abandoned", "execution", "in_slot", "lease", "task")

    def __init__(self, worker: Worker, lease: Lease) -> None:
        self._worker = worker
        self.lease = lease
        self.in_slot = lease.kind != "cleanup"
        self.abandoned = False
        self.task: asyncio.Task[None] | None = None
        self.execution = worker.runner.begin(lease, self)

    @property
    def is_stopping(self) -> bool:
        worker = self._worker
        return worker.stopping or worker.task is None or worker.task.cancelling() > 0

    async def park(self, waits: Sequence[Wait]) -> None:
        worker, lease = self._worker, self.lease
        worker.parked[lease.run.id] = (
            self  # before the store knows: its answer may come with the next claim
        )
        try:
            await worker.backend.settle(lease, Suspended(tuple(waits)), now=worker.now)
        except LeaseLostError:
            if not await worker.is_renewed(self, lease):
                worker.parked.pop(lease.run.id, None)
                self.execution.tell(Signal.LOST)
        except BaseException:
            worker.parked.pop(lease.run.id, None)  # the body is told, and goes on in its slot
            raise
        if self.lease is not lease:
            return  # resumed while this was under way; the slot is the new lease's
        self.give_back()
        worker.wake()

    def resume(self, lease: Lease) -> None:
        """Go on under a new lease."""
        del self._worker.held[self.lease.token]
        self._worker.held[lease.token] = self
        self.give_back()  # claimed before `park` came to it
        self.lease = lease
        self.in_slot = lease.kind != "cleanup"
        self.execution.resume(lease)

    async def abandon(self, outcome: Outcome) -> None:
        self.abandoned = True
        try:
            await self._worker.settle(self, outcome)
        except BaseException as error:  # nobody waits for this: the loop has to tell
            self._worker.fail(error)
        self._worker.held.pop(self.lease.token, None)
        self.give_back()
        self._worker.wake()

    def give_back(self) -> None:
        """The slot is free again, once."""
        if self.in_slot:
            self.in_slot = False
            self._worker.free += 1


def _uncancel() -> None:
    """This task goes on after its cancellation, so that it can be awaited again."""
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()
