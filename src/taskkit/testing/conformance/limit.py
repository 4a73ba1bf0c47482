"""Concurrency limits of queues and of keys: when a slot is taken, and when it comes back."""

from __future__ import annotations

from taskkit.backends.base import Capability
from taskkit.model.exchange import Canceled, Completed, Failed, Lease, Outcome, Released, RetryAt
from taskkit.model.queue import Queue
from taskkit.testing.conformance.check import check, expect
from taskkit.testing.conformance.trial import ERROR, LEASE, ONE, TWO, Trial

_LIMIT, _KEYS = Capability.QUEUE_LIMIT, Capability.KEY_LIMIT
NARROW = "narrow"


async def _narrow(trial: Trial, runs: int, *, limit: int = 1, name: str = NARROW) -> list[str]:
    """Runs in a queue of this limit."""
    await trial.declare(Queue(name, limit))
    return [await trial.add(queue=name) for _ in range(runs)]


@check("QueueBackend.claim", _LIMIT)
async def a_queue_limit_holds_over_all_workers(trial: Trial) -> None:
    """No more runs of a queue execute than its limit, however many workers ask, however often."""
    runs = await _narrow(trial, 4, limit=2)
    came = [await trial.claimed(worker, limit=1) for worker in (ONE, TWO, ONE, TWO)]
    expect("the runs that started", came, [[runs[0]], [runs[1]], [], []])


@check("QueueBackend.claim", _LIMIT)
async def a_queue_limit_holds_within_one_claim(trial: Trial) -> None:
    """One claim of many gives no more than the limit either."""
    runs = await _narrow(trial, 4, limit=3)
    expect("the runs that started", await trial.claimed(), runs[:3])


@check("QueueBackend.claim", _LIMIT)
async def a_limit_of_zero_lets_none_start(trial: Trial) -> None:
    """A queue with a limit of 0 stands still."""
    await _narrow(trial, 1, limit=0)
    await trial.nothing_due("from a queue with a limit of 0")


@check("QueueBackend.claim", _LIMIT)
async def a_queue_at_its_limit_holds_up_no_other(trial: Trial) -> None:
    """Runs of other queues start, although older ones stand before them in a full queue."""
    first, *_ = await _narrow(trial, 5)
    trial.later(1)
    free = await trial.add(queue="free")
    came = [await trial.claimed(limit=1) for _ in range(2)]
    expect("the runs that started", came, [[first], [free]])


@check("Backend.register", _LIMIT)
async def the_latest_word_on_a_queue_counts(trial: Trial) -> None:
    """A limit that is declared again applies at once, to runs that wait already too."""
    runs = await _narrow(trial, 5)
    came = [await trial.claimed()]
    await trial.declare(Queue(NARROW, 3))
    came.append(await trial.claimed())
    await trial.declare(Queue(NARROW, None))
    came.append(await trial.claimed())
    expect("started at limits of 1, 3, none", came, [runs[:1], runs[1:3], runs[3:]])


@check("QueueBackend.settle", _LIMIT)
async def a_slot_comes_back_with_each_outcome(trial: Trial) -> None:
    """Whatever ends a lease gives its slot back, once."""
    outcomes: list[Outcome] = [
        Completed(b"1"),
        Failed(ERROR),
        Canceled(),
        RetryAt(trial.after(60), ERROR),
        RetryAt(trial.moment, ERROR),
        Released(),
    ]
    for number, outcome in enumerate(outcomes):
        first, *_ = await _narrow(trial, 3, name=f"{NARROW}-{number}")
        lease = await trial.take(first)
        await trial.settle(lease, outcome)
        leases = await trial.claim(TWO)
        expect(f"the number of runs that start after {outcome}", len(leases), 1)


@check("QueueBackend.advance", _LIMIT)
async def a_slot_comes_back_after_a_death(trial: Trial) -> None:
    """A lease that ran out holds no slot, and its run takes one again like any other."""
    runs = await _narrow(trial, 2)
    await trial.take(runs[0])
    trial.later(LEASE + 1)
    came: list[str] = []
    for _ in runs:
        leases = await trial.claim(TWO)
        expect("the number of runs that start in a queue with a limit of 1", len(leases), 1)
        came.append(leases[0].run.id)
        await trial.settle(leases[0], Completed(b"1"))
    expect("the runs that started after the death", sorted(came), sorted(runs))


@check("QueueBackend.settle", _LIMIT, Capability.WAITS)
async def a_run_that_waits_holds_no_slot(trial: Trial) -> None:
    """Suspended gives the slot back, once; the answer waits for one like any other run."""
    first, second, third = await _narrow(trial, 3)
    await trial.park(await trial.take(first), trial.for_time(5))
    lease = await trial.take(second, TWO)
    trial.later(6)
    await trial.nothing_due("while the queue is at its limit, although an answer has come")
    came: list[tuple[str, str]] = []
    for _ in range(2):
        await trial.settle(lease, Completed(b"1"))
        leases = await trial.claim()
        expect("the number of runs that start in a queue with a limit of 1", len(leases), 1)
        lease = leases[0]
        came.append((lease.run.id, lease.kind))
    expect("the runs that came", sorted(came), sorted([(first, "resume"), (third, "start")]))


@check("QueueBackend.settle", _LIMIT, Capability.WAITS)
async def an_end_straight_from_waiting_frees_no_slot(trial: Trial) -> None:
    """The slot of a run that waits is free already: its end does not free another."""
    first, second, third = await _narrow(trial, 3)
    lease = await trial.take(first)
    await trial.park(lease, trial.for_time(60))
    other = await trial.take(second)
    await trial.settle(lease, Completed(b"1"))
    expect("the status after an end from WAITING", await trial.status(first), "COMPLETED")
    await trial.nothing_due("in a queue with a limit of 1, while a run executes")
    await trial.settle(other, Completed(b"1"))
    await trial.take(third)


@check("QueueBackend.claim", _KEYS, _LIMIT)
async def a_limit_counts_for_each_concurrency_key(trial: Trial) -> None:
    """Each concurrency key has the queue's limit to itself, and runs without a key have it too."""
    await trial.declare(Queue(NARROW, 1))
    keys = ("a", "a", "b", None, None, "b", "c")
    leases: list[Lease] = []
    for key in keys:
        await trial.add(queue=NARROW, concurrency_key=key)
    for worker in (ONE, TWO):
        leases += await trial.claim(worker)
    came = [lease.run.request.concurrency_key for lease in leases]
    expect("the keys of the runs that started", came, ["a", "b", None, "c"])


@check("QueueBackend.settle", _KEYS, _LIMIT)
async def a_slot_comes_back_to_its_own_key(trial: Trial) -> None:
    """A run that ends makes room for the next of its key, and of no other."""
    await trial.declare(Queue(NARROW, 1))
    runs = [await trial.add(queue=NARROW, concurrency_key=key) for key in ("a", "b", "b", "a")]
    leases = {lease.run.id: lease for lease in await trial.claim()}
    expect("the runs that started", list(leases), runs[:2])
    await trial.settle(leases[runs[0]], Completed(b"1"))
    expect("the runs that start after one of key a", await trial.claimed(), [runs[3]])
