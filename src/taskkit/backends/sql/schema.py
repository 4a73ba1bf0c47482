"""The tables, and how an older database becomes a newer one.

Written as SQLite wants it; PostgreSQL spells some words differently. Times are whole microseconds since
1970 in UTC, so that they compare and sort exactly. What is only shown is JSON; what is searched for or changes
is a column. A step only adds, so that workers of the version before can go on with the database meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from taskkit.errors import BackendError
from taskkit.model.exchange import MigrationStatus

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
CREATE INDEX runs_ready ON runs (lane, sort, rank, number) WHERE place = 'ready';
CREATE INDEX runs_due ON runs (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX runs_cleanup ON runs (number) WHERE place = 'cleanup';
CREATE INDEX runs_slot ON runs (queue, key) WHERE slot = 1;
CREATE INDEX runs_batch ON runs (batch_id, number) WHERE batch_id IS NOT NULL;
CREATE INDEX runs_schedule ON runs (schedule_id, number) WHERE schedule_id IS NOT NULL;
CREATE INDEX runs_status ON runs (status, number);
CREATE INDEX runs_task ON runs (task, number);
CREATE INDEX runs_over ON runs (finished_at) WHERE place = 'over';
CREATE TABLE payloads (
    number INTEGER PRIMARY KEY,
    payload BLOB NOT NULL
);
CREATE TABLE run_tags (
    tag TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (tag, number)
) WITHOUT ROWID;
CREATE INDEX run_tags_number ON run_tags (number);
CREATE TABLE lanes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    queue TEXT NOT NULL,
    key TEXT,
    task TEXT NOT NULL,
    machine TEXT,
    holder TEXT
);
CREATE INDEX lanes_queue ON lanes (queue, key);
CREATE TABLE queues (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
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
INSERT INTO counters (name, value) VALUES ('round', 0), ('cancels', 0), ('purged', 0);
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
CREATE INDEX keys_number ON keys (number);
CREATE TABLE debounces (
    task TEXT NOT NULL,
    key TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (task, key)
) WITHOUT ROWID;
CREATE INDEX debounces_number ON debounces (number);
CREATE TABLE joined (run_id TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX joined_number ON joined (number);
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
    number INTEGER PRIMARY KEY AUTOINCREMENT,
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
CREATE INDEX tokens_over ON tokens (completed_at) WHERE status <> 'WAITING';
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
CREATE TABLE workers (
    name TEXT PRIMARY KEY,
    tasks TEXT NOT NULL,
    version TEXT,
    started_at INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    good_until INTEGER,
    stopped_at INTEGER,
    failure TEXT
) WITHOUT ROWID;
"""

MIGRATIONS: Final = (("first", _FIRST),)
"""Step n, with its name, takes a database from version n to version n + 1. What has been released is never changed."""


def latest() -> int:
    """The version that this taskkit works with."""
    return len(MIGRATIONS)


def status_of(version: int) -> MigrationStatus:
    """Where a database of this version stands."""
    return MigrationStatus(version, latest(), tuple(name for name, _ in MIGRATIONS[version:]))


def refuse_newer(version: int) -> None:
    """Raise BackendError where this taskkit is too old for the database."""
    if version > latest():
        raise BackendError(
            f"The database is of version {version}, and this taskkit knows versions up to {latest()}: a newer one "
            f"has written it. Upgrade taskkit here."
        )


def refuse_older(version: int) -> None:
    """Raise BackendError where the database has to be upgraded first, and a URL says that this is not done here."""
    if version < latest():
        raise BackendError(
            f"The database is of version {version}, this taskkit needs version {latest()}, and the backend URL says "
            f"migrate=no. Run `taskkit db upgrade`, or leave that out of the URL: then whoever opens it upgrades it."
        )


def statements_from(version: int) -> Iterator[str]:
    """What brings a database of this version to the latest; BackendError when it is of a newer one."""
    refuse_newer(version)
    for _, script in MIGRATIONS[version:]:
        for statement in script.split(";"):
            if statement.strip():
                yield statement
