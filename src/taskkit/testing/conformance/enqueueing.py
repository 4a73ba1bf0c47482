"""Asking for runs, and reading them back."""

from __future__ import annotations

import math
from hashlib import sha256
from typing import Any

from taskkit.backends.base import Backend, Capability
from taskkit.errors import QueueFullError, SecretInPayloadError
from taskkit.model.exchange import Completed
from taskkit.model.ids import new_id, new_run_id
from taskkit.model.queue import Queue
from taskkit.testing.conformance.check import (
    check,
    expect,
    expect_error,
    expect_that,
    shared_check,
)
from taskkit.testing.conformance.trial import QUEUE, Trial

_PAYLOADS = (
    None,
    b"null",
    b'{"b": 1,  "a": [1.0, 1e3, "\\u00e9"],\n"b": 2}',
    '"\u2603 \U0001f600"'.encode(),
    b'"' + b"x" * 200_000 + b'"',
)


@check("Backend.enqueue", protocol=Backend)
async def each_request_is_answered_in_order(trial: Trial) -> None:
    """Enqueue gives one answer per request, in order."""
    requests = [trial.request() for _ in range(3)]
    answers = await trial.enqueue(*reversed(requests))
    expected = [(request.run_id, "created", None) for request in reversed(requests)]
    came = [(answer.run_id, answer.disposition, answer.error) for answer in answers]
    expect("the answers of enqueue", came, expected)


@check("Backend.enqueue", protocol=Backend)
async def a_run_id_is_one_run_however_often_it_is_enqueued(trial: Trial) -> None:
    """Enqueue is idempotent by run id, and the first request counts."""
    run_id = new_run_id()
    await trial.add(run_id=run_id, payload=b"1")
    (again,) = await trial.enqueue(trial.request(run_id=run_id, payload=b"2"))
    expect("the second answer", (again.run_id, again.disposition), (run_id, "existing"))
    expect("the payload", (await trial.run(run_id)).request.payload, b"1")


@check("Backend.enqueue", protocol=Backend)
async def a_run_id_twice_in_one_call_is_one_run(trial: Trial) -> None:
    """Enqueue is idempotent by run id within one call too."""
    run_id = new_run_id()
    first, second = trial.request(run_id=run_id), trial.request(run_id=run_id)
    answers = await trial.enqueue(first, second)
    came = [(answer.run_id, answer.disposition) for answer in answers]
    expect("the answers", came, [(run_id, "created"), (run_id, "existing")])


@check("Backend.enqueue")
async def a_run_that_was_enqueued_twice_starts_once(trial: Trial) -> None:
    """A repeated enqueue makes no second delivery, also when the run has ended by then."""
    request = trial.request()
    await trial.enqueue(request)
    await trial.enqueue(request)
    lease = await trial.take(request.run_id)
    await trial.settle(lease, Completed(b"1"))
    await trial.enqueue(request)
    await trial.nothing_due("after a repeated enqueue of a run that is over")


@check("Backend.enqueue", protocol=Backend)
async def a_repeated_call_finishes_a_batch(trial: Trial) -> None:
    """A batch is idempotent item by item: what is missing is made, what is there stays."""
    requests = [trial.request() for _ in range(3)]
    await trial.enqueue(*requests[:2], batch_id="batch_1")
    answers = await trial.enqueue(*requests, batch_id="batch_1")
    came = [answer.disposition for answer in answers]
    expect("the answers to the repeated batch", came, ["existing", "existing", "created"])


@check("Backend.enqueue", protocol=Backend)
async def runs_know_their_batch(trial: Trial) -> None:
    """The batch id of the call is kept with each of its runs."""
    batch_id = new_id("batch")
    request = trial.request()
    await trial.enqueue(request, batch_id=batch_id)
    alone = await trial.add()
    came = [(await trial.run(run_id)).batch_id for run_id in (request.run_id, alone)]
    expect("the batch ids", came, [batch_id, None])


@check("Backend.get", protocol=Backend)
async def get_answers_in_order_with_none_for_the_unknown(trial: Trial) -> None:
    """Get gives the runs in the order asked for, None for an unknown id, a run twice if asked twice."""
    first, second = await trial.add(), await trial.add()
    unknown = new_run_id()
    asked = [second, unknown, first, second]
    runs = await trial.backend.get(asked)
    came = [None if run is None else run.id for run in runs]
    expect("the runs", came, [second, None, first, second])


@check("Backend.enqueue", protocol=Backend)
async def a_payload_comes_back_byte_for_byte(trial: Trial) -> None:
    """A payload is kept as the bytes that came, and no payload is not null."""
    ids = [await trial.add(payload=payload) for payload in _PAYLOADS]
    for run_id, payload in zip(ids, _PAYLOADS, strict=True):
        expect("the payload", (await trial.run(run_id)).request.payload, payload)


@check("Backend.enqueue", protocol=Backend)
async def clear_secrets_stay_in_the_process(trial: Trial) -> None:
    """Secrets that are not sealed come back with their run; where DURABLE is declared they refuse the whole call."""
    other = trial.request()
    request = trial.request(payload=b'{"password":"********"}', secrets={"/password": '"canary"'})
    if not trial.declares(Capability.DURABLE):
        await trial.enqueue(other, request)
        came = (await trial.run(request.run_id)).request.secrets
        expect("the secrets", dict(came or {}), {"/password": '"canary"'})
        return
    what = "enqueue of a request with a clear secret"
    error = await expect_error(what, SecretInPayloadError, trial.enqueue(other, request))
    expect_that(what, "canary" not in str(error), expected="an error without it", came=error)
    stored = await trial.backend.get([other.run_id, request.run_id])
    expect("the runs of that call", list(stored), [None, None])


def _everything(parent: str) -> dict[str, Any]:
    """What a request can say that every backend keeps and does nothing about."""
    return {
        "task_id": "other",
        "queue": "else",
        "tags": ("one", "tw\u00f6"),
        "max_attempts": 7,
        "max_duration": 12.5,
        "machine": "large-1x",
        "parent_id": parent,
        "root_id": parent,
        "awaited": True,
        "schedule_id": "sched_1",
        "is_test": True,
        "is_replay": True,
        "trace_parent": f"00-{1:032x}-{2:016x}-01",
    }


@check("Backend.enqueue", protocol=Backend)
async def a_run_comes_back_as_it_was_asked_for(trial: Trial) -> None:
    """Everything that a request says is kept."""
    fields = _everything(await trial.add())
    run = await trial.run(await trial.add(**fields))
    came = {name: getattr(run.request, name) for name in fields}
    expect("what was asked for", came, fields)
    expect("the tags of the run", run.tags, fields["tags"])
    expect("the machine of the run", run.machine, "large-1x")
    unlimited = await trial.run(await trial.add(max_duration=math.inf))
    expect("an infinite max_duration", unlimited.request.max_duration, math.inf)


@shared_check("Backend.enqueue", protocol=Backend)
async def another_instance_reads_a_run_as_it_was_asked_for(trial: Trial) -> None:
    """Everything that a request says is stored: another instance, which never had the request, knows it too."""
    fields = _everything(await trial.add())
    run = await trial.other.run(await trial.add(**fields))
    came = {name: getattr(run.request, name) for name in fields}
    expect("what was asked for, through another instance", came, fields)


@check("Backend.enqueue")
async def a_new_run_is_queued(trial: Trial) -> None:
    """A run that may start at once is QUEUED, has no attempt yet, and was made at the moment of the call."""
    run = await trial.run(await trial.add())
    came = (run.status, run.attempt, run.attempts, run.deaths, run.started_at, run.finished_at)
    expect("the new run", came, ("QUEUED", 0, (), 0, None, None))
    times = (run.created_at, run.available_at)
    expect("when it was made, and may start", times, (trial.moment, trial.moment))


@check("Backend.get")
async def a_run_that_was_handed_out_never_changes(trial: Trial) -> None:
    """What get and a lease give is a snapshot: later changes of the run do not reach it."""
    run_id = await trial.add()
    queued = await trial.run(run_id)
    lease = await trial.take(run_id)
    await trial.settle(lease, Completed(b"1"))
    came = [(run.status, run.attempt, run.output_json) for run in (queued, lease.run)]
    expect("runs that were read earlier", came, [("QUEUED", 0, None), ("EXECUTING", 1, None)])


@check("Backend.enqueue", Capability.QUEUE_LENGTH)
async def a_full_queue_refuses(trial: Trial) -> None:
    """A queue with max_length runs in it refuses by QueueFullError in the answer, and keeps nothing."""
    await trial.declare(Queue(QUEUE, max_length=2))
    requests = [trial.request() for _ in range(3)]
    answers = await trial.enqueue(*requests)
    came = [answer.disposition for answer in answers]
    expect("the answers", came, ["created", "created", "refused"])
    expect_that(
        "the error of the answer that refuses",
        isinstance(answers[2].error, QueueFullError),
        expected="a QueueFullError",
        came=answers[2].error,
    )
    (refused,) = await trial.backend.get([requests[2].run_id])
    expect("the run that was refused", refused, None)


@check("Backend.enqueue", Capability.QUEUE_LENGTH)
async def a_full_queue_takes_more_when_a_run_has_left_it(trial: Trial) -> None:
    """Only runs that wait in the queue count, and a run that is known already is no new one."""
    await trial.declare(Queue(QUEUE, max_length=1))
    first, second, third = trial.request(), trial.request(), trial.request()
    answers = [*await trial.enqueue(first), *await trial.enqueue(first)]
    await trial.take(first.run_id)
    answers += await trial.enqueue(second)
    await trial.cancel(second.run_id)
    answers += await trial.enqueue(third)
    came = [answer.disposition for answer in answers]
    what = "new, repeated, new after a start, new after a cancel"
    expect(what, came, ["created", "existing", "created", "created"])


@check("Backend.enqueue", Capability.QUEUE_LENGTH, Capability.IDEMPOTENCY)
async def a_run_that_was_refused_holds_no_key(trial: Trial) -> None:
    """A key that came with a refused run gives a new run when there is room."""
    await trial.declare(Queue(QUEUE, max_length=1))
    key = sha256(b"order-7").hexdigest()
    first = await trial.add()
    answers = await trial.enqueue(trial.request(idempotency_key=key))
    await trial.take(first)
    answers += await trial.enqueue(trial.request(idempotency_key=key))
    came = [answer.disposition for answer in answers]
    expect("the answers to one key, full and with room", came, ["refused", "created"])
