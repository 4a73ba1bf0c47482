"""`taskkit runs ...`: looking at runs, and ending them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import datetime
from typing import Annotated, Any, TypeVar

from cyclopts import Parameter

from taskkit import runs
from taskkit.cli.follow import new_logs, updates
from taskkit.cli.loading import load
from taskkit.cli.options import NOTHING_SAID, Shared
from taskkit.cli.payload import read_payload
from taskkit.cli.problem import OK, RUN_FAILED
from taskkit.cli.run import followed_in, show_end
from taskkit.cli.run_text import end_details, log_data, log_line, output_data, run_data, took
from taskkit.cli.screen import (
    as_json,
    clean,
    console,
    duration,
    moment,
    note,
    short_moment,
    styled,
    table,
    write_json,
)
from taskkit.cli.where import opened_home
from taskkit.definition.task_definition import UNSET
from taskkit.errors import RunNotFoundError
from taskkit.model.run import Run
from taskkit.runtime.home import Home

T = TypeVar("T")
_Several = Annotated[tuple[str, ...], Parameter(help="Only these; may be repeated.")]
_Moment = Annotated[
    str | None,
    Parameter(help="How long ago, such as `2h`, or a moment, such as `2030-01-31T12:00+01:00`."),
]


def list_runs(
    *,
    status: _Several = (),
    task: _Several = (),
    tag: _Several = (),
    batch: _Several = (),
    schedule: _Several = (),
    since: _Moment = None,
    until: _Moment = None,
    limit: Annotated[int, Parameter(help="How many at most; otherwise 20.")] = 20,
    shared: Shared = NOTHING_SAID,
) -> int:
    """List runs, newest first.

    For example:

        taskkit runs list --status FAILED --status CRASHED --since 1d
        taskkit runs list --task import-orders --limit 100 -o json
    """

    async def listed(_: Home) -> list[Run]:
        found = runs.list(
            status=status or None,
            task=task or None,
            tag=tag or None,
            batch=batch or None,
            schedule=schedule or None,
            since=_when(since),
            until=_when(until),
            limit=limit,
        )
        return [run async for run in found]

    found = _on_backend("list", listed, shared)
    if shared.is_json:
        write_json([run_data(run) for run in found])
    elif found:
        console().print(table(_COLUMNS, map(_row, found), broken=("task", "tags")))
    else:
        note("No run matches.")
    return OK


_COLUMNS = ("run", "task", "status", "try", "created", "took", "tags")


def _row(run: Run) -> tuple[Any, ...]:
    attempt = f"{run.attempt}/{run.request.max_attempts}" if run.attempt else ""
    return (
        run.id, run.task_id, styled(run.status), attempt, short_moment(run.created_at), duration(took(run)),
        ", ".join(map(clean, run.tags)),
    )  # fmt: skip


def _when(text: str | None) -> datetime | str | None:
    if text is None or "-" not in text:
        return text
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return text
    return found if found.tzinfo is not None else found.astimezone()


def show(run_id: str, /, *, shared: Shared = NOTHING_SAID) -> int:
    """Show a run: what it was given, what became of it, every attempt.

    For example:

        taskkit runs show run_abc
        taskkit runs show run_abc -o json | jq .error
    """
    run = _on_backend("show", lambda _: runs.retrieve(run_id), shared)
    if shared.is_json:
        write_json(run_data(run))
        return OK
    screen = console()
    shown = table(("name", "value"), [row for row in _facts(run) if row[1]], broken=("value",))
    shown.show_header = False
    screen.print(shown)
    for line in end_details(run):
        screen.print(clean(line), soft_wrap=True)
    return OK


def _facts(run: Run) -> list[tuple[str, Any]]:
    return [
        ("run", run.id),
        ("task", run.task_id),
        ("status", styled(run.status)),
        ("attempt", f"{run.attempt} of {run.request.max_attempts}" if run.attempt else ""),
        ("queue", run.queue),
        ("tags", ", ".join(map(clean, run.tags))),
        ("created", moment(run.created_at)),
        ("starts", moment(run.available_at) if run.is_queued else ""),
        ("started", moment(run.started_at)),
        ("finished", moment(run.finished_at)),
        ("took", duration(took(run))),
        ("parent", run.parent_id),
        ("payload", _json_or_nothing(run.payload)),
        ("metadata", _json_or_nothing(run.metadata or None)),
        ("output", _json_or_nothing(output_data(run))),
    ]


def _json_or_nothing(value: Any) -> str:
    return "" if value is None else clean(as_json(value))


def cancel(*run_ids: str, reason: str | None = None, shared: Shared = NOTHING_SAID) -> int:
    """Ask for the end of one run or several; those that are over stay as they are.

    For example:

        taskkit runs cancel run_abc --reason "wrong file"
    """

    async def canceled(_: Home) -> list[Run]:
        return [await runs.cancel(run_id, reason) for run_id in run_ids]

    found = _on_backend("cancel", canceled, shared)
    if shared.is_json:
        write_json([run_data(run) for run in found])
        return OK
    for run in found:
        state = run.status if run.is_completed else f"{run.status}, and asked to end"
        console().print(f"{run.id}  {state}")
    return OK


def replay(
    *run_ids: str,
    payload: Annotated[
        str | None,
        Parameter(
            allow_leading_hyphen=True,
            help="Another one than theirs, as JSON, `@file`, or `-` for stdin.",
        ),
    ] = None,
    shared: Shared = NOTHING_SAID,
) -> int:
    """Ask for the same again, for one run or several; prints the ids of the new runs, each on a line.

    For example:

        taskkit runs replay run_abc
        taskkit runs tail $(taskkit runs replay run_abc --payload '{"name": "Ada"}')
    """
    given = UNSET if payload is None else read_payload(payload)

    async def replayed(_: Home) -> list[Run]:
        handles = [await runs.replay(run_id, given) for run_id in run_ids]
        return [await handle.retrieve() for handle in handles]

    found = _on_backend("replay", replayed, shared)
    if shared.is_json:
        write_json([run_data(run) for run in found])
        return OK
    for run in found:
        console().print(run.id, highlight=False)
    return OK


def tail(run_id: str, /, *, shared: Shared = NOTHING_SAID) -> int:
    """Follow a run to its end, as `taskkit run --follow` does, with the same exit status.

    For example:

        taskkit runs tail run_abc
    """

    async def followed(home: Home) -> int:
        await runs.retrieve(run_id)  # an unknown one is told before anything is drawn
        run = await _followed(home, run_id, shared)
        show_end(run, follow=True, shared=shared)
        return OK if run.is_success else RUN_FAILED

    return _on_backend("follow", followed, shared)


async def _followed(home: Home, run_id: str, shared: Shared) -> Run:
    with followed_in(True, shared) as view:
        assert view is not None  # it was asked to follow
        async with aclosing(updates(home, run_id)) as news:
            async for update in news:
                view.show(update)
                if update.run.is_completed:
                    return update.run
    raise RunNotFoundError(run_id)  # the iteration ends with a final run


def logs(run_id: str, /, *, shared: Shared = NOTHING_SAID) -> int:
    """Print what a run logged.

    For example:

        taskkit runs logs run_abc
        taskkit runs logs run_abc -o json | jq -r '.[].message'
    """

    async def read(home: Home) -> list[Any]:
        await runs.retrieve(run_id)
        return await new_logs(home, run_id, 0)

    found = _on_backend("read", read, shared)
    if shared.is_json:
        write_json([log_data(entry) for entry in found])
        return OK
    for entry in found:
        console().print(log_line(entry), soft_wrap=True)
    return OK


def _on_backend(what: str, work: Callable[[Home], Awaitable[T]], shared: Shared) -> T:
    """Do this with the configured backend, opened."""

    async def opened() -> T:
        async with opened_home(what) as home:
            return await work(home)

    load(shared)
    return asyncio.run(opened())
