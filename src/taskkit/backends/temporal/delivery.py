"""One run in a worker's hands: over several deliveries, as long as its coroutine lives."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Sequence
from copy import deepcopy
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from temporalio import activity
from temporalio.client import (
    AsyncActivityCancelledError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.service import RPCError, RPCStatusCode

from taskkit.backends.temporal.answers import patiently
from taskkit.backends.temporal.encoding import reply_of, wait_list
from taskkit.backends.temporal.record import Beat, Order, Reply, awaited, micros
from taskkit.backends.temporal.refusal import is_away
from taskkit.backends.temporal.size import fitting
from taskkit.backends.temporal.workflow import RunWorkflow
from taskkit.errors import LeaseLostError
from taskkit.model import metadata_operations
from taskkit.model.exchange import Lease, Outcome, Runs, Signal, TokenRef, Wait

if TYPE_CHECKING:
    from taskkit.backends.temporal.worker import Serving

_log = logging.getLogger("taskkit.worker")
_ENDS = frozenset({"completed", "failed", "canceled"})
_FLUSHES_KEPT = 200
_UPDATE_LIMIT = 10.0
_TELLS_AGAIN = 0.5


class Delivery:
    """The `Control` of one execution.

    While an activity carries it, `reply` is what that gives to the workflow. Parked there is no activity, and the
    workflow is told by an update. `final` is an outcome that came while a resume was under way already.
    """

    def __init__(self, serving: Serving, lease: Lease, order: Order, token: bytes) -> None:
        self._serving = serving
        self.lease = lease
        self.number = order.state.round
        self._token = token
        self._folded = len(order.state.said)
        self._metadata = lease.run.metadata
        self._has_said = self._folded > 0
        self._flushes: deque[str] = deque(maxlen=_FLUSHES_KEPT)
        self._answered: set[str] = set()
        self._is_sure_until = _sure_until(serving, lease)
        self.is_first = lease.attempt == lease.delivery == 1
        self.in_slot = lease.kind != "cleanup"
        self.abandoned = False
        self.told: Signal | None = None
        self.final: Reply | None = None
        self.reply: asyncio.Future[Reply] | None = asyncio.get_running_loop().create_future()
        self.began = micros(lease.now)
        self.task: asyncio.Task[None] | None = None
        self.execution = serving.runner.begin(lease, self)

    @property
    def run_id(self) -> str:
        return self.lease.run.id

    @property
    def is_carried(self) -> bool:
        """An activity carries it; otherwise it is parked."""
        return self.reply is not None

    @property
    def is_stopping(self) -> bool:
        return self._serving.stopping

    def tell(self, signal: Signal) -> None:
        """Pass on why it shall end, unless it has."""
        if self.final is None and self.told in {None, Signal.CANCEL}:
            self.told = signal
            self.execution.tell(signal)

    async def carry(self) -> None:
        """Carry it out in a task of its own, and say how it ended."""
        serving = self._serving
        try:
            outcome = await self.execution.run()
            if not self.abandoned:
                await self._end(reply_of(outcome))
        except (asyncio.CancelledError, GeneratorExit):
            self._break(asyncio.CancelledError())
            raise
        except BaseException as error:  # a fault of the engine, or what is not ours
            serving.fail(error)
            self._break(error)
        finally:
            self.give_back()
            serving.let_go(self)
            del self.execution  # a cycle

    def _break(self, error: BaseException) -> None:
        if self.reply is not None and not self.reply.done():
            self.reply.set_exception(RuntimeError(f"the worker broke: {error!r}"))

    # --- what the run says --------------------------------------------------------------------------

    def beat(self) -> Beat:
        """What a heartbeat tells."""
        began = micros(self.lease.run.started_at or self.lease.now)
        return Beat(began, *self._told())

    def _told(self) -> tuple[str | None, int]:
        if not self._has_said:
            return None, 0
        return json.dumps(self._metadata, separators=(",", ":")), self._folded

    async def say(self, flush_id: str, operations: Sequence[Any]) -> None:
        """Change the run's metadata; when this returns the server has it. LeaseLostError when the lease is lost."""
        if flush_id not in self._flushes:
            self._flushes.append(flush_id)
            if not self._has_said:
                self._metadata = deepcopy(self._metadata)
                self._has_said = True
            for operation in operations:
                metadata_operations.apply(self._metadata, operation)
        await self._beat_now()

    async def confirm(self) -> None:
        """LeaseLostError where somebody else may have the run; asks the server unless it has answered lately."""
        is_sure = asyncio.get_running_loop().time() < self._is_sure_until
        if self.reply is not None and not is_sure:
            await self._beat_now()

    async def _beat_now(self) -> None:
        client, asked = self._serving.backend.client, asyncio.get_running_loop().time()
        try:
            await client.get_async_activity_handle(task_token=self._token).heartbeat(self.beat())
            self._is_sure_until = asked + self._serving.backend.place.lease / 2
        except AsyncActivityCancelledError:  # it was taken all the same
            self.tell(Signal.CANCEL)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise LeaseLostError(self.run_id) from error
            raise

    async def _end(self, reply: Reply) -> None:
        reply.started_at = self.began
        if reply.outcome in _ENDS:
            self._serving.backend.entries.end(self.run_id, is_all_known=self.is_first)
        reply.metadata, reply.folded = self._told()
        converter = self._serving.backend.client.data_converter
        reply = await fitting(reply, converter, self.lease.run.task_id)
        if self.reply is not None:
            self._answer(reply)
        elif self.told is Signal.LOST or await self._update(reply):
            return
        elif self.is_carried:  # by the resume, which was here before the workflow's refusal
            self._answer(reply)
        elif reply.outcome != "released":
            self.final = reply  # the resume is under way, and gives this

    def _answer(self, reply: Reply) -> None:
        assert self.reply is not None
        reply.metadata, reply.folded = self._told()
        future, self.reply = self.reply, None
        self.give_back()
        if not future.done():
            future.set_result(reply)

    # --- what its execution asks for ----------------------------------------------------------------

    async def park(self, waits: Sequence[Wait]) -> None:
        reply = await self._suspended(waits)
        self._serving.parked[self.run_id] = self
        if self.reply is not None:
            self._answer(reply)
        else:
            await self._update(reply)  # refused where a resume is under way, which brings it back

    async def _suspended(self, waits: Sequence[Wait]) -> Reply:
        backend = self._serving.backend
        reply = Reply("suspended", started_at=self.began, holder=self._serving.own_queue)
        reply.waits = [wait_list(wait) for wait in waits]
        ids = [run_id for wait in waits if isinstance(wait.on, Runs) for run_id in wait.on.ids]
        made = backend.made.get(self.run_id, set())
        unknown = [run_id for run_id in ids if run_id not in made]
        runs = await patiently(lambda: backend.get(unknown))
        found = dict(zip(unknown, runs, strict=True))
        for run_id in dict.fromkeys(ids):
            run = found.get(run_id)
            if run_id in found and (
                run is None or run.parent_id != self.run_id or not run.request.awaited
            ):
                reply.strangers.append(run_id)
                continue
            reply.children.append(run_id)
            is_over = run_id in self._answered or (run is not None and run.is_completed)
            if is_over:  # and has said so before, which the workflow has forgotten or never heard
                reply.strangers.append(run_id)
        for wait in waits:
            if isinstance(wait.on, TokenRef):
                reply.strangers.append(wait.on.id)
                token = await patiently(partial(backend.get_token, wait.on.id, now=None))
                if token is not None and token.timeout_at is not None:
                    reply.deadlines[wait.id] = micros(token.timeout_at)
        return reply

    async def _update(self, reply: Reply) -> bool:
        """Whether the workflow took it, or is over; asked again while the server is away, as nobody else would."""
        said, update_id = [self.number, reply], uuid4().hex
        while True:
            try:
                return await self._send(said, update_id)
            except TimeoutError:
                pass
            except (RPCError, WorkflowUpdateFailedError) as error:
                if isinstance(error, RPCError) and error.status is RPCStatusCode.NOT_FOUND:
                    return True
                if not isinstance(error, RPCError) or not is_away(error):
                    _log.warning("run %s: how it goes on could not be told: %s", self.run_id, error)
                    return False
            if self.is_stopping or self.is_carried or self.told is Signal.LOST:
                return False
            await asyncio.sleep(_TELLS_AGAIN)

    async def _send(self, said: list[Any], update_id: str) -> bool:
        """The workflow's answer, once for each id; TimeoutError where none came in time."""
        handle = self._serving.backend.reader.handle(self.run_id)
        try:
            async with asyncio.timeout(_UPDATE_LIMIT):
                return await handle.execute_update(RunWorkflow.park, args=said, id=update_id)  # pyright: ignore[reportUnknownMemberType]  # temporalio leaves it so
        except WorkflowUpdateRPCTimeoutOrCancelledError as error:
            task = asyncio.current_task()  # which may have been canceled itself
            if task is not None and task.cancelling():
                raise asyncio.CancelledError from error
            raise TimeoutError from error

    def resume(self, lease: Lease, order: Order, token: bytes) -> asyncio.Future[Reply]:
        """Go on under a new lease, in a slot that was taken for it; what comes of that."""
        future = self.reply = asyncio.get_running_loop().create_future()
        self.lease, self.number = lease, order.state.round
        self._answered.update(one for wait in order.answered for one in awaited(wait))
        self._token, self._folded = token, len(order.state.said)
        self._metadata, self._has_said = lease.run.metadata, self._folded > 0
        self.began = micros(lease.now)
        self._is_sure_until = _sure_until(self._serving, lease)
        self.in_slot = lease.kind != "cleanup"
        if self.final is not None:
            self._answer(self.final)
        else:
            self.execution.resume(lease)
        return future

    async def abandon(self, outcome: Outcome) -> None:
        self.abandoned = True
        await self._end(reply_of(outcome))
        self._serving.let_go(self)

    def give_back(self) -> None:
        """The slot is free again, once."""
        if self.in_slot:
            self.in_slot = False
            self._serving.slots.release()


def _sure_until(serving: Serving, lease: Lease) -> float:
    """Until when nobody else can have the run: the server gives it away a lease after it last heard of us."""
    passed = lease.now - activity.info().started_time
    half = serving.backend.place.lease / 2
    return asyncio.get_running_loop().time() - passed.total_seconds() + half
