"""Stores with a million rows that nobody has to wait for: real rows, copied by the database itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

import psycopg

from taskkit.backends.postgres import PostgresBackend
from taskkit.backends.sql.backend import SqlBackend
from taskkit.backends.sql.record import COLUMNS
from taskkit.backends.sqlite import SqliteBackend
from taskkit.model.exchange import ClaimSpec, Completed
from taskkit.model.ids import new_id
from taskkit.model.request import TriggerRequest

Kind = Literal["finished", "queued"]
RARE_EVERY = 1_000
"""One in so many finished runs failed, and has a tag and a task that few others have."""

_VARIED: Mapping[str, str] = {
    "number": "r.number + n.i",
    "rank": "r.rank + n.i",
    "run_id": "r.run_id || '_' || n.i",
    "created_at": "r.created_at + n.i",
    "available_at": "r.available_at + n.i",
    "queue_time": "r.queue_time + n.i",
    "sort": "r.sort + n.i / 1000000.0",
}
_FINISHED: Mapping[str, str] = {
    "task": f"CASE WHEN n.i % {RARE_EVERY} = 0 THEN 'rare' ELSE r.task END",
    "status": f"CASE WHEN n.i % {RARE_EVERY} = 0 THEN 'FAILED' ELSE r.status END",
    "tags": f"""CASE WHEN n.i % {RARE_EVERY} = 0 THEN '["common","rare"]' ELSE r.tags END""",
}


class Database(Protocol):
    """One database, empty at first."""

    url: str

    def backend(self) -> SqlBackend: ...

    def fill(self, run_id: str, count: int, varied: Mapping[str, str]) -> None:
        """Copy this run so many times, with these expressions in the place of its values."""


class SqliteFile:
    def __init__(self, folder: Path, name: str) -> None:
        self._path = folder / f"{name}.db"
        self.url = f"sqlite:///{self._path}"

    def backend(self) -> SqlBackend:
        return SqliteBackend.from_url(self.url)

    def fill(self, run_id: str, count: int, varied: Mapping[str, str]) -> None:
        numbers = "(WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i FROM n)"
        db = sqlite3.connect(self._path)
        with db:
            db.execute(_copies(numbers, varied), (count, run_id))
            for text in _tags():
                db.execute(text, (run_id,))
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()


class PostgresSchema:
    def __init__(self, dsn: str, url: str, name: str) -> None:
        self._dsn = dsn
        self._name = name
        self.url = f"{url}?schema={name}"

    def backend(self) -> SqlBackend:
        return PostgresBackend.from_url(self.url)

    def fill(self, run_id: str, count: int, varied: Mapping[str, str]) -> None:
        with psycopg.connect(self._dsn, autocommit=True) as db:
            db.execute(f'SET search_path = "{self._name}"'.encode())
            with db.transaction():
                text = _copies("generate_series(1, ?)", varied)
                db.execute(_spelt(text), (count, run_id))
                for text in _tags():
                    db.execute(_spelt(text), (run_id,))
                db.execute("SELECT setval('run_numbers', (SELECT max(number) FROM runs))")
            db.execute("VACUUM (ANALYZE)")  # as autovacuum does, soon
            db.execute("CHECKPOINT")


def _copies(numbers: str, varied: Mapping[str, str]) -> str:
    values = ", ".join([varied.get(column, f"r.{column}") for column in COLUMNS])
    return (
        f"INSERT INTO runs ({', '.join(COLUMNS)}) SELECT {values} FROM {numbers} AS n "
        "CROSS JOIN runs AS r WHERE r.run_id = ?"
    ).replace("generate_series(1, ?) AS n", "generate_series(1, ?) AS n (i)")


def _tags() -> tuple[str, ...]:
    copied = "number > (SELECT number FROM runs WHERE run_id = ?)"
    return (
        f"""INSERT INTO run_tags SELECT '"common"', number FROM runs WHERE tags IS NOT NULL AND {copied}""",
        f"""INSERT INTO run_tags SELECT '"rare"', number FROM runs WHERE task = 'rare' AND {copied}""",
    )


def _spelt(text: str) -> bytes:
    return text.replace("%", "%%").replace("?", "%s").encode()


def request(task: str, *, tags: tuple[str, ...] = ()) -> TriggerRequest:
    """A run as a trigger asks for it, in the task's own queue."""
    payload = b'{"number":1,"customer":"somebody","lines":[1,2,3,4,5,6,7,8,9,10]}'
    return TriggerRequest(new_id("run"), task, payload, f"task/{task}", tags=tags)


async def fill(database: Database, task: str, kind: Kind, count: int) -> None:
    """Make runs of this task: the first by the calls that workers make, the others as copies of it."""
    backend = database.backend()
    await backend.open()
    run = request(task, tags=("common",) if kind == "finished" else ())
    await backend.enqueue([run], batch_id=None, now=None)
    varied: dict[str, Any] = dict(_VARIED)
    if kind == "finished":
        spec = ClaimSpec(tasks=frozenset({task}))
        for lease in await backend.claim("filler", spec, limit=1, lease=30, now=None):
            await backend.settle(lease, Completed(b'{"total":55}'), now=None)
        varied |= _FINISHED
    await backend.close()
    database.fill(run.run_id, count - 1, varied)
