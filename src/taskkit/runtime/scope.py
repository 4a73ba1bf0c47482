"""The running attempt, as the code inside it finds it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from taskkit.definition.context import Signal
from taskkit.definition.task_definition import TaskDefinition
from taskkit.errors import NotInTaskError
from taskkit.model.clock import after
from taskkit.model.codec import PayloadCodec
from taskkit.model.error_info import ErrorInfo
from taskkit.model.exchange import Answer, Lease, Wait
from taskkit.model.ids import derived_id
from taskkit.model.redaction import Redaction
from taskkit.model.request import TriggerRequest
from taskkit.runtime.buffers import Buffers
from taskkit.runtime.home import Home
from taskkit.runtime.open_waits import OpenWaits

WaitHook = Callable[[str, Wait], Awaitable[None]]


class RunScope:
    """One attempt's lease, backend, definition, clock, buffers and open waits.

    The engine's attempt is one, and sets itself; what users call inside a task only reads it. Parts that
    most runs never use are made when they are first asked for.
    """

    __slots__ = (
        "_buffers",
        "_occurrences",
        "_other_buffers",
        "_redaction",
        "_signal",
        "_waits",
        "definition",
        "ended",
        "home",
        "lease",
        "loop",
        "memos",
        "received",
        "secrets",
        "wait_hook",
    )

    first_occurrence = 0
    """Higher where something else has asked for things in the same attempt before."""

    def __init__(
        self,
        lease: Lease,
        home: Home,
        definition: TaskDefinition,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.lease = lease
        self.home = home
        self.definition = definition
        self.loop = loop
        self.ended = False
        self.wait_hook: WaitHook | None = None
        self.memos: dict[str, asyncio.Future[bytes]] | None = None
        self.received = home.clock.monotonic()
        self.secrets: Mapping[str, str] | None = lease.run.request.secrets
        self._signal: Signal | None = None
        self._buffers: Buffers | None = None
        self._other_buffers: dict[str, Buffers] | None = None
        self._redaction: Redaction | None = None
        self._waits: OpenWaits | None = None
        self._occurrences: dict[tuple[str, str, str, bytes], int] | None = None

    async def park(self, waits: tuple[Wait, ...]) -> None:
        """Tell the backend what the run waits for, and give the slot back."""
        raise NotInTaskError("waiting")

    @property
    def run_id(self) -> str:
        return self.lease.run.request.run_id

    @property
    def stop_signal(self) -> Signal:
        """How the body learns that it shall end."""
        if self._signal is None:
            self._signal = Signal()
        return self._signal

    @property
    def redaction(self) -> Redaction | None:
        """What masks this run's secrets; None where it has none."""
        if self._redaction is None and self.secrets:
            self._redaction = Redaction(self.secrets)
        return self._redaction

    def read_payload(self, codec: PayloadCodec) -> Any:
        """The payload that the task is called with; its secrets are opened, and masked from here on."""
        data, self.secrets = self.lease.run.request.opened()
        payload = codec.decode(data, self.secrets)
        # Sealed whole: only now is known what in it is secret.
        if self.secrets and "" in self.secrets:
            with suppress(Exception):  # of a user's serializer: all that stands in it stays masked
                self.secrets = codec.secrets_in(payload)
        return payload

    def mask(self, secret: str) -> None:
        """Keep this text too out of everything that the run leaves behind."""
        if self._redaction is None:
            self._redaction = Redaction(self.secrets)
        self._redaction.add(secret)

    def masked(self, data: Any) -> Any:
        """JSON data without the run's secrets."""
        redaction = self.redaction
        return data if redaction is None else redaction.data(data)

    def without_secrets(self, info: ErrorInfo) -> ErrorInfo:
        """The record of an error as it may be stored."""
        redaction = self.redaction
        return info if redaction is None else redaction.error(info)

    def renew(self, lease: Lease) -> None:
        """Go on under a new lease."""
        self.lease = lease
        self.received = self.home.clock.monotonic()
        if self._buffers is not None:
            self._buffers.refresh(lease.run.metadata)

    def now(self) -> datetime:
        """The store's clock: what it said with the lease, and the time since."""
        return after(self.lease.now, self.home.clock.monotonic() - self.received)

    def derived_id(self, prefix: str, kind: str, name: str, digest: bytes = b"") -> str:
        """An id that an attempt entered again after a crash meets again.

        It derives from the run, the attempt, what is asked for, and how often the same was asked for
        before; something else asked for in its place gets another id.
        """
        if self._occurrences is None:
            self._occurrences = {}
        same = (prefix, kind, name, digest)
        count = self._occurrences.get(same, self.first_occurrence)
        self._occurrences[same] = count + 1
        return derived_id(
            prefix, self.run_id, str(self.lease.attempt), kind, name, digest, str(count)
        )

    @property
    def buffers(self) -> Buffers:
        """What this run has to say, on its way to the backend."""
        if self._buffers is None:
            metadata = self.lease.run.metadata
            self._buffers = Buffers(
                self.home,
                self.run_id,
                self.loop,
                lambda: self.lease,
                metadata,
                lambda: self.redaction,
            )
        return self._buffers

    def buffers_of(self, run_id: str) -> Buffers:
        """The same for a relative of this run."""
        if run_id == self.run_id:
            return self.buffers
        if self._other_buffers is None:
            self._other_buffers = {}
        if run_id not in self._other_buffers:
            self._other_buffers[run_id] = Buffers(
                self.home, run_id, self.loop, _no_lease, None, lambda: self.redaction
            )
        return self._other_buffers[run_id]

    async def flush(self) -> None:
        """Everything said so far has reached the backend when this returns."""
        if self._buffers is not None:
            await self._buffers.flush()
        for buffers in (self._other_buffers or {}).values():
            await buffers.flush()

    async def flush_finally(self) -> None:
        """The last flush; never raises, what could not be stored is logged."""
        if self._buffers is not None:
            await self._buffers.flush_finally()
        for buffers in (self._other_buffers or {}).values():
            await buffers.flush_finally()

    @property
    def has_said(self) -> bool:
        return self._buffers is not None or self._other_buffers is not None

    @property
    def waits(self) -> OpenWaits:
        """What this run waits for."""
        if self._waits is None:
            self._waits = OpenWaits(self.home, self.loop, self.park, self._before_park)
        return self._waits

    def wait_for(
        self, wait: Wait, requests: Sequence[TriggerRequest] = (), batch_id: str | None = None
    ) -> Awaitable[Answer]:
        """The answer to a wait, with the on_resume hooks behind it where there are any."""
        answer = self.waits.answer(wait, requests, batch_id)
        return answer if self.wait_hook is None else self._resumed(answer, wait, self.wait_hook)

    async def _resumed(self, answer: Awaitable[Answer], wait: Wait, hook: WaitHook) -> Answer:
        answered = await answer
        await hook("on_resume", wait)
        return answered

    async def _before_park(self, waits: tuple[Wait, ...]) -> None:
        if self.has_said:
            await self.flush()
        if self.wait_hook is not None:
            for wait in waits:
                await self.wait_hook("on_wait", wait)

    @property
    def open_waits(self) -> OpenWaits | None:
        return self._waits


current_scope: ContextVar[RunScope | None] = ContextVar("taskkit_run", default=None)


def _no_lease() -> None:
    """What is said to a relative is not fenced: it is not this worker's run."""


def need_scope(call: str) -> RunScope:
    """The running attempt; NotInTaskError outside of one."""
    scope = current_scope.get()
    if scope is None:
        raise NotInTaskError(call)
    if scope.ended:
        raise NotInTaskError(
            call,
            f"{call} was called after the attempt of run {scope.run_id} (task {scope.definition.id!r}) had ended, "
            f"by something that it left running. Await what you start before the task returns.",
        )
    return scope
