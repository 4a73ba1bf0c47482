"""`taskkit queues`: the lanes that runs wait in."""

from __future__ import annotations

import asyncio
from typing import Any

from taskkit.backends.base import SupportsQueues
from taskkit.cli.loading import load
from taskkit.cli.options import NOTHING_SAID, Shared
from taskkit.cli.problem import OK
from taskkit.cli.screen import console, note, table, write_json
from taskkit.cli.where import opened_home, shared_home
from taskkit.definition.registry import REGISTRY
from taskkit.model.exchange import QueueRecord


def queues(*, shared: Shared = NOTHING_SAID) -> int:
    """List the queues: their limits, their tasks, and their load where the backend tells it.

    For example:

        taskkit queues --app shop/tasks.py
    """
    load(shared)
    home = shared_home()
    loads: dict[str, QueueRecord] = {}
    if home is not None and isinstance(home.backend, SupportsQueues):
        loads = asyncio.run(_loads(home.backend))
    found = [_data(name, loads.get(name)) for name in sorted({*REGISTRY.queues(), *loads})]
    if shared.is_json:
        write_json(found)
    elif found:
        console().print(table(_COLUMNS, map(_row, found), broken=("queue", "tasks")))
    else:
        note("No queue is declared here.")
    return OK


_COLUMNS = ("queue", "limit", "longest", "running", "queued", "paused", "tasks")


def _data(name: str, load_of: QueueRecord | None) -> dict[str, Any]:
    queue = REGISTRY.queues().get(name)
    declared = None if queue is None else queue.concurrency_limit
    return {
        "name": name,
        "concurrency_limit": declared if load_of is None else load_of.concurrency_limit,
        "max_length": None if queue is None else queue.max_length,
        "running": None if load_of is None else load_of.running,
        "queued": None if load_of is None else load_of.queued,
        "paused": None if load_of is None else load_of.paused,
        "tasks": [task.id for task in REGISTRY.definitions() if task.queue.name == name],
    }


def _row(queue: dict[str, Any]) -> list[str]:
    def text(name: str, nothing: str = "") -> str:
        return nothing if queue[name] is None else str(queue[name])

    paused = "yes" if queue["paused"] else ""
    return [
        queue["name"], text("concurrency_limit", "none"), text("max_length"), text("running"), text("queued"),
        paused, ", ".join(queue["tasks"]),
    ]  # fmt: skip


async def _loads(backend: SupportsQueues) -> dict[str, QueueRecord]:
    async with opened_home("list"):
        return {record.name: record for record in await backend.list_queues()}
