"""What a run says while it runs (metadata, logs, ...), on its way to the backend."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

from pydantic_core import to_json

from taskkit.errors import LeaseLostError, RunNotFoundError, StoreUnavailableError
from taskkit.model import metadata_operations
from taskkit.model.clock import Timer, sleep
from taskkit.model.exchange import Entry, EntryKind, Lease
from taskkit.model.ids import new_id
from taskkit.model.redaction import Redaction
from taskkit.runtime.home import Home

_log = logging.getLogger("taskkit.runtime")
_FLUSH_EVERY = 1.0
_FINAL_TRIES = (0.1, 0.5, 2.0)
"""Seconds between the tries of the last flush."""
_OUTAGE_TRIES = (0.1, 0.5, *[2.0] * 15)
"""The same while the store is away: about as long as a lease may last."""


class Buffers:
    """Entries for one run, flushed together every second, before each wait, and when the attempt ends.

    A flush that fails is sent again under the same id, so it counts once and is never lost while the
    attempt lives. May be filled from any thread.
    """

    __slots__ = (
        "_flushing",
        "_has_warned",
        "_home",
        "_lease",
        "_loop",
        "_metadata",
        "_metadata_size",
        "_pending",
        "_redaction",
        "_run_id",
        "_sending",
        "_timer",
    )

    def __init__(
        self,
        home: Home,
        run_id: str,
        loop: asyncio.AbstractEventLoop,
        lease: Callable[[], Lease | None],
        metadata: Mapping[str, Any] | None,
        redaction: Callable[[], Redaction | None],
    ) -> None:
        self._home = home
        self._run_id = run_id
        self._loop = loop
        self._lease = lease
        self._redaction = redaction
        self._metadata = None if metadata is None else deepcopy(dict(metadata))
        self._metadata_size: int | None = None
        self._pending: deque[Entry] = deque()
        self._sending: tuple[str, list[Entry]] | None = None
        self._timer: Timer | None = None
        self._flushing = asyncio.Lock()
        self._has_warned = False

    @property
    def metadata(self) -> dict[str, Any]:
        """This run's metadata with everything said here applied; empty for a relative's."""
        return {} if self._metadata is None else self._metadata

    @property
    def is_of_relative(self) -> bool:
        """These are another run's, whose metadata is not known here."""
        return self._metadata is None

    def size_after(self, operation: Mapping[str, Any]) -> int:
        """Bytes of the metadata as JSON once this was applied to it; of a relative's, what is known here."""
        changed = deepcopy(self.metadata)
        metadata_operations.apply(changed, operation)
        return len(to_json(changed))

    def metadata_size(self) -> int:
        """Bytes of the run's own metadata as JSON; counted again only after a change."""
        if self._metadata_size is None:
            self._metadata_size = len(to_json(self.metadata))
        return self._metadata_size

    def refresh(self, metadata: Mapping[str, Any]) -> None:
        """Others may have written while the run waited; everything said here had been flushed."""
        if self._metadata is not None and not self._pending and self._sending is None:
            self._metadata = deepcopy(dict(metadata))

    def add(self, entry: Entry) -> None:
        """Say something; it reaches the backend with the next flush, without the run's secrets."""
        redaction = self._redaction()
        if redaction is not None:
            entry = replace(entry, data=redaction.data(entry.data))
        self._pending.append(entry)
        if self._timer is None:
            if _running_loop() is self._loop:
                self._arm()
            else:
                self._loop.call_soon_threadsafe(self._arm)

    def operate(self, operation: Mapping[str, Any]) -> str | None:
        """Apply a metadata operation here and send it on; the reason when it had nothing to act on.

        An operation on the run's own metadata that changes nothing is not sent. For a relative only its
        backend can tell, so everything is sent.
        """
        redaction = self._redaction()
        if redaction is not None:
            operation = redaction.data(operation)
        if self._metadata is not None:
            self._metadata_size = None
            applied = metadata_operations.apply(self._metadata, operation)
            if not applied.changed:
                return applied.reason
        self.add(Entry(EntryKind.METADATA, dict(operation), at=self._home.clock.now()))
        return None

    def _arm(self) -> None:
        if self._timer is None and self._pending:
            self._timer = self._home.clock.call_at(
                self._home.clock.monotonic() + _FLUSH_EVERY, self._due
            )

    def _due(self) -> None:
        self._timer = None
        task = self._loop.create_task(self._flush_quietly(), name=f"flush-{self._run_id}")
        task.add_done_callback(_forget)

    async def _flush_quietly(self) -> None:
        try:
            await self.flush()
        except LeaseLostError:
            pass  # whoever holds the run now speaks for it; the beat tells this attempt
        except (
            Exception
        ) as error:  # a store may raise what it likes: nothing said here is lost by it
            if not self._has_warned:
                _log.warning("run %s: a flush failed and is sent again: %s", self._run_id, error)
            self._has_warned = True
            self._arm_again()
        else:
            self._has_warned = False

    def _arm_again(self) -> None:
        if self._timer is None:
            self._timer = self._home.clock.call_at(
                self._home.clock.monotonic() + _FLUSH_EVERY, self._due
            )

    async def flush(self) -> None:
        """Send everything; raises what the backend raises, and then nothing is lost."""
        async with self._flushing:
            while self._sending is not None or self._pending:
                if self._sending is None:
                    self._sending = (new_id("flush"), self._take())
                flush_id, entries = self._sending
                await self._home.backend.append(
                    self._run_id, entries, flush_id=flush_id, lease=self._lease()
                )
                self._sending = None

    async def flush_finally(self) -> None:
        """The last flush of an attempt: tried several times, then given up with an error in the log."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        tried = 0
        while True:
            try:
                await self.flush()
            except LeaseLostError:
                return  # whoever holds the run now speaks for it
            except Exception as error:  # whatever the store raises: it is tried again, then told
                is_away = isinstance(error, StoreUnavailableError)
                pauses = _OUTAGE_TRIES if is_away else _FINAL_TRIES
                if tried >= len(pauses) or isinstance(error, RunNotFoundError):
                    lost = len(self._pending) + len(self._sending[1] if self._sending else ())
                    _log.error(
                        "run %s: %d entries could not be stored: %s", self._run_id, lost, error
                    )
                    return
                await sleep(self._home.clock, pauses[tried])
                tried += 1
            else:
                return

    def _take(self) -> list[Entry]:
        entries: list[Entry] = []
        while self._pending:
            entries.append(self._pending.popleft())
        operations = [e for e in entries if e.kind is EntryKind.METADATA]
        if len(operations) < 2:
            return entries
        others = [e for e in entries if e.kind is not EntryKind.METADATA]
        collapsed = metadata_operations.collapse([e.data for e in operations])
        return [
            Entry(EntryKind.METADATA, data, at=operations[-1].at) for data in collapsed
        ] + others


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _forget(task: asyncio.Task[None]) -> None:
    """Keeps the task referenced until it is done, and looks at what it raised."""
    if not task.cancelled() and task.exception() is not None:
        _log.error("a flush stopped: %r", task.exception())
