"""What sources may reach on this machine and from it, as its operator has set: hosts, and directories of files.

Without a setting everything may be reached. `connect` asks here before a source exists; when it opens, its session asks
again, by `network.addresses` or `network.check_host` with the addresses that a name has then, and by `check_path`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final, cast

from buster_tasks.errors import PathNotAllowedError, SettingError
from buster_tasks.settings import Setting, find_setting
from buster_tasks.sources.allowed_hosts import AllowedHosts

HOSTS: Final = "BUSTER_TASKS_HOSTS"
DIRECTORIES: Final = "BUSTER_TASKS_DIRECTORIES"


def is_restricted() -> bool:
    """Whether hosts or directories are restricted. Raises SettingError."""
    settings = ((HOSTS, "hosts"), (DIRECTORIES, "directories"))
    return any(find_setting(*setting, may_be_empty=True) is not None for setting in settings)


def allowed_hosts() -> AllowedHosts | None:
    """The hosts that may be connected to, None where all may.

    `BUSTER_TASKS_HOSTS`, with commas in between, else the list `hosts` in `[tool.buster-tasks]` of the nearest
    pyproject.toml. Raises SettingError.
    """
    setting = find_setting(HOSTS, "hosts", may_be_empty=True)
    if setting is None:
        return None
    return AllowedHosts(_texts(setting, ","), where=setting.where)


def check_path(path: str) -> None:
    """Raise PathNotAllowedError unless the file, behind all symbolic links, is in a directory that is allowed.

    Those are `BUSTER_TASKS_DIRECTORIES`, written as PATH is, else the list `directories` in `[tool.buster-tasks]`.
    Raises SettingError.
    """
    setting = find_setting(DIRECTORIES, "directories", may_be_empty=True)
    if setting is None:
        return
    allowed = [_resolved(text, setting.folder) for text in _texts(setting, os.pathsep)]
    file = _resolved(path, Path.cwd())
    if file is None or not any(one is not None and file.is_relative_to(one) for one in allowed):
        raise PathNotAllowedError(
            f"The file {path!r} is in none of the directories that files may be read from.",
            fix=f"Move it there, or ask whoever runs the worker to allow its directory: {setting.where}.",
        )


def _resolved(path: str, folder: Path) -> Path | None:
    """Where the path leads in the end, None for nowhere."""
    try:
        return (folder / Path(path).expanduser()).resolve()
    except (OSError, RuntimeError, ValueError):  # a circle of links, ~ of nobody, a NUL
        return None


def _texts(setting: Setting, separator: str) -> list[str]:
    """The entries of a list, or of one text."""
    value = setting.value
    if isinstance(value, str):
        value = [text for text in value.split(separator) if text.strip()]
    if isinstance(value, list):
        texts = cast("Sequence[object]", value)
        if all(isinstance(text, str) and text.strip() for text in texts):
            return [str(text).strip() for text in texts]
    raise SettingError(f"{setting.where} is {setting.value!r}.", fix="Give a list of texts.")
