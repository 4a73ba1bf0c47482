"""Queues while the program runs: how full they are, pausing them, other limits than the declared ones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from taskkit.model.exchange import QueueRecord
from taskkit.runtime.current_backend import current_home
from taskkit.runtime.portal import iterator_twin, twin
from taskkit.trigger import queueing


async def list() -> AsyncIterator[QueueRecord]:  # noqa: A001 - queues.list is the name users know
    """Every queue that was declared or that a run was put into: `async for queue in queues.list()`."""
    home = current_home()
    for record in await home.call(queueing.every, home):
        yield record


async def retrieve(queue: Any) -> QueueRecord:
    """The queue as it stands: `concurrency_limit`, `running`, `queued`, `paused`.

    A queue is its name, a Queue, or a task, which stands for the queue of its runs (`task/<id>` where it
    declares no other). Raises QueueNotFoundError with names that are near.
    """
    home = current_home()
    return await home.call(queueing.retrieve, home, queueing.name_of(queue))


async def pause(queue: Any) -> QueueRecord:
    """Let none of its runs start until `resume`; the queue as it stands afterwards.

    Runs that have started go on, also when an answer that they wait for brings them back through the queue.
    A next attempt is a start. Runs can still be put into it. A pause outlasts the workers. Errors as
    `retrieve`.
    """
    home = current_home()
    return await home.call(queueing.pause, home, queueing.name_of(queue), True)


async def resume(queue: Any) -> QueueRecord:
    """Let the runs of a paused queue start again; the queue as it stands afterwards. Errors as `retrieve`."""
    home = current_home()
    return await home.call(queueing.pause, home, queueing.name_of(queue), False)


async def override_concurrency_limit(queue: Any, limit: int) -> QueueRecord:
    """Put this limit in the place of the declared one until `reset_concurrency_limit`.

    It counts at once, for each concurrency key by itself; runs that execute beyond it go on. 0 lets none
    start. A worker that declares the queue anew does not undo it. Errors as `retrieve`.
    """
    home = current_home()
    name = queueing.name_of(queue)
    return await home.call(queueing.set_limit, home, name, queueing.check_limit(limit))


async def reset_concurrency_limit(queue: Any) -> QueueRecord:
    """Go back to the limit that the code declares, or to none. Errors as `retrieve`."""
    home = current_home()
    return await home.call(queueing.set_limit, home, queueing.name_of(queue), "declared")


class sync:
    """The same calls for plain code; `queues.sync.pause("users")`."""

    list = staticmethod(iterator_twin(list))
    retrieve = staticmethod(twin(retrieve))
    pause = staticmethod(twin(pause))
    resume = staticmethod(twin(resume))
    override_concurrency_limit = staticmethod(twin(override_concurrency_limit))
    reset_concurrency_limit = staticmethod(twin(reset_concurrency_limit))
