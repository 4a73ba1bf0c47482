"""Running one check on one fresh backend."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any, cast

from taskkit.backends.base import Backend, Capability
from taskkit.runtime.home import Home
from taskkit.testing.conformance.check import Check, CheckFailedError
from taskkit.testing.conformance.refusal import DOORS, NO_DOOR, expect_refusal
from taskkit.testing.conformance.trial import Trial

TIME_LIMIT = 30.0
"""Seconds of real time that a check may take."""

MakeAnother = Callable[[Any], object]


def no_other(_: Backend) -> None:
    """No second instance on the same store is offered."""


async def run_check(
    check: Check,
    make_backend: Callable[[], object],
    *,
    make_another: MakeAnother = no_other,
    time_limit: float = TIME_LIMIT,
) -> str | None:
    """None when the rule holds, and the reason when it does not apply to this backend.

    `make_backend` gives a backend that is empty and not open: the backend itself, something to await, or
    an async context manager round it; `make_another` is given that backend, and gives in the same ways
    another instance on its store, or None. Where a capability that the rule needs is not declared, the rule
    is that asking for it raises UnsupportedByBackendError before anything is stored. Raises CheckFailedError.
    """
    async with made(make_backend) as backend:
        declared = backend.capabilities
        missing = [capability for capability in check.needs if capability not in declared]
        try:
            if missing:
                return await _refused(check, missing, declared)
            if check.protocol is not Backend and not isinstance(backend, check.protocol):
                return f"{type(backend).__name__} does not implement {check.protocol.__name__}"
            if Capability.SHARED not in check.needs:
                await _holds(check, [backend], time_limit)
                return None
            async with made(lambda: make_another(backend)) as another:
                return await _holds_for_two(check, backend, another, time_limit)
        except CheckFailedError as error:
            error.check = check
            raise
    return None


async def _refused(
    check: Check, missing: list[Capability], declared: frozenset[Capability]
) -> str | None:
    for capability in missing:
        if capability in DOORS:
            await expect_refusal(capability, declared, frozenset(check.needs) - {capability})
    closed = [capability for capability in missing if capability not in DOORS]
    return "; ".join(f"{c.name} is not declared, and {NO_DOOR[c]}" for c in closed) or None


async def _holds_for_two(
    check: Check, backend: Backend, another: Backend | None, time_limit: float
) -> str | None:
    if another is None and check.needs_another:
        return f"make_another gives no second instance of {type(backend).__name__}"
    await _holds(check, [backend] if another is None else [backend, another], time_limit)
    return None


async def _holds(check: Check, backends: Sequence[Backend], time_limit: float) -> None:
    limit = asyncio.timeout(time_limit)
    async with _opened(backends) as trials:
        try:
            async with limit:
                for trial in trials:
                    await trial.declare()
                await check.body(trials[0])
        except CheckFailedError:
            raise
        except Exception as error:
            came = f"{type(error).__name__}: {error}"
            if limit.expired():
                came = f"nothing within {time_limit:g} s"
            what = "the calls of this check"
            raise CheckFailedError(what, expected="an answer, and no error", came=came) from error


@asynccontextmanager
async def _opened(backends: Sequence[Backend]) -> AsyncGenerator[list[Trial]]:
    """Open them all at the same moment, as processes that are started together do."""
    homes = [Home(partial(_same, one), name=type(one).__name__) for one in backends]
    try:
        await asyncio.gather(*(home.ready() for home in homes))
        trials = [Trial(home, is_alone=len(homes) == 1) for home in homes]
        trials[0].another = trials[1] if len(trials) > 1 else None
        yield trials
    finally:
        for home in homes:
            await home.close()


def _same(backend: Backend) -> Backend:
    return backend


@asynccontextmanager
async def made(make_backend: Callable[[], object]) -> AsyncGenerator[Backend]:
    made: Any = make_backend()
    if inspect.isawaitable(made):
        made = await made
    if hasattr(made, "__aenter__") and not hasattr(made, "enqueue"):
        async with cast("AbstractAsyncContextManager[Backend]", made) as backend:
            yield backend
    else:
        yield cast("Backend", made)
