"""Lists of runs: newest first, by the index that leaves the fewest of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from taskkit.backends.sql.encoding import micros, to_json
from taskkit.backends.sql.store import Store
from taskkit.backends.sql.workers import Workers, shown, stored_status
from taskkit.model.exchange import Page, RunFilter
from taskkit.model.run import Run

_MOST_BRANCHES: Final = 20
_COUNTED: Final = 1_000
"""Entries of an index that are looked at to learn whether few have a value."""


class _Column(NamedTuple):
    """A column with an index that ends with the number, and the values that are wanted."""

    name: str
    values: Sequence[str]

    @property
    def table(self) -> str:
        return "run_tags" if self.name == "tag" else "runs"


def page_of_runs(
    store: Store, workers: Workers, where: RunFilter, below: int | None, limit: int
) -> Page[Run]:
    """Runs that match, newest first, of those numbered below."""
    known, beside = workers.known(), ""
    its_values: Sequence[Any] = ()
    if where.status is not None:
        status, beside, its_values = stored_status(store, where.status, known)
        where = replace(where, status=status)
    columns = list(_columns(where))
    first = _narrowest(store, columns)
    rest = [column for column in columns if column is not first]
    text, values = _conditions(store, where, rest, below)
    if beside:
        text, values = f"{text} AND {beside}", [*values, *its_values]
    if first is None:
        text = f"WHERE {text} ORDER BY number DESC LIMIT ?"
        values.append(limit + 1)
    else:
        text, values = _by_index(first, text, values, limit + 1)
    records = list(store.select(text, values))
    page = records[:limit]
    return Page(
        [shown(record, known) for record in page],
        page[-1].number if len(records) > limit else None,
    )


def _columns(where: RunFilter) -> Iterator[_Column]:
    tags = None if where.tag is None else [to_json(tag) for tag in where.tag]
    for name, wanted in (
        ("status", where.status), ("task", where.task), ("tag", tags), ("batch_id", where.batch),
        ("schedule_id", where.schedule),
    ):  # fmt: skip
        if wanted is not None:
            yield _Column(name, sorted(map(str, wanted)))


def _narrowest(store: Store, columns: Sequence[_Column]) -> _Column | None:
    """The one whose index is gone through; None when it is better to go through all runs."""
    fit = [column for column in columns if len(column.values) <= _MOST_BRANCHES]
    if len(fit) < 2:
        return fit[0] if fit else None
    return min(fit, key=lambda column: _count(store, column))


def _count(store: Store, column: _Column) -> int:
    """How many runs have one of the values, where they are few."""
    among, values = store.among(column.name, column.values)
    text = f"SELECT count(*) FROM (SELECT 1 FROM {column.table} WHERE {among} LIMIT ?) AS counted"
    return int(store.execute(text, (*values, _COUNTED)).fetchone()[0])


def _by_index(
    column: _Column, text: str, values: Sequence[Any], limit: int
) -> tuple[str, list[Any]]:
    """Of each value the newest that match, and the newest of these: the index gives them in this order."""
    source = "run_tags JOIN runs USING (number)" if column.name == "tag" else "runs"
    branch = (
        f"SELECT number FROM (SELECT number FROM {source} WHERE {column.name} = ? AND {text} "
        "ORDER BY number DESC LIMIT ?) AS branch"
    )
    every = " UNION ".join([branch] * len(column.values)) or "SELECT 0 WHERE 1 = 0"
    given = [one for value in column.values for one in (value, *values, limit)]
    return f"WHERE number IN ({every}) ORDER BY number DESC LIMIT ?", [*given, limit]


def _conditions(
    store: Store, where: RunFilter, columns: Sequence[_Column], below: int | None
) -> tuple[str, list[Any]]:
    texts: list[str] = ["1 = 1"]
    values: list[Any] = []
    for column in columns:
        condition, found = store.among(column.name, column.values)
        if column.name == "tag":
            condition = f"EXISTS (SELECT 1 FROM run_tags WHERE run_tags.number = runs.number AND {condition})"
        texts.append(condition)
        values.extend(found)
    for condition, bound in (
        ("created_at >= ?", None if where.since is None else micros(where.since)),
        ("created_at <= ?", None if where.until is None else micros(where.until)),
        ("number < ?", below),
    ):
        if bound is not None:
            texts.append(condition)
            values.append(bound)
    return " AND ".join(texts), values
