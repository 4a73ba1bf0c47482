"""Tasks that are triggered by the clock."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar, Unpack, cast, overload

from taskkit.decorator import AsyncTask, PlainTask, TaskOptions, decorator_of, locals_of_caller
from taskkit.definition.context import Context
from taskkit.definition.schedule import Cron, ScheduledPayload

OutputT = TypeVar("OutputT")


class ScheduledTaskDecorator(Protocol):
    """Turns a function of a `ScheduledPayload` into a `Task`."""

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


def task(*, cron: str | Cron, **options: Unpack[TaskOptions]) -> ScheduledTaskDecorator:
    """Make a task that is due by a cron pattern: five fields or an @alias, in UTC or the Cron's time zone.

    Raises InvalidCronError for anything else. The payload is a `ScheduledPayload`.
    """
    schedule = cron if isinstance(cron, Cron) else Cron(cron)
    settings = {**options, "schedule": schedule, "schema": ScheduledPayload}
    return cast("ScheduledTaskDecorator", decorator_of(settings, locals_of_caller()))
