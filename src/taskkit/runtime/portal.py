"""Calls from plain code into the event loop: what stands behind every `.sync`."""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import contextvars
import functools
import os
import threading
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterator,
)
from contextlib import suppress
from typing import TypeVar, cast

from typing_extensions import ParamSpec

from taskkit.errors import SyncInAsyncError
from taskkit.runtime.current_backend import close_those_here
from taskkit.runtime.scope import RunScope, current_scope

P = ParamSpec("P")
T = TypeVar("T")

_LEAVING = 5.0
"""Seconds that backends have to close at the end of the process."""


def twin(call: Callable[P, Awaitable[T]]) -> Callable[P, T]:
    """The same call for plain code: it blocks until the answer is there."""

    @functools.wraps(call)
    def blocking(*args: P.args, **kwargs: P.kwargs) -> T:
        refuse_in_event_loop(_name_of(call))
        return block_on(lambda: call(*args, **kwargs))

    return blocking


def iterator_twin(call: Callable[P, AsyncIterable[T]]) -> Callable[P, Iterator[T]]:
    """The same iteration for plain code."""

    @functools.wraps(call)
    def blocking(*args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        refuse_in_event_loop(_name_of(call), iterates=True)
        return _iterate(aiter(call(*args, **kwargs)))

    return blocking


def _iterate(items: AsyncIterator[T]) -> Iterator[T]:
    try:
        while True:
            try:
                item = block_on(lambda: anext(items))
            except StopAsyncIteration:
                return
            yield item
    finally:
        if isinstance(items, AsyncGenerator):
            closing = cast("AsyncGenerator[T, None]", items)
            block_on(closing.aclose)  # left early: it lets go of what it watches


def _name_of(call: Callable[..., object]) -> str:
    # A task's call is named by the task, every other by its module.
    task = getattr(getattr(call, "__self__", None), "__name__", None)
    owner = task or call.__module__.rpartition(".")[2]
    return f"{owner}.{call.__qualname__.rpartition('.')[2]}"


def refuse_in_event_loop(call: str, message: str = "", *, iterates: bool = False) -> None:
    """SyncInAsyncError that names the async call, inside a running event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise SyncInAsyncError(call, message, iterates=iterates)


def block_on(make: Callable[[], Awaitable[T]]) -> T:
    """What an awaitable gives, for plain code: awaited on the run's event loop, or on one in the background."""
    scope = current_scope.get()
    inside = scope is not None and not scope.ended
    loop = scope.loop if scope is not None and inside else _background.loop()
    outcome: concurrent.futures.Future[T] = concurrent.futures.Future()
    context = contextvars.copy_context()

    def start() -> None:
        task = loop.create_task(_resting(make, scope if inside else None))
        outcome.set_running_or_notify_cancel()
        task.add_done_callback(lambda done: _deliver(done, outcome))

    loop.call_soon_threadsafe(start, context=context)
    return outcome.result()


async def _resting(make: Callable[[], Awaitable[T]], scope: RunScope | None) -> T:
    """Await it; a thread that waits for this does not work, so a fake clock may move on."""
    if scope is None:
        return await make()
    clock = scope.home.clock
    clock.busy -= 1
    try:
        return await make()
    finally:
        clock.busy += 1


def _deliver(task: asyncio.Task[T], outcome: concurrent.futures.Future[T]) -> None:
    if task.cancelled():
        outcome.set_exception(asyncio.CancelledError())
    elif (error := task.exception()) is not None:
        outcome.set_exception(error)
    else:
        outcome.set_result(task.result())


class _Background:
    """One event loop in a daemon thread, for `.sync` calls from code that has none."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._loop.is_closed():
                self._loop = asyncio.new_event_loop()
                threading.Thread(
                    target=_serve, args=(self._loop,), name="taskkit-sync", daemon=True
                ).start()
            return self._loop

    def stop(self) -> None:
        """Close what lives on this loop, and end it."""
        with self._lock:
            loop, self._loop = self._loop, None
        if loop is None or not loop.is_running():
            return
        closing = asyncio.run_coroutine_threadsafe(close_those_here(), loop)
        with suppress(TimeoutError):
            closing.result(_LEAVING)
        loop.call_soon_threadsafe(loop.stop)

    def after_fork(self) -> None:
        self._lock = threading.Lock()
        self._loop = None  # its thread did not come along


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()


_background = _Background()
atexit.register(_background.stop)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_background.after_fork)
