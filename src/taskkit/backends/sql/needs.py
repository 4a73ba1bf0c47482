"""What a call will look at, told from its arguments."""

from __future__ import annotations

from collections.abc import Sequence

from taskkit.backends.sql.call import Needs
from taskkit.model.exchange import Lease, Outcome, Runs, Suspended
from taskkit.model.request import TriggerRequest


def enqueue(requests: Sequence[TriggerRequest]) -> Needs:
    """The ids, of which none should be known, and the keys that racers meet at."""
    names = [
        f"key:{one.task_id}:{one.idempotency_key}" for one in requests if one.idempotency_key
    ] + [f"debounce:{one.task_id}:{one.debounce.key}" for one in requests if one.debounce]
    return Needs(runs=[one.run_id for one in requests], names=names, new=len(requests))


def settle(lease: Lease, outcome: Outcome | Suspended) -> Needs:
    """The run, and when it is to wait, what it waits for."""
    ends: list[str] = []
    if isinstance(outcome, Suspended):
        ends = [
            run_id for wait in outcome.waits if isinstance(wait.on, Runs) for run_id in wait.on.ids
        ]
    return Needs(runs=[lease.run.id], ends=ends)
