"""Cancellations of the serving task: taken back, and heard although a client of a store has swallowed them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Sequence
from typing import Any, Final

from taskkit.backends.base import Now, QueueBackend
from taskkit.errors import LeaseLostError, StoreUnavailableError
from taskkit.model.exchange import Lease, Released

_LAST_ANSWER: Final = 5.0
"""Seconds that a claim may still take once its worker was canceled."""


def uncancel() -> bool:
    """This task goes on after its cancellation, so that it can be awaited again; whether there was one."""
    task = asyncio.current_task()
    if task is None or not task.cancelling():
        return False
    task.uncancel()
    return True


def raise_swallowed() -> None:
    """Raise the cancellation that came while a store was asked, where its client went on all the same.

    `asyncio.wait_for` of Python 3.11 does when the answer is there at the same moment, and clients use it.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def claimed(
    backend: QueueBackend, claim: Coroutine[Any, Any, Sequence[Lease]], now: Now
) -> Sequence[Lease]:
    """What the claim gives; what it has taken when this task is canceled meanwhile is given back at once.

    Cut off in its middle it would have taken runs that nobody hears of, until their leases end as deaths.
    """
    asking = asyncio.ensure_future(claim)
    try:
        return await asyncio.shield(asking)
    except asyncio.CancelledError:
        await asyncio.wait([asking], timeout=_LAST_ANSWER)
        if asking.cancel() or asking.cancelled() or asking.exception() is not None:
            raise
        for lease in asking.result():
            with contextlib.suppress(StoreUnavailableError, LeaseLostError):
                await backend.settle(lease, Released(), now=now)
        raise
