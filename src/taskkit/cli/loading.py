"""The task modules that a command works with."""

from __future__ import annotations

import importlib
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import taskkit
from taskkit import config
from taskkit.cli.options import Shared
from taskkit.cli.problem import TROUBLE, Problem
from taskkit.cli.screen import place
from taskkit.definition.discovery import discover, import_file
from taskkit.definition.registry import REGISTRY
from taskkit.errors import InvalidConfigError, InvalidOptionError, TaskkitError, shown

_PACKAGE = str(Path(taskkit.__file__).parent)
_FOREIGN = ("<", _PACKAGE, *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")))


def load(shared: Shared) -> None:
    """Apply `--backend`, and import what `--app` and the configured `dirs` name; a Problem says which failed."""
    for step in steps(shared):
        step()
    check_queues()


def check_queues() -> None:
    """A Problem where two places give one queue different limits."""
    try:
        REGISTRY.queues()
    except InvalidOptionError as error:
        raise Problem(
            f"{error.option[0].upper()}{error.option[1:]} is declared twice with different limits.",
            why=f"{shown(error.value)}: {error.reason}",
            status=TROUBLE,
        ) from error


def steps(shared: Shared) -> Iterator[Callable[[], None]]:
    """The same in pieces, so that one that fails does not hide the others."""
    if shared.backend is not None:
        taskkit.configure(backend=shared.backend)
    settings = config.current()
    root = settings.root or Path.cwd()
    for folder in (str(Path.cwd()), str(root)):
        if folder not in sys.path:  # a console script does not look in the working directory
            sys.path.insert(0, folder)
    for entry in settings.dirs:
        yield partial(_told, partial(discover, [entry], root), f"dirs: {entry}")
    for app in shared.app:
        yield partial(_told, partial(_load_app, app), f"--app {app}")


def _load_app(app: str) -> object:
    path = Path(app)
    if path.is_dir() and not app.isidentifier():
        return discover([path.resolve()], Path.cwd())
    if path.suffix == ".py" or "/" in app or "\\" in app:
        if not path.is_file():
            raise Problem(
                f"There is no file {app}.",
                where=f"--app {app}",
                fix="Give the path of a file with tasks, or the name of a module.",
            )
        return import_file(path.resolve(), Path.cwd())
    return importlib.import_module(app)


def _told(step: Callable[[], object], where: str) -> None:
    """Whatever a task module raises, told as a mistake of that module."""
    try:
        step()
    except Problem:
        raise
    except InvalidConfigError as error:
        if error.file is None or error.__cause__ is None:
            raise
        raise _cannot_be_imported(error.__cause__, where, error.file) from error
    except TaskkitError as error:
        raise Problem(str(error), where=_line_of(error) or where, status=TROUBLE) from error
    except (Exception, SystemExit) as error:
        if isinstance(error, ModuleNotFoundError) and _is_missing(error, where):
            raise Problem(
                f"There is no module {error.name!r}.",
                where=where,
                why=f"It is neither in {Path.cwd()} nor installed.",
                fix="Check its spelling, run this where the module is, or give the path of its file.",
            ) from error
        raise _cannot_be_imported(error, where, where) from error


def _is_missing(error: ModuleNotFoundError, where: str) -> bool:
    """The module itself is not there, and not one that it imports."""
    app = where.removeprefix("--app ")
    return error.name is not None and (app == error.name or app.startswith(f"{error.name}."))


def _cannot_be_imported(error: BaseException, where: str, file: str) -> Problem:
    name = place(file.removeprefix("--app ").removeprefix("dirs: "))
    return Problem(
        f"The task module {name} cannot be imported.",
        where=_line_of(error) or where,
        why=f"{type(error).__name__}: {error}",
        fix="Mend it, or leave the module out.",
        status=TROUBLE,
    )


def _line_of(error: BaseException) -> str:
    """The last line of the user's own code that the error came through."""
    if isinstance(error, SyntaxError) and error.filename:
        return place(error.filename, error.lineno)
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith(_FOREIGN)]
    return place(own[-1].filename, own[-1].lineno) if own else ""


def no_tasks_hint(ids: Sequence[str]) -> str:
    """What to do where a task is not known."""
    if ids:
        return "Name the module that defines it with --app. `taskkit tasks` lists what is known."
    return "No task is known here: name a module with --app, or its folder in [tool.taskkit] dirs."
