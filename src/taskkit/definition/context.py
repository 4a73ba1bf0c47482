"""What a task is told about its run, and how it learns that it should stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from taskkit.errors import MaxDurationError
from taskkit.model.machine import MachinePreset

SignalReason = Literal["cancel", "timeout", "shutdown"]
Environment = Literal["development", "production"]


@dataclass(frozen=True, slots=True)
class RunInfo:
    """The run that this attempt belongs to. `priority` in seconds of head start."""

    id: str
    created_at: datetime
    started_at: datetime
    tags: tuple[str, ...] = ()
    idempotency_key: str | None = None
    is_test: bool = False
    is_replay: bool = False
    max_attempts: int = 1
    priority: float = 0.0
    parent_id: str | None = None
    root_id: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class TaskInfo:
    """The task: its id, the file that defines it, the name of its function."""

    id: str
    file_path: str
    name: str


@dataclass(frozen=True, slots=True)
class AttemptInfo:
    """This try of the run, numbered from 1."""

    number: int
    started_at: datetime


@dataclass(frozen=True, slots=True)
class QueueInfo:
    """The queue that the run came from."""

    name: str
    concurrency_key: str | None = None


@dataclass(frozen=True, slots=True)
class BatchInfo:
    """The batch that the run was triggered in."""

    id: str


@dataclass(frozen=True, slots=True)
class ScheduleInfo:
    """The schedule that triggered the run; what is not known here is None."""

    id: str
    pattern: str | None = None
    timezone: str | None = None
    external_id: str | None = None


class Signal:
    """Tells a running attempt that it should stop.

    `reason` is "cancel", "timeout" or "shutdown" once it should. May be read from any thread; the first
    reason stays.
    """

    __slots__ = ("_reason", "_waiters")

    def __init__(self) -> None:
        self._reason: SignalReason | None = None
        self._waiters: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    @property
    def cancelled(self) -> bool:
        """The attempt should stop, for whatever reason."""
        return self._reason is not None

    @property
    def reason(self) -> SignalReason | None:
        return self._reason

    def raise_if_cancelled(self) -> None:
        """Do nothing until the attempt should stop; then raise what ends it.

        `asyncio.CancelledError` for a cancel or a shutdown, MaxDurationError for a timeout.
        """
        if self._reason == "timeout":
            raise MaxDurationError(
                "The attempt is over its max_duration; it stopped itself at a check of its signal."
            )
        if self._reason is not None:
            raise asyncio.CancelledError(self._reason)

    async def wait(self) -> None:
        """Return once the attempt should stop."""
        waiter = (asyncio.get_running_loop(), asyncio.Event())
        # Listed before the check: whoever sets the reason in between, from another thread, meets the waiter.
        self._waiters.append(waiter)
        try:
            if self._reason is None:
                await waiter[1].wait()
        finally:
            self._waiters.remove(waiter)

    def set(self, reason: SignalReason) -> None:
        """Tell the attempt to stop."""
        if self._reason is not None:
            return
        self._reason = reason
        for loop, event in list(self._waiters):
            with suppress(RuntimeError):  # the loop of that waiter has closed
                loop.call_soon_threadsafe(event.set)

    def __repr__(self) -> str:
        return f"<Signal {self._reason or 'not cancelled'}>"


class ContextSource(Protocol):
    """Where a context takes its parts from; each is asked for at most once, when it is first looked at."""

    @property
    def stop_signal(self) -> Signal: ...
    def run_info(self) -> RunInfo: ...
    def task_info(self) -> TaskInfo: ...
    def attempt_info(self) -> AttemptInfo: ...
    def queue_info(self) -> QueueInfo: ...
    def batch_info(self) -> BatchInfo | None: ...
    def machine_info(self) -> MachinePreset | None: ...
    def schedule_info(self) -> ScheduleInfo | None: ...
    def environment(self) -> Environment: ...
    def project(self) -> str | None: ...
    def time_left(self) -> float | None: ...


_PARTS: Mapping[str, Callable[[ContextSource], object]] = {
    "run": lambda source: source.run_info(),
    "task": lambda source: source.task_info(),
    "attempt": lambda source: source.attempt_info(),
    "queue": lambda source: source.queue_info(),
    "batch": lambda source: source.batch_info(),
    "machine": lambda source: source.machine_info(),
    "schedule": lambda source: source.schedule_info(),
    "environment": lambda source: source.environment(),
    "project": lambda source: source.project(),
    "state": lambda source: {},
}


class Context:
    """What a task may know about the attempt that it runs in.

    `state` is a dict that the hooks, the middleware and the function of one attempt share. `signal` tells
    when to stop. Parts are made when they are first looked at, since most tasks look at few.
    """

    __slots__ = (*_PARTS, "_source")

    run: RunInfo
    task: TaskInfo
    attempt: AttemptInfo
    queue: QueueInfo
    batch: BatchInfo | None
    machine: MachinePreset | None
    environment: Environment
    project: str | None
    schedule: ScheduleInfo | None
    state: dict[str, Any]

    def __init__(self, source: ContextSource) -> None:
        self._source = source

    def __getattr__(self, name: str) -> object:
        # Reached only while the slot is empty.
        make = _PARTS.get(name)
        if make is None:
            raise AttributeError(
                f"Context has no attribute {name!r}. It has: {', '.join(_PARTS)}, signal, time_left."
            )
        part = make(self._source)
        setattr(self, name, part)
        return part

    @property
    def signal(self) -> Signal:
        """Tells when this attempt should stop, and why."""
        return self._source.stop_signal

    def time_left(self) -> float | None:
        """Seconds until the attempt's max_duration, at least 0; None without a limit."""
        return self._source.time_left()

    def __repr__(self) -> str:
        return f"<Context run={self.run.id} task={self.task.id!r} attempt={self.attempt.number}>"
