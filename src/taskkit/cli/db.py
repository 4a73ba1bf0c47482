"""`taskkit db ...`: the schema of the store that keeps runs, and what it keeps for too long."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated

from cyclopts import Parameter

from taskkit.backends.base import SupportsMigrations, SupportsPurge
from taskkit.cli.loading import load
from taskkit.cli.options import NOTHING_SAID, Shared, seconds_of
from taskkit.cli.problem import OK, TROUBLE, Problem
from taskkit.cli.screen import clean, console, moment, note, write_json
from taskkit.cli.where import opened_home, shared_home, unreachable, without_password
from taskkit.errors import InvalidOptionError, TaskkitError, UnsupportedByBackendError
from taskkit.model.exchange import MigrationStatus
from taskkit.runtime.current_backend import GROUP

_STEP = 1000


def status(*, shared: Shared = NOTHING_SAID) -> int:
    """Show which version the store's schema has, and which steps to the latest are missing; changes nothing.

    For example:

        taskkit db status --backend postgresql://localhost/shop
    """
    name, store = _migrated(shared, "taskkit db status")
    _show(name, asyncio.run(_reached(name, store.migrations())), shared)
    return OK


def upgrade(*, shared: Shared = NOTHING_SAID) -> int:
    """Bring the store's schema to the version that this taskkit works with.

    Workers may go on meanwhile. Does nothing where nothing is missing, so each deploy can call it.

    For example:

        taskkit db upgrade --backend postgresql://localhost/shop
    """
    name, store = _migrated(shared, "taskkit db upgrade")

    async def upgraded() -> MigrationStatus:
        for step in (await store.migrations()).pending:
            note(f"missing: {step}")
        return await store.upgrade()

    _show(name, asyncio.run(_reached(name, upgraded())), shared)
    return OK


def purge(
    *,
    older_than: Annotated[
        str, Parameter(help="How long ago a run must have ended, such as `30d` or `12h`.")
    ],
    limit_per_step: Annotated[
        int, Parameter(help="How many runs at a time; otherwise 1000.")
    ] = _STEP,
    shared: Shared = NOTHING_SAID,
) -> int:
    """Forget runs that ended long ago, in small steps, so that others can go on meanwhile.

    For example:

        taskkit db purge --older-than 30d
    """
    age = seconds_of(older_than, what="--older-than")
    if limit_per_step < 1:
        raise InvalidOptionError("--limit-per-step", limit_per_step, "give at least 1.")
    load(shared)
    before = datetime.now(UTC) - timedelta(seconds=age)
    number = asyncio.run(_purged(before, limit_per_step))
    if shared.is_json:
        write_json({"purged": number, "ended_before": before})
    else:
        runs = "run" if number == 1 else "runs"
        console().print(f"{number} {runs} that ended before {moment(before)} forgotten")
    return OK


async def _purged(before: datetime, step: int) -> int:
    total = 0
    async with opened_home("purge") as home:
        store = home.backend
        if not isinstance(store, SupportsPurge):
            raise UnsupportedByBackendError("taskkit db purge", backend=home.name)
        while number := await store.purge(before, limit=step):
            total += number
            if sys.stderr.isatty():
                note(f"{total} forgotten so far")
    return total


def _migrated(shared: Shared, what: str) -> tuple[str, SupportsMigrations]:
    """The backend, not opened: it may not be usable before an upgrade."""
    load(shared)
    home = shared_home()
    if home is None:
        raise Problem(
            "There is no store to look after.",
            why="Runs in memory have none, and no other backend is configured.",
            fix="Name a backend that keeps runs: --backend URL, TASKKIT_BACKEND, or backend under [tool.taskkit].",
            status=TROUBLE,
        )
    name = without_password(home.name)
    if not isinstance(home.backend, SupportsMigrations):
        raise _without_schema(name, what)
    return name, home.backend


def _without_schema(name: str, what: str) -> Problem:
    others = ", ".join(f"{scheme}://" for scheme in _migrated_schemes()) or "none of those here"
    return Problem(
        f"The backend {name} keeps no schema that needs migrating.",
        why=f"{what} is about the tables in which a backend keeps runs, and their version; this one has none.",
        fix=f"There is nothing to do for it. Backends with such a schema: {others}.",
        status=TROUBLE,
    )


def _migrated_schemes() -> list[str]:
    """The URLs of the installed backends that have versions of a schema."""
    from importlib.metadata import entry_points  # reads the disk, and only this remark needs it

    found: list[str] = []
    for entry in entry_points(group=GROUP):
        # one whose extra is not installed cannot be asked
        with suppress(ImportError):
            if hasattr(entry.load(), "migrations"):
                found.append(entry.name)
    return sorted(found)


async def _reached(name: str, asked: Awaitable[MigrationStatus]) -> MigrationStatus:
    try:
        return await asked
    except TaskkitError:
        raise
    except Exception as error:  # a driver may raise what it likes
        raise unreachable(name, error) from error


def _show(name: str, found: MigrationStatus, shared: Shared) -> None:
    if shared.is_json:
        write_json(asdict(found))
        return
    console().print(f"{name} {clean(_said(found))}", soft_wrap=True)
    for step in found.pending:
        console().print(f"  missing  {clean(step)}", soft_wrap=True)
    if found.pending:
        note("taskkit db upgrade does what is missing.")


def _said(found: MigrationStatus) -> str:
    if found.version > found.latest:
        return (
            f"is at version {found.version}, which is newer than this taskkit knows ({found.latest}): "
            f"install a newer one here."
        )
    if found.version == 0:
        return f"was not used yet; the latest version is {found.latest}."
    if found.pending:
        return f"is at version {found.version}; the latest is {found.latest}."
    return f"is at version {found.version}, the latest."
