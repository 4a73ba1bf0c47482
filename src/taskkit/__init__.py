"""taskkit: tasks, runs, and the backend they live on."""

from taskkit import (
    batch,
    errors,
    idempotency_keys,
    logger,
    metadata,
    queues,
    retry,
    runs,
    schedules,
    streams,
    tags,
    tasks,
    usage,
    wait,
)
from taskkit.decorator import schema_task, task
from taskkit.definition.context import Context
from taskkit.definition.schedule import Cron, ScheduledPayload
from taskkit.errors import (
    AbortTaskRunError,
    CompleteTaskWithOutput,
    OutOfMemoryError,
    RunFailedError,
)
from taskkit.model.error_info import ErrorInfo
from taskkit.model.exchange import Token
from taskkit.model.options import Debounce, RetryDecision, TriggerOptions
from taskkit.model.queue import Queue
from taskkit.model.result import RunResult, WaitResult
from taskkit.model.retry import Retry
from taskkit.model.run import Attempt, Run, RunStatus
from taskkit.runtime.memo import memo
from taskkit.session import Worker, configure, local, run_task, use_backend, worker
from taskkit.trigger.calls import BatchItem, BatchResult
from taskkit.trigger.handle import BatchHandle, RunHandle
from taskkit.trigger.pending import Pending
from taskkit.trigger.task import Task

__all__ = [
    "AbortTaskRunError",
    "Attempt",
    "BatchHandle",
    "BatchItem",
    "BatchResult",
    "CompleteTaskWithOutput",
    "Context",
    "Cron",
    "Debounce",
    "ErrorInfo",
    "OutOfMemoryError",
    "Pending",
    "Queue",
    "Retry",
    "RetryDecision",
    "Run",
    "RunFailedError",
    "RunHandle",
    "RunResult",
    "RunStatus",
    "ScheduledPayload",
    "Task",
    "Token",
    "TriggerOptions",
    "WaitResult",
    "Worker",
    "batch",
    "configure",
    "errors",
    "idempotency_keys",
    "local",
    "logger",
    "memo",
    "metadata",
    "queues",
    "retry",
    "run_task",
    "runs",
    "schedules",
    "schema_task",
    "streams",
    "tags",
    "task",
    "tasks",
    "usage",
    "use_backend",
    "wait",
    "worker",
]
