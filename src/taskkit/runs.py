"""Looking at runs, and ending them."""

from __future__ import annotations

import builtins
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import datetime
from typing import Any, Unpack

from taskkit.backends.base import Capability
from taskkit.definition.task_definition import UNSET
from taskkit.errors import InvalidOptionError
from taskkit.model.duration import Duration, seconds
from taskkit.model.exchange import Entry, EntryKind, Page, RunFilter
from taskkit.model.run import Run, RunStatus
from taskkit.runtime.current_backend import current_home
from taskkit.runtime.home import Home
from taskkit.runtime.portal import iterator_twin, twin
from taskkit.trigger import following, handle, replaying
from taskkit.trigger.handle import RunHandle
from taskkit.trigger.run_list import (
    PAGE,
    OneOrMore,
    RunFilters,
    RunList,
    check_count,
    check_text,
    filter_of,
    for_plain_code,
)


async def retrieve(run_id: str) -> Run:
    """The run as it stands; RunNotFoundError when there is none."""
    home = current_home()
    return await home.call(handle.retrieve, home, _id(run_id))


async def cancel(run_id: str, reason: str | None = None) -> Run:
    """Ask for a run's end; the run as known afterwards.

    One that has not started is CANCELED at once; a running one ends when its hooks have run; the children
    that it waits for are canceled too; a final one stays as it is.
    """
    home = current_home()
    return await home.call(handle.cancel, home, _id(run_id), reason)


async def poll(run_id: str, *, timeout: Duration | None = None) -> Run:
    """The run, once it has ended."""
    home = current_home()
    limit = None if timeout is None else seconds(timeout, what="timeout")
    ends = await home.call(handle.ends_of, home, [_id(run_id)], limit)
    return handle.presented(ends[run_id])


def subscribe(run_id: str) -> AsyncIterator[Run]:
    """The run as it stands, then each time it has changed, up to its end: `async for run in runs.subscribe(id)`."""
    return handle.changes_of(current_home(), _id(run_id))


def subscribe_to_tag(tag: str) -> AsyncGenerator[Run, None]:
    """The runs with this tag as they stand, oldest first, then each that is new or has changed.

    Goes on until it is closed (`aclosing`), or the backend is. Changes in quick succession may come as one.
    """
    return following.changes_of_tag(current_home(), check_text("tag", tag))


def subscribe_to_batch(batch_id: str) -> AsyncGenerator[Run, None]:
    """The runs of a batch as they stand, in the order of its items, then each that has changed.

    Ends when all of them are final. Raises BatchNotFoundError; an item that an idempotency key led to an
    older run is a run of the older batch.
    """
    return following.changes_of_batch(current_home(), check_text("batch_id", batch_id))


async def replay(run_id: str, payload: Any = UNSET) -> RunHandle[Any]:
    """Ask for the same again: a new run of the same task, with the same payload or with this one.

    The payload keeps its secrets. Queue, concurrency key, priority, ttl, tags, machine, max_attempts,
    max_duration and metadata are those that the run was given first. It starts at once, has no idempotency
    key and no parent, and its `is_replay` is True. Raises RunNotFoundError.
    """
    home = current_home()
    return await home.call(replaying.replay, home, _id(run_id), payload)


async def reschedule(run_id: str, delay: Duration | datetime) -> Run:
    """Let a run that is DELAYED start this long from now, or at this aware moment; the run afterwards.

    Raises RunNotDelayedError when it is not DELAYED any more, RunNotFoundError.
    """
    home = current_home()
    return await home.call(replaying.reschedule, home, _id(run_id), delay)


async def bulk_cancel(
    *, reason: str | None = None, limit: int | None = None, **filters: Unpack[RunFilters]
) -> builtins.list[Run]:
    """Ask for the end of all runs that match, as `cancel` does; those that were not over, newest first.

    The filters are those of `list`, at least one of them; `limit` takes the newest. What is triggered while
    this goes on is not in it. `await runs.bulk_cancel(tag="acme", status="QUEUED")`.
    """
    home = current_home()
    where = _at_least_one("bulk_cancel", filters, limit, home)
    return await home.call(replaying.cancel_all, home, where, limit, reason)


async def bulk_replay(
    *, limit: int | None = None, **filters: Unpack[RunFilters]
) -> builtins.list[RunHandle[Any]]:
    """Ask for the same again for all runs that match, as `replay` does; the new runs, oldest first.

    The filters are those of `list`, at least one of them; `limit` takes the newest. A full queue raises
    QueueFullError, and what was stored until then stays. `await runs.bulk_replay(status="FAILED", since="1h")`.
    """
    home = current_home()
    where = _at_least_one("bulk_replay", filters, limit, home)
    return await home.call(replaying.replay_all, home, where, limit)


def _at_least_one(call: str, filters: RunFilters, limit: int | None, home: Home) -> RunFilter:
    if limit is not None:
        check_count("limit", limit, least=0)
    known = ", ".join(RunFilters.__annotations__)
    unknown = filters.keys() - RunFilters.__annotations__.keys()
    if unknown:
        name = min(unknown)
        raise InvalidOptionError(
            name, filters.get(name), f"runs.{call} has no such filter. It has: {known}."
        )
    if all(value is None for value in filters.values()):
        raise InvalidOptionError(
            f"the filters of runs.{call}",
            filters,
            f"without one it would mean all runs there are. Give at least one of {known}.",
        )
    return filter_of(filters, home)


async def logs(run_id: str) -> AsyncIterator[Entry]:
    """What the run logged so far, oldest first; `entry.data` holds level, message, properties and attempt."""
    home, after = current_home(), 0
    while True:
        page = await home.call(_logs, home, _id(run_id), after)
        for entry in page.items:
            yield entry
        if page.cursor is None:
            return
        after = int(page.cursor)


async def _logs(home: Home, run_id: str, after: int) -> Page[Entry]:
    home.need(Capability.LOGS, "Reading logs")
    return await home.backend.read(run_id, EntryKind.LOG, key=None, after=after, limit=PAGE)


def list(  # noqa: A001 - runs.list is the name users know
    *,
    status: OneOrMore[RunStatus | str] | None = None,
    task: OneOrMore[Any] | None = None,
    tag: OneOrMore[str] | None = None,
    batch: OneOrMore[str] | None = None,
    schedule: OneOrMore[str] | None = None,
    since: datetime | Duration | None = None,
    until: datetime | Duration | None = None,
    limit: int | None = None,
) -> RunList:
    """Runs that match all filters, newest first: `async for run in runs.list(status="FAILED")`.

    A filter is one value or several. `since` and `until` are aware moments, or how long ago; both count
    themselves in. At most `limit` runs. `.pages(size)` gives pages.
    """
    home = current_home()
    if limit is not None:
        check_count("limit", limit, least=0)
    filters: RunFilters = {
        "status": status,
        "task": task,
        "tag": tag,
        "batch": batch,
        "schedule": schedule,
        "since": since,
        "until": until,
    }
    return RunList(home, filter_of(filters, home), limit)


def _id(run_id: object) -> str:
    if not isinstance(run_id, str):
        raise InvalidOptionError(
            "run_id",
            run_id,
            "give the id of a run, a text such as run_...; a handle has it as .id.",
        )
    return run_id


class sync:
    """The same calls for plain code; `runs.sync.retrieve(run_id)`."""

    retrieve = staticmethod(twin(retrieve))
    cancel = staticmethod(twin(cancel))
    poll = staticmethod(twin(poll))
    subscribe = staticmethod(iterator_twin(subscribe))
    logs = staticmethod(iterator_twin(logs))
    subscribe_to_tag = staticmethod(iterator_twin(subscribe_to_tag))
    subscribe_to_batch = staticmethod(iterator_twin(subscribe_to_batch))
    replay = staticmethod(twin(replay))
    reschedule = staticmethod(twin(reschedule))
    bulk_cancel = staticmethod(twin(bulk_cancel))
    bulk_replay = staticmethod(twin(bulk_replay))
    list = staticmethod(for_plain_code(list))
