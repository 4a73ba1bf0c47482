"""What is over and old goes, a little at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from taskkit.backends.sql.encoding import from_json, to_json, waits_of
from taskkit.backends.sql.store import Store
from taskkit.model.exchange import Runs

# What has to be looked up for each row is a value here, not a join: a database that joins looks at all of them.
_OVER: Final = (
    "SELECT number, run_id, options FROM runs WHERE place = 'over' AND finished_at < ? AND coalesce("
    "(SELECT parent.place FROM runs AS parent WHERE parent.run_id = runs.parent_id), 'over') = 'over' "
    "ORDER BY finished_at LIMIT ?"
)
_SHARED: Final = ("idempotency_key", "debounce")
"""Options by which a run can be the child of another than the parent that made it."""

_BESIDE: Final = ("entries", "flushes", "payloads", "run_tags", "keys", "debounces", "joined")
_HELD_LANES: Final = "SELECT id FROM lanes WHERE holder IS NOT NULL"
_WAITING: Final = "number IN (SELECT waiter FROM awaits)"
_OLD_TOKENS: Final = (
    "SELECT id FROM tokens WHERE status <> 'WAITING' AND completed_at < ? "
    "ORDER BY completed_at LIMIT ?"
)
_IS_EMPTY: Final = (
    "(SELECT count(*) FROM "
    "(SELECT 1 FROM runs WHERE place = 'ready' AND lane = lanes.id LIMIT 1) AS one) = 0"
)
_LANES: Final = (
    "SELECT id, queue, key FROM lanes WHERE (key IS NOT NULL OR holder <> '') "
    f"AND {_IS_EMPTY} ORDER BY id LIMIT ?"
)


class Purging:
    """Each method is one transaction, and says how many rows are gone and whether there may be more."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # --- runs ---------------------------------------------------------------------------------------

    def runs(self, before: int, limit: int) -> tuple[int, bool]:
        """Delete up to `limit` runs that ended before, oldest end first, with everything that belongs to them."""
        rows = self._store.execute(
            _OVER + self._store.for_update_skip_locked, (before, limit)
        ).fetchall()
        kept = self._waited_for() if any(_may_be_shared(row[2]) for row in rows) else ()
        gone = {number: run_id for number, run_id, _ in rows if run_id not in kept}
        if gone:
            self._delete(gone)
        return len(gone), len(rows) == limit and len(gone) > 0

    def _delete(self, gone: dict[int, str]) -> None:
        numbers = list(gone)
        for table in _BESIDE:
            self._delete_where(table, "number", numbers)
        self._delete_where("awaits", "waiter", numbers)
        self._delete_where("runs", "number", numbers)
        self._store.gone(gone)

    def _delete_where(self, table: str, column: str, values: list[Any]) -> None:
        among, values_ = self._store.among(column, values)
        self._store.execute(f"DELETE FROM {table} WHERE {among}", values_)

    def _waited_for(self) -> set[str]:
        """Runs and tokens that stored waits name, whether they are over or not."""
        named: set[str] = set()
        for where, values in self._back_or_waiting():
            rows = self._store.execute(f"SELECT waits FROM runs WHERE {where}", values).fetchall()
            for (waits,) in rows:
                for wait in waits_of(waits):
                    if isinstance(wait.on, Runs):
                        named.update(wait.on.ids)
        return named

    def _back_or_waiting(self) -> Iterator[tuple[str, Sequence[Any]]]:
        """Conditions for runs that have an answer which nobody has met, and for those that wait for one."""
        lanes = [row[0] for row in self._store.execute(_HELD_LANES).fetchall()]
        among, values = self._store.among("lane", lanes)
        yield f"place = 'ready' AND {among}", values
        yield _WAITING, ()

    # --- tokens -------------------------------------------------------------------------------------

    def tokens(self, before: int, limit: int) -> tuple[int, bool]:
        """Delete up to `limit` tokens that were over before, and before any attempt began that may look for them.

        So far as that is told by an index: an attempt that only waits for its time, or for a slot to start again
        in, is not seen.
        """
        for where, values in [("slot = 1", ()), *self._back_or_waiting()]:
            oldest = f"SELECT min(attempt_started_at) FROM runs WHERE {where}"
            began = self._store.execute(oldest, values).fetchone()[0]
            before = before if began is None else min(before, began)
        rows = self._store.execute(
            _OLD_TOKENS + self._store.for_update_skip_locked, (before, limit)
        ).fetchall()
        if rows:
            self._delete_where("tokens", "id", [row[0] for row in rows])
        return len(rows), len(rows) == limit

    # --- lanes --------------------------------------------------------------------------------------

    def lanes(self, limit: int) -> tuple[int, bool]:
        """Delete up to `limit` lanes of concurrency keys and of workers in which nothing stands, and their gates.

        The others stay: every process remembers their ids. Whoever puts a run into one of these holds its row, so
        it is looked at again once it is locked.
        """
        self._store.hold_claims()
        rows = self._store.execute(_LANES + self._store.for_update_skip_locked, (limit,)).fetchall()
        if rows:
            among, values = self._store.among("id", [row[0] for row in rows])
            self._store.execute(f"DELETE FROM lanes WHERE {among} AND {_IS_EMPTY}", values)
            gates = {(queue, key) for _, queue, key in rows if key is not None}
            self._store.execute_many(
                "DELETE FROM gates WHERE queue = ? AND key = ? "
                "AND NOT EXISTS (SELECT 1 FROM lanes WHERE lanes.queue = gates.queue AND lanes.key = ?)",
                [(queue, to_json(key), key) for queue, key in sorted(gates)],
            )
        return len(rows), len(rows) == limit


def _may_be_shared(options: str) -> bool:
    given: dict[str, Any] = {} if options == "{}" else from_json(options)
    return any(name in given for name in _SHARED)
