"""A run while it goes on, as plain lines: for pipes, logs of CI, and terminals that cannot draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskkit.cli.follow import Update
from taskkit.cli.run_text import few_values, log_line, phase_of, progress_of, retry_line, time_of
from taskkit.model.run import FINAL, Run

if TYPE_CHECKING:
    from rich.console import Console


class LineView:
    """Each change is a line of its own, with the time in front."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._state: tuple[str, int] | None = None
        self._told = ""
        self._failed = 0

    def show(self, update: Update) -> None:
        run = update.run
        if self._state is None:
            self.say(f"{run.id} of task {run.task_id}")
        for entry in update.logs:
            self._console.print(log_line(entry), soft_wrap=True)
        self._show_metadata(run)
        self._show_failures(run)
        self._show_status(run)

    def say(self, text: str) -> None:
        self._console.print(f"{time_of(None)}  {text}", soft_wrap=True)

    def _show_metadata(self, run: Run) -> None:
        told = metadata_line(run)
        if told and told != self._told:
            self.say(told)
        self._told = told

    def _show_failures(self, run: Run) -> None:
        for attempt in run.past_attempts:
            if attempt.number > self._failed:
                self._failed = attempt.number
                self.say(retry_line(run, attempt.number))

    def _show_status(self, run: Run) -> None:
        state = (str(run.status), run.attempt)
        if state != self._state and run.status not in FINAL:
            number = f"  attempt {run.attempt} of {run.request.max_attempts}" if run.attempt else ""
            self.say(f"{run.status}{number if run.is_executing else ''}")
        self._state = state


def metadata_line(run: Run) -> str:
    """What the run's metadata says, in one line."""
    progress, phase = progress_of(run.metadata), phase_of(run.metadata)
    parts = [phase] if phase else []
    if progress is not None:
        parts.append(f"{progress:.0%}")
    parts.extend(f"{name}={text}" for name, text in few_values(run.metadata).items())
    return "  ".join(parts)
