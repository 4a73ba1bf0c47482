"""The backend as a child process sees it: every call is made by its parent, which owns the store and the lease."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, cast

from taskkit.backends.base import Backend
from taskkit.backends.topic_watch import TopicWatch
from taskkit.engine.child.link import Message
from taskkit.engine.child.order import Order
from taskkit.errors import UnsupportedByBackendError
from taskkit.model.exchange import Lease, Manifest, Outcome, Wait

Send = Callable[[Message], None]


class ParentCalls:
    """Calls to the parent, and the watches that it keeps for us. Lives on the child's event loop."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._watches: dict[int, TopicWatch] = {}

    async def ask(self, kind: str, *parts: object) -> Any:
        """What the parent answers; given up there when it is given up here."""
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        self._send((kind, number, *parts))
        try:
            return await answer
        except asyncio.CancelledError:
            self._send(("give up", number))
            raise
        finally:
            del self._answers[number]

    def answered(self, number: int, is_right: bool, value: Any) -> None:
        answer = self._answers.get(number)
        if answer is None or answer.done():
            return
        if is_right:
            answer.set_result(value)
        else:
            answer.set_exception(value)

    def watch(self, topics: Sequence[str]) -> TopicWatch:
        number = next(self._numbers)
        self._send(("watch", number, tuple(topics)))
        watch = self._watches[number] = TopicWatch(topics, lambda _: self._unwatch(number))
        return watch

    def changed(self, number: int, topics: Sequence[str] | None) -> None:
        """These have; None when no more will be told."""
        watch = self._watches.get(number)
        if watch is None:
            return
        if topics is None:
            watch.close()
        for topic in topics or ():
            watch.notify(topic)

    def _unwatch(self, number: int) -> None:
        if self._watches.pop(number, None) is not None:
            self._send(("unwatch", number))


class _Remote:
    """What every remote backend has; the rest is added as far as the parent's has it."""

    def __init__(self, calls: ParentCalls, order: Order) -> None:
        self.calls = calls
        self.capabilities = order.capabilities
        self.output_limit = order.output_limit

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def register(self, manifest: Manifest) -> None:
        """The parent's tasks are the ones that count."""

    def watch(self, topics: Sequence[str]) -> TopicWatch:
        return self.calls.watch(topics)

    async def serve(self, runner: object, options: object) -> None:
        raise UnsupportedByBackendError(
            "Working on runs in the child process of a task", backend=type(self).__name__
        )


def remote_backend(calls: ParentCalls, order: Order) -> Backend:
    """A backend with the calls that the parent's has; so `isinstance` tells the same of both."""
    forwarding = {name: _forwarding(name) for name in order.calls}
    made = type(order.backend, (_Remote,), forwarding)(calls, order)
    return cast("Backend", made)


def _forwarding(name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
    async def forward(self: _Remote, /, *args: Any, **kwargs: Any) -> Any:
        lease = kwargs.get("lease")
        if isinstance(lease, Lease):
            kwargs["lease"] = lease.token  # the parent has the rest
        return await self.calls.ask("call", name, args, kwargs)

    return forward


class RemoteControl:
    """The `Control` of an attempt in a child."""

    is_stopping = False

    def __init__(self, calls: ParentCalls, send: Send) -> None:
        self._calls = calls
        self._send = send

    async def park(self, waits: Sequence[Wait]) -> None:
        await self._calls.ask("park", tuple(waits))

    async def abandon(self, outcome: Outcome) -> None:
        self._send(("outcome", outcome))
