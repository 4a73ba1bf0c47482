"""Debounce: triggers with one key become one run, which starts when they have stopped coming."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from taskkit.backends.base import Capability
from taskkit.model.exchange import Completed
from taskkit.model.options import Debounce
from taskkit.model.request import TriggerRequest
from taskkit.testing.conformance.check import check, expect
from taskkit.testing.conformance.trial import OTHER_TASK, Trial

_DEBOUNCE = Capability.DEBOUNCE
LEADING, TRAILING = Debounce("key", delay=5), Debounce("key", delay=5, mode="trailing")


async def _trigger(trial: Trial, debounce: Debounce, **fields: Any) -> tuple[str, str]:
    """One more trigger: the run it became, and how."""
    (answer,) = await trial.enqueue(trial.request(debounce=debounce, **fields))
    return answer.run_id, answer.disposition


async def _made(trial: Trial, debounce: Debounce, **fields: Any) -> str:
    """The run that a first trigger makes."""
    run_id, disposition = await _trigger(trial, debounce, **fields)
    expect("what becomes of the first trigger", disposition, "created")
    expect("the status of a debounced run", await trial.status(run_id), "DELAYED")
    return run_id


async def _joins(trial: Trial, run_id: str, debounce: Debounce, **fields: Any) -> None:
    came = await _trigger(trial, debounce, **fields)
    expect("what becomes of a trigger with the same key", came, (run_id, "debounced"))


async def _is_new(trial: Trial, run_id: str, what: str, debounce: Debounce, **fields: Any) -> str:
    came, disposition = await _trigger(trial, debounce, **fields)
    expect(f"what becomes of a trigger {what}", disposition, "created")
    expect("that it is the earlier run", came == run_id, False)
    return came


@check("Backend.enqueue", _DEBOUNCE)
async def triggers_with_one_debounce_key_become_one_run(trial: Trial) -> None:
    """Each trigger pushes the run back; it starts once, its delay after the last of them."""
    run_id = await _made(trial, LEADING)
    for _ in range(3):
        trial.later(4)
        await _joins(trial, run_id, LEADING)
    trial.later(4)
    await trial.nothing_due("1 s before the delay after the last trigger is over")
    trial.later(1)
    await trial.take(run_id, what="what is due when no trigger came for the delay")


@check("Backend.enqueue", _DEBOUNCE)
async def a_debounce_key_belongs_to_its_task(trial: Trial) -> None:
    """Another key, or the same for another task, is another run."""
    run_id = await _made(trial, LEADING)
    await _is_new(trial, run_id, "for another task", LEADING, task_id=OTHER_TASK)
    await _is_new(trial, run_id, "with another key", Debounce("other", delay=5))


@check("Backend.enqueue", _DEBOUNCE)
async def a_leading_debounce_keeps_what_came_first(trial: Trial) -> None:
    """Mode "leading": payload, tags, machine, attempts and duration are the first trigger's."""
    first = {"payload": b"1", "tags": ("a",), "machine": "small-1x", "max_duration": 1.0}
    run_id = await _made(trial, LEADING, max_attempts=1, **first)
    last = {"payload": b"2", "tags": ("b",), "machine": "large-1x", "max_duration": 2.0}
    await _joins(trial, run_id, LEADING, max_attempts=2, **last)
    await _expect_asked(trial, run_id, {**first, "max_attempts": 1})


@check("Backend.enqueue", _DEBOUNCE)
async def a_trailing_debounce_takes_what_came_last(trial: Trial) -> None:
    """Mode "trailing": they are the last trigger's, and what that leaves out stays."""
    first = {"payload": b"1", "tags": ("a",), "machine": "small-1x", "max_duration": 1.0}
    run_id = await _made(trial, TRAILING, max_attempts=1, **first)
    last = {"payload": b"2", "tags": ("b",), "machine": "large-1x", "max_duration": 2.0}
    await _joins(trial, run_id, TRAILING, max_attempts=2, **last)
    await _expect_asked(trial, run_id, {**last, "max_attempts": 2})
    await _joins(trial, run_id, TRAILING, payload=b"3", max_attempts=2)
    await _expect_asked(trial, run_id, {**last, "payload": b"3", "max_attempts": 2})


async def _expect_asked(trial: Trial, run_id: str, expected: dict[str, Any]) -> None:
    run = await trial.run(run_id)
    asked = run.request
    came = {
        "payload": asked.payload,
        "tags": run.tags,
        "machine": run.machine,
        "max_duration": asked.max_duration,
        "max_attempts": asked.max_attempts,
    }
    expect("what the run is asked to do", came, expected)


@check("Backend.enqueue", _DEBOUNCE, Capability.METADATA)
async def the_metadata_of_a_debounced_run_goes_with_its_mode(trial: Trial) -> None:
    """Mode "leading" keeps the metadata of the first trigger, "trailing" takes that of the last."""
    for mode, expected in ((LEADING, {"n": 1}), (TRAILING, {"n": 2})):
        run_id = await _made(trial, mode, metadata={"n": 1})
        await _joins(trial, run_id, mode, metadata={"n": 2})
        run = await trial.run(run_id)
        expect(f"the metadata, {mode.mode}", run.metadata, expected)
        await trial.cancel(run_id)


@check("Backend.enqueue", _DEBOUNCE)
async def a_debounce_joins_no_run_that_is_not_delayed(trial: Trial) -> None:
    """A run that may start, that executes, is over or was canceled is let alone: a new one is made."""
    run_id = await _made(trial, LEADING)
    trial.later(5)  # and nobody has looked since
    run_id = await _is_new(trial, run_id, "when the run is due", LEADING)
    (lease,) = await trial.claim()
    trial.later(5)
    (lease,) = await trial.claim()
    expect("the run that starts", lease.run.id, run_id)
    run_id = await _is_new(trial, run_id, "when the run executes", LEADING)
    await trial.cancel(run_id)
    run_id = await _is_new(trial, run_id, "when the run was canceled", LEADING)
    trial.later(5)
    await trial.settle(await trial.take(run_id), Completed(b"1"))
    await _is_new(trial, run_id, "when the run is over", LEADING)


@check("Backend.enqueue", _DEBOUNCE)
async def a_debounced_run_is_let_go_at_its_max_delay(trial: Trial) -> None:
    """A trigger that would push it beyond max_delay after its making makes a new run, which the next ones join."""
    bounded = Debounce("key", delay=5, max_delay=12)
    run_id = await _made(trial, bounded)
    for seconds in (4, 3):
        trial.later(seconds)
        await _joins(trial, run_id, bounded)
    trial.later(1)
    second = await _is_new(trial, run_id, "beyond max_delay", bounded)
    await _joins(trial, second, bounded)
    trial.later(4)
    await trial.take(run_id, what="what is due when the first run was to start")
    trial.later(1)
    await trial.take(second, what="what is due when the second run was to start")


@check("Backend.enqueue", _DEBOUNCE)
async def a_debounced_run_without_a_max_delay_can_be_pushed_back_for_ever(trial: Trial) -> None:
    """Only max_delay bounds it."""
    run_id = await _made(trial, LEADING)
    for _ in range(50):
        trial.later(4)
        await trial.nothing_due("while triggers come")
        await _joins(trial, run_id, LEADING)


@check("Backend.enqueue", _DEBOUNCE)
async def a_debounce_never_makes_a_run_earlier(trial: Trial) -> None:
    """A shorter delay than what is left joins the run, and leaves its start where it is."""
    run_id = await _made(trial, Debounce("key", delay=60))
    await _joins(trial, run_id, Debounce("key", delay=1))
    trial.later(59)
    await trial.nothing_due("1 s before the first delay is over")
    trial.later(1)
    await trial.take(run_id)


@check("Backend.enqueue", _DEBOUNCE)
async def a_debounced_request_counts_once(trial: Trial) -> None:
    """The same request again, as after a lost answer, gives the run that it joined, and pushes nothing back."""
    run_id = await _made(trial, LEADING)
    request = trial.request(debounce=LEADING)
    came = [await _run_of(trial, request)]
    trial.later(4)
    came.append(await _run_of(trial, request))
    trial.later(1)
    await trial.take(run_id, what="what is due 5 s after the request first came")
    came.append(await _run_of(trial, request))
    expect("the runs of one request", came, [run_id] * 3)


async def _run_of(trial: Trial, request: TriggerRequest) -> str:
    (answer,) = await trial.enqueue(request)
    return answer.run_id


@check("Backend.enqueue", _DEBOUNCE, Capability.IDEMPOTENCY)
async def an_idempotency_key_of_a_debounced_trigger_holds(trial: Trial) -> None:
    """A key leads to the run that its trigger joined, also when that has started."""
    key = sha256(b"order-7").hexdigest()
    run_id = await _made(trial, LEADING)
    await _joins(trial, run_id, LEADING, idempotency_key=key)
    trial.later(5)
    await trial.take(run_id)
    came = await _trigger(trial, LEADING, idempotency_key=key)
    expect("what becomes of a trigger with the key", came, (run_id, "existing"))
