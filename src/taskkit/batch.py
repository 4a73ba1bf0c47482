"""Batches of any tasks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from taskkit.runtime.portal import twin
from taskkit.trigger import calls
from taskkit.trigger.calls import BatchItem, BatchResult
from taskkit.trigger.handle import BatchHandle
from taskkit.trigger.pending import Pending


async def trigger(items: Iterable[BatchItem[Any, Any]], /) -> BatchHandle[Any]:
    """Ask for runs of any tasks at once: `[sync_user.item(user), send_mail.item(mail, delay="10m")]`.

    Idempotent item by item: after a failure the same call, with the same keys, finishes the batch.
    """
    return await calls.batch_trigger([calls.as_item(None, item) for item in calls.listed(items)])


def trigger_and_wait(
    items: Iterable[BatchItem[Any, Any]], /
) -> Pending[BatchResult[Any], list[Any]]:
    """Ask for child runs of any tasks and wait for all, inside a task."""
    name = "batch.trigger_and_wait"
    inner = calls.batch_trigger_and_wait(
        name, [calls.as_item(None, item) for item in calls.listed(items)]
    )
    return Pending(inner, calls.unwrap_all, name)


class sync:
    """The same calls for plain code; `batch.sync.trigger(...)`."""

    trigger = staticmethod(twin(trigger))
    trigger_and_wait = staticmethod(twin(trigger_and_wait))
