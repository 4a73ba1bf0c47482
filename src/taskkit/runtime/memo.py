"""Values that a run keeps across its attempts."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from pydantic_core import from_json

from taskkit.backends.base import Capability
from taskkit.errors import InvalidOptionError
from taskkit.model.codec import OUTPUT_LIMIT, check_size, json_of
from taskkit.model.exchange import Entry, EntryKind
from taskkit.model.ids import derived_id
from taskkit.runtime.portal import block_on, refuse_in_event_loop
from taskkit.runtime.scope import RunScope, need_scope

_CALL = "memo"


class Memo:
    """`await memo("key", fn)`: see its call; `memo.sync("key", fn)` for `def` tasks."""

    __slots__ = ()

    async def __call__(self, key: str, fn: Callable[[], Awaitable[Any] | Any]) -> Any:
        """What `fn` returned when this run first asked for the key: `total = await memo("total", count_rows)`.

        `fn` is plain or async and takes nothing. It is called once for each run and key, however often the
        run is tried: what it returns is stored before this returns, and comes back as JSON data, at the
        first time too. An error is not kept, the next call tries again. Calls for one key at the same time
        share one call of `fn`. What `fn` does may happen again if the worker dies before it is stored.
        """
        scope = _scope(key)
        data = await _begin(scope, key)
        if data is None:
            try:
                made = fn()
                data = _json(key, await made if inspect.isawaitable(made) else made)
                await _store(scope, key, data)
            except BaseException as error:
                _fail(scope, key, error)
                raise
        return from_json(data)

    def sync(self, key: str, fn: Callable[[], Awaitable[Any] | Any]) -> Any:
        """The same for `def` tasks; a plain `fn` is called in this thread."""
        refuse_in_event_loop(_CALL)
        scope = _scope(key)
        data = block_on(lambda: _begin(scope, key))
        if data is None:
            try:
                made = fn()
                data = _json(key, block_on(lambda: made) if inspect.isawaitable(made) else made)
                json = data
                block_on(lambda: _store(scope, key, json))
            except BaseException as error:
                failure = error
                scope.loop.call_soon_threadsafe(lambda: _fail(scope, key, failure))
                raise
        return from_json(data)

    def __repr__(self) -> str:
        return "<memo(key, fn)>"


memo = Memo()


def _scope(key: object) -> RunScope:
    scope = need_scope(_CALL)
    scope.home.need(Capability.MEMO, "A memo")
    if not isinstance(key, str) or not key:
        raise InvalidOptionError("the key of a memo", key, "give a text that is not empty.")
    return scope


def _json(key: str, value: object) -> bytes:
    what = f"The memo {key!r}"
    data = json_of(value, what)
    check_size(data, OUTPUT_LIMIT, what)
    return data


async def _begin(scope: RunScope, key: str) -> bytes | None:
    """The value that is kept; None when there is none, and then the caller owes `_store` or `_fail`."""
    if scope.memos is None:
        scope.memos = {}
    while (known := scope.memos.get(key)) is not None:
        await asyncio.wait((known,))
        if not known.cancelled():
            return known.result()
    mine = scope.memos[key] = scope.loop.create_future()
    try:
        data = await _kept(scope, key)
    except BaseException as error:
        _fail(scope, key, error)
        raise
    if data is not None:
        mine.set_result(data)
    return data


async def _kept(scope: RunScope, key: str) -> bytes | None:
    lease = scope.lease
    if lease.attempt == lease.delivery == 1:
        return None  # nobody was here before
    home = scope.home
    page = await home.call(
        home.backend.read, scope.run_id, EntryKind.MEMO, key=key, after=0, limit=1
    )
    return json_of(page.items[0].data, f"The memo {key!r}") if page.items else None


async def _store(scope: RunScope, key: str, data: bytes) -> None:
    entry = Entry(EntryKind.MEMO, from_json(data), key, scope.home.clock.now())
    # The id is the key's, so that of two values that are ever sent the first one counts.
    flush_id = derived_id("flush", scope.run_id, "memo", key)
    home = scope.home
    await home.call(
        home.backend.append, scope.run_id, (entry,), flush_id=flush_id, lease=scope.lease
    )
    if scope.memos is not None:
        scope.memos[key].set_result(data)


def _fail(scope: RunScope, key: str, error: BaseException) -> None:
    """Who waits for the same value meets the error; of a caller that was canceled, one of them takes over."""
    mine = None if scope.memos is None else scope.memos.pop(key, None)
    if mine is None or mine.done():
        return
    if isinstance(error, Exception):
        mine.set_exception(error)
        mine.exception()  # it is raised to the one who called; nobody else need look at it
    else:
        mine.cancel()
