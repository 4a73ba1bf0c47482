"""Where a plain function runs: in a thread."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import anyio
from anyio import to_thread

if TYPE_CHECKING:
    from taskkit.engine.worker import Runner


async def call_in_thread(runner: Runner, fn: Callable[..., Any], *args: Any) -> Any:
    """What `fn(*args)` returns, in a worker thread that sees this context.

    A cancellation leaves the thread alone and comes through at once: a thread cannot be stopped. The
    number of threads is bounded by the worker's slots, so no other limit stands in the way of a thread that
    replaces one which was left behind.
    """
    clock = runner.home.clock
    clock.busy += 1
    try:
        return await to_thread.run_sync(fn, *args, abandon_on_cancel=True, limiter=runner.threads())
    finally:
        clock.busy -= 1


def unlimited() -> anyio.CapacityLimiter:
    return anyio.CapacityLimiter(math.inf)
