"""How attempts and runs end: retries, releases, ends that stay."""

from __future__ import annotations

from taskkit.backends.base import Capability
from taskkit.errors import LeaseLostError
from taskkit.model.error_info import ErrorInfo
from taskkit.model.exchange import (
    Canceled,
    ClaimSpec,
    Completed,
    Entry,
    EntryKind,
    Failed,
    Outcome,
    Released,
    RetryAt,
)
from taskkit.model.run import RunStatus
from taskkit.testing.conformance.check import check, expect, expect_error, expect_that
from taskkit.testing.conformance.trial import ERROR, TWO, Trial, ended

_OUTPUTS = (None, b"null", b'{"b":1, "a": [1.0, 1e3],\n"\\u00e9": 2}', '"\u2603"'.encode())


# --- attempts -----------------------------------------------------------------------------------


@check("QueueBackend.settle", Capability.DELAY)
async def a_retry_is_the_next_attempt_at_its_moment(trial: Trial) -> None:
    """RetryAt raises the attempt; until its moment the run is QUEUED and starts nowhere."""
    lease = await trial.start()
    run_id = lease.run.id
    moment = trial.after(20)
    await trial.settle(lease, RetryAt(moment, ERROR))
    run = await trial.run(run_id)
    came = (run.status, run.available_at, run.error)
    expect("the run between two attempts", came, ("QUEUED", moment, None))
    trial.later(19)
    await trial.nothing_due("1 s before the next attempt")
    trial.later(2)
    again = await trial.take(run_id, what="what a claim gives when the next attempt is due")
    expect("attempt and deaths", (again.attempt, again.run.deaths), (2, 0))


@check("QueueBackend.settle")
async def a_retry_at_once_is_due_at_once(trial: Trial) -> None:
    """RetryAt with a moment that is over starts the next attempt now."""
    lease = await trial.start()
    await trial.settle(lease, RetryAt(trial.after(-5), ERROR))
    again = await trial.take(lease.run.id, TWO)
    expect("the attempt", again.attempt, 2)


@check("QueueBackend.settle")
async def each_attempt_is_kept(trial: Trial) -> None:
    """A run's attempts have their number, when they began and ended, and their error."""
    begun = trial.moment
    lease = await trial.start()
    trial.later(3)
    retried = trial.moment
    await trial.settle(lease, RetryAt(retried, ERROR))
    trial.later(2)
    again = await trial.take(lease.run.id)
    second = trial.moment
    trial.later(1)
    await trial.settle(again, Completed(b"1"))
    run = await trial.run(lease.run.id)
    came = [(a.number, a.started_at, a.finished_at, a.error) for a in run.attempts]
    expected = [(1, begun, retried, ERROR), (2, second, trial.moment, None)]
    expect("the attempts", came, expected)
    times = (run.started_at, run.finished_at)
    expect("when the run started and ended", times, (begun, trial.moment))


@check("QueueBackend.settle")
async def a_retry_can_ask_for_another_machine(trial: Trial) -> None:
    """RetryAt.machine is where the next attempt runs; without one the machine stays."""
    lease = await trial.start(machine="small-1x")
    run_id = lease.run.id
    await trial.settle(lease, RetryAt(trial.moment, ERROR, "large-1x"))
    small = ClaimSpec(machines=frozenset({"small-1x"}))
    came = [one.run.id for one in await trial.claim(spec=small)]
    expect("the runs for a worker on the machine it ran on before", came, [])
    again = await trial.take(run_id)
    await trial.settle(again, RetryAt(trial.moment, ERROR))
    third = await trial.take(run_id)
    expect("the machines", (again.run.machine, third.run.machine), ("large-1x", "large-1x"))


@check("QueueBackend.settle")
async def a_released_run_is_delivered_again_at_once(trial: Trial) -> None:
    """Released gives the same attempt to anybody, now; it counts neither as a try nor as a death."""
    lease = await trial.start()
    await trial.settle(lease, Released())
    expect("the status after Released", await trial.status(lease.run.id), "QUEUED")
    again = await trial.take(lease.run.id, TWO)
    run = again.run
    came = (again.attempt, again.delivery > lease.delivery, run.deaths, len(run.attempts))
    expect("attempt, higher delivery, deaths, attempts", came, (1, True, 0, 1))


# --- ends ---------------------------------------------------------------------------------------


@check("QueueBackend.settle")
async def an_output_comes_back_byte_for_byte(trial: Trial) -> None:
    """Completed keeps the output as the bytes that came, and no output is not null."""
    for output in _OUTPUTS:
        lease = await trial.start()
        await trial.settle(lease, Completed(output))
        run = await trial.run(lease.run.id)
        expect("the end", (run.status, run.output_json, run.error), ("COMPLETED", output, None))


@check("QueueBackend.settle")
async def each_failed_end_is_kept_with_its_error(trial: Trial) -> None:
    """Failed ends the run with the status and every field of the error that it brings."""
    error = ErrorInfo("INTERNAL_ERROR", "MaxDurationError", "too \u2603 long", "line\nline", "MAX")
    for status in ("FAILED", "TIMED_OUT", "CRASHED", "SYSTEM_FAILURE"):
        lease = await trial.start()
        trial.later(2)
        await trial.settle(lease, Failed(error, RunStatus(status)))
        run = await trial.run(lease.run.id)
        came = (run.status, run.error, run.finished_at, run.output_json)
        expect("the end", came, (status, error, trial.moment, None))


@check("QueueBackend.settle")
async def the_same_outcome_twice_counts_once(trial: Trial) -> None:
    """A settle that is repeated because its answer was lost is accepted, and changes nothing."""
    moment = trial.moment
    outcomes: list[Outcome] = [
        Completed(b"1"),
        Failed(ERROR),
        Canceled("why"),
        RetryAt(moment, ERROR),
        Released(),
    ]
    for outcome in outcomes:
        lease = await trial.start()
        run_id = lease.run.id
        await trial.settle(lease, outcome)
        before = await trial.run(run_id)
        trial.later(1)
        await trial.settle(lease, outcome)
        after = await trial.run(run_id)
        expect(f"the run after {outcome} was settled twice", ended(after), ended(before))
        expect("its attempts", after.attempts, before.attempts)
        if not after.status.is_final:
            await trial.settle(await trial.take(run_id), Completed(b"1"))


@check("QueueBackend.settle")
async def another_outcome_after_the_end_is_refused(trial: Trial) -> None:
    """Once a lease is settled, another outcome by the same token is LeaseLostError and changes nothing."""
    for first in (Completed(b"1"), Failed(ERROR), Canceled()):
        lease = await trial.start()
        await trial.settle(lease, first)
        before = await trial.run(lease.run.id)
        for second in (Completed(b"2"), Failed(ERROR, RunStatus.TIMED_OUT), Released()):
            call = trial.settle(lease, second)
            await expect_error(f"settle({second}) after {first}", LeaseLostError, call)
        expect("the run", ended(await trial.run(lease.run.id)), ended(before))


@check("QueueBackend.settle", Capability.WAITS)
async def a_run_that_is_over_waits_for_nothing(trial: Trial) -> None:
    """Suspended under the token of a lease that was settled is LeaseLostError."""
    lease = await trial.start()
    await trial.settle(lease, Completed(b"1"))
    call = trial.park(lease, trial.for_time(5))
    await expect_error("Suspended after Completed", LeaseLostError, call)
    expect("the status", await trial.status(lease.run.id), "COMPLETED")


@check("QueueBackend.settle")
async def a_run_that_is_over_is_never_due(trial: Trial) -> None:
    """After its end a run is given to nobody, and time does nothing to it."""
    lease = await trial.start(ttl=5) if trial.declares(Capability.TTL) else await trial.start()
    await trial.settle(lease, Completed(b"1"))
    before = ended(await trial.run(lease.run.id))
    for _ in range(3):
        await trial.nothing_due("after the end of the only run")
        trial.later(1000)
    expect("the run", ended(await trial.run(lease.run.id)), before)


@check("Backend.append", Capability.LOGS)
async def a_settled_lease_cannot_append(trial: Trial) -> None:
    """Once a lease is settled for good, appending under it is LeaseLostError."""
    lease = await trial.start()
    await trial.settle(lease, Completed(b"1"))
    call = trial.append(lease.run.id, Entry(EntryKind.LOG, {"message": "late"}), lease=lease)
    await expect_error("append under a lease that was settled", LeaseLostError, call)
    came = await trial.data(lease.run.id, EntryKind.LOG)
    expect_that("the logs", came == [], expected="none", came=came)
