"""Checks of retention: what is forgotten, and what is not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from taskkit.backends.base import Capability, SupportsPurge, SupportsQuery
from taskkit.model.exchange import Completed, Entry, EntryKind, RunFilter
from taskkit.testing.conformance.check import check, expect
from taskkit.testing.conformance.trial import Trial

_PURGE = "SupportsPurge.purge"


async def _purge(trial: Trial, before: datetime, limit: int = 100) -> int:
    return await cast("SupportsPurge", trial.backend).purge(before, limit=limit)


async def _left(trial: Trial, run_ids: Sequence[str]) -> list[str]:
    """Which of these runs the backend still knows."""
    found = await trial.backend.get(run_ids)
    return [run_id for run_id, run in zip(run_ids, found, strict=True) if run is not None]


async def _over(trial: Trial, count: int) -> list[str]:
    """The ids of runs that ended, a second apart, the last one now."""
    done: list[str] = []
    for _ in range(count):
        trial.later(1)
        lease = await trial.start()
        await trial.settle(lease, Completed(b"1"))
        done.append(lease.run.id)
    return done


@check(_PURGE, protocol=SupportsPurge)
async def a_purge_forgets_what_ended_before(trial: Trial) -> None:
    """Runs that ended before the moment are gone; one that ended at it or later, or goes on, stays."""
    (old,) = await _over(trial, 1)
    going_on = (await trial.start()).run.id
    (young,) = await _over(trial, 1)
    queued = await trial.add()
    runs = [old, going_on, young, queued]
    expect("how many were forgotten", await _purge(trial, trial.moment), 1)
    expect("the runs that are left", await _left(trial, runs), [going_on, young, queued])
    if isinstance(trial.backend, SupportsQuery) and trial.declares(Capability.LIST):
        page = await trial.backend.list(RunFilter(), cursor=None, limit=10)
        expect("the list", [run.id for run in page.items], [queued, young, going_on])
    expect("how many were forgotten then", await _purge(trial, trial.moment), 0)


@check(_PURGE, protocol=SupportsPurge)
async def a_purge_stops_at_its_limit(trial: Trial) -> None:
    """As many as were asked for, the oldest ends first, until there are no more."""
    runs = await _over(trial, 5)
    trial.later(1)
    came = [await _purge(trial, trial.moment, 2), await _left(trial, runs)]
    expect("the first two of five", came, [2, runs[2:]])
    came = [await _purge(trial, trial.moment, limit) for limit in (2, 2, 2)]
    expect("what further purges of two forget", came, [2, 1, 0])


@check(_PURGE, Capability.WAITS, protocol=SupportsPurge)
async def a_purge_leaves_the_children_of_a_run_that_goes_on(trial: Trial) -> None:
    """A parent that is entered again meets its children and their answers, however old they are."""
    parent = await trial.start()
    child = await trial.child_of(parent)
    await trial.settle(await trial.take(child), Completed(b"1"))
    trial.later(1)
    expect("how many were forgotten", await _purge(trial, trial.moment), 0)
    await trial.park(parent, trial.for_time(60), trial.for_runs(child))
    expect("how many were forgotten while it waits", await _purge(trial, trial.moment), 0)
    lease = await trial.take(parent.run.id, kind="resume")
    came = [run.id for one in lease.answers.values() if isinstance(one, tuple) for run in one]
    expect("the runs of its answer", came, [child])
    await trial.settle(lease, Completed(b"2"))
    trial.later(1)
    purged = [await _purge(trial, trial.moment) for _ in range(3)]
    expect("how many were forgotten after its end", sum(purged), 2)
    expect("the runs that are left", await _left(trial, [child, parent.run.id]), [])


@check(_PURGE, Capability.IDEMPOTENCY, Capability.LOGS, protocol=SupportsPurge)
async def what_was_purged_can_come_again(trial: Trial) -> None:
    """Nothing of the run is left: its id and its idempotency key are free, and its entries do not come back."""
    request = trial.request(idempotency_key="key")
    await trial.enqueue(request)
    lease = await trial.take(request.run_id)
    await trial.append(request.run_id, Entry(EntryKind.LOG, "before"), flush_id="flush")
    await trial.settle(lease, Completed(b"1"))
    trial.later(1)
    expect("how many were forgotten", await _purge(trial, trial.moment), 1)
    (answer,) = await trial.enqueue(request)
    expect("the answer to the same request", answer.disposition, "created")
    expect("its entries", await trial.data(request.run_id, EntryKind.LOG), [])
    await trial.append(request.run_id, Entry(EntryKind.LOG, "after"), flush_id="flush")
    expect("its entries", await trial.data(request.run_id, EntryKind.LOG), ["after"])
