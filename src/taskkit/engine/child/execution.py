"""One lease carried out in a child process, as the worker that owns the lease sees it."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from taskkit.backends.base import Control
from taskkit.definition.context import SignalReason
from taskkit.definition.origin import check_reachable, hooks_of
from taskkit.definition.policy import policy_of
from taskkit.definition.registry import REGISTRY
from taskkit.definition.task_definition import TaskDefinition
from taskkit.engine.child import log as child_log, memory_watch
from taskkit.engine.child.aftermath import AfterChild
from taskkit.engine.child.calls import ChildCalls
from taskkit.engine.child.death import Death, death_of, out_of_memory, silent
from taskkit.engine.child.link import Message
from taskkit.engine.child.order import order_for
from taskkit.engine.child.process import ChildProcess
from taskkit.engine.child.stopping import Stopping
from taskkit.engine.hook_limit import HOOK_LIMIT
from taskkit.engine.time_limit import TimeLimit
from taskkit.errors import TaskkitError
from taskkit.model.error_info import ErrorInfo
from taskkit.model.exchange import Failed, Lease, Outcome, Signal, Wait
from taskkit.model.machine import DEFAULT, PRESETS

if TYPE_CHECKING:
    from taskkit.engine.worker import Runner

_log = logging.getLogger("taskkit.worker")
_GIB = 1024**3
_ENDINGS: Mapping[Signal, SignalReason] = {
    Signal.CANCEL: "cancel",
    Signal.SHUTDOWN: "shutdown",
    Signal.LOST: "shutdown",
}


class ProcessExecution:
    """An `Execution` whose attempt runs in a child, hooks and all; here are its lease, its limits and its end.

    The child says how the attempt ended. Where it was killed, or died, its hooks run here.
    """

    def __init__(
        self, runner: Runner, lease: Lease, control: Control, definition: TaskDefinition
    ) -> None:
        self._runner = runner
        self._control = control
        self._definition = definition
        self._received = runner.home.clock.monotonic()
        self._limit: TimeLimit | None = None
        self._child: ChildProcess | None = None
        self._calls: ChildCalls | None = None
        self._stopping: Stopping | None = None
        self._memory: asyncio.Task[None] | None = None
        self._told: list[Message] = []
        self._is_counted = self._is_ready = self._is_body_over = self._is_lost = False
        self._death: Death | None = None
        self._after: AfterChild | None = None
        self.lease = lease
        self.ending: SignalReason | None = None

    async def run(self) -> Outcome:
        try:
            check_reachable(self._definition)
        except TaskkitError as error:
            return Failed(ErrorInfo.of(error, code="COULD_NOT_IMPORT_TASK"))
        self._count(busy=True)
        self._begin_limit()
        try:
            outcome = await self._answer_of_child()
        finally:
            await self._leave()
        if outcome is None:
            return await self._after_death()
        return outcome

    async def _answer_of_child(self) -> Outcome | None:
        """What the child says in the end; None when it is gone without a word."""
        try:
            child = self._child = await ChildProcess.start(self._definition.id)
        except OSError as error:
            self._death = death_of(None, self._definition, str(error))
            return None
        self._stopping = Stopping(child, self._runner.stop_times)
        calls = self._calls = ChildCalls(self._runner.home, child.link)
        calls.hold(self.lease)
        child.send(("order", self._order()))
        for message in self._told:  # before there was a child
            child.send(message)
        if self.ending is not None:
            self._stopping.begin(is_ready=False)
        self._memory = asyncio.create_task(self._watch_memory(child))
        return await self._listen(child, calls)

    def _order(self) -> object:
        return order_for(
            self._definition,
            self.lease,
            self._received,
            self._runner.home,
            self._runner.environment,
            REGISTRY.definitions(),
        )

    async def _listen(self, child: ChildProcess, calls: ChildCalls) -> Outcome | None:
        does: Mapping[str, Callable[..., None]] = {
            "ready": self._ready,
            "heard": self._heard,
            "body over": self._body_over,
            "park": self._park,
            "log": child_log.handle,
            "call": calls.begin,
            "give up": calls.give_up,
            "watch": calls.watch,
            "unwatch": calls.unwatch,
        }
        while (message := await self._next(child)) is not None:
            kind, *parts = message
            if kind == "outcome":
                outcome: Outcome = parts[0]
                return outcome
            try:
                does[kind](*parts)
            except Exception:  # it may be anything that its code has sent
                _log.exception("the child process of run %s is not understood", self.lease.run.id)
                return None
        return None

    async def _next(self, child: ChildProcess) -> Message | None:
        """The next message; a cancellation from the event loop's own end is handed on to the child first."""
        task = asyncio.current_task()
        try:
            return await child.link.receive()
        except asyncio.CancelledError:
            if task is None or self.ending is not None or not self._control.is_stopping:
                raise
            task.uncancel()
            self.tell(Signal.SHUTDOWN)
            return await self._next(child)

    async def _leave(self) -> None:
        """Nothing of the child is left when this returns."""
        if self._limit is not None:
            self._limit.end()
        if self._stopping is not None:
            self._stopping.close()
        if self._memory is not None:
            self._memory.cancel()
        if self._calls is not None:
            await self._calls.close()
        if self._child is not None:
            at_once = self.ending is not None or self._death is not None
            if not await self._child.end(at_once=at_once) and not at_once:
                self._death = silent(self._definition)
        self._count(busy=False)

    async def _after_death(self) -> Outcome:
        if self._child is not None:
            self._child.kill()  # what it has started
        death = self._death
        if death is None and self.ending is None:
            status = None if self._child is None else self._child.exit_status
            death = death_of(status, self._definition)
        after = AfterChild(self._runner, self.lease, self._control, self._definition, death)
        self._after = after
        after.take_over(self._received, self.ending, is_lost=self._is_lost)
        if self.ending == "cancel" and self._calls is not None:
            await after.cancel_those(self._calls.left)
        return await after.run()

    # --- limits -------------------------------------------------------------------------------------

    def _begin_limit(self) -> None:
        asked = self.lease.run.request.max_duration
        seconds = policy_of(self._definition).max_duration if asked is None else asked
        if seconds != math.inf:
            limits = self._runner.limits
            self._limit = TimeLimit(limits, seconds, self._received, self._limit_reached)

    def _limit_reached(self) -> None:
        self._end("timeout", ("end", "timeout"))

    def _end(self, reason: SignalReason, message: Message | None) -> None:
        if message is not None:
            self._send(message)
        if self.ending is not None or self._is_body_over:
            return
        self.ending = reason
        if self._limit is not None:
            self._limit.stop()
        if self._stopping is not None:
            self._stopping.begin(is_ready=self._is_ready)

    async def _watch_memory(self, child: ChildProcess) -> None:
        preset = PRESETS.get(self.lease.run.machine or DEFAULT)
        if preset is None:
            return  # another version's
        used = await memory_watch.over(child.pid, int(preset.memory_gb * _GIB))
        if self.ending is None:
            self._death = out_of_memory(used, preset, self._definition)
        child.kill()

    # --- what the child says ------------------------------------------------------------------------

    def _ready(self) -> None:
        self._is_ready = True

    def _heard(self) -> None:
        if self._stopping is not None and not self._is_body_over:
            self._stopping.heard()

    def _body_over(self) -> None:
        self._is_body_over = True
        if self._limit is not None:
            self._limit.end()
        if self._stopping is not None:
            hooks = 1 + sum(1 for _ in hooks_of(self._definition))
            self._stopping.body_over(hooks, HOOK_LIMIT)

    def _park(self, number: int, waits: tuple[Wait, ...]) -> None:
        async def park() -> None:
            if self._limit is not None:
                self._limit.stop()
            self._count(busy=False)
            try:
                await self._control.park(waits)
            except BaseException:
                self._count(busy=True)
                raise

        assert self._calls is not None  # there is a child
        self._calls.answer(number, park)

    # --- what the driver says -----------------------------------------------------------------------

    def resume(self, lease: Lease) -> None:
        if self._after is not None:
            self._after.resume(lease)
            return
        self.lease = lease
        self._count(busy=True)
        if self._calls is not None:
            self._calls.hold(lease)
        if self._limit is not None and self.ending is None and not self._is_body_over:
            self._limit.go_on(self._runner.home.clock.monotonic(), self._limit_reached)
        self._send(("resume", lease))
        if lease.kind == "cleanup":
            self._end("cancel", None)

    def tell(self, signal: Signal) -> None:
        if self._after is not None:
            self._after.tell(signal)
            return
        if signal not in _ENDINGS:
            return
        self._is_lost = self._is_lost or signal is Signal.LOST
        self._end(_ENDINGS[signal], ("tell", signal))

    def _send(self, message: Message) -> None:
        if self._child is None:
            self._told.append(message)
        else:
            self._child.send(message)

    def _count(self, *, busy: bool) -> None:
        """A fake clock stands still while a child works, and moves on while it waits."""
        if busy is not self._is_counted:
            self._is_counted = busy
            self._runner.home.clock.busy += 1 if busy else -1
