"""SQLite's result codes as our own errors."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from buster_tasks.errors import (
    ConnectionFailedError,
    DatabaseCorruptError,
    SourceBusyError,
    SourceError,
)
from buster_tasks.sources.failures import not_a_read, rejected


def typed_error(error: Exception, path: str) -> SourceError:
    """Our error for one of `sqlite3`, by its extended result code, else by the primary one."""
    extended = result_code(error)
    make = _BY_CODE.get(extended) or _BY_CODE.get(extended & 0xFF, _rejected)
    return make(path, str(error).rstrip("."))


def result_code(error: Exception) -> int:
    """SQLite's extended result code; 0 where Python itself raised the error."""
    return int(getattr(error, "sqlite_errorcode", 0))


def _rejected(path: str, text: str) -> SourceError:
    if text.startswith("not authorized"):  # a function, for which SQLite has no code of its own
        return _not_a_read(path, text)
    return rejected("SQLite", text)


def _locked(path: str, _text: str) -> SourceError:
    return SourceBusyError(
        f"{path!r} is locked by another connection.", fix="Try again when that one is done."
    )


def _unsound(path: str, text: str) -> SourceError:
    return DatabaseCorruptError(
        f"{path!r} is no sound SQLite database: {text}.", fix="Check the path, or restore the file."
    )


def _unrecovered(path: str, _text: str) -> SourceError:
    return ConnectionFailedError(
        f"{path!r} needs recovery after a crash of its last writer.",
        fix="Open it once with its own program, or set read_only=False in the credentials.",
        transient=False,
    )


def _not_a_read(_path: str, text: str) -> SourceError:
    return not_a_read(f"SQLite says: {text}")


def _unreachable(path: str, text: str) -> SourceError:
    return ConnectionFailedError(
        f"{path!r} cannot be read: {text}.", fix="Check the rights of the file and of its folder."
    )


_BY_CODE: dict[int, Callable[[str, str], SourceError]] = {
    sqlite3.SQLITE_BUSY: _locked,
    sqlite3.SQLITE_LOCKED: _locked,
    sqlite3.SQLITE_NOTADB: _unsound,
    sqlite3.SQLITE_CORRUPT: _unsound,
    sqlite3.SQLITE_READONLY_RECOVERY: _unrecovered,
    sqlite3.SQLITE_READONLY_CANTLOCK: _unrecovered,
    sqlite3.SQLITE_READONLY_ROLLBACK: _unrecovered,
    sqlite3.SQLITE_READONLY: _not_a_read,
    sqlite3.SQLITE_AUTH: _not_a_read,
    sqlite3.SQLITE_PERM: _not_a_read,
    sqlite3.SQLITE_CANTOPEN: _unreachable,
    sqlite3.SQLITE_IOERR: _unreachable,
}
