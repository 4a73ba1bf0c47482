"""What is wrong with the tasks that are registered here."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from taskkit.cli.loading import check_queues, steps
from taskkit.cli.options import Shared
from taskkit.cli.problem import Problem, block_of
from taskkit.cli.screen import place
from taskkit.definition.policy import policy_of
from taskkit.definition.registry import REGISTRY
from taskkit.definition.task_definition import TaskDefinition
from taskkit.errors import TaskkitError
from taskkit.trigger.task import Task


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that will not work: where, what, and what to do."""

    where: str
    what: str
    fix: str = ""


def loading_faults(shared: Shared) -> Iterator[Finding]:
    """Import every task module; what each raised, two tasks of one id and impossible schedules among it."""
    try:
        for step in steps(shared):
            try:
                step()
            except TaskkitError as error:
                yield _finding(error, "")
    except TaskkitError as error:  # the configuration itself
        yield _finding(error, "configuration")


def _finding(error: TaskkitError, where: str) -> Finding:
    block = block_of(error)
    if not isinstance(error, Problem):
        return Finding(where, str(error))
    what = block.what if not block.why else f"{block.what} {block.why}"
    return Finding(block.where or where, what, block.fix)


def task_faults() -> Iterator[Finding]:
    """What is wrong with tasks that could be imported."""
    exported = exported_definitions()
    for task in REGISTRY.definitions():
        if task.id not in exported:
            yield _not_exported(task)
        yield from _policy_faults(task)
    try:
        check_queues()
    except Problem as problem:
        yield _finding(problem, "")


def exported_definitions() -> set[str]:
    """Ids of tasks that are an attribute of some module."""
    found: set[str] = set()
    for module in list(sys.modules.values()):
        for value in list(getattr(module, "__dict__", {}).values()):
            if isinstance(value, Task):
                definition = value.definition
                if REGISTRY.get(definition.id) is definition:
                    found.add(definition.id)
    return found


def _not_exported(task: TaskDefinition) -> Finding:
    return Finding(
        place(task.file_path, task.line),
        f"Task {task.id!r} is not reachable: no module has it as an attribute.",
        "Define it at the top level of its module, under a name that nothing else takes.",
    )


def _policy_faults(task: TaskDefinition) -> Iterator[Finding]:
    try:
        policy_of(task)
        if task.schedule is not None:
            task.schedule.next_after(datetime.now(UTC))
    except TaskkitError as error:
        yield Finding(place(task.file_path, task.line), str(error))
