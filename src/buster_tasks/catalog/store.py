"""The store: introspections in one SQLite file, for several processes at once."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from buster_tasks.catalog.content import Content
from buster_tasks.catalog.database import first, has_search, reading, selected, writing
from buster_tasks.catalog.indexing import forget, make_searchable
from buster_tasks.catalog.joins import (
    Join,
    JoinPath,
    TableName,
    direct,
    joins_from,
    shortest,
)
from buster_tasks.catalog.place import catalog_path
from buster_tasks.catalog.search import Question, answer
from buster_tasks.catalog.snapshot import SearchHit, Snapshot, SnapshotInfo
from buster_tasks.errors import CatalogError, SnapshotNotFoundError
from buster_tasks.sources.schema import Introspection, Issue

DEFAULT_KEEP: Final = 20

_ISSUES = TypeAdapter(list[Issue])
_INFO = "id, source, kind, taken_at, complete, issues, counts"
_NEWEST = "ORDER BY taken_at DESC, number DESC"
_CHUNK = 64 * 1024


class CatalogStore:
    """Introspections that were kept, the newest of each source ready to be searched.

    One SQLite file, which several threads and processes may use at once; each call opens it anew. The last `keep` of
    each source stay. Calls block for some milliseconds (`put` of a large source: seconds), so coroutines make them in a
    thread. Raises CatalogError where the file cannot be used.
    """

    def __init__(
        self, path: str | os.PathLike[str] | None = None, *, keep: int = DEFAULT_KEEP
    ) -> None:
        if keep < 1:
            raise CatalogError(
                f"keep is {keep!r}, and a catalog keeps at least one snapshot of a source.",
                fix="Give 1 or more.",
            )
        found = catalog_path() if path is None else Path(path)
        if found is None:
            raise CatalogError(
                "The catalog is switched off here.",
                fix="Give a path, or another value than 'off' in BUSTER_TASKS_CATALOG.",
            )
        self.path: Final = found
        self.keep: Final = keep

    def put(self, found: Introspection) -> str:
        """Keep it; the id of the snapshot. It can be searched when the call returns."""
        content = Content.of(found)
        with writing(self.path) as connection:
            connection.execute(
                "INSERT OR IGNORE INTO contents VALUES (?, ?)", (content.hash, content.body)
            )
            connection.execute(
                "INSERT OR IGNORE INTO snapshots"
                " (id, source, kind, taken_at, hash, complete, filters, counts, issues)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                content.row,
            )
            make_searchable(connection, content)
            self._prune(connection, content.source)
        return content.id

    def latest(self, data_source_name: str) -> Snapshot | None:
        """The newest introspection of the source; None where none was kept."""
        where = f"WHERE source = ? {_NEWEST} LIMIT 1"
        return self._snapshot(where, data_source_name)

    def get(self, snapshot_id: str) -> Snapshot:
        """The snapshot of this id. Raises SnapshotNotFoundError."""
        found = self._snapshot("WHERE id = ?", snapshot_id)
        if found is None:
            raise self._not_found(snapshot_id)
        return found

    def json_of(self, snapshot_id: str) -> Iterator[bytes]:
        """The introspection as JSON, as it is on the wire, in pieces: it is never held in memory whole.

        Raises SnapshotNotFoundError.
        """
        with reading(self.path) as connection:
            row = first(
                connection,
                "SELECT c.rowid, s.taken_at FROM snapshots s JOIN contents c USING (hash) WHERE s.id = ?",
                snapshot_id,
            )
            if connection is None or row is None:
                raise self._not_found(snapshot_id)
            with connection.blobopen("contents", "body", row[0], readonly=True) as blob:
                yield from Content.pieces(iter(partial(blob.read, _CHUNK), b""), row[1])

    def search(
        self, text: str, limit: int = 20, *, data_source_name: str | None = None
    ) -> Sequence[SearchHit]:
        """The tables, views and columns that fit the words best, in the newest snapshots of all sources or of one.

        Names, comments and sample values are searched. Objects that hold all the words come first, then such where a
        word is the beginning of a longer one, then those with some of them.
        """
        question = Question(text, limit, data_source_name)
        with reading(self.path) as connection:
            if connection is None:
                return []
            if not has_search(connection):
                raise CatalogError(
                    "The SQLite of this Python has no full-text search (FTS5).",
                    fix="Use a Python whose SQLite has it, or look through latest(name).introspection.",
                )
            return answer(connection, question)

    def joins(
        self,
        data_source_name: str,
        table: str,
        *,
        to: str | None = None,
        limit: int = 10,
    ) -> Sequence[JoinPath]:
        """How the table can be joined, by foreign keys: with each of its neighbours, or on the shortest way to another.

        Tables are called `table`, `schema.table` or `database.schema.table`. A name that fits several stands for all.
        """
        steps = self._steps(data_source_name)
        named = sorted({place for step in steps for place in (step.table, step.to_table)})
        starts = [place for place in named if _is_called(place, table)]
        if to is None:
            return [path for start in starts for path in direct(steps, start)]
        ends = [place for place in named if _is_called(place, to)]
        paths = [
            path for start in starts for end in ends for path in shortest(steps, start, end, limit)
        ]
        return sorted(paths, key=lambda path: (len(path.joins), not path.is_to_one))[:limit]

    def list(self, data_source_name: str | None = None, limit: int = 100) -> Sequence[SnapshotInfo]:
        """What is kept, of all sources or of one, the newest first."""
        with reading(self.path) as connection:
            rows = selected(
                connection,
                f"SELECT {_INFO} FROM snapshots WHERE ? IN (source, '') {_NEWEST} LIMIT ?",  # noqa: S608 - own names
                data_source_name or "",
                limit,
            )
        return [_info(row) for row in rows]

    def _snapshot(self, where: str, value: str) -> Snapshot | None:
        with reading(self.path) as connection:
            row = first(
                connection,
                f"SELECT {_INFO}, body FROM snapshots JOIN contents USING (hash) {where}",  # noqa: S608 - own names
                value,
            )
        if row is None:
            return None
        *known, body = row
        info = _info(known)
        found = Content.unpacked(body, known[3])
        return Snapshot(
            info.id,
            info.data_source_name,
            info.kind,
            info.taken_at,
            info.complete,
            info.issues,
            info.counts,
            found,
        )

    def _steps(self, source: str) -> Sequence[Join]:
        with reading(self.path) as connection:
            rows = selected(
                connection,
                "SELECT keys FROM indexed WHERE source = ? ORDER BY taken_at DESC",
                source,
            )
        return joins_from(keys for (keys,) in rows)

    def _prune(self, connection: sqlite3.Connection, source: str) -> None:
        too_old = connection.execute(
            f"SELECT id FROM snapshots WHERE source = ? {_NEWEST} LIMIT -1 OFFSET ?",  # noqa: S608 - own names
            (source, self.keep),
        ).fetchall()
        for (snapshot,) in too_old:
            for filters, *rows in connection.execute(
                "SELECT filters, first, last FROM indexed WHERE snapshot = ?", (snapshot,)
            ).fetchall():
                forget(connection, source, filters, *rows)
            connection.execute("DELETE FROM snapshots WHERE id = ?", (snapshot,))
        if too_old:
            connection.execute(
                "DELETE FROM contents WHERE hash NOT IN (SELECT hash FROM snapshots)"
            )

    def _not_found(self, snapshot_id: str) -> SnapshotNotFoundError:
        return SnapshotNotFoundError(
            f"The catalog {str(self.path)!r} has no snapshot {snapshot_id!r}.",
            fix=f"list() says what it has; of each source the last {self.keep} are kept.",
        )


def _info(row: Sequence[str | int]) -> SnapshotInfo:
    snapshot, source, kind, taken_at, complete, issues, counts = map(str, row)
    return SnapshotInfo(
        snapshot,
        source,
        kind,
        datetime.fromisoformat(taken_at).astimezone(UTC),
        complete == "1",
        _ISSUES.validate_json(issues),
        json.loads(counts),
    )


def _is_called(place: TableName, name: str) -> bool:
    database, schema, table = place
    return name in (table, f"{schema}.{table}", f"{database}.{schema}.{table}")
