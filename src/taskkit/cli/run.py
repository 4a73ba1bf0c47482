"""`taskkit run`: trigger a task and wait for its end."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, asynccontextmanager, contextmanager, nullcontext, redirect_stdout
from typing import Annotated, Any

from cyclopts import Parameter

import taskkit
from taskkit.backends.base import SupportsWorkers
from taskkit.cli.follow import View, updates
from taskkit.cli.interrupt import Interruption, end_soon, gently
from taskkit.cli.lines import LineView
from taskkit.cli.loading import load, no_tasks_hint
from taskkit.cli.options import NOTHING_SAID, Shared
from taskkit.cli.payload import fields_of, read_options, read_payload
from taskkit.cli.problem import OK, RUN_FAILED, Problem, block_of, places
from taskkit.cli.run_text import end_details, end_line, output_data, run_data
from taskkit.cli.screen import (
    clean,
    console,
    is_live,
    note,
    on_stdout,
    prints_kept_apart,
    show_output,
    write_json,
)
from taskkit.cli.views import show_view
from taskkit.cli.where import reached, shared_home
from taskkit.definition.registry import REGISTRY
from taskkit.errors import PayloadValidationError, TaskNotFoundError
from taskkit.model.options import TriggerOptions
from taskkit.model.run import Run
from taskkit.runtime.current_backend import current_home
from taskkit.runtime.home import Home
from taskkit.trigger.handle import RunHandle

_Payload = Annotated[
    str | None,
    Parameter(allow_leading_hyphen=True, help="JSON, `@file`, or `-` for stdin."),
]
_Follow = Annotated[
    bool,
    Parameter(
        name=["--follow", "-f"],
        help="Show status, progress and logs while it runs.",
    ),
]
_Options = Annotated[
    tuple[str, ...],
    Parameter(
        name=["--option", "-O"],
        allow_leading_hyphen=True,
        help="A trigger option as NAME=VALUE: `delay=10m`, `tags=acme`, `max_attempts=5`; may be repeated.",
    ),
]


def run(
    task: Annotated[str, Parameter(help="The id of a task; `taskkit tasks` lists them.")],
    /,
    *,
    payload: _Payload = None,
    follow: _Follow = False,
    option: _Options = (),
    shared: Shared = NOTHING_SAID,
) -> int:
    """Run a task and print its output.

    Without a backend, or with `memory://`, the run is carried out here; otherwise by a worker of the backend.
    Ctrl-C cancels a run that is carried out here, and its hooks run; a second one ends at once.

    Exit status: 0 the run completed · 1 it did not · 2 something typed is wrong · 3 trouble with configuration or
    backend · 130 Ctrl-C.

    For example:

        taskkit run greet --payload '{"name": "Ada"}' --app shop/tasks.py
        taskkit run import-orders --payload @orders.json --follow
        echo '{"name": "Ada"}' | taskkit run greet --payload - -o json | jq .output
    """
    given, options = read_payload(payload), read_options(option)
    with prints_kept_apart():
        load(shared)
        return asyncio.run(_run(task, given, options, follow=follow, shared=shared))


async def _run(
    task: str, payload: Any, options: TriggerOptions, *, follow: bool, shared: Shared
) -> int:
    whole = asyncio.current_task()
    assert whole is not None  # this is a coroutine
    with gently(whole.cancel) as signals:
        async with _place() as home:
            handle = await _trigger(home, task, payload, options)
            with followed_in(follow, shared) as view:
                ended = await _to_its_end(home, handle, view, signals)
            if ended is not None:
                show_end(ended, follow=follow, shared=shared)
            status = signals.status or (OK if ended and ended.is_success else RUN_FAILED)
            end_soon(status, signaled=signals.number is not None)
    return status


@asynccontextmanager
async def _place() -> AsyncGenerator[Home]:
    """The backend that other processes serve; otherwise one here, with a worker."""
    home = shared_home()
    if home is not None:
        async with reached(home):
            yield home
    else:
        async with taskkit.local():
            yield current_home()


async def _trigger(home: Home, task: str, payload: Any, options: TriggerOptions) -> RunHandle[Any]:
    try:
        if REGISTRY.get(task) is None and home.is_shared:
            await _need_known(home, task)
        return await taskkit.tasks.trigger(task, payload, **options)
    except TaskNotFoundError as error:
        near = " or ".join(map(repr, error.near))
        raise Problem(
            f"There is no task {task!r}.",
            why=f"Did you mean {near}?" if near else "",
            fix=no_tasks_hint(REGISTRY.ids()),
        ) from error
    except PayloadValidationError as error:
        raise _payload_problem(task, payload, error) from error


async def _need_known(home: Home, task: str) -> None:
    """On a backend that others serve a misspelt id would wait for ever."""
    if not isinstance(home.backend, SupportsWorkers):
        return
    workers = [worker for worker in await home.backend.list_workers() if worker.alive]
    if not any(task in worker.tasks for worker in workers):
        known = sorted({*REGISTRY.ids(), *(each for worker in workers for each in worker.tasks)})
        if known:
            from difflib import get_close_matches

            raise TaskNotFoundError(task, get_close_matches(task, known, n=3))


def _payload_problem(task: str, payload: Any, error: PayloadValidationError) -> Problem:
    definition = REGISTRY.get(task)
    where = "" if definition is None else f"task {task} at {definition.where}"
    if not error.errors():
        return Problem(str(error), where=where)
    what = block_of(error).what
    if payload is None:
        what = f"Task {task!r} needs a payload, and none was given."
        return Problem(
            what,
            where=where,
            why=fields_of(definition),
            fix="Give it with --payload JSON, --payload @file or --payload - (stdin).",
        )
    fix = "Correct the payload. Nothing was triggered."
    return Problem(what, where=where, details=tuple(places(error.errors())), fix=fix)


@contextmanager
def followed_in(follow: bool, shared: Shared) -> Generator[View | None]:
    """What shows a run while it goes on: drawn on a terminal, lines elsewhere; None where nobody asked."""
    if not follow:
        yield None
        return
    with on_stdout():
        stream = sys.stderr if shared.is_json else sys.stdout
        screen = console(stderr=shared.is_json)
        if is_live(screen, stream):
            from taskkit.cli.live import LiveView

            with LiveView(screen) as view:
                yield view
        else:
            with redirect_stdout(sys.stderr) if shared.is_json else nullcontext():
                yield LineView(screen)


async def _to_its_end(
    home: Home, handle: RunHandle[Any], view: View | None, signals: Interruption
) -> Run | None:
    """The run once it is over; None where a signal came and others carry it out."""
    left = asyncio.Event()
    canceling: list[asyncio.Task[Run]] = []

    def interrupted() -> None:
        if home.is_shared:
            left.set()
            return
        (view.say if view is not None else note)("canceling; Ctrl-C again ends at once")
        canceling.append(asyncio.ensure_future(handle.cancel("interrupted from the terminal")))

    signals.first = interrupted
    ended = await _watched(home, handle, view, left)
    for task in canceling:
        await task
    if ended is None:
        note(f"Run {handle.id} goes on. Stop it with: taskkit runs cancel {handle.id}")
    return ended


async def _watched(
    home: Home, handle: RunHandle[Any], view: View | None, left: asyncio.Event
) -> Run | None:
    ending = asyncio.ensure_future(handle.result())
    leaving = asyncio.ensure_future(left.wait())
    showing = asyncio.ensure_future(_shown(home, handle, view))
    try:
        await asyncio.wait((ending, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not ending.done():
            return None
        ending.result()
        await showing
        return await handle.retrieve()
    finally:
        for task in (ending, leaving, showing):
            task.cancel()


async def _shown(home: Home, handle: RunHandle[Any], view: View | None) -> None:
    if view is None:
        return
    async with aclosing(updates(home, handle.id)) as news:
        async for update in news:
            view.show(update)


def show_end(run: Run, *, follow: bool, shared: Shared) -> None:
    """A run's output, or why there is none; at the end of one that was followed the task's own view of it."""
    with on_stdout():
        if shared.is_json:
            write_json(run_data(run))
            return
        if follow:
            console().print(end_line(run))
        if run.is_success:
            if not (follow and show_view(run)):
                show_output(output_data(run))
            return
        screen = console(stderr=not follow)
        if not follow:
            screen.print(end_line(run))
        for line in end_details(run):
            screen.print(clean(line), soft_wrap=True)
