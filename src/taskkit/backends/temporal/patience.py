"""Calls that end in time, also where the server has fallen silent: the SDK waits for ever unless it is told."""

# ruff: noqa: A002 - the SDK names its arguments `input`

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final, Protocol, TypeVar

from temporalio.client import (
    CountWorkflowsInput,
    DescribeWorkflowInput,
    FetchWorkflowHistoryEventsInput,
    HeartbeatAsyncActivityInput,
    Interceptor,
    ListWorkflowsInput,
    OutboundInterceptor,
    SignalWorkflowInput,
    StartWorkflowInput,
    TerminateWorkflowInput,
    WorkflowExecutionAsyncIterator,
    WorkflowExecutionCount,
    WorkflowExecutionDescription,
    WorkflowHandle,
    WorkflowHistoryEventAsyncIterator,
)

CALL_LIMIT: Final = timedelta(seconds=10)
_LONG_POLL: Final = timedelta(seconds=40)
"""A server answers a call that waits for an event after 20 s at the latest."""


class _Timed(Protocol):
    rpc_timeout: timedelta | None


T = TypeVar("T", bound=_Timed)


class Patience(Interceptor):
    """Gives each call that has no time limit one."""

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        return _Patient(next)


class _Patient(OutboundInterceptor):
    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:
        return await super().start_workflow(_timed(input))

    async def describe_workflow(self, input: DescribeWorkflowInput) -> WorkflowExecutionDescription:
        return await super().describe_workflow(_timed(input))

    async def signal_workflow(self, input: SignalWorkflowInput) -> None:
        await super().signal_workflow(_timed(input))

    async def terminate_workflow(self, input: TerminateWorkflowInput) -> None:
        await super().terminate_workflow(_timed(input))

    async def count_workflows(self, input: CountWorkflowsInput) -> WorkflowExecutionCount:
        return await super().count_workflows(_timed(input))

    async def heartbeat_async_activity(self, input: HeartbeatAsyncActivityInput) -> None:
        await super().heartbeat_async_activity(_timed(input))

    def list_workflows(self, input: ListWorkflowsInput) -> WorkflowExecutionAsyncIterator:
        return super().list_workflows(_timed(input))

    def fetch_workflow_history_events(
        self, input: FetchWorkflowHistoryEventsInput
    ) -> WorkflowHistoryEventAsyncIterator:
        limit = _LONG_POLL if input.wait_new_event else CALL_LIMIT
        return super().fetch_workflow_history_events(_timed(input, limit))


def _timed(asked: T, limit: timedelta = CALL_LIMIT) -> T:
    asked.rpc_timeout = asked.rpc_timeout or limit
    return asked
