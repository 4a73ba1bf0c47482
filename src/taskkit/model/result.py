"""How a run ended, for the one who asked for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from taskkit.errors import RunFailedError, WaitTimeoutError
from taskkit.model.error_info import ErrorInfo
from taskkit.model.run import Run, RunStatus

OutputT_co = TypeVar("OutputT_co", covariant=True)


@dataclass(slots=True)
class RunResult(Generic[OutputT_co]):
    """The end of a run. A run that failed raises nothing until `unwrap()`.

    `ok` is True when the run COMPLETED; then `output` is what the task returned, rebuilt by its return
    annotation. Otherwise `error` says what happened; it is None for a run that was canceled.
    """

    ok: bool
    id: str
    task_id: str
    status: RunStatus
    output: OutputT_co | None = None
    error: ErrorInfo | None = None

    def unwrap(self) -> OutputT_co:
        """The output; RunFailedError when the run did not complete."""
        if not self.ok:
            raise RunFailedError(self.id, self.status, self.error, self.task_id)
        return cast("OutputT_co", self.output)

    def _repr_html_(self) -> str:
        """For notebooks."""
        from taskkit.model.html import result_card

        return result_card(self.task_id, self.id, self.status, self.output, self.error)


@dataclass(slots=True)
class WaitResult(Generic[OutputT_co]):
    """How a wait for a token ended. A token that ran out of time raises nothing until `unwrap()`.

    `ok` is True when the token was completed; then `output` is what it was completed with, as JSON data.
    `id` is the token's.
    """

    ok: bool
    output: OutputT_co | None = None
    error: ErrorInfo | None = None
    id: str = ""

    def unwrap(self) -> OutputT_co:
        """The output; WaitTimeoutError when the token was not completed in time."""
        if not self.ok:
            raise WaitTimeoutError(self.id)
        return cast("OutputT_co", self.output)


def result_of(run: Run, decode: Callable[[bytes | None], Any]) -> RunResult[Any]:
    """The result of a run that is final."""
    if run.status is RunStatus.COMPLETED:
        return RunResult(
            True, run.request.run_id, run.request.task_id, run.status, decode(run.output_json)
        )
    return RunResult(False, run.id, run.task_id, run.status, None, run.error)
