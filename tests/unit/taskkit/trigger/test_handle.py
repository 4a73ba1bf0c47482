"""What a trigger gives back, and what can be asked of it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from pydantic import BaseModel

import taskkit
from taskkit import Retry, RunStatus, metadata, runs, tags, task, wait
from taskkit.backends.memory import MemoryBackend
from taskkit.errors import (
    InvalidDurationError,
    NoWorkerError,
    ResultTimeoutError,
    RunFailedError,
    RunNotFoundError,
    StoreUnavailableError,
)
from taskkit.model.run import Run
from taskkit.testing import FakeClock

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("app")]


async def turns(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


class Report(BaseModel):
    rows: int


# --- results ----------------------------------------------------------------------------------------


async def test_a_result_holds_how_the_run_ended() -> None:
    @task()
    async def count(rows: int) -> Report:
        return Report(rows=rows)

    handle = await count.trigger(3)
    result = await handle.result()
    assert (result.ok, result.id, result.task_id) == (True, handle.id, "count")
    assert (result.status, result.error) == (RunStatus.COMPLETED, None)
    assert result.output == Report(rows=3)
    assert result.unwrap() == Report(rows=3)
    assert (handle.task_id, handle.is_cached) == ("count", False)
    assert repr(handle) == f"<RunHandle {handle.id} of task 'count'>"


async def test_a_run_that_failed_raises_nothing_until_it_is_unwrapped() -> None:
    @task(retry=None)
    async def broken() -> int:
        raise KeyError("no such user")

    handle = await broken.trigger()
    result = await handle.result()
    assert (result.ok, result.status, result.output) == (False, RunStatus.FAILED, None)
    assert result.error is not None
    assert (result.error.type, result.error.name) == ("BUILT_IN_ERROR", "KeyError")
    assert result.error.message == "'no such user'"
    assert result.error.stack is not None
    assert "test_handle.py" in result.error.stack
    with pytest.raises(RunFailedError) as caught:
        result.unwrap()
    assert (caught.value.run_id, caught.value.status) == (handle.id, "FAILED")
    assert caught.value.error == result.error
    assert str(caught.value) == (
        f"Run {handle.id} of task 'broken' ended FAILED: KeyError: 'no such user'"
    )


async def test_a_canceled_run_has_no_output_and_is_not_ok() -> None:
    @task()
    async def work() -> None: ...

    handle = await work.trigger(delay="1h")
    await handle.cancel("changed my mind")
    result = await handle.result()
    assert (result.ok, result.status) == (False, RunStatus.CANCELED)
    with pytest.raises(RunFailedError, match="ended CANCELED"):
        result.unwrap()


async def test_a_result_can_be_asked_for_as_often_as_one_likes() -> None:
    @task()
    async def work() -> int:
        await asyncio.sleep(0)
        return 1

    handle = await work.trigger()
    together = await asyncio.gather(*(handle.result() for _ in range(3)))
    assert [result.output for result in together] == [1, 1, 1]
    assert (await handle.result()).output == 1


@pytest.mark.parametrize("timeout", [5, 5.0, "5s", "PT5S"])
async def test_past_its_time_a_result_raises_and_the_run_goes_on(
    clock: FakeClock, timeout: Any
) -> None:
    gate = asyncio.Event()

    @task()
    async def slow() -> str:
        await gate.wait()
        return "done"

    handle = await slow.trigger()
    asked = asyncio.create_task(handle.result(timeout=timeout))
    await clock.advance(4.999)
    assert not asked.done()
    await clock.advance(0.001)
    with pytest.raises(ResultTimeoutError) as caught:
        await asked
    assert isinstance(caught.value, TimeoutError)
    assert str(caught.value) == (
        f"Run {handle.id} was not over after 5 s and is EXECUTING. It goes on: ask for its result again, or "
        f"cancel it."
    )
    assert (caught.value.run_id, caught.value.timeout) == (handle.id, 5)
    gate.set()
    assert (await handle.result()).unwrap() == "done"


async def test_a_timeout_of_nothing_looks_once(clock: FakeClock) -> None:
    @task()
    async def work() -> int:
        await wait.sleep(1)
        return 1

    handle = await work.trigger()
    asked = asyncio.create_task(handle.result(timeout=0))
    await clock.advance(0)
    with pytest.raises(ResultTimeoutError):
        await asked
    await clock.advance(1)
    assert (await handle.result(timeout=0)).output == 1


@pytest.mark.parametrize("timeout", [-1, "1 s", float("nan"), True])
async def test_a_timeout_is_a_length_of_time(timeout: Any) -> None:
    @task()
    async def work() -> None: ...

    handle = await work.trigger()
    many = await work.batch_trigger([])
    for call in (handle.result, many.results, lambda timeout: runs.poll("run_1", timeout=timeout)):
        with pytest.raises(InvalidDurationError, match=r"^timeout is "):
            await call(timeout=timeout)


async def test_who_gives_up_on_a_result_does_not_cancel_the_run() -> None:
    gate = asyncio.Event()

    @task()
    async def slow() -> str:
        await gate.wait()
        return "done"

    handle = await slow.trigger()
    for ask in (handle.result(), handle.result(timeout=60)):
        asked = asyncio.create_task(ask)
        await turns()
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
    assert (await handle.retrieve()).status == RunStatus.EXECUTING
    gate.set()
    assert (await handle.result()).unwrap() == "done"


async def test_a_result_comes_only_after_the_hooks_have_run() -> None:
    order: list[str] = []

    async def on_complete() -> None:
        await turns()
        order.append("hook")

    @task(on_complete=on_complete)
    async def work() -> None:
        order.append("body")

    handle = await work.trigger()
    async for run in handle.subscribe():
        order += ["final"] if run.is_completed else []
    await handle.result()
    order.append("result")
    assert order == ["body", "hook", "final", "result"]


async def test_an_output_is_rebuilt_where_the_task_is_known_and_json_where_it_is_not() -> None:
    from taskkit.definition.registry import REGISTRY

    @task()
    async def count() -> Report:
        return Report(rows=1)

    handle = await count.trigger()
    assert (await handle.result()).output == Report(rows=1)
    assert (await handle.retrieve()).output == Report(rows=1)
    with REGISTRY.isolated():
        unknown: Any = await handle.result()
        assert unknown.output == {"rows": 1}
        assert (await handle.retrieve()).output == {"rows": 1}


async def test_an_output_is_never_the_object_that_the_task_returned() -> None:
    kept: list[Report] = []

    @task()
    async def count() -> Report:
        kept.append(Report(rows=1))
        return kept[0]

    first, second = [(await (await count.trigger()).result()).output for _ in range(2)]
    assert first == second == kept[0]
    assert first is not kept[0]


# --- without a worker -------------------------------------------------------------------------------


async def test_in_memory_without_a_worker_every_wait_for_an_end_says_so() -> None:
    @task()
    async def work() -> None: ...

    async def last(changes: AsyncIterator[Any]) -> None:
        async for _ in changes:
            pass

    with taskkit.use_backend(MemoryBackend()):
        handle = await work.trigger()
        many = await work.batch_trigger([None, None])
        for waiting in (
            handle.result(),
            handle.result(timeout=60),
            many.results(),
            many.results(timeout=60),
            runs.poll(handle.id),
        ):
            with pytest.raises(NoWorkerError, match="no worker serves this backend"):
                await waiting
        await handle.cancel()
        assert (
            await handle.result()
        ).status == RunStatus.CANCELED  # it has ended: no worker is needed


async def test_a_run_that_nobody_knows() -> None:
    for asked in (runs.retrieve("run_0"), runs.cancel("run_0"), runs.poll("run_0")):
        with pytest.raises(RunNotFoundError) as caught:
            await asked
        assert "run_0" in str(caught.value)
        assert caught.value.run_id == "run_0"
    with pytest.raises(RunNotFoundError):
        async for _ in runs.subscribe("run_0"):
            pass
    with pytest.raises(RunNotFoundError):
        async for _ in runs.logs("run_0"):
            pass


async def test_a_run_stays_readable_while_its_handle_is_held() -> None:
    @task()
    async def work(number: int) -> int:
        return number

    backend = MemoryBackend(keep=2)
    with taskkit.use_backend(backend):
        async with taskkit.worker(backend):
            held = await work.trigger(0)
            ids = [(await (await work.trigger(number)).result()).id for number in range(1, 6)]
            assert (await held.result()).output == 0
            with pytest.raises(RunNotFoundError, match=r"in MemoryBackend\. It .* was purged"):
                await runs.retrieve(ids[0])
            with pytest.raises(RunNotFoundError, match="keeps the last 2 finished runs"):
                await runs.cancel(ids[0])
            assert (await runs.retrieve(ids[-1])).output == 5


# --- subscribing ------------------------------------------------------------------------------------


async def test_a_subscription_gives_the_present_state_then_each_change_and_ends() -> None:
    @task(retry=Retry(2, 0, 0))
    async def work() -> str:
        metadata.set("step", 1)
        await metadata.flush()
        await turns()  # hints that come in one turn of the loop are told as one
        await tags.add("half-way")
        await turns()
        return "done"

    handle = await work.trigger()
    seen = [(run.status, run.metadata, run.tags) async for run in handle.subscribe()]
    assert seen[0] == (RunStatus.QUEUED, {}, ())
    assert (RunStatus.EXECUTING, {"step": 1}, ()) in seen
    assert (RunStatus.EXECUTING, {"step": 1}, ("half-way",)) in seen
    assert seen[-1] == (RunStatus.COMPLETED, {"step": 1}, ("half-way",))
    assert len(seen) == len({str(one) for one in seen})  # nothing is told twice
    assert [run.status async for run in handle.subscribe()] == [RunStatus.COMPLETED]


async def test_a_subscription_sees_attempts_waits_and_cancels(clock: FakeClock) -> None:
    @task(retry=Retry(2, 5, randomize=False))
    async def work(ctx: taskkit.Context) -> None:
        if ctx.attempt.number == 1:
            raise ValueError("once more")
        await wait.sleep("1h")

    handle = await work.trigger()
    seen: list[tuple[str, int]] = []

    async def look() -> None:
        nonlocal seen
        async for run in handle.subscribe():
            seen += [(run.status.value, run.attempt)]

    looking = asyncio.create_task(look())
    await clock.advance(5)
    await handle.cancel()
    await looking
    assert seen == [
        ("EXECUTING", 1),
        ("QUEUED", 2),
        ("EXECUTING", 2),
        ("WAITING", 2),
        ("EXECUTING", 2),
        ("CANCELED", 2),
    ]


async def test_what_is_handed_out_does_not_change_afterwards() -> None:
    gate = asyncio.Event()

    @task()
    async def work() -> None:
        await gate.wait()
        metadata.set("step", 2)

    handle = await work.trigger(metadata={"step": 1})
    before = await handle.retrieve()
    gate.set()
    await handle.result()
    assert (before.status, before.metadata, before.finished_at) == (
        RunStatus.QUEUED,
        {"step": 1},
        None,
    )


async def test_a_subscription_that_is_left_lets_go() -> None:
    @task()
    async def work() -> None:
        await asyncio.Event().wait()

    backend = MemoryBackend()
    async with taskkit.worker(backend, drain=0):
        handle = await work.trigger()
        changes = handle.subscribe()
        await anext(changes)
        assert backend._watches._by_topic != {}  # pyright: ignore[reportPrivateUsage]  # nobody else can tell
        await changes.aclose()  # type: ignore[attr-defined]  # what a loop left by `break` does in the end
        assert backend._watches._by_topic == {}  # pyright: ignore[reportPrivateUsage]  # nobody else can tell


# --- cancel -----------------------------------------------------------------------------------------


async def test_cancel_gives_the_run_as_known_and_leaves_a_final_one_as_it_is() -> None:
    @task()
    async def work() -> int:
        return 1

    done = await work.trigger()
    await done.result()
    assert (await done.cancel("too late")).status == RunStatus.COMPLETED
    assert (await runs.cancel(done.id, reason="too late")).cancel_reason is None
    late = await work.trigger(delay="1h")
    run = await late.cancel("not needed")
    assert (run.status, run.cancel_reason) == (RunStatus.CANCELED, "not needed")


# --- batches ----------------------------------------------------------------------------------------


async def test_results_of_a_batch_come_in_item_order(clock: FakeClock) -> None:
    @task(retry=None)
    async def work(number: int) -> int:
        if number == 2:
            raise ValueError("two")
        await wait.sleep(10 - number)
        return number

    many = await work.batch_trigger([1, 2, 3])
    assert [handle.task_id for handle in many.runs] == ["work"] * 3
    assert repr(many) == f"<BatchHandle {many.id}, 3 runs>"
    asked = asyncio.create_task(many.results())
    await clock.advance("1m")
    results = await asked
    assert [result.output for result in results] == [1, None, 3]
    assert [result.id for result in results] == [handle.id for handle in many.runs]
    assert {(await handle.retrieve()).batch_id for handle in many.runs} == {many.id}


async def test_results_of_a_batch_past_their_time(clock: FakeClock) -> None:
    @task()
    async def work(number: int) -> int:
        await wait.sleep(number)
        return number

    many = await work.batch_trigger([1, 100])
    asked = asyncio.create_task(many.results(timeout=50))
    await clock.advance(50)
    with pytest.raises(ResultTimeoutError) as caught:
        await asked
    assert caught.value.run_id == many.runs[1].id
    await clock.advance(50)
    assert [result.output for result in await many.results(timeout=0)] == [1, 100]


# --- a store that is away -----------------------------------------------------------------------------


class AwayAtTimes(MemoryBackend):
    """Does not answer who reads, once it is told to."""

    is_away = False

    async def get(self, run_ids: Sequence[str]) -> list[Run | None]:
        self.need_store()
        return await super().get(run_ids)

    async def end_of(self, run_id: str) -> Run | None:
        self.need_store()
        return await super().end_of(run_id)

    def need_store(self) -> None:
        if self.is_away:
            raise StoreUnavailableError("no answer")


@pytest.mark.parametrize("timeout", [None, 3600])
async def test_who_waits_outlasts_a_store_that_is_away_for_a_while(
    timeout: int | None, serve: Any, clock: FakeClock
) -> None:
    backend = AwayAtTimes()

    @task()
    async def slow() -> str:
        await wait.sleep(10)
        return "done"

    async with serve(backend, clock=clock):
        handle = await slow.trigger()
        backend.is_away = True
        waiter = asyncio.create_task(handle.result(timeout))
        await clock.advance(29)
        assert not waiter.done()
        backend.is_away = False
        await clock.advance(1)
        assert (await waiter).output == "done"


@pytest.mark.parametrize("timeout", [None, 3600])
async def test_who_waits_is_told_of_a_store_that_stays_away(
    timeout: int | None, serve: Any, clock: FakeClock
) -> None:
    backend = AwayAtTimes()

    @task()
    async def slow() -> None:
        await wait.sleep(10)

    async with serve(backend, clock=clock):
        handle = await slow.trigger()
        backend.is_away = True
        waiter = asyncio.create_task(handle.result(timeout))
        await clock.advance(29)
        assert not waiter.done()
        await clock.advance(2)
        with pytest.raises(StoreUnavailableError, match="no answer"):
            await waiter
        backend.is_away = False


async def test_a_timeout_ends_a_wait_for_a_store_that_is_away(serve: Any, clock: FakeClock) -> None:
    backend = AwayAtTimes()

    @task()
    async def slow() -> None:
        await wait.sleep(10)

    async with serve(backend, clock=clock):
        handle = await slow.trigger()
        backend.is_away = True
        waiter = asyncio.create_task(handle.result(2))
        await clock.advance(4)
        with pytest.raises(StoreUnavailableError, match="no answer"):
            await waiter
        backend.is_away = False
