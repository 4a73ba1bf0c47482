"""Two instances on one store: what is done through one counts for the other."""

from __future__ import annotations

from hashlib import sha256
from typing import cast

from taskkit.backends.base import (
    Backend,
    Capability,
    SupportsEdit,
    SupportsPurge,
    SupportsQueues,
    SupportsTokens,
)
from taskkit.decorator import task
from taskkit.errors import LeaseLostError, RunNotFoundError
from taskkit.model.exchange import (
    Completed,
    Entry,
    EntryKind,
    RetryAt,
    Signal,
    Suspended,
    Token,
    TokenRef,
    Wait,
)
from taskkit.model.ids import new_id
from taskkit.model.queue import Queue
from taskkit.model.run import RunStatus
from taskkit.runtime.current_backend import choose
from taskkit.testing.conformance.check import check, expect, expect_error, shared_check
from taskkit.testing.conformance.serving import WITHIN, own_tasks, working
from taskkit.testing.conformance.trial import ERROR, LEASE, TASK, TWO, Trial

_KEY = sha256(b"order-7").hexdigest()


@check("Backend.capabilities", Capability.SHARED, protocol=Backend)
async def what_is_shared_is_seen_by_another_instance(trial: Trial) -> None:
    """A backend that declares SHARED has instances that see at once what another one has stored."""
    run_id = await trial.add(payload=b"7")
    run = await trial.other.run(run_id)
    expect("the run through another instance", (run.status, run.request.payload), ("QUEUED", b"7"))
    await trial.other.cancel(run_id)
    expect("its status after that has canceled it", await trial.status(run_id), "CANCELED")


# --- runs ---------------------------------------------------------------------------------------


@shared_check("QueueBackend.claim")
async def a_run_is_claimed_and_ended_through_another_instance(trial: Trial) -> None:
    """A run that one instance stores is given to a worker of another, and its end is seen by the first."""
    run_id = await trial.add()
    lease = await trial.other.take(run_id, TWO)
    run = await trial.run(run_id)
    expect("the run that is held", (run.status, run.attempt), ("EXECUTING", 1))
    await trial.nothing_due("while a worker of another instance holds the run")
    await trial.other.settle(lease, Completed(b'"done"'))
    run = await trial.run(run_id)
    expect("the run that has ended", (run.status, run.output_json), ("COMPLETED", b'"done"'))


@shared_check("QueueBackend.settle")
async def a_lease_taken_over_through_another_instance_is_lost(trial: Trial) -> None:
    """Once another instance's worker has the run, the one before cannot settle it and is told so."""
    old = await trial.start()
    trial.later(LEASE + 1)
    new = await trial.other.take(old.run.id, TWO)
    (signal,) = await trial.store.extend([old], lease=LEASE, now=trial.now)
    expect("the signal for the older lease", signal, Signal.LOST)
    for outcome in (Completed(b'"old"'), RetryAt(trial.moment, ERROR), Suspended(())):
        call = trial.settle(old, outcome)
        await expect_error(f"settle({outcome}) under an older token", LeaseLostError, call)
    (signal,) = await trial.other.store.extend([new], lease=LEASE, now=trial.now)
    expect("the signal for the newer lease", signal, Signal.HELD)
    await trial.other.settle(new, Completed(b'"new"'))
    expect("the output", (await trial.run(old.run.id)).output_json, b'"new"')


@shared_check("Backend.append", Capability.LOGS)
async def a_lease_taken_over_through_another_instance_appends_nothing(trial: Trial) -> None:
    """Nor can it append, although its own instance has seen nobody take the run."""
    old = await trial.start()
    trial.later(LEASE + 1)
    new = await trial.other.take(old.run.id, TWO)
    call = trial.append(old.run.id, Entry(EntryKind.LOG, "old"), lease=old)
    await expect_error("append under an older token", LeaseLostError, call)
    await trial.other.append(old.run.id, Entry(EntryKind.LOG, "new"), lease=new)
    expect("the logs", await trial.data(old.run.id, EntryKind.LOG), ["new"])


@shared_check("QueueBackend.extend", Capability.CANCEL_RUNNING)
async def a_cancel_reaches_the_lease_of_another_instance(trial: Trial) -> None:
    """A cancel through one instance is told with the next beat of the worker that has the run elsewhere."""
    lease = await trial.other.start(TWO)
    store = trial.other.store
    came = list(await store.extend([lease], lease=LEASE, now=trial.now))
    await trial.cancel(lease.run.id, reason="enough")
    came += await store.extend([lease], lease=LEASE, now=trial.now)
    expect("the signals before and after the cancel", came, [Signal.HELD, Signal.CANCEL])


@shared_check("QueueBackend.extend")
async def a_beat_of_one_instance_keeps_others_off(trial: Trial) -> None:
    """A lease that is extended is not taken over through another instance that knew its former end."""
    lease = await trial.start()
    await trial.other.nothing_due("while a worker of another instance holds the run", TWO)
    trial.later(LEASE - 1)
    await trial.store.extend([lease], lease=LEASE, now=trial.now)
    trial.later(LEASE - 1)
    await trial.other.nothing_due("while the extended lease lasts", TWO)
    trial.later(2)
    again = await trial.other.take(lease.run.id, TWO)
    expect("attempt and delivery after a death", (again.attempt, again.delivery), (1, 2))


@shared_check("Backend.serve", protocol=Backend)
async def a_worker_serves_what_another_instance_has_stored(trial: Trial) -> None:
    """A run that is triggered through one instance is carried out by a worker of another, and gives its result."""
    with own_tasks():

        @task(id=TASK)
        async def double(number: int) -> int:
            return 2 * number

        async with working(trial.other):
            with choose(trial.home):
                handle = await double.trigger(21)
                result = await handle.result(timeout=WITHIN)
    expect("the result", (result.status, result.output), ("COMPLETED", 42))


# --- waits --------------------------------------------------------------------------------------


@shared_check("QueueBackend.settle", Capability.WAITS)
async def a_child_that_ends_through_another_instance_is_an_answer(trial: Trial) -> None:
    """A parent that waits comes back when another instance ends its child, also where it was parked before."""
    parent = await trial.start()
    child = await trial.child_of(parent)
    wait = trial.for_runs(child)
    await trial.park(parent, wait)
    await trial.other.settle(await trial.other.take(child, TWO), Completed(b'"done"'))
    back = await trial.take(parent.run.id, kind="resume")
    answer = back.answers.get(wait.id)
    came = [run.output_json for run in answer] if isinstance(answer, tuple) else answer
    expect("the answer", came, [b'"done"'])


@shared_check("SupportsTokens.complete_token", Capability.TOKENS, Capability.WAITS)
async def a_token_completed_through_another_instance_is_an_answer(trial: Trial) -> None:
    """A run that waits for a token comes back when another instance completes it."""
    mine, others = (cast("SupportsTokens", one.backend) for one in (trial, trial.other))
    lease = await trial.start()
    token = await mine.create_token(
        new_id("token"), timeout=None, tags=(), idempotency_key=None, now=trial.now
    )
    wait = Wait(new_id("wait"), TokenRef(token.id), "token")
    await trial.park(lease, wait)
    expect("complete", await others.complete_token(token.id, b'"yes"', now=trial.now), True)
    expect("complete again", await mine.complete_token(token.id, None, now=trial.now), False)
    back = await trial.take(lease.run.id, kind="resume")
    answer = back.answers.get(wait.id)
    came = (answer.status, answer.output_json) if isinstance(answer, Token) else answer
    expect("the answer", came, ("COMPLETED", b'"yes"'))


# --- queues -------------------------------------------------------------------------------------


@shared_check("SupportsQueues.update_queue", Capability.QUEUES, protocol=SupportsQueues)
async def a_queue_paused_through_one_instance_is_paused_for_all(trial: Trial) -> None:
    """What update_queue sets through one instance counts for the next claim of another, and comes off again."""
    run_id = await trial.add(queue="busy")
    await trial.other.take(run_id, TWO, what="what a claim gives before the pause")
    waiting = await trial.add(queue="busy")
    store = cast("SupportsQueues", trial.backend)
    await store.update_queue("busy", paused=True)
    await trial.other.nothing_due("from a queue that another instance has paused", TWO)
    await store.update_queue("busy", paused=False, limit=1)
    await trial.other.nothing_due("from a queue whose limit another instance has set to 1", TWO)
    await store.update_queue("busy", limit="declared")
    await trial.other.take(waiting, TWO)


@shared_check("Backend.enqueue", Capability.QUEUE_LENGTH)
async def a_queue_is_full_for_all_instances(trial: Trial) -> None:
    """The runs that wait in a queue count, whichever instance has stored them."""
    short = Queue("short", max_length=2)
    await trial.declare(short)
    came: list[str] = []
    for one in (trial, trial.other, trial.other, trial):
        (answer,) = await one.enqueue(one.request(queue="short"))
        came.append(answer.disposition)
    expect("the answers", came, ["created", "created", "refused", "refused"])


# --- keys and entries ---------------------------------------------------------------------------


@shared_check("Backend.enqueue", Capability.IDEMPOTENCY, protocol=SupportsEdit)
async def a_key_is_held_and_freed_for_all_instances(trial: Trial) -> None:
    """A key held through one instance is held for another, and free again when either lets it go."""

    async def asked(one: Trial) -> tuple[str, str]:
        (answer,) = await one.enqueue(one.request(idempotency_key=_KEY))
        return answer.run_id, answer.disposition

    first, _ = await asked(trial)
    expect("the answer through another instance", await asked(trial.other), (first, "existing"))
    store = cast("SupportsEdit", trial.backend)
    expect("whether release_key frees it", await store.release_key(TASK, _KEY), True)
    second, how = await asked(trial.other)
    expect("the answer after that", (how, second == first), ("created", False))
    expect("the answer through the first", await asked(trial), (second, "existing"))


@shared_check("Backend.append", Capability.METADATA, Capability.TAGS)
async def what_another_instance_appends_is_not_overwritten(trial: Trial) -> None:
    """Metadata and tags of a run that one instance holds are kept when another has changed them meanwhile."""
    lease = await trial.start(metadata={"asked": 1})
    await trial.append(lease.run.id, _set("mine", 1), lease=lease)
    await trial.other.append(lease.run.id, _set("theirs", 2), Entry(EntryKind.TAG, "theirs"))
    await trial.append(lease.run.id, _set("mine", 3), Entry(EntryKind.TAG, "mine"), lease=lease)
    await trial.settle(lease, Completed(b"1"))
    for one in (trial, trial.other):
        run = await one.run(lease.run.id)
        expect("the metadata", run.metadata, {"asked": 1, "mine": 3, "theirs": 2})
        expect("the tags", run.tags, ("theirs", "mine"))


def _set(key: str, value: object) -> Entry:
    return Entry(EntryKind.METADATA, {"type": "set", "key": key, "value": value})


@shared_check("Backend.read", Capability.MEMO)
async def a_memo_is_read_through_another_instance(trial: Trial) -> None:
    """What an attempt has kept is read where the run is delivered again."""
    lease = await trial.start()
    await trial.append(lease.run.id, Entry(EntryKind.MEMO, {"a": 1}, "step"), lease=lease)
    trial.later(LEASE + 1)
    await trial.other.take(lease.run.id, TWO)
    expect("the memo", await trial.other.data(lease.run.id, EntryKind.MEMO, "step"), [{"a": 1}])


@shared_check("SupportsQuery.list", Capability.LIST)
async def a_list_shows_what_other_instances_do(trial: Trial) -> None:
    """Runs are listed with the status that another instance has given them."""
    runs = [await one.add() for one in (trial, trial.other)]
    for one in (trial, trial.other):
        await one.listed(runs[::-1], "the runs of both instances")
    await trial.cancel(runs[1])
    await trial.other.cancel(runs[0])
    for one in (trial, trial.other):
        await one.listed(runs[::-1], "the canceled runs", status=frozenset({RunStatus.CANCELED}))


@shared_check("SupportsPurge.purge", protocol=SupportsPurge)
async def what_one_instance_forgets_is_gone_for_another(trial: Trial) -> None:
    """A run that another instance has purged is unknown, also to the instance that had it last."""
    lease = await trial.start()
    await trial.settle(lease, Completed(b"1"))
    expect("the status before", await trial.status(lease.run.id), "COMPLETED")
    store = cast("SupportsPurge", trial.other.backend)
    expect("how many were forgotten", await store.purge(trial.after(1), limit=10), 1)
    expect("the run", list(await trial.backend.get([lease.run.id])), [None])
    call = trial.append(lease.run.id, _set("late", 1), lease=lease)
    await expect_error("append to a run that is forgotten", RunNotFoundError, call)
    (answer,) = await trial.enqueue(lease.run.request)
    expect("the answer to its request, which makes it again", answer.disposition, "created")
    expect("the run that another instance is given", await trial.other.claimed(), [lease.run.id])
