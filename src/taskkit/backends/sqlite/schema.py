"""The file's version, and how an older one becomes a newer one."""

from __future__ import annotations

import sqlite3

from taskkit.backends.sql.schema import latest, refuse_older, statements_from


def migrate(db: sqlite3.Connection, *, upgrades: bool = True) -> None:
    """Bring the file to this version, in one transaction; BackendError when it is of a newer one.

    Unless it `upgrades`, an older one is refused too.
    """
    version = version_of(db)
    if version == latest():
        return
    if not upgrades:
        refuse_older(version)
    db.execute("BEGIN IMMEDIATE")
    try:
        _apply(db)
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise


def _apply(db: sqlite3.Connection) -> None:
    """Another process may have done it while this one waited for the lock."""
    db.execute("CREATE TABLE IF NOT EXISTS taskkit_version (version INTEGER NOT NULL)")
    for statement in statements_from(version_of(db)):
        db.execute(statement)
    db.execute("DELETE FROM taskkit_version")
    db.execute("INSERT INTO taskkit_version VALUES (?)", (latest(),))


def version_of(db: sqlite3.Connection) -> int:
    """0 for a file that taskkit has not written to."""
    known = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'taskkit_version'").fetchone()
    if known is None:
        return 0
    row = db.execute("SELECT version FROM taskkit_version").fetchone()
    return 0 if row is None else int(row[0])
