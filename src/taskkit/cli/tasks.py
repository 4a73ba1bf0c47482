"""`taskkit tasks`: what can be run here."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from taskkit import config
from taskkit.cli.loading import load
from taskkit.cli.options import NOTHING_SAID, Shared
from taskkit.cli.payload import schema_of
from taskkit.cli.problem import OK, TROUBLE, Problem
from taskkit.cli.screen import clean, console, is_narrow, limit, place, table, write_json
from taskkit.definition.registry import REGISTRY
from taskkit.definition.task_definition import UNSET, TaskDefinition
from taskkit.model.retry import Retry

if TYPE_CHECKING:
    from rich.text import Text


def tasks(*, shared: Shared = NOTHING_SAID) -> int:
    """List the tasks: id, place, description, queue, retry, time limit, schedule.

    For example:

        taskkit tasks --app shop/tasks.py
        taskkit tasks -o json | jq '.[].id'
    """
    load(shared)
    found = sorted(REGISTRY.definitions(), key=lambda task: task.id)
    if shared.is_json:
        write_json([task_data(task) for task in found])
        return OK
    if not found:
        raise Problem(
            "No task is defined here.",
            fix="Name a module with --app shop/tasks.py, or list its folder: [tool.taskkit] dirs.",
            status=TROUBLE,
        )
    screen = console()
    stacked = is_narrow(screen)
    rows = [[*_names(task, stacked), *_row(task)] for task in found]
    screen.print(table(_COLUMNS, rows, broken=("task", "schedule")))
    return OK


_COLUMNS = ("task", "at", "description", "queue", "retry", "limit", "schedule")


def _names(task: TaskDefinition, stacked: bool) -> tuple[Text | str, str, str]:
    """Id, place and description, one below the other where the screen is no wider than people are used to."""
    from rich.text import Text

    at, description = place(task.file_path, task.line), clean(task.description or "")
    name = Text(task.id, style="bold")
    if not stacked:
        return name, at, description
    lines = "".join(f"\n{text}" for text in (description, at) if text)
    return name.append(lines, style="not bold dim"), "", ""


def _row(task: TaskDefinition) -> Iterator[str]:
    yield _queue_text(task)
    yield retry_text(task)
    yield limit(limit_of(task))
    yield schedule_text(task)


def _queue_text(task: TaskDefinition) -> str:
    """A task's own queue is no news; its limit is."""
    queue = task.queue
    name = "" if queue.name == f"task/{task.id}" else queue.name
    if queue.concurrency_limit is None:
        return name
    return f"{name} (at most {queue.concurrency_limit})".strip()


def retry_of(task: TaskDefinition) -> Retry | None:
    """The retry policy that applies; None for one attempt."""
    return config.current().retries.default if task.retry is UNSET else task.retry


def retry_text(task: TaskDefinition) -> str:
    """A retry policy in few words: `3x, 1s-10s`."""
    retry = retry_of(task)
    if retry is None or retry.max_attempts == 1:
        return "no"
    return f"{retry.max_attempts}x, {limit(retry.min_timeout)}-{limit(retry.max_timeout)}"


def limit_of(task: TaskDefinition) -> float:
    """Seconds that one attempt may take."""
    return config.current().max_duration if task.max_duration is None else task.max_duration


def schedule_text(task: TaskDefinition) -> str:
    """When a task is due by itself."""
    if task.schedule is None:
        return ""
    zone = "" if task.schedule.timezone == "UTC" else f" {task.schedule.timezone}"
    return task.schedule.pattern + zone


def task_data(task: TaskDefinition) -> dict[str, Any]:
    """A task as JSON data; times in seconds, null for no limit."""
    retry, seconds = retry_of(task), limit_of(task)
    return {
        "id": task.id,
        "name": task.name,
        "description": task.description,
        "file": task.file_path,
        "line": task.line,
        "module": task.module,
        "queue": asdict(task.queue),
        "retry": None if retry is None else asdict(retry),
        "max_duration": None if math.isinf(seconds) else seconds,
        "ttl": task.ttl,
        "machine": task.machine,
        "schedule": None if task.schedule is None else asdict(task.schedule),
        "payload_schema": schema_of(task),
    }
