"""Tasks that are triggered by the clock, and schedules that are made while the program runs."""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, Protocol, TypeVar, Unpack, cast, overload

from taskkit.decorator import AsyncTask, PlainTask, TaskOptions, decorator_of, locals_of_caller
from taskkit.definition.context import Context
from taskkit.definition.schedule import Cron, ScheduledPayload
from taskkit.definition.task_definition import UNSET, Unset
from taskkit.errors import InvalidOptionError
from taskkit.model.exchange import ScheduleRecord
from taskkit.runtime.current_backend import current_home
from taskkit.runtime.portal import iterator_twin, twin
from taskkit.trigger import scheduling

OutputT = TypeVar("OutputT")


class ScheduledTaskDecorator(Protocol):
    """Turns a function of a `ScheduledPayload`, of a context, of both or of nothing into a `Task`."""

    @overload
    def __call__(
        self, fn: Callable[[ScheduledPayload, Context], Coroutine[Any, Any, OutputT]], /
    ) -> AsyncTask[ScheduledPayload, OutputT]: ...
    @overload
    def __call__(
        self, fn: Callable[[Context, ScheduledPayload], Coroutine[Any, Any, OutputT]], /
    ) -> AsyncTask[ScheduledPayload, OutputT]: ...
    @overload
    def __call__(
        self, fn: Callable[[ScheduledPayload], Coroutine[Any, Any, OutputT]], /
    ) -> AsyncTask[ScheduledPayload, OutputT]: ...
    @overload
    def __call__(
        self, fn: Callable[[Context], Coroutine[Any, Any, OutputT]], /
    ) -> AsyncTask[None, OutputT]: ...
    @overload
    def __call__(
        self, fn: Callable[[], Coroutine[Any, Any, OutputT]], /
    ) -> AsyncTask[None, OutputT]: ...
    @overload
    def __call__(
        self, fn: Callable[[ScheduledPayload, Context], OutputT], /
    ) -> PlainTask[ScheduledPayload, OutputT]: ...
    @overload
    def __call__(
        self, fn: Callable[[Context, ScheduledPayload], OutputT], /
    ) -> PlainTask[ScheduledPayload, OutputT]: ...
    @overload
    def __call__(
        self, fn: Callable[[ScheduledPayload], OutputT], /
    ) -> PlainTask[ScheduledPayload, OutputT]: ...
    @overload
    def __call__(self, fn: Callable[[Context], OutputT], /) -> PlainTask[None, OutputT]: ...
    @overload
    def __call__(self, fn: Callable[[], OutputT], /) -> PlainTask[None, OutputT]: ...


def task(*, cron: str | Cron, **options: Unpack[TaskOptions]) -> ScheduledTaskDecorator:
    """Make a task that is due by a cron pattern: five fields or an @alias, in UTC or the Cron's time zone.

    Raises InvalidCronError for anything else. The payload, where the function takes one, is a `ScheduledPayload`.
    """
    schedule = cron if isinstance(cron, Cron) else Cron(cron)
    settings = {**options, "schedule": schedule, "schema": ScheduledPayload}
    return cast("ScheduledTaskDecorator", decorator_of(settings, locals_of_caller()))


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule as it stood when it was read.

    `cron` is the pattern; `type` is DECLARATIVE where the code of a task says it. `last_run_at` and
    `next_run_at` are planned moments; `next_run_at` is None for a schedule that is not active.
    """

    id: str
    task_id: str
    cron: str
    timezone: str
    type: Literal["DECLARATIVE", "IMPERATIVE"]
    active: bool
    external_id: str | None
    deduplication_key: str | None
    created_at: datetime
    last_run_at: datetime | None
    next_run_at: datetime | None


async def create(
    *,
    task: Any,
    cron: str | Cron,
    timezone: str | None = None,
    external_id: str | None = None,
    deduplication_key: str | None = None,
) -> Schedule:
    """Trigger a task, or the task of this id, by a cron pattern from now on.

    The same `deduplication_key` updates the schedule that was made with it; without one each call makes
    another schedule. `external_id` comes back in the payload. The task takes a `ScheduledPayload`, or nothing.
    Raises InvalidCronError, also for an unknown time zone, and TaskNotFoundError.
    """
    home = current_home()
    key = scheduling.text_of("deduplication_key", deduplication_key)
    wanted = scheduling.Wanted(
        scheduling.task_for(home, task),
        scheduling.cron_of(cron, timezone),
        scheduling.text_of("external_id", external_id),
    )
    return _shown(await home.call(scheduling.create, home, wanted, key))


async def retrieve(schedule_id: str) -> Schedule:
    """The schedule as it stands; ScheduleNotFoundError when there is none."""
    home = current_home()
    return _shown(await home.call(scheduling.retrieve, home, _id(schedule_id)))


async def update(
    schedule_id: str,
    *,
    task: Any = None,
    cron: str | Cron | None = None,
    timezone: str | None = None,
    external_id: str | Unset | None = UNSET,
) -> Schedule:
    """Change a schedule; what is not given stays. A new pattern or time zone counts from now on.

    Raises ScheduleNotFoundError, and InvalidOptionError for a schedule that the code of a task declares.
    """
    home = current_home()
    task_id = None if task is None else scheduling.task_for(home, task)
    if not isinstance(external_id, Unset):
        scheduling.text_of("external_id", external_id)

    def change(record: ScheduleRecord, now: datetime) -> ScheduleRecord:
        pattern = record.pattern if cron is None else cron
        kept = None if isinstance(pattern, Cron) else record.timezone
        wanted = scheduling.Wanted(
            task_id or record.task_id,
            scheduling.cron_of(pattern, kept if timezone is None else timezone),
            record.external_id if isinstance(external_id, Unset) else external_id,
        )
        return scheduling.changed_to(record, wanted, now)

    return _shown(await home.call(scheduling.edit, home, _id(schedule_id), change))


async def activate(schedule_id: str) -> Schedule:
    """Let it fire from now on; what it missed while it was off is not caught up with. Errors as `update`."""
    home = current_home()

    def change(record: ScheduleRecord, now: datetime) -> ScheduleRecord:
        if record.active:
            return record
        cron = Cron(record.pattern, record.timezone)
        return replace(record, active=True, next_at=cron.next_after(now))

    return _shown(await home.call(scheduling.edit, home, _id(schedule_id), change))


async def deactivate(schedule_id: str) -> Schedule:
    """Let it fire no more until it is activated; its runs go on. Errors as `update`."""
    home = current_home()

    def change(record: ScheduleRecord, _: datetime) -> ScheduleRecord:
        return replace(record, active=False, next_at=None)

    return _shown(await home.call(scheduling.edit, home, _id(schedule_id), change))


async def delete(schedule_id: str) -> None:
    """Forget a schedule; its runs stay. Errors as `update`."""
    home = current_home()
    await home.call(scheduling.delete, home, _id(schedule_id))


async def list(  # noqa: A001 - schedules.list is the name users know
    *, task: Any = None
) -> AsyncIterator[Schedule]:
    """All schedules, or those of a task, oldest first: `async for schedule in schedules.list()`."""
    home = current_home()
    cursor: int | str | None = None
    tasks = None if task is None else frozenset({scheduling.task_id_of(task)})
    while True:
        page = await home.call(scheduling.page, home, tasks, cursor)
        for record in page.items:
            yield _shown(record)
        cursor = page.cursor
        if cursor is None:
            return


async def timezones(*, exclude_utc: bool = False) -> builtins.list[str]:
    """The names of all time zones that a schedule can have, sorted."""
    from zoneinfo import available_timezones

    return sorted(available_timezones() - ({"UTC"} if exclude_utc else set()))


def _id(schedule_id: object) -> str:
    if not isinstance(schedule_id, str):
        raise InvalidOptionError(
            "schedule_id",
            schedule_id,
            "give the id of a schedule, a text such as sched_...; a Schedule has it as .id.",
        )
    return schedule_id


def _shown(record: ScheduleRecord) -> Schedule:
    return Schedule(
        record.id,
        record.task_id,
        record.pattern,
        record.timezone,
        record.kind,
        record.active,
        record.external_id,
        record.deduplication_key,
        record.created_at,
        record.last_fired,
        record.next_at,
    )


class sync:
    """The same calls for plain code; `schedules.sync.create(...)`."""

    create = staticmethod(twin(create))
    retrieve = staticmethod(twin(retrieve))
    update = staticmethod(twin(update))
    activate = staticmethod(twin(activate))
    deactivate = staticmethod(twin(deactivate))
    delete = staticmethod(twin(delete))
    list = staticmethod(iterator_twin(list))
    timezones = staticmethod(twin(timezones))
