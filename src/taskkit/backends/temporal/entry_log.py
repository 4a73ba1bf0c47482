"""The log of one run and kind, read from the histories of its parts; asks no worker."""

from __future__ import annotations

import asyncio
import json
from bisect import bisect_right
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import (
    GetWorkflowExecutionHistoryRequest,
    GetWorkflowExecutionHistoryResponse,
    GetWorkflowExecutionHistoryReverseRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from taskkit.backends.temporal.encoding import micros_or_none, moment_or_none
from taskkit.model.exchange import Entry, EntryKind, Page

SIGNAL: Final = "append"
_BACKWARDS: Final = 100
_LONG_POLL: Final = timedelta(seconds=60)  # the server answers after 20
_PAUSE: Final = 0.5
_CLOSED: Final = frozenset(
    {
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
    }
)


def part_id(run_id: str, kind: EntryKind, part: int) -> str:
    """The workflow whose history is this part of a log; parts count from 1."""
    name = f"{run_id}/{kind.value}"
    return name if part == 1 else f"{name}/{part}"


def entries_text(entries: Sequence[Entry]) -> bytes:
    """A flush, as the log keeps it."""
    told = [[entry.data, entry.key, micros_or_none(entry.at)] for entry in entries]
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")


class EntryLog:
    """What was appended to a run of one kind, as far as it was read, and the place where reading goes on.

    Each signal of a part is a flush, or a piece of one that is too large for a signal. Positions count over all
    parts; the next part begins when the one before is closed, so nothing comes between. Lives on the event loop.
    """

    def __init__(self, client: Client, run_id: str, kind: EntryKind) -> None:
        self.size = 0
        self._client = client
        self._run_id = run_id
        self._kind = kind
        self._part, self._last = 1, 0
        self._token: bytes | None = None
        self._count = 0
        self._firsts: list[int] = []
        self._texts: list[bytes] = []
        self._known: set[str] = set()
        self._pieces: dict[str, dict[int, bytes]] = {}
        self._reading = asyncio.Lock()
        self._followers: list[Callable[[], None]] = []
        self._polling: asyncio.Task[None] | None = None
        self._is_open = asyncio.Event()

    @property
    def is_there(self) -> bool:
        """Something of it was met."""
        return self._part > 1 or self._last > 0

    @property
    def is_used(self) -> bool:
        """Somebody reads or follows it just now."""
        return bool(self._followers) or self._reading.locked()

    async def read(self, key: str | None, after: int, limit: int) -> Page[Entry]:
        """Entries with a position above `after`, oldest first, as they stand."""
        async with self._reading:
            while await self._catch_up():
                pass
        found: list[Entry] = []
        begin = max(0, bisect_right(self._firsts, after + 1) - 1)
        for first, text in zip(self._firsts[begin:], self._texts[begin:], strict=True):
            for number, (data, name, at) in enumerate(_decoded(text), start=first):
                if number > after and (key is None or key == name):
                    found.append(Entry(self._kind, data, name, moment_or_none(at), number))
            if len(found) > limit:
                break
        page = found[:limit]
        return Page(page, page[-1].position if len(found) > limit else None)

    # --- reading on ---------------------------------------------------------------------------------

    async def _catch_up(self) -> bool:
        """Read what is new of the present part; whether it is closed, so that the next may be there."""
        part = self._part
        try:
            if self._last:
                await self._take(await self._newer())
            else:
                await self._begin()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
        return self._part > part

    async def _begin(self) -> None:
        """Read a part from its start. The token with which its end is reached is one to wait with."""
        part = self._part
        name = part_id(self._run_id, self._kind, part)
        description = await self._client.get_workflow_handle(name).describe()
        token = b""
        while self._part == part and self._last < description.history_length:
            answer = await self._history(token)
            token = answer.next_page_token
            await self._take(answer.history.events)
        if self._part == part:
            self._token = token
            self._is_open.set()

    async def _history(self, token: bytes) -> GetWorkflowExecutionHistoryResponse:
        """The events from there on; at the end of an open part it waits for the next one."""
        request = GetWorkflowExecutionHistoryRequest(
            namespace=self._client.namespace,
            execution=self._execution(),
            next_page_token=token,
            wait_new_event=True,
        )
        service = self._client.workflow_service
        return await service.get_workflow_execution_history(request, timeout=_LONG_POLL)

    async def _newer(self) -> list[HistoryEvent]:
        """The events after the last that was read, oldest first, found from the end: that does not wait."""
        request = GetWorkflowExecutionHistoryReverseRequest(
            namespace=self._client.namespace,
            execution=self._execution(),
            maximum_page_size=_BACKWARDS,
        )
        newer: list[HistoryEvent] = []
        while True:
            answer = await self._client.workflow_service.get_workflow_execution_history_reverse(
                request, retry=True
            )
            for event in answer.history.events:
                if event.event_id <= self._last:
                    return newer[::-1]
                newer.append(event)
            if not answer.next_page_token:
                return newer[::-1]
            request.next_page_token = answer.next_page_token

    def _execution(self) -> WorkflowExecution:
        return WorkflowExecution(workflow_id=part_id(self._run_id, self._kind, self._part))

    async def _take(self, events: Sequence[HistoryEvent]) -> None:
        before = self._count
        for event in events:
            if event.event_id <= self._last:
                continue
            signal = event.workflow_execution_signaled_event_attributes
            if signal.signal_name == SIGNAL:
                told, data = await self._client.data_converter.decode(list(signal.input.payloads))
                flush_id, count, index, of = told
                self._add(flush_id, count, index, of, data)
            self._last = event.event_id
            if event.event_type in _CLOSED:
                self._part, self._last, self._token = self._part + 1, 0, None
                self._is_open.clear()
                break
        if self._count > before:
            self.tell()

    def _add(self, flush_id: str, count: int, index: int, of: int, data: bytes) -> None:
        if flush_id in self._known:
            return
        pieces = self._pieces.setdefault(flush_id, {})
        pieces[index] = data
        if len(pieces) < of:
            return
        del self._pieces[flush_id]
        self._known.add(flush_id)
        text = b"".join(pieces[number] for number in range(of))
        self._firsts.append(self._count + 1)
        self._texts.append(text)
        self._count += count
        self.size += len(text)

    # --- following ----------------------------------------------------------------------------------

    def tell(self) -> None:
        """Those who follow it look again."""
        for notify in list(self._followers):
            notify()

    def join(self, notify: Callable[[], None]) -> None:
        """Call this whenever there is more, until `leave`; the server tells once somebody has read that it is there."""
        self._followers.append(notify)
        if self._polling is None:
            self._polling = asyncio.create_task(self._poll(), name=f"follow {self._run_id}")

    def leave(self, notify: Callable[[], None]) -> None:
        self._followers.remove(notify)
        if not self._followers and self._polling is not None:
            self._polling.cancel()
            self._polling = None

    async def _poll(self) -> None:
        while True:
            await self._is_open.wait()
            part, token = self._part, self._token
            assert token is not None
            try:
                answer = await self._history(token)
            except RPCError:  # away, or removed: who reads it is told
                await asyncio.sleep(_PAUSE)
                continue
            async with self._reading:
                if part != self._part:
                    continue
                self._token = answer.next_page_token or token
                with suppress(RPCError):
                    await self._take(answer.history.events)


def _decoded(text: bytes) -> list[list[Any]]:
    return json.loads(text.decode("utf-8", "surrogatepass"))  # type: ignore[no-any-return]  # as `entries_text` made it
