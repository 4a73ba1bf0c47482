"""The file as the rooms see it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from taskkit.backends.sql.call import Call, Changes
from taskkit.backends.sql.encoding import micros, to_json
from taskkit.backends.sql.record import COLUMNS, INSERT, SELECT, Record, row_of
from taskkit.backends.sql.store import Rows, Store
from taskkit.backends.sql.watch import Watches
from taskkit.backends.sqlite.connection import unavailable

_KEPT, _KEPT_BYTES = 5_000, 32_000_000
_LONG: Final = 2_000
"""Bytes of a payload that stands apart: whenever a row changes its length, SQLite writes all of it again."""
_APART: Final = b"\0"
"""Stands for such a payload; no JSON begins with it."""
_PAYLOAD: Final = COLUMNS.index("payload")


class SqliteStore(Store):
    """Rows that were read are kept from one transaction to the next, until another process has written."""

    name = "this SQLite file"

    def __init__(self, db: sqlite3.Connection, path: Path, watches: Watches) -> None:
        super().__init__(watches)
        self.db = db
        self._path = path
        self._bytes = 0
        self._next_number: int | None = None
        self._has_awaits: bool | None = None
        self._seen = self._data_version()
        self._others_wrote = False
        self._cancels = self.counter("cancels")

    def execute(self, sql: str, values: Sequence[Any] = ()) -> Rows:
        return self.db.execute(sql, values)

    def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        self.db.executemany(sql, rows)

    def among(self, column: str, values: Sequence[Any]) -> tuple[str, Sequence[Any]]:
        if len(values) == 1:
            return f"{column} = ?", values
        # One value for any number of them: the statement stays the same, and their number has no limit.
        return f"{column} IN (SELECT value FROM json_each(?))", (to_json(list(values)),)

    # --- transactions -------------------------------------------------------------------------------

    def begin(self, calls: Sequence[Call[Any]], *, writes: bool, again: bool) -> None:
        """Immediate for what may write: a transaction that only then asks for the lock fails at once."""
        self.db.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
        self.topics = set()
        self.ends = {}
        self.look()

    def commit(self) -> None:
        self.db.execute("COMMIT")
        if len(self._by_number) > _KEPT or self._bytes > _KEPT_BYTES:
            self.forget()

    def roll_back(self) -> None:
        self.topics = set()
        self.ends = {}
        self.forget()
        self.lanes.clear()  # the ids of those that were made will be given to others
        self.lane_names.clear()
        if self.db.in_transaction:
            self.db.execute("ROLLBACK")

    def look(self) -> None:
        """Notice that another process has written; what was kept is no longer good then."""
        version = self._data_version()
        if version != self._seen:
            self._seen = version
            self._others_wrote = True
            self.forget()

    def _data_version(self) -> int:
        return int(self.db.execute("PRAGMA data_version").fetchone()[0])

    def changes_by_others(self) -> Changes | None:
        """What other processes have changed since the last look."""
        try:
            self.look()
            if not self._others_wrote:
                return None
            self._others_wrote = False
            cancels = self.counter("cancels")
        except sqlite3.Error:
            return None  # the next call that asks for something is told
        canceled, self._cancels = cancels != self._cancels, cancels
        return Changes(set(), {}, by_others=True, canceled=canceled)

    def told(self, error: Exception) -> Exception:
        if isinstance(error, sqlite3.Error):
            told = unavailable(self._path, error)
            told.__cause__ = error
            return told
        return error

    def is_lost(self, error: Exception) -> bool:
        """Whoever keeps the file locked keeps every call from it; one by one they would wait as long again, each."""
        code = getattr(error, "sqlite_errorcode", 0) if isinstance(error, sqlite3.Error) else 0
        return code & 0xFF == sqlite3.SQLITE_BUSY

    def close(self) -> None:
        self.db.close()

    def forget(self) -> None:
        super().forget()
        self._bytes = 0
        self._next_number = None
        self._has_awaits = None

    # --- runs ---------------------------------------------------------------------------------------

    def select(
        self, where: str, values: Sequence[Any] = (), *, skip_locked: bool = False
    ) -> Iterator[Record]:
        return self._met(map(self._whole, self.db.execute(SELECT + where, values).fetchall()))

    def _whole(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """The row with its payload, where that stands apart."""
        if row[_PAYLOAD] != _APART or row[0] in self._by_number:
            return row
        found = self.db.execute(
            "SELECT payload FROM payloads WHERE number = ?", (row[0],)
        ).fetchone()
        return (*row[:_PAYLOAD], found[0], *row[_PAYLOAD + 1 :])

    def peek(self, run_ids: Sequence[str]) -> list[Record]:
        return [record for run_id in run_ids if (record := self.find(run_id)) is not None]

    def unfinished(self, run_ids: Sequence[str]) -> set[str]:
        return {record.run_id for record in self.peek(run_ids) if not record.is_final}

    def _keep(self, record: Record) -> None:
        super()._keep(record)
        self._bytes += len(record.payload or b"") + len(record.output or b"")

    def next_number(self) -> int:
        """They rise, and the lock keeps others from taking it."""
        number = self._next_number
        if number is None:
            highest = self.db.execute("SELECT ifnull(max(number), 0) FROM runs").fetchone()[0]
            number = self._next_number = max(highest, self.counter("purged")) + 1
        return number

    def gone(self, runs: Mapping[int, str]) -> None:
        super().gone(runs)
        highest = max(runs, default=0)
        if highest > self.counter("purged"):
            self.set_counter("purged", highest)  # so that its number is not given to another

    def insert(self, record: Record) -> bool:
        row = record.saved = row_of(record)
        payload = record.payload
        if payload is not None and len(payload) > _LONG:
            row = (*row[:_PAYLOAD], _APART, *row[_PAYLOAD + 1 :])
        if self.db.execute(INSERT + " ON CONFLICT (run_id) DO NOTHING", row).rowcount == 0:
            return False
        if row is not record.saved:
            self.db.execute(
                "INSERT INTO payloads (number, payload) VALUES (?, ?)", (record.number, payload)
            )
        self._keep(record)
        if record.tags is not None:
            self._index_tags(record)
        self._next_number = record.number + 1
        return True

    def now(self) -> int:
        return micros(datetime.now(UTC))

    # --- waits --------------------------------------------------------------------------------------

    def may_be_awaited(self, targets: Sequence[str], *, is_likely: bool) -> bool:
        if self._has_awaits is None:
            row = self.db.execute("SELECT EXISTS (SELECT 1 FROM awaits)").fetchone()
            self._has_awaits = bool(row[0])
        return self._has_awaits

    def awaits(self, *, known: bool) -> None:
        self._has_awaits = True if known else None

    # --- telling ------------------------------------------------------------------------------------

    def wake_canceled(self) -> None:
        super().wake_canceled()
        self.set_counter("cancels", self.counter("cancels") + 1)
