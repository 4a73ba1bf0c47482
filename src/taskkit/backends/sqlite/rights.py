"""Who else may read a file with runs."""

from __future__ import annotations

import logging
import os
import shlex
import stat
from pathlib import Path

_log = logging.getLogger("taskkit.sqlite")
_told: set[Path] = set()


def warn_of_readers(path: Path) -> None:
    """Say so, once in a process, where others than the owner may read or change a file that was here before."""
    if os.name != "posix" or path in _told:
        return
    beside = (f"{path}-wal", f"{path}-shm")  # made with the rights that the file had then
    wide = [
        file
        for file in (path, *map(Path, beside))
        if stat.S_ISREG(_mode(file)) and _mode(file) & 0o077
    ]
    if wide:
        _told.add(path)
        _log.warning(
            "others than the owner may read or change the runs in %s, payloads and outputs included. Run: chmod 600 %s",
            path,
            shlex.join(map(str, wide)),
        )


def _mode(file: Path) -> int:
    try:
        return file.stat().st_mode
    except OSError:  # it is not there, or no longer
        return 0
