"""Where the catalog is: the environment, `[tool.buster-tasks]`, else the user's folder for data."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

from buster_tasks.errors import CatalogError

VARIABLE: Final = "BUSTER_TASKS_CATALOG"
NOTHING_KEPT: Final = "off"


def catalog_path(start: Path | None = None) -> Path | None:
    """The file of the catalog, or None where nothing is to be kept (`off`).

    `BUSTER_TASKS_CATALOG`, else `catalog` in `[tool.buster-tasks]` of the nearest pyproject.toml (from its folder on),
    else `buster-tasks/catalog.db` in the user's folder for data. Raises CatalogError for a setting that is no path.
    """
    said = os.environ.get(VARIABLE, "").strip()
    if said:
        return _path(said, Path.cwd())
    folder = (start or Path.cwd()).resolve()
    for place in (folder, *folder.parents):
        setting = _setting_in(place / "pyproject.toml")
        if setting is not None:
            return _path(setting, place)
    try:
        return _users_data() / "buster-tasks" / "catalog.db"
    except RuntimeError as error:  # in a container the user may have no name and no home
        raise _leads_nowhere("~", error) from error


def _path(said: str, folder: Path) -> Path | None:
    if said.lower() == NOTHING_KEPT:
        return None
    try:
        return folder / Path(said).expanduser()
    except RuntimeError as error:  # ~ of a user that does not exist
        raise _leads_nowhere(said, error) from error


def _leads_nowhere(path: str, error: Exception) -> CatalogError:
    return CatalogError(
        f"The path of the catalog, {path!r}, leads nowhere: {error}",
        fix=f"Give a file's path in {VARIABLE}, or {NOTHING_KEPT!r} to keep nothing.",
    )


def _setting_in(file: Path) -> str | None:
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    if "buster-tasks" not in text:  # most projects' files are not worth parsing
        return None
    import tomllib

    try:
        tools = tomllib.loads(text).get("tool", {})
    except tomllib.TOMLDecodeError as error:
        raise CatalogError(f"{file} is not TOML: {error}.", fix="Mend the file.") from error
    ours = _table(_table(tools).get("buster-tasks", {}))
    setting = ours.get("catalog")
    if setting is None or (isinstance(setting, str) and setting.strip()):
        return setting
    raise CatalogError(
        f"{file}: catalog in [tool.buster-tasks] is {setting!r}, which is no path.",
        fix=f"Give the path of a file as text, or {NOTHING_KEPT!r}.",
    )


def _table(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _users_data() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    given = os.environ.get("XDG_DATA_HOME", "")
    return Path(given) if given.startswith("/") else Path.home() / ".local" / "share"
