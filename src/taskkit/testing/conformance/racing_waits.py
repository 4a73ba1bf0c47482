"""Two instances on one store at the same moment: runs that wait, tokens and schedules."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from taskkit.backends.base import Capability, SupportsSchedules, SupportsTokens
from taskkit.model.exchange import (
    Canceled,
    Completed,
    Lease,
    ScheduleRecord,
    Suspended,
    TokenRef,
    Wait,
)
from taskkit.model.ids import new_id
from taskkit.testing.conformance.check import at_once, expect, shared_check
from taskkit.testing.conformance.trial import TASK, TWO, Trial

_ROUNDS = 10
_WAITS, _TOKENS, _SCHEDULES = Capability.WAITS, Capability.TOKENS, Capability.SCHEDULES


async def _comes_back(trial: Trial, lease: Lease, wait: Wait, what: str) -> None:
    """Fail the check unless this run is all that is due, with an answer to this wait; it ends then."""
    back = await trial.take(lease.run.id, kind="resume", what=f"what a claim gives after {what}")
    expect(f"the waits that are answered after {what}", set(back.answers), {wait.id})
    await trial.settle(back, Completed(b"1"))


# --- runs that wait -----------------------------------------------------------------------------


@shared_check("QueueBackend.settle", _WAITS)
async def an_end_meets_a_parent_that_begins_to_wait(trial: Trial) -> None:
    """A child that ends through one instance at the moment at which another parks its parent is an answer."""
    for _ in range(_ROUNDS):
        parent = await trial.start()
        child = await trial.child_of(parent)
        lease = await trial.other.take(child, TWO)
        wait = trial.for_runs(child)
        what = "an end and a suspension at the same moment"
        await at_once(
            what,
            trial.other.settle(lease, Completed(b"1")),
            trial.settle(parent, Suspended((wait,))),
        )
        await _comes_back(trial, parent, wait, what)


@shared_check("QueueBackend.settle", _WAITS)
async def two_ends_meet_at_one_parent(trial: Trial) -> None:
    """The last children of a parent end through two instances at the same moment, and it comes back."""
    for _ in range(_ROUNDS):
        parent = await trial.start()
        children = [await trial.child_of(parent) for _ in range(2)]
        wait = trial.for_runs(*children)
        await trial.park(parent, wait)
        (mine,) = await trial.claim(limit=1)
        (others,) = await trial.other.claim(TWO, limit=1)
        what = "two ends at the same moment"
        await at_once(
            what,
            trial.settle(mine, Completed(b"1")),
            trial.other.settle(others, Completed(b"2")),
        )
        await _comes_back(trial, parent, wait, what)


@shared_check("QueueBackend.settle", _WAITS, _TOKENS)
async def a_token_meets_a_run_that_begins_to_wait(trial: Trial) -> None:
    """A token that is completed at the moment at which another instance parks a run for it is an answer."""
    for _ in range(_ROUNDS):
        lease = await trial.start()
        token_id = await _token(trial)
        wait = Wait(new_id("wait"), TokenRef(token_id), "token")
        what = "a completion and a suspension at the same moment"
        await at_once(
            what,
            _complete(trial.other, token_id, b"1"),
            _suspend(trial, lease, wait),
        )
        await _comes_back(trial, lease, wait, what)


async def _suspend(trial: Trial, lease: Lease, wait: Wait) -> bool:
    await trial.settle(lease, Suspended((wait,)))
    return True


@shared_check("QueueBackend.settle", _WAITS, Capability.CANCEL_RUNNING)
async def a_cancel_meets_a_run_that_begins_to_wait(trial: Trial) -> None:
    """A run that is canceled at the moment at which another instance parks it is given back to be cleaned up."""
    for _ in range(_ROUNDS):
        lease = await trial.start()
        await at_once(
            "a cancel and a suspension at the same moment",
            _cancel(trial.other, lease.run.id),
            _suspend(trial, lease, trial.for_time(60)),
        )
        cleanup = await trial.take(lease.run.id, kind="cleanup")
        await trial.settle(cleanup, Canceled())
        expect("the status", await trial.other.status(lease.run.id), "CANCELED")


async def _cancel(trial: Trial, run_id: str) -> bool:
    await trial.cancel(run_id)
    return True


# --- tokens -------------------------------------------------------------------------------------


async def _token(trial: Trial, key: str | None = None) -> str:
    store = cast("SupportsTokens", trial.backend)
    token = await store.create_token(
        new_id("token"), timeout=None, tags=(), idempotency_key=key, now=trial.now
    )
    return token.id


async def _complete(trial: Trial, token_id: str, output: bytes) -> bool:
    store = cast("SupportsTokens", trial.backend)
    return await store.complete_token(token_id, output, now=trial.now)


@shared_check("SupportsTokens.complete_token", _TOKENS, protocol=SupportsTokens)
async def a_token_is_completed_by_one_of_two_instances(trial: Trial) -> None:
    """Of two completions at the same moment one counts, and the token keeps its output."""
    for _ in range(_ROUNDS):
        token_id = await _token(trial)
        won = await at_once(
            "complete_token through two instances",
            _complete(trial, token_id, b"1"),
            _complete(trial.other, token_id, b"2"),
        )
        expect("the completions that count", sorted(won), [False, True])
        store = cast("SupportsTokens", trial.backend)
        token = await store.get_token(token_id, now=trial.now)
        came = None if token is None else token.output_json
        expect("the output", came, b"1" if won[0] else b"2")


@shared_check("SupportsTokens.create_token", _TOKENS, protocol=SupportsTokens)
async def racers_for_a_token_key_get_one_token(trial: Trial) -> None:
    """Of those who create a token with one key at the same moment all get the same one."""
    for number in range(_ROUNDS):
        key = f"key-{number}"
        made = await at_once(
            "create_token through two instances",
            *(_token(one, key) for one in (trial, trial.other, trial, trial.other)),
        )
        expect("the number of tokens of one key", len(set(made)), 1)


# --- schedules ----------------------------------------------------------------------------------


def _store(trial: Trial) -> SupportsSchedules:
    return cast("SupportsSchedules", trial.backend)


def _new(trial: Trial) -> ScheduleRecord:
    return ScheduleRecord(
        new_id("sched"),
        TASK,
        "0 * * * *",
        "UTC",
        "IMPERATIVE",
        trial.moment,
        next_at=trial.after(3600),
    )


@shared_check("SupportsSchedules.put_schedule", _SCHEDULES, protocol=SupportsSchedules)
async def a_schedule_is_put_by_one_of_two_instances(trial: Trial) -> None:
    """Of two that make or change a schedule at the same moment one counts, and the other is told None."""
    for _ in range(_ROUNDS):
        schedule = _new(trial)
        for version in (1, 2, 3):
            stored = await at_once(
                "put_schedule through two instances",
                *(
                    _store(one).put_schedule(replace(schedule, external_id=name))
                    for one, name in ((trial, "one"), (trial.other, "two"))
                ),
            )
            won = [one for one in stored if one is not None]
            came = [one.version for one in won]
            expect(f"the versions that put_schedule gives for {version - 1}", came, [version])
            for one in (trial, trial.other):
                read = list(await _store(one).get_schedules([schedule.id]))
                expect("the schedule as it is read", read, won)
            schedule = won[0]


@shared_check("SupportsSchedules.record_tick", _SCHEDULES, protocol=SupportsSchedules)
async def a_tick_is_never_set_back_by_another_instance(trial: Trial) -> None:
    """Ticks that two schedulers record at the same moment leave the latest, whoever was last."""
    for number in range(_ROUNDS):
        schedule = await _store(trial).put_schedule(_new(trial))
        schedule_id = "" if schedule is None else schedule.id
        hours = (1, 2, 3, 4) if number % 2 else (4, 3, 2, 1)
        await at_once(
            "record_tick through two instances",
            *(
                _store(one).record_tick(
                    schedule_id,
                    at=trial.after(hour * 3600),
                    next_at=trial.after((hour + 1) * 3600),
                    version=1,
                )
                for one, hour in zip((trial, trial.other) * 2, hours, strict=True)
            ),
        )
        (read,) = await _store(trial.other).get_schedules([schedule_id])
        came = None if read is None else (read.last_fired, read.next_at)
        expect("last_fired and next_at", came, (trial.after(4 * 3600), trial.after(5 * 3600)))
