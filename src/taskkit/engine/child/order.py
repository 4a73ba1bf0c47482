"""What a child process is told before it begins."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from taskkit import config
from taskkit.config import Config
from taskkit.definition.context import Environment
from taskkit.definition.origin import Origin, hooks_of, origin_of, origins_of
from taskkit.definition.task_definition import TaskDefinition
from taskkit.model.capability import Capability
from taskkit.model.clock import SYSTEM_CLOCK
from taskkit.model.exchange import Lease
from taskkit.runtime.home import Home

FORWARDED = (
    *("get", "cancel", "append", "read", "enqueue", "list", "reschedule", "release_key"),
    *("create_token", "get_token", "complete_token", "list_tokens"),
    *("put_schedule", "get_schedules", "delete_schedule", "list_schedules", "next_schedules"),
    *("record_tick", "list_queues", "update_queue", "list_workers"),
)
"""The calls of a backend that task code may lead to; the child makes them through its parent."""


@dataclass(frozen=True, slots=True)
class HookPlace:
    """A hook that shall be there in the child too."""

    kind: str
    qualname: str
    where: str


@dataclass(frozen=True, slots=True)
class Order:
    """The lease to carry out, and what the child has to know of its parent.

    `received` is when the lease came, by the machine's steady clock, which all its processes share; None
    where the parent is on a clock of its own. `trace_parent` is the span of the attempt, if there is one.
    """

    parent: int
    argv: tuple[str, ...]
    main: Origin
    origins: tuple[Origin, ...]
    elsewhere: Mapping[str, Origin]
    hooks: tuple[HookPlace, ...]
    task_id: str
    lease: Lease
    received: float | None
    environment: Environment
    config: Config
    home: str
    backend: str
    calls: tuple[str, ...]
    capabilities: frozenset[Capability]
    log_levels: Mapping[str, int]
    output_limit: int
    trace_parent: str | None


def order_for(
    definition: TaskDefinition,
    lease: Lease,
    received: float,
    home: Home,
    environment: Environment,
    tasks: tuple[TaskDefinition, ...],
) -> Order:
    """The order to carry out this lease; `tasks` are those that the child may come to trigger."""
    backend = home.backend
    return Order(
        os.getpid(),
        tuple(sys.argv),
        origin_of("__main__"),
        tuple(origins_of(definition)),
        {task.id: origin_of(task.declared_in or task.module) for task in tasks},
        tuple(
            HookPlace(hook.name, _qualname(hook.fn), hook.where) for hook in hooks_of(definition)
        ),
        definition.id,
        lease,
        received if home.clock is SYSTEM_CLOCK else None,
        environment,
        config.current(),
        home.name,
        type(backend).__name__,
        tuple(name for name in FORWARDED if hasattr(backend, name)),
        backend.capabilities,
        _log_levels(),
        home.output_limit,
        _trace_parent(),
    )


def _trace_parent() -> str | None:
    if "opentelemetry.trace" not in sys.modules:  # nobody has a span without it
        return None
    from taskkit.runtime.tracing import current

    return current()


def _qualname(fn: object) -> str:
    return str(getattr(fn, "__qualname__", ""))


def missing_hooks(wanted: tuple[HookPlace, ...], definition: TaskDefinition) -> list[HookPlace]:
    """The hooks of the parent that importing the same modules has not registered here."""
    here = {(hook.name, _qualname(hook.fn)) for hook in hooks_of(definition)}
    return [place for place in wanted if (place.kind, place.qualname) not in here]


def _log_levels() -> dict[str, int]:
    levels = {"": logging.getLogger().level}
    for name, logger in list(logging.Logger.manager.loggerDict.items()):
        if isinstance(logger, logging.Logger) and logger.level:
            levels[name] = logger.level
    return levels
