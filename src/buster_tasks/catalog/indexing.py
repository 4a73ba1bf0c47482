"""What can be searched: of each source, and each choice of its objects, the newest snapshot."""

from __future__ import annotations

import sqlite3

from buster_tasks.catalog.content import Content
from buster_tasks.catalog.database import has_search
from buster_tasks.catalog.documents import documents_of


def make_searchable(connection: sqlite3.Connection, content: Content) -> None:
    """Let this be what is searched, in place of the one before; a whole one also in place of all parts."""
    before = connection.execute(
        "SELECT filters, taken_at, first, last, digest FROM indexed WHERE source = ?",
        (content.source,),
    ).fetchall()
    covering = (content.filters, Content.EVERYTHING)
    if any(taken > content.taken_at and filters in covering for filters, taken, *_ in before):
        return  # somebody was quicker with a newer one
    kept = None
    for filters, _, first, last, digest in before:
        if filters == content.filters and digest == content.digest and first is not None:
            kept = (first, last)
        elif content.filters in (filters, Content.EVERYTHING):
            forget(connection, content.source, filters, first, last)
    first, last = kept or _written(connection, content)
    connection.execute(
        "INSERT OR REPLACE INTO indexed VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            content.source,
            content.filters,
            content.id,
            content.taken_at,
            first,
            last,
            content.digest,
            content.keys,
        ),
    )


def forget(
    connection: sqlite3.Connection, source: str, filters: str, first: int | None, last: int | None
) -> None:
    """Let what was read with these filters no longer be found."""
    connection.execute("DELETE FROM indexed WHERE source = ? AND filters = ?", (source, filters))
    if first is not None and has_search(connection):
        connection.execute("DELETE FROM search WHERE rowid BETWEEN ? AND ?", (first, last))


def _written(
    connection: sqlite3.Connection, content: Content
) -> tuple[int, int] | tuple[None, None]:
    """The first and the last row; none where this SQLite cannot search."""
    if not has_search(connection):
        return None, None
    (most,) = connection.execute("SELECT max(rowid) FROM search").fetchone()
    first = (most or 0) + 1
    # made as they are written: a list of them would be larger than all else that is here
    documents = documents_of(content.found)
    connection.executemany("INSERT INTO search VALUES (?, ?, ?, ?, ?, ?)", documents)
    (last,) = connection.execute("SELECT max(rowid) FROM search").fetchone()
    return first, last or 0
