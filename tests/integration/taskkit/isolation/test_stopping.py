"""What ends a child process, how soon, and who runs the hooks then."""

import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

import taskkit
from taskkit import Run, RunStatus
from taskkit.engine.child.stop_times import StopTimes

pytestmark = pytest.mark.anyio

Lines = Callable[[], list[str]]
Begun = Callable[[Any], Awaitable[Run]]
StateOf = Callable[[int], str]
CAUGHT = ["finally child"]
LIMIT = 1.5
"""Long enough for a child to come up."""


def timed_out(where: str) -> list[str]:
    return [
        f"on_failure MaxDurationError {where}",
        f"on_complete TIMED_OUT {where}",
        f"cleanup {where}",
    ]


def canceled(where: str) -> list[str]:
    return [f"on_cancel {where}", f"cleanup {where}", f"on_complete CANCELED {where}"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("spins", CAUGHT + timed_out("child")),
        ("sleeps", CAUGHT + timed_out("child")),
        ("awaits", CAUGHT + timed_out("child")),
        ("blocks_its_loop", CAUGHT + timed_out("child")),
        ("computes", timed_out("parent")),
        ("holds", timed_out("parent")),
    ],
)
async def test_a_body_past_its_limit_is_stopped_within_two_seconds(
    name: str,
    expected: list[str],
    tasks: Any,
    begun: Begun,
    ledger: Path,
    lines: Lines,
    state_of: StateOf,
) -> None:
    async with taskkit.local(concurrency=1):
        started = time.monotonic()
        handle = await getattr(tasks, name).trigger(str(ledger), max_duration=LIMIT)
        pid = (await begun(handle)).metadata["pid"]
        result = await handle.result()
        took = time.monotonic() - started
        assert state_of(pid) == "gone"
        assert (await (await tasks.add_one.trigger(1)).result()).ok  # the slot is free
    assert result.status == RunStatus.TIMED_OUT
    assert result.error.code == "MAX_DURATION_EXCEEDED"
    assert "soft limit" not in result.error.message
    assert LIMIT <= took < LIMIT + 2
    assert lines() == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sleeps", CAUGHT + canceled("child")),
        ("awaits", CAUGHT + canceled("child")),
    ],
)
async def test_a_cancel_stops_a_body_in_the_same_way(
    name: str,
    expected: list[str],
    tasks: Any,
    begun: Begun,
    ledger: Path,
    lines: Lines,
    state_of: StateOf,
) -> None:
    async with taskkit.local():
        handle = await getattr(tasks, name).trigger(str(ledger))
        pid = (await begun(handle)).metadata["pid"]
        await handle.cancel("not needed")
        result = await handle.result()
        assert state_of(pid) == "gone"
    assert result.status == RunStatus.CANCELED
    assert lines() == expected


async def test_a_cancel_reaches_a_child_that_waits(tasks: Any, state_of: StateOf) -> None:
    async with taskkit.local():
        token = await taskkit.wait.create_token()
        handle = await tasks.waits_for_token.trigger(token.id)
        async for run in handle.subscribe():
            if run.is_waiting:
                break
        pid = run.metadata["pid"]
        await handle.cancel()
        assert (await handle.result()).status == RunStatus.CANCELED
        assert state_of(pid) == "gone"


async def test_a_cancel_reaches_a_child_that_is_not_up_yet(
    tasks: Any, ledger: Path, lines: Lines
) -> None:
    async with taskkit.local():
        handle = await tasks.sleeps.trigger(str(ledger))
        async for run in handle.subscribe():
            if run.is_executing:
                break
        await handle.cancel()
        assert (await handle.result()).status == RunStatus.CANCELED
    assert lines()[-3:] == canceled("parent")


async def test_a_sigterm_that_comes_after_the_answer_leaves_hooks_alone(
    tasks: Any, begun: Begun, ledger: Path, lines: Lines
) -> None:
    async with taskkit.local():
        handle = await tasks.is_told_late.trigger(str(ledger))
        await begun(handle)
        await handle.cancel()
        assert (await handle.result()).status == RunStatus.CANCELED
    assert lines() == ["on_cancel begins child", "on_cancel ends child"]


async def test_a_body_that_ignores_sigterm_is_killed_after_its_grace(
    tasks: Any, begun: Begun, ledger: Path, lines: Lines
) -> None:
    async with taskkit.local() as app:
        app._runner.stop_times = StopTimes(grace=1.5)
        handle = await tasks.does_not_listen.trigger(str(ledger))
        await begun(handle)
        started = time.monotonic()
        await handle.cancel()
        result = await handle.result()
        took = time.monotonic() - started
    assert result.status == RunStatus.CANCELED
    assert 1.5 <= took < 3
    assert lines() == ["sigterm child", *canceled("parent")]


async def test_what_the_body_has_started_is_killed_with_it(
    tasks: Any, begun: Begun, end_of: Callable[[int], Awaitable[None]]
) -> None:
    async with taskkit.local():
        handle = await tasks.starts_others.trigger()
        other = (await begun(handle)).metadata["other"]
        ended = end_of(other)
        await handle.cancel()
        await handle.result()
    await ended


async def test_what_a_body_that_crashed_has_started_is_killed(
    tasks: Any, begun: Begun, end_of: Callable[[int], Awaitable[None]]
) -> None:
    async with taskkit.local():
        token = await taskkit.wait.create_token()
        handle = await tasks.crashes_beside_others.trigger(token.id)
        ended = end_of((await begun(handle)).metadata["other"])
        await taskkit.wait.complete_token(token.id, None)
        assert (await handle.result()).status == RunStatus.CRASHED
    await ended


async def test_a_blocked_thread_is_timed_out_within_two_seconds_and_left_behind(tasks: Any) -> None:
    released, left = threading.Event(), threading.Event()

    @taskkit.task(id="in-a-thread", max_duration=0.3)
    def in_a_thread() -> None:
        released.wait()
        left.set()

    async with taskkit.local(concurrency=1):
        started = time.monotonic()
        result = await (await in_a_thread.trigger()).result()
        took = time.monotonic() - started
        assert (await (await tasks.add_one.trigger(1)).result()).ok  # the slot is free
        assert not left.is_set()
        released.set()
        assert left.wait(10)
    assert result.status == RunStatus.TIMED_OUT
    assert "soft limit" in result.error.message
    assert 0.3 <= took < 2.3


# --- deaths -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "code", "words"),
    [
        ("exit", "TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE", "ended with exit status 3"),
        ("SIGSEGV", "TASK_PROCESS_SIGSEGV", "was killed by SIGSEGV"),
    ],
)
async def test_a_child_that_dies_is_tried_again_by_the_policy(
    how: str, code: str, words: str, tasks: Any
) -> None:
    async with taskkit.local():
        handle = await tasks.dies.trigger(how)
        assert (await handle.result()).output == "second attempt"
        (first, _) = (await handle.retrieve()).attempts
        once = await (await tasks.dies.trigger(how, max_attempts=1)).result()
    assert (first.error.type, first.error.name) == ("INTERNAL_ERROR", "ProcessDiedError")
    assert first.error.code == code
    assert words in first.error.message
    assert (once.status, once.error.code) == (RunStatus.CRASHED, code)


async def test_a_kill_from_outside_counts_as_out_of_memory(tasks: Any) -> None:
    async with taskkit.local():
        result = await (await tasks.dies.trigger("SIGKILL")).result()
    assert result.status == RunStatus.CRASHED
    assert result.error.code == "TASK_PROCESS_MAYBE_OOM_KILLED"
    assert "'dies'" in result.error.message


async def test_more_memory_than_the_machine_has_is_tried_again_on_the_larger_one(
    tasks: Any,
) -> None:
    async with taskkit.local():
        handle = await tasks.fills.trigger(400, machine="micro")
        assert (await handle.result()).output == "medium-1x"
        first = (await handle.retrieve()).attempts[0].error
        refused = await (await tasks.fills.trigger(400, machine="micro", max_attempts=1)).result()
    assert (first.name, first.code) == ("OutOfMemoryError", "TASK_PROCESS_OOM_KILLED")
    assert "'micro' has 0.25 GB" in first.message
    assert (refused.status, refused.error.code) == (RunStatus.FAILED, first.code)


async def test_a_child_that_is_heard_no_more_is_ended(tasks: Any) -> None:
    async with taskkit.local():
        result = await (await tasks.scribbles.trigger()).result()
    assert (result.status, result.error.name) == (RunStatus.CRASHED, "ProcessDiedError")
    assert result.error.code == "TASK_EXECUTION_FAILED"


# --- in between -------------------------------------------------------------------------------------


async def test_a_timeout_of_a_middleware_ends_the_body_where_it_is(
    tasks: Any, ledger: Path, lines: Lines
) -> None:
    async with taskkit.local():
        result = await (await tasks.in_time.trigger(str(ledger))).result()
    assert (result.status, result.error.name) == (RunStatus.FAILED, "TimeoutError")
    assert lines() == ["finally child"]


async def test_hooks_after_a_kill_go_on_from_where_the_child_was(tasks: Any) -> None:
    async with taskkit.local():
        handle = await tasks.triggers_and_holds.trigger()
        assert (await handle.result()).status == RunStatus.TIMED_OUT
        run = await handle.retrieve()
        children = [child async for child in taskkit.runs.list(task="add-one")]
    assert run.metadata == {"by": "body", "seen": "body"}
    assert len(children) == 2  # the hook's is not taken for the body's
