"""Where the catalog is: the environment, `[tool.buster-tasks]`, else the user's folder for data."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from buster_tasks.errors import CatalogError, SettingError
from buster_tasks.settings import Setting, find_setting

VARIABLE: Final = "BUSTER_TASKS_CATALOG"
NOTHING_KEPT: Final = "off"


def catalog_path(start: Path | None = None) -> Path | None:
    """The file of the catalog, or None where nothing is to be kept (`off`).

    `BUSTER_TASKS_CATALOG`, else `catalog` in `[tool.buster-tasks]` of the nearest pyproject.toml (from its folder on),
    else `buster-tasks/catalog.db` in the user's folder for data. Raises CatalogError for a setting that is no path.
    """
    try:
        setting = find_setting(VARIABLE, "catalog", start)
    except SettingError as error:
        raise CatalogError(error.message, fix=error.fix) from error
    if setting is not None:
        return _path(_text(setting), setting.folder)
    try:
        return _users_data() / "buster-tasks" / "catalog.db"
    except RuntimeError as error:  # in a container the user may have no name and no home
        raise _leads_nowhere("~", error) from error


def _text(setting: Setting) -> str:
    if isinstance(setting.value, str) and setting.value.strip():
        return setting.value.strip()
    raise CatalogError(
        f"{setting.where} is {setting.value!r}, which is no path.",
        fix=f"Give the path of a file as text, or {NOTHING_KEPT!r}.",
    )


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


def _users_data() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    given = os.environ.get("XDG_DATA_HOME", "")
    return Path(given) if given.startswith("/") else Path.home() / ".local" / "share"
