"""What the rooms see of the database: rows as objects, within a transaction."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from taskkit.backends.sql.call import Call, Changes
from taskkit.backends.sql.encoding import to_json
from taskkit.backends.sql.queue_state import QueueState
from taskkit.backends.sql.record import COLUMNS, Record, row_of
from taskkit.backends.sql.watch import CHANGE_TOPIC, Watches
from taskkit.errors import RunNotFoundError
from taskkit.model.exchange import (
    CANCEL_TOPIC,
    WORK_TOPIC,
    batch_topic,
    end_topic,
    run_topic,
    tag_topic,
)
from taskkit.model.run import Run

QUEUES: Final = (
    "SELECT name, declared, override, paused, max_length, turn, round FROM queues ORDER BY number"
)
_PLACES = range(len(COLUMNS))
_TAGS = COLUMNS.index("tags")


class Rows(Protocol):
    """What a statement gives back."""

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...


class Store(ABC):
    """One connection, used by one thread. A row that was read is one object, which `flush` compares and writes.

    Statements are written for both databases, with ? for a value; what differs is a method or one of the
    texts below. `topics` are told to who watches, and `ends` handed to who waits, once the transaction is
    committed.
    """

    name: str
    """The database, as errors call it."""
    for_update = ""
    """Added to a query that decides what its rows become."""
    for_update_skip_locked = ""
    for_key_share = ""
    """Added to a query whose row must not be deleted meanwhile."""

    def __init__(self, watches: Watches) -> None:
        self._wants = watches.wants
        self._awaits_end = watches.awaits_end
        self._by_id: dict[str, Record] = {}
        self._by_number: dict[int, Record] = {}
        self._touched: dict[int, Record] = {}
        self._updates: dict[tuple[int, ...], str] = {}
        self._queues: dict[str, QueueState] | None = None
        self.lanes: dict[tuple[str | None, ...], int] = {}
        self.lane_names: dict[int, tuple[str, str | None, str, str | None, str | None]] = {}
        self.topics: set[str] = set()
        self.ends: dict[str, Run] = {}

    # --- the connection, which each database brings -------------------------------------------------

    @abstractmethod
    def execute(self, sql: str, values: Sequence[Any] = ()) -> Rows:
        """Carry out one statement."""

    @abstractmethod
    def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Carry out one statement for each row of values."""

    @abstractmethod
    def among(self, column: str, values: Sequence[Any]) -> tuple[str, Sequence[Any]]:
        """A condition that the column is one of these values, and what stands for its question marks."""

    @abstractmethod
    def select(
        self, where: str, values: Sequence[Any] = (), *, skip_locked: bool = False
    ) -> Iterator[Record]:
        """The rows that match, each the one object that stands for it, and held until the transaction is over.

        `skip_locked` leaves out those that somebody else holds.
        """

    @abstractmethod
    def peek(self, run_ids: Sequence[str]) -> list[Record]:
        """Those of these runs that are known, in order, only to be read."""

    @abstractmethod
    def unfinished(self, run_ids: Sequence[str]) -> set[str]:
        """Which of these runs have not ended; an end that is under way elsewhere is waited for."""

    @abstractmethod
    def next_number(self) -> int:
        """The number of the next new run; they rise."""

    @abstractmethod
    def insert(self, record: Record) -> bool:
        """Store a new run; False, and nothing else, when its id is known."""

    @abstractmethod
    def now(self) -> int:
        """The moment, by the clock that all who share the store go by."""

    def time(self) -> int:
        """The same as far as it is known, for any thread."""
        return self.now()

    def hold(self, numbers: Sequence[int]) -> None:
        """Read these runs, to change them."""
        return

    def hold_those(self, where: str, values: Sequence[Any]) -> None:
        """Keep others from these runs until the transaction is over; nothing is read."""
        return

    def hold_queue(self, name: str) -> None:
        """Keep others from changing or filling this queue until the transaction is over."""
        return

    def hold_claims(self) -> bool:
        """Keep others from claiming by turns and limits; whether somebody may have done so until now."""
        return False

    # --- transactions -------------------------------------------------------------------------------

    @abstractmethod
    def begin(self, calls: Sequence[Call[Any]], *, writes: bool, again: bool) -> None:
        """Start a transaction for these calls; `again` when it has failed before."""

    @abstractmethod
    def commit(self) -> None:
        """Make it last."""

    @abstractmethod
    def roll_back(self) -> None:
        """It did not happen."""

    @abstractmethod
    def told(self, error: Exception) -> Exception:
        """The error to tell for one of the driver's; others as they are."""

    def is_outdated(self, error: Exception) -> bool:
        """Whether the transaction relied on something that is no longer so, and has to look again."""
        return False

    def may_succeed_later(self, error: Exception) -> bool:
        """Whether only somebody else's transaction was in the way."""
        return False

    def is_lost(self, error: Exception) -> bool:
        """Whether the connection is gone, and with it every call of the transaction."""
        return False

    def changes_by_others(self) -> Changes | None:
        """What other processes have changed since the last look, where that has to be looked for."""
        return None

    @abstractmethod
    def close(self) -> None:
        """Let go of the connection."""

    def forget(self) -> None:
        """Read everything again when it is next asked for; what was not flushed is dropped."""
        self._by_id.clear()
        self._by_number.clear()
        self._touched.clear()
        self._queues = None

    def drop(self) -> None:
        """What was looked at since the last flush was not to be changed after all."""
        for number, record in self._touched.items():
            self._by_number.pop(number, None)
            self._by_id.pop(record.run_id, None)
        self._touched.clear()

    def gone(self, runs: Mapping[int, str]) -> None:
        """The rows of these runs, ids by number, were deleted."""
        for number, run_id in runs.items():
            self._by_number.pop(number, None)
            self._touched.pop(number, None)
            self._by_id.pop(run_id, None)

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
            raise RunNotFoundError(run_id, backend=self.name)
        return record

    def at(self, number: int) -> Record | None:
        record = self._by_number.get(number)
        if record is None:
            for record in self.select("WHERE number = ?", (number,)):
                return record
            return None
        self._touched[number] = record
        return record

    def _met(self, rows: Iterable[tuple[Any, ...]]) -> Iterator[Record]:
        for row in rows:
            record = self._by_number.get(row[0])
            if record is None:
                record = Record(row)
                self._keep(record)
            self._touched[record.number] = record
            yield record

    def _keep(self, record: Record) -> None:
        self._by_id[record.run_id] = record
        self._by_number[record.number] = record

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
            sql = self._updates[changed] = f"UPDATE runs SET {names} WHERE number = ?"
        self.execute(sql, [*[now[place] for place in changed], record.number])
        if _TAGS in changed:
            self.execute("DELETE FROM run_tags WHERE number = ?", (record.number,))
            self._index_tags(record)
        record.saved = now

    def _index_tags(self, record: Record) -> None:
        rows = [(to_json(tag), record.number) for tag in record.tag_list()]
        self.execute_many("INSERT INTO run_tags (tag, number) VALUES (?, ?)", rows)

    # --- waits --------------------------------------------------------------------------------------

    def may_be_awaited(self, targets: Sequence[str], *, is_likely: bool) -> bool:
        """Whether somebody may wait for one of these, of which most end without; `is_likely` is a guess."""
        return True

    def awaits(self, *, known: bool) -> None:
        """Somebody waits from now on; or, when that is not `known`, may no longer."""
        return

    # --- queues -------------------------------------------------------------------------------------

    def queues(self) -> dict[str, QueueState]:
        """Every queue's settings, by name."""
        if self._queues is None:
            rows = self.execute(QUEUES).fetchall()
            self._queues = {row[0]: QueueState(*row) for row in rows}
        return self._queues

    def look_at_queues_again(self) -> None:
        """Their settings are to be read anew, however fresh they are."""
        self._queues = None

    def queue(self, name: str) -> QueueState:
        state = self.queues().get(name)
        if state is None:
            state = self.queues()[name] = QueueState(name)
            self.execute("INSERT INTO queues (name) VALUES (?) ON CONFLICT DO NOTHING", (name,))
        return state

    def save_settings(self, state: QueueState) -> None:
        self.execute(
            "UPDATE queues SET declared = ?, override = ?, paused = ?, max_length = ? WHERE name = ?",
            (*state.settings(), state.name),
        )

    def save_turn(self, state: QueueState) -> None:
        self.execute(
            "UPDATE queues SET turn = ?, round = ? WHERE name = ?",
            (state.turn, state.round, state.name),
        )

    # --- counters -----------------------------------------------------------------------------------

    def counter(self, name: str) -> int:
        row = self.execute("SELECT value FROM counters WHERE name = ?", (name,)).fetchone()
        return int(row[0])

    def set_counter(self, name: str, value: int) -> None:
        self.execute("UPDATE counters SET value = ? WHERE name = ?", (value, name))

    # --- telling ------------------------------------------------------------------------------------

    def changed(self, record: Record) -> None:
        """Something about the run is not as it was."""
        if self._wants(CHANGE_TOPIC):
            self.topics.add(CHANGE_TOPIC)
        self.tell(run_topic(record.run_id))
        if record.tags is not None:
            for tag in record.tag_list():
                self.tell(tag_topic(tag))
        if record.batch_id is not None:
            self.tell(batch_topic(record.batch_id))

    def ended(self, record: Record) -> None:
        topic = end_topic(record.run_id)
        self.tell(topic)
        if self._awaits_end(topic):
            self.ends[record.run_id] = record.shown()
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
