"""What it means that a child process is gone without an answer."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from taskkit.definition.task_definition import TaskDefinition
from taskkit.errors import OutOfMemoryError, ProcessDiedError, TaskkitError
from taskkit.model.machine import MachinePreset
from taskkit.model.run import RunStatus


@dataclass(frozen=True, slots=True)
class Death:
    """The error that the hooks of the run are told, and what the run ends as when it is not tried again.

    `code` is None where the error has one of its own.
    """

    error: TaskkitError
    code: str | None
    status: RunStatus


def out_of_memory(used: int, preset: MachinePreset, definition: TaskDefinition) -> Death:
    """The death of a child that its parent killed, because it used more than its machine has."""
    message = (
        f"The child process of task {definition.id!r} used {used / 1024**3:.2f} GB and was killed: its machine "
        f"{preset.name!r} has {preset.memory_gb:g} GB. Give it a larger one, always with machine=..., or after "
        f"such an attempt with Retry(out_of_memory=...)."
    )
    return Death(OutOfMemoryError(message), None, RunStatus.FAILED)


def silent(definition: TaskDefinition) -> Death:
    """The death of a child that lives but is heard no more, because its code has meddled with open files."""
    message = (
        f"The child process of task {definition.id!r} ({definition.where}) can be heard no more, and was killed. "
        f"Something in the task closes, or writes into, files that it has not opened."
    )
    return Death(ProcessDiedError(message), "TASK_EXECUTION_FAILED", RunStatus.CRASHED)


def death_of(status: int | None, definition: TaskDefinition, why: str = "") -> Death:
    """The death of a child by its exit status, which is None for one that never came up.

    SIGKILL that did not come from here is most likely the system's answer to a lack of memory, and counts as
    that. Everything else is tried again as any error is.
    """
    where = f"task {definition.id!r} ({definition.where})"
    if status is None:
        message = f"No child process could be started for {where}: {why}."
        return Death(ProcessDiedError(message), "TASK_EXECUTION_FAILED", RunStatus.CRASHED)
    if status == -signal.SIGKILL:
        message = (
            f"The child process of {where} was killed by SIGKILL, which is what the system does when memory runs "
            f"out. Look into its log, give the task less to hold, or the machine more memory."
        )
        return Death(OutOfMemoryError(message), "TASK_PROCESS_MAYBE_OOM_KILLED", RunStatus.CRASHED)
    how, code = _how(status)
    message = f"The child process of {where} {how} before its task had ended. What it printed last may tell why."
    return Death(ProcessDiedError(message), code, RunStatus.CRASHED)


def _how(status: int) -> tuple[str, str]:
    if status >= 0:
        return f"ended with exit status {status}", "TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    codes = {-signal.SIGSEGV: "TASK_PROCESS_SIGSEGV", -signal.SIGTERM: "TASK_PROCESS_SIGTERM"}
    return f"was killed by {name}", codes.get(status, "TASK_PROCESS_EXITED_WITH_NON_ZERO_CODE")
