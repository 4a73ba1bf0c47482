"""One tick of a schedule: when it is due, and the run that it asks for. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from taskkit.definition.schedule import Cron, ScheduledPayload
from taskkit.definition.task_definition import TaskDefinition
from taskkit.errors import InvalidCronError
from taskkit.model.exchange import ScheduleRecord
from taskkit.model.ids import derived_id
from taskkit.model.request import TriggerRequest
from taskkit.runtime.home import Home
from taskkit.trigger.submit import build

_UPCOMING = 5


@dataclass(frozen=True, slots=True)
class Plan:
    """What a schedule wants: the tick that is due, if one is, and the moment of the one after it.

    `first` is the earliest moment that is due. Where it is before `due`, ticks were missed, and only the last
    of them is caught up with.
    """

    due: datetime | None
    first: datetime | None
    next_at: datetime | None


def plan(record: ScheduleRecord, now: datetime) -> Plan:
    """The tick that is due at `now`; InvalidCronError when this version cannot read the pattern."""
    cron, first = _cron(record.pattern, record.timezone), record.next_at
    if first is not None and record.last_fired is not None and first <= record.last_fired:
        first = _after(
            cron, record.last_fired
        )  # written by somebody who had not heard of that tick
    if first is None or first > now:
        return Plan(None, None, first)
    following = _after(cron, first)
    if following is None or following > now:
        return Plan(first, first, following)
    due = cron.last_before(now, after=first) or first
    return Plan(due, first, _after(cron, due))


def tick_run_id(schedule_id: str, planned: datetime) -> str:
    """The id of a tick's run: the same in every process, so that many schedulers make one run."""
    return derived_id("run", "tick", schedule_id, planned.astimezone(UTC).isoformat())


def tick_request(
    record: ScheduleRecord, due: datetime, definition: TaskDefinition, home: Home
) -> TriggerRequest:
    """The run of a tick, with the task's own queue, retries and ttl."""
    payload = ScheduledPayload(
        timestamp=due,
        last_timestamp=record.last_fired,
        timezone=record.timezone,
        schedule_id=record.id,
        type=record.kind,
        external_id=record.external_id,
        upcoming=_upcoming(_cron(record.pattern, record.timezone), due),
    )
    data = payload.model_dump(mode="json") if definition.has_payload else None
    request = build(definition, data, {}, home)
    request.run_id = tick_run_id(record.id, due)
    request.schedule_id = record.id
    return request


@lru_cache(maxsize=1024)
def _cron(pattern: str, timezone: str) -> Cron:
    return Cron(pattern, timezone)


def _upcoming(cron: Cron, after: datetime) -> list[datetime]:
    moments: list[datetime] = []
    moment = _after(cron, after)
    while moment is not None and len(moments) < _UPCOMING:
        moments.append(moment)
        moment = _after(cron, moment)
    return moments


# Kept, because all but one of the moments that are upcoming at a tick were so at the tick before.
@lru_cache(maxsize=1024)
def _after(cron: Cron, when: datetime) -> datetime | None:
    try:
        return cron.next_after(when)
    except InvalidCronError:  # the calendar has ended
        return None
