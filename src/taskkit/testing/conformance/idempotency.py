"""Idempotency keys: which run a key gives, how long, and what frees it."""

from __future__ import annotations

from hashlib import sha256

from taskkit.backends.base import Backend, Capability
from taskkit.model.exchange import Canceled, Completed, RetryAt
from taskkit.model.run import FREES_KEY, RunStatus
from taskkit.testing.conformance.check import check, expect
from taskkit.testing.conformance.trial import ERROR, OTHER_TASK, TASK, Trial

_DAY = 86_400.0
_IDEMPOTENCY, _TTL = Capability.IDEMPOTENCY, Capability.IDEMPOTENCY_TTL


def _key(text: str) -> str:
    return sha256(text.encode()).hexdigest()


KEY = _key("order-7")


async def _expect(trial: Trial, what: str, expected: str, key: str = KEY) -> str:
    """Ask for a run with this key; the id that the answer names."""
    (answer,) = await trial.enqueue(trial.request(idempotency_key=key))
    expect(f"the answer to the same key {what}", answer.disposition, expected)
    return answer.run_id


@check("Backend.enqueue", _IDEMPOTENCY, protocol=Backend)
async def the_same_key_gives_the_same_run(trial: Trial) -> None:
    """A key that is held gives the run that holds it, and stores nothing."""
    first = await trial.add(idempotency_key=KEY)
    second = trial.request(idempotency_key=KEY)
    (answer,) = await trial.enqueue(second)
    expect("the second answer", (answer.run_id, answer.disposition), (first, "existing"))
    expect("the second run", list(await trial.backend.get([second.run_id])), [None])


@check("Backend.enqueue", _IDEMPOTENCY, protocol=Backend)
async def the_same_key_twice_in_one_call_is_one_run(trial: Trial) -> None:
    """Keys count within one call too."""
    requests = [trial.request(idempotency_key=key) for key in (KEY, KEY, _key("another"))]
    answers = await trial.enqueue(*requests)
    came = [(answer.run_id, answer.disposition) for answer in answers]
    first, third = answers[0].run_id, answers[2].run_id
    expect("the answers", came, [(first, "created"), (first, "existing"), (third, "created")])
    expect("that another key gives another run", first != third, True)


@check("Backend.enqueue", _IDEMPOTENCY, protocol=Backend)
async def a_key_counts_for_its_task_only(trial: Trial) -> None:
    """The same key for another task gives another run."""
    requests = [trial.request(task_id=id_, idempotency_key=KEY) for id_ in (TASK, OTHER_TASK)]
    came = [answer.disposition for request in requests for answer in await trial.enqueue(request)]
    expect("the answers to one key for two tasks", came, ["created", "created"])


@check("Backend.enqueue", _IDEMPOTENCY)
async def a_key_is_held_until_its_run_ends(trial: Trial) -> None:
    """A run holds its key while it is queued, executing, and between two attempts."""
    run_id = await trial.add(idempotency_key=KEY)
    await _expect(trial, "of a queued run", "existing")
    lease = await trial.take(run_id)
    await _expect(trial, "of a run that executes", "existing")
    await trial.settle(lease, RetryAt(trial.after(60), ERROR))
    await _expect(trial, "of a run between two attempts", "existing")


@check("Backend.enqueue", _IDEMPOTENCY, Capability.WAITS)
async def a_key_is_held_by_a_run_that_waits(trial: Trial) -> None:
    """A run that waits holds its key."""
    await trial.park(await trial.start(idempotency_key=KEY), trial.for_time(60))
    await _expect(trial, "of a run that waits", "existing")


@check("Backend.enqueue", _IDEMPOTENCY)
async def a_key_is_held_by_a_run_that_completed(trial: Trial) -> None:
    """COMPLETED does not free a key."""
    await trial.settle(await trial.start(idempotency_key=KEY), Completed(b"1"))
    await _expect(trial, "of a COMPLETED run", "existing")


@check("Backend.enqueue", _IDEMPOTENCY)
async def a_key_is_held_by_a_run_that_was_canceled(trial: Trial) -> None:
    """CANCELED does not free a key, whether the run had started or not."""
    lease = await trial.start(idempotency_key=KEY)
    await trial.settle(lease, Canceled())
    await _expect(trial, "of a run CANCELED while it ran", "existing")
    other = _key("other")
    await trial.cancel(await trial.add(idempotency_key=other))
    await _expect(trial, "of a run CANCELED in its queue", "existing", other)


@check("Backend.enqueue", _IDEMPOTENCY)
async def a_key_is_freed_by_a_failed_end(trial: Trial) -> None:
    """FAILED, CRASHED, SYSTEM_FAILURE and TIMED_OUT free a key."""
    for status in sorted(FREES_KEY - {RunStatus.EXPIRED}):
        await trial.fail(await trial.start(idempotency_key=_key(status)), status)
        run_id = await _expect(trial, f"after {status}", "created", _key(status))
        await trial.cancel(run_id)


@check("Backend.enqueue", _IDEMPOTENCY, Capability.TTL)
async def a_key_is_freed_by_an_expired_run(trial: Trial) -> None:
    """EXPIRED frees a key."""
    run_id = await trial.add(idempotency_key=KEY, ttl=10)
    trial.later(11)
    await trial.advance()
    expect("the status after the ttl", await trial.status(run_id), "EXPIRED")
    await _expect(trial, "of an EXPIRED run", "created")


@check("Backend.enqueue", _IDEMPOTENCY)
async def a_freed_key_is_held_by_the_next_run(trial: Trial) -> None:
    """The run that took a freed key holds it."""
    await trial.fail(await trial.start(idempotency_key=KEY))
    second = await _expect(trial, "after a failure", "created")
    third = await _expect(trial, "that the next run took", "existing")
    expect("the run that the key gives", third, second)


@check("Backend.enqueue", _TTL, _IDEMPOTENCY)
async def a_key_holds_for_its_ttl_and_no_longer(trial: Trial) -> None:
    """The TTL counts in seconds from the call that made the run."""
    await trial.add(idempotency_key=KEY, idempotency_key_ttl=60)
    trial.later(59)
    await _expect(trial, "1 s before its TTL ends", "existing")
    trial.later(2)
    await _expect(trial, "1 s after its TTL ended", "created")


@check("Backend.enqueue", _IDEMPOTENCY)
async def a_key_without_a_ttl_holds_for_thirty_days(trial: Trial) -> None:
    """A key that says nothing of its TTL holds for 30 days."""
    await trial.add(idempotency_key=KEY)
    trial.later(30 * _DAY - 60)
    await _expect(trial, "1 min before 30 days are over", "existing")
    trial.later(120)
    await _expect(trial, "1 min after 30 days", "created")


@check("Backend.enqueue", _TTL, _IDEMPOTENCY)
async def a_late_failure_frees_no_key_of_another_run(trial: Trial) -> None:
    """A run that ends after its key's TTL leaves the key to the run that has it now."""
    late = await trial.start(idempotency_key=KEY, idempotency_key_ttl=60, lease=1000)
    trial.later(61)
    holder = await _expect(trial, "after its TTL", "created")
    await trial.fail(late)
    found = await _expect(trial, "after the failure of the run that had it before", "existing")
    expect("the run that the key gives", found, holder)
