"""A backend and the event loop it lives on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any, TypeVar

from typing_extensions import ParamSpec

from taskkit.backends.base import Backend, Capability
from taskkit.definition.registry import REGISTRY
from taskkit.errors import BackendError, UnsupportedByBackendError
from taskkit.model.clock import SYSTEM_CLOCK, Clock
from taskkit.model.exchange import Enqueued, Manifest
from taskkit.model.request import TriggerRequest

T = TypeVar("T")
P = ParamSpec("P")


class Home:
    """Where calls to a backend are carried out.

    A backend lives on the event loop that opened it. Calls from that loop go straight through; calls from
    other loops are carried there. When the loop has closed, the next call opens the backend again.
    `serving` counts the workers of this process that serve it just now.
    """

    __slots__ = (
        "_declared",
        "_make",
        "_opening",
        "_shared",
        "_supported",
        "backend",
        "clock",
        "loop",
        "name",
        "serving",
    )

    def __init__(
        self, make: Callable[[], Backend], *, name: str, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._make = make
        self.name = name
        self.clock = clock
        self.backend = make()
        self.loop: asyncio.AbstractEventLoop | None = None
        self._opening: asyncio.Future[None] | None = None
        self._supported: dict[type, bool] = {}
        self._declared: object = None
        self.serving = 0
        self._shared = Capability.SHARED in self.backend.capabilities

    def __repr__(self) -> str:
        return f"<backend {self.name}>"

    @property
    def now(self) -> datetime | None:
        """What to pass to the backend as `now`: None, the store's own clock, unless a test moves time."""
        return None if self.clock is SYSTEM_CLOCK else self.clock.now()

    @property
    def is_here(self) -> bool:
        """The backend is open and lives on the running event loop."""
        return self.loop is asyncio.get_running_loop() and self._opening is None

    @property
    def is_shared(self) -> bool:
        """Other processes serve the same runs."""
        return self._shared

    def supports(self, protocol: type) -> bool:
        """Whether the backend has an optional protocol; `isinstance` is slow, so the answer is kept."""
        known = self._supported.get(protocol)
        if known is None:
            known = self._supported[protocol] = isinstance(self.backend, protocol)
        return known

    def need(self, capability: Capability, what: str) -> None:
        """Raise UnsupportedByBackendError unless the backend declares this."""
        if capability not in self.backend.capabilities:
            name = f"{self.name} ({type(self.backend).__name__})"
            raise UnsupportedByBackendError(what, backend=name, capability=capability.name)

    async def enqueue(
        self, requests: Sequence[TriggerRequest], batch_id: str | None
    ) -> Sequence[Enqueued]:
        """Hand requests to the backend, on its loop."""
        if not self._shared:
            queues = REGISTRY.queues()
            if queues is not self._declared:  # a task was defined after the worker had started
                await self.backend.register(Manifest(frozenset(REGISTRY.ids()), queues))
                self._declared = queues
        return await self.backend.enqueue(requests, batch_id=batch_id, now=self.now)

    async def call(
        self, fn: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Await `fn(*args)` on the backend's loop."""
        here = asyncio.get_running_loop()
        if self.loop is here and self._opening is None:
            return await fn(*args, **kwargs)
        if self.loop is None or self.loop.is_closed():
            await self._open(here)
            return await fn(*args, **kwargs)
        if self.loop is here:
            await self._wait_for_opening()
            return await fn(*args, **kwargs)
        return await self._carry(fn(*args, **kwargs), self.loop)

    async def ready(self) -> None:
        """Open the backend on this loop if it is not open."""
        await self.call(_nothing)

    async def close(self) -> None:
        """Close the backend, on its own loop."""
        if self.loop is not None and not self.loop.is_closed():
            await self.call(self.backend.close)
            self.loop = None

    async def _open(self, here: asyncio.AbstractEventLoop) -> None:
        if self.loop is not None:
            self.backend = self._make()
        self.loop = here
        opening = self._opening = here.create_future()
        try:
            await self.backend.open()
        except BaseException as error:
            self.loop = None
            opening.set_exception(error)
            opening.exception()  # it is raised here; whoever waits beside sees it too
            raise
        else:
            opening.set_result(None)
        finally:
            self._opening = None

    async def _wait_for_opening(self) -> None:
        if self._opening is not None:
            await asyncio.shield(self._opening)

    async def _carry(self, work: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop) -> T:
        if not loop.is_running():
            work.close()
            raise BackendError(
                f"The backend {self.name} lives on an event loop that is not running, so this call would wait for "
                f"ever. Keep that loop running, or close it: then the backend opens again where it is next used."
            )
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, loop))


async def _nothing() -> None:
    return None
