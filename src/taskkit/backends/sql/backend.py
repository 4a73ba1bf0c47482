"""A backend over a database that speaks SQL: each call is one piece of work for the thread of a connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from taskkit.backends.base import Capability, Declared, Now, Watch
from taskkit.backends.claim_loop import ClaimLoop
from taskkit.backends.paging import page_number
from taskkit.backends.sql import needs as needs_of
from taskkit.backends.sql.call import NOTHING, Call, Needs
from taskkit.backends.sql.encoding import micros, moment_or_none
from taskkit.backends.sql.reading import page_of_runs
from taskkit.backends.sql.rooms import Rooms
from taskkit.backends.sql.store import Store
from taskkit.backends.sql.store_thread import StoreThread
from taskkit.backends.sql.watch import CHANGE_TOPIC, Watches
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

CAPABILITIES = frozenset(
    {
        _C.DELAY, _C.TTL, _C.PRIORITY, _C.FAIR, _C.DEBOUNCE, _C.QUEUES, _C.QUEUE_LIMIT,
        _C.QUEUE_LENGTH, _C.KEY_LIMIT, _C.IDEMPOTENCY, _C.IDEMPOTENCY_TTL, _C.CANCEL_RUNNING, _C.WAITS,
        _C.TOKENS, _C.SCHEDULES, _C.METADATA, _C.LOGS, _C.STREAMS, _C.TAGS, _C.MEMO, _C.LIST,
        _C.SUBSECOND_TIMERS, _C.SHARED, _C.DURABLE,
    }
)  # fmt: skip


class SqlBackend(ClaimLoop):
    """What SQLite and PostgreSQL have in common. A call returns when what it did is stored.

    `connect` is called in a thread of its own; where there is a `connect_to_read`, reads go there. Lives on
    one event loop.
    """

    capabilities = CAPABILITIES
    _looks_first = True
    """Whether a claim looks before it begins to write: right where that keeps others from writing."""

    def __init__(
        self,
        name: str,
        connect: Callable[[Watches], Store],
        connect_to_read: Callable[[Watches], Store] | None = None,
    ) -> None:
        watches = self._watches = Watches(lambda: self._writer.poke())  # noqa: PLW0108 - made below
        self._rooms = self._reading = Rooms(lambda: connect(watches), watches)
        self._writer = self._reader = StoreThread(self._rooms, name)
        if connect_to_read is not None:
            self._reading = Rooms(lambda: connect_to_read(watches), watches)
            self._reader = StoreThread(self._reading, name)

    # --- the threads --------------------------------------------------------------------------------

    async def open(self) -> None:
        await self._writer.open()
        if self._reader is not self._writer:
            try:
                await self._reader.open()
            except BaseException:
                await self._writer.close()  # it is opened again with the next try
                raise

    async def close(self) -> None:
        self._watches.close()
        await self._writer.close()
        await self._reader.close()

    def _ask(
        self, work: Callable[[], T], *, needs: Needs = NOTHING, **rest: Any
    ) -> asyncio.Future[T]:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._writer.submit(Call(work, future, writes=True, needs=needs, **rest))
        return future

    def _look(self, work: Callable[[], T], *, needs: Needs = NOTHING) -> asyncio.Future[T]:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._reader.submit(Call(work, future, writes=False, needs=needs))
        return future

    # --- asking for runs ----------------------------------------------------------------------------

    async def register(self, manifest: Manifest) -> None:
        rooms, queues = self._rooms, list(manifest.queues.values())
        await self._ask(lambda: rooms.queues.declare(queues))

    async def enqueue(
        self, requests: Sequence[TriggerRequest], *, batch_id: str | None, now: Now
    ) -> Sequence[Enqueued]:
        rooms = self._rooms
        self._watches.made([one.run_id for one in requests])
        try:
            answers = await self._ask(
                lambda: rooms.accepting.enqueue(requests, batch_id, rooms.at(now)),
                needs=needs_of.enqueue(requests),
            )
        except BaseException:
            for request in requests:
                self._watches.not_made(request.run_id)
            raise
        for request, answer in zip(requests, answers, strict=True):
            if answer.disposition != "created":
                self._watches.not_made(request.run_id)
        return answers

    async def get(self, run_ids: Sequence[str]) -> Sequence[Run | None]:
        rooms = self._reading

        def read() -> list[Run | None]:
            found = [rooms.store.find(run_id) for run_id in run_ids]
            shown = rooms.workers.shown
            return [None if record is None else shown(record) for record in found]

        return await self._look(read, needs=Needs(runs=run_ids))

    async def cancel(
        self, run_ids: Sequence[str], *, reason: str | None, now: Now
    ) -> Sequence[Run]:
        rooms = self._rooms

        def cancel() -> list[Run]:
            moment = rooms.at(now)
            records = [rooms.store.known(run_id) for run_id in run_ids]
            for record in records:
                rooms.life.cancel(record, reason, moment)
            return [record.shown() for record in records]

        return await self._ask(cancel, needs=Needs(runs=run_ids))

    # --- beside a run -------------------------------------------------------------------------------

    async def append(
        self, run_id: str, entries: Sequence[Entry], *, flush_id: str, lease: Lease | None
    ) -> None:
        rooms = self._rooms
        await self._ask(
            lambda: rooms.entries.append(run_id, entries, flush_id, lease),
            needs=Needs(runs=[run_id]),
        )

    async def read(
        self, run_id: str, kind: EntryKind, *, key: str | None, after: int, limit: int
    ) -> Page[Entry]:
        rooms = self._reading
        return await self._look(lambda: rooms.entries.read(run_id, kind, key, after, limit))

    def watch(self, topics: Sequence[str]) -> Watch:
        return self._watches.add(topics)

    def on_work(self, callback: Callable[[str], None]) -> Callable[[], None]:
        return self._watches.on_work(callback)

    # --- working ------------------------------------------------------------------------------------

    async def claim(
        self, worker: str, spec: ClaimSpec, *, limit: int, lease: float, now: Now
    ) -> Sequence[Lease]:
        rooms = self._rooms
        return await self._ask(
            lambda: rooms.leases.claim(worker, spec, limit, lease, rooms.at(now)),
            needed=rooms.leases.has_work if self._looks_first else None,
            needs=Needs(questions=lambda: rooms.leases.questions(worker, limit)),
            idle=list[Lease],
            undo=self._give_back,
        )

    async def turn(
        self,
        worker: str,
        spec: ClaimSpec,
        *,
        limit: int,
        lease: float,
        now: Now,
        advance: int,
    ) -> tuple[datetime | None, Sequence[Lease]]:
        """See `SupportsTurn`."""
        rooms = self._rooms

        def turn() -> tuple[int | None, Sequence[Lease]]:
            moment = rooms.at(now)
            is_due = rooms.life.is_due(moment)
            due = rooms.life.advance(moment, advance) if is_due else rooms.life.seen_due
            return due, rooms.leases.claim(worker, spec, limit, lease, moment)

        def is_needed() -> bool:
            return rooms.life.is_due(rooms.at(now)) or rooms.leases.has_work()

        due, leases = await self._ask(
            turn,
            needed=is_needed if self._looks_first else None,
            idle=lambda: (rooms.life.seen_due, ()),
            needs=Needs(
                questions=lambda: [
                    *rooms.life.questions(),
                    *rooms.leases.questions(worker, limit),
                ]
            ),
            undo=self._give_back_turn,
        )
        return self._here(due, now), leases

    def time(self) -> datetime:
        """See `SupportsTime`."""
        return self._rooms.time()

    def _here(self, due: int | None, now: Now) -> datetime | None:
        """When something is due, by the clock that whoever asked goes by."""
        at = moment_or_none(due)
        return at if at is None or now is not None else datetime.now(UTC) + (at - self.time())

    def _give_back_turn(self, taken: tuple[int | None, Sequence[Lease]]) -> None:
        self._give_back(taken[1])

    def _give_back(self, leases: Sequence[Lease]) -> None:
        """Whoever claimed these was canceled before the answer came: others need not wait for a lease to end."""
        for lease in leases:
            released = self._settle(lease, Released(), None)
            released.add_done_callback(_look_at)

    async def extend(self, leases: Sequence[Lease], *, lease: float, now: Now) -> Sequence[Signal]:
        rooms = self._rooms
        return await self._ask(
            lambda: rooms.leases.extend(leases, lease, rooms.at(now)),
            needs=Needs(runs=[one.run.id for one in leases]),
        )

    async def settle(self, lease: Lease, outcome: Outcome | Suspended, *, now: Now) -> None:
        await self._settle(lease, outcome, now)

    def _settle(self, lease: Lease, outcome: Outcome | Suspended, now: Now) -> asyncio.Future[None]:
        rooms = self._rooms
        return self._ask(
            lambda: rooms.leases.settle(lease, outcome, rooms.at(now)),
            needs=needs_of.settle(lease, outcome),
        )

    async def advance(self, *, now: Now, limit: int) -> datetime | None:
        rooms = self._rooms
        due = await self._ask(
            lambda: rooms.life.advance(rooms.at(now), limit),
            needed=lambda: rooms.life.is_due(rooms.at(now)),
            idle=lambda: rooms.life.seen_due,
        )
        return self._here(due, now)

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
            return rooms.tokens.create(token_id, timeout, tags, idempotency_key, rooms.at(now))

        return await self._ask(create)

    async def get_token(self, token_id: str, *, now: Now) -> Token | None:
        rooms = self._reading
        return await self._look(lambda: rooms.tokens.find(token_id, rooms.at(now)))

    async def complete_token(self, token_id: str, output: bytes | None, *, now: Now) -> bool:
        rooms = self._rooms
        return await self._ask(lambda: rooms.tokens.complete(token_id, output, rooms.at(now)))

    async def list_tokens(self, *, cursor: int | str | None, limit: int, now: Now) -> Page[Token]:
        rooms, below = self._reading, page_number(cursor)
        return await self._look(lambda: rooms.tokens.page(below, limit, rooms.at(now)))

    # --- schedules ----------------------------------------------------------------------------------

    async def put_schedule(self, schedule: ScheduleRecord) -> ScheduleRecord | None:
        rooms = self._rooms
        return await self._ask(lambda: rooms.schedules.put(schedule))

    async def get_schedules(self, schedule_ids: Sequence[str]) -> Sequence[ScheduleRecord | None]:
        rooms = self._reading
        return await self._look(lambda: rooms.schedules.get(schedule_ids))

    async def delete_schedule(self, schedule_id: str) -> bool:
        rooms = self._rooms
        return await self._ask(lambda: rooms.schedules.delete(schedule_id))

    async def list_schedules(
        self, tasks: frozenset[str] | None, *, cursor: int | str | None, limit: int
    ) -> Page[ScheduleRecord]:
        rooms, above = self._reading, page_number(cursor)
        return await self._look(lambda: rooms.schedules.page(tasks, above, limit))

    async def next_schedules(
        self, tasks: frozenset[str], *, limit: int
    ) -> Sequence[ScheduleRecord]:
        rooms = self._reading
        return await self._look(lambda: rooms.schedules.following(tasks, limit))

    async def record_tick(
        self, schedule_id: str, *, at: datetime | None, next_at: datetime | None, version: int
    ) -> None:
        rooms = self._rooms
        await self._ask(lambda: rooms.schedules.record_tick(schedule_id, at, next_at, version))

    # --- queues -------------------------------------------------------------------------------------

    async def list_queues(self) -> Sequence[QueueRecord]:
        rooms = self._reading
        return await self._look(lambda: rooms.queues.all())  # noqa: PLW0108 - there once it is open

    async def update_queue(
        self, name: str, *, paused: bool | None = None, limit: int | Declared | None = None
    ) -> QueueRecord:
        rooms = self._rooms
        record = await self._ask(lambda: rooms.queues.update(name, paused, limit))
        self._watches.publish([CHANGE_TOPIC])  # all may be idle now
        return record

    # --- looking and changing -----------------------------------------------------------------------

    async def list(self, where: RunFilter, *, cursor: int | str | None, limit: int) -> Page[Run]:
        rooms, below = self._reading, page_number(cursor)
        return await self._look(
            lambda: page_of_runs(rooms.store, rooms.workers, where, below, limit)
        )

    async def reschedule(self, run_id: str, at: datetime, *, now: Now) -> Run:
        rooms = self._rooms

        def reschedule() -> Run:
            record = rooms.store.known(run_id)
            if record.status != RunStatus.DELAYED:
                raise RunNotDelayedError(run_id, record.status)
            rooms.life.reschedule(record, micros(at), rooms.at(now))
            return rooms.workers.shown(record)

        return await self._ask(reschedule, needs=Needs(runs=[run_id]))

    async def release_key(self, task_id: str, key: str) -> bool:
        rooms = self._rooms
        return await self._ask(lambda: rooms.keys.free(task_id, key))


def _look_at(future: asyncio.Future[None]) -> None:
    if not future.cancelled():
        future.exception()
