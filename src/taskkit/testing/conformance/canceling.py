"""Cancels: at once where nothing runs, as a request where something does, never after the end."""

from __future__ import annotations

from taskkit.backends.base import Backend, Capability
from taskkit.errors import RunNotFoundError
from taskkit.model.exchange import (
    Canceled,
    ClaimSpec,
    Completed,
    Lease,
    Outcome,
    Released,
    RetryAt,
    Signal,
    Suspended,
)
from taskkit.model.ids import new_run_id
from taskkit.model.queue import Queue
from taskkit.model.run import RunStatus
from taskkit.testing.conformance.check import check, expect, expect_error
from taskkit.testing.conformance.trial import ERROR, LEASE, ONE, TWO, Trial, ended

_RUNNING, _WAITS = Capability.CANCEL_RUNNING, Capability.WAITS
_MOST_CLEANUPS = 20


async def _signal(trial: Trial, lease: Lease) -> Signal:
    (signal,) = await trial.store.extend([lease], lease=LEASE, now=trial.moment)
    return signal


async def _clean_up(trial: Trial, run_id: str, worker: str = ONE) -> None:
    """Take the clean-up of a canceled run, which is all that is due, and settle it."""
    lease = await trial.take(run_id, worker, kind="cleanup")
    expect("its ending", lease.ending, RunStatus.CANCELED)
    await trial.settle(lease, Canceled(lease.run.cancel_reason))
    expect("the status after the clean-up", await trial.status(run_id), "CANCELED")


# --- before a run begins ------------------------------------------------------------------------


@check("Backend.cancel", protocol=Backend)
async def a_queued_run_is_canceled_at_once(trial: Trial) -> None:
    """A run that never started is CANCELED when cancel returns, with the reason; runs come in order."""
    first, second, third = [await trial.add() for _ in range(3)]
    runs = await trial.cancel(third, first, reason="not needed")
    came = [(run.id, run.status, run.cancel_reason) for run in runs]
    expected = [(run_id, "CANCELED", "not needed") for run_id in (third, first)]
    expect("the runs that cancel gives", came, expected)
    run = await trial.run(first)
    expect("the run", (run.status, run.cancel_reason), ("CANCELED", "not needed"))
    expect("the run beside them", await trial.status(second), "QUEUED")


@check("Backend.cancel")
async def a_canceled_run_is_never_given_out(trial: Trial) -> None:
    """A run that was canceled in its queue does not start, nor hold up what stands behind it."""
    first, second = await trial.add(), await trial.add()
    await trial.cancel(first)
    expect("the runs that start", await trial.claimed(limit=1), [second])
    await trial.nothing_due("when the only other run was canceled")
    run = await trial.run(first)
    came = (run.started_at, run.finished_at, run.attempts)
    expect("start, end, attempts", came, (None, trial.moment, ()))


@check("Backend.cancel", Capability.DELAY, protocol=Backend)
async def a_delayed_run_is_canceled_at_once(trial: Trial) -> None:
    """A run whose delay is not over is CANCELED when cancel returns."""
    run_id = await trial.add(delay_until=trial.after(60))
    (run,) = await trial.cancel(run_id)
    expect("the run", (run.status, run.cancel_reason), ("CANCELED", None))


@check("Backend.cancel", Capability.DELAY)
async def the_end_of_a_delay_wakes_no_canceled_run(trial: Trial) -> None:
    """A delayed run that was canceled stays so when its delay is over."""
    run_id = await trial.add(delay_until=trial.after(60))
    await trial.cancel(run_id)
    trial.later(61)
    await trial.nothing_due("when the delay of a canceled run is over")
    expect("the status", await trial.status(run_id), "CANCELED")


@check("Backend.cancel", protocol=Backend)
async def an_unknown_id_cancels_nothing(trial: Trial) -> None:
    """An unknown id is RunNotFoundError, and the runs beside it stay as they are."""
    known = await trial.add()
    for ids in ([known, new_run_id()], [new_run_id(), known]):
        await expect_error("cancel with an unknown id", RunNotFoundError, trial.cancel(*ids))
        expect("the known run", await trial.status(known), "QUEUED")


@check("Backend.cancel", protocol=Backend)
async def a_canceled_run_keeps_its_first_reason(trial: Trial) -> None:
    """Canceling a run that is CANCELED changes nothing, and raises nothing."""
    run_id = await trial.add()
    await trial.cancel(run_id, reason="first")
    before = ended(await trial.run(run_id))
    trial.later(5)
    (run,) = await trial.cancel(run_id, reason="second")
    expect("the run that cancel gives", ended(run), before)
    expect("the run", ended(await trial.run(run_id)), before)


@check("Backend.cancel")
async def a_cancel_changes_no_run_that_is_over(trial: Trial) -> None:
    """Final states never change: COMPLETED and FAILED stay, and nothing is due because of the cancel."""
    leases = [await trial.start(), await trial.start()]
    await trial.settle(leases[0], Completed(b"1"))
    await trial.fail(leases[1])
    before = [ended(await trial.run(lease.run.id)) for lease in leases]
    trial.later(5)
    runs = await trial.cancel(*(lease.run.id for lease in leases), reason="too late")
    expect("the runs that cancel gives", [ended(run) for run in runs], before)
    came = [ended(await trial.run(lease.run.id)) for lease in leases]
    expect("the runs", came, before)
    await trial.nothing_due("after a cancel of runs that are over")


# --- while it runs ------------------------------------------------------------------------------


@check("QueueBackend.extend", _RUNNING)
async def a_running_run_hears_of_its_cancel_with_the_next_beat(trial: Trial) -> None:
    """Canceling a run that executes is a request: extend says CANCEL, and it ends when its worker says so."""
    lease, other = await trial.start(), await trial.start()
    (run,) = await trial.cancel(lease.run.id, reason="enough")
    came = (run.status, run.cancel_reason)
    expect("the run that cancel gives", came, ("EXECUTING", "enough"))
    signals = [await _signal(trial, one) for one in (lease, other, lease)]
    expected = [Signal.CANCEL, Signal.HELD, Signal.CANCEL]
    expect("the signals for the run, another, the run again", signals, expected)
    await trial.settle(lease, Canceled("enough"))
    run = await trial.run(lease.run.id)
    ended = (run.status, run.cancel_reason, run.finished_at)
    expect("the run", ended, ("CANCELED", "enough", trial.moment))


@check("QueueBackend.settle", _RUNNING)
async def a_run_that_completes_despite_a_cancel_is_completed(trial: Trial) -> None:
    """The outcome that the worker brings counts, also after a cancel was asked for."""
    lease = await trial.start()
    await trial.cancel(lease.run.id)
    await trial.settle(lease, Completed(b"1"))
    expect("the status", await trial.status(lease.run.id), "COMPLETED")
    await trial.nothing_due("after the end")


@check("Backend.cancel", _RUNNING)
async def a_run_that_is_to_end_does_not_start_again(trial: Trial) -> None:
    """After a cancel neither a retry, a release nor a death brings the body back: only the clean-up is due."""
    for outcome in (RetryAt(trial.moment, ERROR), Released(), None):
        lease = await trial.start()
        run_id = lease.run.id
        await trial.cancel(run_id)
        await _leave(trial, lease, outcome)
        await _clean_up(trial, run_id, TWO)
        await trial.nothing_due("after the clean-up of a canceled run")


async def _leave(trial: Trial, lease: Lease, outcome: Outcome | None) -> None:
    """End a lease with this outcome, or by the death of its worker."""
    if outcome is None:
        trial.later(LEASE + 1)
    else:
        await trial.settle(lease, outcome)


@check("Backend.cancel")
async def a_run_between_two_attempts_can_be_canceled(trial: Trial) -> None:
    """A run that waits for its next attempt ends CANCELED, after a clean-up at most."""
    lease = await trial.start()
    run_id = lease.run.id
    await trial.settle(lease, RetryAt(trial.after(60), ERROR))
    await trial.cancel(run_id)
    if await trial.status(run_id) is not RunStatus.CANCELED:
        await _clean_up(trial, run_id, TWO)
    expect("the status", await trial.status(run_id), "CANCELED")
    trial.later(61)
    await trial.nothing_due("when the next attempt of a canceled run would be due")


@check("Backend.cancel", _RUNNING)
async def a_death_leaves_its_clean_up_to_the_cancel(trial: Trial) -> None:
    """A run whose worker died and that is canceled before it starts again still owes its clean-up."""
    lease = await trial.start()
    trial.later(LEASE + 1)
    await trial.advance()
    await trial.cancel(lease.run.id)
    cleanup = await trial.take(lease.run.id, TWO, kind="cleanup")
    came = (cleanup.ending, cleanup.orphaned)
    expect("ending and orphaned", came, (RunStatus.CANCELED, True))


@check("QueueBackend.advance", _RUNNING)
async def a_canceled_run_whose_clean_up_dies_ends_canceled(trial: Trial) -> None:
    """A clean-up of a cancel whose worker dies is tried again, not for ever, and the run ends CANCELED."""
    lease = await trial.start(max_attempts=1)
    run_id = lease.run.id
    await trial.settle(lease, RetryAt(trial.moment, ERROR))
    await trial.take(run_id)
    await trial.cancel(run_id, reason="enough")
    for _ in range(2):
        trial.later(LEASE + 1)
        cleanup = await trial.take(run_id, TWO, kind="cleanup")
        came = (cleanup.ending, cleanup.run.cancel_reason)
        expect("ending and reason", came, (RunStatus.CANCELED, "enough"))
    for _ in range(_MOST_CLEANUPS):
        trial.later(LEASE + 1)
        await trial.claim(TWO)
    status = await trial.status(run_id)
    expect(f"the status after {_MOST_CLEANUPS} clean-ups that died", status, "CANCELED")


# --- while it waits -----------------------------------------------------------------------------


@check("Backend.cancel", _RUNNING, _WAITS)
async def a_waiting_run_is_cleaned_up_at_once(trial: Trial) -> None:
    """Canceling a run that waits makes a cleanup lease at once; its answers no longer bring it back."""
    lease = await trial.start()
    await trial.park(lease, trial.for_time(60))
    await trial.cancel(lease.run.id, reason="enough")
    cleanup = await trial.take(lease.run.id, kind="cleanup")
    came = (cleanup.ending, cleanup.run.cancel_reason, cleanup.attempt)
    expect("ending, reason, attempt", came, (RunStatus.CANCELED, "enough", 1))
    trial.later(20)
    expect("the signal for a clean-up", await _signal(trial, cleanup), Signal.HELD)
    await trial.settle(cleanup, Canceled("enough"))
    trial.later(61)
    await trial.nothing_due("when the timer of a canceled run is due")
    expect("the status", await trial.status(lease.run.id), "CANCELED")


@check("QueueBackend.claim", _RUNNING, _WAITS, Capability.QUEUE_LIMIT)
async def a_clean_up_needs_no_slot(trial: Trial) -> None:
    """Cleanup leases come beside a full queue, and beside a claim whose limit is 0; they free no slot."""
    await trial.declare(Queue("narrow", 1))
    lease = await trial.start(queue="narrow")
    await trial.park(lease, trial.for_time(60))
    other = await trial.start(queue="narrow")
    behind = await trial.add(queue="narrow")
    await trial.cancel(lease.run.id)
    leases = await trial.claim(limit=0)
    came = [(one.run.id, one.kind) for one in leases]
    expect("what a claim of 0 gives", came, [(lease.run.id, "cleanup")])
    await trial.settle(leases[0], Canceled())
    await trial.nothing_due("in a full queue after a clean-up")
    await trial.settle(other, Completed(b"1"))
    await trial.take(behind)


@check("QueueBackend.claim", _RUNNING, _WAITS)
async def a_clean_up_goes_first_to_the_worker_that_parked(trial: Trial) -> None:
    """The worker that holds the coroutine cleans up; after one lease without it any worker does."""
    for comes in (True, False):
        lease = await trial.start()
        run_id = lease.run.id
        await trial.park(lease, trial.for_time(900))
        await trial.cancel(run_id)
        await trial.nothing_due("to a worker that does not hold the coroutine", TWO)
        if not comes:
            trial.later(LEASE + 1)
        await _clean_up(trial, run_id, ONE if comes else TWO)


@check("QueueBackend.claim", _RUNNING, _WAITS)
async def a_clean_up_goes_to_workers_of_its_queue_only(trial: Trial) -> None:
    """ClaimSpec counts for cleanup leases too."""
    lease = await trial.start(queue="mine", machine="large-1x")
    await trial.park(lease, trial.for_time(60))
    await trial.settle(lease, Released())
    await trial.cancel(lease.run.id)
    for spec in (
        ClaimSpec(tasks=frozenset({"other"})),
        ClaimSpec(queues=frozenset({"other"})),
        ClaimSpec(machines=frozenset({"small-1x"})),
    ):
        came = [one.run.id for one in await trial.claim(spec=spec)]
        expect(f"the clean-ups for a worker of {spec}", came, [])
    await _clean_up(trial, lease.run.id)


@check("Backend.cancel", _RUNNING, _WAITS)
async def children_that_are_waited_for_are_canceled_too(trial: Trial) -> None:
    """A cancel reaches the runs that the canceled one waits for, and those that they wait for."""
    parent = await trial.start()
    child = await trial.child_of(parent)
    stranger = await trial.add(parent_id=parent.run.id)
    await trial.park(parent, trial.for_runs(child))
    leases = {lease.run.id: lease for lease in await trial.claim(TWO)}
    grandchildren = [await trial.child_of(leases[child]) for _ in range(2)]
    await trial.park(leases[child], trial.for_runs(*grandchildren))
    running = (await trial.claim(TWO, limit=1))[0]
    await trial.cancel(parent.run.id, reason="all of it")
    expect("the signal for a grandchild that runs", await _signal(trial, running), Signal.CANCEL)
    queued = await trial.run(grandchildren[1])
    came = (queued.status, queued.cancel_reason)
    expect("a grandchild that was queued", came, ("CANCELED", "all of it"))
    await _clean_up(trial, child, TWO)
    await _clean_up(trial, parent.run.id)
    signal = await _signal(trial, leases[stranger])
    expect("the signal for a child that nobody waits for", signal, Signal.HELD)


@check("QueueBackend.settle", _RUNNING, _WAITS)
async def a_run_that_is_to_end_does_not_begin_to_wait(trial: Trial) -> None:
    """Suspended after a cancel was asked for makes the cleanup lease at once, and reaches the children."""
    parent = await trial.start()
    child = await trial.child_of(parent)
    await trial.cancel(parent.run.id)
    await trial.settle(parent, Suspended((trial.for_runs(child),)))
    expect("the child", await trial.status(child), "CANCELED")
    await _clean_up(trial, parent.run.id)
