"""What a package shows in the terminal for the end of its own tasks' runs.

A package registers a view through the entry-point group `taskkit.views`, under the id of the task: a callable that gets
the Run and gives something that rich can print, or None to leave it to the command. It is loaded when such a run ends.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, cast

from taskkit.cli.screen import console, note
from taskkit.model.run import Run

if TYPE_CHECKING:
    from rich.console import RenderableType

GROUP: Final = "taskkit.views"
TaskView = Callable[[Run], Any]


def show_view(run: Run) -> bool:
    """Print the task's own view of the run, if it has one; whether it did. A view that fails is a remark on stderr."""
    from importlib.metadata import (
        entry_points,  # reads the disk, and only the end of a followed run needs it
    )

    entry = next(iter(entry_points(group=GROUP, name=run.task_id)), None)
    if entry is None:
        return False
    try:
        text = _text_of(cast("TaskView", entry.load()), run)
    except Exception as error:  # somebody else's code must not cost the user the output
        told = f"{type(error).__name__}: {error}"
        note(f"the view {entry.value} of task {run.task_id} failed: {told}")
        return False
    if text is None:
        return False
    sys.stdout.write(text)
    sys.stdout.flush()
    return True


def _text_of(view: TaskView, run: Run) -> str | None:
    """The whole text before any of it is printed: also what fails in the middle leaves nothing behind."""
    shown: RenderableType | None = view(run)
    if shown is None:
        return None
    screen = console()
    with screen.capture() as captured:
        screen.print(shown)
    return captured.get()
