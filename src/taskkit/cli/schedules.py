"""`taskkit schedules`: what is due by the clock."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from taskkit import schedules as declared
from taskkit.backends.base import Capability
from taskkit.cli.loading import load
from taskkit.cli.options import NOTHING_SAID, Shared
from taskkit.cli.problem import OK
from taskkit.cli.screen import console, note, short_moment, table, write_json
from taskkit.cli.where import opened_home, shared_home
from taskkit.definition.registry import REGISTRY
from taskkit.definition.schedule import declared_schedule_id
from taskkit.definition.task_definition import TaskDefinition
from taskkit.schedules import Schedule


def schedules(*, shared: Shared = NOTHING_SAID) -> int:
    """List the schedules: those that the tasks declare, and those that the backend keeps.

    For example:

        taskkit schedules --app shop/tasks.py
        taskkit schedules -o json
    """
    load(shared)
    known = {schedule.id: schedule for schedule in _declared()}
    home = shared_home()
    if home is not None and Capability.SCHEDULES in home.backend.capabilities:
        known |= asyncio.run(_kept())
    found = sorted(known.values(), key=lambda one: (one.task_id, one.id))
    if shared.is_json:
        write_json([asdict(schedule) for schedule in found])
    elif found:
        console().print(table(_COLUMNS, map(_row, found), broken=("task", "due", "external id")))
    else:
        note("No task here has a schedule.")
    return OK


_COLUMNS = ("task", "due", "next", "last", "external id", "schedule")


def _row(schedule: Schedule) -> list[Any]:
    following = short_moment(schedule.next_run_at) if schedule.active else "off"
    zone = "" if schedule.timezone == "UTC" else f" {schedule.timezone}"
    return [
        schedule.task_id, schedule.cron + zone, following, short_moment(schedule.last_run_at),
        schedule.external_id or "", schedule.id,
    ]  # fmt: skip


def _declared() -> list[Schedule]:
    return [_of_task(task) for task in REGISTRY.definitions() if task.schedule is not None]


def _of_task(task: TaskDefinition) -> Schedule:
    assert task.schedule is not None  # only those come here
    now = datetime.now(UTC)
    return Schedule(
        id=declared_schedule_id(task.id),
        task_id=task.id,
        cron=task.schedule.pattern,
        timezone=task.schedule.timezone,
        type="DECLARATIVE",
        active=True,
        external_id=None,
        deduplication_key=None,
        created_at=now,
        last_run_at=None,
        next_run_at=task.schedule.next_after(now),
    )


async def _kept() -> dict[str, Schedule]:
    async with opened_home("list"):
        return {schedule.id: schedule async for schedule in declared.list()}
