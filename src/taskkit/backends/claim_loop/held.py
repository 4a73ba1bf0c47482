"""One run in a worker's hands, from its claim to the record of its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from taskkit.errors import LeaseLostError, StoreUnavailableError
from taskkit.model.exchange import Completed, Lease, Outcome, Released, Signal, Suspended, Wait

if TYPE_CHECKING:
    from taskkit.backends.claim_loop.worker import Worker

_log = logging.getLogger("taskkit.worker")


class Held:
    """One run in this worker's hands, and the `Control` that its execution is given.

    `ends_at` is when its lease has surely ended, unless a beat comes before; `told` the last signal that its
    execution was given.
    """

    __slots__ = (
        "_worker",
        "abandoned",
        "ends_at",
        "execution",
        "in_slot",
        "lease",
        "task",
        "told",
    )

    def __init__(self, worker: Worker, lease: Lease) -> None:
        self._worker = worker
        self.lease = lease
        self.ends_at = worker.claims_end_at
        self.in_slot = lease.kind != "cleanup"
        self.abandoned = False
        self.told: Signal | None = None
        self.task: asyncio.Task[None] | None = None
        self.execution = worker.runner.begin(lease, self)

    @property
    def is_stopping(self) -> bool:
        worker = self._worker
        return worker.stopping or worker.task is None or worker.task.cancelling() > 0

    @property
    def is_lost(self) -> bool:
        """The execution was told that somebody else may hold the run."""
        return self.told is Signal.LOST

    def tell(self, signal: Signal) -> None:
        """Pass on why it shall end."""
        self.told = signal
        self.execution.tell(signal)
        self._worker.outage.cut_short()  # a `park` that waits for the store keeps the body from its end

    # --- the way through ----------------------------------------------------------------------------

    async def carry(self) -> None:
        """Carry it out in a task of its own, and record how it ended."""
        worker = self._worker
        try:
            outcome = await self.execution.run()
            if not self.abandoned:
                if self.told is Signal.LOST:
                    await self.settle(outcome)
                else:
                    try:
                        await worker.backend.settle(self.lease, outcome, now=worker.now)
                    except (LeaseLostError, StoreUnavailableError):
                        await self.settle(outcome)  # which tells what that means
                if not isinstance(outcome, Completed):
                    worker.wake()  # a retry may be due before anything that this worker knows of
        except (asyncio.CancelledError, GeneratorExit):
            raise
        except BaseException as error:  # a fault of the engine or the store, or what is not ours
            worker.fail(error)
        finally:
            worker.let_go(self)

    async def settle(self, outcome: Outcome) -> None:
        """Record how a run ended, under the lease that is held when that arrives, once the store is there."""
        if self.is_lost and isinstance(outcome, Released):
            self._warn_lost()  # no clean-up was done here: whoever takes the run after this lease owes it
            return
        worker = self._worker
        while True:
            lease = self.lease
            try:
                await worker.backend.settle(lease, outcome, now=worker.now)
            except LeaseLostError:
                if await worker.is_renewed(self, lease):
                    continue
                self._warn_lost()
            except StoreUnavailableError as error:
                if await worker.outlasts(self, error):
                    continue
                _log.warning(
                    "run %s: how it ended could not be stored before the worker stopped; it is delivered again once "
                    "its lease has ended",
                    lease.run.id,
                )
                worker.outage.gave_up(self)
                return
            worker.outage.passed(self)
            return

    def _warn_lost(self) -> None:
        run_id = self.lease.run.id
        _log.warning("run %s: its lease was lost, what it did here is not recorded", run_id)

    # --- what its execution asks for ----------------------------------------------------------------

    async def park(self, waits: Sequence[Wait]) -> None:
        worker, lease = self._worker, self.lease
        # Before the store knows: its answer may come with the next claim.
        worker.parked[lease.run.id] = self
        try:
            await self._suspend(lease, Suspended(tuple(waits)))
        except LeaseLostError:
            if not await worker.is_renewed(self, lease):
                worker.parked.pop(lease.run.id, None)
                self.tell(Signal.LOST)
        except BaseException:
            worker.parked.pop(lease.run.id, None)  # the body is told, and goes on in its slot
            raise
        if self.lease is not lease:
            return  # resumed while this was under way; the slot is the new lease's
        self.give_back()
        worker.wake()

    async def _suspend(self, lease: Lease, suspended: Suspended) -> None:
        """Raises StoreUnavailableError only where the body is to end."""
        worker = self._worker
        while True:
            try:
                await worker.backend.settle(lease, suspended, now=worker.now)
            except StoreUnavailableError as error:
                if self.told is None and await worker.outlasts(self, error):
                    continue
                worker.outage.gave_up(self)
                raise
            except LeaseLostError:
                worker.outage.passed(self)
                raise
            if worker.outage.since is not None:
                worker.outage.passed(self)
            return

    def resume(self, lease: Lease) -> None:
        """Go on under a new lease."""
        del self._worker.held[self.lease.token]
        self._worker.held[lease.token] = self
        self.give_back()  # claimed before `park` came to it
        self.lease = lease
        self.ends_at = self._worker.claims_end_at
        self.in_slot = lease.kind != "cleanup"
        self.execution.resume(lease)

    async def abandon(self, outcome: Outcome) -> None:
        self.abandoned = True
        try:
            await self.settle(outcome)
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
