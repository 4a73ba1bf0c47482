"""Two instances on one store: a change through one is heard through the other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import cast

from taskkit.backends.base import (
    Backend,
    Capability,
    QueueBackend,
    SupportsEnds,
    SupportsQueues,
    SupportsSchedules,
    SupportsWake,
)
from taskkit.model.exchange import (
    CANCEL_TOPIC,
    SCHEDULES_TOPIC,
    WORK_TOPIC,
    Completed,
    Entry,
    EntryKind,
    ScheduleRecord,
    batch_topic,
    end_topic,
    run_topic,
    tag_topic,
)
from taskkit.model.ids import new_id
from taskkit.model.queue import Queue
from taskkit.testing.conformance.check import CheckFailedError, expect, shared_check
from taskkit.testing.conformance.trial import TASK, TWO, Trial
from taskkit.testing.conformance.watching import heard

WITHIN = 20.0
"""Seconds that a hint from another instance may take: where one is lost, a look finds the change."""


@shared_check("Backend.watch", protocol=Backend)
async def a_watch_hears_of_a_run_of_another_instance(trial: Trial) -> None:
    """The topics of a run, its end, its tag and its batch are heard when another instance changes it."""
    tag, batch = new_id("tag"), new_id("batch")
    request = trial.request(tags=(tag,))
    topics = [
        run_topic(request.run_id),
        end_topic(request.run_id),
        tag_topic(tag),
        batch_topic(batch),
    ]
    watches = [trial.other.backend.watch([topic]) for topic in topics]
    await trial.enqueue(request, batch_id=batch)
    await trial.cancel(request.run_id)
    for watch, topic in zip(watches, topics, strict=True):
        await heard(watch, topic, "a change of its run by another instance", within=WITHIN)
        watch.close()


@shared_check("Backend.watch", Capability.LOGS)
async def a_watch_hears_of_each_change_by_another_instance(trial: Trial) -> None:
    """A start, what is appended, and the end of a run are heard, one after the other."""
    run_id = await trial.add()
    watch = trial.other.backend.watch([run_topic(run_id)])
    lease = await trial.take(run_id)
    await heard(watch, run_topic(run_id), "a start by another instance", within=WITHIN)
    await trial.append(run_id, Entry(EntryKind.LOG, {"message": "a"}), lease=lease)
    await heard(watch, run_topic(run_id), "an append by another instance", within=WITHIN)
    await trial.settle(lease, Completed(b"1"))
    await heard(watch, run_topic(run_id), "an end by another instance", within=WITHIN)
    watch.close()


@shared_check("Backend.watch", Capability.SCHEDULES, protocol=SupportsSchedules)
async def a_watch_hears_of_a_schedule_of_another_instance(trial: Trial) -> None:
    """A schedule that is put or deleted through one instance is heard of by the schedulers of another."""
    store = cast("SupportsSchedules", trial.backend)
    watch = trial.other.backend.watch([SCHEDULES_TOPIC])
    schedule_id = new_id("sched")
    await store.put_schedule(
        ScheduleRecord(schedule_id, TASK, "0 * * * *", "UTC", "IMPERATIVE", trial.moment)
    )
    await heard(watch, SCHEDULES_TOPIC, "put_schedule by another instance", within=WITHIN)
    await store.delete_schedule(schedule_id)
    await heard(watch, SCHEDULES_TOPIC, "delete_schedule by another instance", within=WITHIN)
    watch.close()


# --- workers ------------------------------------------------------------------------------------


async def _wakes(one: Trial, topic: str, after: str, do: Callable[[], Awaitable[object]]) -> None:
    """Fail the check unless a worker of this instance hears the topic, as workers do."""
    if not isinstance(one.backend, SupportsWake):
        watch = one.backend.watch([topic])
        await do()
        await heard(watch, topic, after, within=WITHIN)
        watch.close()
        return
    has_come = asyncio.Event()
    stop = one.backend.on_work(lambda told: has_come.set() if told == topic else None)
    await do()
    try:
        async with asyncio.timeout(WITHIN):
            await has_come.wait()
    except TimeoutError:
        came = f"nothing within {WITHIN:g} s"
        raise CheckFailedError(
            f"what a worker hears after {after}", expected=topic, came=came
        ) from None
    finally:
        stop()


@shared_check("Backend.watch")
async def a_worker_hears_of_work_from_another_instance(trial: Trial) -> None:
    """A new run through one instance wakes a worker of another that has nothing to do."""
    await _wakes(trial.other, WORK_TOPIC, "a new run from another instance", trial.add)


@shared_check("QueueBackend.settle", Capability.QUEUE_LIMIT)
async def a_worker_hears_of_a_slot_that_another_instance_frees(trial: Trial) -> None:
    """The end of a run lets the next of its queue go: a worker of another instance that found it full is woken."""
    await trial.declare(Queue("narrow", 1))
    lease = await trial.start(queue="narrow")
    run_id = await trial.add(queue="narrow")
    await trial.other.nothing_due("from a full queue", TWO)
    end = partial(trial.settle, lease, Completed(b"1"))
    await _wakes(trial.other, WORK_TOPIC, "the end of a run by another instance", end)
    await trial.other.take(run_id, TWO)


@shared_check("SupportsQueues.update_queue", Capability.QUEUES, protocol=SupportsQueues)
async def a_worker_hears_that_another_instance_opened_a_queue(trial: Trial) -> None:
    """The end of a pause wakes workers of every instance."""
    run_id = await trial.add(queue="busy")
    store = cast("SupportsQueues", trial.backend)
    await store.update_queue("busy", paused=True)
    await trial.other.nothing_due("from a paused queue", TWO)
    opened = partial(store.update_queue, "busy", paused=False)
    await _wakes(trial.other, WORK_TOPIC, "the end of a pause by another instance", opened)
    await trial.other.take(run_id, TWO)


@shared_check("Backend.watch", Capability.CANCEL_RUNNING)
async def a_worker_hears_of_a_cancel_by_another_instance(trial: Trial) -> None:
    """A cancel through one instance wakes the worker of another that has the run."""
    lease = await trial.other.start(TWO)
    cancel = partial(trial.cancel, lease.run.id)
    await _wakes(trial.other, CANCEL_TOPIC, "a cancel by another instance", cancel)


# --- ends ---------------------------------------------------------------------------------------


@shared_check("SupportsEnds.end_of", protocol=SupportsEnds)
async def an_end_by_another_instance_is_awaited(trial: Trial) -> None:
    """Who waits for a run, also one that was made here, is told when another instance has ended it."""
    mine, theirs, over = await trial.add(), await trial.other.add(), await trial.other.add()
    store = cast("SupportsEnds", trial.other.backend)
    await trial.cancel(over)
    waiting = [asyncio.create_task(store.end_of(run_id)) for run_id in (mine, theirs, over)]
    await asyncio.sleep(0)
    if isinstance(trial.backend, QueueBackend):
        for lease in await trial.claim():
            await trial.settle(lease, Completed(b"1"))
        expected = "COMPLETED"
    else:  # nobody works here
        await trial.cancel(mine, theirs)
        expected = "CANCELED"
    try:
        async with asyncio.timeout(WITHIN):
            ends = await asyncio.gather(*waiting)
    except TimeoutError:
        all_ended = "the runs that have ended"
        came = f"nothing within {WITHIN:g} s"
        raise CheckFailedError("end_of", expected=all_ended, came=came) from None
    came_in = [None if run is None else run.status for run in ends]
    expect("the ends", came_in, [expected, expected, "CANCELED"])
