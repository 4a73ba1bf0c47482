"""Asking for runs by a task's id (or the task), and hooks that apply to every task."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias, TypeVar, Unpack

from taskkit.definition.hooks import GLOBAL_HOOKS
from taskkit.model.options import TriggerOptions
from taskkit.model.result import RunResult
from taskkit.model.run import Run
from taskkit.runtime.portal import twin
from taskkit.trigger import calls
from taskkit.trigger.calls import BatchResult
from taskkit.trigger.handle import BatchHandle, RunHandle
from taskkit.trigger.pending import Pending
from taskkit.trigger.task import Task

TaskOrId: TypeAlias = str | Task[Any, Any, Any]
HookT = TypeVar("HookT", bound=Callable[..., Any])


async def trigger(
    task: TaskOrId, payload: object = None, /, **options: Unpack[TriggerOptions]
) -> RunHandle[Any]:
    """Ask for a run of the task with this id; validated here where the task is known, always by the worker.

    Raises TaskNotFoundError with near ids where no other process could know the task.
    """
    return await calls.trigger(calls.target(task), payload, options)


async def batch_trigger(task: TaskOrId, items: Iterable[Any], /) -> BatchHandle[Any]:
    """Ask for many runs of one task: payloads, or `task.item(payload, ...)`."""
    its = calls.target(task)
    return await calls.batch_trigger([calls.as_item(its, item) for item in calls.listed(items)])


def trigger_and_wait(
    task: TaskOrId, payload: object = None, /, **options: Unpack[TriggerOptions]
) -> Pending[RunResult[Any], Any]:
    """Ask for a child run and wait for its end, inside a task."""
    inner = calls.trigger_and_wait("tasks.trigger_and_wait", calls.target(task), payload, options)
    return Pending(inner, calls.unwrap, "tasks.trigger_and_wait")


def batch_trigger_and_wait(
    task: TaskOrId, items: Iterable[Any], /
) -> Pending[BatchResult[Any], list[Any]]:
    """Ask for many child runs of one task and wait for all, inside a task."""
    name = "tasks.batch_trigger_and_wait"
    its = calls.target(task)
    inner = calls.batch_trigger_and_wait(
        name, [calls.as_item(its, item) for item in calls.listed(items)]
    )
    return Pending(inner, calls.unwrap_all, name)


async def trigger_and_poll(
    task: TaskOrId, payload: object = None, /, **options: Unpack[TriggerOptions]
) -> Run:
    """Ask for a run and return it once it has ended."""
    handle = await calls.trigger(calls.target(task), payload, options)
    await handle.result()
    return await handle.retrieve()


class sync:
    """The same calls for plain code; `tasks.sync.trigger(...)`."""

    trigger = staticmethod(twin(trigger))
    batch_trigger = staticmethod(twin(batch_trigger))
    trigger_and_wait = staticmethod(twin(trigger_and_wait))
    batch_trigger_and_wait = staticmethod(twin(batch_trigger_and_wait))
    trigger_and_poll = staticmethod(twin(trigger_and_poll))


def _register(name: str, fn: HookT) -> HookT:
    GLOBAL_HOOKS.add(name, fn)
    return fn


def init(fn: HookT) -> HookT:
    """Before each attempt of every task; the task's own `init` is merged over what it returns."""
    return _register("init", fn)


def on_start(fn: HookT) -> HookT:
    """Before the first attempt of every run."""
    return _register("on_start", fn)


def on_start_attempt(fn: HookT) -> HookT:
    """Before each attempt of every run."""
    return _register("on_start_attempt", fn)


def on_success(fn: HookT) -> HookT:
    """After every run that completed."""
    return _register("on_success", fn)


def on_failure(fn: HookT) -> HookT:
    """After every run that failed for good, also by a timeout or a crash."""
    return _register("on_failure", fn)


def on_complete(fn: HookT) -> HookT:
    """After every run that began and ended, however it did."""
    return _register("on_complete", fn)


def on_wait(fn: HookT) -> HookT:
    """Before a run gives its slot back to wait."""
    return _register("on_wait", fn)


def on_resume(fn: HookT) -> HookT:
    """After a wait had its answer."""
    return _register("on_resume", fn)


def on_cancel(fn: HookT) -> HookT:
    """After a run that had begun was canceled."""
    return _register("on_cancel", fn)


def cleanup(fn: HookT) -> HookT:
    """At the end of everything that began, whatever ended it."""
    return _register("cleanup", fn)


def catch_error(fn: HookT) -> HookT:
    """Asked about each error after the task's own: None, or a RetryDecision."""
    return _register("catch_error", fn)


handle_error = catch_error


def middleware(fn: HookT) -> HookT:
    """Around everything, outside the task's own middleware; it awaits `call_next()`."""
    return _register("middleware", fn)
