"""Where a task was defined, told so that a fresh interpreter can define it again."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from taskkit.definition.hooks import GLOBAL_HOOKS, Hook
from taskkit.definition.task_definition import TaskDefinition
from taskkit.errors import InvalidOptionError

_MAIN = "__main__"
_MAIN_AGAIN = "__mp_main__"
"""The name that multiprocessing gives a program's main module where it is imported and not started."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A module: its name, its file, and for a program started with -m the name it was started by."""

    name: str
    file: str | None
    started_as: str | None = None


def check_reachable(definition: TaskDefinition) -> None:
    """InvalidOptionError for a task that a fresh interpreter would not find by importing its module."""
    reason = _unreachable(definition)
    if reason is not None:
        raise InvalidOptionError(
            "isolation",
            "process",
            f"task {definition.id!r} ({definition.where}) {reason} Leave isolation out, or move the task to the "
            f"top level of a module.",
        )


def _unreachable(definition: TaskDefinition) -> str | None:
    if os.name != "posix":
        return "would need a child process that gets signals, which this system does not have."
    if definition.declared_in is None and "<locals>" in definition.qualname:
        return (
            "is defined inside a function, and a child process finds a task by importing its module, which "
            "does not call that function."
        )
    origin = origin_of(definition.declared_in or definition.module)
    if origin.file is None or not Path(origin.file).is_file():
        return (
            f"is defined in {origin.name}, which is no file: a child process cannot import what was typed into "
            f"an interpreter or a notebook."
        )
    return None


def origin_of(name: str) -> Origin:
    """The origin of a module of this process, by its name."""
    module = sys.modules.get(name)
    file = getattr(module, "__file__", None)
    spec = getattr(module, "__spec__", None) if name == _MAIN else None
    return Origin(
        name, None if file is None else str(Path(file).absolute()), getattr(spec, "name", None)
    )


def origins_of(definition: TaskDefinition) -> list[Origin]:
    """What to import for a task and its hooks, the global ones too, in the order it was imported here."""
    names = {definition.declared_in or definition.module}
    names |= {getattr(hook.fn, "__module__", None) or "" for hook in hooks_of(definition)}
    known = [name for name in list(sys.modules) if name in names]
    found = [origin_of(name) for name in known]
    return [origin for origin in found if origin.file is not None]


def hooks_of(definition: TaskDefinition) -> Iterator[Hook]:
    """Every hook that runs round the task."""
    yield from GLOBAL_HOOKS
    yield from definition.hooks


def import_origin(origin: Origin) -> None:
    """Import it; a program's main module without starting it, under the name `__mp_main__`."""
    if origin.name == _MAIN:
        _import_main(origin)
    elif origin.name not in sys.modules:
        if _is_found_by_name(origin):
            importlib.import_module(origin.name)
        else:
            _import_file(origin.name, origin)


def _is_found_by_name(origin: Origin) -> bool:
    import importlib.util  # a module that only this needs

    try:
        spec = importlib.util.find_spec(origin.name)
    except (ImportError, ValueError, AttributeError):
        return False
    return (
        spec is not None
        and spec.origin is not None
        and origin.file is not None
        and Path(spec.origin).resolve() == Path(origin.file).resolve()
    )


def _import_main(origin: Origin) -> None:
    if _MAIN_AGAIN in sys.modules:
        return
    before = sys.modules.get(_MAIN)
    try:
        _import_file(_MAIN_AGAIN, origin)
    except BaseException:
        if before is not None:
            sys.modules[_MAIN] = before
        raise


def _import_file(name: str, origin: Origin) -> None:
    import importlib.machinery
    import importlib.util  # two modules that only this needs

    assert origin.file is not None  # those without one are not sent here
    loader = importlib.machinery.SourceFileLoader(name, origin.file)
    spec = importlib.util.spec_from_file_location(name, origin.file, loader=loader)
    assert spec is not None  # a loader was given
    module = importlib.util.module_from_spec(spec)
    if origin.started_as is not None:  # its relative imports start from its package
        module.__spec__ = importlib.util.find_spec(origin.started_as)
        module.__package__ = module.__spec__.parent if module.__spec__ else None
    sys.modules[name] = module
    if name == _MAIN_AGAIN:
        sys.modules[_MAIN] = module  # what is pickled by that name is found in it
    try:
        code = loader.get_code(name)
        assert code is not None  # a source file has some
        exec(code, module.__dict__)  # noqa: S102 - what importing it does
    except BaseException:
        del sys.modules[name]
        raise
