"""Watches: hints that something changed."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import cast

from taskkit.backends.base import (
    Backend,
    Capability,
    SupportsEdit,
    SupportsQueues,
    SupportsWake,
    Watch,
)
from taskkit.model.exchange import (
    CANCEL_TOPIC,
    WORK_TOPIC,
    Completed,
    Entry,
    EntryKind,
    Released,
    batch_topic,
    end_topic,
    run_topic,
    tag_topic,
)
from taskkit.model.ids import new_id
from taskkit.model.options import Debounce
from taskkit.testing.conformance.check import CheckFailedError, check, expect
from taskkit.testing.conformance.trial import Trial

WITHIN = 5.0
"""Seconds that a hint may take."""


async def heard(watch: Watch, topic: str, after: str, *, within: float = WITHIN) -> None:
    """Fail the check unless this topic comes."""
    came: list[str] = []
    try:
        async with asyncio.timeout(within):
            async for one in watch:
                came.append(one)
                if one == topic:
                    return
    except TimeoutError:
        came.append(f"nothing more within {within:g} s")
    else:
        came.append("the end of the watch")
    raise CheckFailedError(f"what a watch brings after {after}", expected=topic, came=str(came))


async def _ends(watch: Watch, after: str) -> None:
    """Fail the check unless the iteration is over."""
    try:
        async with asyncio.timeout(WITHIN):
            async for _ in watch:
                pass
    except TimeoutError:
        expected = "the end of the iteration"
        came = f"nothing within {WITHIN:g} s"
        raise CheckFailedError(f"a watch after {after}", expected=expected, came=came) from None


@check("Backend.watch", protocol=Backend)
async def a_watch_hears_of_the_end_of_a_run(trial: Trial) -> None:
    """The topics of a run and of its end are heard when it ends, by everybody who watches."""
    run_id, other = await trial.add(), await trial.add()
    watches = [
        (trial.backend.watch([topic(other), topic(run_id)]), topic(run_id))
        for topic in (end_topic, run_topic, run_topic)
    ]
    await trial.cancel(run_id)
    for watch, topic in watches:
        await heard(watch, topic, "the end of its run")
        watch.close()


@check("Watch.__aiter__", protocol=Backend)
async def a_change_is_heard_by_who_iterates_already(trial: Trial) -> None:
    """A change wakes the one who waits for it."""
    run_id = await trial.add()
    watch = trial.backend.watch([end_topic(run_id)])
    waiting = asyncio.create_task(heard(watch, end_topic(run_id), "the end of its run"))
    await asyncio.sleep(0)
    await trial.cancel(run_id)
    await waiting
    watch.close()


@check("Backend.watch", Capability.LOGS)
async def a_watch_hears_of_each_change_of_a_run(trial: Trial) -> None:
    """A start, what is appended, and the end are changes of a run; only the end is one of its end."""
    run_id = await trial.add()
    watch, ends = trial.backend.watch([run_topic(run_id)]), trial.backend.watch([end_topic(run_id)])
    lease = await trial.take(run_id)
    await heard(watch, run_topic(run_id), "a start")
    await trial.append(run_id, Entry(EntryKind.LOG, {"message": "a"}), lease=lease)
    await heard(watch, run_topic(run_id), "an append")
    await trial.settle(lease, Completed(b"1"))
    await heard(watch, run_topic(run_id), "an end")
    await heard(ends, end_topic(run_id), "an end")
    watch.close()
    ends.close()


@check("Backend.watch", Capability.DELAY, protocol=SupportsEdit)
async def a_watch_hears_that_a_start_was_moved(trial: Trial) -> None:
    """A delayed run that was moved has changed."""
    run_id = await trial.add(delay_until=trial.after(60))
    watch = trial.backend.watch([run_topic(run_id)])
    store = cast("SupportsEdit", trial.backend)
    await store.reschedule(run_id, trial.after(120), now=trial.now)
    await heard(watch, run_topic(run_id), "reschedule")
    watch.close()


@check("Backend.watch", Capability.DEBOUNCE)
async def a_watch_hears_of_a_debounce(trial: Trial) -> None:
    """A run that another trigger has joined has changed."""
    debounce = Debounce("key", delay=5)
    run_id = await trial.add(debounce=debounce)
    watch = trial.backend.watch([run_topic(run_id)])
    trial.later(1)
    await trial.enqueue(trial.request(debounce=debounce))
    await heard(watch, run_topic(run_id), "a trigger with the run's debounce key")
    watch.close()


@check("Backend.watch", protocol=Backend)
async def a_watch_hears_of_the_runs_of_a_tag_and_of_a_batch(trial: Trial) -> None:
    """The topics of a tag and of a batch are heard when a run that has it changes."""
    tag, batch = new_id("tag"), new_id("batch")
    watches = [trial.backend.watch([tag_topic(tag)]), trial.backend.watch([batch_topic(batch)])]
    request = trial.request(tags=(tag,))
    await trial.enqueue(request, batch_id=batch)
    await trial.cancel(request.run_id)
    for watch, topic in zip(watches, (tag_topic(tag), batch_topic(batch)), strict=True):
        await heard(watch, topic, "a change of its run")
        watch.close()


@check("Watch.close", protocol=Backend)
async def a_watch_ends_when_it_is_closed(trial: Trial) -> None:
    """After close the iteration is over, for one who waits in it too; closing twice is harmless."""
    watch = trial.backend.watch([run_topic(await trial.add())])
    waiting = asyncio.create_task(_ends(watch, "close()"))
    await asyncio.sleep(0)
    watch.close()
    await waiting
    watch.close()
    await _ends(watch, "close()")


@check("Backend.close", protocol=Backend)
async def watches_end_with_the_backend(trial: Trial) -> None:
    """When the backend closes, nobody waits on a watch for ever."""
    watch = trial.backend.watch([run_topic(await trial.add())])
    waiting = asyncio.create_task(_ends(watch, "close() of the backend"))
    await asyncio.sleep(0)
    await trial.home.close()
    await waiting


# --- the worker's topics --------------------------------------------------------------------------


async def _wakes(trial: Trial, topic: str, after: str, do: Callable[[], Awaitable[object]]) -> None:
    """Fail the check unless a worker hears this topic, by `on_work` where there is one, else by a watch."""
    backend = trial.backend
    if isinstance(backend, SupportsWake):
        came: list[str] = []
        stop = backend.on_work(came.append)
        await do()
        await asyncio.sleep(0)
        stop()
        expect(f"that a worker hears {topic!r} after {after}", topic in came, True)
        return
    watch = backend.watch([WORK_TOPIC, CANCEL_TOPIC])
    await do()
    await heard(watch, topic, after)
    watch.close()


@check("Backend.watch")
async def a_worker_hears_of_work(trial: Trial) -> None:
    """A new run, and one that is due again, wake a worker that has nothing to do."""
    await _wakes(trial, WORK_TOPIC, "a new run", trial.add)
    (lease,) = await trial.claim()
    await _wakes(trial, WORK_TOPIC, "a release", lambda: trial.settle(lease, Released()))


@check("SupportsQueues.update_queue", Capability.QUEUES)
async def a_worker_hears_that_a_queue_was_opened(trial: Trial) -> None:
    """The end of a pause wakes a worker that has nothing to do."""
    run_id = await trial.add(queue="busy")
    store = cast("SupportsQueues", trial.backend)
    await store.update_queue("busy", paused=True)
    await trial.nothing_due("from a paused queue")
    opened = functools.partial(store.update_queue, "busy", paused=False)
    await _wakes(trial, WORK_TOPIC, "the end of a pause", opened)
    await trial.take(run_id)


@check("Backend.watch", Capability.CANCEL_RUNNING)
async def a_worker_hears_of_a_cancel(trial: Trial) -> None:
    """A cancel of a run that executes wakes the worker that has it, instead of at its next beat."""
    lease = await trial.start()
    await _wakes(trial, CANCEL_TOPIC, "a cancel", lambda: trial.cancel(lease.run.id))
