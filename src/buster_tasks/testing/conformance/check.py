"""A check: one rule of `DataSource`, and what it is given."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from buster_tasks.sources.base import DataSource
from buster_tasks.sources.schema import Filters, Introspection
from buster_tasks.testing.dialect import Dialect
from taskkit.testing import CheckFailedError

TIME_LIMIT = 30.0
"""Seconds of real time that a check may take."""

Body = Callable[["Trial"], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A source that cannot be opened, the type of the error, and the secrets that it may not tell."""

    source: DataSource
    error: type[Exception]
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """One rule as a plain async function of a `Trial`; `needs` names fields of the dialect that must be there."""

    name: str
    rule: str
    needs: tuple[str, ...]
    body: Body


@dataclass(frozen=True, slots=True)
class Trial:
    """A source that is not open yet, and what is known of its database."""

    source: DataSource
    dialect: Dialect
    secrets: Sequence[str] = ()
    refusals: Callable[[], Sequence[Refusal]] = tuple[Refusal]

    async def found(self, **filters: Any) -> Introspection:
        """The introspection with these filters."""
        return await self.source.introspect(Filters(**filters))

    def table(self, name: str, schema: str | None = None) -> str:
        """The table's name for a statement."""
        return self.dialect.name(schema or self.dialect.schema, name)

    async def rows(self, sql: str) -> list[tuple[object, ...]]:
        """All rows of a statement."""
        return [tuple(row) for row in (await self.source.execute(sql, max_rows=10_000)).rows]


_checks: dict[str, Check] = {}


def check(*needs: str) -> Callable[[Body], Body]:
    """Make an async function a check: its name is the rule in short, its docstring the rule."""

    def register(body: Body) -> Body:
        name = getattr(body, "__name__", repr(body))
        _checks[name] = Check(name, (body.__doc__ or "").strip(), needs, body)
        return body

    return register


def registered() -> tuple[Check, ...]:
    """Every check of the modules that have been imported, in order."""
    return tuple(_checks.values())


async def run_check(
    check: Check,
    make_source: Callable[[], object],
    dialect: Dialect,
    *,
    secrets: Sequence[str] = (),
    refusals: Callable[[], Sequence[Refusal]] = tuple[Refusal],
    time_limit: float = TIME_LIMIT,
) -> str | None:
    """None when the rule holds, and the reason when it does not apply. Raises CheckFailedError.

    `make_source` gives a source that is not open, or something to await for it; it is closed here.
    """
    missing = [need for need in check.needs if not getattr(dialect, need)]
    if missing:
        return f"the dialect has no {', '.join(missing)}"
    made: Any = make_source()
    source: DataSource = await made if inspect.isawaitable(made) else made
    try:
        await _holds(check, Trial(source, dialect, secrets, refusals), time_limit)
    except BaseException:
        # what the check found is told, not what the source says to being closed
        with contextlib.suppress(Exception):
            async with asyncio.timeout(time_limit):
                await source.close()
        raise
    return None


async def _holds(check: Check, trial: Trial, time_limit: float) -> None:
    limit = asyncio.timeout(time_limit)
    try:
        async with limit:
            await check.body(trial)
            await trial.source.close()
    except CheckFailedError as error:
        error.add_note(f"check {check.name}, rule: {check.rule}")
        raise
    except Exception as error:
        came = f"nothing within {time_limit:g} s" if limit.expired() else _told(error)
        failed = CheckFailedError("the calls", expected="an answer, and no error", came=came)
        failed.add_note(f"check {check.name}, rule: {check.rule}")
        raise failed from error


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
