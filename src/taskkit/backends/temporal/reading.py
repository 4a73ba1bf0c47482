"""How runs stand, from what the server says of their workflows; asks no worker."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import AsyncGenerator
from typing import Any, Final

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType, PendingActivityState
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryReverseRequest
from temporalio.client import (
    Client,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
)
from temporalio.exceptions import TerminatedError
from temporalio.service import RPCError, RPCStatusCode

from taskkit.backends.temporal.encoding import micros_or_none, request_of, run_of
from taskkit.backends.temporal.record import (
    NOT_ENTERED,
    Beat,
    Plan,
    Reply,
    State,
    count,
    first_state,
    hear,
    micros,
)
from taskkit.backends.temporal.workflow import DELIVER
from taskkit.model.error_info import ErrorInfo
from taskkit.model.request import TriggerRequest
from taskkit.model.run import Run, RunStatus

_Status = WorkflowExecutionStatus
CANCELED_BY_US: Final = "taskkit: canceled before it began"


class Reader:
    """Reads runs."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def handle(self, run_id: str) -> WorkflowHandle[Any, State]:
        return self._client.get_workflow_handle(run_id, result_type=State)

    async def find(self, run_id: str) -> Run | None:
        """The run as it stands; None when there is none of this id."""
        description = await self.describe(run_id)
        return None if description is None else await self.read(description)

    async def describe(self, run_id: str) -> WorkflowExecutionDescription | None:
        try:
            description = await self.handle(run_id).describe()
        except RPCError as error:
            if error.status in {RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT}:
                return None
            raise
        return description if description.workflow_type == "taskkit.run" else None

    async def wait_for_end(self, run_id: str) -> bool:
        """Return when the run is over; False when there is none of this id."""
        try:
            await self.handle(run_id).result()
        except WorkflowFailureError:
            return True
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        return True

    async def end(self, run_id: str) -> Run | None:
        """The run once it is over; None when there is none of this id."""
        try:
            state = await self.handle(run_id).result()
        except WorkflowFailureError:
            return await self.find(run_id)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise
        description = await self.describe(run_id)
        return None if description is None else await self.read(description, state)

    async def read(
        self, description: WorkflowExecutionDescription, final: State | None = None
    ) -> Run:
        """The run that a description is about; `final` is what its workflow gave, where that is known."""
        text = await description.memo_value("request", type_hint=str)
        payload = await self._payload(description)
        state = await self.told(description, text)
        error = None
        if description.status is _Status.RUNNING:
            await self._present(description, state)
        elif description.status is _Status.COMPLETED:
            state = final or await self.handle(description.id).result()
        else:
            error = await self._broken_end(description, state)
        run = run_of(text, payload, state)
        run.error = error or run.error
        return run

    async def told(self, description: WorkflowExecutionDescription, text: str) -> State:
        """What its workflow keeps, with what was said to it and it has not come to hear, or never will.

        `text` is its request.
        """
        state = await description.memo_value("state", None, type_hint=State)
        if state is None:
            state = _new_state(description, request_of(text, None)[0])
        is_busy = description.raw_description.HasField("pending_workflow_task")
        is_open = description.status is _Status.RUNNING
        if is_busy if is_open else description.status is not _Status.COMPLETED:
            await self._hear(description, state)
        return state

    async def _payload(self, description: WorkflowExecutionDescription) -> bytes | None:
        """From the memo; one that is too large for it from the beginning of the history, which costs a call."""
        if not await description.memo_value("is_large", False, type_hint=bool):
            return await description.memo_value("payload", None, type_hint=bytes)
        handle = self._client.get_workflow_handle(description.id, run_id=description.run_id)
        events = handle.fetch_history_events(page_size=1)
        await events.fetch_next_page()
        assert events.current_page, "a history begins with the start"
        told = events.current_page[0].workflow_execution_started_event_attributes.input
        plan: Plan = (await self._client.data_converter.decode(list(told.payloads), [Plan]))[0]
        return None if plan.payload is None else b64decode(plan.payload)

    async def _hear(self, description: WorkflowExecutionDescription, state: State) -> None:
        """Add what was said to the workflow, and how its delivery ended, where it has not yet come to hear it."""
        decode = self._client.data_converter.decode
        said: list[tuple[str, list[Any]]] = []
        tags: list[str] = []
        replies: list[Reply] = []
        async for event in self._unheard(description):
            signal = event.workflow_execution_signaled_event_attributes
            if signal.signal_name == "append":
                flush_id, operations = await decode(list(signal.input.payloads))
                said.append((flush_id, operations))
            elif signal.signal_name == "tag":
                tags[:0] = (await decode(list(signal.input.payloads)))[0]
            elif event.HasField("activity_task_completed_event_attributes"):
                result = event.activity_task_completed_event_attributes.result
                if event.event_id <= description.history_length:
                    replies.append((await decode(list(result.payloads), [Reply]))[0])
        for flush_id, operations in reversed(said):
            hear(state, flush_id, operations)
        state.tags.extend(tags)
        for reply in replies:  # the workflow comes to hear signals before them
            _between(state, reply)

    async def _unheard(
        self, description: WorkflowExecutionDescription
    ) -> AsyncGenerator[HistoryEvent]:
        """The events since the workflow last did anything that the description knows of, newest first."""
        execution = WorkflowExecution(workflow_id=description.id, run_id=description.run_id or "")
        request = GetWorkflowExecutionHistoryReverseRequest(
            namespace=self._client.namespace, execution=execution
        )
        done = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
        while True:
            answer = await self._client.workflow_service.get_workflow_execution_history_reverse(
                request, retry=True
            )
            for event in answer.history.events:
                if event.event_type == done and event.event_id <= description.history_length:
                    return
                yield event
            if not answer.next_page_token:
                return
            request.next_page_token = answer.next_page_token

    async def _present(self, description: WorkflowExecutionDescription, state: State) -> None:
        """Bring the state of an open workflow to what its delivery says."""
        for pending in description.raw_description.pending_activities:
            if pending.activity_type.name != DELIVER:
                continue
            if pending.state == PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED:
                if state.status == "DELAYED":
                    state.status = "QUEUED"
                return
            told = list(pending.heartbeat_details.payloads)
            beats = await self._client.data_converter.decode(told, [Beat]) if told else [None]
            if beats[0] is None:  # a worker has it, and no slot for it yet
                state.status = state.status if state.status == "WAITING" else "DEQUEUED"
                return
            beat: Beat = beats[0]
            state.status = "EXECUTING"
            count(state, beat)

    async def _broken_end(
        self, description: WorkflowExecutionDescription, state: State
    ) -> ErrorInfo | None:
        """The end of a workflow that did not come to its own: by a cancel before it began, or by somebody else."""
        closed = description.close_time
        state.finished_at = None if closed is None else micros(closed)
        cause: BaseException | None = None
        try:
            await self.handle(description.id).result()
        except WorkflowFailureError as error:
            cause = error.cause
        if isinstance(cause, TerminatedError):
            state.status = RunStatus.CANCELED.value
            is_ours = str(cause).startswith(CANCELED_BY_US)
            state.cancel_reason = cause.details[0] if is_ours and cause.details else str(cause)
            if is_ours and not cause.details:
                state.cancel_reason = None
            return None
        if description.status is _Status.CANCELED:
            state.status = RunStatus.CANCELED.value
            return None
        state.status = RunStatus.SYSTEM_FAILURE.value
        message = f"The workflow {description.id} ended {description.status!r}: {cause}"
        return ErrorInfo.verdict("INTERNAL_ERROR", "WorkflowBroken", message)


def _between(state: State, reply: Reply) -> None:
    """How a run stands whose delivery is over, before its workflow has drawn the conclusion."""
    if reply.outcome in NOT_ENTERED:
        return
    count(state, reply)
    if reply.outcome == "suspended":
        state.status = "WAITING"
    else:
        state.status = "QUEUED" if reply.outcome in {"retry", "released"} else "EXECUTING"


def _new_state(description: WorkflowExecutionDescription, request: TriggerRequest) -> State:
    """What the workflow begins with."""
    return first_state(
        micros(description.start_time),
        delay_until=micros_or_none(request.delay_until),
        queue_time=micros_or_none(request.queue_time),
        machine=request.machine,
    )
