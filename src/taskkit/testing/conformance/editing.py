"""Changing what was asked for: another moment for a delayed run, a key that is forgotten."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import cast

from taskkit.backends.base import Capability, SupportsEdit
from taskkit.errors import RunNotDelayedError, RunNotFoundError
from taskkit.model.exchange import Completed
from taskkit.model.ids import new_run_id
from taskkit.model.run import Run
from taskkit.testing.conformance.check import check, expect, expect_error
from taskkit.testing.conformance.trial import OTHER_TASK, TASK, Trial

_DELAY = Capability.DELAY


async def _reschedule(trial: Trial, run_id: str, at: datetime) -> Run:
    editor = cast("SupportsEdit", trial.backend)
    return await editor.reschedule(run_id, at, now=trial.now)


@check("SupportsEdit.reschedule", _DELAY, protocol=SupportsEdit)
async def a_delayed_run_can_be_moved(trial: Trial) -> None:
    """A DELAYED run starts at the moment that was said last: later, earlier, or now."""
    later, earlier = [await trial.add(delay_until=trial.after(60)) for _ in range(2)]
    at_once = await trial.add(delay_until=trial.after(60))
    moment = trial.after(100)
    run = await _reschedule(trial, later, moment)
    came = (run.id, run.status, run.available_at)
    expect("the run that reschedule gives", came, (later, "DELAYED", moment))
    await _reschedule(trial, earlier, trial.after(10))
    await _reschedule(trial, at_once, trial.after(-1))
    for seconds, run_id in ((0, at_once), (11, earlier)):
        trial.later(seconds)
        lease = await trial.take(run_id, what=f"what a claim gives after {seconds} s")
        await trial.settle(lease, Completed(b"1"))
    trial.later(88)
    await trial.nothing_due("1 s before the moment that was said last")
    trial.later(2)
    await trial.take(later, what="what a claim gives after the moment that was said last")


@check("SupportsEdit.reschedule", _DELAY, protocol=SupportsEdit)
async def only_a_delayed_run_can_be_moved(trial: Trial) -> None:
    """For a run that is not DELAYED it is RunNotDelayedError, for an unknown one RunNotFoundError."""
    queued = await trial.add()
    canceled = await trial.add(delay_until=trial.after(60))
    await trial.cancel(canceled)
    for run_id in (queued, canceled):
        call = _reschedule(trial, run_id, trial.after(10))
        await expect_error("reschedule of a run that is not DELAYED", RunNotDelayedError, call)
    call = _reschedule(trial, new_run_id(), trial.after(10))
    await expect_error("reschedule of an unknown run", RunNotFoundError, call)
    expect("the runs that are due", await trial.claimed(), [queued])


@check("SupportsEdit.release_key", Capability.IDEMPOTENCY, protocol=SupportsEdit)
async def a_key_can_be_released(trial: Trial) -> None:
    """A key that is released gives a new run; only the key of this task, and it says whether it was held."""
    editor, key = cast("SupportsEdit", trial.backend), sha256(b"order-7").hexdigest()
    for task_id in (TASK, OTHER_TASK):
        await trial.add(task_id=task_id, idempotency_key=key)
    came = [await editor.release_key(TASK, key) for _ in range(2)]
    expect("whether the key was held, at the first and the second call", came, [True, False])
    for task_id, expected in ((TASK, "created"), (OTHER_TASK, "existing")):
        (answer,) = await trial.enqueue(trial.request(task_id=task_id, idempotency_key=key))
        expect(f"the answer to the key of task {task_id!r}", answer.disposition, expected)
