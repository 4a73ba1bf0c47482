"""The configuration: `[tool.taskkit]` of pyproject.toml or taskkit.toml, and the environment."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, cast

from taskkit.errors import (
    InvalidConfigError,
    InvalidDurationError,
    InvalidOptionError,
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
    global _current  # noqa: PLW0603 - kept here and nowhere else
    if _current is None:
        _current = load()
    return _current


def override(**changes: Any) -> Config:
    """Set what the file and the environment would set; InvalidConfigError names what cannot be used."""
    global _current  # noqa: PLW0603 - kept here and nowhere else
    base = current()
    _current = replace(base, **_checked(changes, "configure()", base))
    return _current


def adopt(config: Config) -> None:
    """Take the configuration of another process."""
    global _current  # noqa: PLW0603 - kept here and nowhere else
    _current = config


def reset() -> None:
    """Forget everything that was read and overridden; the next look reads again."""
    global _current  # noqa: PLW0603 - kept here and nowhere else
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


def origins(start: Path | None = None) -> dict[str, str]:
    """Where each setting that `load` finds was said: a file or an environment variable. The rest are defaults."""
    folder = (start or Path.cwd()).resolve()
    found = next(filter(None, map(_settings_in, (folder, *folder.parents))), None)
    said = dict.fromkeys(found[1], str(found[0])) if found else {}
    return said | {
        key: variable for variable, key in _VARIABLES.items() if os.environ.get(variable)
    }


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
    tools = _table(_parsed(shared, text).get("tool", {}), str(shared), "[tool]")
    if "taskkit" not in tools:
        return None
    return shared, _table(tools["taskkit"], str(shared), "[tool.taskkit]")


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
        raise _unusable(file, key, value, error.reason) from None


def _unusable(file: str, key: str, value: object, reason: str) -> InvalidConfigError:
    return InvalidConfigError(f"{file}: {key} is {_shown(value)}: {reason}", file=file, key=key)


def _shown(value: object) -> str:
    # A URL of a database may stand under a misspelt key, and its password is nobody's to read.
    return re.sub(r"(://[^:/@\s]*):[^@\s]*@", r"\1:********@", shown(value))


def _refuse_unknown(
    settings: Mapping[str, Any], known: Sequence[str], file: str, prefix: str
) -> None:
    for key in settings:
        if key not in known:
            near = get_close_matches(str(key), known, n=1)
            guess = f" Did you mean {near[0]!r}?" if near else ""
            raise InvalidConfigError(
                f"{file}: {prefix}{key} = {_shown(settings[key])} is no setting.{guess} "
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
    try:
        return replace(base, **table)
    except InvalidOptionError as error:
        key = f"retries.default.{error.option}"
        raise _unusable(file, key, error.value, error.reason) from None


def _table(value: object, file: str, key: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _unusable(file, key, value, "it must be a table.")
    return cast("Mapping[str, Any]", value)


def _name(value: object) -> str | None:
    if value is None or (isinstance(value, str) and value):
        return value
    raise InvalidOptionError("it", value, "give a text that is not empty.")


def _folders(value: object) -> tuple[str, ...]:
    items = _items(value)
    if items is None or not all(map(_is_folder, items)):
        raise InvalidOptionError("it", value, 'give a list of folders, for example ["tasks"].')
    return tuple(map(str, items))


def _items(value: object) -> Sequence[Any] | None:
    return cast("Sequence[Any]", value) if isinstance(value, list | tuple) else None


def _is_folder(value: object) -> bool:
    return isinstance(value, str | Path) and str(value) != ""


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
    raise InvalidOptionError("it", value, f"give one of {', '.join(_LOG_LEVELS)}.")


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
