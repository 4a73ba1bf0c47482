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
    texts, values = _conditions(where)
    if below is not None:
        texts.append("number < ?")
        values.append(below)
    conditions = f"WHERE {' AND '.join(texts)} " if texts else ""
    records = list(store.select(f"{conditions}ORDER BY number DESC LIMIT ?", (*values, limit + 1)))
    page = records[:limit]
    return Page(
        [record.shown() for record in page], page[-1].number if len(records) > limit else None
    )


def _conditions(where: RunFilter) -> tuple[list[str], list[Any]]:
    texts: list[str] = []
    values: list[Any] = []

    def among(text: str, wanted: Iterable[str] | None) -> None:
        if wanted is not None:
            found = [str(one) for one in wanted]
            texts.append(text.format(", ".join("?" * len(found))))
            values.extend(found)

    among("status IN ({})", where.status)
    among("task IN ({})", where.task)
    among("batch_id IN ({})", where.batch)
    among("schedule_id IN ({})", where.schedule)
    tags = None if where.tag is None else [to_json(tag) for tag in where.tag]
    among("number IN (SELECT number FROM run_tags WHERE tag IN ({}))", tags)
    if where.since is not None:
        texts.append("created_at >= ?")
        values.append(micros(where.since))
    if where.until is not None:
        texts.append("created_at <= ?")
        values.append(micros(where.until))
    return texts, values
