"""Attempts and the time between them, through the public door."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

import taskkit
from taskkit import (
    AbortTaskRunError,
    CompleteTaskWithOutput,
    Context,
    OutOfMemoryError,
    Retry,
    RetryDecision,
    RunStatus,
    config,
    task,
    tasks,
)
from taskkit.testing import FakeClock

START = FakeClock().now()

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("app")]


async def starts(clock: FakeClock, **options: Any) -> list[float]:
    """When each attempt of a task that always fails began, in seconds."""
    seen: list[float] = []

    async def work() -> None:
        seen.append(clock.monotonic())
        raise ValueError("broken")

    trigger = options.pop("trigger", {})
    handle = await task(id="work", **options)(work).trigger(**trigger)
    await clock.advance("1h")
    assert (await handle.result()).status == RunStatus.FAILED
    return seen


async def test_delays_follow_the_policy_to_the_millisecond(clock: FakeClock) -> None:
    seen = await starts(clock, retry=Retry(5, 0.1, 60, 3, randomize=False))
    assert [round(moment, 6) for moment in seen] == [0, 0.1, 0.4, 1.3, 4.0]


async def test_delays_are_kept_by_a_worker_with_free_slots(clock: FakeClock) -> None:
    async with taskkit.local(clock=clock, concurrency=10):
        seen = await starts(clock, retry=Retry(4, 0.1, 60, 3, randomize=False))
    assert [round(moment, 6) for moment in seen] == [0, 0.1, 0.4, 1.3]


async def test_an_attempt_does_not_begin_a_millisecond_early(clock: FakeClock) -> None:
    seen: list[int] = []

    @task(retry=Retry(2, 1.5, randomize=False))
    async def work(ctx: Context) -> None:
        seen.append(ctx.attempt.number)
        raise ValueError("broken")

    await work.trigger()
    await clock.advance(1.499)
    assert seen == [1]
    await clock.advance(0.001)
    assert seen == [1, 2]


async def test_jitter_lengthens_up_to_twice_and_never_beyond_the_cap(clock: FakeClock) -> None:
    seen = await starts(clock, retry=Retry(4, 1, 3, 2, randomize=True))
    delays = [round(later - earlier, 6) for earlier, later in pairwise(seen)]
    assert 1 <= delays[0] < 2
    assert 2 <= delays[1] <= 3
    assert delays[2] == pytest.approx(3)


async def test_without_a_word_the_configured_policy_counts(clock: FakeClock) -> None:
    seen = await starts(clock)
    assert len(seen) == 3
    assert 1 <= seen[1] < 2
    assert 2 <= seen[2] - seen[1] <= 4


async def test_a_configured_policy_replaces_the_built_in_one(clock: FakeClock) -> None:
    config.override(retries={"default": {"max_attempts": 2, "min_timeout": 7, "randomize": False}})
    assert await starts(clock) == [0, 7]


async def test_what_a_policy_leaves_out_is_its_own_default_and_not_the_configured_one(
    clock: FakeClock,
) -> None:
    config.override(retries={"default": {"max_attempts": 9}})
    assert len(await starts(clock, retry=Retry(min_timeout=2))) == 3


async def test_none_is_one_attempt(clock: FakeClock) -> None:
    assert await starts(clock, retry=None) == [0]


async def test_a_trigger_may_ask_for_more_or_fewer_attempts(clock: FakeClock) -> None:
    policy = Retry(3, 1, 60, 1, randomize=False)
    assert await starts(clock, retry=policy, trigger={"max_attempts": 5}) == [0, 1, 2, 3, 4]


async def test_a_trigger_may_ask_for_one_attempt(clock: FakeClock) -> None:
    assert await starts(clock, retry=Retry(3), trigger={"max_attempts": 1}) == [0]


async def test_attempts_of_one_run_do_not_leak_into_the_next(clock: FakeClock) -> None:
    """The original changed a shared object (reference 2.1)."""
    seen: list[int] = []

    @task(retry=Retry(2, 1, randomize=False))
    async def work(ctx: Context) -> None:
        seen.append(ctx.attempt.number)
        raise ValueError("broken")

    await work.trigger(max_attempts=4)
    await clock.advance("1m")
    await work.trigger()
    await clock.advance("1m")
    assert seen == [1, 2, 3, 4, 1, 2]


async def test_nothing_is_retried_in_development_when_that_is_switched_off(
    clock: FakeClock,
) -> None:
    config.override(retries={"enabled_in_dev": False})
    assert await starts(clock, retry=Retry(3)) == [0]


async def test_between_attempts_the_run_is_queued_with_a_time(clock: FakeClock) -> None:
    @task(retry=Retry(2, 10, randomize=False))
    async def work() -> None:
        raise ValueError("broken")

    handle = await work.trigger()
    await clock.advance(4)
    run = await handle.retrieve()
    assert run.status == RunStatus.QUEUED
    assert run.is_queued
    assert run.available_at == clock.now() + timedelta(seconds=6)
    assert [(attempt.number, str(attempt.error)) for attempt in run.attempts] == [
        (1, "ValueError: broken")
    ]
    assert run.error is None
    assert run.finished_at is None


async def test_attempts_tell_when_they_ran_and_why_they_failed(clock: FakeClock) -> None:
    @task(retry=Retry(2, 10, randomize=False))
    async def work(ctx: Context) -> int:
        if ctx.attempt.number == 1:
            raise ValueError("broken")
        return 1

    start = clock.now()
    handle = await work.trigger()
    await clock.advance(10)
    run = await handle.retrieve()
    assert run.status == RunStatus.COMPLETED
    assert [(a.number, a.started_at, a.finished_at) for a in run.attempts] == [
        (1, start, start),
        (2, start + timedelta(seconds=10), start + timedelta(seconds=10)),
    ]
    assert run.attempts[0].error is not None
    assert run.attempts[0].error.message == "broken"
    assert run.attempts[1].error is None
    assert run.started_at == start


async def test_a_run_that_waits_for_its_retry_holds_no_slot(clock: FakeClock) -> None:
    @task(retry=Retry(2, "1h", randomize=False))
    async def failing() -> None:
        raise ValueError("broken")

    @task()
    async def other() -> str:
        return "went through"

    await failing.trigger()
    await clock.settle()
    assert (await (await other.trigger()).result()).unwrap() == "went through"


async def test_an_abort_is_not_retried(clock: FakeClock) -> None:
    seen: list[int] = []

    @task(retry=Retry(5))
    async def work() -> None:
        seen.append(1)
        raise AbortTaskRunError("no use")

    result = await (await work.trigger()).result()
    assert seen == [1]
    assert result.error is not None
    assert (result.error.type, result.error.code) == ("BUILT_IN_ERROR", None)


async def test_an_abort_without_a_text_still_has_a_name() -> None:
    @task()
    async def work() -> None:
        raise AbortTaskRunError

    result = await (await work.trigger()).result()
    assert str(result.error) == "AbortTaskRunError"


async def test_complete_with_output_succeeds() -> None:
    @task()
    async def work() -> dict[str, int]:
        raise CompleteTaskWithOutput({"early": 1})

    assert (await (await work.trigger()).result()).unwrap() == {"early": 1}


async def test_complete_with_output_succeeds_from_a_thread() -> None:
    @task()
    def work() -> int:
        raise CompleteTaskWithOutput(3)

    assert (await (await work.trigger()).result()).unwrap() == 3


async def test_complete_with_an_output_that_is_no_json_fails() -> None:
    @task()
    async def work() -> None:
        raise CompleteTaskWithOutput(object())

    result = await (await work.trigger()).result()
    assert result.error is not None
    assert result.error.code == "TASK_OUTPUT_ERROR"


@pytest.mark.parametrize("error", [OutOfMemoryError("too big"), MemoryError()])
async def test_out_of_memory_is_not_retried_by_itself(
    error: BaseException, clock: FakeClock
) -> None:
    @task(retry=Retry(3))
    async def work() -> None:
        raise error

    result = await (await work.trigger()).result()
    assert result.status == RunStatus.FAILED
    assert result.error is not None
    assert result.error.code == "TASK_PROCESS_OOM_KILLED"


async def test_out_of_memory_is_retried_on_the_machine_that_the_policy_names(
    clock: FakeClock,
) -> None:
    machines: list[str] = []

    @task(machine="small-1x", retry=Retry(3, 1, randomize=False, out_of_memory="large-1x"))
    async def work(ctx: Context) -> str:
        assert ctx.machine is not None
        machines.append(ctx.machine.name)
        if ctx.machine.name == "small-1x":
            raise OutOfMemoryError
        return "fits"

    handle = await work.trigger()
    await clock.advance(1)
    assert (await handle.result()).unwrap() == "fits"
    assert machines == ["small-1x", "large-1x"]


async def test_catch_error_is_asked_when_attempts_are_used_up_and_can_go_on(
    clock: FakeClock,
) -> None:
    asked: list[int] = []

    @task(retry=None)
    async def work(ctx: Context) -> str:
        if ctx.attempt.number < 3:
            raise ValueError("broken")
        return "in the end"

    @work.catch_error
    async def again(ctx: Context) -> RetryDecision:
        asked.append(ctx.attempt.number)
        return RetryDecision(delay=5)

    handle = await work.trigger()
    await clock.advance(10)
    assert (await handle.result()).unwrap() == "in the end"
    assert asked == [1, 2]


@pytest.mark.parametrize(
    ("decision", "begins"),
    [
        (None, 1.5),
        (
            RetryDecision(skip=True, at=START + timedelta(seconds=1), delay=2, retry=Retry(9, 3)),
            None,
        ),
        (RetryDecision(at=START + timedelta(seconds=1), delay=2, retry=Retry(9, 3)), 1),
        (RetryDecision(delay=2.345, retry=Retry(9, 3, randomize=False)), 2.345),
        (RetryDecision(delay=0, retry=Retry(9, 3, randomize=False)), 0),
        (RetryDecision(retry=Retry(9, 3.25, randomize=False)), 3.25),
        (RetryDecision(retry=Retry(1)), None),
        (RetryDecision(), None),
        (RetryDecision(error=KeyError("another")), None),
    ],
)
async def test_what_catch_error_decides_is_seen_on_the_clock(
    decision: RetryDecision | None, begins: float | None, clock: FakeClock
) -> None:
    starts_at: list[float] = []

    @task(retry=Retry(2, 1.5, randomize=False))
    async def work() -> None:
        starts_at.append(clock.monotonic())
        raise ValueError("broken")

    @work.catch_error
    async def decide(ctx: Context) -> RetryDecision | None:
        if ctx.attempt.number > 1:
            return RetryDecision(skip=True)
        return decision

    handle = await work.trigger()
    await clock.advance("1m")
    assert (await handle.result()).status == RunStatus.FAILED
    assert starts_at == ([0] if begins is None else [0, pytest.approx(begins, abs=1e-6)])


async def test_catch_error_is_asked_for_each_failed_attempt(clock: FakeClock) -> None:
    asked: list[tuple[int, str]] = []

    @task(retry=Retry(3, 1, randomize=False))
    async def work(ctx: Context) -> None:
        raise ValueError(f"attempt {ctx.attempt.number}")

    @tasks.catch_error
    async def note(error: Exception, ctx: Context) -> None:
        asked.append((ctx.attempt.number, str(error)))

    await work.trigger()
    await clock.advance("1m")
    assert asked == [(n, f"attempt {n}") for n in (1, 2, 3)]


async def test_an_error_replaced_by_catch_error_is_the_one_that_everybody_sees(
    clock: FakeClock,
) -> None:
    told: list[BaseException] = []

    @task(retry=Retry(5))
    async def work() -> None:
        raise ValueError("with details that nobody should see")

    @work.catch_error
    async def replace() -> RetryDecision:
        return RetryDecision(error=LookupError("sorry"))

    @work.on_failure
    async def failed(error: BaseException) -> None:
        told.append(error)

    result = await (await work.trigger()).result()
    assert str(result.error) == "LookupError: sorry"
    assert isinstance(told[0], LookupError)


async def test_a_canceled_error_of_the_bodys_own_is_an_ordinary_error(clock: FakeClock) -> None:
    import asyncio

    seen: list[int] = []

    @task(retry=Retry(2, 1, randomize=False))
    async def work() -> None:
        seen.append(1)
        raise asyncio.CancelledError

    handle = await work.trigger()
    await clock.advance(1)
    result = await handle.result()
    assert result.status == RunStatus.FAILED
    assert result.error is not None
    assert result.error.name == "CancelledError"
    assert len(seen) == 2


@pytest.mark.parametrize("hooks", [{}, {"cleanup": lambda: None}])
async def test_a_body_that_cancels_itself_fails_and_is_not_started_for_ever(
    hooks: Any, clock: FakeClock
) -> None:
    import asyncio

    seen: list[int] = []

    @task(retry=Retry(2, 1, randomize=False), **hooks)
    async def work() -> None:
        seen.append(1)
        current = asyncio.current_task()
        assert current is not None
        current.cancel()
        await asyncio.Event().wait()

    handle = await work.trigger()
    await clock.advance(1)
    result = await handle.result()
    assert (result.status, len(seen)) == (RunStatus.FAILED, 2)


@pytest.mark.parametrize(
    "error",
    [SystemExit(3), StopIteration(), StopAsyncIteration(), BaseExceptionGroup("g", [ValueError()])],
)
@pytest.mark.parametrize("threaded", [False, True])
async def test_odd_exceptions_fail_the_run_and_not_the_worker(
    error: BaseException, threaded: bool
) -> None:
    async def asynchronous() -> None:
        raise error

    def plain() -> None:
        raise error

    work = task(id="work", retry=None)(plain if threaded else asynchronous)
    assert (await (await work.trigger()).result()).status == RunStatus.FAILED

    @task()
    async def next_one() -> str:
        return "served"

    assert (await (await next_one.trigger()).result()).unwrap() == "served"


async def test_the_error_of_a_run_tells_where_it_happened(clock: FakeClock) -> None:
    @task(retry=None)
    async def work() -> None:
        try:
            raise KeyError("cause")
        except KeyError as cause:
            raise ValueError("broken") from cause

    result = await (await work.trigger()).result()
    assert result.error is not None
    assert result.error.stack is not None
    assert "test_retries.py" in result.error.stack
    assert "KeyError: 'cause'" in result.error.stack
    assert "attempt.py" not in result.error.stack
    with pytest.raises(taskkit.RunFailedError) as raised:
        result.unwrap()
    assert raised.value.run_id == result.id
    assert raised.value.error == result.error
    assert "'work'" in str(raised.value)
    assert "ValueError: broken" in str(raised.value)


async def test_the_stack_of_a_plain_task_starts_in_its_own_code(clock: FakeClock) -> None:
    @task(retry=None)
    def work() -> None:
        raise ValueError("broken")

    result = await (await work.trigger()).result()
    assert result.error is not None
    assert result.error.stack is not None
    _, first, *_ = result.error.stack.splitlines()
    assert first.strip().startswith(f'File "{__file__}"')
    assert first.endswith("in work")
