"""Runs that wait: what answers them, where the answer goes, and what replaces what."""

from __future__ import annotations

from taskkit.backends.base import Capability
from taskkit.errors import LeaseLostError
from taskkit.model.exchange import (
    Answers,
    Completed,
    Entry,
    EntryKind,
    Lease,
    Released,
    RetryAt,
    Signal,
    Suspended,
    Until,
    Wait,
)
from taskkit.testing.conformance.check import check, expect, expect_error
from taskkit.testing.conformance.trial import ERROR, LEASE, TWO, Trial

_WAITS = Capability.WAITS


def _met(answers: Answers) -> dict[str, object]:
    """Answers to be compared: runs by id, status and output."""
    return {
        wait_id: [(run.id, run.status, run.output_json) for run in answer]
        if isinstance(answer, tuple)
        else answer
        for wait_id, answer in answers.items()
    }


async def _family(trial: Trial, children: int = 1) -> tuple[Lease, list[str]]:
    """A run that a worker has begun, and new children of it."""
    lease = await trial.start()
    return lease, [await trial.child_of(lease) for _ in range(children)]


async def _complete(trial: Trial, run_id: str, output: bytes = b"1") -> None:
    """Carry out the run that is due next, on another worker."""
    leases = await trial.claim(TWO, limit=1)
    expect("the run that is due next", [lease.run.id for lease in leases], [run_id])
    await trial.settle(leases[0], Completed(output))


# --- answers ------------------------------------------------------------------------------------


@check("QueueBackend.settle", _WAITS)
async def a_parent_meets_the_answer_of_its_child(trial: Trial) -> None:
    """A run that waits is due when its child has ended, not before, and gets the child as it ended."""
    parent, (child,) = await _family(trial)
    wait = trial.for_runs(child)
    await trial.park(parent, wait)
    lease = await trial.take(child, TWO)
    await trial.nothing_due("while the child executes")
    await trial.settle(lease, Completed(b'"done"'))
    back = await trial.take(parent.run.id, kind="resume")
    expect("the answers", _met(back.answers), {wait.id: [(child, "COMPLETED", b'"done"')]})
    came = (back.attempt, back.run.status, back.run.deaths)
    expect("attempt, status, deaths", came, (1, "EXECUTING", 0))
    await trial.settle(back, Completed(b"1"))
    expect("the parent", await trial.status(parent.run.id), "COMPLETED")


@check("QueueBackend.settle", _WAITS)
async def a_child_answers_however_it_ends(trial: Trial) -> None:
    """FAILED and CANCELED are answers like COMPLETED."""
    for status in ("FAILED", "CANCELED"):
        parent, (child,) = await _family(trial)
        wait = trial.for_runs(child)
        await trial.park(parent, wait)
        if status == "FAILED":
            await trial.fail(await trial.take(child, TWO))
        else:
            await trial.cancel(child)
        back = await trial.take(parent.run.id, kind="resume", what=f"what is due after {status}")
        expect("the answers", _met(back.answers), {wait.id: [(child, status, None)]})
        await trial.settle(back, Completed(b"1"))


@check("QueueBackend.settle", _WAITS)
async def a_wait_for_several_runs_is_answered_when_all_have_ended(trial: Trial) -> None:
    """The answer of a wait for several runs has them in the order of the wait."""
    parent, (first, second, third) = await _family(trial, 3)
    wait = trial.for_runs(third, first, second)
    await trial.park(parent, wait)
    leases = {lease.run.id: lease for lease in await trial.claim(TWO)}
    for number, run_id in enumerate((first, second), start=1):
        await trial.settle(leases[run_id], Completed(b"%d" % number))
        await trial.nothing_due(f"when {number} of 3 children have ended")
    await trial.settle(leases[third], Completed(b"3"))
    back = await trial.take(parent.run.id, kind="resume")
    expected = [(third, "COMPLETED", b"3"), (first, "COMPLETED", b"1"), (second, "COMPLETED", b"2")]
    expect("the answers", _met(back.answers), {wait.id: expected})


@check("QueueBackend.settle", _WAITS)
async def a_child_that_ended_before_its_parent_waits_is_an_answer(trial: Trial) -> None:
    """Settling Suspended looks at the runs that are final already: a fast child's end is not lost."""
    parent, (fast, slow) = await _family(trial, 2)
    await _complete(trial, fast)
    wait, other = trial.for_runs(fast), trial.for_runs(fast, slow)
    await trial.park(parent, wait, other)
    leases = {lease.run.id: lease for lease in await trial.claim()}
    expect("what is due", sorted(leases), sorted((slow, parent.run.id)))
    back = leases[parent.run.id]
    expect("the answers", _met(back.answers), {wait.id: [(fast, "COMPLETED", b"1")]})


@check("QueueBackend.settle", _WAITS)
async def a_run_comes_back_with_each_answer(trial: Trial) -> None:
    """Of several waits the first answer brings the run back; what is still open is waited for again."""
    parent, (first, second) = await _family(trial, 2)
    one, two = trial.for_runs(first), trial.for_runs(second)
    await trial.park(parent, one, two)
    await _complete(trial, first)
    leases = {lease.run.id: lease for lease in await trial.claim()}
    back = leases.get(parent.run.id, parent)
    expect("the first answers", _met(back.answers), {one.id: [(first, "COMPLETED", b"1")]})
    await trial.park(back, two)
    await trial.settle(leases[second], Completed(b"2"))
    back = await trial.take(parent.run.id, kind="resume")
    expect("the second answers", _met(back.answers), {two.id: [(second, "COMPLETED", b"2")]})


@check("QueueBackend.settle", _WAITS)
async def answers_that_came_together_are_handed_over_together(trial: Trial) -> None:
    """A claim hands over every answer that has come by then."""
    parent, (first, second) = await _family(trial, 2)
    one, two, timer = trial.for_runs(first), trial.for_runs(second), trial.for_time(5)
    await trial.park(parent, one, two, timer)
    leases = await trial.claim(TWO)
    trial.later(6)
    for lease in leases:
        await trial.settle(lease, Completed(b"1"))
    back = await trial.take(parent.run.id, kind="resume")
    expected = {
        one.id: [(first, "COMPLETED", b"1")],
        two.id: [(second, "COMPLETED", b"1")],
        timer.id: None,
    }
    expect("the answers", _met(back.answers), expected)


@check("QueueBackend.settle", _WAITS)
async def a_child_answers_everybody_who_waits_for_it(trial: Trial) -> None:
    """Two runs may wait for the same run."""
    first, (child,) = await _family(trial)
    other = await trial.add()
    both = {lease.run.id: lease for lease in await trial.claim()}
    waits = {first.run.id: trial.for_runs(child), other: trial.for_runs(child)}
    await trial.park(first, waits[first.run.id])
    await trial.park(both[other], waits[other])
    await trial.settle(both[child], Completed(b"1"))
    came = {lease.run.id: list(lease.answers) for lease in await trial.claim()}
    expect("who has which answer", came, {id_: [wait.id] for id_, wait in waits.items()})


@check("QueueBackend.advance", _WAITS)
async def a_timer_answers_at_its_moment(trial: Trial) -> None:
    """Until is answered by None when its moment has come, not earlier; a moment in the past at once."""
    lease = await trial.start()
    wait = trial.for_time(60)
    await trial.park(lease, wait)
    trial.later(59)
    await trial.nothing_due("1 s before the timer's moment")
    trial.later(2)
    back = await trial.take(lease.run.id, kind="resume")
    expect("the answers", _met(back.answers), {wait.id: None})
    past = trial.for_time(-5)
    await trial.park(back, past)
    back = await trial.take(lease.run.id, kind="resume")
    expect("the answers to a timer in the past", _met(back.answers), {past.id: None})


@check("Control.park", _WAITS)
async def a_run_that_waits_for_nothing_comes_back_at_once(trial: Trial) -> None:
    """Suspended without waits asks for a slot again, through the queue, without an answer."""
    lease = await trial.start()
    await trial.settle(lease, Suspended(()))
    back = await trial.take(lease.run.id, kind="resume")
    expect("the answers", dict(back.answers), {})


# --- what a run that waits may still do ---------------------------------------------------------


@check("QueueBackend.settle", _WAITS)
async def another_suspension_replaces_the_waits(trial: Trial) -> None:
    """After a second Suspended only its waits count, also where the first had an answer already."""
    parent, (child,) = await _family(trial)
    await trial.park(parent, trial.for_time(10), trial.for_runs(child))
    later = trial.for_time(100)
    await trial.park(parent, later)
    await _complete(trial, child)
    trial.later(11)
    await trial.nothing_due("when a wait that was replaced has its answer")
    await trial.park(parent, trial.for_runs(child))
    later = trial.for_time(30)
    await trial.park(parent, later)
    await trial.nothing_due("when a wait was replaced after its answer had come")
    trial.later(31)
    back = await trial.take(parent.run.id, kind="resume")
    expect("the answers", _met(back.answers), {later.id: None})


@check("QueueBackend.settle", _WAITS)
async def the_same_suspension_twice_counts_once(trial: Trial) -> None:
    """A Suspended that is repeated because its answer was lost changes nothing."""
    parent, (child,) = await _family(trial)
    wait = trial.for_runs(child)
    for _ in range(2):
        await trial.park(parent, wait)
    await _complete(trial, child)
    back = await trial.take(parent.run.id, kind="resume")
    expect("the answers", list(back.answers), [wait.id])
    await trial.nothing_due("after the answer was handed over")


@check("QueueBackend.settle", _WAITS)
async def a_run_may_end_straight_from_waiting(trial: Trial) -> None:
    """Under the token of a run that waits a final outcome counts, and later answers change nothing."""
    parent, (child,) = await _family(trial)
    await trial.park(parent, trial.for_runs(child))
    await trial.settle(parent, Completed(b'"early"'))
    await _complete(trial, child)
    await trial.nothing_due("when a run that is over gets an answer")
    run = await trial.run(parent.run.id)
    expect("the parent", (run.status, run.output_json), ("COMPLETED", b'"early"'))


@check("QueueBackend.settle", _WAITS, Capability.DELAY)
async def an_attempt_may_end_straight_from_waiting(trial: Trial) -> None:
    """RetryAt under the token of a run that waits ends its waits: only the next attempt is due."""
    parent, (child,) = await _family(trial)
    await trial.park(parent, trial.for_runs(child), trial.for_time(10))
    await trial.settle(parent, RetryAt(trial.after(60), ERROR))
    await _complete(trial, child)
    trial.later(11)
    await trial.nothing_due("when a wait of an attempt that is over has its answer")
    trial.later(50)
    again = await trial.take(parent.run.id, TWO)
    expect("the attempt and the number of its answers", (again.attempt, len(again.answers)), (2, 0))


@check("QueueBackend.settle", _WAITS, Capability.LOGS)
async def a_run_may_append_while_it_waits(trial: Trial) -> None:
    """The token of a run that waits is good for append, until the next claim."""
    lease = await trial.start()
    run_id = lease.run.id
    await trial.park(lease, trial.for_time(5))
    await trial.append(run_id, Entry(EntryKind.LOG, {"message": "waiting"}), lease=lease)
    trial.later(6)
    back = await trial.take(run_id, kind="resume")
    late = Entry(EntryKind.LOG, {"message": "late"})
    call = trial.append(run_id, late, lease=lease)
    await expect_error("append under the token from before the wait", LeaseLostError, call)
    await trial.append(run_id, Entry(EntryKind.LOG, {"message": "back"}), lease=back)
    came = await trial.data(run_id, EntryKind.LOG)
    expect("the logs", came, [{"message": "waiting"}, {"message": "back"}])


@check("QueueBackend.settle", _WAITS)
async def a_token_ends_when_the_run_comes_back(trial: Trial) -> None:
    """After the claim that resumes a run, the token from before its wait settles nothing."""
    lease = await trial.start()
    await trial.park(lease, trial.for_time(5))
    trial.later(6)
    back = await trial.take(lease.run.id, kind="resume")
    for outcome in (Completed(b'"old"'), Suspended((trial.for_time(5),))):
        call = trial.settle(lease, outcome)
        await expect_error(f"settle({outcome}) under the token before", LeaseLostError, call)
    (signal,) = await trial.store.extend([lease], lease=LEASE, now=trial.moment)
    expect("the signal for the token before", signal, Signal.LOST)
    await trial.settle(back, Completed(b"1"))


@check("QueueBackend.advance", _WAITS)
async def a_run_that_waits_does_not_die(trial: Trial) -> None:
    """A run that waits needs no lease: without a beat it waits on, and no death is counted."""
    lease = await trial.start()
    await trial.park(lease, trial.for_time(10 * LEASE))
    trial.later(9 * LEASE)
    await trial.nothing_due("of a run that waits for longer than a lease")
    run = await trial.run(lease.run.id)
    expect("status and deaths", (run.status, run.deaths), ("WAITING", 0))
    trial.later(LEASE + 1)
    back = await trial.take(lease.run.id, kind="resume")
    expect("the deaths", back.run.deaths, 0)


# --- where the answer goes ----------------------------------------------------------------------


@check("QueueBackend.claim", _WAITS)
async def an_answer_goes_first_to_the_worker_that_parked(trial: Trial) -> None:
    """The worker that holds the coroutine gets the run, and for one lease nobody else does."""
    lease = await trial.start()
    await trial.park(lease, trial.for_time(5))
    trial.later(6)
    await trial.nothing_due("to a worker that does not hold the coroutine", TWO)
    trial.later(LEASE - 2)
    await trial.nothing_due("to such a worker 1 s before one lease is over", TWO)
    await trial.take(lease.run.id, kind="resume")


@check("QueueBackend.claim", _WAITS)
async def an_answer_goes_to_any_worker_after_one_lease(trial: Trial) -> None:
    """If the worker that parked the run does not come, another one gets it, with the answers."""
    lease = await trial.start()
    wait = trial.for_time(5)
    await trial.park(lease, wait)
    trial.later(6)
    await trial.nothing_due("to a worker that does not hold the coroutine", TWO)
    trial.later(LEASE + 1)
    back = await trial.take(lease.run.id, TWO, kind="resume")
    expect("attempt and answers", (back.attempt, _met(back.answers)), (1, {wait.id: None}))


@check("QueueBackend.settle", _WAITS)
async def a_released_run_waits_on_for_any_worker(trial: Trial) -> None:
    """Released from WAITING gives up the coroutine alone: the run waits, its answer may go to anybody."""
    parent, (child,) = await _family(trial)
    wait = trial.for_runs(child)
    await trial.park(parent, wait)
    await trial.settle(parent, Released())
    expect("the status", await trial.status(parent.run.id), "WAITING")
    await _complete(trial, child)
    back = await trial.take(parent.run.id, TWO, kind="resume")
    expect("the answers", list(back.answers), [wait.id])
    expect("attempt and deaths", (back.attempt, back.run.deaths), (1, 0))


@check("QueueBackend.advance", _WAITS)
async def a_worker_that_dies_after_an_answer_is_a_death(trial: Trial) -> None:
    """A run that came back and lost its worker starts again, and meets its child's end when it waits."""
    parent, (child,) = await _family(trial)
    wait = trial.for_runs(child)
    await trial.park(parent, wait)
    await _complete(trial, child)
    await trial.take(parent.run.id, kind="resume")
    trial.later(LEASE + 1)
    again = await trial.take(parent.run.id, TWO)
    expect("attempt and deaths", (again.attempt, again.run.deaths), (1, 1))
    await trial.park(again, wait)
    back = await trial.take(parent.run.id, TWO, kind="resume")
    expect("the answers", _met(back.answers), {wait.id: [(child, "COMPLETED", b"1")]})


@check("QueueBackend.settle", _WAITS)
async def a_timer_keeps_its_moment_when_an_attempt_is_entered_again(trial: Trial) -> None:
    """A timer that is set again under its id, because a worker died, is due when it was to be at first."""
    lease = await trial.start()
    run_id, first = lease.run.id, trial.for_time(100)
    await trial.park(lease, first, trial.for_time(5))
    trial.later(6)
    await trial.take(run_id, kind="resume")
    trial.later(LEASE + 1)
    again = await trial.take(run_id, TWO)
    await trial.park(again, Wait(first.id, Until(trial.after(100)), "duration"))
    trial.later(62)
    await trial.nothing_due("1 s before the timer's first moment", TWO)
    trial.later(2)
    back = await trial.take(run_id, TWO, kind="resume")
    expect("the answers", _met(back.answers), {first.id: None})


@check("QueueBackend.settle", _WAITS)
async def a_timer_of_the_next_attempt_is_a_new_one(trial: Trial) -> None:
    """A timer keeps its moment for one attempt: the next one waits its own time under the same id."""
    lease = await trial.start()
    first = trial.for_time(10)
    await trial.park(lease, first)
    trial.later(11)
    back = await trial.take(lease.run.id, kind="resume")
    await trial.settle(back, RetryAt(trial.moment, ERROR))
    again = await trial.take(lease.run.id)
    await trial.park(again, Wait(first.id, Until(trial.after(10)), "duration"))
    trial.later(9)
    await trial.nothing_due("1 s before the moment of the second attempt's timer")
    trial.later(2)
    await trial.take(lease.run.id, kind="resume")
