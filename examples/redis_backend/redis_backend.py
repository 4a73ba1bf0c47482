"""A backend of taskkit over Redis, to be copied and changed; docs/write-your-own-backend.md explains it.

A run is one JSON document. Each change of it is a transaction: WATCH and read it, decide, then write
it with its places in the indexes (MULTI, EXEC); where somebody has written meanwhile, from the start.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import uuid4

from redis import exceptions
from redis.asyncio import BlockingConnectionPool, Redis

from taskkit import backends
from taskkit.backends import Capability, KeptRun, Now, Watch, from_text, to_text
from taskkit.errors import RunNotFoundError, SecretInPayloadError, StoreUnavailableError
from taskkit.model import exchange as x
from taskkit.model.clock import after
from taskkit.model.request import TriggerRequest
from taskkit.model.run import Run

Change = Callable[[KeptRun], Any]
C = Capability
PAGE = 100


class RedisBackend(backends.ClaimLoop):
    """Runs live in one Redis server, and survive what its append-only file survives."""

    capabilities = frozenset(
        {C.DELAY, C.TTL, C.PRIORITY, C.IDEMPOTENCY, C.IDEMPOTENCY_TTL, C.CANCEL_RUNNING}
        | {C.METADATA, C.TAGS, C.LOGS, C.STREAMS, C.MEMO, C.SUBSECOND_TIMERS, C.SHARED, C.DURABLE}
    )

    def __init__(self, url: str = "redis://127.0.0.1:6379/0", *, prefix: str = "taskkit") -> None:
        self._url, self._prefix = url, prefix
        self._watches = backends.TopicWatches()

    async def open(self) -> None:
        options: Any = {"max_connections": 20, "timeout": None, "decode_responses": True}
        pool = BlockingConnectionPool.from_url(self._url, **options)
        self._redis: Any = Redis.from_pool(pool)  # its types cannot tell text from bytes
        hints = self._redis.pubsub()
        with reaching(self._url):
            await hints.subscribe(self._key("topics"))
            await hints.get_message(timeout=5)  # that it is subscribed
        self._listener = asyncio.create_task(self._listen(hints))

    async def close(self) -> None:
        self._listener.cancel()
        await asyncio.wait([self._listener])
        self._watches.close()
        await self._redis.aclose()

    async def register(self, manifest: x.Manifest) -> None:
        """Nothing to remember: no queue has a limit here."""

    def _key(self, *parts: str) -> str:
        return ":".join((self._prefix, *parts))

    async def _moment(self, now: Now) -> datetime:
        """All workers go by the clock of the server."""
        seconds, micros = (now.timestamp(), 0) if now else await self._redis.time()
        return datetime.fromtimestamp(seconds + micros / 1e6, UTC)

    async def _read(self, redis: Any, run_id: str) -> KeptRun:
        if (text := await redis.get(self._key("run", run_id))) is None:
            raise RunNotFoundError(run_id)
        return from_text(KeptRun, text)

    async def _change(self, run_id: str, change: Change, *, tells: bool = True) -> Any:
        """What `change` says of the run, which is written unless that is false; it may be called again."""

        async def transaction(pipe: Any) -> Any:
            kept = await self._read(pipe, run_id)
            if said := change(kept):
                pipe.multi()
                self._write(pipe, kept, tells=tells)
            return said

        return await self._atomically(transaction, self._key("run", run_id))

    async def _atomically(self, transaction: Callable[[Any], Any], *keys: str) -> Any:
        return await self._redis.transaction(transaction, *keys, value_from_callable=True)

    def _write(self, pipe: Any, kept: KeptRun, *, tells: bool = True) -> None:
        """The run, where it stands, and who is to look."""
        run, due = kept.run, kept.due
        pipe.set(self._key("run", run.id), to_text(kept))
        # All that a claim asks for; of one score Redis sorts the members as text.
        about = json.dumps([f"{kept.number:016}", run.id, run.task_id, run.queue, run.machine])
        for index, member, score in (
            ("ready", about, kept.order if kept.is_claimable else None),
            ("cleanups", about, kept.order if kept.is_cleanup else None),
            ("timers", run.id, None if due is None else due.timestamp()),
        ):
            pipe.zrem(self._key(index), member)
            if score is not None:
                pipe.zadd(self._key(index), {member: score})
        if tells:
            pipe.publish(self._key("topics"), json.dumps(kept.topics))

    async def enqueue(
        self, requests: Sequence[TriggerRequest], *, batch_id: str | None, now: Now
    ) -> Sequence[x.Enqueued]:
        if clear := [field for request in requests for field in request.secrets or ()]:
            raise SecretInPayloadError(clear)
        with reaching(self._url):
            moment = await self._moment(now)
            return [await self._accept(request, batch_id, moment) for request in requests]

    async def _accept(self, request: TriggerRequest, batch_id: str | None, now: datetime) -> Any:
        run_id, has_key = request.run_id, request.idempotency_key is not None
        number = await self._redis.incr(self._key("number"))
        held = self._key("key", request.task_id, request.idempotency_key or "")

        async def transaction(pipe: Any) -> x.Enqueued:
            if await pipe.exists(self._key("run", run_id)):
                return x.Enqueued(run_id, "existing")
            holder = has_key and await pipe.get(held)
            if holder and (await self._read(pipe, holder)).holds_key(now):
                return x.Enqueued(holder, "existing")
            pipe.multi()
            self._write(pipe, KeptRun.accepted(request, batch_id, now, number))
            if has_key:
                pipe.set(held, run_id)
            return x.Enqueued(run_id, "created")

        return await self._atomically(transaction, self._key("run", run_id), held)

    async def get(self, run_ids: Sequence[str]) -> Sequence[Run | None]:
        with reaching(self._url):
            texts = await self._redis.mget([self._key("run", run_id) for run_id in run_ids])
        return [None if text is None else from_text(KeptRun, text).run for text in texts]

    async def cancel(self, run_ids: Sequence[str], *, reason: str | None, now: Now) -> list[Run]:
        with reaching(self._url):
            at = await self._moment(now)
            for run_id in run_ids:  # an unknown one cancels nothing
                await self._read(self._redis, run_id)
            for run_id in run_ids:
                await self._change(run_id, lambda kept: kept.cancel(reason, at))
            return [(await self._read(self._redis, run_id)).run for run_id in run_ids]

    async def append(
        self, run_id: str, entries: Sequence[x.Entry], *, flush_id: str, lease: x.Lease | None
    ) -> None:
        flushes = self._key("flushes", run_id)

        async def transaction(pipe: Any) -> None:
            kept = await self._read(pipe, run_id)
            kept.check(lease)
            if not await pipe.sismember(flushes, flush_id):
                pipe.multi()
                pipe.sadd(flushes, flush_id)
                for entry in kept.append(entries):
                    pipe.rpush(self._key("entries", run_id, entry.kind), to_text(entry))
                self._write(pipe, kept)

        with reaching(self._url):
            await self._atomically(transaction, self._key("run", run_id))

    async def read(
        self, run_id: str, kind: x.EntryKind, *, key: str | None, after: int, limit: int
    ) -> x.Page[x.Entry]:
        with reaching(self._url):
            await self._read(self._redis, run_id)
            texts = await self._redis.lrange(self._key("entries", run_id, kind), after, -1)
        told = enumerate((from_text(x.Entry, text) for text in texts), after + 1)
        found = [replace(one, position=n) for n, one in told if key is None or one.key == key]
        return x.Page(found[:limit], found[limit - 1].position if len(found) > limit else None)

    def watch(self, topics: Sequence[str]) -> Watch:
        return self._watches.add(topics)

    async def _listen(self, hints: Any) -> None:
        while True:
            with suppress(exceptions.ConnectionError, exceptions.TimeoutError):
                async for message in hints.listen():
                    if message["type"] == "message":
                        for topic in json.loads(message["data"]):
                            self._watches.publish(topic)
                    else:  # subscribed again: what was told meanwhile was not heard
                        self._watches.publish_all()
            await asyncio.sleep(1)

    async def claim(
        self, worker: str, spec: x.ClaimSpec, *, limit: int, lease: float, now: Now
    ) -> Sequence[x.Lease]:
        with reaching(self._url):
            moment = await self._moment(now)

            def lend(kept: KeptRun) -> x.Lease | None:
                return kept.lend(uuid4().hex, after(moment, lease), moment)

            cleanups = await self._take("cleanups", spec, PAGE, lend)
            return cleanups + await self._take("ready", spec, limit, lend)

    async def _take(self, index: str, spec: x.ClaimSpec, limit: int, lend: Change) -> list[x.Lease]:
        leases: list[x.Lease] = []
        start, page = 0, [""] * PAGE
        while len(leases) < limit and len(page) == PAGE:
            page = await self._redis.zrange(self._key(index), start, start + PAGE - 1)
            fitting = [run_id for _, run_id, *about in map(json.loads, page) if spec.fits(*about)]
            for run_id in fitting[: limit - len(leases)]:
                leases += filter(None, [await self._change(run_id, lend)])
            start += len(page) - len(fitting)  # those that fit are taken, by this worker or another
        return leases

    async def extend(self, leases: Sequence[x.Lease], *, lease: float, now: Now) -> list[x.Signal]:
        signals = [x.Signal.LOST] * len(leases)
        with reaching(self._url):
            expires = after(await self._moment(now), lease)
            for number, one in enumerate(leases):
                extend = partial(KeptRun.extend, lease=one, expires=expires)
                with suppress(RunNotFoundError):
                    signals[number] = await self._change(one.run.id, extend, tells=False)
        return signals

    async def settle(self, lease: x.Lease, outcome: x.Outcome | x.Suspended, *, now: Now) -> None:
        with reaching(self._url):
            at = await self._moment(now)
            await self._change(lease.run.id, lambda kept: kept.settle(lease, outcome, at))

    async def advance(self, *, now: Now, limit: int) -> datetime | None:
        with reaching(self._url):
            at, timers = await self._moment(now), self._key("timers")
            for run_id in await self._redis.zrangebyscore(timers, "-inf", at.timestamp(), 0, limit):
                await self._change(run_id, lambda kept: kept.pass_time(at))
            first = await self._redis.zrange(timers, 0, 0, withscores=True)
        return after(now or datetime.now(UTC), first[0][1] - at.timestamp()) if first else None


@contextmanager
def reaching(url: str) -> Iterator[None]:
    """taskkit asks again after a StoreUnavailableError; any other error ends a worker."""
    try:
        yield
    except (exceptions.ConnectionError, exceptions.TimeoutError) as error:
        what = f"Redis at {url.rpartition('@')[2]} does not answer: {error}. Is it running?"
        raise StoreUnavailableError(what) from error
