"""The catalog's file: its tables, connections to it, and what SQLite's errors mean."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from buster_tasks.errors import CatalogError

VERSION: Final = 1
WAIT_SECONDS = 20.0

_TABLES: Final = """
CREATE TABLE contents (hash TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT;
CREATE TABLE snapshots (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    source TEXT NOT NULL,
    kind TEXT NOT NULL,
    taken_at TEXT NOT NULL,
    hash TEXT NOT NULL,
    complete INTEGER NOT NULL,
    filters TEXT NOT NULL,
    counts TEXT NOT NULL,
    issues TEXT NOT NULL
) STRICT;
CREATE INDEX snapshots_by_source ON snapshots (source, taken_at, number);
CREATE INDEX snapshots_by_content ON snapshots (hash);
-- what can be searched: of each source and filters the newest snapshot, and its rows in `search`
CREATE TABLE indexed (
    source TEXT NOT NULL,
    filters TEXT NOT NULL,
    snapshot TEXT NOT NULL,
    taken_at TEXT NOT NULL,
    first INTEGER,
    last INTEGER,
    digest TEXT NOT NULL,
    keys TEXT NOT NULL,
    PRIMARY KEY (source, filters)
) STRICT;
"""
_SEARCH: Final = """
CREATE VIRTUAL TABLE IF NOT EXISTS search USING fts5(
    name, related, place, comment, sample, object UNINDEXED,
    tokenize = 'porter unicode61 remove_diacritics 2'
)
"""


def has_search(connection: sqlite3.Connection) -> bool:
    """Whether this interpreter's SQLite has FTS5, and so the file an index."""
    found = connection.execute("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'").fetchone()
    return found is not None


@contextmanager
def reading(path: Path) -> Generator[sqlite3.Connection | None]:
    """A connection for reads that see one state; None where nothing was kept yet."""
    if not path.exists():
        yield None
        return
    with _connected(path) as connection:
        if _version(connection, path) == 0:
            yield None
            return
        connection.execute("BEGIN")
        yield connection


def selected(
    connection: sqlite3.Connection | None, sql: str, *values: str | int
) -> list[tuple[Any, ...]]:
    """The rows; none where nothing was kept yet."""
    return [] if connection is None else connection.execute(sql, values).fetchall()


def first(
    connection: sqlite3.Connection | None, sql: str, *values: str | int
) -> tuple[Any, ...] | None:
    """The first row, where there is one."""
    return next(iter(selected(connection, sql, *values)), None)


@contextmanager
def writing(path: Path) -> Generator[sqlite3.Connection]:
    """A connection that holds the lock for writes; what was written counts when the block ends without an error."""
    with _told(path):
        _make_file(path)
    with _connected(path) as connection:
        # A file of a later version is not even switched to another way of writing.
        if _version(connection, path) == 0:
            with suppress(sqlite3.OperationalError):  # somebody else is just doing it
                connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("BEGIN IMMEDIATE")
        try:
            if _version(connection, path) == 0:
                _create(connection)
            if has_search(connection):
                connection.execute(_SEARCH)
            yield connection
        except BaseException:
            if connection.in_transaction:  # a full disk has ended it already
                connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")


def _make_file(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # What a source holds is not for every user of the machine: SQLite gives the same rights to the files beside it.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


@contextmanager
def _connected(path: Path) -> Generator[sqlite3.Connection]:
    with (
        _told(path),
        closing(sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None)) as connection,
    ):
        yield connection


@contextmanager
def _told(path: Path) -> Generator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise CatalogError(
            f"The catalog {str(path)!r} cannot be used: {error}.",
            fix="Give the path of another file in BUSTER_TASKS_CATALOG, or 'off' to keep nothing.",
            transient=_is_busy(error),
        ) from error


def _is_busy(error: BaseException) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _version(connection: sqlite3.Connection, path: Path) -> int:
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found > VERSION:
        raise CatalogError(
            f"The catalog {str(path)!r} was written by a later version of buster-tasks.",
            fix="Update buster-tasks, or give another file in BUSTER_TASKS_CATALOG.",
        )
    return int(found)


def _create(connection: sqlite3.Connection) -> None:
    for statement in _TABLES.split(";"):
        if statement.strip():
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION}")
