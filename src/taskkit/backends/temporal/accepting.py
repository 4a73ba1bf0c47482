"""How a run is asked for: a workflow is started, under an id that says which key it has."""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from taskkit.backends.temporal.attributes import attributes_of
from taskkit.backends.temporal.encoding import micros_or_none, payload_memo, request_text
from taskkit.backends.temporal.limits import Limits
from taskkit.backends.temporal.place import Place
from taskkit.backends.temporal.reading import Reader
from taskkit.backends.temporal.record import Plan
from taskkit.backends.temporal.size import MEMO_LIMIT, too_large
from taskkit.backends.temporal.workflow import RunWorkflow
from taskkit.model.exchange import Enqueued
from taskkit.model.request import TriggerRequest
from taskkit.model.run import FREES_KEY

_KEY_SECONDS: Final = 30 * 86_400.0
_TASK_TIMEOUT: Final = timedelta(seconds=5)


class Accepting:
    """Makes workflows of requests; those for one key come one after the other.

    `made` has the runs that are carried out here, each with the children that it is going to wait for.
    """

    def __init__(
        self,
        client: Client,
        reader: Reader,
        place: Place,
        limits: Limits,
        made: dict[str, set[str]],
        at_once: asyncio.Semaphore,
    ) -> None:
        self._client = client
        self._reader = reader
        self._place = place
        self._limits = limits
        self._made = made
        self._at_once = at_once

    async def accept(
        self, requests: Sequence[TriggerRequest], batch_id: str | None
    ) -> Sequence[Enqueued]:
        """What became of each request, in order."""
        same: dict[object, list[TriggerRequest]] = {}
        for request in requests:
            key = request.idempotency_key
            what = request.run_id if key is None else (request.task_id, key)
            same.setdefault(what, []).append(request)
        answers: dict[int, Enqueued] = {}
        first = time.time_ns() // 1000
        ranks = {id(request): first + number for number, request in enumerate(requests)}

        async def in_order(alike: Sequence[TriggerRequest]) -> None:
            for one in alike:
                async with self._at_once:
                    answers[id(one)] = await self._accept(one, batch_id, ranks[id(one)])

        await asyncio.gather(*(in_order(alike) for alike in same.values()))
        return [answers[id(request)] for request in requests]

    async def _accept(self, request: TriggerRequest, batch_id: str | None, rank: int) -> Enqueued:
        what = f"The payload for task {request.task_id!r}"
        if (error := too_large(what, request.payload)) is not None:
            return Enqueued(request.run_id, "refused", error)
        if request.idempotency_key is None:
            is_new = await self._start(request, batch_id, rank)
            return Enqueued(request.run_id, "created" if is_new else "existing")
        generation = 0
        while True:
            keyed = replace(request, run_id=self._keyed_id(request, generation))
            if await self._start(keyed, batch_id, rank):
                return Enqueued(keyed.run_id, "created")
            if await self._holds_key(keyed.run_id):
                return Enqueued(keyed.run_id, "existing")
            if generation > 0:  # its runs fail again and again
                generation = await self._newest(request, generation)
                newest_id = self._keyed_id(request, generation)
                if newest_id != keyed.run_id and await self._holds_key(newest_id):
                    return Enqueued(newest_id, "existing")
            generation += 1

    async def _newest(self, request: TriggerRequest, generation: int) -> int:
        """The last generation that there is, from one on that there is: each follows on the one before."""

        async def is_there(number: int) -> bool:
            return await self._reader.describe(self._keyed_id(request, number)) is not None

        step = 1
        while await is_there(generation + step):
            generation += step
            step *= 2
        missing = generation + step
        while missing - generation > 1:
            middle = (generation + missing) // 2
            if await is_there(middle):
                generation = middle
            else:
                missing = middle
        return generation

    def _keyed_id(self, request: TriggerRequest, generation: int) -> str:
        parts = (self._place.project, request.task_id, request.idempotency_key or "")
        digest = sha256("\0".join(parts).encode()).hexdigest()[:32]
        return f"run_{digest}" if generation == 0 else f"run_{digest}_{generation}"

    async def _holds_key(self, run_id: str) -> bool:
        description = await self._reader.describe(run_id)
        if description is None:
            return False
        run = await self._reader.read(description)
        lasts = run.request.idempotency_key_ttl
        until = run.created_at + timedelta(seconds=_KEY_SECONDS if lasts is None else lasts)
        return run.status not in FREES_KEY and datetime.now(UTC) < until

    async def _start(self, request: TriggerRequest, batch_id: str | None, rank: int) -> bool:
        """Whether there was none of this id."""
        place = self._place
        memo: dict[str, Any] = {"request": request_text(request, batch_id)}
        payload = None if request.payload is None else payload_memo(request.payload)
        is_large = payload is not None and len(payload) > MEMO_LIMIT
        if payload is not None:
            memo |= {"is_large": True} if is_large else {"payload": payload}
        plan = Plan(
            payload=b64encode(payload).decode() if payload is not None and is_large else None,
            queue=place.task_queue(request.queue),
            max_attempts=request.max_attempts,
            lease=place.lease,
            delay_until=micros_or_none(request.delay_until),
            queue_time=micros_or_none(request.queue_time),
            ttl=request.ttl,
            machine=request.machine,
            waiter=request.parent_id if request.awaited else None,
            key=request.concurrency_key,
            is_limited=await self._limits.is_limited(request.queue),
        )
        try:
            await self._client.start_workflow(
                RunWorkflow.run,
                plan,
                id=request.run_id,
                task_queue=place.flow_queue,
                memo=memo,
                search_attributes=attributes_of(request, batch_id, rank),
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                task_timeout=_TASK_TIMEOUT,
            )
        except WorkflowAlreadyStartedError:
            return False
        if request.awaited and request.parent_id in self._made:
            self._made[request.parent_id].add(request.run_id)
        return True
