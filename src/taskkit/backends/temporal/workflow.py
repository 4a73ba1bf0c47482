"""The one workflow: a loop over the outcomes of deliveries, each an activity that a worker of taskkit carries out.

Imports the standard library and temporalio only: Temporal's sandbox loads this module.
"""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy, SearchAttributeKey
from temporalio.exceptions import (
    ActivityError,
    CancelledError,
    FailureError,
    TimeoutError as TimedOutError,
    TimeoutType,
)

from taskkit.backends.temporal.record import (
    NOT_ENTERED,
    Beat,
    DeliveryKind,
    Order,
    Plan,
    Reply,
    State,
    count,
    first_state,
    forget,
    hear,
    micros,
    on_machine,
    try_again,
)
from taskkit.backends.temporal.slot import Slot
from taskkit.backends.temporal.waiting import Waiting

DELIVER = "taskkit.deliver"
_CLEANUP_TRIES = 3
_EVER = timedelta(days=3650)
_SECOND = 1_000_000
_SIGNALS_AT_ONCE = 100
"""With 2,000 under way the server takes no further command of a workflow."""
_UNKNOWN_TRIES = (1, 2, 5, 10, 30)
_STATUS = SearchAttributeKey.for_keyword("TaskkitStatus")
_TAGS = SearchAttributeKey.for_keyword_list("TaskkitTags")
_MOST_TAGS = 10


def _first_state(plan: Plan) -> State:
    now = micros(workflow.info().workflow_start_time)
    return first_state(
        now, delay_until=plan.delay_until, queue_time=plan.queue_time, machine=plan.machine
    )


async def _for_each(ids: Sequence[str], tell: Callable[[str], Awaitable[object]]) -> None:
    for begin in range(0, len(ids), _SIGNALS_AT_ONCE):
        await asyncio.gather(*map(tell, ids[begin : begin + _SIGNALS_AT_ONCE]))


@workflow.defn(name="taskkit.run")
class RunWorkflow(Waiting):
    """One run, from its request to its end; its result is the final `State`."""

    @workflow.init
    def __init__(self, plan: Plan) -> None:
        super().__init__(plan.state or _first_state(plan), plan.lease)
        self.plan = plan
        self._delivery: workflow.ActivityHandle[Reply] | None = None
        self._unknown = 0
        self._slot = Slot(plan, self.state)

    @workflow.run
    async def run(self, plan: Plan) -> State:
        while self.state.finished_at is None:
            await self._turn()
            if self.state.finished_at is None:
                await self._renew()
        await self._tell_waiters()
        return self.state

    async def _turn(self) -> None:
        state = self.state
        if state.ending is not None:
            await self._deliver("cleanup")
        elif state.cancel_requested:
            await self._cancel()
        elif state.status == "WAITING":
            await self._wait()
            if self._may_go_on():
                await self._enter("resume", self._may_go_on)
        elif await self._comes(state.available_at):
            await self._enter("start", lambda: not state.cancel_requested)

    async def _enter(self, kind: DeliveryKind, may_go: Callable[[], bool]) -> None:
        """Deliver it, once its queue's limit lets it."""
        expires = self._expires(kind)
        if await self._slot.comes(may_go, lambda happened: self._until(expires, happened)):
            await self._deliver(kind)
            await self._slot.give_back()
        elif self._is_past(expires) and may_go():
            self._finish("EXPIRED")

    async def _renew(self) -> None:
        """Go on with a new history where this one has become long."""
        if workflow.info().is_continue_as_new_suggested():
            await workflow.wait_condition(workflow.all_handlers_finished)
            self.plan.state = self.state
            # What was shown is not taken along by itself, and the run is read from it at once.
            memo = {**workflow.memo(), "state": self.state}
            workflow.continue_as_new(self.plan, memo=memo)

    # --- deliveries ---------------------------------------------------------------------------------

    async def _deliver(self, kind: DeliveryKind) -> None:
        state = self.state
        state.round += 1
        sticky = None if kind == "start" else state.holder
        expires, slot = self._expires(kind), self._slot
        answers = self._answered() if kind != "start" else []
        order = Order(kind, state, answers, expires, slot.held, slot.is_missing)
        self._delivery = workflow.start_activity(
            DELIVER,
            args=[
                workflow.memo_value("request"),
                self._payload(),
                order,
            ],
            task_queue=sticky or on_machine(self.plan.queue, state.machine),
            result_type=Reply,
            start_to_close_timeout=_EVER,
            schedule_to_start_timeout=self._start_limit(sticky, expires),
            heartbeat_timeout=timedelta(seconds=self.plan.lease),
            retry_policy=RetryPolicy(maximum_attempts=1),
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        )
        try:
            reply = await self._delivery
        except ActivityError as error:
            self._failed(kind, sticky, error)
        else:
            self._slot.freed(reply)
            await self._apply(kind, reply)
            if reply.outcome not in NOT_ENTERED:
                forget(state, answers)
        finally:
            self._delivery = None
        if state.finished_at is None:
            self._show()

    def _payload(self) -> bytes | None:
        if self.plan.payload is not None:
            return b64decode(self.plan.payload)
        return workflow.memo_value("payload", None, type_hint=bytes)

    def _expires(self, kind: DeliveryKind) -> int | None:
        if kind != "start" or self.state.started_at is not None or self.plan.ttl is None:
            return None
        return self.state.available_at + int(self.plan.ttl * _SECOND)

    def _is_past(self, moment: int | None) -> bool:
        return moment is not None and moment <= micros(workflow.now())

    def _start_limit(self, sticky: str | None, expires: int | None) -> timedelta | None:
        limits: list[timedelta] = []
        if sticky is not None or self._slot.held is not None:  # which others may need
            limits.append(timedelta(seconds=self.plan.lease))
        if expires is not None:
            limits.append(timedelta(microseconds=max(1000, expires - micros(workflow.now()))))
        return min(limits, default=None)

    def _failed(self, kind: DeliveryKind, sticky: str | None, error: ActivityError) -> None:
        state, cause = self.state, error.cause
        if isinstance(cause, TimedOutError) and cause.type is TimeoutType.SCHEDULE_TO_START:
            if sticky is not None:  # who parked it is gone, and never cleaned up
                state.holder, state.orphaned = None, True
            elif self._is_past(self._expires(kind)):
                self._finish("EXPIRED")
            else:
                self._slot.go_behind()
        elif not isinstance(cause, CancelledError):  # which says that it had not started
            beats = cause.last_heartbeat_details if isinstance(cause, TimedOutError) else ()
            count(state, Beat(**beats[0]) if beats else None)
            self._died()

    def _died(self) -> None:
        """The worker that had the run is gone, or as good as gone."""
        state, most = self.state, self.plan.max_attempts
        state.deaths += 1
        state.holder = None
        state.waits = []
        state.status, state.orphaned = "QUEUED", True
        if state.ending is None and state.cancel_requested:
            state.ending = "CANCELED"
        elif state.ending is None and state.deaths <= most:
            return
        elif state.deaths <= most + _CLEANUP_TRIES:
            state.ending = state.ending or "CRASHED"
        else:  # its hooks kill workers too
            self._finish(state.ending or "CRASHED")

    async def _apply(self, kind: DeliveryKind, reply: Reply) -> None:
        state = self.state
        if reply.outcome in NOT_ENTERED:
            await self._unentered(reply.outcome)
            return
        self._unknown = 0
        count(state, reply)
        was_orphaned, state.orphaned = state.orphaned, False
        state.waits = []
        if reply.outcome == "suspended":
            await self._suspend(reply)
        elif reply.outcome == "released":
            state.holder, state.status = None, "QUEUED"
            state.orphaned = was_orphaned and kind == "cleanup"
        else:
            self._settle(reply)

    async def _unentered(self, why: str) -> None:
        if why == "expired":
            self._finish("EXPIRED")
        elif why == "limited":
            self.state.is_limited = True
            if self._slot.is_missing:
                await self._comes(micros(workflow.now()) + _SECOND)
        elif why == "unknown":
            pause = _UNKNOWN_TRIES[min(self._unknown, len(_UNKNOWN_TRIES) - 1)]
            self._unknown += 1
            self.state.status = "PENDING_VERSION"
            self._show()
            await self._comes(micros(workflow.now()) + pause * _SECOND)

    def _settle(self, reply: Reply) -> None:
        """An outcome that needs nobody else."""
        state = self.state
        if reply.outcome == "completed":
            state.output = reply.output
            self._finish("COMPLETED")
        elif reply.outcome == "failed":
            self._finish(reply.status or "FAILED", reply.error)
        elif reply.outcome == "canceled":
            state.cancel_reason = reply.reason or state.cancel_reason
            self._finish("CANCELED")
        else:
            try_again(state, reply, micros(workflow.now()))

    async def _suspend(self, reply: Reply) -> None:
        state = self.state
        state.status, state.holder = "WAITING", reply.holder
        self._wait_for(reply)
        if reply.strangers:
            self._show()  # it waits already, while they are asked
            await _for_each(reply.strangers, self._ask)

    def _wait_for(self, reply: Reply) -> None:
        """A timer keeps the moment it was first set to, also when a crash makes the attempt set it again."""
        state = self.state
        state.waits, state.children = reply.waits, reply.children
        for wait_id, _, what, on in reply.waits:
            if what == "until":
                state.moments.setdefault(wait_id, on)
        state.moments.update(reply.deadlines)

    # --- ends ---------------------------------------------------------------------------------------

    def _finish(self, status: str, error: list[str | None] | None = None) -> None:
        state = self.state
        state.status, state.error = status, error
        state.finished_at = micros(workflow.now())
        state.waits, state.holder = [], None
        if status != "COMPLETED":  # which most are, and which is seen without
            workflow.upsert_search_attributes([_STATUS.value_set(status)])  # pyright: ignore[reportUnknownMemberType]  # temporalio leaves it so

    async def _cancel(self) -> None:
        state = self.state
        if state.delivery == 0:
            self._finish("CANCELED")
            return
        state.ending = "CANCELED"
        if state.status == "WAITING":
            state.orphaned = state.orphaned or state.holder is not None
            left = [run_id for run_id in state.children if run_id not in state.ended]
            await _for_each(left, lambda one: self._signal(one, "cancel", state.cancel_reason))
        self._show()

    async def _tell_waiters(self) -> None:
        """Await the acknowledgements: a signal that goes out together with the result is lost."""
        told: set[str] = set()
        waiters = [] if self.plan.waiter is None else [self.plan.waiter]
        own = workflow.info().workflow_id
        while left := {*waiters, *self.state.waiters} - told:
            told |= left
            await _for_each(sorted(left), lambda one: self._signal(one, "ended", own))

    async def _signal(self, run_id: str, name: str, said: str | None) -> bool:
        """Whether it arrived: it does not where that run is over, or unknown."""
        try:
            await workflow.get_external_workflow_handle(run_id).signal(name, said)
        except FailureError:
            return False
        return True

    async def _ask(self, run_id: str) -> None:
        """Be told of the end of a token, or of a run that was made by somebody else."""
        if not await self._signal(run_id, "tell", workflow.info().workflow_id):
            self.state.ended.append(run_id)

    def _show(self) -> None:
        """Let those see how the run stands who have no worker to ask."""
        workflow.upsert_memo({"state": self.state})

    # --- what others say ----------------------------------------------------------------------------

    @workflow.signal
    def cancel(self, reason: str | None) -> None:
        """Somebody asks for the end of the run."""
        if self.state.cancel_requested or self.state.finished_at is not None:
            return
        self.state.cancel_requested = True
        self.state.cancel_reason = reason
        if self._delivery is not None and self.state.ending is None:
            self._delivery.cancel()

    @workflow.signal
    def ended(self, run_id: str) -> None:
        """A run or token that is or may be waited for is over."""
        if run_id not in self.state.ended:
            self.state.ended.append(run_id)

    @workflow.signal
    def granted(self, number: int) -> None:
        """The slot that it asked for under this number is its own."""
        self._slot.granted(number)

    @workflow.signal
    def tell(self, run_id: str) -> None:
        """That run waits for this one."""
        if run_id not in self.state.waiters:
            self.state.waiters.append(run_id)

    @workflow.signal
    def append(self, flush_id: str, operations: list[Any]) -> None:
        """Metadata operations from elsewhere, where there is room; the same flush counts once."""
        if hear(self.state, flush_id, operations):
            self._show()

    @workflow.signal
    def tag(self, tags: list[str]) -> None:
        """These are added, each once, as far as there is room; lists find the run by them."""
        present = list(workflow.info().typed_search_attributes.get(_TAGS) or ())
        new = [tag for tag in dict.fromkeys(tags) if tag not in present]
        if new := new[: max(0, _MOST_TAGS - len(present))]:
            self.state.tags = [*self.state.tags, *new]
            workflow.upsert_search_attributes([_TAGS.value_set([*present, *new])])  # pyright: ignore[reportUnknownMemberType]  # temporalio leaves it so
            self._show()

    @workflow.update
    async def park(self, number: int, reply: Reply) -> bool:
        """What a parked run waits for has changed, or it has ended; False where this comes too late."""
        state = self.state
        # It may overtake the end of the delivery with which the run was parked.
        await workflow.wait_condition(lambda: self._delivery is None or number != state.round)
        is_parked = state.status == "WAITING" and self._delivery is None and state.ending is None
        if number != state.round or not is_parked or state.finished_at is not None:
            return False
        if reply.outcome == "suspended":
            await self._suspend(reply)
        elif reply.outcome == "released":  # the coroutine is gone, and its answer may go to anybody
            state.holder = None
        else:
            self._settle(reply)
        if state.finished_at is None:
            self._show()
        return True
