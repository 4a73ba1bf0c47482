"""A schedule as the server keeps it: a paused Temporal Schedule that shows what it is, and our record in its action."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from google.protobuf.duration_pb2 import Duration
from temporalio.api.common.v1 import Payloads, SearchAttributes, WorkflowType
from temporalio.api.schedule.v1 import (
    Range,
    Schedule,
    ScheduleAction,
    ScheduleSpec,
    ScheduleState,
    StructuredCalendarSpec,
)
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflow.v1 import NewWorkflowExecutionInfo
from temporalio.api.workflowservice.v1 import DescribeScheduleResponse
from temporalio.client import Client
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.converter import encode_search_attributes

from taskkit.backends.temporal.attributes import NEXT, RANK, TASK
from taskkit.model.exchange import ScheduleRecord

TYPE: Final = "taskkit.schedule"
_MARKS: Final = 16
_MOMENTS: Final = ("created_at", "next_at", "last_fired")
_APART: Final = frozenset({"id", *_MOMENTS})
_FIELDS: Final = tuple(name for name in ScheduleRecord.__slots__ if name not in _APART)


@dataclass(frozen=True, slots=True)
class Held:
    """A schedule as it stood when the server was asked.

    `made` is its place in the order of making. `marks` are those of the latest changes, by which one who has made a
    change knows that it was carried out. `token` is the server's, and another after each change.
    """

    record: ScheduleRecord
    made: int
    marks: tuple[str, ...]
    token: bytes

    def changed(self, record: ScheduleRecord, mark: str) -> Held:
        return Held(record, self.made, (*self.marks, mark)[-_MARKS:], self.token)


async def schedule_of(client: Client, held: Held, temporal_id: str, task_queue: str) -> Schedule:
    """What the server is to keep. It never fires by itself, and where somebody makes it, nothing is carried out."""
    record = held.record
    input_ = await client.data_converter.encode([_told(record), held.made, list(held.marks)])
    action = NewWorkflowExecutionInfo(
        workflow_id=temporal_id,
        workflow_type=WorkflowType(name=TYPE),
        task_queue=TaskQueue(name=task_queue),
        input=Payloads(payloads=input_),
        workflow_execution_timeout=Duration(seconds=1),
    )
    spec = ScheduleSpec(timezone_name="UTC")
    if record.active and record.next_at is not None:
        comment = f"the next tick of {record.pattern} in {record.timezone}"
        spec.structured_calendar.append(_once(record.next_at, comment))
    return Schedule(
        spec=spec,
        action=ScheduleAction(start_workflow=action),
        state=ScheduleState(notes=_note(record), paused=True),
    )


def attributes_of(held: Held) -> SearchAttributes:
    """What a schedule is listed by: its task, its place in the order of making, and when it is next due."""
    pairs: list[SearchAttributePair[Any]] = [
        SearchAttributePair(TASK, held.record.task_id),
        SearchAttributePair(RANK, held.made),
    ]
    if held.record.active and held.record.next_at is not None:
        pairs.append(SearchAttributePair(NEXT, held.record.next_at))
    attributes = SearchAttributes()
    encode_search_attributes(TypedSearchAttributes(pairs), attributes)
    return attributes


async def held_of(
    client: Client, schedule_id: str, answer: DescribeScheduleResponse
) -> Held | None:
    """The schedule again; None for one that is not taskkit's."""
    action = answer.schedule.action.start_workflow
    if action.workflow_type.name != TYPE:
        return None
    told, made, marks = await client.data_converter.decode(list(action.input.payloads))
    return Held(_record(schedule_id, told), made, tuple(marks), answer.conflict_token)


def _told(record: ScheduleRecord) -> dict[str, Any]:
    told = {name: getattr(record, name) for name in _FIELDS}
    for name in _MOMENTS:
        at: datetime | None = getattr(record, name)
        told[name] = None if at is None else at.astimezone(UTC).isoformat()
    return told


def _record(schedule_id: str, told: Mapping[str, Any]) -> ScheduleRecord:
    fields = dict(told)
    for name in _MOMENTS:
        at = fields[name]
        fields[name] = None if at is None else datetime.fromisoformat(at)
    return ScheduleRecord(id=schedule_id, **fields)


def _note(record: ScheduleRecord) -> str:
    is_off = "" if record.active else " It is deactivated."
    return (
        f"Task {record.task_id!r}, {record.pattern} in {record.timezone}. Fired by taskkit's workers, which is why it "
        f"is paused here.{is_off} Change it with taskkit.schedules, or in the code where that declares it."
    )


def _once(at: datetime, comment: str) -> StructuredCalendarSpec:
    """The moment itself, rounded up to a second."""
    at = at.astimezone(UTC)
    if at.microsecond and at.year < 9999:
        at = at.replace(microsecond=0) + timedelta(seconds=1)

    def only(value: int) -> Sequence[Range]:
        return [Range(start=value, end=value)]

    return StructuredCalendarSpec(
        second=only(at.second),
        minute=only(at.minute),
        hour=only(at.hour),
        day_of_month=only(at.day),
        month=only(at.month),
        year=only(at.year),
        day_of_week=[Range(start=0, end=6)],
        comment=comment,
    )
