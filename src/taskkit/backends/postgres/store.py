"""The database as the rooms see it: what a group of calls needs is fetched at once, and written at once."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import psycopg

from taskkit.backends.postgres.clock import Clock
from taskkit.backends.postgres.connection import Place, is_outage, may_succeed_later, told
from taskkit.backends.postgres.session import Answer, Session
from taskkit.backends.postgres.statement import (
    ENDS,
    GUARD,
    LOCKS,
    OUTDATED,
    RUNS,
    lock_number,
)
from taskkit.backends.postgres.writing import THIS_VERSION, insertions, updates
from taskkit.backends.sql.call import Call, Question
from taskkit.backends.sql.encoding import from_json, to_json
from taskkit.backends.sql.queue_state import QueueState
from taskkit.backends.sql.record import COLUMNS, LEASED, OVER, SELECT, Record, row_of
from taskkit.backends.sql.store import QUEUES, Rows, Store
from taskkit.backends.sql.watch import Watches

_TAGS: Final = COLUMNS.index("tags")
_MINE: Final = 5_000
"""Rows that are remembered at most."""
_NEEDED_FOR: Final = 10.0
"""Seconds for which a claim is expected to go by turns and limits again. Then it takes the lock of claims first: who
waits for that holds no rows, and nobody waits in a circle."""
_FRESH: Final = 1.0
"""Seconds for which the settings of queues are good. Claims look again."""


class PostgresStore(Store):
    """Statements go to the server in a pipeline; rows that change in the same columns are one statement.

    A row is read under a lock and forgotten after the commit, but for those that this process has claimed:
    they are remembered with their version, because nobody else is likely to change them. Whoever relies on
    that has `GUARD` before the commit; when it fails, the transaction is done again with a look at the rows.
    """

    name = "this PostgreSQL database"

    def __init__(
        self,
        place: Place,
        watches: Watches,
        committed: Callable[[set[str]], None] | None,
        clock: Clock | None = None,
    ) -> None:
        """Without `committed` it only reads, locks nothing, and goes by the `clock` of the one that writes."""
        super().__init__(watches)
        self._place = place
        self._committed = committed
        self._session = Session(place, writes=committed is not None)
        if committed is not None:
            self.for_update = " FOR UPDATE"
            self.for_update_skip_locked = " FOR UPDATE SKIP LOCKED"
            self.for_key_share = " FOR KEY SHARE"
        self._is_writing = False
        self._absent: set[str] = set()
        self._ended: dict[str, str] = {}
        self._ready: dict[str, tuple[tuple[Any, ...], Rows]] = {}
        self._new: list[tuple[Any, ...]] = []
        self._dirty: dict[int, tuple[tuple[Any, ...], tuple[Any, ...]]] = {}
        self._claims = lock_number(f"claims of {place.schema}")
        self._holds_claims = False
        self._needed_claims_at = -math.inf
        self._mine: dict[str, tuple[Record, int]] = {}
        self._versions: dict[int, int] = {}
        self._written: set[int] = set()
        self._relied_on: dict[int, int] = {}
        self._unawaited: list[str] = []
        self._is_sure = True
        self._known_queues: list[Any] = []
        self._queues_seen_at = 0.0
        self._moment = 0
        try:
            self.clock = clock or Clock(self._session)
        except Exception as error:
            self._session.close()
            raise told(place, error) from error

    def close(self) -> None:
        self._session.close()

    def told(self, error: Exception) -> Exception:
        return told(self._place, error)

    def may_succeed_later(self, error: Exception) -> bool:
        return may_succeed_later(error)

    def is_lost(self, error: Exception) -> bool:
        return is_outage(error) and not may_succeed_later(error)

    def is_outdated(self, error: Exception) -> bool:
        return isinstance(error, psycopg.Error) and error.sqlstate == OUTDATED

    # --- statements ---------------------------------------------------------------------------------

    def execute(self, sql: str, values: Sequence[Any] = ()) -> Rows:
        if self._ready and sql in self._ready:
            asked, answer = self._ready.pop(sql)
            if asked == tuple(values):
                return answer
        if self._new or self._dirty:
            self._write()
        return self._session.send(sql, values)

    def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        if self._new or self._dirty:
            self._write()
        self._session.send_many(sql, rows)

    def among(self, column: str, values: Sequence[Any]) -> tuple[str, Sequence[Any]]:
        return f"{column} = ANY(?)", (list(values),)

    # --- transactions -------------------------------------------------------------------------------

    def begin(self, calls: Sequence[Call[Any]], *, writes: bool, again: bool) -> None:
        """Begin, and fetch what the calls need: one way to the server and back for all of it."""
        self.topics, self.ends = set(), {}
        self._session.live()
        runs = {run_id: None for call in calls for run_id in call.needs.runs}
        if not writes:
            self._fetch_runs(list(runs))
            return
        self._is_writing, self._is_sure = True, again
        new = [run_id for call in calls for run_id in call.needs.new]
        claimed = [run_id for call in calls for run_id in call.needs.claimed]
        if again:
            runs |= dict.fromkeys([*new, *claimed])
        else:
            runs |= {run_id: None for run_id in claimed if not self._remember(run_id)}
        self._session.send("BEGIN ISOLATION LEVEL READ COMMITTED")
        asks = [call.needs.questions for call in calls if call.needs.questions is not None]
        names = {lock_number(name) for call in calls for name in call.needs.names}
        if asks and time.monotonic() < self._needed_claims_at + _NEEDED_FOR:
            names.add(self._claims)
            self._holds_claims = True
        if names:
            self._session.send(LOCKS, (sorted(names),))
        asked = [questions() for questions in asks]
        queues = self._ask_queues() if asked else None
        clock = self.clock.ask(len(new))
        ends = [run_id for call in calls for run_id in call.needs.ends]
        ended = self._ask_ends([*ends, *runs, *claimed] if ends else ends)
        self._ask([question for questions in asked for question in questions])
        self._fetch_runs(list(runs))
        if ended is not None:
            self._ended |= ended.fetchall()
        self.clock.see(clock)
        if queues is not None:
            self._see_queues(queues)
        self._moment = self.clock.now()

    def _remember(self, run_id: str) -> bool:
        """Take the row as this process has left it."""
        record, version = self._mine.pop(run_id, (None, 0))
        if record is None:
            return False
        self._keep(record)
        self._relied_on[record.number] = version
        return True

    def _ask(self, questions: Sequence[Question]) -> None:
        for sql, values, selects in questions:
            text = f"{SELECT}{sql} FOR UPDATE SKIP LOCKED" if selects else sql
            self._ready[text] = (values, self._session.send(text, values))

    def _ask_ends(self, run_ids: Sequence[str]) -> Answer | None:
        self._ended = dict.fromkeys(run_ids, OVER)  # one that is unknown is not waited for
        return self._session.send(ENDS, (list(self._ended),)) if run_ids else None

    def _fetch_runs(self, run_ids: list[str]) -> None:
        if run_ids:
            rows = self._session.send(RUNS + self._lock_text(), (run_ids,)).fetchall()
            self._versions = {row[0]: row[-1] for row in rows}
            for record in self._met(row[:-1] for row in rows):
                self._mine.pop(record.run_id, None)
            self._touched.clear()
            self._absent = {run_id for run_id in run_ids if run_id not in self._by_id}

    def _lock_text(self) -> str:
        return self.for_update if self._is_writing else ""

    def commit(self) -> None:
        if self._is_writing:
            self._write()
            leased = [record for record in self._by_id.values() if record.place == LEASED]
            version = self._session.send(f"SELECT {THIS_VERSION}") if leased else None
            if self._relied_on or self._unawaited:
                numbers = list(self._relied_on)
                self._session.send(GUARD, (numbers, len(numbers), self._unawaited))
            self._session.send("COMMIT")
            clock = self.clock.ask_again()
            self._session.sync()
            if version is not None:
                self._keep_mine(leased, version.fetchall()[0][0])
            self.clock.see(clock)
            if self.topics and self._committed is not None:
                self._committed(self.topics)
        self.forget()

    def _keep_mine(self, leased: Sequence[Record], version: int) -> None:
        for record in leased:
            if record.number in self._written:
                self._mine[record.run_id] = (record, version)
            elif record.number in self._versions:
                self._mine[record.run_id] = (record, self._versions[record.number])
        while len(self._mine) > _MINE:
            del self._mine[next(iter(self._mine))]

    def roll_back(self) -> None:
        self.topics, self.ends = set(), {}
        self.forget()
        self.lanes.clear()  # one that was made by this transaction is not there
        self._queues_seen_at = 0.0
        self._session.roll_back()

    def forget(self) -> None:
        super().forget()
        self._absent = set()
        self._ended = {}
        self._ready = {}
        self._new = []
        self._dirty = {}
        self._versions = {}
        self._written = set()
        self._relied_on = {}
        self._unawaited = []
        self._holds_claims = False
        self._is_writing = False

    # --- runs ---------------------------------------------------------------------------------------

    def find(self, run_id: str) -> Record | None:
        return None if run_id in self._absent else super().find(run_id)

    def select(
        self, where: str, values: Sequence[Any] = (), *, skip_locked: bool = False
    ) -> Iterator[Record]:
        lock = self._lock_text()
        skip = " SKIP LOCKED" if lock and skip_locked else ""
        return self._met(self.execute(f"{SELECT}{where}{lock}{skip}", values).fetchall())

    def peek(self, run_ids: Sequence[str]) -> list[Record]:
        missing = [run_id for run_id in run_ids if run_id not in self._by_id]
        found = dict(self._by_id)
        if missing:
            for row in self.execute(SELECT + "WHERE run_id = ANY(?)", (missing,)).fetchall():
                record = Record(row)
                found[record.run_id] = record
        return [found[run_id] for run_id in run_ids if run_id in found]

    def hold(self, numbers: Sequence[int]) -> None:
        missing = sorted({number for number in numbers if number not in self._by_number})
        if missing:
            for _ in self.select("WHERE number = ANY(?) ORDER BY number DESC", (missing,)):
                pass

    def hold_those(self, where: str, values: Sequence[Any]) -> None:
        self.execute(f"SELECT 1 FROM runs WHERE {where} ORDER BY number DESC FOR UPDATE", values)

    def unfinished(self, run_ids: Sequence[str]) -> set[str]:
        unknown = [
            run_id for run_id in run_ids if run_id not in self._by_id and run_id not in self._ended
        ]
        if unknown:
            self._ended |= dict.fromkeys(unknown, OVER) | dict(
                self.execute(ENDS, (unknown,)).fetchall()
            )
        return {run_id for run_id in run_ids if self._place_of(run_id) != OVER}

    def _place_of(self, run_id: str) -> str:
        record = self._by_id.get(run_id)
        return self._ended[run_id] if record is None else record.place

    def next_number(self) -> int:
        return self.clock.next_number()

    def insert(self, record: Record) -> bool:
        """A run whose id turns out to be known fails the transaction; it is done again with a look before."""
        if record.run_id in self._by_id:
            return False
        record.saved = row_of(record)
        self._new.append(record.saved)
        self._keep(record)
        self._absent.discard(record.run_id)
        return True

    # --- writing ------------------------------------------------------------------------------------

    def _update(self, record: Record, now: tuple[Any, ...]) -> None:
        before, _ = self._dirty.get(record.number, (record.saved, None))
        self._dirty[record.number] = (before, now)
        record.saved = now

    def _write(self) -> None:
        """Send what was gathered; the answers are looked at with the next one that is asked for."""
        new, self._new = self._new, []
        dirty, self._dirty = self._dirty, {}
        for sql, values in insertions(new):
            self._session.send(sql, values)
        self._write_tags(new, are_new=True)
        for places, rows, statements in updates(dirty.values(), self._relied_on):
            for sql, values in statements:
                self._session.send(sql, values)
            self._written.update([row[0] for row in rows])
            if _TAGS in places:
                self._write_tags(rows, are_new=False)

    def _write_tags(self, rows: Sequence[tuple[Any, ...]], *, are_new: bool) -> None:
        if not are_new:
            self._session.send(
                "DELETE FROM run_tags WHERE number = ANY(?)", ([row[0] for row in rows],)
            )
        tags = [
            (to_json(tag), row[0]) for row in rows if row[_TAGS] for tag in from_json(row[_TAGS])
        ]
        self._session.send_many("INSERT INTO run_tags (tag, number) VALUES (?, ?)", tags)

    # --- waits --------------------------------------------------------------------------------------

    def may_be_awaited(self, targets: Sequence[str], *, is_likely: bool) -> bool:
        if self._is_sure or is_likely:
            return True
        self._unawaited += targets
        return False

    # --- queues -------------------------------------------------------------------------------------

    def queues(self) -> dict[str, QueueState]:
        if self._queues is None:
            if time.monotonic() > self._queues_seen_at + _FRESH:
                self._see_queues(self._ask_queues())
            self._queues = {row[0]: QueueState(*row) for row in self._known_queues}
        return self._queues

    def _ask_queues(self) -> Rows:
        return self.execute(QUEUES)

    def _see_queues(self, rows: Rows) -> None:
        self._known_queues = rows.fetchall()
        self._queues_seen_at = time.monotonic()

    def look_at_queues_again(self) -> None:
        self._queues, self._queues_seen_at = None, 0.0

    def queue(self, name: str) -> QueueState:
        if name not in self.queues():
            self.look_at_queues_again()  # another process may have made it since
        return super().queue(name)

    def save_settings(self, state: QueueState) -> None:
        super().save_settings(state)
        self._queues_seen_at = 0.0

    def hold_queue(self, name: str) -> None:
        self.execute("SELECT 1 FROM queues WHERE name = ? FOR UPDATE", (name,))
        self.look_at_queues_again()

    def hold_claims(self) -> bool:
        self._needed_claims_at = time.monotonic()
        if self._holds_claims:
            return False
        self.execute(LOCKS, ([self._claims],))
        self._holds_claims = True
        self.look_at_queues_again()
        return True

    # --- time ---------------------------------------------------------------------------------------

    def now(self) -> int:
        """The database's clock: one moment for a transaction."""
        return self._moment if self._is_writing else self.clock.now()

    def time(self) -> int:
        return self.clock.now()

    # --- telling ------------------------------------------------------------------------------------

    def tell(self, topic: str) -> None:
        self.topics.add(topic)  # somebody may watch elsewhere
