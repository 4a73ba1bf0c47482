"""Lists of runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from taskkit.backends.sql.encoding import micros, to_json
from taskkit.backends.sql.store import Store
from taskkit.errors import InvalidOptionError
from taskkit.model.exchange import Page, RunFilter
from taskkit.model.run import Run


def position(cursor: int | str | None) -> int | None:
    """The number that a page's cursor stands for."""
    if cursor is None or isinstance(cursor, int):
        return cursor
    if not (cursor.isascii() and cursor.isdigit()):
        raise InvalidOptionError("cursor", cursor, "give what a page had as its cursor, or None.")
    return int(cursor)


def page_of_runs(store: Store, where: RunFilter, below: int | None, limit: int) -> Page[Run]:
    """Runs that match, newest first, of those numbered below."""
    texts, values = _conditions(store, where)
    if below is not None:
        texts.append("number < ?")
        values.append(below)
    conditions = f"WHERE {' AND '.join(texts)} " if texts else ""
    records = list(store.select(f"{conditions}ORDER BY number DESC LIMIT ?", (*values, limit + 1)))
    page = records[:limit]
    return Page(
        [record.shown() for record in page], page[-1].number if len(records) > limit else None
    )


def _conditions(store: Store, where: RunFilter) -> tuple[list[str], list[Any]]:
    texts: list[str] = []
    values: list[Any] = []

    def among(column: str, wanted: Iterable[str] | None, text: str = "{}") -> None:
        if wanted is not None:
            condition, found = store.among(column, [str(one) for one in wanted])
            texts.append(text.format(condition))
            values.extend(found)

    among("status", where.status)
    among("task", where.task)
    among("batch_id", where.batch)
    among("schedule_id", where.schedule)
    tags = None if where.tag is None else [to_json(tag) for tag in where.tag]
    among("tag", tags, "number IN (SELECT number FROM run_tags WHERE {})")
    if where.since is not None:
        texts.append("created_at >= ?")
        values.append(micros(where.since))
    if where.until is not None:
        texts.append("created_at <= ?")
        values.append(micros(where.until))
    return texts, values
