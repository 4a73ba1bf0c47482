"""Streams: what a run says piece by piece, read by others while it goes on."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence
from copy import deepcopy
from functools import partial
from typing import Any

from pydantic_core import from_json

from taskkit.backends.base import Capability, Watch
from taskkit.errors import InvalidOptionError, LeaseLostError, NoWorkerError, StoreUnavailableError
from taskkit.model.clock import sleep
from taskkit.model.codec import PAYLOAD_LIMIT, check_size, json_of
from taskkit.model.exchange import Entry, EntryKind, Page, end_topic, run_topic
from taskkit.model.ids import new_id
from taskkit.model.run import FINAL
from taskkit.runtime.current_backend import current_home
from taskkit.runtime.home import Home
from taskkit.runtime.portal import block_on, iterator_twin, refuse_in_event_loop
from taskkit.runtime.scope import RunScope, need_scope
from taskkit.trigger import handle

_AHEAD = 256
_PAGE = 1000
_PAUSES = (0.1, 0.5, 2.0)


async def pipe(key: str, source: AsyncIterable[Any] | Iterable[Any]) -> int:
    """Send each part of a source to the run's stream `key`, and return how many there were, once all are stored.

    The source is an async or a plain iterable of JSON data: `await streams.pipe("answer", model.tokens())`.
    A part is sent as soon as it is there; while one is on its way the next ones are taken too, at most 256
    ahead of the store, and sent together. Several pipes may write to one stream, also those of later
    attempts; their parts stand in the order in which they were stored. What was sent stays when the source
    or the attempt fails.
    """
    sender = _Sender(need_scope("streams.pipe"), key)
    try:
        if isinstance(source, AsyncIterable):
            async for part in source:
                await sender.put(part)
        else:
            for part in _plain(source):
                await sender.put(part)
    finally:
        await sender.flush()
    return sender.count


def read(run_id: str, key: str) -> AsyncIterator[Any]:
    """The parts of a run's stream: those there are, then each new one, until the run has ended.

    `async for part in streams.read(handle.id, "answer")`, from anywhere; every reader gets all parts, from
    the first one on. RunNotFoundError when there is no such run.
    """
    return _parts(current_home(), _text("run_id", run_id), _text("the key of a stream", key))


# --- writing ----------------------------------------------------------------------------------------


class _Sender:
    """The parts of one pipe on their way to the backend. Lives on the event loop of the run."""

    def __init__(self, scope: RunScope, key: str) -> None:
        scope.home.need(Capability.STREAMS, "A stream")
        self._scope = scope
        self._key = _text("the key of a stream", key)
        self._waiting: deque[Entry] = deque()
        self._sending: asyncio.Task[None] | None = None
        self.count = 0

    async def put(self, part: object) -> None:
        """Take a part; returns when the store is not too far behind, and raises when it cannot keep up at all."""
        what = f"Part {self.count + 1} of stream {self._key!r}"
        data = json_of(part, what)
        check_size(data, PAYLOAD_LIMIT, what)
        self.count += 1
        now = self._scope.home.clock.now()
        self._waiting.append(
            Entry(EntryKind.STREAM, self._scope.masked(from_json(data)), self._key, now)
        )
        if self._sending is None or (self._sending.done() and self._sending.exception() is None):
            self._sending = asyncio.create_task(self._send(), name=f"stream-{self._key}")
        if len(self._waiting) >= _AHEAD or self._sending.done():
            await self.flush()

    async def flush(self) -> None:
        """Return once everything is stored; raises what the store raised."""
        if self._sending is not None:
            # Not awaited itself: a cancellation would go on to it, and lose what was taken already.
            await asyncio.wait((self._sending,))
            self._sending.result()

    async def _send(self) -> None:
        while self._waiting:
            entries = [self._waiting.popleft() for _ in range(min(len(self._waiting), _AHEAD))]
            await self._append(entries, new_id("flush"))

    async def _append(self, entries: Sequence[Entry], flush_id: str) -> None:
        home, pauses = self._scope.home, iter(_PAUSES)
        while True:
            lease = self._scope.lease
            try:
                return await home.backend.append(
                    self._scope.run_id, entries, flush_id=flush_id, lease=lease
                )
            except LeaseLostError:
                if self._scope.lease is lease:
                    raise
                # otherwise the run waited meanwhile, and came back under another lease
            except StoreUnavailableError:
                pause = next(pauses, None)
                if pause is None:
                    raise
                await sleep(home.clock, pause)


def _plain(source: object) -> Iterable[Any]:
    if isinstance(source, str | bytes) or not isinstance(source, Iterable):
        raise InvalidOptionError(
            "the source of a stream", source, "give an iterable or an async iterable of parts."
        )
    return source  # pyright: ignore[reportUnknownVariableType]  # parts of any type


def _text(what: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidOptionError(what, value, "give a text that is not empty.")
    return value


# --- reading ----------------------------------------------------------------------------------------


async def _parts(home: Home, run_id: str, key: str) -> AsyncIterator[Any]:
    home.need(Capability.STREAMS, "A stream")
    watch = await home.call(_watch, home, run_id)
    after = 0
    try:
        while True:
            # Asked before the parts are read: what a run said before its end is read after its end.
            ended = (await home.call(handle.retrieve, home, run_id)).status in FINAL
            more = True
            while more:
                page = await home.call(_page, home, run_id, key, after)
                for entry in page.items:
                    after = entry.position
                    yield deepcopy(entry.data)
                more = page.cursor is not None
            if ended:
                return
            if await home.call(_changed, watch) is None:
                raise NoWorkerError(
                    run_id, f"The backend {home.name} was closed before run {run_id} ended."
                )
    finally:
        watch.close()


async def _watch(home: Home, run_id: str) -> Watch:
    return home.backend.watch((run_topic(run_id), end_topic(run_id)))


async def _page(home: Home, run_id: str, key: str, after: int) -> Page[Entry]:
    return await home.backend.read(run_id, EntryKind.STREAM, key=key, after=after, limit=_PAGE)


async def _changed(watch: Watch) -> str | None:
    return await anext(watch, None)


# --- plain code -------------------------------------------------------------------------------------


class sync:
    """The same calls for plain code; `streams.sync.pipe("answer", tokens)` in a `def` task."""

    @staticmethod
    def pipe(key: str, source: AsyncIterable[Any] | Iterable[Any]) -> int:
        """See `streams.pipe`; a plain source is gone through in this thread."""
        refuse_in_event_loop("streams.pipe")
        if isinstance(source, AsyncIterable):
            return block_on(lambda: pipe(key, source))
        sender = _Sender(need_scope("streams.pipe"), key)
        try:
            for part in _plain(source):
                block_on(partial(sender.put, part))
        finally:
            block_on(sender.flush)
        return sender.count

    read = staticmethod(iterator_twin(read))
