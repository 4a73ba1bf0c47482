"""What time does: delays, ttl, and when the backend wants to be called next."""

from __future__ import annotations

from taskkit.backends.base import Capability
from taskkit.model.exchange import (
    ClaimSpec,
    LeaseKind,
    Outcome,
    Released,
    RetryAt,
    Suspended,
)
from taskkit.testing.conformance.check import check, expect, expect_that
from taskkit.testing.conformance.trial import ERROR, LEASE, ONE, TWO, Trial

_DELAY, _TTL = Capability.DELAY, Capability.TTL


@check("Backend.enqueue", _DELAY)
async def a_delayed_run_does_not_start_early(trial: Trial) -> None:
    """A run with a delay is DELAYED until then, and starts afterwards."""
    run_id = await trial.add(delay_until=trial.after(60))
    expect("the status during the delay", await trial.status(run_id), "DELAYED")
    trial.later(59)
    await trial.nothing_due("1 s before the delay is over")
    trial.later(2)
    lease = await trial.take(run_id, what="what a claim gives 1 s after the delay")
    expect("the attempt", (lease.attempt, lease.delivery), (1, 1))


@check("QueueBackend.advance", _DELAY)
async def a_run_is_queued_when_its_delay_is_over(trial: Trial) -> None:
    """After its delay a run is QUEUED, available since the moment that was asked for."""
    moment = trial.after(60)
    run_id = await trial.add(delay_until=moment)
    expect("available_at during the delay", (await trial.run(run_id)).available_at, moment)
    trial.later(90)
    await trial.advance()
    run = await trial.run(run_id)
    expect("the run after its delay", (run.status, run.available_at), ("QUEUED", moment))


@check("Backend.enqueue", _DELAY)
async def a_delay_that_is_over_means_now(trial: Trial) -> None:
    """A moment in the past lets the run start at once."""
    run_id = await trial.add(delay_until=trial.after(-60))
    expect("the status", await trial.status(run_id), "QUEUED")
    await trial.take(run_id)


@check("QueueBackend.advance", Capability.SUBSECOND_TIMERS, _DELAY)
async def a_timer_is_not_rounded(trial: Trial) -> None:
    """A delay of a fraction of a second is over after that fraction."""
    run_id = await trial.add(delay_until=trial.after(0.25))
    trial.later(0.2)
    await trial.nothing_due("0.05 s before the delay is over")
    trial.later(0.05)
    await trial.take(run_id, what="what a claim gives when 0.25 s are over")


@check("QueueBackend.advance", Capability.SUBSECOND_TIMERS, Capability.WAITS, _DELAY)
async def no_timer_of_a_running_task_is_rounded(trial: Trial) -> None:
    """What a run waits for, and its next attempt, are due at a fraction of a second too."""
    lease = await trial.start()
    timers: list[tuple[Outcome | Suspended, LeaseKind]] = [
        (Suspended((trial.for_time(0.25),)), "resume"),
        (RetryAt(trial.after(0.5), ERROR), "start"),
    ]
    for outcome, kind in timers:
        await trial.settle(lease, outcome)
        trial.later(0.2)
        await trial.nothing_due(f"0.05 s before {outcome} is due")
        trial.later(0.05)
        what = f"what a claim gives 0.25 s after {outcome}"
        lease = await trial.take(lease.run.id, kind=kind, what=what)


@check("QueueBackend.advance", _TTL)
async def a_run_that_did_not_start_within_its_ttl_expires(trial: Trial) -> None:
    """A run that has not started when its ttl ends is EXPIRED, says so, and never starts."""
    run_id = await trial.add(ttl=60)
    trial.later(59)
    await trial.advance()
    expect("the status 1 s before the ttl ends", await trial.status(run_id), "QUEUED")
    trial.later(2)
    await trial.nothing_due("after the ttl of a run")
    run = await trial.run(run_id)
    expect("the status after the ttl", run.status, "EXPIRED")
    expect_that("its error", run.error is not None, expected="an ErrorInfo", came=run.error)
    expect_that("its end", run.finished_at is not None, expected="a moment", came=run.finished_at)


@check("QueueBackend.advance", _TTL)
async def a_ttl_does_not_end_a_run_that_started(trial: Trial) -> None:
    """A run that has started does not expire: not while it executes, not when it is queued again."""
    lease = await trial.start(ttl=60, lease=1000)
    trial.later(61)
    await trial.advance()
    run_id = lease.run.id
    expect("the status of a run that executes", await trial.status(run_id), "EXECUTING")
    await trial.settle(lease, Released())
    trial.later(61)
    await trial.take(run_id, what="what a claim gives after a release, past the ttl")


@check("QueueBackend.advance", _TTL, _DELAY)
async def a_ttl_begins_when_the_delay_ends(trial: Trial) -> None:
    """The time of a delay does not count for the ttl."""
    run_id = await trial.add(ttl=60, delay_until=trial.after(100))
    trial.later(101)
    await trial.advance()
    trial.later(58)
    await trial.advance()
    expect("1 s before the ttl ends", await trial.status(run_id), "QUEUED")
    trial.later(2)
    await trial.advance()
    expect("1 s after the ttl ended", await trial.status(run_id), "EXPIRED")


# --- when to call next --------------------------------------------------------------------------


async def _expect_call_by(trial: Trial, seconds: float, what: str) -> None:
    due = await trial.advance()
    limit = trial.after(seconds)
    expect_that(
        f"when advance wants to be called next, with {what} due in {seconds:g} s",
        due is not None and due <= limit,
        expected=f"{limit} or earlier",
        came=due,
    )


@check("QueueBackend.advance", _DELAY)
async def advance_knows_the_next_delay(trial: Trial) -> None:
    """Advance wants to be called before the next delay is over, or the next attempt may start."""
    await trial.add(delay_until=trial.after(900))
    run_id = await trial.add(delay_until=trial.after(60))
    await _expect_call_by(trial, 60, "a delay")
    await trial.cancel(run_id)
    await trial.settle(await trial.start(), RetryAt(trial.after(50), ERROR))
    await _expect_call_by(trial, 50, "an attempt")


@check("QueueBackend.advance", _TTL)
async def advance_knows_the_next_ttl(trial: Trial) -> None:
    """Advance wants to be called before the next ttl ends."""
    await trial.add(ttl=40)
    await _expect_call_by(trial, 40, "a ttl")


@check("QueueBackend.advance")
async def advance_knows_the_next_lease(trial: Trial) -> None:
    """Advance wants to be called before the next lease runs out, also one that was extended."""
    lease = await trial.start()
    await _expect_call_by(trial, LEASE, "the end of a lease")
    trial.later(20)
    await trial.store.extend([lease], lease=LEASE, now=trial.moment)
    trial.later(15)
    await _expect_call_by(trial, 15, "the end of an extended lease")


@check("QueueBackend.advance", Capability.WAITS)
async def advance_knows_the_next_wait(trial: Trial) -> None:
    """Advance wants to be called before the next timer ends, or an answer is due to any worker."""
    await trial.park(await trial.start(), trial.for_time(50))
    await _expect_call_by(trial, 50, "a timer")
    trial.later(50)
    await trial.nothing_due("to a worker that does not hold the coroutine, at first", TWO)
    await _expect_call_by(trial, LEASE, "an answer for any worker")


@check("QueueBackend.advance", _DELAY)
async def advance_asks_to_be_called_again_for_the_rest(trial: Trial) -> None:
    """A call whose limit is too small for what is due wants the next one at once, until all is done."""
    runs = [await trial.add(delay_until=trial.after(10)) for _ in range(5)]
    trial.later(11)
    for _ in runs:
        due = await trial.store.advance(now=trial.moment, limit=2)
        if due is None or due > trial.moment:
            break
    leases = await trial.store.claim(ONE, ClaimSpec(), limit=10, lease=LEASE, now=trial.moment)
    came = sorted(lease.run.id for lease in leases)
    expect("the runs that are due when advance(limit=2) asks for no more", came, sorted(runs))
