"""The database as the rooms see it: what a group of calls needs is fetched at once, and written at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from hashlib import blake2b
from itertools import groupby
from typing import Any, Final

import psycopg
from psycopg.pq import TransactionStatus

from taskkit.backends.postgres.connection import Place, connect, is_outage, may_succeed_later, told
from taskkit.backends.postgres.schema import migrate
from taskkit.backends.sql.call import Call
from taskkit.backends.sql.encoding import from_json, to_json
from taskkit.backends.sql.queue_state import QueueState
from taskkit.backends.sql.record import COLUMNS, OVER, SELECT, Record, row_of
from taskkit.backends.sql.store import Rows, Store

_CLOCK: Final = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
_NUMBERS: Final = ", ARRAY(SELECT nextval('run_numbers') FROM generate_series(1, ?))"
_LOCKS: Final = "SELECT pg_advisory_xact_lock(one) FROM unnest(?::bigint[]) AS one"
_ENDS: Final = "SELECT run_id, place FROM runs WHERE run_id = ANY(?) ORDER BY number DESC FOR SHARE"
# Children come before their parents, here and when their ends are told: so nobody waits in a circle.
_RUNS: Final = SELECT + "WHERE run_id = ANY(?) ORDER BY number DESC"
_TAGS: Final = COLUMNS.index("tags")


class PostgresStore(Store):
    """Nothing is kept from one transaction to the next. Statements go to the server in a pipeline.

    What is written is gathered, and sent when something is next asked: rows of a group that change in the
    same columns are one statement. With `reads_only` nothing is locked.
    """

    name = "this PostgreSQL database"

    def __init__(
        self,
        place: Place,
        wants: Callable[[str], bool],
        committed: Callable[[set[str]], None] | None,
    ) -> None:
        super().__init__(wants)
        self._place = place
        self._committed = committed
        self._reads_only = committed is None
        if not self._reads_only:
            self.for_update = " FOR UPDATE"
            self.for_update_skip_locked = " FOR UPDATE SKIP LOCKED"
            self.for_key_share = " FOR KEY SHARE"
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        self._entered: Any = None
        self._pipeline: Any = None
        self._spelt: dict[str, bytes] = {}
        self._is_writing = False
        self._absent: set[str] = set()
        self._ends: dict[str, str] = {}
        self._numbers: list[int] = []
        self._new: list[tuple[Any, ...]] = []
        self._dirty: dict[int, tuple[tuple[Any, ...], tuple[Any, ...]]] = {}
        self._holds_claims = False
        self._clock = (0, 0.0)
        self.open()

    # --- the connection -----------------------------------------------------------------------------

    def open(self) -> None:
        """Connect, and make the tables where they are missing."""
        connection = None
        try:
            connection = connect(self._place)
            if not self._reads_only:
                migrate(connection, self._place.schema)
            self._entered = connection.pipeline()
            self._pipeline = self._entered.__enter__()
            self._connection = connection
            self._see_clock()
        except Exception as error:
            self._connection = None
            if connection is not None:
                connection.close()
            raise told(self._place, error) from error

    def _live(self) -> psycopg.Connection[tuple[Any, ...]]:
        if self._connection is None or self._connection.closed:
            self.open()
        assert self._connection is not None
        return self._connection

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                self._entered.__exit__(None, None, None)
            connection.close()

    def told(self, error: Exception) -> Exception:
        return told(self._place, error)

    def may_succeed_later(self, error: Exception) -> bool:
        return may_succeed_later(error)

    def is_lost(self, error: Exception) -> bool:
        return is_outage(error) and not may_succeed_later(error)

    # --- statements ---------------------------------------------------------------------------------

    def execute(self, sql: str, values: Sequence[Any] = ()) -> Rows:
        if self._new or self._dirty:
            self._write()
        return self._send(sql, values)

    def _send(self, sql: str, values: Sequence[Any] = ()) -> psycopg.Cursor[tuple[Any, ...]]:
        return self._live().execute(self._text(sql), values, prepare=True, binary=True)

    def _text(self, sql: str) -> bytes:
        text = self._spelt.get(sql)
        if text is None:
            text = self._spelt[sql] = sql.replace("?", "%s").encode()
        return text

    def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        if self._new or self._dirty:
            self._write()
        self._send_many(sql, rows)

    def _send_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        if len(rows) == 1:
            self._send(sql, rows[0])
        elif rows:
            self._live().cursor().executemany(self._text(sql), rows)

    def among(self, column: str, values: Sequence[Any]) -> tuple[str, Sequence[Any]]:
        return f"{column} = ANY(?)", (list(values),)

    # --- transactions -------------------------------------------------------------------------------

    def begin(self, calls: Sequence[Call[Any]], *, writes: bool, again: bool) -> None:
        """Begin, and fetch what the calls need: one way to the server and back for all of it."""
        self.topics, self.ends = set(), {}
        self._is_writing = writes
        runs = {run_id: None for call in calls for run_id in call.needs.runs}
        if again:
            runs |= {run_id: None for call in calls for run_id in call.needs.new}
        if not writes:
            self._fetch_runs(list(runs))
            return
        self._live()
        self._send("BEGIN ISOLATION LEVEL READ COMMITTED")
        clock = self._send(_CLOCK + _NUMBERS, (sum(len(call.needs.new) for call in calls),))
        names = sorted({_lock(name) for call in calls for name in call.needs.names})
        if names:
            self._send(_LOCKS, (names,))
        queues = self._ask_queues()
        ends = {run_id: None for call in calls for run_id in call.needs.ends}
        shared = self._send(_ENDS, (list(ends),)) if ends else None
        if runs:
            self._fetch_runs(list(runs))
        if shared is not None:
            self._ends = dict(shared.fetchall())
            self._ends |= {run_id: OVER for run_id in ends if run_id not in self._ends}
        now, self._numbers = clock.fetchall()[0]
        self._numbers.reverse()
        self._clock = (now, time.monotonic())
        self._queues = {row[0]: QueueState(*row) for row in queues.fetchall()}

    def _fetch_runs(self, run_ids: list[str]) -> None:
        if run_ids:
            rows = self._send(_RUNS + self._lock_text(), (run_ids,)).fetchall()
            for _ in self._met(rows):
                pass
            self._touched.clear()
            self._absent = {run_id for run_id in run_ids if run_id not in self._by_id}

    def _lock_text(self) -> str:
        return self.for_update if self._is_writing else ""

    def commit(self) -> None:
        if self._is_writing:
            self._write()
            self._send("COMMIT")
            self._pipeline.sync()
            if self.topics and self._committed is not None:
                self._committed(self.topics)
        self.forget()

    def roll_back(self) -> None:
        self.topics, self.ends = set(), {}
        self.forget()
        self.lanes.clear()  # one that was made by this transaction is not there
        connection = self._connection
        if connection is None:
            return
        try:
            with suppress(psycopg.Error):
                self._pipeline.sync()
            if connection.info.transaction_status != TransactionStatus.IDLE:
                connection.execute("ROLLBACK", prepare=True)
                self._pipeline.sync()
                # At a rollback psycopg forgets what it has prepared. It has to tell the server so before
                # anything else is in the pipeline, else the two no longer agree on what there is.
                connection.execute("SELECT 1", prepare=False)
                self._pipeline.sync()
        except psycopg.Error:
            self._connection = None
            connection.close()

    def forget(self) -> None:
        super().forget()
        self._absent = set()
        self._ends = {}
        self._new = []
        self._dirty = {}
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

    def unfinished(self, run_ids: Sequence[str]) -> set[str]:
        unknown = [
            run_id for run_id in run_ids if run_id not in self._by_id and run_id not in self._ends
        ]
        if unknown:
            self._ends |= dict.fromkeys(unknown, OVER) | dict(
                self.execute(_ENDS, (unknown,)).fetchall()
            )
        return {run_id for run_id in run_ids if self._place_of(run_id) != OVER}

    def _place_of(self, run_id: str) -> str:
        record = self._by_id.get(run_id)
        return self._ends[run_id] if record is None else record.place

    def next_number(self) -> int:
        if not self._numbers:
            rows = self.execute("SELECT nextval('run_numbers')").fetchall()
            return int(rows[0][0])
        return self._numbers.pop()

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
        self._write_new(new)
        changes = [(_changed(before, now), now) for before, now in dirty.values()]
        for changed, rows in groupby(sorted(changes, key=_columns_of), key=_columns_of):
            if changed:
                self._write_changed(changed, [now for _, now in rows])

    def _write_new(self, new: Sequence[tuple[Any, ...]]) -> None:
        if not new:
            return
        filled = [
            (tuple([place for place, one in enumerate(row) if one is not None]), row) for row in new
        ]
        for places, rows in groupby(sorted(filled, key=_columns_of), key=_columns_of):
            names = ", ".join([COLUMNS[place] for place in places])
            marks = ", ".join(["?"] * len(places))
            self._send_many(
                f"INSERT INTO runs ({names}) VALUES ({marks})",
                [[row[place] for place in places] for _, row in rows],
            )
        tags = [(tag, row[0]) for row in new if row[_TAGS] for tag in _tags(row)]
        self._send_many("INSERT INTO run_tags VALUES (?, ?)", tags)

    def _write_changed(self, changed: tuple[int, ...], rows: list[tuple[Any, ...]]) -> None:
        names = ", ".join([f"{COLUMNS[place]} = ?" for place in changed])
        self._send_many(
            f"UPDATE runs SET {names} WHERE number = ?",
            [[*[row[place] for place in changed], row[0]] for row in rows],
        )
        if _TAGS in changed:
            for row in rows:
                self._send("DELETE FROM run_tags WHERE number = ?", (row[0],))
                self._send_many(
                    "INSERT INTO run_tags VALUES (?, ?)", [(tag, row[0]) for tag in _tags(row)]
                )

    # --- queues -------------------------------------------------------------------------------------

    def _ask_queues(self) -> psycopg.Cursor[tuple[Any, ...]]:
        return self._send(
            "SELECT name, declared, override, paused, max_length, turn, round FROM queues ORDER BY number"
        )

    def hold_queue(self, name: str) -> None:
        self.execute("SELECT 1 FROM queues WHERE name = ? FOR UPDATE", (name,))
        self._queues = None

    def hold_claims(self) -> bool:
        if self._holds_claims:
            return False
        self.execute(_LOCKS, ([_lock(f"claims of {self._place.schema}")],)).fetchall()
        self._holds_claims = True
        self._queues = None
        return True

    # --- time ---------------------------------------------------------------------------------------

    def now(self) -> int:
        """The database's clock: as it was when the transaction began, or has gone on since it was last seen."""
        seen, at = self._clock
        return seen if self._is_writing else seen + round((time.monotonic() - at) * 1_000_000)

    def _see_clock(self) -> None:
        now = self._send(_CLOCK).fetchall()[0][0]
        self._clock = (now, time.monotonic())

    # --- telling ------------------------------------------------------------------------------------

    def tell(self, topic: str) -> None:
        self.topics.add(topic)  # somebody may watch elsewhere


def _lock(name: str) -> int:
    """The number of an advisory lock."""
    return int.from_bytes(
        blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big", signed=True
    )


def _changed(before: tuple[Any, ...], now: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple([place for place, one in enumerate(now) if one != before[place]])


def _columns_of(one: tuple[tuple[int, ...], Any]) -> tuple[int, ...]:
    return one[0]


def _tags(row: tuple[Any, ...]) -> Iterable[str]:
    return [to_json(tag) for tag in from_json(row[_TAGS])] if row[_TAGS] else []
