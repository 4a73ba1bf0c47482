"""Which backend a command works on."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from taskkit import config
from taskkit.cli.problem import TROUBLE, Problem
from taskkit.errors import BackendNotConfiguredError, TaskkitError
from taskkit.runtime.current_backend import choose, configured_home
from taskkit.runtime.home import Home

_PASSWORD = re.compile(r"(://[^:/@\s]*):[^@\s]*@")


def shared_home() -> Home | None:
    """The configured backend, where other processes see its runs; None for one in memory, or none at all."""
    try:
        home = configured_home()
    except BackendNotConfiguredError:
        return None
    except TaskkitError:
        raise
    except Exception as error:  # a driver may raise what it likes
        raise unreachable(config.current().backend or "", error) from error
    return home if home.is_shared else None


@asynccontextmanager
async def reached(home: Home) -> AsyncGenerator[None]:
    """The backend is open and chosen in this block; a Problem where it cannot be reached."""
    try:
        await home.ready()
    except TaskkitError:
        raise
    except Exception as error:  # a driver may raise what it likes
        raise unreachable(home.name, error) from error
    try:
        with choose(home):
            yield
    finally:
        await home.close()


def without_password(url: str) -> str:
    """A URL, or a text with one, fit to be shown."""
    return _PASSWORD.sub(r"\1:***@", url)


def unreachable(backend: str, error: Exception) -> Problem:
    """What a driver raised, told as trouble with the backend."""
    return Problem(
        f"The backend {without_password(backend)} cannot be opened.",
        why=without_password(f"{type(error).__name__}: {error}"),
        fix="Check its URL, and that it runs and can be reached from here.",
        status=TROUBLE,
    )


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
    async with reached(home):
        yield home
