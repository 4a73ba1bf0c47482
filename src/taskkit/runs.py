"""Looking at runs, and ending them."""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from datetime import datetime, timedelta
from typing import Any, TypeAlias, TypeVar, cast

from taskkit.backends.base import Capability, SupportsQuery
from taskkit.errors import InvalidOptionError, UnsupportedByBackendError
from taskkit.model.duration import Duration, seconds
from taskkit.model.exchange import Entry, EntryKind, Page, RunFilter
from taskkit.model.run import Run, RunStatus
from taskkit.runtime.current_backend import current_home
from taskkit.runtime.home import Home
from taskkit.runtime.portal import iterator_twin, twin
from taskkit.trigger import handle
from taskkit.trigger.calls import target

T = TypeVar("T")
OneOrMore: TypeAlias = T | Iterable[T]
_PAGE = 100


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
    return await home.backend.read(run_id, EntryKind.LOG, key=None, after=after, limit=_PAGE)


def list(  # noqa: A001 - runs.list is the name users know
    *,
    status: OneOrMore[RunStatus | str] | None = None,
    task: OneOrMore[Any] | None = None,
    tag: OneOrMore[str] | None = None,
    batch: OneOrMore[str] | None = None,
    schedule: OneOrMore[str] | None = None,
    since: datetime | timedelta | None = None,
    until: datetime | None = None,
    limit: int | None = None,
) -> RunList:
    """Runs that match all filters, newest first: `async for run in runs.list(status="FAILED")`.

    A filter is one value or several. `since` is a moment, or how long ago. `.pages(size)` gives pages.
    """
    home = current_home()
    if isinstance(since, timedelta):
        since = home.clock.now() - since
    tasks = None if task is None else frozenset(_task_id(one) for one in _several(task))
    where = RunFilter(
        None if status is None else frozenset(_status(one) for one in _several(status)),
        tasks,
        _texts(tag),
        _texts(batch),
        _texts(schedule),
        since,
        until,
    )
    return RunList(home, where, limit)


class RunList(AsyncIterable[Run]):
    """Runs to iterate over, or to read page by page."""

    def __init__(self, home: Home, where: RunFilter, limit: int | None) -> None:
        self._home = home
        self._where = where
        self._limit = limit

    async def __aiter__(self) -> AsyncIterator[Run]:
        left = self._limit
        async for page in self.pages(_PAGE if left is None else max(1, min(left, _PAGE))):
            for run in page.items:
                if left is not None:
                    if left <= 0:
                        return
                    left -= 1
                yield run
            if left is not None and left <= 0:
                return

    async def pages(
        self, size: int = _PAGE, cursor: int | str | None = None
    ) -> AsyncIterator[Page[Run]]:
        """Pages of at most `size` runs, from `cursor` on; each page's `cursor` leads to the next."""
        if isinstance(size, bool) or size < 1:
            raise InvalidOptionError("size", size, "a page holds at least 1 run.")
        while True:
            page = await self._home.call(_page, self._home, self._where, cursor, size)
            yield page
            cursor = page.cursor
            if cursor is None:
                return


async def _page(home: Home, where: RunFilter, cursor: int | str | None, limit: int) -> Page[Run]:
    home.need(Capability.LIST, "Listing runs")
    if not isinstance(home.backend, SupportsQuery):
        raise UnsupportedByBackendError(
            "Listing runs", backend=home.name, capability=Capability.LIST.name
        )
    page = await home.backend.list(where, cursor=cursor, limit=limit)
    for run in page.items:
        handle.presented(run)
    return page


def _several(value: Any) -> Iterable[Any]:
    if isinstance(value, set | frozenset | tuple | builtins.list):
        return cast("Iterable[Any]", value)
    return (value,)


def _texts(value: OneOrMore[str] | None) -> frozenset[str] | None:
    return None if value is None else frozenset(_several(value))


def _status(value: RunStatus | str) -> RunStatus:
    try:
        return RunStatus(value)
    except ValueError:
        known = ", ".join(RunStatus)
        raise InvalidOptionError("status", value, f"give one of {known}.") from None


def _task_id(task: Any) -> str:
    found = target(task)
    return found if isinstance(found, str) else found.id


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
    list = staticmethod(iterator_twin(list))
