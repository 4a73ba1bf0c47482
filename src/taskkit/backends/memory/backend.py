"""The in-memory backend: every promise but survival."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Sequence
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from weakref import ref

from taskkit.backends.base import Capability, Now, Runner, Watch
from taskkit.backends.claim_loop import ClaimLoop
from taskkit.backends.memory.debounces import Debounces
from taskkit.backends.memory.keys import Keys
from taskkit.backends.memory.lanes import Lanes
from taskkit.backends.memory.life import Life
from taskkit.backends.memory.queues import Queues
from taskkit.backends.memory.record import Record
from taskkit.backends.memory.schedules import Schedules
from taskkit.backends.memory.watch import Watches
from taskkit.backends.paging import page_number
from taskkit.errors import (
    InvalidConfigError,
    LeaseLostError,
    QueueFullError,
    RunNotDelayedError,
    RunNotFoundError,
)
from taskkit.model import metadata_operations
from taskkit.model.exchange import (
    ClaimSpec,
    Enqueued,
    Entry,
    EntryKind,
    Lease,
    Manifest,
    Outcome,
    Page,
    RunFilter,
    Signal,
    Suspended,
    Token,
    WorkerOptions,
    WorkerRecord,
)
from taskkit.model.ids import new_id
from taskkit.model.request import TriggerRequest
from taskkit.model.run import FINAL, Run, RunStatus

_LOGS_KEPT = 10_000
_TAGS_PER_RUN = 10
_C = Capability


class MemoryBackend(Schedules, Queues, ClaimLoop):
    """Runs live in this process and are gone with it.

    Keeps the last `keep` finished runs; a run stays readable beyond that while somebody holds its handle or
    its idempotency key holds. Not thread-safe: it lives on one event loop, and taskkit carries calls there.
    """

    capabilities = frozenset(
        {
            _C.DELAY, _C.TTL, _C.PRIORITY, _C.FAIR, _C.DEBOUNCE, _C.QUEUES, _C.QUEUE_LIMIT,
            _C.QUEUE_LENGTH, _C.KEY_LIMIT, _C.IDEMPOTENCY, _C.IDEMPOTENCY_TTL, _C.CANCEL_RUNNING, _C.WAITS,
            _C.TOKENS, _C.METADATA, _C.LOGS, _C.STREAMS, _C.TAGS, _C.MEMO, _C.LIST, _C.SUBSECOND_TIMERS,
            _C.SCHEDULES,
        }
    )  # fmt: skip

    def __init__(self, *, keep: int = 10_000) -> None:
        super().__init__()
        self._keep = keep
        self._records: dict[str, Record] = {}
        self._forgotten: dict[str, ref[Record]] = {}
        self._sweep_at = 2 * keep + 1000
        self._finished: deque[Record] = deque()
        self._numbers = itertools.count(1)
        self._keys = Keys()
        self._watches = Watches()
        self._debounces = Debounces(self._watches.changed)
        self._lanes = Lanes()
        self._life = Life(self._lanes, self._keys, self._watches, self._find, self._retire)
        self._workers: dict[str, WorkerRecord] = {}

    @classmethod
    def from_url(cls, url: str) -> MemoryBackend:
        """`memory://`, or `memory://?keep=500`."""
        parts = urlsplit(url)
        options = parse_qs(parts.query, keep_blank_values=True)
        keep = options.pop("keep", ["10000"])[-1]
        if (
            parts.netloc
            or parts.path.strip("/")
            or options
            or not keep.isascii()
            or not keep.isdigit()
        ):
            raise InvalidConfigError(
                f"The backend URL {url!r} is not understood: memory:// takes nothing but ?keep=<number of "
                f"finished runs to keep>. Write memory:// or memory://?keep=500."
            )
        return cls(keep=int(keep))

    def __repr__(self) -> str:
        return f"MemoryBackend(keep={self._keep}, runs={len(self._records)})"

    # --- asking for runs ----------------------------------------------------------------------------

    async def open(self) -> None:
        return None

    async def close(self) -> None:
        self._watches.close()
        self._wake_all()

    async def register(self, manifest: Manifest) -> None:
        for queue in manifest.queues.values():
            self._lanes.declare(queue)

    async def enqueue(
        self, requests: Sequence[TriggerRequest], *, batch_id: str | None, now: Now
    ) -> Sequence[Enqueued]:
        moment = now or datetime.now(UTC)
        answers = [self._accept(request, batch_id, moment) for request in requests]
        self._life.wake()
        return answers

    def _accept(self, request: TriggerRequest, batch_id: str | None, now: datetime) -> Enqueued:
        known = self._find(request.run_id)
        key = request.idempotency_key
        if key is not None and known is None:
            known = self._keys.find(request.task_id, key, now)
        if known is not None:
            return Enqueued(known.id, "existing", None, known)
        if request.debounce is not None:
            joined = self._debounces.join(request, now)
            if joined is not None:
                self._keys.hold(joined, request, now)
                return Enqueued(joined.id, "debounced", None, joined)
        queue = self._lanes.queue(request.queue)
        if queue.max_length is not None and queue.length >= queue.max_length:
            return Enqueued(
                request.run_id, "refused", QueueFullError(request.queue, queue.max_length)
            )
        record = self._life.create(request, batch_id, now, next(self._numbers))
        self._records[request.run_id] = record
        if key is not None:
            self._keys.hold(record, request, now)
        if request.debounce is not None:
            self._debounces.hold(record)
        return Enqueued(request.run_id, "created", None, record)

    async def get(self, run_ids: Sequence[str]) -> Sequence[Run | None]:
        return [
            None if (record := self._find(run_id)) is None else record.copy() for run_id in run_ids
        ]

    async def end_of(self, run_id: str) -> Run | None:
        record = self._records.get(run_id) or self._find(run_id)
        if record is None:
            return None
        if record.status not in FINAL:
            waiter = asyncio.get_running_loop().create_future()
            if record.end_waiters is None:
                record.end_waiters = [waiter]
            else:
                record.end_waiters.append(waiter)
            await waiter
        return record if record.status in FINAL else None

    async def cancel(
        self, run_ids: Sequence[str], *, reason: str | None, now: Now
    ) -> Sequence[Run]:
        moment = now or datetime.now(UTC)
        records = [self._known(run_id) for run_id in run_ids]
        for record in records:
            self._life.cancel(record, reason, moment)
        self._life.wake()
        return [record.copy() for record in records]

    # --- beside a run -------------------------------------------------------------------------------

    async def append(
        self, run_id: str, entries: Sequence[Entry], *, flush_id: str, lease: Lease | None
    ) -> None:
        record = self._known(run_id)
        if lease is not None and not self._life.holds(record, lease):
            raise LeaseLostError(run_id)
        if record.flushed(flush_id):
            return
        metadata = None
        for entry in entries:
            if entry.kind is EntryKind.METADATA:
                metadata = deepcopy(record.metadata) if metadata is None else metadata
                metadata_operations.apply(metadata, entry.data)
            elif entry.kind is EntryKind.TAG:
                self._tag(record, entry.data)
            else:
                _store(record, entry)
        if metadata is not None:
            record.metadata = metadata
        self._watches.changed(record)

    def _tag(self, run: Run, tag: str) -> None:
        if tag not in run.tags and len(run.tags) < _TAGS_PER_RUN:
            run.tags = (*run.tags, tag)

    async def read(
        self, run_id: str, kind: EntryKind, *, key: str | None, after: int, limit: int
    ) -> Page[Entry]:
        entries = (self._known(run_id).entries or {}).get(kind, [])
        # Positions have no gaps, so a reader that follows a long stream does not go through it each time.
        start = max(0, after + 1 - entries[0].position) if entries else 0
        following = (entries[index] for index in range(start, len(entries)))
        matching = (entry for entry in following if key is None or entry.key == key)
        found = list(itertools.islice(matching, limit + 1))
        more = len(found) > limit
        return Page(found[:limit], found[limit - 1].position if more else None)

    def watch(self, topics: Sequence[str]) -> Watch:
        return self._watches.add(topics)

    def on_work(self, callback: Callable[[str], None]) -> Callable[[], None]:
        return self._watches.on_work(callback)

    # --- working ------------------------------------------------------------------------------------

    async def serve(self, runner: Runner, options: WorkerOptions) -> None:
        name = new_id("worker")
        tasks = runner.manifest.tasks
        self._workers[name] = WorkerRecord(name, tasks, datetime.now(UTC))
        failure: str | None = None
        try:
            await super().serve(runner, options)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            failure = f"{type(error).__name__}: {error}"
            raise
        finally:
            self._workers[name] = WorkerRecord(
                name, tasks, datetime.now(UTC), alive=False, failure=failure
            )
            self._wake_all()

    async def claim(
        self, worker: str, spec: ClaimSpec, *, limit: int, lease: float, now: Now
    ) -> Sequence[Lease]:
        return self._life.claim(
            worker, spec, limit, timedelta(seconds=lease), now or datetime.now(UTC)
        )

    async def extend(self, leases: Sequence[Lease], *, lease: float, now: Now) -> Sequence[Signal]:
        expires = (now or datetime.now(UTC)) + timedelta(seconds=lease)
        return [self._life.extend(self._find(one.run.id), one, expires) for one in leases]

    async def settle(self, lease: Lease, outcome: Outcome | Suspended, *, now: Now) -> None:
        run_id = lease.run.request.run_id
        record = self._records.get(run_id) or self._known(run_id)
        if not self._life.settle(record, lease, outcome, now or datetime.now(UTC)):
            raise LeaseLostError(lease.run.id)

    async def advance(self, *, now: Now, limit: int) -> datetime | None:
        return self._life.advance(now or datetime.now(UTC), limit)

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
        moment = now or datetime.now(UTC)
        token = self._life.tokens.create(token_id, timeout, tags, idempotency_key, moment)
        self._life.wake()  # its time may be the next thing that is due
        return token

    async def get_token(self, token_id: str, *, now: Now) -> Token | None:
        return self._life.tokens.find(token_id, now or datetime.now(UTC))

    async def complete_token(self, token_id: str, output: bytes | None, *, now: Now) -> bool:
        return self._life.tokens.complete(token_id, output, now or datetime.now(UTC))

    async def list_tokens(self, *, cursor: int | str | None, limit: int, now: Now) -> Page[Token]:
        below = page_number(cursor)
        return self._life.tokens.page(below, limit, now or datetime.now(UTC))

    # --- looking ------------------------------------------------------------------------------------

    async def list(self, where: RunFilter, *, cursor: int | str | None, limit: int) -> Page[Run]:
        below = page_number(cursor)
        found: list[Record] = []
        for record in reversed(self._records.values()):
            if (below is None or record.number < below) and _matches(record, where):
                found.append(record)
                if len(found) > limit:
                    break
        more = len(found) > limit
        page = found[:limit]
        return Page([record.copy() for record in page], page[-1].number if more else None)

    async def reschedule(self, run_id: str, at: datetime, *, now: Now) -> Run:
        record = self._known(run_id)
        if record.status is not RunStatus.DELAYED:
            raise RunNotDelayedError(run_id, record.status)
        self._life.reschedule(record, at, now or datetime.now(UTC))
        return record.copy()

    async def release_key(self, task_id: str, key: str) -> bool:
        return self._keys.free(task_id, key)

    async def list_workers(self) -> Sequence[WorkerRecord]:
        return list(self._workers.values())

    async def idle(self) -> None:
        await self._life.busy.idle()

    def _wake_all(self) -> None:
        """Whoever waits for anything looks again: a worker, or the whole backend, is gone."""
        self._watches.publish_all()
        for record in list(self._records.values()):
            record.wake_end_waiters()

    # --- keeping and forgetting ---------------------------------------------------------------------

    def _find(self, run_id: str) -> Record | None:
        record = self._records.get(run_id)
        if record is None and (reference := self._forgotten.get(run_id)) is not None:
            return reference()
        return record

    def _known(self, run_id: str) -> Record:
        record = self._find(run_id)
        if record is None:
            raise RunNotFoundError(
                run_id,
                f"There is no run {run_id!r} in this memory backend. It keeps the last {self._keep:,} finished "
                f"runs, and only those of this process; use memory://?keep=<more> or a durable backend.",
            )
        return record

    def _retire(self, record: Record) -> None:
        """Keep a finished run while it is among the last; afterwards as long as somebody holds it."""
        self._finished.append(record)
        if len(self._finished) > self._keep:
            oldest = self._finished.popleft()
            run_id = oldest.request.run_id
            del self._records[run_id]
            self._forgotten[run_id] = ref(oldest)
            if len(self._forgotten) > self._sweep_at:
                self._forgotten = {
                    name: held for name, held in self._forgotten.items() if held() is not None
                }
                self._sweep_at = 2 * (len(self._forgotten) + self._keep) + 1000


def _store(record: Record, entry: Entry) -> None:
    if record.entries is None:
        record.entries = {}
    kept = record.entries.setdefault(entry.kind, [])
    position = kept[-1].position + 1 if kept else 1
    kept.append(Entry(entry.kind, deepcopy(entry.data), entry.key, entry.at, position))
    if entry.kind is EntryKind.LOG and len(kept) > 2 * _LOGS_KEPT:
        del kept[:_LOGS_KEPT]


def _matches(run: Run, where: RunFilter) -> bool:
    return (
        (where.status is None or run.status in where.status)
        and (where.task is None or run.task_id in where.task)
        and (where.tag is None or not where.tag.isdisjoint(run.tags))
        and (where.batch is None or run.batch_id in where.batch)
        and (where.schedule is None or run.schedule_id in where.schedule)
        and (where.since is None or run.created_at >= where.since)
        and (where.until is None or run.created_at <= where.until)
    )
