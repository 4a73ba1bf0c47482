"""Batches of any tasks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from taskkit.errors import BatchNotFoundError
from taskkit.model.exchange import RunFilter
from taskkit.model.run import Run, RunStatus
from taskkit.runtime.current_backend import current_home
from taskkit.runtime.portal import twin
from taskkit.trigger import calls
from taskkit.trigger.calls import BatchItem, BatchResult
from taskkit.trigger.handle import BatchHandle
from taskkit.trigger.pending import Pending
from taskkit.trigger.run_list import all_of, check_text


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


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it stood when it was read.

    `runs` are in the order of its items; an item that an idempotency key led to an older run is a run of the
    older batch. `counts` says how many of them are in each status that one of them has.
    """

    id: str
    runs: list[Run]
    counts: Mapping[RunStatus, int]

    @property
    def is_completed(self) -> bool:
        """All of its runs have ended, well or not."""
        return all(status.is_final for status in self.counts)


async def retrieve(batch_id: str) -> Batch:
    """The batch as it stands; BatchNotFoundError when no run belongs to it, as to a batch without items."""
    home = current_home()
    where = RunFilter(batch=frozenset({check_text("batch_id", batch_id)}))
    runs = await home.call(all_of, home, where)
    if not runs:
        raise BatchNotFoundError(batch_id)
    return Batch(batch_id, runs[::-1], Counter(run.status for run in runs))


class sync:
    """The same calls for plain code; `batch.sync.trigger(...)`."""

    trigger = staticmethod(twin(trigger))
    trigger_and_wait = staticmethod(twin(trigger_and_wait))
    retrieve = staticmethod(twin(retrieve))
