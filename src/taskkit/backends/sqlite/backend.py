"""The SQLite backend: one file, one writer thread, every promise kept across crashes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from taskkit.backends.base import Capability, Declared, Now, Watch
from taskkit.backends.claim_loop import ClaimLoop
from taskkit.backends.sqlite.connection import Place, place_of
from taskkit.backends.sqlite.encoding import micros, moment_or_none
from taskkit.backends.sqlite.reading import page_of_runs, position
from taskkit.backends.sqlite.rooms import Rooms
from taskkit.backends.sqlite.watch import Watches
from taskkit.backends.sqlite.writer import Call, Changes, Writer
from taskkit.errors import RunNotDelayedError
from taskkit.model.exchange import (
    ClaimSpec,
    Enqueued,
    Entry,
    EntryKind,
    Lease,
    Manifest,
    Outcome,
    Page,
    QueueRecord,
    Released,
    RunFilter,
    ScheduleRecord,
    Signal,
    Suspended,
    Token,
)
from taskkit.model.request import TriggerRequest
from taskkit.model.run import Run, RunStatus

T = TypeVar("T")
_C = Capability


class SqliteBackend(ClaimLoop):
    """Runs live in one file and survive the process; several processes of one machine may share it.

    What a call has returned for is on the disk, with `synchronous` "full" also when the power fails. Lives
    on one event loop; the file is used by one thread beside it.
    """

    capabilities = frozenset(
        {
            _C.DELAY, _C.TTL, _C.PRIORITY, _C.FAIR, _C.DEBOUNCE, _C.QUEUES, _C.QUEUE_LIMIT,
            _C.QUEUE_LENGTH, _C.KEY_LIMIT, _C.IDEMPOTENCY, _C.IDEMPOTENCY_TTL, _C.CANCEL_RUNNING, _C.WAITS,
            _C.TOKENS, _C.SCHEDULES, _C.METADATA, _C.LOGS, _C.STREAMS, _C.TAGS, _C.MEMO, _C.LIST,
            _C.SUBSECOND_TIMERS, _C.SHARED, _C.DURABLE,
        }
    )  # fmt: skip

    def __init__(self, place: Place) -> None:
        self._place = place
        self._watches = Watches(self._poke)
        self._writer = Writer(
            place, self._watches.wants, lambda: self._watches.is_wanted, self._heard
        )
        self._rooms = Rooms()

    @classmethod
    def from_url(cls, url: str) -> SqliteBackend:
        """`sqlite:///runs.db`, or `sqlite:////var/lib/app/runs.db?synchronous=normal`."""
        return cls(place_of(url))

    def __repr__(self) -> str:
        return f"SqliteBackend({str(self._place.path)!r})"

    # --- the writer ---------------------------------------------------------------------------------

    async def open(self) -> None:
        await self._writer.open(self._rooms.furnish)

    async def close(self) -> None:
        self._watches.close()
        await self._writer.close()

    def _poke(self) -> None:
        self._writer.poke()

    def _heard(self, changes: Changes) -> None:
        if changes.by_others:
            self._watches.publish_all(canceled=changes.canceled)
        else:
            self._watches.publish(changes.topics)

    def _ask(self, work: Callable[[], T], *, writes: bool = True, **rest: Any) -> asyncio.Future[T]:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._writer.submit(Call(work, future, writes=writes, **rest))
        return future

    # --- asking for runs ----------------------------------------------------------------------------

    async def register(self, manifest: Manifest) -> None:
        rooms, queues = self._rooms, list(manifest.queues.values())
        await self._ask(lambda: rooms.queues.declare(queues))

    async def enqueue(
        self, requests: Sequence[TriggerRequest], *, batch_id: str | None, now: Now
    ) -> Sequence[Enqueued]:
        rooms = self._rooms
        return await self._ask(lambda: rooms.accepting.enqueue(requests, batch_id, _at(now)))

    async def get(self, run_ids: Sequence[str]) -> Sequence[Run | None]:
        rooms = self._rooms

        def read() -> list[Run | None]:
            found = [rooms.store.find(run_id) for run_id in run_ids]
            return [None if record is None else record.shown() for record in found]

        return await self._ask(read, writes=False)

    async def cancel(
        self, run_ids: Sequence[str], *, reason: str | None, now: Now
    ) -> Sequence[Run]:
        rooms = self._rooms

        def cancel() -> list[Run]:
            moment = _at(now)
            records = [rooms.store.known(run_id) for run_id in run_ids]
            for record in records:
                rooms.life.cancel(record, reason, moment)
            return [record.shown() for record in records]

        return await self._ask(cancel)

    # --- beside a run -------------------------------------------------------------------------------

    async def append(
        self, run_id: str, entries: Sequence[Entry], *, flush_id: str, lease: Lease | None
    ) -> None:
        rooms = self._rooms
        await self._ask(lambda: rooms.entries.append(run_id, entries, flush_id, lease))

    async def read(
        self, run_id: str, kind: EntryKind, *, key: str | None, after: int, limit: int
    ) -> Page[Entry]:
        rooms = self._rooms
        return await self._ask(
            lambda: rooms.entries.read(run_id, kind, key, after, limit), writes=False
        )

    def watch(self, topics: Sequence[str]) -> Watch:
        return self._watches.add(topics)

    def on_work(self, callback: Callable[[str], None]) -> Callable[[], None]:
        return self._watches.on_work(callback)

    # --- working ------------------------------------------------------------------------------------

    async def claim(
        self, worker: str, spec: ClaimSpec, *, limit: int, lease: float, now: Now
    ) -> Sequence[Lease]:
        leases = self._rooms.leases
        return await self._ask(
            lambda: leases.claim(worker, spec, limit, lease, _at(now)),
            needed=leases.has_work,
            idle=list[Lease],
            undo=self._give_back,
        )

    def _give_back(self, leases: Sequence[Lease]) -> None:
        """Whoever claimed these was canceled before the answer came: others need not wait for a lease to end."""
        for lease in leases:
            released = self._ask(self._releasing(lease))
            released.add_done_callback(_look_at)

    def _releasing(self, lease: Lease) -> Callable[[], None]:
        return lambda: self._rooms.leases.settle(lease, Released(), micros(datetime.now(UTC)))

    async def extend(self, leases: Sequence[Lease], *, lease: float, now: Now) -> Sequence[Signal]:
        rooms = self._rooms
        return await self._ask(lambda: rooms.leases.extend(leases, lease, _at(now)))

    async def settle(self, lease: Lease, outcome: Outcome | Suspended, *, now: Now) -> None:
        rooms = self._rooms
        await self._ask(lambda: rooms.leases.settle(lease, outcome, _at(now)))

    async def advance(self, *, now: Now, limit: int) -> datetime | None:
        life = self._rooms.life
        due = await self._ask(
            lambda: life.advance(_at(now), limit),
            needed=lambda: life.is_due(_at(now)),
            idle=life.next_due,
        )
        return moment_or_none(due)

    # --- tokens -------------------------------------------------------------------------------------

    async def create_token(
        self,
        token_id: str,
        *,
        timeout: float | None,
        tags: Sequence[str],
        idempotency_key: str | None,
        now: Now,
    ) -> Token:
        rooms = self._rooms

        def create() -> Token:
            rooms.store.wake()  # its time may be the next thing that is due
            return rooms.tokens.create(token_id, timeout, tags, idempotency_key, _at(now))

        return await self._ask(create)

    async def get_token(self, token_id: str, *, now: Now) -> Token | None:
        rooms = self._rooms
        return await self._ask(lambda: rooms.tokens.find(token_id, _at(now)), writes=False)

    async def complete_token(self, token_id: str, output: bytes | None, *, now: Now) -> bool:
        rooms = self._rooms
        return await self._ask(lambda: rooms.tokens.complete(token_id, output, _at(now)))

    async def list_tokens(self, *, cursor: int | str | None, limit: int, now: Now) -> Page[Token]:
        rooms, below = self._rooms, position(cursor)
        return await self._ask(lambda: rooms.tokens.page(below, limit, _at(now)), writes=False)

    # --- schedules ----------------------------------------------------------------------------------

    async def put_schedule(self, schedule: ScheduleRecord) -> ScheduleRecord | None:
        rooms = self._rooms
        return await self._ask(lambda: rooms.schedules.put(schedule))

    async def get_schedules(self, schedule_ids: Sequence[str]) -> Sequence[ScheduleRecord | None]:
        rooms = self._rooms
        return await self._ask(lambda: rooms.schedules.get(schedule_ids), writes=False)

    async def delete_schedule(self, schedule_id: str) -> bool:
        rooms = self._rooms
        return await self._ask(lambda: rooms.schedules.delete(schedule_id))

    async def list_schedules(
        self, tasks: frozenset[str] | None, *, cursor: int | str | None, limit: int
    ) -> Page[ScheduleRecord]:
        rooms, above = self._rooms, position(cursor)
        return await self._ask(lambda: rooms.schedules.page(tasks, above, limit), writes=False)

    async def next_schedules(
        self, tasks: frozenset[str], *, limit: int
    ) -> Sequence[ScheduleRecord]:
        rooms = self._rooms
        return await self._ask(lambda: rooms.schedules.following(tasks, limit), writes=False)

    async def record_tick(
        self, schedule_id: str, *, at: datetime | None, next_at: datetime | None, version: int
    ) -> None:
        rooms = self._rooms
        await self._ask(lambda: rooms.schedules.record_tick(schedule_id, at, next_at, version))

    # --- queues -------------------------------------------------------------------------------------

    async def list_queues(self) -> Sequence[QueueRecord]:
        rooms = self._rooms
        return await self._ask(rooms.queues.all, writes=False)

    async def update_queue(
        self, name: str, *, paused: bool | None = None, limit: int | Declared | None = None
    ) -> QueueRecord:
        rooms = self._rooms
        return await self._ask(lambda: rooms.queues.update(name, paused, limit))

    # --- looking and changing -----------------------------------------------------------------------

    async def list(self, where: RunFilter, *, cursor: int | str | None, limit: int) -> Page[Run]:
        rooms, below = self._rooms, position(cursor)
        return await self._ask(lambda: page_of_runs(rooms.store, where, below, limit), writes=False)

    async def reschedule(self, run_id: str, at: datetime, *, now: Now) -> Run:
        rooms = self._rooms

        def reschedule() -> Run:
            record = rooms.store.known(run_id)
            if record.status != RunStatus.DELAYED:
                raise RunNotDelayedError(run_id, record.status)
            rooms.life.reschedule(record, micros(at), _at(now))
            return record.shown()

        return await self._ask(reschedule)

    async def release_key(self, task_id: str, key: str) -> bool:
        rooms = self._rooms
        return await self._ask(lambda: rooms.keys.free(task_id, key))


def _at(now: Now) -> int:
    """The moment of a call; None is that of the machine's clock, once it is the call's turn."""
    return micros(datetime.now(UTC) if now is None else now)


def _look_at(future: asyncio.Future[None]) -> None:
    if not future.cancelled():
        future.exception()
