"""Whether a worker still has what it believes to have, after it stood still or was cut off from its server."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from temporalio import activity
from temporalio.client import AsyncActivityCancelledError, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from taskkit.backends.temporal.record import State
from taskkit.model.exchange import Signal

if TYPE_CHECKING:
    from taskkit.backends.temporal.delivery import Delivery
    from taskkit.backends.temporal.worker import Serving

_Status = WorkflowExecutionStatus
_ENDED_FROM_OUTSIDE: Final = frozenset({_Status.TERMINATED, _Status.CANCELED})
_MARGIN: Final = 5.0
_SHORTEST: Final = 2.0


class Doubt:
    """What is parked may have gone elsewhere while its worker did not poll, and nobody tells.

    After each such time its workflow is read, at once and again when its last order that nobody took has run out:
    two calls for each parked run.
    """

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        self._lease = serving.backend.place.lease
        self._looks: list[float] = []
        self._turned: float | None = None

    async def turn(self, *, was_away: bool) -> None:
        """Called by the worker's loop about each second, while the server answers; `was_away`: it did not before."""
        now = asyncio.get_running_loop().time()
        stood_still = self._turned is not None and now - self._turned > max(
            self._lease / 2, _SHORTEST
        )
        self._turned = now
        if was_away or stood_still:
            self._looks = [now, now + self._lease + _MARGIN]
        if self._looks and self._looks[0] <= now:
            del self._looks[0]
            parked = [one for one in self._serving.parked.values() if one.reply is None]
            await asyncio.gather(*map(self._look, parked))

    async def _look(self, delivery: Delivery) -> None:
        try:
            signal = await self._became_of(delivery)
        except RPCError:
            return  # the loop sees it, and comes again
        is_parked = self._serving.parked.get(delivery.run_id) is delivery
        if signal is not None and is_parked and delivery.reply is None:
            delivery.tell(signal)

    async def _became_of(self, delivery: Delivery) -> Signal | None:
        """What a parked run is to be told; None when it is still parked here, as far as its workflow has shown."""
        description = await self._serving.backend.reader.describe(delivery.run_id)
        if description is None:
            return Signal.LOST
        if description.status is not _Status.RUNNING:
            return Signal.CANCEL if description.status in _ENDED_FROM_OUTSIDE else Signal.LOST
        state = await description.memo_value("state", None, type_hint=State)
        if state is None or state.round < delivery.number:  # from before it was parked
            return None
        return None if state.holder == self._serving.own_queue else Signal.LOST


async def is_given_away(serving: Serving) -> bool:
    """Whether an order came so late that somebody else has it: it was on its way to a worker that stood still.

    Asks the server only where that may be, by the clock of this machine.
    """
    info = activity.info()
    if datetime.now(UTC) - info.started_time < (info.heartbeat_timeout or timedelta.max):
        return False
    handle = serving.backend.client.get_async_activity_handle(task_token=info.task_token)
    try:
        await handle.heartbeat()
    except AsyncActivityCancelledError:
        return False  # which its task hears, too
    except RPCError as error:
        return error.status is RPCStatusCode.NOT_FOUND
    return False


async def why_canceled(serving: Serving, run_id: str) -> Signal:
    """What a cancellation of the activity means: an end that is asked for, a stop of the worker, a lost lease."""
    details = activity.cancellation_details()
    if details is None or details.cancel_requested:
        return Signal.CANCEL
    if details.worker_shutdown:
        return Signal.SHUTDOWN
    if details.not_found:  # its time was over, or somebody has ended the workflow itself
        try:
            description = await serving.backend.reader.describe(run_id)
        except RPCError:
            return Signal.LOST
        if description is not None and description.status in _ENDED_FROM_OUTSIDE:
            return Signal.CANCEL
    return Signal.LOST
