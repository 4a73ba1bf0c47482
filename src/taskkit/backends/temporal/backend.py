"""The Temporal backend, as those see it who ask for runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from temporalio.client import Client
from temporalio.converter import DataConverter
from temporalio.service import RPCError

from taskkit.backends.base import Capability, Now, Runner, Watch
from taskkit.backends.temporal.accepting import Accepting
from taskkit.backends.temporal.attributes import register_attributes
from taskkit.backends.temporal.canceling import Canceling
from taskkit.backends.temporal.connection import connect
from taskkit.backends.temporal.entries import KEPT, Entries
from taskkit.backends.temporal.limits import Limits
from taskkit.backends.temporal.listing import list_runs
from taskkit.backends.temporal.machines import Machines
from taskkit.backends.temporal.place import Place, place_of
from taskkit.backends.temporal.reading import Reader
from taskkit.backends.temporal.refusal import is_away, refused
from taskkit.backends.temporal.saying import Saying
from taskkit.backends.temporal.schedules import Schedules
from taskkit.backends.temporal.size import DATA_LIMIT
from taskkit.backends.temporal.tokens import Tokens
from taskkit.backends.temporal.watch import TemporalWatch
from taskkit.errors import (
    LeaseLostError,
    SecretInPayloadError,
)
from taskkit.model.exchange import (
    Enqueued,
    Entry,
    EntryKind,
    Lease,
    Manifest,
    Page,
    RunFilter,
    ScheduleRecord,
    Token,
    WorkerOptions,
)
from taskkit.model.request import TriggerRequest
from taskkit.model.run import Run

if TYPE_CHECKING:
    from taskkit.backends.temporal.delivery import Delivery
    from taskkit.backends.temporal.worker import Serving

_C = Capability
_AT_ONCE = 64


class TemporalBackend:
    """Each run is a workflow of a Temporal server, whose id is the run's.

    Times are those of the server. A run with an idempotency key has an id that derives from it. What the server is
    given passes through `data_converter`: with a payload codec it keeps nothing of payloads, outputs, errors and
    metadata that it could read.
    """

    capabilities = frozenset(
        {
            _C.DELAY, _C.TTL, _C.IDEMPOTENCY, _C.IDEMPOTENCY_TTL, _C.CANCEL_RUNNING, _C.WAITS, _C.TOKENS,
            _C.LOGS, _C.STREAMS, _C.MEMO, _C.TAGS,
            _C.METADATA, _C.LIST, _C.EVENTUAL_LIST, _C.SCHEDULES, _C.QUEUE_LIMIT, _C.KEY_LIMIT, _C.SHARED, _C.DURABLE,
        }
    )  # fmt: skip

    output_limit = DATA_LIMIT

    def __init__(self, place: Place, *, data_converter: DataConverter | None = None) -> None:
        self.place = place
        self._data_converter = data_converter or DataConverter.default
        self._client: Client | None = None
        self._reader: Reader | None = None
        self._tokens: Tokens | None = None
        self._entries: Entries | None = None
        self._saying: Saying | None = None
        self._schedules: Schedules | None = None
        self._accepting: Accepting | None = None
        self._canceling: Canceling | None = None
        self._limits: Limits | None = None
        self._machines: Machines | None = None
        self._watches: list[TemporalWatch] = []
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self.serving: set[Serving] = set()
        self.made: dict[str, set[str]] = {}
        """Of the runs that are carried out here, the children that they are going to wait for."""

    @classmethod
    def from_url(cls, url: str, *, data_converter: DataConverter | None = None) -> TemporalBackend:
        """`temporal://host:7233/namespace?project=name&lease=30`, with `&tls=true` and more for TLS."""
        return cls(place_of(url), data_converter=data_converter)

    def __repr__(self) -> str:
        return f"TemporalBackend({self.place.shown!r}, project={self.place.project!r})"

    @property
    def client(self) -> Client:
        assert self._client is not None, "open() comes first"
        return self._client

    @property
    def reader(self) -> Reader:
        assert self._reader is not None, "open() comes first"
        return self._reader

    @property
    def entries(self) -> Entries:
        assert self._entries is not None, "open() comes first"
        return self._entries

    @property
    def saying(self) -> Saying:
        assert self._saying is not None, "open() comes first"
        return self._saying

    @property
    def tokens(self) -> Tokens:
        assert self._tokens is not None, "open() comes first"
        return self._tokens

    @property
    def schedules(self) -> Schedules:
        assert self._schedules is not None, "open() comes first"
        return self._schedules

    @property
    def machines(self) -> Machines:
        assert self._machines is not None, "open() comes first"
        return self._machines

    @property
    def limits(self) -> Limits:
        assert self._limits is not None, "open() comes first"
        return self._limits

    @property
    def accepting(self) -> Accepting:
        assert self._accepting is not None, "open() comes first"
        return self._accepting

    @property
    def canceling(self) -> Canceling:
        assert self._canceling is not None, "open() comes first"
        return self._canceling

    async def open(self) -> None:
        self._client = await connect(self.place, self._data_converter)
        async with self._asked():
            await register_attributes(self._client, self.place)
        self._reader = Reader(self._client)
        self._tokens = Tokens(self._client, self.place)
        self._entries = Entries(self._client, self.place, self._reader)
        self._saying = Saying(self._client, self.place, self._reader, self._entries)
        self._schedules = Schedules(self._client, self.place, self._at_once)
        self._limits = Limits(self._client, self.place)
        self._machines = Machines(self._client, self.place)
        self._accepting = Accepting(
            self._client, self._reader, self.place, self._limits, self.made, self._at_once
        )
        self._canceling = Canceling(
            self._reader, self._limits, self.place, self.serving, self._at_once
        )

    async def close(self) -> None:
        for watch in self._watches:
            watch.close()
        self._watches.clear()
        if self._entries is not None:
            await self._entries.close()

    async def register(self, manifest: Manifest) -> None:
        async with self._asked():
            await self.limits.declare(manifest.queues.values())

    # --- asking for runs ----------------------------------------------------------------------------

    async def enqueue(
        self, requests: Sequence[TriggerRequest], *, batch_id: str | None, now: Now
    ) -> Sequence[Enqueued]:
        for request in requests:
            if request.secrets:
                raise SecretInPayloadError(sorted(request.secrets))
        async with self._asked():
            for request in requests:
                if request.machine is not None:
                    await self.machines.use(request.queue, request.machine)
            return await self.accepting.accept(requests, batch_id)

    async def get(self, run_ids: Sequence[str]) -> Sequence[Run | None]:
        async def find(run_id: str) -> Run | None:
            async with self._at_once:
                return await self.reader.find(run_id)

        async with self._asked():
            return await asyncio.gather(*(find(run_id) for run_id in run_ids))

    async def end_of(self, run_id: str) -> Run | None:
        async with self._asked():
            return await self.reader.end(run_id)

    async def list(self, where: RunFilter, *, cursor: int | str | None, limit: int) -> Page[Run]:
        """Runs that match, newest first. The list lags behind by some milliseconds; each run in it does not."""
        async with self._asked():
            return await list_runs(
                self.client, self.reader, self.place, where, cursor=cursor, limit=limit
            )

    # --- canceling ----------------------------------------------------------------------------------

    async def cancel(
        self, run_ids: Sequence[str], *, reason: str | None, now: Now
    ) -> Sequence[Run]:
        async with self._asked():
            return await self.canceling.cancel(run_ids, reason)

    # --- beside a run -------------------------------------------------------------------------------

    async def append(
        self, run_id: str, entries: Sequence[Entry], *, flush_id: str, lease: Lease | None
    ) -> None:
        delivery = None if lease is None else self._holder(run_id, lease)
        async with self._asked():
            await self.saying.append(run_id, entries, flush_id, delivery)

    def _holder(self, run_id: str, lease: Lease) -> Delivery:
        """What carries the run under this lease, or has parked it; only that can speak for the run."""
        for serving in self.serving:
            if (delivery := serving.holds(lease)) is not None:
                return delivery
            if (parked := serving.parked.get(run_id)) is not None and parked.lease is lease:
                return parked
        raise LeaseLostError(run_id)

    async def read(
        self, run_id: str, kind: EntryKind, *, key: str | None, after: int, limit: int
    ) -> Page[Entry]:
        """Entries of a run; metadata and tags are read from the run itself."""
        if kind not in KEPT:
            return Page([])
        async with self._asked():
            return await self.entries.read(run_id, kind, key, after, limit)

    def watch(self, topics: Sequence[str]) -> Watch:
        watch = TemporalWatch(topics, self._ended, self.schedules.listen, self.entries.follow)
        self._watches = [one for one in self._watches if not one.is_closed]
        self._watches.append(watch)
        return watch

    async def _ended(self, run_id: str) -> bool:
        """Return when the run is over, also one that is not there yet; False after an error that a look may explain."""
        while True:
            try:
                if await self.reader.wait_for_end(run_id):
                    return True
            except RPCError as error:
                if not is_away(error):
                    await asyncio.sleep(0.5)
                    return False
            await asyncio.sleep(0.5)

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
        async with self._asked():
            return await self.tokens.create(token_id, timeout, tags, idempotency_key)

    async def get_token(self, token_id: str, *, now: Now) -> Token | None:
        async with self._asked():
            return await self.tokens.find(token_id)

    async def complete_token(self, token_id: str, output: bytes | None, *, now: Now) -> bool:
        async with self._asked():
            return await self.tokens.complete(token_id, output)

    async def list_tokens(self, *, cursor: int | str | None, limit: int, now: Now) -> Page[Token]:
        async with self._asked():
            return await self.tokens.page(cursor, limit)

    # --- schedules ----------------------------------------------------------------------------------

    async def put_schedule(self, schedule: ScheduleRecord) -> ScheduleRecord | None:
        async with self._asked():
            return await self.schedules.put(schedule)

    async def get_schedules(self, schedule_ids: Sequence[str]) -> Sequence[ScheduleRecord | None]:
        async with self._asked():
            return await self.schedules.get(schedule_ids)

    async def delete_schedule(self, schedule_id: str) -> bool:
        async with self._asked():
            return await self.schedules.delete(schedule_id)

    async def list_schedules(
        self, tasks: frozenset[str] | None, *, cursor: int | str | None, limit: int
    ) -> Page[ScheduleRecord]:
        async with self._asked():
            return await self.schedules.page(tasks, cursor, limit)

    async def next_schedules(
        self, tasks: frozenset[str], *, limit: int
    ) -> Sequence[ScheduleRecord]:
        async with self._asked():
            return await self.schedules.following(tasks, limit)

    async def record_tick(
        self, schedule_id: str, *, at: datetime | None, next_at: datetime | None, version: int
    ) -> None:
        async with self._asked():
            await self.schedules.record_tick(schedule_id, at, next_at, version)

    # --- working ------------------------------------------------------------------------------------

    async def serve(self, runner: Runner, options: WorkerOptions) -> None:
        from taskkit.backends.temporal.worker import Serving  # which who only asks does not need

        serving = Serving(self, runner, options)
        has_another = bool(self.serving)
        self.serving.add(serving)
        try:
            if has_another:  # the SDK refuses two workers of one client that poll the same queue
                serving.client = await connect(self.place, self._data_converter)
            await serving.run()
        finally:
            self.serving.discard(serving)

    @asynccontextmanager
    async def _asked(self) -> AsyncGenerator[None]:
        """Raise the error that says what it means, where the server does not answer or refuses."""
        try:
            yield
        except RPCError as error:
            raise refused(self.place, error) from error
