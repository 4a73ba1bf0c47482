"""The parent's side of a child's calls: to the backend that the parent owns, under the lease that it holds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from taskkit.backends.base import SupportsTake, Watch
from taskkit.engine.child.link import Link, packed
from taskkit.errors import BackendError
from taskkit.model.exchange import Enqueued, Lease
from taskkit.model.request import TriggerRequest
from taskkit.runtime.home import Home

_KEPT = ("append", "enqueue")


class ChildCalls:
    """Answers the calls of one child, each in a task of its own, begun in the order they came."""

    def __init__(self, home: Home, link: Link) -> None:
        self._home = home
        self._link = link
        self._calls: dict[int, asyncio.Task[None]] = {}
        self._watches: dict[int, Watch] = {}
        self._leases: dict[str, Lease] = {}
        self._anchors: list[object] = []
        self._awaited: dict[str, None] = {}

    def hold(self, lease: Lease) -> None:
        """The child may write under this lease."""
        self._leases[lease.token] = lease

    def begin(self, number: int, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Make a call, and send its answer under the same number."""
        self._start(number, name, lambda: self._call(name, args, dict(kwargs)))

    def answer(self, number: int, call: Callable[[], Any]) -> None:
        """The same for a call of something else than the backend."""
        self._start(number, "other", call)

    def give_up(self, number: int) -> None:
        """Nobody waits for this answer any more."""
        if (task := self._calls.get(number)) is not None:
            task.cancel()

    def watch(self, number: int, topics: Sequence[str]) -> None:
        """Subscribe, before any later call of the child is made."""
        watch = self._watches[number] = self._home.backend.watch(topics)
        self._keep(-number, asyncio.create_task(self._pump(number, watch)))

    def unwatch(self, number: int) -> None:
        if (watch := self._watches.pop(number, None)) is not None:
            watch.close()

    async def left(self) -> list[str]:
        """The runs that were made to be waited for."""
        return list(self._awaited)

    async def close(self) -> None:
        """Nothing is under way for the child when this returns; what it has written is stored."""
        for number in list(self._watches):
            self.unwatch(number)
        tasks = list(self._calls.values())
        for task in tasks:
            if task.get_name() not in _KEPT:
                task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _start(self, number: int, name: str, call: Callable[[], Any]) -> None:
        self._keep(number, asyncio.create_task(self._answered(number, call), name=name))

    def _keep(self, number: int, task: asyncio.Task[None]) -> None:
        self._calls[number] = task
        task.add_done_callback(lambda _: self._calls.pop(number, None))

    async def _answered(self, number: int, call: Callable[[], Any]) -> None:
        try:
            answer = (True, await call())
        except Exception as error:  # raised again in the child
            answer = (False, error)
        try:
            data = packed(("answer", number, *answer))
        except Exception as error:  # what a backend of the user's returns or raises may be anything
            text = f"{type(answer[1]).__name__} cannot be handed to a child process: {error}."
            data = packed(("answer", number, False, BackendError(f"{answer[1]} ({text})")))
        self._link.send_packed(data)

    async def _call(self, name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        if "now" in kwargs:
            kwargs["now"] = self._home.now  # a child knows of no other clock than the machine's
        if kwargs.get("lease") is not None:
            kwargs["lease"] = self._leases[kwargs["lease"]]
        if name == "enqueue":
            return await self._enqueue(args[0], kwargs["batch_id"])
        return await getattr(self._home.backend, name)(*args, **kwargs)

    async def _enqueue(
        self, requests: Sequence[TriggerRequest], batch_id: str | None
    ) -> list[Enqueued]:
        answers = await self._home.enqueue(requests, batch_id)
        for request, answer in zip(requests, answers, strict=True):
            if request.awaited and answer.error is None:
                self._awaited[answer.run_id] = None
        self._anchors += [one.anchor for one in answers if one.anchor is not None]
        return [replace(one, anchor=None) for one in answers]

    async def _pump(self, number: int, watch: Watch) -> None:
        try:
            async for topic in watch:
                more = watch.take() if isinstance(watch, SupportsTake) else ()
                self._link.send(("changed", number, (topic, *more)))
        finally:
            self._link.send(("changed", number, None))
