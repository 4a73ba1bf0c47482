"""Queues while runs go on: what they show, pauses, other limits; and turns between queues and keys."""

from __future__ import annotations

from typing import cast

from taskkit.backends.base import Capability, SupportsQueues
from taskkit.errors import QueueNotFoundError
from taskkit.model.exchange import Canceled, Completed, QueueRecord, RetryAt
from taskkit.model.queue import Queue
from taskkit.testing.conformance.check import check, expect, expect_error, expect_that
from taskkit.testing.conformance.trial import ERROR, TWO, Trial

_QUEUES, _LIMIT, _FAIR = Capability.QUEUES, Capability.QUEUE_LIMIT, Capability.FAIR
BUSY, OTHER = "busy", "other"
_MOST_BEFORE = 3
"""How many runs of a queue or key may start before one of another that came later: a few."""


def _queues(trial: Trial) -> SupportsQueues:
    return cast("SupportsQueues", trial.backend)


async def _shown(trial: Trial, name: str = BUSY) -> QueueRecord | None:
    return next((one for one in await _queues(trial).list_queues() if one.name == name), None)


async def _load(trial: Trial) -> tuple[int, int]:
    shown = await _shown(trial)
    return (-1, -1) if shown is None else (shown.running, shown.queued)


@check("SupportsQueues.list_queues", _QUEUES)
async def a_queue_shows_its_load(trial: Trial) -> None:
    """A declared queue is listed with its limit, the runs that hold a slot, and those that wait for one."""
    await trial.declare(Queue(BUSY, 2, 50))
    shown = await _shown(trial)
    expect("a queue that was declared", shown, QueueRecord(BUSY, 2, 0, 0, False, 2, False, 50))
    for _ in range(3):
        await trial.add(queue=BUSY)
    expect("running, queued of a queue with 3 runs", await _load(trial), (0, 3))
    leases = await trial.claim(limit=2)
    expect("running, queued when 2 have started", await _load(trial), (2, 1))
    await trial.settle(leases[0], Completed(b"1"))
    expect("running, queued when 1 has ended", await _load(trial), (1, 1))


@check("SupportsQueues.update_queue", _QUEUES)
async def an_unknown_queue_cannot_be_changed(trial: Trial) -> None:
    """A name that was neither declared nor used is QueueNotFoundError, and no queue comes of it."""
    call = _queues(trial).update_queue("never-heard-of", paused=True)
    await expect_error("update_queue of an unknown name", QueueNotFoundError, call)
    expect("the queue", await _shown(trial, "never-heard-of"), None)


@check("SupportsQueues.update_queue", _QUEUES)
async def a_paused_queue_starts_nothing(trial: Trial) -> None:
    """Neither what stands in it nor what is added nor a next attempt starts; other queues go on."""
    retried = await trial.start(queue=BUSY)
    first = await trial.add(queue=BUSY)
    shown = await _queues(trial).update_queue(BUSY, paused=True)
    expect("that it shows as paused", shown.paused, True)
    second = await trial.add(queue=BUSY)
    await trial.settle(retried, RetryAt(trial.moment, ERROR))
    other = await trial.add(queue=OTHER)
    expect("the runs that start", await trial.claimed(), [other])
    shown = await _queues(trial).update_queue(BUSY, paused=False)
    expect("that it shows as paused", shown.paused, False)
    came = await trial.claimed()
    expect("the runs that start then", sorted(came), sorted([retried.run.id, first, second]))


@check("SupportsQueues.update_queue", _QUEUES, Capability.WAITS, Capability.CANCEL_RUNNING)
async def a_paused_queue_lets_those_end_that_have_begun(trial: Trial) -> None:
    """Answers of waits, also for another worker than the one that parked, and clean-ups go on."""
    answered, released, canceled = [await trial.start(queue=BUSY) for _ in range(3)]
    for lease in (answered, released, canceled):
        await trial.park(lease, trial.for_time(5 if lease is not canceled else 900))
    await _queues(trial).update_queue(BUSY, paused=True)
    await trial.cancel(canceled.run.id)
    await trial.settle(await trial.take(canceled.run.id, kind="cleanup"), Canceled())
    trial.later(6)
    leases = await trial.claim(limit=1)
    expect("the kind of the lease", [one.kind for one in leases], ["resume"])
    await trial.settle(leases[0], Completed(b"1"))
    trial.later(60)
    leases += await trial.claim(TWO)
    came = sorted((one.run.id, one.kind) for one in leases)
    expected = sorted((one.run.id, "resume") for one in (answered, released))
    expect("the runs that come back", came, expected)


@check("SupportsQueues.update_queue", _QUEUES, _LIMIT)
async def another_limit_counts_in_the_place_of_the_declared_one(trial: Trial) -> None:
    """A limit that is put over the declared one counts at once, and the declared one again after a reset."""
    await trial.declare(Queue(BUSY, 1))
    runs = [await trial.add(queue=BUSY) for _ in range(6)]
    expect("the runs that start at a limit of 1", await trial.claimed(), runs[:1])
    shown = await _queues(trial).update_queue(BUSY, limit=3)
    came = (shown.concurrency_limit, shown.declared_limit, shown.is_overridden)
    expect("limit, declared limit, is_overridden", came, (3, 1, True))
    leases = await trial.claim()
    expect("the runs that start at one of 3", [one.run.id for one in leases], runs[1:3])
    shown = await _queues(trial).update_queue(BUSY, limit="declared")
    came = (shown.concurrency_limit, shown.declared_limit, shown.is_overridden)
    expect("limit, declared limit, is_overridden after a reset", came, (1, 1, False))
    await trial.settle(leases[0], Completed(b"1"))
    await trial.nothing_due("while 2 of a queue with a declared limit of 1 execute")


@check("SupportsQueues.update_queue", _QUEUES, _LIMIT)
async def a_limit_of_zero_can_be_put_over_another(trial: Trial) -> None:
    """0 is a limit: it lets none start, until the declared one, or none, counts again."""
    run_id = await trial.add(queue=BUSY)
    await _queues(trial).update_queue(BUSY, limit=0)
    await trial.nothing_due("from a queue with a limit of 0")
    await _queues(trial).update_queue(BUSY, limit="declared")
    await trial.take(run_id)


@check("Backend.register", _QUEUES, _LIMIT)
async def a_new_worker_undoes_neither_a_pause_nor_a_limit(trial: Trial) -> None:
    """`register` changes the declared limit alone: what was set while runs go on outlasts it."""
    await trial.declare(Queue(BUSY, 1))
    await _queues(trial).update_queue(BUSY, limit=2, paused=True)
    await trial.declare(Queue(BUSY, 5))
    shown = await _shown(trial)
    expected = QueueRecord(BUSY, 2, 0, 0, True, 5, True)
    expect("the queue after a new declaration", shown, expected)
    runs = [await trial.add(queue=BUSY) for _ in range(7)]
    await trial.nothing_due("from a paused queue that was declared anew")
    await _queues(trial).update_queue(BUSY, paused=False)
    expect("the runs that start", await trial.claimed(), runs[:2])
    await _queues(trial).update_queue(BUSY, limit="declared")
    expect("the runs that start after a reset", await trial.claimed(), runs[2:5])


# --- turns ----------------------------------------------------------------------------------------


async def _place(trial: Trial, run_id: str) -> int:
    """How many runs start before this one, claimed one by one."""
    for before in range(_MOST_BEFORE + 1):
        (lease,) = await trial.claim(limit=1)
        if lease.run.id == run_id:
            return before
        await trial.settle(lease, Completed(b"1"))
    return _MOST_BEFORE + 1


async def _expect_soon(trial: Trial, run_id: str, what: str) -> None:
    before = await _place(trial, run_id)
    holds = before <= _MOST_BEFORE
    expected = f"at most {_MOST_BEFORE}"
    expect_that(f"the runs that start before {what}", holds, expected=expected, came=before)


@check("QueueBackend.claim", _FAIR)
async def a_full_queue_holds_up_no_other(trial: Trial) -> None:
    """However many older runs stand in one queue, a run of another starts within a few claims."""
    for _ in range(30):
        await trial.add(queue=BUSY)
    for number in range(3):
        trial.later(1)
        run_id = await trial.add(queue=OTHER)
        await _expect_soon(trial, run_id, f"run {number + 1} of a queue that is nearly empty")


@check("QueueBackend.claim", _FAIR, Capability.KEY_LIMIT)
async def a_full_concurrency_key_holds_up_no_other(trial: Trial) -> None:
    """However many older runs of a queue have one key, a run of another key, or of none, starts soon."""
    for _ in range(30):
        await trial.add(queue=BUSY, concurrency_key="flood")
    for key in ("acme", None, "acme"):
        trial.later(1)
        run_id = await trial.add(queue=BUSY, concurrency_key=key)
        await _expect_soon(trial, run_id, f"one with key {key}")


@check("QueueBackend.claim", _FAIR, Capability.KEY_LIMIT)
async def many_keys_are_one_queue(trial: Trial) -> None:
    """A queue with many keys has no more turns than one without."""
    for number in range(30):
        await trial.add(queue=BUSY, concurrency_key=f"key-{number}")
    trial.later(1)
    run_id = await trial.add(queue=OTHER)
    await _expect_soon(trial, run_id, "one of another queue")


@check("QueueBackend.claim", _FAIR)
async def turns_leave_the_order_in_a_queue_as_it_is(trial: Trial) -> None:
    """Within each queue the oldest run is first, also while queues take turns."""
    runs: dict[str, list[str]] = {BUSY: [], OTHER: []}
    for number in range(12):
        queue = BUSY if number % 3 else OTHER
        runs[queue].append(await trial.add(queue=queue))
        trial.later(1)
    came: dict[str, list[str]] = {BUSY: [], OTHER: []}
    for _ in range(4):
        for lease in await trial.claim(limit=3):
            came[lease.run.queue].append(lease.run.id)
    expect("the order in which the runs of each queue start", came, runs)
