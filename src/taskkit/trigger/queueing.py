"""Queues by name, on the backend's loop: looked at, and given other settings while runs go on."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, cast

from taskkit.backends.base import Capability, Declared, SupportsQueues
from taskkit.definition.task_definition import TaskDefinition
from taskkit.errors import InvalidOptionError, QueueNotFoundError, UnsupportedByBackendError
from taskkit.model.exchange import QueueRecord
from taskkit.model.queue import Queue, check_name
from taskkit.runtime.home import Home


def name_of(queue: Any) -> str:
    """The name of a queue: of a Queue, of the one that a task's runs are put into, or as it is given."""
    if isinstance(queue, Queue):
        return queue.name
    definition = getattr(queue, "definition", queue)
    if isinstance(definition, TaskDefinition):
        return definition.queue.name
    if not isinstance(queue, str):
        raise InvalidOptionError(
            "the queue", queue, "give its name, a Queue, or a task for the queue of its runs."
        )
    return check_name(queue)


def check_limit(limit: object) -> int:
    """A limit that can be put over the declared one."""
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 0:
        raise InvalidOptionError(
            "limit",
            limit,
            "give a whole number of at least 0; reset_concurrency_limit goes back to the declared one.",
        )
    return limit


async def every(home: Home) -> Sequence[QueueRecord]:
    """All queues that the backend knows."""
    return await (await _store(home, "Listing queues")).list_queues()


async def retrieve(home: Home, name: str) -> QueueRecord:
    """The queue as it stands, or QueueNotFoundError with names that are near."""
    store = await _store(home, "Looking at queues")
    return _found(name, await store.list_queues())


async def pause(home: Home, name: str, paused: bool) -> QueueRecord:
    store = await _store(home, "Pausing a queue")
    _found(name, await store.list_queues())
    return await store.update_queue(name, paused=paused)


async def set_limit(home: Home, name: str, limit: int | Declared) -> QueueRecord:
    home.need(Capability.QUEUE_LIMIT, "The concurrency limit of a queue")
    store = await _store(home, "Another limit for a queue")
    _found(name, await store.list_queues())
    return await store.update_queue(name, limit=limit)


def _found(name: str, queues: Sequence[QueueRecord]) -> QueueRecord:
    for queue in queues:
        if queue.name == name:
            return queue
    raise QueueNotFoundError(name, get_close_matches(name, [queue.name for queue in queues], n=3))


async def _store(home: Home, what: str) -> SupportsQueues:
    home.need(Capability.QUEUES, what)
    if not home.supports(SupportsQueues):
        raise UnsupportedByBackendError(what, backend=home.name, capability=Capability.QUEUES.name)
    await home.declare()
    return cast("SupportsQueues", home.backend)
