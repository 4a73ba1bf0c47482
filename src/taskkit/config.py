"""The configuration: `[tool.taskkit]` of pyproject.toml or taskkit.toml, and the environment."""

from __future__ import annotations

import importlib
import importlib.util
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, cast

from taskkit.errors import (
    InvalidConfigError,
    InvalidDurationError,
    InvalidOptionError,
    TaskkitError,
    shown,
)
from taskkit.model.duration import seconds, ttl_seconds
from taskkit.model.machine import preset_name
from taskkit.model.retry import Retry

LogLevel = Literal["none", "error", "warn", "info", "debug"]

_LOG_LEVELS = ("none", "error", "warn", "info", "debug")
_OWN_FILE = "taskkit.toml"
_SHARED_FILE = "pyproject.toml"
_VARIABLES = {
    "TASKKIT_BACKEND": "backend",
    "TASKKIT_PROJECT": "project",
    "TASKKIT_LOG_LEVEL": "log_level",
    "TASKKIT_MAX_DURATION": "max_duration",
}


@dataclass(frozen=True, slots=True)
class Retries:
    """What tasks without a retry policy of their own get, and whether anything is retried in development."""

    enabled_in_dev: bool = True
    default: Retry = Retry(3, 1, 10, 2, randomize=True)  # noqa: RUF009 - frozen


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of this process. Times in seconds; `max_duration` is infinite for no limit, `ttl` None.

    `dirs` are where task modules are, relative to `root`, the folder of the file that was read.
    """

    project: str | None = None
    dirs: tuple[str, ...] = ()
    max_duration: float = 3600.0
    machine: str | None = None
    log_level: LogLevel = "info"
    ttl: float | None = None
    backend: str | None = None
    retries: Retries = field(default_factory=Retries)
    root: Path | None = None


_KEYS = tuple(entry.name for entry in fields(Config) if entry.name != "root")
_current: Config | None = None


def current() -> Config:
    """The configuration of this process; read at the first call."""
    global _current  # noqa: PLW0603 - the one place where it is kept
    if _current is None:
        _current = load()
    return _current


def override(**changes: Any) -> Config:
    """Set what the file and the environment would set; InvalidConfigError names what cannot be used."""
    global _current  # noqa: PLW0603
    base = current()
    _current = replace(base, **_checked(changes, "configure()", base))
    return _current


def reset() -> None:
    """Forget everything that was read and overridden; the next look reads again."""
    global _current  # noqa: PLW0603
    _current = None


def load(start: Path | None = None) -> Config:
    """The configuration for the folder `start` (the working directory), with the environment's word on it.

    The nearest taskkit.toml, or pyproject.toml with `[tool.taskkit]`, counts, upwards from `start`; in one
    folder taskkit.toml. Raises InvalidConfigError that names file, key and value.
    """
    folder = (start or Path.cwd()).resolve()
    config = Config(root=folder)
    for place in (folder, *folder.parents):
        found = _settings_in(place)
        if found is not None:
            file, settings = found
            config = replace(config, root=place, **_checked(settings, str(file), config))
            break
    for variable, key in _VARIABLES.items():
        text = os.environ.get(variable)
        if text:
            config = replace(
                config, **_checked({key: _of_environment(key, text)}, variable, config)
            )
    return config


# --- reading ----------------------------------------------------------------------------------------


def _settings_in(folder: Path) -> tuple[Path, Mapping[str, Any]] | None:
    own, shared = folder / _OWN_FILE, folder / _SHARED_FILE
    if own.is_file():
        return own, _parsed(own, _text(own))
    if not shared.is_file():
        return None
    text = _text(shared)
    if "taskkit" not in text:  # most projects' files are not worth parsing
        return None
    tools = _parsed(shared, text).get("tool", {})
    settings = tools.get("taskkit") if isinstance(tools, dict) else None
    if settings is None:
        return None
    return shared, _table(settings, str(shared), "[tool.taskkit]")


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidConfigError(f"{file} cannot be read: {error}.", file=str(file)) from error


def _parsed(file: Path, text: str) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidConfigError(f"{file} is not TOML: {error}.", file=str(file)) from error


def _of_environment(key: str, text: str) -> str | float:
    if key != "max_duration":
        return text
    try:
        return float(text)
    except ValueError:
        return text


# --- checking ---------------------------------------------------------------------------------------


def _checked(settings: Mapping[str, Any], file: str, base: Config) -> dict[str, Any]:
    _refuse_unknown(settings, _KEYS, file, "")
    checked: dict[str, Any] = {}
    for key, value in settings.items():
        if key == "retries":
            checked[key] = _retries(value, file, base.retries)
        else:
            checked[key] = _guarded(_CHECKS[key], value, file, key)
    return checked


def _guarded(check: Callable[[Any], Any], value: Any, file: str, key: str) -> Any:
    try:
        return check(value)
    except (InvalidOptionError, InvalidDurationError) as error:
        raise InvalidConfigError(
            f"{file}: {key} is {shown(value)}: {error.reason}", file=file, key=key
        ) from None


def _refuse_unknown(
    settings: Mapping[str, Any], known: Sequence[str], file: str, prefix: str
) -> None:
    for key in settings:
        if key not in known:
            near = get_close_matches(str(key), known, n=1)
            guess = f" Did you mean {near[0]!r}?" if near else ""
            raise InvalidConfigError(
                f"{file}: {prefix}{key} = {shown(settings[key])} is no setting.{guess} "
                f"Settings are: {', '.join(known)}.",
                file=file,
                key=prefix + str(key),
            )


def _retries(value: object, file: str, base: Retries) -> Retries:
    if isinstance(value, Retries):
        return value
    table = _table(value, file, "retries")
    _refuse_unknown(table, ("enabled_in_dev", "default"), file, "retries.")
    enabled = _guarded(
        _flag, table.get("enabled_in_dev", base.enabled_in_dev), file, "retries.enabled_in_dev"
    )
    default = table.get("default", base.default)
    return Retries(
        enabled, default if isinstance(default, Retry) else _retry(default, file, base.default)
    )


def _retry(value: object, file: str, base: Retry) -> Retry:
    table = _table(value, file, "retries.default")
    known = [entry.name for entry in fields(Retry)]
    _refuse_unknown(table, known, file, "retries.default.")
    for name in table:
        _guarded(
            lambda given, name=name: Retry(**{name: given}),
            table[name],
            file,
            f"retries.default.{name}",
        )
    return replace(base, **table)


def _table(value: object, file: str, key: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidConfigError(
            f"{file}: {key} is {shown(value)}: it must be a table.", file=file, key=key
        )
    return cast("Mapping[str, Any]", value)


def _name(value: object) -> str | None:
    if value is None or (isinstance(value, str) and value):
        return value
    raise InvalidOptionError("it", value, "give a text that is not empty.")


def _folders(value: object) -> tuple[str, ...]:
    if isinstance(value, list | tuple):
        items = tuple(cast("Sequence[Any]", value))
        if all(isinstance(item, str | Path) and str(item) for item in items):
            return tuple(str(item) for item in items)
    raise InvalidOptionError("dirs", value, 'give a list of folders, for example ["tasks"].')


def _limit(value: Any) -> float:
    limit = math.inf if value is None else seconds(value, what="it", allow_infinite=True)
    if limit == 0:
        raise InvalidOptionError(
            "it", value, "an attempt needs some time; give more than 0, or inf for no limit."
        )
    return limit


def _machine(value: Any) -> str | None:
    return None if value is None else preset_name(value)


def _log_level(value: object) -> str:
    if isinstance(value, str) and value in _LOG_LEVELS:
        return value
    raise InvalidOptionError("log_level", value, f"give one of {', '.join(_LOG_LEVELS)}.")


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise InvalidOptionError("it", value, "give true or false.")


_CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "project": _name,
    "dirs": _folders,
    "max_duration": _limit,
    "machine": _machine,
    "log_level": _log_level,
    "ttl": ttl_seconds,
    "backend": _name,
}


# --- task modules -----------------------------------------------------------------------------------


def discover(dirs: Sequence[str | Path], root: Path) -> list[str]:
    """Import every task module under `dirs` (relative to `root`) and give their names, in order of path.

    Left out are names that begin with `_` or `.`, and tests. A module that was imported already is not
    imported again. Modules of a package are imported by its name, others by their path from `root`, which
    is put on the import path. InvalidConfigError names the file that is missing or cannot be imported.
    """
    root = root.resolve()
    names: dict[str, None] = {}
    for entry in dirs:
        folder = (root / entry).resolve()
        if not folder.is_dir():
            raise InvalidConfigError(
                f"dirs names {str(entry)!r}, but there is no folder {folder}. Folders are relative to {root}.",
                key="dirs",
            )
        _make_importable(root)
        for file in _task_files(folder):
            names[_imported(file, root)] = None
    return list(names)


def _task_files(folder: Path) -> Iterator[Path]:
    if (folder / "__init__.py").is_file():
        yield folder / "__init__.py"
    for path in sorted(folder.iterdir()):
        if path.name.startswith(("_", ".")):
            continue
        if path.is_dir() and path.name not in ("tests", "test"):
            yield from _task_files(path)
        elif path.suffix == ".py" and not _is_test(path):
            yield path


def _is_test(file: Path) -> bool:
    return (
        file.stem.startswith("test_")
        or file.stem.endswith("_test")
        or file.stem in ("conftest", "setup")
    )


def _imported(file: Path, root: Path) -> str:
    for name, module in list(sys.modules.items()):
        if getattr(module, "__file__", None) and Path(module.__file__ or "").resolve() == file:
            return name
    name = _module_name(file, root)
    try:
        if name is not None:
            importlib.import_module(name)
            return name
        return _imported_by_path(file)
    except (TaskkitError, KeyboardInterrupt):
        raise  # ours name their place themselves
    except BaseException as error:  # a module may also call sys.exit()
        raise InvalidConfigError(
            f"The task module {file} cannot be imported: {type(error).__name__}: {error}. Import it yourself to "
            f"see where, or keep it out of `dirs` with a name that begins with _.",
            file=str(file),
            key="dirs",
        ) from error


def _module_name(file: Path, root: Path) -> str | None:
    """The name by which Python finds this very file; None when there is none."""
    top = file.parent
    while (top / "__init__.py").is_file():
        top = top.parent
    in_package = top != file.parent
    if in_package:
        _make_importable(top)
    base = top if in_package else root
    if not file.is_relative_to(base):
        return None
    parts = file.relative_to(base).with_suffix("").parts
    parts = parts[:-1] if parts[-1] == "__init__" else parts
    if not parts or not all(part.isidentifier() for part in parts):
        return None
    name = ".".join(parts)
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError):
        return None if not in_package else name
    if spec is None or spec.origin is None or Path(spec.origin).resolve() != file:
        return None
    return name


def _imported_by_path(file: Path) -> str:
    name = f"taskkit_dirs_{sha256(str(file).encode()).hexdigest()[:8]}_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None, f"{file} ends in .py"
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return name


def _make_importable(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
