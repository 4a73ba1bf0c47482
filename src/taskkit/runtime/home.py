"""A backend and the event loop it lives on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar, cast

from typing_extensions import ParamSpec

from taskkit.backends.base import Backend, Capability, SupportsTime
from taskkit.backends.optional import SupportsOutputLimit
from taskkit.definition.registry import REGISTRY
from taskkit.errors import BackendError, UnsupportedByBackendError
from taskkit.model.clock import SYSTEM_CLOCK, Clock
from taskkit.model.codec import OUTPUT_LIMIT
from taskkit.model.exchange import Enqueued, Manifest
from taskkit.model.request import TriggerRequest

T = TypeVar("T")
P = ParamSpec("P")
_MET = 10_000
"""Unknown tasks that are remembered."""

open_homes: set[Home] = set()
"""What is open is kept, also when nobody refers to it just now: it will be asked for again, and closed."""


class Home:
    """Where calls to a backend are carried out.

    A backend lives on the event loop that opened it. Calls from that loop go straight through; calls from
    other loops are carried there. When the loop has closed, the next call opens a new one.
    `serving` counts the workers of this process that serve it just now; it closes with the last of them
    when one of them opened it (`closes_with_workers`).
    """

    __slots__ = (
        "__weakref__",
        "_declared",
        "_is_spent",
        "_lock",
        "_make",
        "_met",
        "_opening",
        "_shared",
        "_supported",
        "backend",
        "clock",
        "closes_with_workers",
        "loop",
        "name",
        "output_limit",
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
        self._opening: asyncio.Task[None] | None = None
        self._lock = threading.Lock()
        self._is_spent = False
        self._supported: dict[type, bool] = {}
        self._met: set[str] = set()
        self._declared: object = None
        self.serving = 0
        self.closes_with_workers = False
        self._shared = Capability.SHARED in self.backend.capabilities
        self.output_limit = OUTPUT_LIMIT
        if isinstance(self.backend, SupportsOutputLimit):
            self.output_limit = min(OUTPUT_LIMIT, self.backend.output_limit)

    def __repr__(self) -> str:
        return f"<backend {self.name}>"

    @property
    def now(self) -> datetime | None:
        """What to pass to the backend as `now`: None, the store's own clock, unless a test moves time."""
        return None if self.clock is SYSTEM_CLOCK else self.clock.now()

    def time(self) -> datetime:
        """The moment by the clock that the store goes by, as far as it is known here."""
        if self.clock is SYSTEM_CLOCK and self.supports(SupportsTime):
            return cast("SupportsTime", self.backend).time()
        return self.clock.now()

    @property
    def is_open(self) -> bool:
        """The backend is open, or about to be, on a loop that still exists."""
        return self.loop is not None and not self.loop.is_closed()

    @property
    def is_here(self) -> bool:
        """The backend is open and lives on the running event loop."""
        return self.loop is asyncio.get_running_loop() and self._opening is None

    @property
    def is_shared(self) -> bool:
        """Other processes serve the same runs."""
        return self._shared

    def is_new(self, task_id: str) -> bool:
        """Whether this task, which nobody here knows, is asked for for the first time, as far as is remembered."""
        if len(self._met) >= _MET:
            self._met.clear()
        is_new = task_id not in self._met
        self._met.add(task_id)
        return is_new

    def supports(self, protocol: type) -> bool:
        """Whether the backend has an optional protocol; `isinstance` is slow, so the answer is kept."""
        known = self._supported.get(protocol)
        if known is None:
            known = self._supported[protocol] = isinstance(self.backend, protocol)
        return known

    def need(self, capability: Capability, what: str) -> None:
        """Raise UnsupportedByBackendError unless the backend declares this."""
        if capability not in self.backend.capabilities:
            kind = type(self.backend).__name__
            name = kind if kind == self.name else f"{self.name} ({kind})"
            raise UnsupportedByBackendError(what, backend=name, capability=capability.name)

    async def enqueue(
        self, requests: Sequence[TriggerRequest], batch_id: str | None
    ) -> Sequence[Enqueued]:
        """Hand requests to the backend, on its loop."""
        if not self._shared and REGISTRY.queues() is not self._declared:
            await self.declare()
        return await self.backend.enqueue(requests, batch_id=batch_id, now=self.now)

    async def declare(self) -> None:
        """Tell a backend of this process of tasks that were defined after its worker had started, if any."""
        queues = REGISTRY.queues()
        if not self._shared and queues is not self._declared:
            await self.backend.register(Manifest(frozenset(REGISTRY.ids()), queues))
            self._declared = queues

    async def call(
        self, fn: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Await `fn(*args)` on the backend's loop."""
        here = asyncio.get_running_loop()
        if self.loop is not here or self._opening is not None:
            home = self._settle(here)
            if home is not here:
                return await self._carry(self.call(fn, *args, **kwargs), home)
            if self._opening is not None:
                await asyncio.shield(self._opening)  # who gives up does not stop it for the others
        return await fn(*args, **kwargs)

    async def ready(self) -> None:
        """Open the backend on this loop if it is not open."""
        await self.call(_nothing)

    async def close(self) -> None:
        """Close the backend, on its own loop."""
        if self.loop is not None and not self.loop.is_closed():
            await self.call(self.backend.close)
            self.loop = None
            open_homes.discard(self)
            # A store opens once. What is in memory stays readable for those who hold its handles.
            self._is_spent = Capability.DURABLE in self.backend.capabilities

    def post(self, fn: Callable[[], object]) -> None:
        """Call this on the backend's loop: now when it is the running one, otherwise soon, if it still runs."""
        if self.loop is None or self.loop.is_closed():
            return
        if self.loop is asyncio.get_running_loop():
            fn()
        else:
            self.loop.call_soon_threadsafe(fn)

    def after_fork(self) -> None:
        """In a forked child: the loop that it lived on did not come along."""
        self.loop = self._opening = None
        self._lock = threading.Lock()
        self.serving, self._is_spent = 0, True
        open_homes.discard(self)

    def _settle(self, here: asyncio.AbstractEventLoop) -> asyncio.AbstractEventLoop:
        """The loop it lives on: from now on this one, when there is none."""
        with self._lock:
            if self.loop is None or self.loop.is_closed():
                if self.loop is not None or self._is_spent:
                    self.backend = self._make()
                    self._declared, self._is_spent = None, False
                self.loop = here
                _keep(self)
                self._opening = here.create_task(self._open(), name=f"open-{self.name}")
            return self.loop

    async def _open(self) -> None:
        try:
            await self.backend.open()
        except BaseException:
            self.loop = None
            open_homes.discard(self)
            raise
        finally:
            self._opening = None

    async def _carry(self, work: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop) -> T:
        if not loop.is_running():
            work.close()
            raise BackendError(
                f"The backend {self.name} lives on an event loop that is not running, so this call would wait for "
                f"ever. Keep that loop running, or close it: then the backend opens again where it is next used."
            )
        return await _carried(work, loop, self.name)


def _keep(home: Home) -> None:
    for other in list(open_homes):
        if not other.is_open:  # its loop has closed
            open_homes.discard(other)
    open_homes.add(home)


async def _carried(work: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop, name: str) -> T:
    """Await this on another loop. Canceled here it is canceled there, and over when this raises."""
    here = asyncio.get_running_loop()
    answer: asyncio.Future[T] = here.create_future()
    tasks: list[asyncio.Task[T]] = []

    def start() -> None:
        tasks.append(loop.create_task(work))
        tasks[0].add_done_callback(deliver)

    def cancel() -> None:
        tasks[0].cancel()  # there by now: `start` was called before

    def deliver(task: asyncio.Task[T]) -> None:
        with suppress(RuntimeError):  # the loop that asked has closed
            here.call_soon_threadsafe(_copy_end, task, answer)

    loop.call_soon_threadsafe(start)
    is_canceled = False
    while not answer.done():
        try:
            await asyncio.wait((answer,))
        except asyncio.CancelledError:
            is_canceled = True
            if loop.is_closed():
                raise
            loop.call_soon_threadsafe(cancel)
    if is_canceled:
        if not answer.cancelled():
            answer.exception()  # looked at, so that asyncio does not complain that nobody did
        raise asyncio.CancelledError
    if answer.cancelled():
        raise BackendError(
            f"The event loop on which the backend {name} lives ended before this call was answered. Keep it "
            f"running while others use the backend; the next call opens it anew."
        )
    return answer.result()


def _copy_end(task: asyncio.Task[T], answer: asyncio.Future[T]) -> None:
    if task.cancelled():
        answer.cancel()
    elif (error := task.exception()) is not None:
        answer.set_exception(error)
    else:
        answer.set_result(task.result())


async def _nothing() -> None:
    return None
