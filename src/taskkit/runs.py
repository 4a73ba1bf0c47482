"""Looking at runs, and ending them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import wraps
from typing import Any, TypeAlias, TypeGuard, TypeVar

from typing_extensions import ParamSpec

from taskkit.backends.base import Capability, SupportsQuery
from taskkit.errors import InvalidOptionError, UnsupportedByBackendError
from taskkit.model.duration import Duration, seconds
from taskkit.model.exchange import Entry, EntryKind, Page, RunFilter
from taskkit.model.run import Run, RunStatus
from taskkit.runtime.current_backend import current_home
from taskkit.runtime.home import Home
from taskkit.runtime.portal import iterator_twin, refuse_in_event_loop, twin
from taskkit.trigger import handle
from taskkit.trigger.calls import target

T = TypeVar("T")
P = ParamSpec("P")
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
        _count("limit", limit, least=0)
    tasks = None if task is None else frozenset(_task_id(one) for one in _several(task))
    where = RunFilter(
        None if status is None else frozenset(_status(one) for one in _several(status)),
        tasks,
        _texts("tag", tag),
        _texts("batch", batch),
        _texts("schedule", schedule),
        _moment("since", since, home),
        _moment("until", until, home),
    )
    return RunList(home, where, limit)


class RunList(AsyncIterator[Run]):
    """Runs to iterate over, or to read page by page."""

    def __init__(self, home: Home, where: RunFilter, limit: int | None) -> None:
        self._home = home
        self._where = where
        self._limit = limit
        self._begun: AsyncIterator[Run] | None = None

    def __aiter__(self) -> AsyncIterator[Run]:  # noqa: PYI034 - each loop over it begins anew
        return self._each()

    async def __anext__(self) -> Run:
        if self._begun is None:
            self._begun = self._each()
        return await anext(self._begun)

    async def _each(self) -> AsyncIterator[Run]:
        async for page in self.pages():
            for run in page.items:
                yield run

    async def pages(
        self, size: int = _PAGE, cursor: int | str | None = None
    ) -> AsyncIterator[Page[Run]]:
        """Pages of at most `size` runs, from `cursor` on; each page's `cursor` leads to the next."""
        _count("size", size, least=1)
        left = self._limit
        while left is None or left > 0:
            wanted = size if left is None else min(size, left)
            page = await self._home.call(_page, self._home, self._where, cursor, wanted)
            yield page
            cursor = page.cursor
            if cursor is None:
                return
            left = None if left is None else left - len(page.items)


class SyncRunList(Iterator[Run]):
    """The same for plain code."""

    def __init__(self, runs: RunList) -> None:
        self._runs = runs
        self._begun: Iterator[Run] | None = None

    def __iter__(self) -> Iterator[Run]:  # noqa: PYI034 - each loop over it begins anew
        return iterator_twin(self._runs.__aiter__)()

    def __next__(self) -> Run:
        if self._begun is None:
            self._begun = iter(self)
        return next(self._begun)

    def pages(self, size: int = _PAGE, cursor: int | str | None = None) -> Iterator[Page[Run]]:
        """See `RunList.pages`."""
        return iterator_twin(self._runs.pages)(size, cursor)


def _for_plain_code(call: Callable[P, RunList]) -> Callable[P, SyncRunList]:
    @wraps(call)
    def listing(*args: P.args, **kwargs: P.kwargs) -> SyncRunList:
        refuse_in_event_loop("runs.list", iterates=True)
        return SyncRunList(call(*args, **kwargs))

    return listing


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


def _count(option: str, value: object, *, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InvalidOptionError(option, value, f"give a whole number of at least {least}.")


def _several(value: Any) -> Iterable[Any]:
    return value if _is_several(value) else (value,)


def _is_several(value: object) -> TypeGuard[Iterable[Any]]:
    return isinstance(value, Iterable) and not isinstance(value, str)


def _texts(option: str, value: OneOrMore[str] | None) -> frozenset[str] | None:
    if value is None:
        return None
    texts = frozenset(_several(value))
    for text in texts:
        if not isinstance(text, str):
            raise InvalidOptionError(option, text, "give a text, or a list of texts.")
    return texts


def _moment(option: str, value: datetime | Duration | None, home: Home) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, datetime):
        ago = seconds(value, what=option)
        try:
            return home.clock.now() - timedelta(seconds=ago)
        except OverflowError:
            return datetime.min.replace(tzinfo=UTC)
    if value.tzinfo is None:
        raise InvalidOptionError(
            option, value, "give an aware datetime, such as datetime.now(UTC), or how long ago."
        )
    return value


def _status(value: RunStatus | str) -> RunStatus:
    try:
        return RunStatus(value)
    except ValueError:
        known = ", ".join(RunStatus)
        near = get_close_matches(str(value).upper(), RunStatus, n=1)
        guess = f" Did you mean {near[0]}?" if near else ""
        raise InvalidOptionError("status", value, f"give one of {known}.{guess}") from None


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
    list = staticmethod(_for_plain_code(list))
