"""The workflow of a queue that has a concurrency limit: it says whose turn it is.

Imports the standard library and temporalio only: Temporal's sandbox loads this module.
"""

from __future__ import annotations

import asyncio
import json
import zlib
from datetime import timedelta
from heapq import heappop, heappush
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, FailureError

from taskkit.backends.temporal.waiting import LOOK

_GRANTS_AT_ONCE = 200
"""The server lets a workflow have 2,000 signals under way."""
_LOOK_EVERY = timedelta(seconds=30)
_LOOK_LIMIT = timedelta(seconds=10)
_LOOKED_AT = 100
_SIGNALS = 2000
"""The server takes 10,000 from others, and then none until the history is a new one."""


@workflow.defn(name="taskkit.limit")
class LimitWorkflow:
    """The slots of one queue, counted for each concurrency key by itself.

    A run asks for one under a number that rises with each time, and it, its worker or its canceler says when it has
    left. `_numbers` are the runs that wait; an entry of a lane with another number has left it.
    """

    @workflow.init
    def __init__(self, kept: bytes | None = None) -> None:
        self._limit: int | None = None
        self._held: dict[str, list[Any]] = {}
        self._running: dict[str | None, int] = {}
        self._numbers: dict[str, int] = {}
        self._lanes: dict[str | None, list[tuple[int, int, str, int]]] = {}
        self._changed: dict[str | None, None] = {}
        self._granting: set[asyncio.Task[None]] = set()
        self._heard = 0
        if kept is not None:
            self._limit, held, waiting = json.loads(zlib.decompress(kept))
            for run_id, number, key, seen in held:
                self._hold(run_id, number, key, seen)
            for run_id, number, key, order in waiting:
                self._queue(run_id, number, key, order)

    @workflow.run
    async def run(self, kept: bytes | None = None) -> None:
        watching = asyncio.create_task(self._watch())
        while not self._is_long():
            await workflow.wait_condition(lambda: self._may_grant() or self._is_long())
            self._grant()
        # What is under way when a history ends is lost, and so would be what it answers.
        await workflow.wait_condition(lambda: not self._granting)
        watching.cancel()
        workflow.continue_as_new(self._kept(), memo={"limit": self._limit})

    def _is_long(self) -> bool:
        return self._heard >= _SIGNALS or workflow.info().is_continue_as_new_suggested()

    def _kept(self) -> bytes:
        """Everything, as the next history begins with it."""
        held = [[run_id, *slot] for run_id, slot in self._held.items()]
        waiting = [
            [run_id, number, key, order]
            for key, lane in self._lanes.items()
            for order, _, run_id, number in sorted(lane)
            if self._numbers.get(run_id) == number
        ]
        return zlib.compress(json.dumps([self._limit, held, waiting]).encode())

    # --- turns --------------------------------------------------------------------------------------

    def _queue(self, run_id: str, number: int, key: str | None, order: int) -> None:
        self._numbers[run_id] = number
        lane = self._lanes.setdefault(key, [])
        self._heard += 1
        heappush(lane, (order, self._heard, run_id, number))
        self._changed[key] = None

    def _hold(self, run_id: str, number: int, key: str | None, seen: int) -> None:
        self._held[run_id] = [number, key, seen]
        self._running[key] = self._running.get(key, 0) + 1

    def _drop(self, run_id: str, number: int) -> None:
        """It has left what it had or asked for under this number, or under one before."""
        if self._numbers.get(run_id, number + 1) <= number:
            del self._numbers[run_id]
        if run_id in self._held and self._held[run_id][0] <= number:
            _, key, _ = self._held.pop(run_id)
            self._running[key] -= 1
            if not self._running[key]:
                del self._running[key]
            self._changed[key] = None

    def _may_grant(self) -> bool:
        return bool(self._changed) and len(self._granting) < _GRANTS_AT_ONCE

    def _has_room(self, key: str | None) -> bool:
        return self._limit is None or self._running.get(key, 0) < self._limit

    def _grant(self) -> None:
        for key in list(self._changed):
            lane = self._lanes.get(key, [])
            while lane and self._has_room(key):
                if len(self._granting) >= _GRANTS_AT_ONCE:
                    return
                _, _, run_id, number = heappop(lane)
                if self._numbers.get(run_id) == number:
                    del self._numbers[run_id]
                    self._hold(run_id, number, key, int(workflow.now().timestamp()))
                    task = asyncio.create_task(self._tell(run_id, number))
                    self._granting.add(task)
                    task.add_done_callback(self._granting.discard)
            if not lane:
                self._lanes.pop(key, None)
            del self._changed[key]

    async def _tell(self, run_id: str, number: int) -> None:
        try:
            await workflow.get_external_workflow_handle(run_id).signal("granted", number)
        except FailureError:  # the run is over
            self._drop(run_id, number)

    # --- who was ended by others --------------------------------------------------------------------

    async def _watch(self) -> None:
        """While somebody waits for long, look for slots whose runs were ended without a word of theirs."""
        while True:
            await workflow.wait_condition(lambda: bool(self._numbers))
            await asyncio.sleep(_LOOK_EVERY.total_seconds())
            if self._numbers:
                await self._look()

    async def _look(self) -> None:
        now = int(workflow.now().timestamp())
        long = _LOOK_EVERY.total_seconds()
        old = {run_id: slot[0] for run_id, slot in self._held.items() if now - slot[2] >= long}
        asked = dict(list(old.items())[:_LOOKED_AT])
        if not asked:
            return
        try:
            closed = await workflow.execute_local_activity(
                LOOK,
                args=[list(asked)],
                result_type=list[str],
                start_to_close_timeout=_LOOK_LIMIT,
                retry_policy=RetryPolicy(maximum_attempts=1),
            )
        except ActivityError:
            return
        for run_id, number in asked.items():
            if run_id in closed:
                self._drop(run_id, number)
            elif run_id in self._held:
                self._held[run_id][2] = now

    # --- what others say ----------------------------------------------------------------------------

    @workflow.signal
    def declare(self, limit: int | None) -> None:
        """The limit that counts from now on; None for none."""
        self._heard += 1
        if limit != self._limit:
            self._limit = limit
            workflow.upsert_memo({"limit": limit})
        self._changed.update(dict.fromkeys(self._lanes))

    @workflow.signal
    def ask(self, run_id: str, number: int, key: str | None, order: int) -> None:
        """This run wants a slot; the lowest order is first. What it had before it has left."""
        self._drop(run_id, number - 1)
        self._queue(run_id, number, key, order)

    @workflow.signal
    def leave(self, runs: list[tuple[str, int]]) -> None:
        """These runs have left the slots that they asked for under these numbers."""
        self._heard += 1
        for run_id, number in runs:
            self._drop(run_id, number)
