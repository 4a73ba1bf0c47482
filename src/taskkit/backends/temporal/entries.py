"""Logs, parts of streams and memos: beside a run, in workflows that no worker ever carries on.

Each flush is a signal, and the history is the log, one for each run and kind. Nothing of it is in the history of the
run itself. A log that becomes long goes on in a next part: the server bounds signals, events and bytes of each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from taskkit.backends.temporal.entry_log import SIGNAL, EntryLog, entries_text, part_id
from taskkit.backends.temporal.place import Place
from taskkit.backends.temporal.reading import Reader
from taskkit.errors import RunNotFoundError
from taskkit.model.exchange import Entry, EntryKind, Page

_TYPE: Final = "taskkit.entries"
_FULL: Final = "taskkit: goes on in the next part"
_OVER: Final = "taskkit: the run has ended"
LIFE: Final = timedelta(days=30)
"""When the server ends what nobody else has ended, so that the namespace's retention removes it."""
KEPT: Final = (EntryKind.LOG, EntryKind.STREAM, EntryKind.MEMO)
_FOLLOWED: Final = (EntryKind.LOG, EntryKind.STREAM)
_PIECE: Final = 500_000
"""Bytes of a signal: the server warns above 512 KB, and refuses 2 MB."""
_PENS: Final = 10_000


@dataclass
class _Pen:
    """Where this process writes on: the part of a log, and about how much is in it."""

    part: int = 1
    signals: int = 0
    size: int = 0

    def turn(self, part: int) -> None:
        """That part is closed."""
        if self.part == part:
            self.part, self.signals, self.size = part + 1, 0, 0


class Entries:
    """The logs of a project's runs.

    `most_signals` and `most_bytes` bound a part. Temporal's own bounds are 10,000 signals and 50 MB, where it ends
    the workflow; it may be written to by several processes that do not know of each other. `kept_logs` and
    `kept_bytes` bound what stays in memory of what was read.
    """

    most_signals = 8_000
    most_bytes = 24_000_000
    kept_logs = 256
    kept_bytes = 64 * 1024 * 1024

    def __init__(self, client: Client, place: Place, reader: Reader) -> None:
        self._client = client
        self._place = place
        self._reader = reader
        self._pens: dict[tuple[str, EntryKind], _Pen] = {}
        self._logs: dict[tuple[str, EntryKind], EntryLog] = {}
        self._ending: set[asyncio.Task[None]] = set()

    # --- writing ------------------------------------------------------------------------------------

    async def append(
        self,
        run_id: str,
        entries: Sequence[Entry],
        flush_id: str,
        *,
        is_held: bool = True,
        is_first: bool = False,
    ) -> None:
        """Add entries, each kind to its log, a flush once.

        `is_held`: it is the run itself that speaks. `is_first`: nobody was at it before, so there is nothing to look
        for. RunNotFoundError for an unknown run.
        """
        if not is_held and await self._reader.describe(run_id) is None:
            raise RunNotFoundError(run_id, backend=self._place.shown)
        for kind in dict.fromkeys(entry.kind for entry in entries):
            alike = [entry for entry in entries if entry.kind is kind]
            text = entries_text(alike)
            pieces = [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)]
            for index, piece in enumerate(pieces):
                told = [flush_id, len(alike), index, len(pieces)]
                await self._put(run_id, kind, told, piece, is_first=is_first)
            if (log := self._logs.get((run_id, kind))) is not None:
                log.tell()

    async def _put(
        self, run_id: str, kind: EntryKind, told: list[Any], data: bytes, *, is_first: bool
    ) -> None:
        pen = self._pens.get((run_id, kind)) or await self._pen(run_id, kind, is_first=is_first)
        while True:
            part = pen.part
            if pen.signals >= self.most_signals or pen.size >= self.most_bytes:
                await self._close(run_id, kind, part, _FULL)
                pen.turn(part)
                continue
            pen.signals += 1
            pen.size += len(data)
            try:
                return await self._signal(part_id(run_id, kind, part), told, data)
            except WorkflowAlreadyStartedError:  # and is closed
                pen.turn(part)
            except RPCError as error:
                if error.status is not RPCStatusCode.INVALID_ARGUMENT or pen.signals == 1:
                    raise
                await self._close(run_id, kind, part, _FULL)  # it is full, by what others wrote
                pen.turn(part)

    async def _signal(self, name: str, told: list[Any], data: bytes) -> None:
        await self._client.start_workflow(
            _TYPE,
            id=name,
            task_queue=self._place.entry_queue,
            execution_timeout=LIFE,
            start_signal=SIGNAL,
            start_signal_args=[told, data],
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )

    async def _pen(self, run_id: str, kind: EntryKind, *, is_first: bool) -> _Pen:
        """Where to write on."""
        pen = _Pen() if is_first else await self._found(run_id, kind)
        while len(self._pens) >= _PENS:
            del self._pens[next(iter(self._pens))]
        return self._pens.setdefault((run_id, kind), pen)

    async def _found(self, run_id: str, kind: EntryKind) -> _Pen:
        pen = _Pen()
        while True:
            handle = self._client.get_workflow_handle(part_id(run_id, kind, pen.part))
            try:
                description = await handle.describe()
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    return pen
                raise
            if description.close_time is None:
                pen.signals = description.history_length
                pen.size = description.raw_description.workflow_execution_info.history_size_bytes
                return pen
            pen.turn(pen.part)

    async def _close(self, run_id: str, kind: EntryKind, part: int, why: str) -> None:
        try:
            handle = self._client.get_workflow_handle(part_id(run_id, kind, part))
            await handle.terminate(reason=why)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:  # somebody was faster, or there is none
                raise

    # --- the end ------------------------------------------------------------------------------------

    def end(self, run_id: str, *, is_all_known: bool) -> None:
        """The run is over: close its logs, without anybody waiting for it. What comes later makes a next part."""
        for kind in KEPT:
            pen = self._pens.pop((run_id, kind), None)
            if pen is not None or not is_all_known:
                part = 1 if pen is None else pen.part
                task = asyncio.create_task(self._end(run_id, kind, part))
                self._ending.add(task)
                task.add_done_callback(self._ending.discard)

    async def _end(self, run_id: str, kind: EntryKind, part: int) -> None:
        with suppress(RPCError):  # its time ends it then
            await self._close(run_id, kind, part, _OVER)

    async def close(self) -> None:
        """Let the logs be closed that are about to be."""
        if self._ending:
            await asyncio.wait(self._ending, timeout=1)

    # --- reading ------------------------------------------------------------------------------------

    async def read(
        self, run_id: str, kind: EntryKind, key: str | None, after: int, limit: int
    ) -> Page[Entry]:
        """Entries with a position above `after`, oldest first. RunNotFoundError for an unknown run."""
        log = self._log(run_id, kind)
        page = await log.read(key, after, limit)
        if not log.is_there and await self._reader.describe(run_id) is None:
            self._logs.pop((run_id, kind), None)
            raise RunNotFoundError(run_id, backend=self._place.shown)
        self._forget()
        return page

    def _log(self, run_id: str, kind: EntryKind) -> EntryLog:
        """The log with what was read of it; the one used last is kept longest."""
        log = self._logs.pop((run_id, kind), None) or EntryLog(self._client, run_id, kind)
        self._logs[run_id, kind] = log
        return log

    def _forget(self) -> None:
        """Keep no more in memory than is likely to be read on, but for the log that was read just now."""
        size = sum(log.size for log in self._logs.values())
        for key, log in list(self._logs.items())[:-1]:
            if size <= self.kept_bytes and len(self._logs) <= self.kept_logs:
                return
            if not log.is_used:
                size -= log.size
                del self._logs[key]

    async def follow(self, run_id: str, notify: Callable[[], None]) -> None:
        """Call this whenever a log or a stream of the run has more, until canceled."""
        self._forget()
        logs = [self._log(run_id, kind) for kind in _FOLLOWED]
        for log in logs:
            log.join(notify)
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            for log in logs:
                log.leave(notify)
