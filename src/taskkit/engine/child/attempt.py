"""An attempt in a child process: everything but the lease, the limits and the end is here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from taskkit.definition.context import SignalReason
from taskkit.definition.task_definition import TaskDefinition
from taskkit.engine.attempt import Attempt
from taskkit.engine.child.link import Message
from taskkit.engine.child.main_thread import MainThread
from taskkit.engine.child.order import Order
from taskkit.engine.child.remote_backend import RemoteControl
from taskkit.engine.worker import Runner


class ChildAttempt(Attempt):
    """Ends when the parent says so; one that does not is killed there, so nothing is given up on here."""

    __slots__ = ("_main_thread", "_send", "has_heard")

    def __init__(
        self,
        runner: Runner,
        order: Order,
        control: RemoteControl,
        definition: TaskDefinition,
        send: Callable[[Message], None],
        main_thread: MainThread | None,
    ) -> None:
        super().__init__(runner, order.lease, control, definition)
        self._send = send
        self._main_thread = main_thread
        self.has_heard = False
        if order.received is not None:
            self.received = order.received

    def body(self) -> Awaitable[Any]:
        if self._main_thread is None:
            return super().body()
        if self.ending is not None:
            raise asyncio.CancelledError  # ended before it began
        context = self.context if self.definition.wants_context else None
        return self._main_thread.call(self.definition.invoke, self.payload, context)

    def body_is_over(self) -> bool:
        if not self._body_over:
            self._send(("body over",))
        return super().body_is_over()

    def told(self, reason: SignalReason) -> None:
        """The parent asks for the end."""
        self._end(reason)

    def _end(self, reason: SignalReason) -> None:
        if self._main_thread is None:
            self.loop.call_soon(self._heard)
        if self.has_said and not self._body_over:
            self._runner.keep(self._flush_quietly())  # it may not come to its last flush
        super()._end(reason)

    def _heard(self) -> None:
        self.has_heard = True
        self._send(("heard",))

    async def _flush_quietly(self) -> None:
        with suppress(Exception):  # the last flush tries again, and tells
            await self.flush()

    def _limit_reached(self) -> None:
        """The parent looks at the time; here it is only counted for `ctx.time_left()`."""

    def _begin_grace(self, reason: SignalReason) -> None:
        """So does it at how long the body goes on."""
