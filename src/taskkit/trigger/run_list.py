"""Which runs are meant, and reading them page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import wraps
from typing import Any, TypeAlias, TypedDict, TypeGuard, TypeVar

from typing_extensions import ParamSpec

from taskkit.backends.base import Capability, SupportsQuery
from taskkit.errors import InvalidOptionError, UnsupportedByBackendError
from taskkit.model.duration import Duration, seconds
from taskkit.model.exchange import Page, RunFilter
from taskkit.model.run import Run, RunStatus
from taskkit.runtime.home import Home
from taskkit.runtime.portal import iterator_twin, refuse_in_event_loop
from taskkit.trigger import handle
from taskkit.trigger.calls import target

T = TypeVar("T")
P = ParamSpec("P")
OneOrMore: TypeAlias = T | Iterable[T]
PAGE = 100
_LARGE_PAGE = 1000


class RunFilters(TypedDict, total=False):
    """What runs can be told by. Each is one value or several; a run has to match all that are given."""

    status: OneOrMore[RunStatus | str] | None
    task: OneOrMore[Any] | None
    """Tasks or their ids."""
    tag: OneOrMore[str] | None
    batch: OneOrMore[str] | None
    schedule: OneOrMore[str] | None
    since: datetime | Duration | None
    """Made at this aware moment or later; or made this long ago, or since."""
    until: datetime | Duration | None
    """Made at this aware moment or earlier; or at least this long ago."""


def filter_of(filters: RunFilters, home: Home) -> RunFilter:
    """The filters, checked; InvalidOptionError says which of them is none."""
    status, task = filters.get("status"), filters.get("task")
    return RunFilter(
        None if status is None else frozenset(_status(one) for one in _several(status)),
        None if task is None else frozenset(_task_id(one) for one in _several(task)),
        _texts("tag", filters.get("tag")),
        _texts("batch", filters.get("batch")),
        _texts("schedule", filters.get("schedule")),
        _moment("since", filters.get("since"), home),
        _moment("until", filters.get("until"), home),
    )


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
        self, size: int = PAGE, cursor: int | str | None = None
    ) -> AsyncIterator[Page[Run]]:
        """Pages of at most `size` runs, from `cursor` on; each page's `cursor` leads to the next."""
        check_count("size", size, least=1)
        left = self._limit
        while left is None or left > 0:
            wanted = size if left is None else min(size, left)
            page = await self._home.call(page_of, self._home, self._where, cursor, wanted)
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

    def pages(self, size: int = PAGE, cursor: int | str | None = None) -> Iterator[Page[Run]]:
        """See `RunList.pages`."""
        return iterator_twin(self._runs.pages)(size, cursor)


def for_plain_code(call: Callable[P, RunList]) -> Callable[P, SyncRunList]:
    @wraps(call)
    def listing(*args: P.args, **kwargs: P.kwargs) -> SyncRunList:
        refuse_in_event_loop("runs.list", iterates=True)
        return SyncRunList(call(*args, **kwargs))

    return listing


async def page_of(home: Home, where: RunFilter, cursor: int | str | None, limit: int) -> Page[Run]:
    home.need(Capability.LIST, "Listing runs")
    if not isinstance(home.backend, SupportsQuery):
        raise UnsupportedByBackendError(
            "Listing runs", backend=home.name, capability=Capability.LIST.name
        )
    page = await home.backend.list(where, cursor=cursor, limit=limit)
    for run in page.items:
        handle.presented(run)
    return page


async def all_of(home: Home, where: RunFilter, limit: int | None = None) -> list[Run]:
    """The runs as they stand, newest first. Runs on the backend's loop."""
    found: list[Run] = []
    cursor: int | str | None = None
    while limit is None or len(found) < limit:
        wanted = _LARGE_PAGE if limit is None else min(_LARGE_PAGE, limit - len(found))
        page = await page_of(home, where, cursor, wanted)
        found += page.items
        cursor = page.cursor
        if cursor is None:
            break
    return found


def check_count(option: str, value: object, *, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InvalidOptionError(option, value, f"give a whole number of at least {least}.")


def check_text(option: str, value: object) -> str:
    if not isinstance(value, str):
        raise InvalidOptionError(option, value, "give a text.")
    return value


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
            return home.time() - timedelta(seconds=ago)
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
