"""The file: made, opened, prepared."""

from __future__ import annotations

import os
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from urllib.parse import parse_qs, quote, unquote, urlsplit

from taskkit.backends.sql.schema import refuse_older
from taskkit.backends.sqlite.rights import warn_of_readers
from taskkit.backends.sqlite.schema import migrate, version_of
from taskkit.errors import BackendError, InvalidConfigError, StoreUnavailableError

_OLDEST: Final = (3, 37, 0)
_TRY_FOR: Final = 30.0
"""Seconds that a call waits for other processes to be done with writing."""

_FIX: Final = (
    "Write sqlite:///runs.db, or sqlite:////var/lib/app/runs.db for an absolute path; behind a ? may stand "
    "synchronous=full (the default) or synchronous=normal, and migrate=no."
)
Synchronous = Literal["full", "normal"]


@dataclass(frozen=True, slots=True)
class Place:
    """Which file, how surely a commit is on the disk when it returns, and whether opening an old one `upgrades` it."""

    path: Path
    synchronous: Synchronous = "full"
    upgrades: bool = True


def place_of(url: str) -> Place:
    """What a URL says; InvalidConfigError when that is no file."""
    parts = urlsplit(url)
    options = parse_qs(parts.query, keep_blank_values=True)
    synchronous = options.pop("synchronous", ["full"])[-1]
    migrate = options.pop("migrate", ["yes"])[-1]
    path = unquote(parts.path[1:])
    if parts.netloc or not path or path.endswith("/") or path == ":memory:" or options:
        raise InvalidConfigError(f"The backend URL {url!r} is not understood. {_FIX}")
    if synchronous not in ("full", "normal"):
        raise InvalidConfigError(
            f"The backend URL {url!r} asks for synchronous={synchronous!r}. {_FIX}"
        )
    if migrate not in ("yes", "no"):
        raise InvalidConfigError(f"The backend URL {url!r} asks for migrate={migrate!r}. {_FIX}")
    return Place(Path(path), "normal" if synchronous == "normal" else "full", migrate == "yes")


def connect(place: Place) -> sqlite3.Connection:
    """A connection to the file, which is made, or brought to this version, when that is needed."""
    if sqlite3.sqlite_version_info < _OLDEST:
        wanted = ".".join(map(str, _OLDEST))
        raise BackendError(
            f"SQLite {sqlite3.sqlite_version} is too old for the backend: {wanted} is needed. It comes with "
            f"Python; use a newer build."
        )
    if not place.upgrades and not place.path.exists():
        refuse_older(0)
    try:
        _make(place.path)
        db = sqlite3.connect(
            place.path,
            timeout=_TRY_FOR,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=512,
        )
    except (OSError, sqlite3.Error) as error:
        raise unavailable(place.path, error) from error
    try:
        _prepare(db, place)
    except sqlite3.Error as error:
        db.close()
        raise unavailable(place.path, error) from error
    except BaseException:
        db.close()
        raise
    return db


def version_at(path: Path) -> int:
    """The version of the file, which is left as it is; 0 where there is none."""
    if not path.exists():
        return 0
    try:
        db = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=_TRY_FOR)
        try:
            return version_of(db)
        finally:
            db.close()
    except sqlite3.Error as error:
        raise unavailable(path, error) from error


def unavailable(path: Path, error: Exception) -> StoreUnavailableError:
    """The error for a file that cannot be used just now."""
    return StoreUnavailableError(
        f"The SQLite file {str(path)!r} could not be used: {error}. Nothing of this call was stored. Look whether "
        f"the folder exists and may be written to, the disk has room, and no other program keeps the file locked."
    )


def _make(path: Path) -> None:
    """Payloads are nobody else's business: only the owner may read a file that is made here."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        warn_of_readers(path)
        return
    if os.name == "posix":
        _sync(path.parent)


def _sync(folder: Path) -> None:
    """SQLite makes what is in the file safe; that there is one at all is written in its folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _prepare(db: sqlite3.Connection, place: Place) -> None:
    until = time.monotonic() + _TRY_FOR
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError as error:
            # SQLite does not wait here when another process changes the mode at the same moment.
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.01)
    db.execute(f"PRAGMA synchronous = {place.synchronous.upper()}")
    db.execute("PRAGMA cache_size = -16000")
    migrate(db, upgrades=place.upgrades)
