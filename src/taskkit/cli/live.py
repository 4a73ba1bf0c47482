"""A run while it goes on, drawn at the foot of the terminal; logs pass above it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.constrain import Constrain
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from taskkit.cli.follow import Update
from taskkit.cli.run_text import few_values, log_line, phase_of, progress_of, retry_line, took
from taskkit.cli.screen import duration, styled
from taskkit.model.run import Run

_REFRESHES = 8
_BAR = 24
_WIDE = 100
_GAP = 2
_MARGIN = 4  # where the terminal itself writes ^C; a line that it breaks is not drawn over again


class LiveView:
    """Status, phase, bar, attempt and time, kept up to date while the block lasts, and gone afterwards."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._spinner = Spinner("dots", style="cyan")
        self._run: Run | None = None
        self._note = ""
        self._failed = 0
        self._status = ""
        self._since = time.monotonic()
        self._live = Live(  # it asks for a picture at once
            console=console,
            get_renderable=self.picture,
            refresh_per_second=_REFRESHES,
            transient=True,
        )

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def show(self, update: Update) -> None:
        run = update.run
        if self._run is None:
            self._console.print(Text.assemble((run.task_id, "bold"), ("  " + run.id, "dim")))
        for entry in update.logs:
            self._console.print(log_line(entry))
        for attempt in run.past_attempts:
            if attempt.number > self._failed:
                self._failed = attempt.number
                self._console.print(Text(retry_line(run, attempt.number), style="yellow"))
        if run.status != self._status:
            self._status, self._since = run.status, time.monotonic()
        self._run = run
        self._live.refresh()

    def say(self, text: str) -> None:
        self._note = text
        self._live.refresh()

    def picture(self) -> RenderableType:
        """The lines at the foot: what the run does, and what its metadata says."""
        if self._run is None:
            return Text("")
        lines: list[RenderableType] = [self._status_line(self._run)]
        values = "  ".join(
            f"{name} {text}" for name, text in few_values(self._run.metadata).items()
        )
        if values:
            lines.append(Text("  " + values, style="dim", no_wrap=True, overflow="ellipsis"))
        if self._note:
            lines.append(Text("  " + self._note, style="yellow", no_wrap=True, overflow="ellipsis"))
        return Constrain(Group(*lines), self._width)

    @property
    def _width(self) -> int:
        return self._console.width - _MARGIN

    def _status_line(self, run: Run) -> Table:
        rest, progress = self._rest(run), progress_of(run.metadata)
        cells: list[RenderableType] = [self._spinner, styled(run.status)]
        after: list[RenderableType] = [Text(rest, style="dim")]
        used = 1 + len(run.status) + len(rest)
        if progress is not None:
            bar = _BAR if self._console.width >= _WIDE else _BAR // 2
            used += bar + 4
            after[:0] = [
                ProgressBar(total=1.0, completed=progress, width=bar),
                Text(f"{progress:4.0%}"),
            ]
        phase = Text(phase_of(run.metadata))
        if phase:
            left = self._width - used - _GAP * (len(cells) + len(after))
            phase.truncate(max(left, 1), overflow="ellipsis")
            cells.append(phase)
        line = Table.grid(padding=(0, _GAP))
        for _ in (*cells, *after):
            line.add_column(no_wrap=True)
        line.add_row(*cells, *after)
        return line

    def _rest(self, run: Run) -> str:
        """Which attempt it is, and how long it takes; what it waits for while it does nothing."""
        parts: list[str] = []
        if run.attempt > 1 or (run.attempt and run.is_queued):
            parts.append(f"attempt {run.attempt} of {run.request.max_attempts}")
        until = (run.available_at - datetime.now(UTC)).total_seconds()
        if run.is_queued and until > 0:
            parts.append(f"starts in {duration(until)}")
        elif run.is_waiting or run.is_queued:
            parts.append(f"for {duration(time.monotonic() - self._since)}")
        passed = took(run)
        if passed is not None:
            parts.append(duration(passed))
        return "  ".join(parts)
