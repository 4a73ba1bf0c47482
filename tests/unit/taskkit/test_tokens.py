"""Wait tokens through the public door: promises that somebody outside the task keeps."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import taskkit
from taskkit import Context, Retry, RunStatus, idempotency_keys, runs, task, wait
from taskkit.backends.base import Capability
from taskkit.backends.memory import MemoryBackend
from taskkit.errors import (
    InvalidOptionError,
    NotInTaskError,
    NotSerializableError,
    SyncInAsyncError,
    TokenNotFoundError,
    UnsupportedByBackendError,
    WaitTimeoutError,
)
from taskkit.session import Worker
from taskkit.testing import FakeClock

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("app")]


async def listed(**filters: Any) -> list[str]:
    return [token.id async for token in wait.list_tokens(**filters)]


# --- outside of a task --------------------------------------------------------------------------


async def test_a_token_waits_until_it_is_completed(clock: FakeClock) -> None:
    token = await wait.create_token(timeout="1h", tags=["approval", "approval", "acme"])
    assert (token.status, token.output, token.completed_at) == ("WAITING", None, None)
    assert (token.created_at, token.timeout_at) == (clock.now(), clock.now() + timedelta(hours=1))
    assert token.tags == ("approval", "acme")
    await clock.advance("5m")
    assert await wait.complete_token(token.id, {"approved": True}) is True
    over = await wait.retrieve_token(token)
    assert (over.status, over.output, over.completed_at) == (
        "COMPLETED",
        {"approved": True},
        clock.now(),
    )


async def test_only_the_first_completion_counts() -> None:
    token = await wait.create_token()
    assert await wait.complete_token(token, 1) is True
    assert await wait.complete_token(token, 2) is False
    assert (await wait.retrieve_token(token.id)).output == 1


async def test_a_token_without_data_is_completed_with_none() -> None:
    token = await wait.create_token()
    await wait.complete_token(token)
    over = await wait.retrieve_token(token)
    assert (over.status, over.output) == ("COMPLETED", None)


async def test_a_token_past_its_time_is_over(clock: FakeClock) -> None:
    token = await wait.create_token(timeout=60)
    await clock.advance(59.999)
    assert (await wait.retrieve_token(token)).status == "WAITING"
    await clock.advance(0.001)
    over = await wait.retrieve_token(token)
    assert (over.status, over.completed_at) == ("TIMED_OUT", token.timeout_at)
    assert await wait.complete_token(token, "late") is False


async def test_time_runs_out_where_nobody_works() -> None:
    with taskkit.use_backend(MemoryBackend()):
        token = await wait.create_token(timeout=0)
        assert (await wait.retrieve_token(token)).status == "TIMED_OUT"
        assert await wait.complete_token(token, "late") is False


@pytest.mark.parametrize(("ahead", "seconds"), [(90, 90), (-90, 0)])
async def test_a_timeout_may_be_a_moment(clock: FakeClock, ahead: int, seconds: int) -> None:
    token = await wait.create_token(timeout=clock.now() + timedelta(seconds=ahead))
    assert token.timeout_at == clock.now() + timedelta(seconds=seconds)


async def test_without_a_timeout_a_token_waits_for_ever(clock: FakeClock) -> None:
    token = await wait.create_token()
    await clock.advance("520w")
    assert (await wait.retrieve_token(token)).status == "WAITING"


async def test_the_same_key_gives_the_same_token_also_when_it_is_over() -> None:
    first = await wait.create_token(idempotency_key="order-1", tags="one")
    again = await wait.create_token(idempotency_key="order-1", tags="two", timeout=5)
    other = await wait.create_token(idempotency_key="order-2")
    assert again == first
    assert other.id != first.id
    await wait.complete_token(first, "done")
    over = await wait.create_token(idempotency_key="order-1")
    assert (over.id, over.output) == (first.id, "done")


async def test_a_hashed_key_is_taken_as_it_is() -> None:
    key = idempotency_keys.create("order-1", scope="global")
    first = await wait.create_token(idempotency_key=key)
    assert (await wait.create_token(idempotency_key="order-1")).id == first.id


async def test_tokens_are_listed_newest_first_by_status_and_tag(clock: FakeClock) -> None:
    one = (await wait.create_token(tags="a")).id
    two = (await wait.create_token(tags=["a", "b"], timeout=5)).id
    three = (await wait.create_token(tags="c")).id
    await wait.complete_token(three, None)
    await clock.advance(10)
    assert await listed() == [three, two, one]
    assert await listed(status="TIMED_OUT") == [two]
    assert await listed(status=["WAITING", "COMPLETED"]) == [three, one]
    assert await listed(tag="a") == [two, one]
    assert await listed(tag=["b", "c"]) == [three, two]
    assert await listed(limit=2) == [three, two]
    assert await listed(limit=0) == []


async def test_more_tokens_than_a_page_are_listed() -> None:
    made = [(await wait.create_token()).id for _ in range(250)]
    assert await listed() == made[::-1]


@pytest.mark.parametrize("call", ["complete_token", "retrieve_token"])
async def test_an_unknown_token_is_an_error(call: str) -> None:
    with pytest.raises(TokenNotFoundError, match="token_none"):
        await getattr(wait, call)("token_none")


@pytest.mark.parametrize(
    "options", [{"tags": ["x" * 129]}, {"tags": [str(n) for n in range(11)]}, {"tags": [1]}]
)
async def test_tags_of_a_token_are_those_of_runs(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidOptionError, match="tags"):
        await wait.create_token(**options)
    assert await listed() == []


async def test_data_that_is_no_json_is_refused_and_the_token_waits_on() -> None:
    token = await wait.create_token()
    with pytest.raises(NotSerializableError, match=token.id):
        await wait.complete_token(token, object())
    assert (await wait.retrieve_token(token)).status == "WAITING"


async def test_what_is_no_token_is_refused() -> None:
    with pytest.raises(InvalidOptionError, match="the token"):
        await wait.retrieve_token(7)  # type: ignore[arg-type]  # a wrong call, on purpose


async def test_for_token_is_for_tasks() -> None:
    token = await wait.create_token()
    with pytest.raises(NotInTaskError, match=r"wait\.for_token"):
        await wait.for_token(token)


async def test_a_backend_without_tokens_refuses_them() -> None:
    class Without(MemoryBackend):
        capabilities = MemoryBackend.capabilities - {Capability.TOKENS}

    with taskkit.use_backend(Without()):
        for call in (wait.create_token(), wait.complete_token("t"), wait.retrieve_token("t")):
            with pytest.raises(UnsupportedByBackendError, match="TOKENS"):
                await call
        with pytest.raises(UnsupportedByBackendError, match="TOKENS"):
            await listed()


# --- in a task ----------------------------------------------------------------------------------


async def test_a_run_waits_for_a_token_without_a_slot(clock: FakeClock) -> None:
    token = await wait.create_token()

    @task
    async def approval() -> Any:
        result = await wait.for_token(token)
        return [result.ok, result.id, result.output, result.error]

    @task
    async def beside() -> str:
        return "ran"

    handle = await approval.trigger()
    await clock.settle()
    assert (await handle.retrieve()).status == RunStatus.WAITING
    assert (await (await beside.trigger()).result()).output == "ran"  # there is one slot
    await wait.complete_token(token, {"by": "Ada"})
    assert (await handle.result()).output == [True, token.id, {"by": "Ada"}, None]


async def test_a_token_that_is_over_answers_at_once(clock: FakeClock) -> None:
    token = await wait.create_token()
    await wait.complete_token(token, 7)
    seen: list[str] = []

    @task(on_wait=lambda: seen.append("on_wait"))
    async def approval() -> int:
        output: int = await wait.for_token(token.id).unwrap()
        return output

    assert (await (await approval.trigger()).result()).output == 7
    assert seen == []


async def test_time_that_runs_out_is_a_result_and_raises_only_from_unwrap(clock: FakeClock) -> None:
    @task(retry=None)
    async def approval(unwrap: bool) -> Any:
        token = await wait.create_token(timeout="1h")
        if unwrap:
            return await wait.for_token(token).unwrap()
        result = await wait.for_token(token)
        assert result.error is not None
        with pytest.raises(WaitTimeoutError):
            result.unwrap()
        return [result.ok, result.output, result.error.name, result.error.code]

    calm, strict = await approval.trigger(False), await approval.trigger(True)
    await clock.advance("59m")
    assert (await calm.retrieve()).status == RunStatus.WAITING
    await clock.advance("1m")
    expected = [False, None, "WaitTimeoutError", "WAIT_TIMEOUT"]
    assert (await calm.result()).output == expected
    failed = await strict.result()
    assert failed.status == RunStatus.FAILED
    assert failed.error is not None
    assert failed.error.name == "WaitTimeoutError"


async def test_a_run_waits_for_several_tokens_and_a_child(clock: FakeClock) -> None:
    one, two = await wait.create_token(), await wait.create_token(timeout=30)

    @task
    async def child() -> str:
        return "child"

    @task
    async def parent() -> Any:
        first, second, third = await asyncio.gather(
            wait.for_token(one), wait.for_token(two), child.trigger_and_wait()
        )
        return [first.output, second.ok, third.output]

    handle = await parent.trigger()
    await clock.settle()
    assert (await handle.retrieve()).status == RunStatus.WAITING
    await clock.advance(31)
    assert (await handle.retrieve()).status == RunStatus.WAITING
    await wait.complete_token(one, "one")
    assert (await handle.result()).output == ["one", False, "child"]


async def test_a_token_answers_everybody_who_waits_for_it(clock: FakeClock) -> None:
    token = await wait.create_token()

    @task
    async def waiter(number: int) -> Any:
        both = await asyncio.gather(*(wait.for_token(token).unwrap() for _ in range(2)))
        return [number, *both]

    handles = await waiter.batch_trigger([1, 2, 3])
    await clock.settle()
    await wait.complete_token(token, "go")
    assert [run.output for run in await handles.results()] == [[n, "go", "go"] for n in (1, 2, 3)]


async def test_a_timeout_round_the_wait_leaves_the_token_alone(clock: FakeClock) -> None:
    token = await wait.create_token()

    @task
    async def impatient() -> Any:
        waiting = asyncio.create_task(wait.for_token(token))
        await wait.sleep(10)
        waiting.cancel()
        done = await asyncio.gather(waiting, return_exceptions=True)
        return type(done[0]).__name__

    handle = await impatient.trigger()
    await clock.advance(11)
    assert (await handle.result()).output == "CancelledError"
    assert (await wait.retrieve_token(token)).status == "WAITING"
    assert await wait.complete_token(token, "late") is True


async def test_a_canceled_run_no_longer_waits(clock: FakeClock) -> None:
    token = await wait.create_token()

    @task
    async def approval() -> None:
        await wait.for_token(token)

    handle = await approval.trigger()
    await clock.settle()
    await handle.cancel()
    assert (await handle.result()).status == RunStatus.CANCELED
    assert await wait.complete_token(token, 1) is True
    assert (await handle.retrieve()).status == RunStatus.CANCELED


async def test_a_second_attempt_makes_a_token_of_its_own_unless_a_key_says_otherwise(
    clock: FakeClock,
) -> None:
    made: list[tuple[str, str]] = []

    @task(retry=Retry(2, 1, randomize=False))
    async def approval(ctx: Context) -> None:
        fresh = await wait.create_token()
        kept = await wait.create_token(idempotency_key="approval")
        made.append((fresh.id, kept.id))
        if ctx.attempt.number == 1:
            raise ValueError("broken")

    await approval.trigger()
    await clock.advance(2)
    (fresh, kept), (other, again) = made
    assert len({fresh, kept, other}) == 3
    assert again == kept


async def test_a_raw_key_in_a_task_is_for_this_run(clock: FakeClock) -> None:
    @task
    async def approval() -> str:
        return (await wait.create_token(idempotency_key="approval")).id

    handles = await approval.batch_trigger([None, None])
    ids = {run.output for run in await handles.results()}
    ids.add((await wait.create_token(idempotency_key="approval")).id)
    assert len(ids) == 3


async def test_an_attempt_that_is_entered_again_meets_its_token(serve: Any) -> None:
    """A worker goes away while the run waits; the next one enters the attempt from its top."""
    clock, backend = FakeClock(), MemoryBackend()
    made: list[str] = []

    @task
    async def approval() -> Any:
        first, second = await wait.create_token(timeout="1d"), await wait.create_token()
        made.extend((first.id, second.id))
        return await wait.for_token(first).unwrap()

    async with serve(backend, clock=clock):
        handle = await approval.trigger()
        await clock.settle()
    assert made[0] != made[1]
    async with serve(backend, clock=clock):
        assert await wait.complete_token(made[0], "yes") is True
        assert (await handle.result()).output == "yes"
        token = await wait.retrieve_token(made[0])
    assert made[:2] == made[2:]
    assert token.timeout_at == datetime(2030, 1, 2, tzinfo=UTC)


async def test_a_task_may_complete_a_token_that_another_waits_for(clock: FakeClock) -> None:
    token = await wait.create_token()

    @task
    async def waiter() -> Any:
        return await wait.for_token(token).unwrap()

    @task
    async def completer() -> bool:
        return await wait.complete_token(token, "from a task")

    handle = await waiter.trigger()
    assert (await (await completer.trigger()).result()).output is True
    assert (await handle.result()).output == "from a task"


async def test_an_unknown_token_is_not_waited_for() -> None:
    @task(retry=None)
    async def approval() -> None:
        await wait.for_token("token_none")

    result = await (await approval.trigger()).result()
    assert result.error is not None
    assert result.error.name == "TokenNotFoundError"


async def test_the_wait_hooks_are_told_of_a_token(clock: FakeClock) -> None:
    seen: list[str] = []
    token = await wait.create_token()

    @task
    async def approval() -> None:
        await wait.for_token(token)

    @approval.on_wait
    async def waits(wait: Any) -> None:
        seen.append(f"on_wait {wait.kind}")

    @approval.on_resume
    async def resumes(wait: Any) -> None:
        seen.append(f"on_resume {wait.kind}")

    handle = await approval.trigger()
    await clock.settle()
    await wait.complete_token(token)
    await handle.result()
    assert seen == ["on_wait token", "on_resume token"]


async def test_a_status_that_no_token_has_is_refused(app: Worker) -> None:
    wrong: Any = "DONE"
    with pytest.raises(
        InvalidOptionError, match="status is 'DONE': give one of WAITING, COMPLETED"
    ):
        wait.list_tokens(status=wrong)


# --- plain code ---------------------------------------------------------------------------------


async def test_a_plain_task_waits_by_the_sync_twins(clock: FakeClock, app: Worker) -> None:
    @task
    def approval() -> Any:
        token = wait.sync.create_token(timeout="1h", tags="sync")
        result = wait.sync.for_token(token)
        return [result.ok, result.output, [one.id for one in wait.sync.list_tokens()] == [token.id]]

    handle = await approval.trigger()
    await clock.settle()
    (token_id,) = await listed(tag="sync")
    assert (await runs.retrieve(handle.id)).status == RunStatus.WAITING
    await wait.complete_token(token_id, [1])
    assert (await handle.result()).output == [True, [1], True]


async def test_tokens_in_a_plain_program() -> None:
    def program() -> Any:
        with taskkit.use_backend(MemoryBackend()):
            token = wait.sync.create_token()
            return wait.sync.complete_token(token, 1), wait.sync.retrieve_token(token).output

    assert await asyncio.to_thread(program) == (True, 1)


async def test_a_sync_twin_in_an_event_loop_names_the_async_call() -> None:
    with pytest.raises(SyncInAsyncError, match=r"await wait\.create_token"):
        wait.sync.create_token()
