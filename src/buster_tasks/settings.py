"""What an operator has set: a variable of the environment, else a key of `[tool.buster-tasks]`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

from buster_tasks.errors import SettingError


class Setting(NamedTuple):
    """A value, where it stands, and the folder that its paths begin in."""

    value: object
    where: str
    folder: Path


def find_setting(
    variable: str, key: str, start: Path | None = None, *, may_be_empty: bool = False
) -> Setting | None:
    """The variable if it is set, else the key in the nearest pyproject.toml that has it, from the folder `start` on.

    An empty variable counts as set where `may_be_empty` says so: nothing allowed is not the same as nothing said.
    Raises SettingError for a pyproject.toml that names buster-tasks and is no TOML.
    """
    said = os.environ.get(variable)
    if said is not None and (may_be_empty or said.strip()):
        return Setting(said, variable, Path.cwd())
    folder = (start or Path.cwd()).resolve()
    for place in (folder, *folder.parents):
        file = place / "pyproject.toml"
        value = _table_in(file).get(key)
        if value is not None:
            return Setting(value, f"{file}: {key} in [tool.buster-tasks]", place)
    return None


def _table_in(file: Path) -> Mapping[str, Any]:
    """Our table of the file, empty where there is none."""
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return {}
    if "buster-tasks" not in text:  # most projects' files are not worth parsing
        return {}
    import tomllib

    try:
        tools = tomllib.loads(text).get("tool", {})
    except tomllib.TOMLDecodeError as error:
        raise SettingError(f"{file} is not TOML: {error}.", fix="Mend the file.") from error
    return _table(_table(tools).get("buster-tasks", {}))


def _table(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}
