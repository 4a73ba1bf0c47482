"""One lease carried out: validate, hooks, time limit, call, verdict."""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from taskkit.backends.base import Control
from taskkit.definition.context import Context, Environment, SignalReason
from taskkit.definition.hooks import GLOBAL_HOOKS
from taskkit.definition.policy import policy_of
from taskkit.definition.task_definition import TaskDefinition
from taskkit.engine.context_parts import ContextParts
from taskkit.engine.decide import decide
from taskkit.engine.isolation import call_in_thread
from taskkit.engine.lifecycle import OWN_ENDS, Lifecycle
from taskkit.engine.time_limit import TimeLimit
from taskkit.errors import (
    BackendError,
    CompleteTaskWithOutput,
    ConfigError,
    MaxDurationError,
    NotSerializableError,
    PayloadTooLargeError,
)
from taskkit.model.clock import SYSTEM_CLOCK
from taskkit.model.error_info import ErrorInfo
from taskkit.model.exchange import (
    Canceled,
    Completed,
    Failed,
    Lease,
    Outcome,
    Released,
    Signal,
    Wait,
)
from taskkit.model.options import RetryDecision
from taskkit.model.run import RunStatus
from taskkit.runtime.open_waits import OpenWaits
from taskkit.runtime.scope import current_scope

if TYPE_CHECKING:
    from taskkit.engine.worker import Runner

_log = logging.getLogger("taskkit.worker")
_GRACE = 2.0
_REFUSED_OUTPUT = (NotSerializableError, PayloadTooLargeError)
_REASONS: Mapping[Signal, SignalReason] = {
    Signal.CANCEL: "cancel",
    Signal.SHUTDOWN: "shutdown",
    Signal.LOST: "shutdown",
}


class Attempt(ContextParts):
    """Carries out one lease; an `Execution` for whoever drives the loop.

    The body runs inline in the driver's task. Whatever ends it early cancels that task: `ending` says why,
    and the cancellation is taken back before the hooks run.
    """

    __slots__ = (
        "_abandoning",
        "_body_over",
        "_context",
        "_control",
        "_grace",
        "_lifecycle",
        "_lost",
        "_policy",
        "_refused",
        "_runner",
        "_task",
        "ending",
        "is_abandoned",
        "payload",
    )

    def __init__(
        self, runner: Runner, lease: Lease, control: Control, definition: TaskDefinition
    ) -> None:
        super().__init__(lease, runner.home, definition, asyncio.get_running_loop())
        self._runner = runner
        self._control = control
        self._policy = policy_of(definition)
        self._context: Context | None = None
        self._task: asyncio.Task[Any] | None = None
        self._grace: Any = None
        self._abandoning: asyncio.Task[None] | None = None
        self._lifecycle: Lifecycle | None = None
        self._body_over = False
        self._lost = False
        self._refused: BaseException | None = None
        self.is_abandoned = False
        self.ending: SignalReason | None = None
        self.env: Environment = runner.environment
        self.limit: TimeLimit | None = None
        self.payload: Any = None

    @property
    def context(self) -> Context:
        if self._context is None:
            self._context = Context(self)
        return self._context

    # --- the way through ----------------------------------------------------------------------------

    async def run(self) -> Outcome:
        self._task = asyncio.current_task(self.loop)
        current_scope.set(self)
        try:
            refused = self._prepare()
            if refused is not None:
                return refused
            if (
                not (self.definition.hooks.empty and GLOBAL_HOOKS.empty)
                or self.lease.kind == "cleanup"
            ):
                self._lifecycle = Lifecycle(self, self.definition.hooks)
                return await self._lifecycle.outcome()
            output = error = None
            try:
                output = await self.body()
            except CompleteTaskWithOutput as done:
                output = done.output
            except OWN_ENDS as raised:
                error = raised
            if self.body_is_over():
                await self.absorb_cancellation()
            return self.verdict(output, error, None)
        finally:
            if self._waits is not None or self.has_said or self._abandoning is not None:
                await self._wind_up()
            self.ended = True
            # Cycles that would leave every run to the garbage collector.
            self._task = self._context = self._lifecycle = None

    async def _wind_up(self) -> None:
        """Nothing of the attempt is under way any more when this returns."""
        if self._abandoning is not None:
            await asyncio.wait((self._abandoning,))  # it has the last word
        if self._waits is not None:
            await self._waits.end()
        await self.flush_finally()

    def _prepare(self) -> Outcome | None:
        """Read the payload and start the clock; the outcome when the payload does not fit."""
        lease, definition = self.lease, self.definition
        request = lease.run.request
        policy = self._policy
        if definition.has_payload:
            try:
                self.payload = self.read_payload(policy.payload)
            except (ConfigError, BackendError) as error:  # what is sealed cannot be opened here
                is_here = isinstance(error, ConfigError)  # and not in the store
                code = "CONFIGURED_INCORRECTLY" if is_here else "TASK_INPUT_ERROR"
                info = ErrorInfo.verdict(code, type(error).__name__, str(error))
                return Failed(self.without_secrets(info))
            except Exception as error:  # or what a validator of the user's raises
                info = ErrorInfo.of(error, code="TASK_INPUT_ERROR")
                return Failed(self.without_secrets(info))
        seconds = policy.max_duration if request.max_duration is None else request.max_duration
        if seconds != math.inf and lease.kind != "cleanup":
            self.limit = TimeLimit(self._runner.limits, seconds, self.received, self._limit_reached)
        return None

    def body(self) -> Awaitable[Any]:
        """The task's own function, called; its cancellation and its errors come through."""
        if self.ending is not None:
            raise asyncio.CancelledError  # ended before it began
        definition = self.definition
        context = self.context if definition.wants_context else None
        if definition.is_async:
            coroutine: Awaitable[Any] = definition.invoke(self.payload, context)
            return coroutine
        return call_in_thread(self._runner, definition.invoke, self.payload, context)

    def in_thread(self, fn: Callable[[], Any]) -> Awaitable[Any]:
        """What a plain function returns, from a worker thread."""
        return call_in_thread(self._runner, fn)

    # --- verdicts -----------------------------------------------------------------------------------

    def verdict(
        self, output: Any, error: BaseException | None, decision: RetryDecision | None
    ) -> Outcome:
        """What a body's return or error, or what ended it, means for the run."""
        ended = None if self.ending is None else self.ended_by(returned=error is None)
        if ended is not None:
            return ended
        if error is None:
            try:
                return self.completed(output)
            except _REFUSED_OUTPUT as refused:
                error = refused
        return self.judge(error, decision)

    def completed(self, output: Any) -> Completed:
        """The end of a body that returned; NotSerializableError or PayloadTooLargeError where it cannot be stored."""
        try:
            return Completed(self._policy.output.encode(output, self.home.output_limit))
        except _REFUSED_OUTPUT as refused:
            self._refused = refused
            raise

    def judge(self, error: BaseException, decision: RetryDecision | None) -> Outcome:
        """What an error of the body's own means."""
        verdict = decide(
            error,
            decision,
            attempt=self.lease.attempt,
            retries=self._runner.retries_of(self.definition, self.lease.run),
            machine=self.lease.run.machine,
            now=self.now(),
            random=random.random,
            code=self.code_of(error),
        )
        return replace(verdict, error=self.without_secrets(verdict.error))

    def code_of(self, error: BaseException) -> str | None:
        """The code of an error that is our own verdict, which no further attempt would change."""
        return "TASK_OUTPUT_ERROR" if error is self._refused else None

    def ended_by(self, *, returned: bool) -> Outcome | None:
        """The outcome when something ended the body; None when it ended by itself.

        A body that answers its cancellation with an error, or by returning, was ended all the same; only
        what finished during a shutdown is kept.
        """
        if self.ending == "timeout":
            return Failed(self._time_is_up(), RunStatus.TIMED_OUT)
        if self.ending == "cancel":
            return Canceled(self.lease.run.cancel_reason)
        if self.ending == "shutdown" and not returned:
            return Released()
        return None

    @property
    def is_lost(self) -> bool:
        """Somebody else holds the run: nothing done here counts, and its clean-up is theirs."""
        return self._lost

    def _time_is_up(self) -> ErrorInfo:
        asked = self.lease.run.request.max_duration
        limit = self._policy.max_duration if asked is None else asked
        message = (
            f"The attempt took longer than its max_duration of {limit:g} s (task {self.definition.id!r}, waits "
            f"not counted). Give it more with max_duration=..., or make it do less."
        )
        if not self.definition.is_async and self.definition.isolation == "thread":
            message += (
                " A thread cannot be stopped: the function may still be running (a soft limit)."
            )
        return ErrorInfo.verdict("MAX_DURATION_EXCEEDED", MaxDurationError.__name__, message)

    # --- endings ------------------------------------------------------------------------------------

    def tell(self, signal: Signal) -> None:
        if signal is Signal.LOST:
            self._lost = True
        if signal in _REASONS:
            self._end(_REASONS[signal])

    def _limit_reached(self) -> None:
        self._end("timeout")

    def _end(self, reason: SignalReason) -> None:
        if self._body_over or self.ending is not None:
            return
        self.ending = reason
        self._stop_limit()
        self.stop_signal.set(reason)
        if self.open_waits is not None:
            self.open_waits.stop()
            if reason == "cancel" and self.lease.kind != "cleanup":  # else the backend has done it
                self._runner.keep(self._cancel_children(self.open_waits))
        if self._task is not None:
            self._task.cancel()
        self._begin_grace(reason)

    def _begin_grace(self, reason: SignalReason) -> None:
        # Nobody moves a fake clock while a worker stops.
        clock = SYSTEM_CLOCK if reason == "shutdown" else self.home.clock
        self._grace = clock.call_at(clock.monotonic() + _GRACE, self._give_up)

    def body_is_over(self) -> bool:
        """From here on nothing interrupts the hooks; whether the body was asked to end."""
        self._body_over = True
        if self.limit is not None:
            self.limit.end()
        if self.ending is not None:
            if self._grace is not None:
                self._grace.cancel()
            return True
        if not self.is_canceled_from_outside:
            return False
        if self._control.is_stopping:
            self.ending = "shutdown"  # the whole event loop is going down
        return True

    @property
    def is_canceled_from_outside(self) -> bool:
        """Something else than this attempt canceled its task: a scope in a middleware, the body itself, the loop."""
        return self.ending is None and self._task is not None and self._task.cancelling() > 0

    async def absorb_cancellation(self) -> None:
        """Take back the cancellation that ended the body, also one that has not arrived yet."""
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0)
        while self._task is not None and self._task.cancelling():
            self._task.uncancel()

    def _stop_limit(self) -> None:
        if self.limit is not None:
            self.limit.stop()

    def _give_up(self) -> None:
        """The body ignores its cancellation: settle without it."""
        what = "time limit" if self.ending == "timeout" else self.ending
        _log.error(
            "run %s (task %s) ignores its %s; its slot is given back while the body still runs",
            self.run_id,
            self.definition.id,
            what,
        )
        self.is_abandoned = True
        self._abandoning = self._runner.keep(self._abandon())

    async def _abandon(self) -> None:
        current_scope.set(self)
        lifecycle = self._lifecycle or Lifecycle(self, self.definition.hooks)
        outcome: Outcome
        try:
            outcome = await lifecycle.conclude(None, asyncio.CancelledError())
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # nobody awaits this, so the run itself has to tell
            _log.critical(
                "the hooks of run %s raised what is not theirs", self.run_id, exc_info=error
            )
            info = self.without_secrets(ErrorInfo.of(error))
            outcome = Failed(info, RunStatus.SYSTEM_FAILURE)
        await self.flush_finally()
        self.ended = True  # for the body, which nobody listens to any more
        await self._control.abandon(outcome)

    # --- waiting ------------------------------------------------------------------------------------

    async def park(self, waits: tuple[Wait, ...]) -> None:
        self._stop_limit()
        await self._control.park(waits)

    async def _cancel_children(self, waits: OpenWaits) -> None:
        """Canceled while it ran beside a wait, of which the backend knows nothing just then."""
        await self.cancel_those(waits.left)

    async def cancel_those(self, left: Callable[[], Awaitable[Sequence[str]]]) -> None:
        """Cancel what the run waited for, as far as it made these runs for that."""
        try:
            ids = await left()
            backend = self.home.backend
            this, *runs = await backend.get([self.run_id, *ids])
            own = [
                run.id
                for run in runs
                if run is not None and run.parent_id == self.run_id and run.request.awaited
            ]
            if own:
                reason = None if this is None else this.cancel_reason
                await backend.cancel(own, reason=reason, now=self.home.now)
        except (
            Exception
        ):  # whatever the store raises: the run itself is to be canceled all the same
            _log.exception(
                "run %s was canceled, but what it waits for could not be: cancel that by its id",
                self.run_id,
            )

    def resume(self, lease: Lease) -> None:
        self.renew(lease)
        if self.limit is not None and self.ending is None and not self._body_over:
            self.limit.go_on(self.received, self._limit_reached)
        if lease.kind == "cleanup":
            self._end("cancel")
        if self.open_waits is not None:
            self.open_waits.resume(lease.answers)
