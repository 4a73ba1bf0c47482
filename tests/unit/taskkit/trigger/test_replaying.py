"""Runs asked for again, moved in time, and many at once."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

import taskkit
from taskkit import (
    Context,
    Debounce,
    Queue,
    RunStatus,
    Worker,
    batch,
    metadata,
    queues,
    runs,
    task,
)
from taskkit.backends.memory import MemoryBackend
from taskkit.definition.registry import REGISTRY
from taskkit.errors import (
    BatchNotFoundError,
    InvalidDurationError,
    InvalidOptionError,
    PayloadValidationError,
    QueueFullError,
    RunNotDelayedError,
    RunNotFoundError,
    SyncInAsyncError,
    TaskNotFoundError,
)
from taskkit.testing import FakeClock

pytestmark = pytest.mark.anyio
Serve = Callable[[MemoryBackend], AbstractAsyncContextManager[Worker]]


class Login(BaseModel):
    user: str
    password: SecretStr


# --- replay -----------------------------------------------------------------------------------------


async def test_a_replay_is_a_new_run_of_the_same_payload_with_its_secrets(app: Worker) -> None:
    seen: list[str] = []

    @task()
    async def log_in(login: Login) -> str:
        seen.append(login.password.get_secret_value())
        return login.user

    first = await log_in.trigger(Login(user="ada", password=SecretStr("lovelace")))
    await first.result()
    again = await runs.replay(first.id)
    assert again.id != first.id
    assert not again.is_cached
    assert (await again.result()).output == "ada"
    assert seen == ["lovelace", "lovelace"]
    assert (await again.retrieve()).payload == {"user": "ada", "password": "********"}


async def test_a_replay_keeps_what_the_run_was_asked_with_and_not_what_made_it_wait(
    app: Worker, clock: FakeClock
) -> None:
    @task(queue=Queue("users"))
    async def sync_user(number: int, ctx: Context) -> bool:
        metadata.set("progress", 1)
        return ctx.run.is_replay

    first = await sync_user.trigger(
        1,
        idempotency_key="order-7",
        delay="1h",
        ttl="2h",
        concurrency_key="acme",
        priority=10,
        max_attempts=5,
        max_duration=60,
        tags=["acme"],
        metadata={"progress": 0},
        machine="large-1x",
    )
    await clock.advance("1h")
    assert (await first.result()).output is False
    again = await runs.replay(first.id)
    assert (await again.result()).output is True
    before, after = (await first.retrieve()).request, (await again.retrieve()).request
    for name in (
        "payload", "queue", "concurrency_key", "priority", "ttl", "tags", "metadata", "max_attempts",
        "max_duration", "machine",
    ):  # fmt: skip
        assert getattr(after, name) == getattr(before, name), name
    assert (after.delay_until, after.idempotency_key, after.is_replay) == (None, None, True)
    assert (await sync_user.trigger(1, idempotency_key="order-7")).id == first.id


async def test_a_replay_takes_another_payload_checked_as_at_any_trigger(app: Worker) -> None:
    @task()
    async def double(number: int) -> int:
        return 2 * number

    @task()
    async def nothing() -> None: ...

    first = await double.trigger(1)
    assert (await (await runs.replay(first.id, payload=21)).result()).output == 42
    with pytest.raises(PayloadValidationError):
        await runs.replay(first.id, payload="many")
    with pytest.raises(PayloadValidationError):
        await runs.replay(first.id, payload=None)
    plain = await nothing.trigger()
    assert (await (await runs.replay(plain.id)).result()).ok
    with pytest.raises(PayloadValidationError, match="takes no payload"):
        await runs.replay(plain.id, payload=1)


async def test_a_replay_of_a_child_is_no_child(app: Worker) -> None:
    @task()
    async def child() -> int:
        return 1

    @task()
    async def parent() -> str:
        return (await child.trigger_and_wait()).id

    child_id = (await (await parent.trigger()).result()).unwrap()
    again = await (await runs.replay(child_id)).retrieve()
    assert (again.parent_id, again.root_id, again.request.awaited) == (None, None, False)


async def test_a_replay_in_an_attempt_that_is_entered_again_is_the_same_run(serve: Serve) -> None:
    made: list[list[str]] = []
    leaves = asyncio.Event()

    @task()
    async def old() -> None: ...

    @task()
    async def repair(run_id: str) -> None:
        made.append([(await runs.replay(run_id)).id for _ in range(2)])
        leaves.set()
        if len(made) == 1:
            await asyncio.Event().wait()  # until the worker goes

    backend = MemoryBackend()
    with taskkit.use_backend(backend):
        first = await old.trigger()
        handle = await repair.trigger(first.id)
        async with serve(backend):
            await leaves.wait()
        async with serve(backend):
            assert (await handle.result()).ok
        assert len(made) == 2
        assert made[0] == made[1]
        assert len({*made[0]}) == 2
        replays = [run async for run in runs.list(task=old) if run.request.is_replay]
        assert {run.parent_id for run in replays} == {None}
        assert {run.id for run in replays} == {*made[0]}


async def test_a_debounced_run_is_replayed_at_once(app: Worker, clock: FakeClock) -> None:
    @task()
    async def save() -> None: ...

    first = await save.trigger(debounce=Debounce("k", delay="1h"))
    again = await runs.replay(first.id)
    assert (await again.result()).ok
    assert (await save.trigger(debounce=Debounce("k", delay="1h"))).id == first.id


async def test_a_run_that_is_unknown_or_of_an_unknown_task_is_not_replayed(app: Worker) -> None:
    with pytest.raises(RunNotFoundError):
        await runs.replay("run_unknown")
    with pytest.raises(InvalidOptionError, match="run_id"):
        await runs.replay(7)  # type: ignore[arg-type]  # what is refused

    @task()
    async def gone() -> None: ...

    handle = await gone.trigger()
    await handle.result()
    with REGISTRY.isolated(), pytest.raises(TaskNotFoundError):
        await runs.replay(handle.id)


# --- reschedule -------------------------------------------------------------------------------------


async def test_a_delayed_run_can_be_moved_both_ways(app: Worker, clock: FakeClock) -> None:
    @task()
    async def send() -> None: ...

    handle = await send.trigger(delay="1h")
    assert (await runs.reschedule(handle.id, "3h")).available_at == clock.now() + timedelta(hours=3)
    await clock.advance("2h")
    assert (await handle.retrieve()).status is RunStatus.DELAYED
    await runs.reschedule(handle.id, clock.now() + timedelta(minutes=1))
    await clock.advance("1m")
    assert (await handle.retrieve()).status is RunStatus.COMPLETED


async def test_a_run_that_is_moved_to_now_starts(app: Worker) -> None:
    @task()
    async def send() -> None: ...

    for delay in (0, datetime(2000, 1, 1, tzinfo=UTC)):
        handle = await send.trigger(delay="1h")
        await runs.reschedule(handle.id, delay)
        assert (await handle.result()).ok


async def test_only_a_delayed_run_can_be_moved(app: Worker) -> None:
    @task()
    async def send() -> None: ...

    handle = await send.trigger()
    with pytest.raises(RunNotDelayedError, match="QUEUED"):
        await runs.reschedule(handle.id, "1h")
    await handle.result()
    with pytest.raises(RunNotDelayedError, match="COMPLETED"):
        await runs.reschedule(handle.id, "1h")
    with pytest.raises(RunNotFoundError):
        await runs.reschedule("run_unknown", "1h")
    delayed = await send.trigger(delay="1h")
    for delay in ("soon", datetime(2040, 1, 1)):  # noqa: DTZ001 - what is refused
        with pytest.raises(InvalidDurationError):
            await runs.reschedule(delayed.id, delay)


# --- many -------------------------------------------------------------------------------------------


async def test_bulk_cancel_ends_what_matches_and_is_not_over(app: Worker) -> None:
    @task()
    async def send(number: int) -> None: ...

    done = await send.trigger(0, tags="acme")
    await done.result()
    handles = [await send.trigger(n, tags="acme", delay="1h") for n in range(1, 251)]
    other = await send.trigger(0, tags="other", delay="1h")
    canceled = await runs.bulk_cancel(tag="acme", reason="enough")
    assert [run.id for run in canceled] == [handle.id for handle in reversed(handles)]
    assert {(run.status, run.cancel_reason) for run in canceled} == {("CANCELED", "enough")}
    assert (await done.retrieve()).status is RunStatus.COMPLETED
    assert (await other.retrieve()).status is RunStatus.DELAYED
    assert await runs.bulk_cancel(tag="acme") == []
    assert await runs.bulk_cancel(status="COMPLETED") == []


async def test_bulk_cancel_takes_the_newest_up_to_its_limit(app: Worker) -> None:
    @task()
    async def send() -> None: ...

    handles = [await send.trigger(delay="1h") for _ in range(3)]
    canceled = await runs.bulk_cancel(task=[send], status=["DELAYED", RunStatus.QUEUED], limit=2)
    assert [run.id for run in canceled] == [handles[2].id, handles[1].id]
    assert await runs.bulk_cancel(task=send, limit=0) == []


async def test_bulk_replay_asks_again_for_what_matches_oldest_first(app: Worker) -> None:
    fails = True
    seen: list[int] = []

    @task(retry=None)
    async def flaky(number: int) -> int:
        seen.append(number)
        if fails and number % 2:
            raise OSError
        return number

    await (await flaky.batch_trigger(range(250))).results()
    fails = False
    seen.clear()
    handles = await runs.bulk_replay(status="FAILED", since="1h")
    assert [(await handle.result()).output for handle in handles] == list(range(1, 250, 2))
    assert seen == list(range(1, 250, 2))
    assert await runs.bulk_replay(status="EXPIRED") == []


async def test_bulk_replay_tells_that_a_queue_was_full(app: Worker) -> None:
    @task(queue=Queue("short", max_length=2))
    async def send() -> None: ...

    for _ in range(3):
        await (await send.trigger()).result()
    await queues.pause("short")
    with pytest.raises(QueueFullError):
        await runs.bulk_replay(task=send)
    assert (await queues.retrieve("short")).queued == 2


@pytest.mark.parametrize("call", [runs.bulk_cancel, runs.bulk_replay])
async def test_many_runs_are_meant_by_a_filter(app: Worker, call: Any) -> None:
    with pytest.raises(InvalidOptionError, match="at least one of status, task, tag"):
        await call()
    with pytest.raises(InvalidOptionError, match="at least one"):
        await call(tag=None, limit=5)
    with pytest.raises(InvalidOptionError, match="has no such filter"):
        await call(tags="acme")
    with pytest.raises(InvalidOptionError, match="RUNNING"):
        await call(status="RUNNING")
    with pytest.raises(InvalidOptionError, match="limit"):
        await call(tag="acme", limit=-1)
    assert await call(tag=[]) == []


# --- a batch ----------------------------------------------------------------------------------------


async def test_a_batch_shows_its_runs_in_item_order_and_how_many_are_in_each_status(
    app: Worker, clock: FakeClock
) -> None:
    @task(retry=None)
    async def send(number: int) -> None:
        if number == 1:
            raise OSError

    items = [send.item(0), send.item(1), send.item(2, delay="1h"), send.item(3)]
    handle = await batch.trigger(items)
    await app.idle()
    found = await batch.retrieve(handle.id)
    assert found.id == handle.id
    assert [run.id for run in found.runs] == [run.id for run in handle.runs]
    assert found.counts == {"COMPLETED": 2, "FAILED": 1, "DELAYED": 1}
    assert not found.is_completed
    await clock.advance("1h")
    assert (await batch.retrieve(handle.id)).is_completed


async def test_a_large_batch_is_shown_whole(app: Worker) -> None:
    @task()
    async def send(number: int) -> None: ...

    handle = await send.batch_trigger(range(2_500))
    found = await batch.retrieve(handle.id)
    assert [run.id for run in found.runs] == [run.id for run in handle.runs]


async def test_an_unknown_batch_is_an_error(app: Worker) -> None:
    with pytest.raises(BatchNotFoundError, match="batch_unknown"):
        await batch.retrieve("batch_unknown")
    with pytest.raises(InvalidOptionError, match="batch_id"):
        await batch.retrieve(7)  # type: ignore[arg-type]  # what is refused


# --- for plain code ---------------------------------------------------------------------------------


def test_the_same_for_plain_code() -> None:
    @task()
    def send(number: int) -> None: ...

    with taskkit.use_backend(MemoryBackend()):
        handle = send.sync.trigger(1, delay="1h", tags="acme")
        assert runs.sync.reschedule(handle.id, "2h").status is RunStatus.DELAYED
        assert runs.sync.replay(handle.id).task_id == "send"
        assert len(runs.sync.bulk_replay(tag="acme")) == 2
        assert len(runs.sync.bulk_cancel(tag="acme")) == 4
        many = send.sync.batch_trigger([1, 2])
        assert batch.sync.retrieve(many.id).counts == {"QUEUED": 2}


async def test_the_plain_form_is_refused_inside_an_event_loop(app: Worker) -> None:
    with pytest.raises(SyncInAsyncError, match=r"await runs\.replay"):
        runs.sync.replay("run_1")
