"""The tables, and how an older file becomes a newer one.

Times are whole microseconds since 1970 in UTC, so that they compare and sort exactly. What is only shown is
JSON; what is searched for or changes is a column.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from taskkit.errors import BackendError

_FIRST = """
CREATE TABLE runs (
    number INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL UNIQUE,
    task TEXT NOT NULL,
    queue TEXT NOT NULL,
    key TEXT,
    batch_id TEXT,
    schedule_id TEXT,
    parent_id TEXT,
    created_at INTEGER NOT NULL,
    payload BLOB,
    options TEXT NOT NULL,
    status TEXT NOT NULL,
    available_at INTEGER NOT NULL,
    queue_time INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    delivery INTEGER NOT NULL,
    deaths INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    output BLOB,
    error TEXT,
    metadata TEXT,
    tags TEXT,
    past TEXT,
    attempt_started_at INTEGER,
    machine TEXT,
    cancel_reason TEXT,
    place TEXT NOT NULL,
    due_at INTEGER,
    lane INTEGER,
    rank INTEGER NOT NULL,
    sort REAL,
    payer TEXT,
    slot INTEGER,
    token TEXT,
    holder TEXT,
    lease REAL,
    outcome TEXT,
    waits TEXT,
    moments TEXT,
    cancel_requested INTEGER NOT NULL,
    orphaned INTEGER NOT NULL,
    ending TEXT
);
CREATE INDEX runs_ready ON runs (lane, sort, rank) WHERE place = 'ready';
CREATE INDEX runs_due ON runs (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX runs_cleanup ON runs (number) WHERE place = 'cleanup';
CREATE INDEX runs_slot ON runs (queue, key) WHERE slot = 1;
CREATE INDEX runs_batch ON runs (batch_id) WHERE batch_id IS NOT NULL;
CREATE INDEX runs_schedule ON runs (schedule_id) WHERE schedule_id IS NOT NULL;
CREATE TABLE lanes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    queue TEXT NOT NULL,
    key TEXT,
    task TEXT NOT NULL,
    machine TEXT,
    holder TEXT
);
CREATE INDEX lanes_queue ON lanes (queue);
CREATE TABLE queues (
    name TEXT PRIMARY KEY,
    declared INTEGER,
    override INTEGER,
    paused INTEGER NOT NULL DEFAULT 0,
    max_length INTEGER,
    turn INTEGER NOT NULL DEFAULT 0,
    round INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE gates (
    queue TEXT NOT NULL,
    key TEXT NOT NULL,
    turn INTEGER NOT NULL,
    PRIMARY KEY (queue, key)
) WITHOUT ROWID;
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counters VALUES ('round', 0), ('cancels', 0);
CREATE TABLE awaits (
    target TEXT NOT NULL,
    waiter INTEGER NOT NULL,
    wait_id TEXT NOT NULL,
    PRIMARY KEY (target, waiter, wait_id)
) WITHOUT ROWID;
CREATE INDEX awaits_waiter ON awaits (waiter, wait_id);
CREATE TABLE keys (
    task TEXT NOT NULL,
    key TEXT NOT NULL,
    number INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (task, key)
) WITHOUT ROWID;
CREATE TABLE debounces (
    task TEXT NOT NULL,
    key TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (task, key)
) WITHOUT ROWID;
CREATE TABLE joined (run_id TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE entries (
    number INTEGER NOT NULL,
    kind TEXT NOT NULL,
    position INTEGER NOT NULL,
    key TEXT,
    at INTEGER,
    data TEXT NOT NULL,
    PRIMARY KEY (number, kind, position)
) WITHOUT ROWID;
CREATE TABLE flushes (
    number INTEGER NOT NULL,
    flush_id TEXT NOT NULL,
    PRIMARY KEY (number, flush_id)
) WITHOUT ROWID;
CREATE TABLE tokens (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    key TEXT UNIQUE,
    status TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    output BLOB,
    timeout_at INTEGER,
    completed_at INTEGER,
    tags TEXT NOT NULL
);
CREATE INDEX tokens_due ON tokens (timeout_at) WHERE status = 'WAITING';
CREATE TABLE schedules (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    task TEXT NOT NULL,
    active INTEGER NOT NULL,
    next_at INTEGER,
    last_fired INTEGER,
    version INTEGER NOT NULL,
    data TEXT NOT NULL
);
CREATE INDEX schedules_next ON schedules (next_at) WHERE active = 1 AND next_at IS NOT NULL;
"""

MIGRATIONS: Final = (_FIRST,)
"""Number n takes a file from version n to version n + 1. What has been released is never changed."""


def migrate(db: sqlite3.Connection) -> None:
    """Bring the file to this version, in one transaction; BackendError when it is of a newer one."""
    if _version(db) == len(MIGRATIONS):
        return
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
    version = _version(db)
    if version > len(MIGRATIONS):
        raise BackendError(
            f"The database is of version {version}, and this taskkit knows versions up to {len(MIGRATIONS)}: a "
            f"newer one has written it. Upgrade taskkit here."
        )
    for script in MIGRATIONS[version:]:
        for statement in script.split(";"):
            if statement.strip():
                db.execute(statement)
    db.execute("DELETE FROM taskkit_version")
    db.execute("INSERT INTO taskkit_version VALUES (?)", (len(MIGRATIONS),))


def _version(db: sqlite3.Connection) -> int:
    """0 for a file that taskkit has not written to."""
    known = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'taskkit_version'").fetchone()
    if known is None:
        return 0
    row = db.execute("SELECT version FROM taskkit_version").fetchone()
    return 0 if row is None else int(row[0])
