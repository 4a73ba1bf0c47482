"""Queues while the program runs: how full they are, pauses, other limits, lengths; and turns."""

import asyncio

import pytest

import taskkit
from taskkit import Queue, Retry, RunHandle, RunStatus, Worker, queues, runs, task, wait
from taskkit.backends.memory import MemoryBackend
from taskkit.errors import (
    InvalidOptionError,
    QueueFullError,
    QueueNotFoundError,
    SyncInAsyncError,
    UnsupportedByBackendError,
)
from taskkit.model.capability import Capability
from taskkit.model.exchange import QueueRecord
from taskkit.testing import FakeClock

pytestmark = pytest.mark.anyio


async def status(handle: RunHandle[None]) -> RunStatus:
    return (await handle.retrieve()).status


# --- looking ----------------------------------------------------------------------------------------


async def test_a_queue_is_found_by_its_name_a_queue_or_a_task(app: Worker) -> None:
    users = Queue("users", concurrency_limit=4, max_length=100)

    @task(queue=users)
    async def sync_user() -> None: ...

    @task()
    async def send_mail() -> None: ...

    expected = QueueRecord("users", 4, 0, 0, False, 4, False, 100)
    for named in ("users", users, sync_user):
        assert await queues.retrieve(named) == expected
    assert (await queues.retrieve(send_mail)).name == "task/send-mail"
    assert {queue.name async for queue in queues.list()} == {"users", "task/send-mail"}


async def test_a_queue_is_known_without_a_worker_or_a_run() -> None:
    @task(queue=Queue("users", concurrency_limit=4))
    async def sync_user() -> None: ...

    with taskkit.use_backend(MemoryBackend()):
        assert (await queues.retrieve("users")).concurrency_limit == 4


async def test_an_unknown_queue_is_an_error_that_names_near_ones(app: Worker) -> None:
    @task(queue=Queue("users"))
    async def sync_user() -> None: ...

    for call in (
        queues.retrieve("user"),
        queues.pause("user"),
        queues.resume("user"),
        queues.override_concurrency_limit("user", 1),
        queues.reset_concurrency_limit("user"),
    ):
        with pytest.raises(QueueNotFoundError, match="Did you mean 'users'"):
            await call


@pytest.mark.parametrize("name", ["", "a b", "x" * 200, 7, None])
async def test_what_cannot_be_a_queue_is_refused(app: Worker, name: object) -> None:
    with pytest.raises(InvalidOptionError):
        await queues.retrieve(name)


async def test_a_queue_shows_its_load(app: Worker, clock: FakeClock) -> None:
    @task(queue=Queue("users", concurrency_limit=1))
    async def nap() -> None:
        async with asyncio.timeout(None):
            await asyncio.Event().wait()

    for _ in range(3):
        await nap.trigger()
    await clock.settle()
    users = await queues.retrieve("users")
    assert (users.running, users.queued) == (1, 2)


# --- pausing ----------------------------------------------------------------------------------------


async def test_a_paused_queue_starts_nothing_until_it_is_resumed(app: Worker) -> None:
    @task()
    async def send_mail() -> None: ...

    @task()
    async def other() -> None: ...

    assert (await queues.pause(send_mail)).paused
    held = await send_mail.trigger()
    assert (await (await other.trigger()).result()).ok
    await app.idle()  # nobody waits for what stands in a paused queue
    assert await status(held) is RunStatus.QUEUED
    assert not (await queues.resume(send_mail)).paused
    assert (await held.result()).ok


async def test_who_waits_for_idle_is_told_when_a_pause_leaves_nothing_to_do(app: Worker) -> None:
    started = asyncio.Event()

    @task()
    async def endless() -> None:
        started.set()
        await asyncio.Event().wait()

    running, queued = await endless.trigger(), await endless.trigger()
    await started.wait()
    idle = asyncio.create_task(app.idle())
    await asyncio.sleep(0)
    await queues.pause(endless)
    await running.cancel()
    await idle
    assert await status(queued) is RunStatus.QUEUED


async def test_runs_of_a_paused_queue_that_have_begun_go_on(app: Worker, clock: FakeClock) -> None:
    @task()
    async def child() -> int:
        return 1

    @task()
    async def parent() -> int:
        await wait.sleep("1h")
        return await child.trigger_and_wait().unwrap()

    handle = await parent.trigger()
    await clock.settle()
    await queues.pause(parent)
    await clock.advance("1h")
    assert (await handle.result()).output == 1


async def test_a_next_attempt_is_a_start(app: Worker, clock: FakeClock) -> None:
    attempts = 0

    @task(retry=Retry(max_attempts=2, min_timeout=1, randomize=False))
    async def flaky() -> None:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise OSError

    handle = await flaky.trigger()
    await clock.settle()
    await queues.pause(flaky)
    await clock.advance("1h")
    assert (await status(handle), attempts) == (RunStatus.QUEUED, 1)
    await queues.resume(flaky)
    assert (await handle.result()).ok


async def test_what_stands_in_a_paused_queue_can_be_canceled_and_expires(
    app: Worker, clock: FakeClock
) -> None:
    @task()
    async def send_mail() -> None: ...

    await queues.pause(send_mail)
    canceled, expiring = await send_mail.trigger(), await send_mail.trigger(ttl="1h")
    assert (await canceled.cancel()).status is RunStatus.CANCELED
    assert (await queues.retrieve(send_mail)).queued == 1
    await clock.advance("1h")
    assert await status(expiring) is RunStatus.EXPIRED
    assert (await queues.retrieve(send_mail)).queued == 0


# --- limits -----------------------------------------------------------------------------------------


async def test_another_limit_counts_until_it_is_reset(clock: FakeClock) -> None:
    running = most = 0

    @task(queue=Queue("users", concurrency_limit=1))
    async def sync_user() -> None:
        nonlocal running, most
        running, most = running + 1, max(most, running + 1)
        for _ in range(3):
            await asyncio.sleep(0)
        running -= 1

    async def most_at_once() -> int:
        nonlocal most
        most = 0
        await (await sync_user.batch_trigger([None] * 8)).results()
        return most

    async with taskkit.local(clock=clock):
        assert await most_at_once() == 1
        changed = await queues.override_concurrency_limit("users", 3)
        assert (changed.concurrency_limit, changed.declared_limit) == (3, 1)
        assert changed.is_overridden
        assert await most_at_once() == 3
        assert (await queues.reset_concurrency_limit(sync_user)).concurrency_limit == 1
        assert await most_at_once() == 1


async def test_a_task_that_is_defined_later_undoes_neither_limit_nor_pause(app: Worker) -> None:
    @task(queue=Queue("users", concurrency_limit=1))
    async def sync_user() -> None: ...

    await queues.override_concurrency_limit("users", 3)
    await queues.pause("users")

    @task()
    async def later() -> None: ...

    await (await later.trigger()).result()
    users = await queues.retrieve("users")
    assert (users.concurrency_limit, users.declared_limit, users.paused) == (3, 1, True)


@pytest.mark.parametrize("limit", [-1, 1.5, "3", True, None])
async def test_what_is_no_limit_is_refused(app: Worker, limit: object) -> None:
    @task(queue=Queue("users", concurrency_limit=1))
    async def sync_user() -> None: ...

    with pytest.raises(InvalidOptionError, match="limit is"):
        await queues.override_concurrency_limit("users", limit)  # type: ignore[arg-type]  # what is refused


async def test_a_full_queue_refuses_and_takes_more_when_there_is_room(app: Worker) -> None:
    @task(queue=Queue("short", max_length=2))
    async def send_mail() -> None: ...

    await queues.pause("short")
    for _ in range(2):
        await send_mail.trigger()
    with pytest.raises(QueueFullError, match="'short' is full: 2 runs"):
        await send_mail.trigger()
    await queues.resume("short")
    await app.idle()
    assert (await (await send_mail.trigger()).result()).ok
    assert len([run async for run in runs.list(task=send_mail)]) == 3


async def test_the_limits_of_a_queue_are_asked_for_where_it_is_named() -> None:
    class NoLengths(MemoryBackend):
        capabilities = MemoryBackend.capabilities - {Capability.QUEUE_LENGTH}

    @task(queue=Queue("short", max_length=2))
    async def send_mail() -> None: ...

    @task()
    async def other() -> None: ...

    with taskkit.use_backend(NoLengths()):
        for trigger in (send_mail.trigger(), other.trigger(queue="short")):
            with pytest.raises(UnsupportedByBackendError, match="max_length of queue 'short'"):
                await trigger
        await other.trigger()


# --- turns ------------------------------------------------------------------------------------------


async def test_a_flood_of_one_task_holds_up_no_other(app: Worker) -> None:
    order: list[str] = []

    @task()
    async def flood() -> None:
        order.append("flood")

    @task()
    async def other() -> None:
        order.append("other")

    await flood.batch_trigger([None] * 1_000)
    await other.trigger()
    await app.idle()
    assert order.index("other") <= 2


async def test_parents_end_before_younger_ones_begin(app: Worker) -> None:
    """The turns of a family: its children, in a queue of their own, take the place of their parent."""
    order: list[str] = []

    @task()
    async def child(name: str) -> None:
        order.append(f"child of {name}")

    @task()
    async def parent(name: str) -> None:
        order.append(f"{name} begins")
        await child.batch_trigger_and_wait([name] * 3)
        order.append(f"{name} ends")

    await parent.batch_trigger(["a", "b"])
    await app.idle()
    one = ["{} begins", *["child of {}"] * 3, "{} ends"]
    assert order == [line.format(name) for name in "ab" for line in one]


# --- for plain code ---------------------------------------------------------------------------------


def test_the_same_for_plain_code() -> None:
    @task(queue=Queue("users", concurrency_limit=1))
    def sync_user() -> None: ...

    with taskkit.use_backend(MemoryBackend()):
        sync_user.sync.trigger()
        assert queues.sync.pause("users").paused
        assert queues.sync.override_concurrency_limit("users", 2).concurrency_limit == 2
        assert [queue.name for queue in queues.sync.list()] == ["users"]
        assert not queues.sync.resume("users").paused
        queues.sync.reset_concurrency_limit("users")
        assert queues.sync.retrieve(sync_user).concurrency_limit == 1


async def test_the_plain_form_is_refused_inside_an_event_loop(app: Worker) -> None:
    with pytest.raises(SyncInAsyncError, match=r"await queues\.pause"):
        queues.sync.pause("users")
