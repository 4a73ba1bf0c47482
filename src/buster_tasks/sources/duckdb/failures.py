"""DuckDB's errors as our own, by their class: it has no codes."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from buster_tasks.errors import (
    ConnectionFailedError,
    DatabaseCorruptError,
    PermissionDeniedError,
    QueryFailedError,
    SourceBusyError,
    SourceError,
)
from buster_tasks.sources import failures

_MAGIC_AT, _MAGIC = 8, b"DUCK"


def rejected(error: duckdb.Error) -> SourceError:
    """Why a statement failed."""
    text = _text(error)
    if isinstance(error, duckdb.PermissionException):
        return PermissionDeniedError(
            f"A data source reads its own file and no other, and DuckDB says: {text}.",
            fix="Send one SELECT statement about the tables of the file.",
        )
    if isinstance(error, duckdb.IOException | duckdb.FatalException | duckdb.InternalException):
        return ConnectionFailedError(
            f"DuckDB cannot go on reading: {text}.", fix="Try again, or check the file."
        )
    if isinstance(error, duckdb.OutOfMemoryException):
        return QueryFailedError(
            f"The statement takes more memory than DuckDB may use: {text}.", fix="Narrow it down."
        )
    return failures.rejected("DuckDB", text)


def not_opened(error: duckdb.Error, path: Path) -> SourceError:
    """Why a file that is there could not be opened, by what the file itself shows."""
    where = str(path)
    if isinstance(error, duckdb.ConnectionException):
        return ConnectionFailedError(
            f"{where!r} is open in this process with other settings.",
            fix="Close the connection that this process has to it.",
            transient=False,
        )
    try:
        with path.open("rb") as file:
            if file.read(_MAGIC_AT + len(_MAGIC))[_MAGIC_AT:] != _MAGIC:
                return DatabaseCorruptError(
                    f"{where!r} is no DuckDB database.", fix="Check the path, or restore the file."
                )
            if _is_locked(file.fileno()):
                return SourceBusyError(
                    f"{where!r} is open for writing in another process.",
                    fix="Try again when that one is done.",
                )
    except OSError as reason:
        return PermissionDeniedError(
            f"{where!r} may not be read: {reason.strerror}.", fix="Change the rights of the file."
        )
    return ConnectionFailedError(
        f"{where!r} cannot be opened: {_text(error)}.",
        fix="Check that this version of duckdb can read the file.",
        transient=False,
    )


def _is_locked(descriptor: int) -> bool:
    if sys.platform == "win32":
        return False
    import fcntl

    try:
        fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    return False  # the lock goes with the descriptor


def _text(error: duckdb.Error) -> str:
    """The first line, without the excerpt of the statement."""
    return str(error).partition("\n")[0].rstrip(".")
