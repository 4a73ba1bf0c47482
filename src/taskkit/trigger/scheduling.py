"""Schedules that are made while the program runs: what is asked for, checked, and stored once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

from taskkit.backends.base import Capability, SupportsSchedules
from taskkit.definition.policy import policy_of
from taskkit.definition.registry import REGISTRY
from taskkit.definition.schedule import Cron, ScheduledPayload, keyed_schedule_id
from taskkit.definition.task_definition import TaskDefinition
from taskkit.errors import (
    BackendError,
    InvalidOptionError,
    PayloadValidationError,
    ScheduleNotFoundError,
    UnsupportedByBackendError,
)
from taskkit.model.exchange import Page, ScheduleRecord
from taskkit.model.ids import new_id
from taskkit.runtime.home import Home
from taskkit.trigger.calls import target
from taskkit.trigger.submit import find

_PAGE = 100
_TRIES = 10
_TEXT_LIMIT = 512
Change = Callable[[ScheduleRecord, datetime], ScheduleRecord]
"""What a schedule becomes at a moment; the same record for no change."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a schedule is to be."""

    task_id: str
    cron: Cron
    external_id: str | None


def cron_of(cron: object, timezone: str | None) -> Cron:
    """A pattern and its zone, UTC if none is given; InvalidCronError says what cannot be read."""
    if not isinstance(cron, Cron):
        return Cron(cast("str", cron), "UTC" if timezone is None else timezone)
    if timezone is not None and timezone != cron.timezone:
        raise InvalidOptionError(
            "timezone", timezone, f"the Cron that is given has {cron.timezone!r}. Give one of them."
        )
    return cron


def task_id_of(task: Any) -> str:
    """The id of a task or its id."""
    found = target(task)
    return found if isinstance(found, str) else found.id


def task_for(home: Home, task: Any) -> str:
    """The id of a task that can be scheduled: known here or elsewhere, and content with what a tick gives."""
    found = target(task)
    definition = found if isinstance(found, TaskDefinition) else find(found, home)
    if definition is None:
        return str(found)
    if definition.has_payload:
        sample = ScheduledPayload(timestamp=home.clock.now(), schedule_id="sched_sample")
        try:
            policy_of(definition).payload.encode(sample.model_dump(mode="json"))
        except PayloadValidationError as error:
            raise InvalidOptionError(
                "task",
                definition.id,
                f"a schedule gives a ScheduledPayload, which the payload of this task ({definition.where}) does "
                f"not take: {error}",
            ) from None
    return definition.id


def text_of(option: str, value: object) -> str | None:
    """A text that is neither empty nor long, or None."""
    if value is None or (isinstance(value, str) and 1 <= len(value) <= _TEXT_LIMIT):
        return value
    raise InvalidOptionError(option, value, f"give a text of 1 to {_TEXT_LIMIT} characters.")


# --- on the backend's loop --------------------------------------------------------------------------


def _store(home: Home) -> SupportsSchedules:
    home.need(Capability.SCHEDULES, "Keeping schedules")
    if not home.supports(SupportsSchedules):
        raise UnsupportedByBackendError(
            "Keeping schedules", backend=home.name, capability=Capability.SCHEDULES.name
        )
    return cast("SupportsSchedules", home.backend)


async def retrieve(home: Home, schedule_id: str) -> ScheduleRecord:
    """The schedule as it stands, or ScheduleNotFoundError."""
    (record,) = await _store(home).get_schedules([schedule_id])
    if record is None:
        raise ScheduleNotFoundError(schedule_id)
    return record


async def create(home: Home, wanted: Wanted, key: str | None) -> ScheduleRecord:
    """The schedule as it is stored; the one that has this key, changed, where there is one."""
    store = _store(home)
    schedule_id = new_id("sched") if key is None else keyed_schedule_id(key)
    for _ in range(_TRIES):
        (present,) = await store.get_schedules([schedule_id])
        now = home.time()
        if present is None:
            new = _new(schedule_id, wanted, key, now)
            stored = await store.put_schedule(new)
        else:
            changed = changed_to(present, wanted, now)
            stored = present if changed == present else await store.put_schedule(changed)
        if stored is not None:
            return stored
    raise _contended(schedule_id)


async def edit(home: Home, schedule_id: str, change: Change) -> ScheduleRecord:
    """The schedule as it is stored afterwards."""
    store = _store(home)
    for _ in range(_TRIES):
        record = await retrieve(home, schedule_id)
        _refuse_declared(record)
        changed = change(record, home.time())
        stored = record if changed == record else await store.put_schedule(changed)
        if stored is not None:
            return stored
    raise _contended(schedule_id)


async def delete(home: Home, schedule_id: str) -> None:
    """Forget a schedule, or ScheduleNotFoundError."""
    _refuse_declared(await retrieve(home, schedule_id))
    if not await _store(home).delete_schedule(schedule_id):
        raise ScheduleNotFoundError(schedule_id)


async def page(
    home: Home, tasks: frozenset[str] | None, cursor: int | str | None
) -> Page[ScheduleRecord]:
    return await _store(home).list_schedules(tasks, cursor=cursor, limit=_PAGE)


def _new(schedule_id: str, wanted: Wanted, key: str | None, now: datetime) -> ScheduleRecord:
    return ScheduleRecord(
        schedule_id,
        wanted.task_id,
        wanted.cron.pattern,
        wanted.cron.timezone,
        "IMPERATIVE",
        created_at=now,
        external_id=wanted.external_id,
        deduplication_key=key,
        next_at=wanted.cron.next_after(now),
    )


def changed_to(record: ScheduleRecord, wanted: Wanted, now: datetime) -> ScheduleRecord:
    """The record as it is wanted; the same moments where neither task nor pattern is another."""
    cron = wanted.cron
    changed = replace(
        record,
        task_id=wanted.task_id,
        pattern=cron.pattern,
        timezone=cron.timezone,
        external_id=wanted.external_id,
    )
    before = (record.task_id, record.pattern, record.timezone)
    if not record.active or before == (wanted.task_id, cron.pattern, cron.timezone):
        return changed
    return replace(changed, next_at=cron.next_after(now))


def _refuse_declared(record: ScheduleRecord) -> None:
    if record.kind == "DECLARATIVE":
        definition = REGISTRY.get(record.task_id)
        place = "" if definition is None else f" at {definition.where}"
        raise InvalidOptionError(
            "schedule_id",
            record.id,
            f"this schedule is declared by the code of task {record.task_id!r}{place}. Change it there, or take "
            f"it away there; schedules.create makes one that can be changed here.",
        )


def _contended(schedule_id: str) -> BackendError:
    return BackendError(
        f"The schedule {schedule_id!r} was changed by others each time that it was to be changed here, {_TRIES} "
        f"times. Nothing was written; try again."
    )
