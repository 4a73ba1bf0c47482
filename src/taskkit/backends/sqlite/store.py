"""The connection of the writer's thread, and what it knows of the rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from taskkit.backends.sqlite.queue_state import QueueState
from taskkit.backends.sqlite.record import COLUMNS, INSERT, SELECT, Record, row_of
from taskkit.errors import RunNotFoundError
from taskkit.model.exchange import (
    CANCEL_TOPIC,
    WORK_TOPIC,
    batch_topic,
    end_topic,
    run_topic,
    tag_topic,
)

_PLACES = range(len(COLUMNS))
_KEPT, _KEPT_BYTES = 5_000, 32_000_000


class Store:
    """Rows that were read are kept from one transaction to the next, until another process has written.

    Everything runs on one thread. `topics` are told to who watches once the transaction is committed;
    `wants` says whether anybody would hear one.
    """

    def __init__(self, db: sqlite3.Connection, wants: Callable[[str], bool]) -> None:
        self.db = db
        self._wants = wants
        self._by_id: dict[str, Record] = {}
        self._by_number: dict[int, Record] = {}
        self._touched: dict[int, Record] = {}
        self._bytes = 0
        self._updates: dict[tuple[int, ...], str] = {}
        self._has_awaits: bool | None = None
        self._queues: dict[str, QueueState] | None = None
        self.lanes: dict[tuple[str | None, ...], int] = {}
        self.lane_names: dict[int, tuple[str, str | None, str, str | None, str | None]] = {}
        self._next_number: int | None = None
        self._seen = self._data_version()
        self.topics: set[str] = set()
        self.others_wrote = False

    # --- transactions -------------------------------------------------------------------------------

    def begin(self, *, writes: bool) -> None:
        """Immediate for what may write: a transaction that only then asks for the lock fails at once."""
        self.db.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
        self.topics = set()
        self.look()

    def commit(self) -> None:
        self.db.execute("COMMIT")
        if len(self._by_number) > _KEPT or self._bytes > _KEPT_BYTES:
            self.forget()

    def roll_back(self) -> None:
        if self.db.in_transaction:
            self.db.execute("ROLLBACK")
        self.topics = set()
        self.forget()
        self.lanes.clear()  # the ids of those that were made will be given to others
        self.lane_names.clear()

    def look(self) -> None:
        """Notice that another process has written; what was kept is no longer good then."""
        version = self._data_version()
        if version != self._seen:
            self._seen = version
            self.others_wrote = True
            self.forget()

    def _data_version(self) -> int:
        return int(self.db.execute("PRAGMA data_version").fetchone()[0])

    def forget(self) -> None:
        """Read everything again when it is next asked for; what was not flushed is dropped."""
        self._by_id.clear()
        self._by_number.clear()
        self._touched.clear()
        self._bytes = 0
        self._has_awaits = None
        self._queues = None
        self._next_number = None

    # --- runs ---------------------------------------------------------------------------------------

    def find(self, run_id: str) -> Record | None:
        record = self._by_id.get(run_id)
        if record is None:
            for record in self.select("WHERE run_id = ?", (run_id,)):
                return record
            return None
        self._touched[record.number] = record
        return record

    def known(self, run_id: str) -> Record:
        record = self.find(run_id)
        if record is None:
            raise RunNotFoundError(run_id, backend="this SQLite file")
        return record

    def at(self, number: int) -> Record | None:
        record = self._by_number.get(number)
        if record is None:
            for record in self.select("WHERE number = ?", (number,)):
                return record
            return None
        self._touched[number] = record
        return record

    def select(self, where: str, values: Sequence[Any] = ()) -> Iterator[Record]:
        """The rows that match, each the one object that stands for it."""
        for row in self.db.execute(SELECT + where, values).fetchall():
            record = self._by_number.get(row[0])
            if record is None:
                record = Record(row)
                self._keep(record)
            self._touched[record.number] = record
            yield record

    def _keep(self, record: Record) -> None:
        self._by_id[record.run_id] = record
        self._by_number[record.number] = record
        self._bytes += len(record.payload or b"") + len(record.output or b"")

    def next_number(self) -> int:
        """The number of the next new run; they rise, and the lock keeps others from taking it."""
        number = self._next_number
        if number is None:
            row = self.db.execute("SELECT ifnull(max(number), 0) FROM runs").fetchone()
            number = self._next_number = int(row[0]) + 1
        return number

    def insert(self, record: Record) -> bool:
        """Store a new run; False, and nothing else, when its id is known."""
        row = record.saved = row_of(record)
        if self.db.execute(INSERT, row).rowcount == 0:
            return False
        self._keep(record)
        self._next_number = record.number + 1
        return True

    def untouch(self) -> None:
        """What was looked at was only read."""
        self._touched.clear()

    def flush(self) -> None:
        """Write what has changed of the rows that were looked at since."""
        for record in self._touched.values():
            now = row_of(record)
            if now != record.saved:
                self._update(record, now)
        self._touched.clear()

    def _update(self, record: Record, now: tuple[Any, ...]) -> None:
        saved = record.saved
        changed = tuple([place for place in _PLACES if now[place] != saved[place]])
        sql = self._updates.get(changed)
        if sql is None:
            names = ", ".join([f"{COLUMNS[place]} = ?" for place in changed])
            sql = self._updates[changed] = f"UPDATE runs SET {names} WHERE number = ?"  # noqa: S608 - our own names, no value
        self.db.execute(sql, [*[now[place] for place in changed], record.number])
        record.saved = now

    # --- waits --------------------------------------------------------------------------------------

    @property
    def has_awaits(self) -> bool:
        """Somebody may wait for a run or a token; most runs end without, and need not be looked for."""
        if self._has_awaits is None:
            row = self.db.execute("SELECT EXISTS (SELECT 1 FROM awaits)").fetchone()
            self._has_awaits = bool(row[0])
        return self._has_awaits

    @has_awaits.setter
    def has_awaits(self, value: bool | None) -> None:
        """None: look again."""
        self._has_awaits = value

    # --- queues -------------------------------------------------------------------------------------

    def queues(self) -> dict[str, QueueState]:
        """Every queue's settings, by name."""
        if self._queues is None:
            rows = self.db.execute(
                "SELECT name, declared, override, paused, max_length, turn, round FROM queues ORDER BY rowid"
            ).fetchall()
            self._queues = {row[0]: QueueState(*row) for row in rows}
        return self._queues

    def queue(self, name: str) -> QueueState:
        state = self.queues().get(name)
        if state is None:
            state = self.queues()[name] = QueueState(name)
            self.db.execute("INSERT INTO queues (name) VALUES (?)", (name,))
        return state

    def save_queue(self, state: QueueState) -> None:
        self.db.execute(
            "UPDATE queues SET declared = ?, override = ?, paused = ?, max_length = ?, turn = ?, round = ? "
            "WHERE name = ?",
            (*state.settings(), state.name),
        )

    # --- counters -----------------------------------------------------------------------------------

    def counter(self, name: str) -> int:
        row = self.db.execute("SELECT value FROM counters WHERE name = ?", (name,)).fetchone()
        return int(row[0])

    def set_counter(self, name: str, value: int) -> None:
        self.db.execute("UPDATE counters SET value = ? WHERE name = ?", (value, name))

    # --- telling ------------------------------------------------------------------------------------

    def changed(self, record: Record) -> None:
        """Something about the run is not as it was."""
        self.tell(run_topic(record.run_id))
        if record.tags is not None:
            for tag in record.tag_list():
                self.tell(tag_topic(tag))
        if record.batch_id is not None:
            self.tell(batch_topic(record.batch_id))

    def ended(self, record: Record) -> None:
        self.tell(end_topic(record.run_id))
        self.changed(record)

    def tell(self, topic: str) -> None:
        if self._wants(topic):
            self.topics.add(topic)

    def wake(self) -> None:
        """A worker may find something."""
        self.topics.add(WORK_TOPIC)

    def wake_canceled(self) -> None:
        """A run that somebody holds is asked to end."""
        self.topics.add(CANCEL_TOPIC)
        self.set_counter("cancels", self.counter("cancels") + 1)
