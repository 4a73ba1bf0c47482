"""Hooks and middleware round an attempt, in Trigger.dev v4's order.

    global middleware ( task middleware (
        init, on_start (first attempt), on_start_attempt, the task's function,
        on success: on_success, on_complete, cleanup
        on an error: catch_error (the task's, then the global ones, until one answers);
                     when that is the end: on_failure, on_complete; cleanup
    ) )

Of each kind the global hooks run before the task's, but for catch_error. A hook that ends something
(on_success, on_failure, on_complete, on_wait, on_resume, on_cancel) may fail: that is logged. One that
begins something fails the attempt. A timeout counts as a failure; a cancel runs on_cancel, cleanup,
on_complete.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from taskkit.definition.hooks import GLOBAL_HOOKS, Hook, HookSet
from taskkit.definition.policy import policy_of
from taskkit.engine.hook_limit import HOOK_LIMIT, HookLimit
from taskkit.errors import (
    AbortTaskRunError,
    CompleteTaskWithOutput,
    InvalidOptionError,
    LeaseLostError,
    MaxDurationError,
    MiddlewareError,
    TaskkitError,
)
from taskkit.model.error_info import ErrorInfo
from taskkit.model.exchange import Canceled, Completed, Failed, Outcome, Wait
from taskkit.model.options import RetryDecision
from taskkit.model.result import RunResult
from taskkit.model.run import RunStatus
from taskkit.model.verdict import crashed

if TYPE_CHECKING:
    from taskkit.engine.attempt import Attempt

_log = logging.getLogger("taskkit.hooks")
_HOOK_ERRORS = (Exception, SystemExit)
OWN_ENDS = (*_HOOK_ERRORS, asyncio.CancelledError)
"""What task code may end with. Anything else, such as an interrupt, is not the attempt's and ends the worker."""
CallNext = Callable[[], Awaitable[None]]


class Lifecycle:
    """One attempt with its hooks."""

    __slots__ = (
        "_attempt",
        "_cleaned",
        "_entered",
        "_hooks",
        "_init",
        "_interrupted",
        "_limit",
        "_outcome",
        "_task",
    )

    def __init__(self, attempt: Attempt, hooks: HookSet) -> None:
        self._attempt = attempt
        self._hooks = hooks
        self._init: Any = None
        self._outcome: Outcome | None = None
        self._cleaned = False
        self._entered = False
        self._interrupted: asyncio.CancelledError | None = None
        self._limit: HookLimit | None = None
        self._task: asyncio.Task[Any] | None = None

    async def outcome(self) -> Outcome:
        """Carry the attempt out and say how it ended."""
        lease = self._attempt.lease
        if lease.kind == "cleanup":
            return await self._only_clean_up()
        if lease.orphaned:
            await self._clean_up_after_the_dead()
        if self._both("on_wait") or self._both("on_resume"):
            self._attempt.wait_hook = self._wait_hook
        self._task = asyncio.current_task()
        chain: CallNext = self._inside
        for hook in reversed(self._both("middleware")):
            chain = self._surround(hook, chain)
        try:
            await chain()
        except OWN_ENDS as error:
            late = self._limit is not None and self._limit.is_past
            await self._middleware_failed(
                _too_long("a middleware", " after call_next()") if late else error
            )
        finally:
            self._task = None
            if self._limit is not None:
                self._limit.end()
        if self._outcome is None:
            await self._middleware_failed(self._interrupted or self._never_called())
        assert self._outcome is not None  # set by one of the two above
        return self._outcome

    # --- the inside ---------------------------------------------------------------------------------

    async def _inside(self) -> None:
        attempt = self._attempt
        if self._entered:
            raise MiddlewareError(
                f"A middleware of task {attempt.definition.id!r} called call_next() twice; an attempt is carried out "
                f"once. Use Retry for another try."
            )
        self._entered = True
        output: Any = None
        error: BaseException | None = None
        try:
            await self._begin()
            output = await attempt.body()
        except CompleteTaskWithOutput as done:
            output = done.output
        except OWN_ENDS as raised:
            if isinstance(raised, asyncio.CancelledError) and attempt.is_canceled_from_outside:
                self._interrupted = raised
                raise  # to the middleware whose scope it is, such as asyncio.timeout
            error = raised
        if attempt.body_is_over():
            await attempt.absorb_cancellation()
        if not attempt.is_abandoned:
            self._outcome = await self.conclude(output, error)
            if self._both("middleware"):
                self._limit = HookLimit(attempt.home.clock, self._task)

    async def _begin(self) -> None:
        for hook in self._both("init"):
            self._init = _merged(self._init, await self._call(hook))
        names = ["on_start_attempt"]
        if self._attempt.lease.attempt == 1:
            names.insert(0, "on_start")
        for name in names:
            for hook in self._both(name):
                await self._call(hook)

    async def conclude(self, output: Any, error: BaseException | None) -> Outcome:
        """Run the hooks that an ended body asks for, and give the verdict."""
        attempt = self._attempt
        ended = attempt.ended_by(returned=error is None)
        if isinstance(ended, Canceled):
            await self._canceled()
            return ended
        if isinstance(ended, Failed):
            await self._failed(MaxDurationError(ended.error.message), ended)
        elif ended is None:
            ended = await self._judged(output, error)
        return await self._clean_up_or_fail(ended)

    async def _judged(self, output: Any, error: BaseException | None) -> Outcome:
        if error is None:
            try:
                completed = self._attempt.completed(output)
            except Exception as refused:  # what the body returned cannot be stored
                error = refused
            else:
                await self._succeeded(output, completed)
                return completed
        return await self._after_error(error)

    async def _after_error(self, error: BaseException) -> Outcome:
        """Ask catch_error, decide, and tell the hooks when that is the end."""
        attempt = self._attempt
        decision: RetryDecision | None = None
        verdict: Outcome
        try:
            if not isinstance(error, AbortTaskRunError) and attempt.code_of(error) is None:
                decision = await self._decision(error)
            verdict = attempt.judge(error, decision)
        except _HOOK_ERRORS as broken:  # a catch_error that fails ends the run, and says so
            if broken is not error:
                broken.__context__ = error
            info = ErrorInfo.of(broken, code="HANDLE_ERROR_ERROR")
            verdict = Failed(attempt.without_secrets(info))
            error = broken
        if isinstance(verdict, Failed):
            reported = error if decision is None or decision.error is None else decision.error
            await self._failed(reported, verdict)
        return verdict

    async def _decision(self, error: BaseException) -> RetryDecision | None:
        for hook in (*self._hooks.of("catch_error"), *GLOBAL_HOOKS.of("catch_error")):
            decision = await self._bounded(hook, {"error": error})
            if isinstance(decision, RetryDecision):
                return decision
            if decision is not None:
                raise InvalidOptionError(
                    f"what catch_error at {hook.where} returned",
                    decision,
                    "return a RetryDecision or None.",
                )
        return None

    # --- ends ---------------------------------------------------------------------------------------

    async def _succeeded(self, output: Any, completed: Completed) -> None:
        if self._both("on_success") or self._both("on_complete"):
            stored = policy_of(self._attempt.definition).output.decode(completed.output)
            await self._tell("on_success", {"output": stored})
            await self._tell(
                "on_complete", {"result": self._result(RunStatus.COMPLETED, stored, None)}
            )

    async def _failed(self, error: BaseException, verdict: Failed) -> None:
        await self._tell("on_failure", {"error": error})
        await self._tell(
            "on_complete", {"result": self._result(verdict.status, None, verdict.error)}
        )

    async def _canceled(self) -> None:
        if self._attempt.is_lost:
            return
        await self._tell("on_cancel", {})
        await self._clean_up_quietly()
        await self._tell("on_complete", {"result": self._result(RunStatus.CANCELED, None, None)})

    async def _clean_up_or_fail(self, outcome: Outcome) -> Outcome:
        """cleanup after everything else; one that fails fails an attempt that had not failed."""
        try:
            await self._clean_up()
        except _HOOK_ERRORS as error:
            if not isinstance(outcome, Completed):
                _log.exception("cleanup of run %s failed", self._attempt.run_id)
                return outcome
            verdict = self._attempt.judge(error, None)
            if isinstance(verdict, Failed):
                await self._failed(error, verdict)
            return verdict
        return outcome

    async def _clean_up(self) -> None:
        if self._cleaned or self._attempt.is_lost:
            return
        self._cleaned = True
        failed: BaseException | None = None
        for hook in self._both("cleanup"):
            try:
                await self._bounded(hook, {})
            except _HOOK_ERRORS as error:
                if failed is not None:
                    _log.exception(
                        "cleanup of run %s failed too (%s)", self._attempt.run_id, hook.where
                    )
                failed = failed or error
        if failed is not None:
            raise failed

    async def _clean_up_quietly(self) -> None:
        try:
            await self._clean_up()
        except _HOOK_ERRORS:
            _log.exception("cleanup of run %s failed", self._attempt.run_id)

    async def _only_clean_up(self) -> Outcome:
        """A cleanup lease: the run has ended, or is to end, and nobody is left who could run its hooks."""
        lease = self._attempt.lease
        if lease.ending is RunStatus.CRASHED:
            failed = Failed(crashed(lease.run), RunStatus.CRASHED)
            if lease.orphaned:
                await self._clean_up_quietly()
            await self._failed(LeaseLostError(lease.run.id, failed.error.message), failed)
            return failed
        self._cleaned = not lease.orphaned
        await self._canceled()
        return Canceled(lease.run.cancel_reason)

    async def _clean_up_after_the_dead(self) -> None:
        """An earlier delivery of this attempt died before its clean-up."""
        await self._clean_up_quietly()
        self._cleaned = False

    # --- middleware ---------------------------------------------------------------------------------

    def _surround(self, hook: Hook, inner: CallNext) -> CallNext:
        async def call() -> None:
            await self._call(hook, {"call_next": inner})

        return call

    async def _middleware_failed(self, error: BaseException) -> None:
        """An exception of a middleware is an ordinary error of the attempt, unless that has failed already."""
        attempt = self._attempt
        if attempt.body_is_over():
            await attempt.absorb_cancellation()
        if attempt.is_abandoned:
            self._outcome = attempt.ended_by(returned=False)
        elif self._outcome is None and isinstance(error, CompleteTaskWithOutput):
            self._outcome = await self.conclude(error.output, None)
        elif self._outcome is None:
            self._outcome = await self.conclude(None, error)
        elif isinstance(self._outcome, Completed) and not isinstance(error, CompleteTaskWithOutput):
            self._outcome = await self._after_error(error)
        else:
            _log.error(
                "a middleware of run %s failed after the attempt had ended",
                attempt.run_id,
                exc_info=error,
            )

    def _never_called(self) -> MiddlewareError:
        places = ", ".join(hook.where for hook in self._both("middleware"))
        return MiddlewareError(
            f"A middleware of task {self._attempt.definition.id!r} returned without calling call_next(), so the task "
            f"never ran ({places}). Write `await call_next()`, or raise to fail the attempt."
        )

    # --- calling ------------------------------------------------------------------------------------

    def _both(self, name: str) -> tuple[Hook, ...]:
        return (*GLOBAL_HOOKS.of(name), *self._hooks.of(name))

    async def _call(self, hook: Hook, extra: Mapping[str, object] | None = None) -> Any:
        attempt = self._attempt
        values: dict[str, object] = {
            "payload": attempt.payload,
            "ctx": attempt.context,
            "init": self._init,
        }
        if extra:
            values.update(extra)
        if hook.is_async:
            return await hook.fn(**hook.arguments(values))
        answer = await attempt.in_thread(lambda: hook.fn(**hook.arguments(values)))
        return await answer if inspect.isawaitable(answer) else answer

    async def _tell(self, name: str, extra: Mapping[str, object]) -> None:
        """Call hooks whose failure changes nothing."""
        for hook in self._both(name):
            try:
                await self._bounded(hook, extra)
            except _HOOK_ERRORS:
                _log.exception("%s of run %s failed (%s)", name, self._attempt.run_id, hook.where)

    async def _bounded(self, hook: Hook, extra: Mapping[str, object]) -> Any:
        """Call a hook after the body, which may take its 30 seconds."""
        task = asyncio.current_task()
        limit = HookLimit(self._attempt.home.clock, task)
        try:
            return await self._call(hook, extra)
        except asyncio.CancelledError:
            if limit.is_past and task is not None:
                task.uncancel()
                raise _too_long("the hook", "") from None
            if task is not None and task.cancelling():
                raise
            raise TaskkitError(
                f"the hook at {hook.where} ended with a CancelledError though nobody had canceled it: "
                f"something that it awaited was canceled"
            ) from None
        finally:
            limit.end()

    async def _wait_hook(self, name: str, wait: Wait) -> None:
        await self._tell(name, {"wait": wait})

    def _result(self, status: RunStatus, output: Any, error: ErrorInfo | None) -> RunResult[Any]:
        run = self._attempt.lease.run
        return RunResult(status is RunStatus.COMPLETED, run.id, run.task_id, status, output, error)


def _merged(before: Any, after: Any) -> Any:
    """What init hooks return together: mappings merged, the later wins; otherwise the later one."""
    if after is None:
        return before
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return {**cast("Mapping[str, Any]", before), **cast("Mapping[str, Any]", after)}
    return after


def _too_long(what: str, when: str) -> TimeoutError:
    return TimeoutError(f"{what} took longer than {HOOK_LIMIT:g} s{when} and was stopped")
