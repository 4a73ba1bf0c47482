"""What a broken backend is made of: one fault each, and any two of them together."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from copy import copy
from datetime import UTC, datetime
from functools import partial
from types import SimpleNamespace
from typing import Any, ClassVar, Self, TypeVar

from taskkit.backends.base import Capability, Now
from taskkit.backends.memory import MemoryBackend
from taskkit.backends.memory.record import Record
from taskkit.model.exchange import Enqueued, Lease, Outcome, Suspended
from taskkit.model.request import TriggerRequest


class Faulty(MemoryBackend):
    """The memory backend, and places where a fault can reach in; by itself it has none.

    A fault overrides a method or a place and calls super(), so that faults can be combined as mixins. There may be
    another instance on the same store, which counts as another process.
    """

    capabilities = MemoryBackend.capabilities | {Capability.SHARED}
    caught_by: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        super().__init__()
        self.is_other = False
        self.between = SimpleNamespace(under_way=[])
        self.spoil()
        self.begin()

    def another(self) -> Self | None:
        """Another instance on the same store."""
        other = copy(self)
        other.is_other = True
        other.begin()
        return other

    def begin(self) -> None:
        """What a fault keeps for each instance begins here; `between` belongs to both."""

    @asynccontextmanager
    async def crossing(self) -> AsyncGenerator[bool]:
        """A call that takes until the next turn of the event loop; whether it crosses one of the other instance."""
        under_way = self.between.under_way
        crosses = any(one is not self for one in under_way)
        under_way.append(self)
        try:
            yield crosses
            await asyncio.sleep(0)
        finally:
            under_way.remove(self)

    def spoil(self) -> None:
        """A fault replaces methods of the backend's parts here, by `wrap`."""

    def asked(self, request: TriggerRequest, now: datetime) -> TriggerRequest:
        """What the backend understands of a request."""
        return request

    def told(
        self, record: Record, outcome: Outcome | Suspended, now: datetime
    ) -> Outcome | Suspended:
        """What the backend understands of an outcome."""
        return outcome

    async def enqueue(
        self, requests: Sequence[TriggerRequest], *, batch_id: str | None, now: Now
    ) -> Sequence[Enqueued]:
        moment = now or datetime.now(UTC)
        understood = [self.asked(request, moment) for request in requests]
        return await super().enqueue(understood, batch_id=batch_id, now=now)

    async def settle(self, lease: Lease, outcome: Outcome | Suspended, *, now: Now) -> None:
        record = self._known(lease.run.id)
        understood = self.told(record, outcome, now or datetime.now(UTC))
        await super().settle(lease, understood, now=now)


FAULTS: list[type[Faulty]] = []
"""Every broken backend."""

FaultyT = TypeVar("FaultyT", bound=type[Faulty])


def fault(*caught_by: str) -> Callable[[FaultyT], FaultyT]:
    """Enter a broken backend; `caught_by` names checks that are there to catch it."""

    def enter(backend: FaultyT) -> FaultyT:
        backend.caught_by = caught_by
        FAULTS.append(backend)
        return backend

    return enter


def wrap(part: object, name: str, broken: Callable[..., Any]) -> None:
    """Put a broken method in the place of a part's own; its first argument is what was there."""
    setattr(part, name, partial(broken, getattr(part, name)))


def nothing(*_: object, **__: object) -> None:
    """In the place of a method that should do something."""
