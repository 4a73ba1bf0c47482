"""What a call will look at, told from its arguments."""

from __future__ import annotations

from collections.abc import Sequence

from taskkit.backends.sql.call import Needs
from taskkit.model.exchange import Lease, Outcome, Runs, Suspended
from taskkit.model.request import TriggerRequest


def enqueue(requests: Sequence[TriggerRequest]) -> Needs:
    """The ids, of which none should be known, and the keys that racers meet at."""
    names: list[str] = []
    looked_for: list[str] = []
    for one in requests:
        if one.idempotency_key is not None:
            names.append(f"key:{one.task_id}:{one.idempotency_key}")
        if one.debounce is not None:
            names.append(f"debounce:{one.task_id}:{one.debounce.key}")
        if one.idempotency_key is not None or one.debounce is not None:
            looked_for.append(one.run_id)
    return Needs(runs=looked_for, names=names, new=[one.run_id for one in requests])


def settle(lease: Lease, outcome: Outcome | Suspended) -> Needs:
    """The run, and when it is to wait, what it waits for."""
    ends: list[str] = []
    if isinstance(outcome, Suspended):
        ends = [
            run_id for wait in outcome.waits if isinstance(wait.on, Runs) for run_id in wait.on.ids
        ]
    return Needs(claimed=[lease.run.id], ends=ends)
