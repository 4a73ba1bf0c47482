"""Which backend a command works on."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from taskkit.cli.problem import TROUBLE, Problem
from taskkit.errors import BackendNotConfiguredError
from taskkit.runtime.current_backend import choose, configured_home
from taskkit.runtime.home import Home


def shared_home() -> Home | None:
    """The configured backend, where other processes see its runs; None for one in memory, or none at all."""
    try:
        home = configured_home()
    except BackendNotConfiguredError:
        return None
    return home if home.is_shared else None


@asynccontextmanager
async def opened_home(what: str) -> AsyncGenerator[Home]:
    """The backend that keeps runs, opened; a Problem where there is none, since memory ends with its process."""
    home = shared_home()
    if home is None:
        raise Problem(
            f"There are no runs to {what}.",
            why="Runs in memory end with the process that triggered them, and no other backend is configured.",
            fix="Name a backend that keeps runs: --backend URL, TASKKIT_BACKEND, or backend under [tool.taskkit].",
            status=TROUBLE,
        )
    await home.ready()
    try:
        with choose(home):
            yield home
    finally:
        await home.close()
