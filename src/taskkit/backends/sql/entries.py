"""What is appended to runs: metadata, logs, parts of streams, tags, memos."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from taskkit.backends.sql.claim import Leases
from taskkit.backends.sql.encoding import from_json, micros_or_none, moment_or_none, to_json
from taskkit.backends.sql.record import Record
from taskkit.backends.sql.store import Store
from taskkit.errors import LeaseLostError
from taskkit.model import metadata_operations
from taskkit.model.exchange import Entry, EntryKind, Lease, Page

_TAGS_PER_RUN = 10


class Entries:
    """Appends in order, each flush once."""

    def __init__(self, store: Store, leases: Leases) -> None:
        self._store = store
        self._leases = leases

    def append(
        self, run_id: str, entries: Sequence[Entry], flush_id: str, lease: Lease | None
    ) -> None:
        record = self._store.known(run_id)
        if lease is not None and not self._leases.holds(record, lease):
            raise LeaseLostError(run_id)
        is_new = self._store.execute(
            "INSERT INTO flushes (number, flush_id) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING 1",
            (record.number, flush_id),
        ).fetchone()
        if is_new is None:
            return
        operations = [entry.data for entry in entries if entry.kind is EntryKind.METADATA]
        if operations:
            self._change(record, operations)
        for entry in entries:
            if entry.kind is EntryKind.TAG:
                self._tag(record, entry.data)
            elif entry.kind is not EntryKind.METADATA:
                self._keep(record, entry)
        self._store.changed(record)

    def _change(self, record: Record, operations: Sequence[Any]) -> None:
        metadata: dict[str, Any] = {} if record.metadata is None else from_json(record.metadata)
        for operation in operations:
            metadata_operations.apply(metadata, operation)
        record.metadata = to_json(metadata)

    def _tag(self, record: Record, tag: str) -> None:
        tags = record.tag_list()
        if tag not in tags and len(tags) < _TAGS_PER_RUN:
            record.set_tags([*tags, tag])

    def _keep(self, record: Record, entry: Entry) -> None:
        kind = str(entry.kind)
        self._store.execute(
            "INSERT INTO entries (number, kind, position, key, at, data) VALUES (?, ?, "
            "(SELECT 1 + coalesce(max(position), 0) FROM entries WHERE number = ? AND kind = ?), ?, ?, ?)",
            (
                record.number,
                kind,
                record.number,
                kind,
                None if entry.key is None else to_json(entry.key),
                micros_or_none(entry.at),
                to_json(entry.data),
            ),
        )

    def read(
        self, run_id: str, kind: EntryKind, key: str | None, after: int, limit: int
    ) -> Page[Entry]:
        among, wanted = ("", ()) if key is None else ("AND key = ? ", (to_json(key),))
        rows = self._store.execute(
            "SELECT data, key, at, position FROM entries WHERE number = ? AND kind = ? AND position > ? "
            f"{among}ORDER BY position LIMIT ?",
            (self._store.known(run_id).number, str(kind), after, *wanted, limit + 1),
        ).fetchall()
        found = [
            Entry(
                kind,
                from_json(data),
                None if name is None else from_json(name),
                moment_or_none(at),
                position,
            )
            for data, name, at, position in rows[:limit]
        ]
        return Page(found, found[-1].position if len(rows) > limit else None)
