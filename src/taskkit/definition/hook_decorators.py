"""Registering hooks on a task that exists: `@my_task.on_failure`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from taskkit.definition.task_definition import TaskDefinition

HookT = TypeVar("HookT", bound=Callable[..., Any])


class HookDecorators:
    """The hooks of a task as decorators; each gives the function back.

    Raises HookSignatureError when the function asks for something that this hook is not given.
    """

    definition: TaskDefinition

    def _hook(self, name: str, fn: HookT) -> HookT:
        self.definition.hooks.add(name, fn)
        return fn

    def init(self, fn: HookT) -> HookT:
        """Before each attempt; what it returns is `init` for the other hooks."""
        return self._hook("init", fn)

    def on_start(self, fn: HookT) -> HookT:
        """Before the first attempt."""
        return self._hook("on_start", fn)

    def on_start_attempt(self, fn: HookT) -> HookT:
        """Before each attempt."""
        return self._hook("on_start_attempt", fn)

    def on_success(self, fn: HookT) -> HookT:
        """After the run completed."""
        return self._hook("on_success", fn)

    def on_failure(self, fn: HookT) -> HookT:
        """After the run failed for good, also by a timeout or a crash."""
        return self._hook("on_failure", fn)

    def on_complete(self, fn: HookT) -> HookT:
        """After the run ended, however it did."""
        return self._hook("on_complete", fn)

    def on_wait(self, fn: HookT) -> HookT:
        """Before the run gives its slot back to wait."""
        return self._hook("on_wait", fn)

    def on_resume(self, fn: HookT) -> HookT:
        """After a wait had its answer."""
        return self._hook("on_resume", fn)

    def on_cancel(self, fn: HookT) -> HookT:
        """After a run that had begun was canceled."""
        return self._hook("on_cancel", fn)

    def cleanup(self, fn: HookT) -> HookT:
        """At the end of everything that began, whatever ended it."""
        return self._hook("cleanup", fn)

    def catch_error(self, fn: HookT) -> HookT:
        """Asked about each error: None for the task's policy, or a RetryDecision."""
        return self._hook("catch_error", fn)

    handle_error = catch_error

    def middleware(self, fn: HookT) -> HookT:
        """Around everything; it awaits `call_next()`."""
        return self._hook("middleware", fn)
