"""The context makes its parts when they are looked at; the signal reaches every thread and loop."""

import asyncio
import threading
from collections import Counter
from datetime import UTC, datetime

import pytest

from taskkit.definition.context import (
    AttemptInfo,
    BatchInfo,
    Context,
    ContextSource,
    Environment,
    QueueInfo,
    RunInfo,
    ScheduleInfo,
    Signal,
    SignalReason,
    TaskInfo,
)
from taskkit.errors import MaxDurationError
from taskkit.model.machine import PRESETS, MachinePreset

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Source:
    """Gives every part, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.stop_signal = Signal()

    def run_info(self) -> RunInfo:
        self.asked["run"] += 1
        return RunInfo("run_1", NOW, NOW, tags=("a",))

    def task_info(self) -> TaskInfo:
        return TaskInfo("sync-user", "tasks.py", "sync_user")

    def attempt_info(self) -> AttemptInfo:
        return AttemptInfo(2, NOW)

    def queue_info(self) -> QueueInfo:
        return QueueInfo("users")

    def batch_info(self) -> BatchInfo | None:
        self.asked["batch"] += 1
        return None

    def machine_info(self) -> MachinePreset | None:
        return PRESETS["micro"]

    def schedule_info(self) -> ScheduleInfo | None:
        return ScheduleInfo("sched_1")

    def environment(self) -> Environment:
        return "development"

    def project(self) -> str | None:
        return "demo"

    def time_left(self) -> float | None:
        self.asked["time_left"] += 1
        return 12.5


def test_parts_come_from_the_source_and_are_made_once() -> None:
    source = Source()
    ctx = Context(source)
    assert source.asked.total() == 0
    assert ctx.run is ctx.run
    assert ctx.batch is ctx.batch is None
    assert source.asked == {"run": 1, "batch": 1}
    assert (ctx.run.id, ctx.task.id, ctx.attempt.number, ctx.queue.name) == (
        "run_1",
        "sync-user",
        2,
        "users",
    )
    assert (ctx.environment, ctx.project) == ("development", "demo")
    assert ctx.machine == PRESETS["micro"]
    assert ctx.schedule == ScheduleInfo("sched_1")
    assert ctx.signal is source.stop_signal


def test_time_left_is_asked_each_time() -> None:
    source: Source = Source()
    checked: ContextSource = source
    ctx = Context(checked)
    assert (ctx.time_left(), ctx.time_left()) == (12.5, 12.5)
    assert source.asked["time_left"] == 2


def test_state_is_one_dict_per_context() -> None:
    ctx = Context(Source())
    ctx.state["rows"] = 1
    assert ctx.state == {"rows": 1}
    assert Context(Source()).state == {}


def test_repr_and_unknown_names() -> None:
    ctx = Context(Source())
    assert repr(ctx) == "<Context run=run_1 task='sync-user' attempt=2>"
    with pytest.raises(AttributeError, match=r"no attribute 'payload'. It has: run, task"):
        _ = ctx.payload  # type: ignore[attr-defined]  # a wrong name is what is tested


# --- signal -----------------------------------------------------------------------------------------


def test_signal_at_rest() -> None:
    signal = Signal()
    signal.raise_if_cancelled()
    assert (signal.cancelled, signal.reason, repr(signal)) == (
        False,
        None,
        "<Signal not cancelled>",
    )


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        ("cancel", asyncio.CancelledError),
        ("shutdown", asyncio.CancelledError),
        ("timeout", MaxDurationError),
    ],
)
def test_signal_raises_what_ends_the_attempt(
    reason: SignalReason, error: type[BaseException]
) -> None:
    signal = Signal()
    signal.set(reason)
    assert (signal.cancelled, signal.reason) == (True, reason)
    with pytest.raises(error):
        signal.raise_if_cancelled()


def test_first_reason_stays() -> None:
    signal = Signal()
    signal.set("cancel")
    signal.set("timeout")
    assert signal.reason == "cancel"


async def test_wait_returns_for_everyone_who_waits() -> None:
    signal = Signal()
    waiters = [asyncio.create_task(signal.wait()) for _ in range(2)]
    await asyncio.sleep(0)
    assert not any(waiter.done() for waiter in waiters)
    signal.set("shutdown")
    async with asyncio.timeout(5):
        await asyncio.gather(*waiters)
        await signal.wait()


async def test_a_cancelled_wait_leaves_nothing_behind() -> None:
    signal = Signal()
    waiter = asyncio.create_task(signal.wait())
    await asyncio.sleep(0)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    assert signal._waiters == []


async def test_signal_set_here_wakes_a_loop_in_another_thread() -> None:
    signal, waiting = Signal(), threading.Event()

    async def elsewhere() -> bool:
        waiter = asyncio.create_task(signal.wait())
        await asyncio.sleep(0)
        waiting.set()
        async with asyncio.timeout(5):
            await waiter
        return signal.cancelled

    thread = asyncio.create_task(asyncio.to_thread(lambda: asyncio.run(elsewhere())))
    await asyncio.to_thread(waiting.wait, 5)
    signal.set("cancel")
    assert await thread


def test_signal_survives_a_waiter_whose_loop_has_closed() -> None:
    signal = Signal()
    loop = asyncio.new_event_loop()
    try:
        signal._waiters.append((loop, asyncio.Event()))
    finally:
        loop.close()
    signal.set("cancel")
    assert signal.cancelled
