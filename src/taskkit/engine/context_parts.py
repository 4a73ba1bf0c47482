"""Where an attempt's `Context` takes its parts from."""

from __future__ import annotations

import json
from typing import Any, cast

from taskkit import config
from taskkit.definition.context import (
    AttemptInfo,
    BatchInfo,
    Environment,
    QueueInfo,
    RunInfo,
    ScheduleInfo,
    TaskInfo,
)
from taskkit.definition.schedule import declared_schedule_id
from taskkit.engine.time_limit import TimeLimit
from taskkit.model.machine import DEFAULT, PRESETS, MachinePreset
from taskkit.runtime.scope import RunScope


class ContextParts(RunScope):
    """A scope that is the `ContextSource` of its attempt; each part is made when it is looked at."""

    __slots__ = ("env", "limit")

    env: Environment
    limit: TimeLimit | None

    def run_info(self) -> RunInfo:
        run = self.lease.run
        request = run.request
        return RunInfo(
            run.id,
            run.created_at,
            run.started_at or self.lease.now,
            run.tags,
            request.idempotency_key,
            request.is_test,
            request.is_replay,
            request.max_attempts,
            request.priority,
            request.parent_id,
            request.root_id,
            request.version,
        )

    def task_info(self) -> TaskInfo:
        definition = self.definition
        return TaskInfo(definition.id, definition.file_path, definition.name)

    def attempt_info(self) -> AttemptInfo:
        lease = self.lease
        return AttemptInfo(lease.attempt, lease.run.attempt_started_at or lease.now)

    def queue_info(self) -> QueueInfo:
        request = self.lease.run.request
        return QueueInfo(request.queue, request.concurrency_key)

    def batch_info(self) -> BatchInfo | None:
        batch_id = self.lease.run.batch_id
        return None if batch_id is None else BatchInfo(batch_id)

    def machine_info(self) -> MachinePreset | None:
        return PRESETS.get(self.lease.run.machine or DEFAULT)

    def schedule_info(self) -> ScheduleInfo | None:
        request = self.lease.run.request
        if request.schedule_id is None:
            return None
        cron = self.definition.schedule
        if cron is not None and request.schedule_id == declared_schedule_id(request.task_id):
            return ScheduleInfo(request.schedule_id, cron.pattern, cron.timezone)
        told: Any = None if request.payload is None else json.loads(request.payload)
        if not isinstance(told, dict):  # a task that takes no payload
            return ScheduleInfo(request.schedule_id)
        tick = cast("dict[str, Any]", told)
        return ScheduleInfo(
            request.schedule_id, None, tick.get("timezone"), tick.get("external_id")
        )

    def environment(self) -> Environment:
        return self.env

    def project(self) -> str | None:
        return config.current().project

    def time_left(self) -> float | None:
        return None if self.limit is None else self.limit.left
