"""The SQLite backend: one file, one thread that writes, every promise kept across crashes."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

from taskkit.backends.sql.kept_backend import KeptBackend
from taskkit.backends.sql.watch import Watches
from taskkit.backends.sqlite.connection import Place, connect, place_of, unavailable, version_at
from taskkit.backends.sqlite.schema import version_of
from taskkit.backends.sqlite.store import SqliteStore


class SqliteBackend(KeptBackend):
    """Runs live in one file and survive the process; several processes of one machine may share it.

    What a call has returned for is on the disk, with `synchronous` "full" also when the power fails. The
    file is used by one thread beside the event loop.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        super().__init__(f"The SQLite file {str(place.path)!r}", self._connect)

    @classmethod
    def from_url(cls, url: str) -> SqliteBackend:
        """`sqlite:///runs.db`, or `sqlite:////var/lib/app/runs.db?synchronous=normal`."""
        return cls(place_of(url))

    def __repr__(self) -> str:
        return f"SqliteBackend({str(self._place.path)!r})"

    def _version(self) -> int:
        return version_at(self._place.path)

    def _upgrade(self) -> int:
        db = connect(replace(self._place, upgrades=True))
        try:
            return version_of(db)
        finally:
            db.close()

    def _connect(self, watches: Watches) -> SqliteStore:
        db = connect(self._place)
        try:
            return SqliteStore(db, self._place.path, watches)
        except sqlite3.Error as error:
            db.close()
            raise unavailable(self._place.path, error) from error
