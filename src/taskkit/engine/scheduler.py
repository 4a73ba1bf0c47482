"""Due schedules to runs, beside each worker.

Any number of schedulers may serve one backend: a tick's run id derives from the schedule and the planned
moment, and enqueue is idempotent by it. After a time without a scheduler the last tick that was missed is
caught up with, late; then the next one comes. Runs of one schedule may overlap.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from dataclasses import replace
from datetime import datetime, timedelta
from typing import cast

from taskkit.backends.base import Capability, SupportsSchedules, Watch
from taskkit.definition.registry import REGISTRY
from taskkit.definition.schedule import Cron, declared_schedule_id
from taskkit.definition.task_definition import TaskDefinition
from taskkit.engine.tick import Plan, plan, tick_request
from taskkit.errors import (
    InvalidCronError,
    StoreUnavailableError,
    TaskkitError,
    UnsupportedByBackendError,
)
from taskkit.model.clock import SYSTEM_CLOCK
from taskkit.model.exchange import SCHEDULES_TOPIC, ScheduleRecord
from taskkit.runtime.home import Home

_log = logging.getLogger("taskkit.scheduler")
_AT_ONCE = 100
_LATE = timedelta(minutes=1)
# Hints of a change may be lost, and a machine's wall clock may be set: real time is looked at again.
_LOOK_AGAIN = 30.0
_RETRY = timedelta(seconds=5)


async def start_scheduler(home: Home) -> asyncio.Task[None] | None:
    """Declare the schedules of this process's tasks, then serve them in a task; None where there can be none.

    Raises UnsupportedByBackendError when a task has a schedule and the backend keeps none.
    """
    if Capability.SCHEDULES not in home.backend.capabilities:
        for definition in REGISTRY.definitions():
            if definition.schedule is not None:
                what = f"The schedule of task {definition.id!r} ({definition.where})"
                home.need(Capability.SCHEDULES, what)
        return None
    if not home.supports(SupportsSchedules):
        raise UnsupportedByBackendError("Keeping schedules", backend=home.name)
    scheduler = Scheduler(home)
    await home.call(scheduler.declare)
    # A context of its own: what it triggers belongs to no run, wherever the worker was started.
    empty = contextvars.Context()
    return asyncio.create_task(home.call(scheduler.run), name="taskkit-scheduler", context=empty)


class Scheduler:
    """Makes a run of each tick that is due."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._declared: dict[str, Cron | None] = {}
        self._woken = asyncio.Event()
        self._is_away = False

    @property
    def _store(self) -> SupportsSchedules:
        return cast("SupportsSchedules", self._home.backend)

    async def run(self) -> None:
        """Serve until canceled; what fails is logged and tried again."""
        loop = asyncio.get_running_loop()

        def wake() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._woken.set)

        stop_listening = REGISTRY.on_add(wake)
        watch = self._home.backend.watch([SCHEDULES_TOPIC])
        pump = asyncio.create_task(self._pump(watch), name="taskkit-scheduler-watch")
        try:
            while True:
                self._woken.clear()
                await self._sleep(await self._turn())
        finally:
            stop_listening()
            watch.close()
            pump.cancel()

    async def _pump(self, watch: Watch) -> None:
        async for _ in watch:
            self._woken.set()

    async def _turn(self) -> datetime | None:
        """Do what is due; when to look again."""
        try:
            await self.declare()
            due = await self._fire_due()
        except StoreUnavailableError as error:
            if not self._is_away:  # the worker's loop says when it is back
                _log.warning("the schedules of %s wait for the store: %s", self._home.name, error)
            self._is_away = True
            return self._home.time() + _RETRY
        except Exception:  # whatever the store raises: it is tried again, and the worker goes on
            _log.exception(
                "the schedules of %s could not be served; again in %s", self._home.name, _RETRY
            )
            return self._home.time() + _RETRY
        self._is_away = False
        return due

    async def _sleep(self, until: datetime | None) -> None:
        clock = self._home.clock
        seconds = _LOOK_AGAIN if clock is SYSTEM_CLOCK else None
        if until is not None:
            left = (until - self._home.time()).total_seconds()
            seconds = left if seconds is None else min(left, seconds)
        if seconds is not None and seconds <= 0:
            await asyncio.sleep(0)
            return
        timer = None
        if seconds is not None:
            timer = clock.call_at(clock.monotonic() + seconds, self._woken.set)
        try:
            await self._woken.wait()
        finally:
            if timer is not None:
                timer.cancel()

    # --- what the code declares ---------------------------------------------------------------------

    async def declare(self) -> None:
        """Bring the stored schedules in line with the tasks that are new here, or declare another one."""
        known = {definition.id: definition.schedule for definition in REGISTRY.definitions()}
        changed = [
            task_id
            for task_id, cron in known.items()
            if task_id not in self._declared or self._declared[task_id] != cron
        ]
        if changed:
            ids = [declared_schedule_id(task_id) for task_id in changed]
            for task_id, present in zip(changed, await self._store.get_schedules(ids), strict=True):
                await self._declare(task_id, known[task_id], present)
        self._declared = known

    async def _declare(
        self, task_id: str, cron: Cron | None, present: ScheduleRecord | None
    ) -> None:
        if cron is None:
            if present is not None:
                await self._store.delete_schedule(present.id)
                _log.info("schedule %s of task %s is no longer declared", present.id, task_id)
            return
        now = self._home.time()
        if present is None:
            present = ScheduleRecord(
                declared_schedule_id(task_id), task_id, "", "", "DECLARATIVE", created_at=now
            )
        elif (present.pattern, present.timezone) == (cron.pattern, cron.timezone):
            return
        declared = replace(
            present, pattern=cron.pattern, timezone=cron.timezone, next_at=cron.next_after(now)
        )
        await self._store.put_schedule(declared)  # where another worker was faster, it did the same

    # --- what is due --------------------------------------------------------------------------------

    async def _fire_due(self) -> datetime | None:
        while True:
            tasks = frozenset(REGISTRY.ids())
            now = self._home.time()
            records = await self._store.next_schedules(tasks, limit=_AT_ONCE)
            if not records:
                return None
            for record in records:
                if record.next_at is not None and record.next_at > now:
                    return record.next_at
                await self._fire(record, now)

    async def _fire(self, record: ScheduleRecord, now: datetime) -> None:
        try:
            planned = plan(record, now)
        except InvalidCronError:
            _log.exception("schedule %s of task %s stops", record.id, record.task_id)
            planned = Plan(None, None, None)
        if planned.due is not None:
            definition = REGISTRY.get(record.task_id)
            if definition is None:
                return  # gone since it was asked for; another worker may have it
            _tell_if_late(record, planned, now)
            await self._trigger(record, planned.due, definition)
        await self._store.record_tick(
            record.id, at=planned.due, next_at=planned.next_at, version=record.version
        )

    async def _trigger(
        self, record: ScheduleRecord, due: datetime, definition: TaskDefinition
    ) -> None:
        """Make the tick a run; one that cannot be made is told and left out, so that the next ones come."""
        try:
            request = tick_request(record, due, definition, self._home)
        except TaskkitError as error:
            _tell_lost(record, due, error)
            return
        (answer,) = await self._home.enqueue((request,), None)
        if answer.error is not None:
            _tell_lost(record, due, answer.error)


def _tell_if_late(record: ScheduleRecord, planned: Plan, now: datetime) -> None:
    if planned.due != planned.first:
        _log.warning(
            "schedule %s of task %s missed its ticks from %s on: only the last one, %s, is caught up with",
            record.id, record.task_id, planned.first, planned.due,
        )  # fmt: skip
    elif planned.due is not None and now - planned.due > _LATE:
        _log.warning(
            "schedule %s of task %s: the tick of %s comes late, at %s",
            record.id, record.task_id, planned.due, now,
        )  # fmt: skip


def _tell_lost(record: ScheduleRecord, due: datetime, error: Exception) -> None:
    _log.error(
        "schedule %s of task %s: the tick of %s is left out, its run could not be made: %s: %s",
        record.id, record.task_id, due, type(error).__name__, error,
    )  # fmt: skip
