"""Faults of queues that are shown, paused and given another limit."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from broken.fault import Faulty, fault, nothing, wrap

from taskkit.backends.memory.queue_state import ANYBODY
from taskkit.backends.memory.record import Record
from taskkit.errors import QueueNotFoundError
from taskkit.model.exchange import Manifest, QueueRecord
from taskkit.model.run import RunStatus


@fault("a_queue_shows_its_load")
class RunsThatExecuteAreNotShown(Faulty):
    async def list_queues(self) -> Sequence[QueueRecord]:
        return [replace(queue, running=0) for queue in await super().list_queues()]


@fault("a_queue_shows_its_load")
class RunsThatExecuteAreShownAsQueued(Faulty):
    async def list_queues(self) -> Sequence[QueueRecord]:
        shown = await super().list_queues()
        return [replace(queue, queued=queue.queued + queue.running) for queue in shown]


@fault("a_queue_shows_its_load")
class QueuesAreShownWhenTheyAreUsed(Faulty):
    """A queue that was declared is not listed before a run stands in it."""

    async def list_queues(self) -> Sequence[QueueRecord]:
        return [queue for queue in await super().list_queues() if queue.queued or queue.running]


@fault("an_unknown_queue_cannot_be_changed")
class AnUnknownQueueIsMade(Faulty):
    async def update_queue(self, name: str, **settings: Any) -> QueueRecord:
        self._lanes.queue(name)
        return await super().update_queue(name, **settings)


@fault("an_unknown_queue_cannot_be_changed")
class AnUnknownQueueIsPassedOver(Faulty):
    async def update_queue(self, name: str, **settings: Any) -> QueueRecord:
        try:
            return await super().update_queue(name, **settings)
        except QueueNotFoundError:
            return QueueRecord(name, None, 0, 0)


# --- pauses -------------------------------------------------------------------------------------


@fault("a_paused_queue_starts_nothing", "a_worker_hears_that_a_queue_was_opened")
class APauseIsOnlyShown(Faulty):
    async def update_queue(self, name: str, **settings: Any) -> QueueRecord:
        paused = settings.pop("paused", None)
        shown = await super().update_queue(name, **settings)
        return replace(shown, paused=bool(paused))


@fault("a_paused_queue_starts_nothing")
class APauseIsNotShown(Faulty):
    async def update_queue(self, name: str, **settings: Any) -> QueueRecord:
        return replace(await super().update_queue(name, **settings), paused=False)


@fault("a_paused_queue_starts_nothing")
class RetriesPassAPause(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._lanes, "put", self._put_retries)

    @staticmethod
    def _put_retries(put: Any, record: Any, holder: str | None = None) -> None:
        put(record, ANYBODY if holder is None and record.attempt > 1 else holder)


@fault("a_paused_queue_starts_nothing")
class APauseIsForWhatComesLater(Faulty):
    """What stands in a queue that is paused still starts."""

    async def update_queue(self, name: str, **settings: Any) -> QueueRecord:
        shown = await super().update_queue(name, **settings)
        for record in self._standing_in(name):
            self._lanes.remove(record)
            self._lanes.put(record, ANYBODY)
        return shown

    def _standing_in(self, name: str) -> Iterator[Record]:
        for record in self._records.values():
            if record.queue == name and record.status is RunStatus.QUEUED:
                yield record


@fault("a_paused_queue_starts_nothing")
class APauseIsForEveryQueue(Faulty):
    async def update_queue(self, name: str, **settings: Any) -> QueueRecord:
        shown = await super().update_queue(name, **settings)
        for state in self._lanes.queues.values():
            state.paused = shown.paused
            self._lanes.apply(state)
        return shown

    async def claim(self, *args: Any, **rest: Any) -> Any:
        paused = any(state.paused for state in self._lanes.queues.values())
        return [] if paused else await super().claim(*args, **rest)


@fault("a_paused_queue_lets_those_end_that_have_begun")
class APauseHoldsAnswersBack(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._lanes, "put", self._put_as_new)

    def _put_as_new(self, put: Any, record: Any, holder: str | None = None) -> None:
        put(record, None if self._lanes.queue(record.queue).paused else holder)


@fault("a_paused_queue_lets_those_end_that_have_begun")
class APauseHoldsCleanupsBack(Faulty):
    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "_claim_cleanups", self._claim_open)

    def _claim_open(self, claim_cleanups: Any, *rest: Any) -> Any:
        cleanups = self._life._cleanups
        held = {
            run_id: record
            for run_id, record in cleanups.items()
            if self._lanes.queue(record.queue).paused
        }
        for run_id in held:
            del cleanups[run_id]
        leases = claim_cleanups(*rest)
        cleanups.update(held)
        return leases


@fault("a_worker_hears_that_a_queue_was_opened")
class AQueueOpensInSilence(Faulty):
    async def update_queue(self, name: str, **settings: Any) -> QueueRecord:
        wake = self._life.wake
        self._life.wake = nothing
        try:
            return await super().update_queue(name, **settings)
        finally:
            self._life.wake = wake


# --- other limits -------------------------------------------------------------------------------


@fault("another_limit_counts_in_the_place_of_the_declared_one")
class AnotherLimitIsIgnored(Faulty):
    async def update_queue(self, name: str, **settings: Any) -> QueueRecord:
        settings.pop("limit", None)
        return await super().update_queue(name, **settings)


@fault("another_limit_counts_in_the_place_of_the_declared_one")
class AResetLiftsEveryLimit(Faulty):
    async def update_queue(self, name: str, **settings: Any) -> QueueRecord:
        if settings.get("limit") == "declared":
            self._lanes.queue(name).declared = None
        return await super().update_queue(name, **settings)


@fault("another_limit_counts_in_the_place_of_the_declared_one")
class AnotherLimitIsForWhatComesLater(Faulty):
    """A higher limit does not let those go that stand at the lower one already."""

    async def update_queue(self, name: str, **settings: Any) -> QueueRecord:
        gates = [gate for gate in self._lanes._gates.values() if gate.queue.name == name]
        blocked = [(gate, gate.blocked) for gate in gates]
        for gate in gates:
            gate.blocked = []
        shown = await super().update_queue(name, **settings)
        for gate, lanes in blocked:
            gate.blocked = lanes
        return shown


@fault("a_limit_of_zero_can_be_put_over_another")
class AnotherLimitOfZeroIsNone(Faulty):
    async def update_queue(self, name: str, **settings: Any) -> QueueRecord:
        return await super().update_queue(
            name, **{**settings, "limit": settings.get("limit") or None}
        )


@fault("a_new_worker_undoes_neither_a_pause_nor_a_limit")
class ANewWorkerOpensQueues(Faulty):
    async def register(self, manifest: Manifest) -> None:
        for name in manifest.queues:
            self._lanes.queue(name).paused = False
        await super().register(manifest)


@fault("a_new_worker_undoes_neither_a_pause_nor_a_limit")
class ANewWorkerResetsLimits(Faulty):
    async def register(self, manifest: Manifest) -> None:
        for name in manifest.queues:
            self._lanes.queue(name).override = None
        await super().register(manifest)


@fault("a_paused_queue_lets_those_end_that_have_begun")
class AnswersStayWithTheirWorkerWhilePaused(Faulty):
    """A paused queue does not offer the answer of a worker that is gone to another."""

    def spoil(self) -> None:
        super().spoil()
        wrap(self._life, "_offer_due", self._offer_open)

    def _offer_open(self, offer: Any, record: Any, place: int, now: datetime) -> None:
        if not self._lanes.queue(record.queue).paused:
            offer(record, place, now)
