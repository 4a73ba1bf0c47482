"""Leases: one worker at a time, fenced by the token, delivered again when they run out."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from taskkit.backends.base import Capability
from taskkit.errors import LeaseLostError, RunNotFoundError
from taskkit.model.exchange import ClaimSpec, Completed, Entry, EntryKind, Failed, Released, Signal
from taskkit.model.ids import new_run_id
from taskkit.model.run import RunStatus
from taskkit.testing.conformance.check import check, expect, expect_error, expect_that
from taskkit.testing.conformance.trial import ERROR, LEASE, ONE, TWO, Trial

_MOST_CLEANUPS = 20


@check("QueueBackend.claim")
async def a_lease_says_what_is_held(trial: Trial) -> None:
    """A first lease: kind start, attempt 1, delivery 1, the store's time, the run as it executes."""
    run_id = await trial.add()
    trial.later(3)
    lease = await trial.take(run_id)
    run = lease.run
    came = (lease.kind, lease.attempt, lease.delivery, lease.ending, lease.orphaned, lease.now)
    expect("the lease", came, ("start", 1, 1, None, False, trial.moment))
    expect("its answers", dict(lease.answers), {})
    expect("its run", (run.status, run.attempt, run.started_at), ("EXECUTING", 1, trial.moment))
    read = await trial.run(run.id)
    expect(
        "the run that is read",
        (read.status, read.attempt, read.started_at),
        ("EXECUTING", 1, trial.moment),
    )


@check("QueueBackend.claim")
async def a_run_is_held_by_one_worker_at_a_time(trial: Trial) -> None:
    """A run that is held is given to nobody else, nor to the same worker again, while its lease lasts."""
    await trial.start()
    await trial.nothing_due("while another worker holds the run", TWO)
    await trial.nothing_due("while the same worker holds the run")
    trial.later(LEASE - 1)
    await trial.nothing_due("1 s before the lease runs out", TWO)


@check("QueueBackend.claim")
async def workers_that_claim_together_share_the_runs(trial: Trial) -> None:
    """Claims that run at the same time give each run to one worker, and all of them in the end."""
    runs = [await trial.add() for _ in range(20)]

    async def some(worker: str) -> list[str]:
        store, moment = trial.store, trial.moment
        leases = await store.claim(worker, ClaimSpec(), limit=3, lease=LEASE, now=moment)
        return [lease.run.id for lease in leases]

    given = await asyncio.gather(*(some(f"worker-{number}") for number in range(8)))
    came = [run_id for ids in given for run_id in ids]
    came += await trial.claimed(limit=20)
    expect("the runs given to 8 workers and the rest", sorted(came), sorted(runs))


@check("QueueBackend.claim")
async def tokens_are_never_the_same(trial: Trial) -> None:
    """Each claim makes a new token, also for the same run and worker."""
    first = await trial.start()
    await trial.settle(first, Released())
    second = await trial.take(first.run.id)
    third = await trial.start()
    tokens = {first.token, second.token, third.token}
    expect("the number of tokens of three leases", len(tokens), 3)


# --- fencing ------------------------------------------------------------------------------------


@check("QueueBackend.settle")
async def an_older_lease_cannot_settle(trial: Trial) -> None:
    """Once another worker has the run, settling under the old token is LeaseLostError and does nothing."""
    old = await trial.start()
    trial.later(LEASE + 1)
    new = await trial.take(old.run.id, TWO)
    for outcome in (Completed(b'"old"'), Failed(ERROR), Released()):
        call = trial.settle(old, outcome)
        await expect_error(f"settle({outcome}) under an older token", LeaseLostError, call)
    expect("the run afterwards", await trial.status(old.run.id), "EXECUTING")
    await trial.settle(new, Completed(b'"new"'))
    expect("the output", (await trial.run(old.run.id)).output_json, b'"new"')


@check("Backend.append", Capability.LOGS)
async def an_older_lease_cannot_append(trial: Trial) -> None:
    """Once another worker has the run, appending under the old token is LeaseLostError and adds nothing."""
    old = await trial.start()
    trial.later(LEASE + 1)
    new = await trial.take(old.run.id, TWO)
    entry = Entry(EntryKind.LOG, {"message": "old"})
    call = trial.append(old.run.id, entry, lease=old)
    await expect_error("append under an older token", LeaseLostError, call)
    await trial.append(old.run.id, Entry(EntryKind.LOG, {"message": "new"}), lease=new)
    came = await trial.data(old.run.id, EntryKind.LOG)
    expect("the logs", came, [{"message": "new"}])


@check("QueueBackend.extend")
async def an_older_lease_is_told_that_it_is_lost(trial: Trial) -> None:
    """Extend gives one signal per lease, in order: LOST for an old token, and it prolongs nothing."""
    old = await trial.start()
    trial.later(LEASE + 1)
    new = await trial.take(old.run.id, TWO)
    other = await trial.start()
    over = await trial.start()
    await trial.settle(over, Completed(b"1"))
    leases = [over, new, old, other]
    signals = await trial.store.extend(leases, lease=LEASE, now=trial.moment)
    expected = [Signal.LOST, Signal.HELD, Signal.LOST, Signal.HELD]
    expect("the signals for a settled, a new, an old, another lease", list(signals), expected)


@check("QueueBackend.settle")
async def a_token_is_needed_to_settle(trial: Trial) -> None:
    """A lease with an invented token is LeaseLostError."""
    lease = await trial.start()
    false = replace(lease, token="invented")  # noqa: S106 - no password, a lease's token
    call = trial.settle(false, Completed(b"1"))
    await expect_error("settle under an invented token", LeaseLostError, call)
    expect("the run afterwards", await trial.status(lease.run.id), "EXECUTING")


@check("QueueBackend.settle")
async def a_lease_on_an_unknown_run_settles_nothing(trial: Trial) -> None:
    """Settling a run that does not exist is RunNotFoundError, like every write; extend says LOST."""
    lease = await trial.start()
    unknown = replace(lease.run.request, run_id=new_run_id())
    gone = replace(lease, run=replace(lease.run, request=unknown))
    call = trial.settle(gone, Completed(b"1"))
    await expect_error("settle of an unknown run", RunNotFoundError, call)
    (signal,) = await trial.store.extend([gone], lease=LEASE, now=trial.moment)
    expect("the signal for a lease on an unknown run", signal, Signal.LOST)
    expect("the run whose token it had", await trial.status(lease.run.id), "EXECUTING")


# --- beats and deaths ---------------------------------------------------------------------------


@check("QueueBackend.extend")
async def a_lease_that_is_extended_goes_on(trial: Trial) -> None:
    """Extend holds a run for another `lease` seconds from the call, and no longer."""
    lease = await trial.start()
    for _ in range(3):
        trial.later(LEASE - 10)
        (signal,) = await trial.store.extend([lease], lease=LEASE, now=trial.moment)
        expect("the signal", signal, Signal.HELD)
    trial.later(LEASE - 1)
    await trial.nothing_due("1 s before an extended lease runs out", TWO)
    trial.later(2)
    again = await trial.take(lease.run.id, TWO, what="what a claim gives after the extended lease")
    expect("the deaths", again.run.deaths, 1)


@check("QueueBackend.advance")
async def a_lease_that_ran_out_is_delivered_again(trial: Trial) -> None:
    """The run goes to another worker: the same attempt, the next delivery, one death, its clean-up owed."""
    first = await trial.start()
    trial.later(LEASE + 1)
    again = await trial.take(first.run.id, TWO)
    came = (again.attempt, again.delivery > first.delivery, again.run.deaths, again.orphaned)
    expect("attempt, higher delivery, deaths, orphaned", came, (1, True, 1, True))
    await trial.settle(again, Completed(b"1"))
    run = await trial.run(first.run.id)
    expect("the run in the end", (run.status, run.deaths, len(run.attempts)), ("COMPLETED", 1, 1))


@check("QueueBackend.advance")
async def a_run_that_kills_its_workers_ends_crashed(trial: Trial) -> None:
    """After more than max_attempts deaths the run is only cleaned up, and is CRASHED then."""
    run_id = await trial.add(max_attempts=2)
    for death in (1, 2, 3):
        lease = await trial.take(run_id, what=f"what a claim gives before death {death}")
        expect("the attempt", lease.attempt, 1)
        trial.later(LEASE + 1)
    cleanup = await trial.take(run_id, kind="cleanup", what="what a claim gives after 3 deaths")
    expect("its ending", (cleanup.ending, cleanup.run.deaths), (RunStatus.CRASHED, 3))
    expect_that(
        "the status before the clean-up",
        not (await trial.status(run_id)).is_final,
        expected="not final: result() answers only after the hooks",
        came=await trial.status(run_id),
    )
    await trial.fail(cleanup, RunStatus.CRASHED)
    expect("the status", await trial.status(run_id), "CRASHED")
    await trial.nothing_due("of a run that crashed")


@check("QueueBackend.advance")
async def a_run_whose_cleanup_dies_ends_all_the_same(trial: Trial) -> None:
    """A clean-up whose worker dies is tried again, and not for ever: the run ends CRASHED."""
    run_id = await trial.add(max_attempts=1)
    for _ in range(2):
        await trial.take(run_id)
        trial.later(LEASE + 1)
    await trial.take(run_id, kind="cleanup")
    trial.later(LEASE + 1)
    await trial.take(run_id, TWO, kind="cleanup", what="what a claim gives after a failed cleanup")
    for _ in range(_MOST_CLEANUPS):
        trial.later(LEASE + 1)
        await trial.claim()
    run = await trial.run(run_id)
    expect(f"the status after {_MOST_CLEANUPS} clean-ups that died", run.status, "CRASHED")


@check("QueueBackend.claim")
async def no_delivery_is_started_twice(trial: Trial) -> None:
    """(attempt, delivery) of a run never comes twice, whatever brought the run back."""
    run_id = await trial.add(max_attempts=5)
    seen: list[tuple[int, int]] = []
    for worker in (ONE, TWO, ONE, TWO):
        lease = await trial.take(run_id, worker)
        seen.append((lease.attempt, lease.delivery))
        if worker == ONE:
            trial.later(LEASE + 1)
        else:
            await trial.settle(lease, Released())
    lease = await trial.take(run_id)
    seen.append((lease.attempt, lease.delivery))
    expect_that(
        "the (attempt, delivery) pairs of a run that was delivered 5 times",
        len(set(seen)) == len(seen),
        expected="no pair twice",
        came=seen,
    )
