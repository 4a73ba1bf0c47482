"""Schedules: each is a Temporal Schedule that is kept paused, because taskkit's own scheduler fires the ticks.

Temporal would skip a tick in the gap of daylight saving, and takes 30 February.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import random
from typing import Final
from uuid import uuid4

from temporalio.api.workflowservice.v1 import (
    CreateScheduleRequest,
    DeleteScheduleRequest,
    DescribeScheduleRequest,
    UpdateScheduleRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from taskkit.backends.temporal.bell import Bell
from taskkit.backends.temporal.place import Place
from taskkit.backends.temporal.schedule_form import Held, attributes_of, held_of, schedule_of
from taskkit.backends.temporal.schedule_index import ScheduleIndex
from taskkit.errors import InvalidOptionError, StoreUnavailableError
from taskkit.model.exchange import Page, ScheduleRecord

_LIMIT: Final = timedelta(seconds=10)
_CARRIED_OUT_WITHIN: Final = 10.0
_SOON: Final = 0.03
"""Seconds. Of several who read a schedule while the server carries out its change, some are answered after a second."""
_BEATEN: Final = frozenset({RPCStatusCode.FAILED_PRECONDITION, RPCStatusCode.ABORTED})
Change = Callable[[ScheduleRecord], ScheduleRecord | None]
"""What a schedule becomes; the same record for no change, None where it is not to be changed."""


class Schedules:
    """Those of a project; see `SupportsSchedules`."""

    def __init__(self, client: Client, place: Place, at_once: asyncio.Semaphore) -> None:
        self._client = client
        self._bell = Bell(client, place)
        self._index = ScheduleIndex(client, f"{place.project}/")
        self._queue = f"{place.project}/schedules"
        self._at_once = at_once
        self._last_made = 0

    async def listen(self) -> AsyncGenerator[None]:
        """Whenever some schedule has changed, here or elsewhere, and once at the beginning."""
        hears = False
        try:
            async for changed in self._bell.changes():
                if changed is not None:
                    self._index.doubt(changed)
                else:
                    self._index.start_over()
                    self._index.listeners += not hears
                    hears = True
                yield
        finally:
            self._index.listeners -= hears

    # --- one schedule -------------------------------------------------------------------------------

    async def put(self, schedule: ScheduleRecord) -> ScheduleRecord | None:
        if schedule.version == 0:
            stored = await self._create(schedule)
        else:
            stored = await self._change(schedule.id, lambda present: _put_over(present, schedule))
        if stored is not None:
            await self._bell.ring(schedule.id)
        return stored

    async def get(self, schedule_ids: Sequence[str]) -> list[ScheduleRecord | None]:
        found = await self._read_all(schedule_ids)
        return [None if held is None else held.record for held in found]

    async def delete(self, schedule_id: str) -> bool:
        request = DeleteScheduleRequest(
            namespace=self._client.namespace, schedule_id=self._index.name_of(schedule_id)
        )
        try:
            await self._client.workflow_service.delete_schedule(request, retry=True, timeout=_LIMIT)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return False
        self._index.wrote(schedule_id, None)
        await self._bell.ring(schedule_id)
        return True

    async def record_tick(
        self, schedule_id: str, at: datetime | None, next_at: datetime | None, version: int
    ) -> None:
        await self._change(schedule_id, lambda present: _ticked(present, at, next_at, version))

    async def _create(self, schedule: ScheduleRecord) -> ScheduleRecord | None:
        self._last_made = max(time.time_ns() // 1000, self._last_made + 1)
        held = Held(replace(schedule, version=1), self._last_made, (), b"")
        name = self._index.name_of(schedule.id)
        request = CreateScheduleRequest(
            namespace=self._client.namespace,
            schedule_id=name,
            schedule=await schedule_of(self._client, held, name, self._queue),
            search_attributes=attributes_of(held),
            request_id=str(uuid4()),
            identity=self._client.identity,
        )
        service = self._client.workflow_service
        try:
            answer = await service.create_schedule(request, retry=True, timeout=_LIMIT)
        except RPCError as error:
            if error.status is not RPCStatusCode.ALREADY_EXISTS:
                raise
            return None
        self._index.wrote(schedule.id, replace(held, token=answer.conflict_token))
        return held.record

    async def _change(self, schedule_id: str, change: Change) -> ScheduleRecord | None:
        """The record as it is stored now; None when there is none, or it is not to be changed.

        The server does not tell who was beaten: of many who bring one token, all are told that it went well. So each
        change has a mark, which is looked for in what is stored afterwards.
        """
        held, is_fresh = self._index.last_seen(schedule_id), False
        while True:
            if held is None:
                held, is_fresh = await self._read(schedule_id), True
                if held is None:
                    return None
            wanted = change(held.record)
            if wanted is None or wanted == held.record:
                if is_fresh:
                    return wanted
                held = None
                continue
            mark = uuid4().hex[:12]
            after = await self._send(held, wanted, mark)
            if after is None:
                return None
            if mark in after.marks:
                self._index.wrote(schedule_id, after)
                return wanted
            held, is_fresh = after, True

    async def _send(self, held: Held, wanted: ScheduleRecord, mark: str) -> Held | None:
        """Ask for the change; what is stored once the server has gone on from what was `held`."""
        changed, name = held.changed(wanted, mark), self._index.name_of(wanted.id)
        request = UpdateScheduleRequest(
            namespace=self._client.namespace,
            schedule_id=name,
            schedule=await schedule_of(self._client, changed, name, self._queue),
            conflict_token=held.token,
            search_attributes=attributes_of(changed),
            request_id=mark,
            identity=self._client.identity,
        )
        service = self._client.workflow_service
        try:
            await service.update_schedule(request, retry=True, timeout=_LIMIT)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                self._index.wrote(wanted.id, None)
                return None
            if error.status not in _BEATEN:
                raise
        loop = asyncio.get_running_loop()
        ends = loop.time() + _CARRIED_OUT_WITHIN
        while True:
            await asyncio.sleep(_SOON * (1 + random()))
            after = await self._read(wanted.id)
            if after is None or after.token != held.token:
                return after
            if loop.time() > ends:
                raise StoreUnavailableError(
                    f"The Temporal server has not carried out a change of the schedule {name!r} within "
                    f"{_CARRIED_OUT_WITHIN:g} s. It may yet do so; look how it stands, and try again."
                )

    async def _read(self, schedule_id: str) -> Held | None:
        began = asyncio.get_running_loop().time()
        request = DescribeScheduleRequest(
            namespace=self._client.namespace, schedule_id=self._index.name_of(schedule_id)
        )
        service = self._client.workflow_service
        try:
            answer = await service.describe_schedule(request, retry=True, timeout=_LIMIT)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            held = None
        else:
            held = await held_of(self._client, schedule_id, answer)
        self._index.read(schedule_id, held, began)
        return held

    async def _read_all(self, schedule_ids: Collection[str]) -> list[Held | None]:
        async def read(schedule_id: str) -> Held | None:
            async with self._at_once:
                return await self._read(schedule_id)

        return await asyncio.gather(*map(read, schedule_ids))

    # --- many ---------------------------------------------------------------------------------------

    async def page(
        self, tasks: frozenset[str] | None, cursor: int | str | None, limit: int
    ) -> Page[ScheduleRecord]:
        """Each as it stands. What another process made just now, or since the first page, may be missing."""
        above = _place_of(cursor)
        if above is None or not self._index.has_page():
            await self._index.relist()
        left = self._index.in_order(tasks, above)
        kept: list[Held] = []
        while left and len(kept) <= limit:
            asked, left = left[: limit + 1 - len(kept)], left[limit + 1 - len(kept) :]
            kept += [held for held in await self._read_all(asked) if held is not None]
        if tasks is not None:
            kept = [held for held in kept if held.record.task_id in tasks]
        page = kept[:limit]
        cursor = f"{page[-1].made}/{page[-1].record.id}" if len(kept) > limit else None
        return Page([held.record for held in page], cursor)

    async def following(self, tasks: frozenset[str], limit: int) -> list[ScheduleRecord]:
        """The first by their moment: those that are due and the next one as they stand.

        Those behind it as they were last read, or listed by this moment.
        """
        await self._read_all(await self._index.catch_up())
        now = datetime.now(UTC)
        looked: set[str] = set()
        while True:
            soonest = self._index.soonest(tasks, limit)
            ahead = next((one.id for one in soonest if one.is_after(now)), None)
            asked = [
                one.id
                for one in soonest
                if one.id not in looked
                and (one.held is None or one.id == ahead or not one.is_after(now))
            ]
            if not asked:
                return [one.held.record for one in soonest if one.held is not None]
            await self._read_all(asked)
            looked.update(asked)


def _put_over(present: ScheduleRecord, schedule: ScheduleRecord) -> ScheduleRecord | None:
    if schedule.version != present.version:
        return None
    fired = [at for at in (present.last_fired, schedule.last_fired) if at is not None]
    return replace(schedule, last_fired=max(fired, default=None), version=present.version + 1)


def _ticked(
    present: ScheduleRecord, at: datetime | None, next_at: datetime | None, version: int
) -> ScheduleRecord:
    fired, following = present.last_fired, present.next_at
    if at is not None and (fired is None or at > fired):
        fired = at
    if present.version == version and following is not None:
        following = None if next_at is None else max(following, next_at)
    return replace(present, last_fired=fired, next_at=following)


def _place_of(cursor: int | str | None) -> tuple[int, str] | None:
    if cursor is None:
        return None
    made, _, schedule_id = str(cursor).partition("/")
    if not (made.isascii() and made.isdigit() and schedule_id):
        raise InvalidOptionError("cursor", cursor, "give what a page had as its cursor, or None.")
    return int(made), schedule_id
