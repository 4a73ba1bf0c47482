"""The words for runs that ended without their code having a say."""

from __future__ import annotations

from taskkit.model.error_info import ErrorInfo
from taskkit.model.run import Run


def crashed(run: Run) -> ErrorInfo:
    """The verdict on a run whose workers keep dying."""
    message = (
        f"{run.deaths} workers died, or lost their lease, while they ran task {run.task_id!r}; that is more than "
        f"its {run.request.max_attempts} attempts allow. Look for what kills the process: memory, a signal, or "
        f"code that blocks the event loop for longer than the lease."
    )
    return ErrorInfo.verdict("TASK_RUN_CRASHED", "RunCrashed", message)


def expired(run: Run) -> ErrorInfo:
    """The verdict on a run that did not start in time."""
    message = (
        f"The run of task {run.task_id!r} did not start within its ttl of {run.request.ttl:g} s. Start a worker "
        f"for queue {run.queue!r}, raise its concurrency, or give a longer ttl."
    )
    return ErrorInfo.verdict("TASK_RUN_EXPIRED", "RunExpired", message)
