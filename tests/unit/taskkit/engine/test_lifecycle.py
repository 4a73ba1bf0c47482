"""The order of hooks and middleware, and what becomes of their errors (Trigger.dev v4, see API.md)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from taskkit import (
    AbortTaskRunError,
    CompleteTaskWithOutput,
    Context,
    ErrorInfo,
    Retry,
    RetryDecision,
    RunResult,
    RunStatus,
    Task,
    task,
    tasks,
    wait,
)
from taskkit.backends.memory import MemoryBackend
from taskkit.model.exchange import Lease, Signal
from taskkit.session import Worker
from taskkit.testing import FakeClock

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("app")]

CallNext = Callable[[], Awaitable[None]]
PLAIN = (
    "init", "on_start", "on_start_attempt", "on_success", "on_failure", "on_complete", "on_wait", "on_resume",
    "on_cancel", "cleanup", "catch_error",
)  # fmt: skip
BEGIN = [
    "G middleware in", "T middleware in", "G init", "T init", "G on_start", "T on_start", "G on_start_attempt",
    "T on_start_attempt",
]  # fmt: skip
LATER_BEGIN = [event for event in BEGIN if "on_start " not in event + " "]
END = ["G cleanup", "T cleanup", "T middleware out", "G middleware out"]


def both(kind: str) -> list[str]:
    return [f"G {kind}", f"T {kind}"]


def record(traced: Task[Any, Any, Any], events: list[str]) -> None:
    """Let every hook, global and of the task, say when it is called."""
    for mark, place in (("G", tasks), ("T", traced)):
        for kind in PLAIN:
            getattr(place, kind)(_saying(f"{mark} {kind}", events))
        place.middleware(_middleware(mark, events))


def _saying(what: str, events: list[str]) -> Callable[[], Awaitable[None]]:
    async def hook() -> None:
        events.append(what)

    return hook


def _middleware(mark: str, events: list[str]) -> Callable[[CallNext], Awaitable[None]]:
    async def middleware(call_next: CallNext) -> None:
        events.append(f"{mark} middleware in")
        await call_next()
        events.append(f"{mark} middleware out")

    return middleware


@pytest.fixture
def events() -> list[str]:
    return []


def failing(
    what: str, events: list[str], error: Exception | None = None
) -> Callable[[], Awaitable[None]]:
    async def hook() -> None:
        events.append(what)
        raise error or RuntimeError(f"{what} failed")

    return hook


# --- the whole order --------------------------------------------------------------------------------


async def test_order_of_a_success(events: list[str]) -> None:
    @task()
    async def work() -> int:
        events.append("run")
        return 1

    record(work, events)
    result = await (await work.trigger()).result()

    assert result.unwrap() == 1
    assert events == [*BEGIN, "run", *both("on_success"), *both("on_complete"), *END]


async def test_order_of_a_final_failure(events: list[str]) -> None:
    @task(retry=None)
    async def work() -> None:
        events.append("run")
        raise ValueError("broken")

    record(work, events)
    result = await (await work.trigger()).result()

    assert result.status == RunStatus.FAILED
    asked = ["T catch_error", "G catch_error"]
    assert events == [*BEGIN, "run", *asked, *both("on_failure"), *both("on_complete"), *END]


async def test_order_of_a_retried_failure(events: list[str], clock: FakeClock) -> None:
    @task(retry=Retry(2, 1, randomize=False))
    async def work(ctx: Context) -> str:
        events.append("run")
        if ctx.attempt.number == 1:
            raise ValueError("broken")
        return "done"

    record(work, events)
    handle = await work.trigger()
    await clock.settle()
    assert events == [*BEGIN, "run", "T catch_error", "G catch_error", *END]

    events.clear()
    await clock.advance(1)
    assert (await handle.result()).unwrap() == "done"
    assert events == [*LATER_BEGIN, "run", *both("on_success"), *both("on_complete"), *END]


async def test_order_of_an_abort_asks_nobody(events: list[str]) -> None:
    @task(retry=Retry(5))
    async def work() -> None:
        events.append("run")
        raise AbortTaskRunError("no use")

    record(work, events)
    result = await (await work.trigger()).result()

    assert result.error is not None
    assert (result.error.name, result.error.message) == ("AbortTaskRunError", "no use")
    assert events == [*BEGIN, "run", *both("on_failure"), *both("on_complete"), *END]


async def test_order_of_a_timeout(events: list[str], clock: FakeClock) -> None:
    @task(max_duration=5)
    async def work() -> None:
        events.append("run")
        await asyncio.Event().wait()

    record(work, events)
    handle = await work.trigger()
    await clock.advance(5)
    result = await handle.result()

    assert result.status == RunStatus.TIMED_OUT
    assert events == [*BEGIN, "run", *both("on_failure"), *both("on_complete"), *END]


async def test_order_of_a_cancel_while_it_runs(events: list[str], clock: FakeClock) -> None:
    @task()
    async def work() -> None:
        events.append("run")
        await asyncio.Event().wait()

    record(work, events)
    handle = await work.trigger()
    await clock.settle()
    await handle.cancel()
    result = await handle.result()

    assert result.status == RunStatus.CANCELED
    ended = [*both("on_cancel"), *both("cleanup"), *both("on_complete")]
    assert events == [*BEGIN, "run", *ended, "T middleware out", "G middleware out"]


async def test_order_of_a_cancel_while_it_waits(events: list[str], clock: FakeClock) -> None:
    @task()
    async def work() -> None:
        events.append("run")
        await wait.sleep("1h")

    record(work, events)
    handle = await work.trigger()
    await clock.advance(1)
    await handle.cancel()
    result = await handle.result()

    assert result.status == RunStatus.CANCELED
    ended = [*both("on_cancel"), *both("cleanup"), *both("on_complete")]
    middleware = ["T middleware out", "G middleware out"]
    assert events == [*BEGIN, "run", *both("on_wait"), *ended, *middleware]


async def test_order_of_a_cancel_between_attempts(events: list[str], clock: FakeClock) -> None:
    @task(retry=Retry(2, 10, randomize=False))
    async def work() -> None:
        raise ValueError("broken")

    record(work, events)
    handle = await work.trigger()
    await clock.settle()
    events.clear()
    await handle.cancel()

    assert (await handle.result()).status == RunStatus.CANCELED
    assert events == [*both("on_cancel"), *both("on_complete")]  # the attempt had cleaned up


@pytest.mark.parametrize("options", [{}, {"delay": "1h"}])
async def test_a_run_that_never_started_calls_no_hook(
    events: list[str], clock: FakeClock, options: Any
) -> None:
    @task()
    async def blocker() -> None:
        await asyncio.Event().wait()

    @task()
    async def work() -> None: ...

    await blocker.trigger()
    await clock.settle()
    record(work, events)
    handle = await work.trigger(**options)
    await handle.cancel()

    assert (await handle.result()).status == RunStatus.CANCELED
    assert events == []


async def test_an_expired_run_calls_no_hook(events: list[str], clock: FakeClock) -> None:
    @task()
    async def blocker() -> None:
        await asyncio.Event().wait()

    @task()
    async def work() -> None: ...

    await blocker.trigger()
    await clock.settle()
    record(work, events)
    handle = await work.trigger(ttl=5)
    await clock.advance(5)

    assert (await handle.result()).status == RunStatus.EXPIRED
    assert events == []


async def test_on_wait_and_on_resume_surround_a_wait(events: list[str], clock: FakeClock) -> None:
    waits: list[str] = []

    @task()
    async def work() -> None:
        events.append("before")
        await wait.sleep(5)
        events.append("after")

    record(work, events)

    @work.on_wait
    async def seen(wait: Any) -> None:
        waits.append(wait.kind)

    handle = await work.trigger()
    await clock.advance(5)
    assert (await handle.result()).ok
    assert waits == ["duration"]
    assert events[8:14] == ["before", *both("on_wait"), *both("on_resume"), "after"]


async def test_on_wait_is_told_the_kind_of_wait(clock: FakeClock) -> None:
    seen: list[tuple[str, str]] = []

    @task()
    async def child() -> None: ...

    @task()
    async def work() -> None:
        await child.trigger_and_wait()
        await child.batch_trigger_and_wait([None, None])
        await wait.sleep(1)

    @work.on_wait
    async def parked(wait: Any) -> None:
        seen.append(("wait", wait.kind))

    @work.on_resume
    async def back(wait: Any) -> None:
        seen.append(("resume", wait.kind))

    handle = await work.trigger()
    await clock.advance(1)
    assert (await handle.result()).ok
    kinds = ["task", "batch", "duration"]
    assert seen == [(what, kind) for kind in kinds for what in ("wait", "resume")]


async def test_failures_of_on_wait_and_on_resume_are_logged_only(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    @task(on_wait=failing("on_wait", []), on_resume=failing("on_resume", []))
    async def work() -> str:
        await wait.sleep(1)
        return "went on"

    handle = await work.trigger()
    await clock.advance(1)
    assert (await handle.result()).unwrap() == "went on"
    assert "on_wait of run" in caplog.text
    assert "on_resume of run" in caplog.text


# --- hooks that fail --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["init", "on_start", "on_start_attempt"])
async def test_a_beginning_that_fails_fails_the_attempt(kind: str, events: list[str]) -> None:
    @task(retry=None)
    async def work() -> None:
        events.append("run")

    getattr(work, kind)(failing(kind, events))
    for later in ("on_failure", "on_complete", "cleanup", "catch_error"):
        getattr(work, later)(_saying(later, events))
    result = await (await work.trigger()).result()

    assert result.error is not None
    assert result.error.message == f"{kind} failed"
    assert events == [kind, "catch_error", "on_failure", "on_complete", "cleanup"]


async def test_a_beginning_that_fails_is_retried(clock: FakeClock) -> None:
    seen: list[int] = []

    @task(retry=Retry(2, 1, randomize=False))
    async def work() -> str:
        return "done"

    @work.on_start_attempt
    async def begin(ctx: Context) -> None:
        seen.append(ctx.attempt.number)
        if ctx.attempt.number == 1:
            raise ValueError("not yet")

    handle = await work.trigger()
    await clock.advance(1)
    assert (await handle.result()).unwrap() == "done"
    assert seen == [1, 2]


@pytest.mark.parametrize("kind", ["on_success", "on_complete"])
async def test_an_end_of_a_success_that_fails_is_logged_only(
    kind: str, events: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    @task()
    async def work() -> int:
        return 5

    getattr(work, kind)(failing(kind, events))
    work.cleanup(_saying("cleanup", events))
    result = await (await work.trigger()).result()

    assert result.unwrap() == 5
    assert events == [kind, "cleanup"]
    assert f"{kind} of run {result.id} failed" in caplog.text


@pytest.mark.parametrize("kind", ["on_failure", "on_complete"])
async def test_an_end_of_a_failure_that_fails_keeps_the_first_error(
    kind: str, events: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    @task(retry=None)
    async def work() -> None:
        raise ValueError("the first")

    getattr(work, kind)(failing(kind, events))
    work.cleanup(_saying("cleanup", events))
    result = await (await work.trigger()).result()

    assert result.error is not None
    assert result.error.message == "the first"
    assert events == [kind, "cleanup"]
    assert f"{kind} of run {result.id} failed" in caplog.text


@pytest.mark.parametrize("kind", ["on_cancel", "cleanup", "on_complete"])
async def test_a_hook_of_a_cancel_that_fails_changes_nothing(
    kind: str, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    events: list[str] = []

    @task()
    async def work() -> None:
        await asyncio.Event().wait()

    for each in ("on_cancel", "cleanup", "on_complete"):
        getattr(work, each)(failing(each, events) if each == kind else _saying(each, events))
    handle = await work.trigger()
    await clock.settle()
    await handle.cancel()

    assert (await handle.result()).status == RunStatus.CANCELED
    assert events == ["on_cancel", "cleanup", "on_complete"]
    assert f"{kind} of run {handle.id} failed" in caplog.text


async def test_a_cleanup_that_fails_fails_a_success(events: list[str]) -> None:
    @task(
        retry=None, cleanup=failing("cleanup", []), on_failure=_saying("on_failure", events := [])
    )
    async def work() -> int:
        return 5

    result = await (await work.trigger()).result()
    assert result.status == RunStatus.FAILED
    assert result.error is not None
    assert result.error.message == "cleanup failed"
    assert events == ["on_failure"]


async def test_a_cleanup_that_fails_keeps_an_earlier_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @task(retry=None, cleanup=failing("cleanup", []))
    async def work() -> None:
        raise ValueError("the first")

    result = await (await work.trigger()).result()
    assert result.error is not None
    assert result.error.message == "the first"
    assert f"cleanup of run {result.id} failed" in caplog.text


async def test_a_cleanup_that_fails_does_not_keep_the_others_from_cleaning(
    events: list[str],
) -> None:
    @task(retry=None, cleanup=_saying("T cleanup", events))
    async def work() -> None: ...

    tasks.cleanup(failing("G cleanup", events))
    assert not (await (await work.trigger()).result()).ok
    assert events == ["G cleanup", "T cleanup"]


@pytest.mark.parametrize("end", ["timeout", "cancel", "catch_error"])
async def test_cleanup_runs_whatever_the_end(end: str, events: list[str], clock: FakeClock) -> None:
    @task(retry=None, max_duration=5, cleanup=_saying("cleanup", events))
    async def work() -> None:
        if end == "catch_error":
            raise ValueError("broken")
        await asyncio.Event().wait()

    if end == "catch_error":
        work.catch_error(failing("catch_error", events))
    handle = await work.trigger()
    await clock.settle()
    if end == "cancel":
        await handle.cancel()
    await clock.advance(5)
    assert not (await handle.result()).ok
    assert events[-1] == "cleanup"
    assert events.count("cleanup") == 1


async def test_a_hook_that_hangs_after_the_body_is_stopped_after_30_seconds(
    events: list[str], clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    @task(cleanup=_saying("cleanup", events))
    async def work() -> int:
        return 1

    @work.on_success
    async def hang() -> None:
        await asyncio.Event().wait()

    handle = await work.trigger()
    await clock.advance(29)
    assert events == []
    await clock.advance(1)
    assert (await handle.result()).unwrap() == 1
    assert events == ["cleanup"]
    assert "took longer than 30 s" in caplog.text


async def test_a_catch_error_that_hangs_is_stopped_after_30_seconds(
    events: list[str], clock: FakeClock
) -> None:
    @task(retry=Retry(5), cleanup=_saying("cleanup", events))
    async def work() -> None:
        raise ValueError("broken")

    @work.catch_error
    async def hang() -> None:
        await asyncio.Event().wait()

    handle = await work.trigger()
    await clock.advance(29.999)
    assert (await handle.retrieve()).is_executing
    await clock.advance(0.001)
    error = (await handle.result()).error
    assert error is not None
    assert (error.name, error.code) == ("TimeoutError", "HANDLE_ERROR_ERROR")
    assert events == ["cleanup"]


@pytest.mark.parametrize("hangs", ["T", "G"])
async def test_a_middleware_that_hangs_after_call_next_is_stopped_after_30_seconds(
    hangs: str, events: list[str], clock: FakeClock
) -> None:
    @task(retry=None)
    async def work() -> int:
        return 1

    record(work, events)

    async def hang(call_next: CallNext) -> None:
        await call_next()
        await asyncio.Event().wait()

    (work if hangs == "T" else tasks).middleware(hang)
    handle = await work.trigger()
    await clock.advance(29.999)
    assert (await handle.retrieve()).is_executing
    events.clear()
    await handle.cancel()  # too late: the body is over
    await clock.advance(0.001)
    result = await handle.result()
    assert result.status == RunStatus.FAILED
    assert result.error is not None
    assert result.error.name == "TimeoutError"
    assert "took longer than 30 s after call_next()" in result.error.message
    assert both("on_failure")[0] in events


async def test_a_middleware_may_take_its_time_before_call_next(clock: FakeClock) -> None:
    gate = asyncio.Event()

    @task()
    async def work() -> int:
        return 1

    @work.middleware
    async def slow(call_next: CallNext) -> None:
        await gate.wait()
        await call_next()

    handle = await work.trigger()
    await clock.advance("10m")
    gate.set()
    assert (await handle.result()).unwrap() == 1


# --- a worker that dies -----------------------------------------------------------------------------


class Deaf(MemoryBackend):
    """Lets every lease run out, but that of a clean-up: as if each delivery killed its worker."""

    async def extend(self, leases: Sequence[Lease], **options: Any) -> Sequence[Signal]:
        alive = [one for one in leases if one.kind == "cleanup"]
        await super().extend(alive, **options)
        return [Signal.HELD for _ in leases]


async def test_order_of_a_crash(events: list[str], serve: Any, clock: FakeClock) -> None:
    """The hooks run elsewhere, after the last of the deaths: with the payload, and without what init gave."""
    release = asyncio.Event()
    given: list[Any] = []

    @task(retry=Retry(2))
    async def work(n: int) -> None:
        events.append("run")
        await release.wait()

    record(work, events)

    @work.on_failure
    async def failed(payload: int, init: Any, error: BaseException) -> None:
        given.append((payload, init, type(error).__name__))

    async with serve(Deaf(), clock=clock):
        handle = await work.trigger(5)
        await clock.settle()
        assert events == [*BEGIN, "run"]
        for _ in range(2):
            events.clear()
            await clock.advance(31)
            assert events == [*both("cleanup"), *BEGIN, "run"]
        events.clear()
        await clock.advance(31)
        result = await handle.result()
        assert result.status == RunStatus.CRASHED
        assert events == [*both("cleanup"), *both("on_failure"), *both("on_complete")]
        assert given == [(5, None, "LeaseLostError")]
        release.set()
        await clock.settle()
        assert (await handle.retrieve()).status == RunStatus.CRASHED


# --- catch_error ------------------------------------------------------------------------------------


async def test_catch_error_stops_asking_at_the_first_answer(events: list[str]) -> None:
    @task(retry=Retry(3))
    async def work() -> None:
        raise ValueError("broken")

    def answering(what: str, answer: RetryDecision | None) -> Callable[[], Awaitable[Any]]:
        async def hook() -> RetryDecision | None:
            events.append(what)
            return answer

        return hook

    work.catch_error(answering("task 1", None))
    work.catch_error(answering("task 2", None))
    tasks.catch_error(answering("global 1", RetryDecision(skip=True)))
    tasks.catch_error(answering("global 2", None))
    assert (await (await work.trigger()).result()).status == RunStatus.FAILED
    assert events == ["task 1", "task 2", "global 1"]


async def test_catch_error_of_the_task_answers_before_the_global_one(events: list[str]) -> None:
    @task(retry=Retry(3))
    async def work() -> None:
        raise ValueError("broken")

    @work.catch_error
    async def mine() -> RetryDecision:
        events.append("task")
        return RetryDecision(skip=True)

    tasks.catch_error(_saying("global", events))
    assert not (await (await work.trigger()).result()).ok
    assert events == ["task"]


async def test_a_catch_error_that_fails_ends_the_run_and_says_so(events: list[str]) -> None:
    told: list[BaseException] = []

    @task(
        retry=Retry(5),
        cleanup=_saying("cleanup", events),
        on_complete=_saying("on_complete", events),
    )
    async def work() -> None:
        raise ValueError("the first")

    @work.catch_error
    async def broken(error: Exception) -> None:
        raise KeyError("in catch_error")

    @work.on_failure
    async def failed(error: BaseException) -> None:
        told.append(error)

    result = await (await work.trigger()).result()
    assert result.status == RunStatus.FAILED
    assert result.error is not None
    assert (result.error.name, result.error.code) == ("KeyError", "HANDLE_ERROR_ERROR")
    assert result.error.stack is not None
    assert "the first" in result.error.stack
    assert isinstance(told[0], KeyError)
    assert events == ["on_complete", "cleanup"]


async def test_a_catch_error_that_raises_the_same_error_again_ends_the_run() -> None:
    @task(retry=Retry(5))
    async def work() -> None:
        raise ValueError("the only one")

    @work.catch_error
    async def again(error: Exception) -> None:
        raise error

    result = await (await work.trigger()).result()
    assert result.error is not None
    assert (result.error.name, result.error.code) == ("ValueError", "HANDLE_ERROR_ERROR")


async def test_a_catch_error_that_returns_something_else_is_told_what_to_return() -> None:
    @task(retry=Retry(5))
    async def work() -> None:
        raise ValueError("broken")

    @work.catch_error
    async def odd() -> bool:
        return True

    result = await (await work.trigger()).result()
    assert result.error is not None
    assert result.error.code == "HANDLE_ERROR_ERROR"
    assert "return a RetryDecision or None" in result.error.message
    assert "True" in result.error.message
    assert "test_lifecycle.py" in result.error.message


# --- what hooks are given ---------------------------------------------------------------------------


async def test_init_results_are_merged_and_the_task_wins() -> None:
    seen: dict[str, Any] = {}

    @task(init=lambda: {"shared": "task", "task": 1})
    async def work() -> None: ...

    @tasks.init
    async def everywhere() -> dict[str, Any]:
        return {"shared": "global", "global": 2}

    @work.on_success
    async def look(init: Any) -> None:
        seen.update(init)

    assert (await (await work.trigger()).result()).ok
    assert seen == {"shared": "task", "task": 1, "global": 2}


async def test_an_init_result_that_is_no_mapping_replaces() -> None:
    seen: list[Any] = []

    @task(init=lambda: 7)
    async def work() -> None: ...

    @tasks.init
    async def everywhere() -> dict[str, Any]:
        return {"global": 2}

    @work.cleanup
    async def look(init: Any) -> None:
        seen.append(init)

    assert (await (await work.trigger()).result()).ok
    assert seen == [7]


async def test_hooks_are_given_what_they_ask_for(clock: FakeClock) -> None:
    seen: dict[str, Any] = {}

    @task(init=lambda: "prepared")
    async def work(payload: int, ctx: Context) -> int:
        ctx.state["said"] = "by the body"
        return payload + 1

    @work.on_success
    async def success(output: int, payload: int, ctx: Context, init: str) -> None:
        seen["success"] = (output, payload, ctx.state["said"], init)

    @work.on_complete
    def complete(result: RunResult[int]) -> None:
        seen["complete"] = result

    result = await (await work.trigger(1)).result()
    assert seen["success"] == (2, 1, "by the body", "prepared")
    assert seen["complete"] == result


async def test_failure_hooks_are_given_the_error_itself_and_its_record() -> None:
    seen: dict[str, Any] = {}
    error = ValueError("broken")

    @task(retry=None)
    async def work() -> None:
        raise error

    @work.on_failure
    async def failed(error: BaseException) -> None:
        seen["error"] = error

    @work.on_complete
    async def complete(result: RunResult[None]) -> None:
        seen["result"] = result

    result = await (await work.trigger()).result()
    assert seen["error"] is error
    assert isinstance(seen["result"].error, ErrorInfo)
    assert seen["result"] == result


async def test_on_success_is_given_the_output_as_it_was_stored() -> None:
    seen: list[Any] = []
    made: list[dict[str, int]] = []

    @task()
    async def work() -> dict[str, int]:
        made.append({"a": 1})
        return made[0]

    @work.on_success
    async def success(output: Any) -> None:
        output["a"] = 2
        seen.append(output)

    result = await (await work.trigger()).result()
    assert seen == [{"a": 2}]
    assert made == [{"a": 1}]
    assert result.output == {"a": 1}


async def test_timeout_hooks_are_given_a_max_duration_error(clock: FakeClock) -> None:
    seen: list[BaseException] = []

    @task(max_duration=5)
    async def work() -> None:
        await asyncio.Event().wait()

    @work.on_failure
    async def failed(error: BaseException) -> None:
        seen.append(error)

    handle = await work.trigger()
    await clock.advance(5)
    await handle.result()
    assert type(seen[0]).__name__ == "MaxDurationError"
    assert "max_duration of 5 s" in str(seen[0])


async def test_plain_hooks_run_in_a_thread_and_the_fake_clock_waits_for_them(
    clock: FakeClock,
) -> None:
    import threading

    seen: list[bool] = []

    @task(max_duration=5)
    async def work() -> int:
        return 1

    @work.on_start
    def begin() -> None:
        seen.append(threading.current_thread() is threading.main_thread())

    @work.on_success
    def end() -> None:
        seen.append(threading.current_thread() is threading.main_thread())

    handle = await work.trigger()
    await clock.settle()
    assert (await handle.retrieve()).is_success
    assert seen == [False, False]


async def test_hooks_run_before_the_result_is_there(clock: FakeClock) -> None:
    gate = asyncio.Event()

    @task()
    async def work() -> None: ...

    @work.on_complete
    async def hold() -> None:
        await gate.wait()

    handle = await work.trigger()
    await clock.settle()
    assert (await handle.retrieve()).is_executing
    gate.set()
    assert (await handle.result()).ok


# --- middleware -------------------------------------------------------------------------------------


async def test_a_middleware_that_fails_before_call_next_fails_the_attempt(
    events: list[str],
) -> None:
    @task(retry=None)
    async def work() -> None:
        events.append("run")

    @work.middleware
    async def broken(call_next: CallNext) -> None:
        raise ValueError("before")

    for kind in ("init", "catch_error", "on_failure", "on_complete", "cleanup"):
        getattr(work, kind)(_saying(kind, events))
    result = await (await work.trigger()).result()
    assert result.error is not None
    assert result.error.message == "before"
    assert events == ["catch_error", "on_failure", "on_complete", "cleanup"]


async def test_a_middleware_that_fails_is_retried_like_the_body(clock: FakeClock) -> None:
    @task(retry=Retry(2, 1, randomize=False))
    async def work() -> str:
        return "done"

    @work.middleware
    async def flaky(call_next: CallNext, ctx: Context) -> None:
        if ctx.attempt.number == 1:
            raise ValueError("not yet")
        await call_next()

    handle = await work.trigger()
    await clock.advance(1)
    assert (await handle.result()).unwrap() == "done"


async def test_a_middleware_that_fails_after_call_next_fails_the_attempt(events: list[str]) -> None:
    @task(retry=None)
    async def work() -> int:
        return 1

    @work.middleware
    async def broken(call_next: CallNext) -> None:
        await call_next()
        raise ValueError("after")

    for kind in ("catch_error", "on_failure"):
        getattr(work, kind)(_saying(kind, events))
    result = await (await work.trigger()).result()
    assert result.status == RunStatus.FAILED
    assert result.error is not None
    assert result.error.message == "after"
    assert events == ["catch_error", "on_failure"]


async def test_a_middleware_that_fails_after_the_body_did_keeps_the_first_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @task(retry=None)
    async def work() -> None:
        raise ValueError("the first")

    @work.middleware
    async def broken(call_next: CallNext) -> None:
        await call_next()
        raise ValueError("after")

    result = await (await work.trigger()).result()
    assert result.error is not None
    assert result.error.message == "the first"
    assert "a middleware of run" in caplog.text


async def test_a_middleware_does_not_see_the_failure_of_the_body(events: list[str]) -> None:
    @task(retry=None)
    async def work() -> None:
        raise ValueError("broken")

    @work.middleware
    async def calm(call_next: CallNext) -> None:
        await call_next()
        events.append("went on")

    assert not (await (await work.trigger()).result()).ok
    assert events == ["went on"]


async def test_a_middleware_that_never_calls_next_is_an_error_that_names_it(
    events: list[str],
) -> None:
    @task(retry=None)
    async def work() -> None:
        events.append("run")

    @work.middleware
    async def forgetful(call_next: CallNext) -> None: ...

    @work.catch_error
    async def seen(error: Exception) -> None:
        events.append(type(error).__name__)

    result = await (await work.trigger()).result()
    assert result.error is not None
    assert result.error.name == "MiddlewareError"
    assert "'work'" in result.error.message
    assert "await call_next()" in result.error.message
    assert "test_lifecycle.py" in result.error.message
    assert events == ["MiddlewareError"]


async def test_a_middleware_that_calls_next_twice_is_an_error(events: list[str]) -> None:
    @task(retry=None)
    async def work() -> None:
        events.append("run")

    @work.middleware
    async def eager(call_next: CallNext) -> None:
        await call_next()
        await call_next()

    result = await (await work.trigger()).result()
    assert result.error is not None
    assert result.error.name == "MiddlewareError"
    assert "twice" in result.error.message
    assert events == ["run"]


async def test_a_middleware_may_complete_the_run_with_an_output(events: list[str]) -> None:
    @task(on_success=_saying("on_success", events), cleanup=_saying("cleanup", events))
    async def work() -> str:
        events.append("run")
        return "made"

    @work.middleware
    async def cached(call_next: CallNext) -> None:
        raise CompleteTaskWithOutput("from the cache")

    result = await (await work.trigger()).result()
    assert result.unwrap() == "from the cache"
    assert events == ["on_success", "cleanup"]


async def test_a_middleware_may_set_its_own_time_limit(clock: FakeClock) -> None:
    """asyncio.timeout cancels the body; that is an error of the attempt, and not the end of the worker."""
    bodies = 0

    @task(retry=None)
    async def work() -> None:
        nonlocal bodies
        bodies += 1
        await asyncio.Event().wait()

    @work.middleware
    async def impatient(call_next: CallNext) -> None:
        async with asyncio.timeout(0):
            await call_next()

    handle = await work.trigger()
    result = await handle.result()
    assert bodies == 1
    assert result.status == RunStatus.FAILED
    assert result.error is not None
    assert result.error.name == "TimeoutError"


async def test_middleware_is_timed_out_too(events: list[str], clock: FakeClock) -> None:
    @task(max_duration=5, cleanup=_saying("cleanup", events))
    async def work() -> None: ...

    @work.middleware
    async def slow(call_next: CallNext) -> None:
        await asyncio.Event().wait()

    handle = await work.trigger()
    await clock.advance(5)
    assert (await handle.result()).status == RunStatus.TIMED_OUT
    assert events == ["cleanup"]


# --- global hooks only, and none at all -------------------------------------------------------------


async def test_global_hooks_apply_to_tasks_without_hooks_of_their_own(events: list[str]) -> None:
    tasks.on_success(_saying("global", events))

    @task()
    async def work() -> None: ...

    assert (await (await work.trigger()).result()).ok
    assert events == ["global"]


async def test_a_payload_that_does_not_fit_at_the_worker_calls_no_hook(
    events: list[str], app: Worker, clock: FakeClock
) -> None:
    def define_task(payload_type: Any) -> Task[Any, Any, Any]:
        async def work(payload: payload_type) -> None: ...

        return task(id="work", retry=Retry(5))(work)

    first = define_task(str)
    handle = await first.trigger("text", delay="1m")
    second = define_task(int)
    record(second, events)
    await clock.advance("1m")
    result = await handle.result()
    assert result.status == RunStatus.FAILED
    assert result.error is not None
    assert result.error.code == "TASK_INPUT_ERROR"
    assert events == []
