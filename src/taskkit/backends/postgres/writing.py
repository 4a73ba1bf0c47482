"""Many rows as one statement: a column in which all of them agree is one value, any other an array."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final, TypeAlias

from taskkit.backends.sql.record import COLUMNS

Row: TypeAlias = tuple[Any, ...]
Statement: TypeAlias = tuple[str, list[Any]]

THIS_VERSION: Final = "(txid_current() % 4294967296)"
"""The version, as `xmin` holds it, of rows that this transaction has written."""

_OTHER_TYPES: Final = {
    **dict.fromkeys(("payload", "output"), "bytea"),
    **dict.fromkeys(("sort", "lease"), "double precision"),
    **dict.fromkeys(
        (
            "number", "created_at", "available_at", "queue_time", "attempt", "delivery", "deaths", "started_at",
            "finished_at", "attempt_started_at", "due_at", "lane", "rank", "slot", "cancel_requested",
            "orphaned",
        ),
        "bigint",
    ),
}  # fmt: skip
_TYPES: Final = tuple([_OTHER_TYPES.get(name, "text") for name in COLUMNS])


def insertions(rows: Iterable[Row]) -> Iterator[Statement]:
    """What stores new rows."""
    filled = [
        (tuple([place for place, one in enumerate(row) if one is not None]), row) for row in rows
    ]
    for places, same in _by_columns(filled):
        names = ", ".join([COLUMNS[place] for place in places])
        if len(same) == 1:
            marks = ", ".join("?" * len(places))
            yield (
                f"INSERT INTO runs ({names}) VALUES ({marks})",
                [same[0][place] for place in places],
            )
        else:
            shared, differing = _columns(places[1:], same)
            values = {**shared, **dict.fromkeys(differing, None)}
            terms = ", ".join([_term(place, place in differing) for place in values])
            named = ", ".join([COLUMNS[place] for place in values])
            yield (
                f"INSERT INTO runs (number, {named}) SELECT new.number, {terms} FROM {_arrays('new', differing)}",
                [*shared.values(), [row[0] for row in same], *differing.values()],
            )


def updates(
    changes: Iterable[tuple[Row, Row]], versions: Mapping[int, int]
) -> Iterator[tuple[tuple[int, ...], list[Row], list[Statement]]]:
    """What brings rows from before to now: the columns, the rows as they are now, and the statements.

    A row in `versions` is only written while it has that version, or that of this transaction.
    """
    differing = [
        (tuple([place for place, one in enumerate(now) if one != before[place]]), now)
        for before, now in changes
    ]
    for places, rows in _by_columns(differing):
        if not places:
            continue
        known = [row for row in rows if row[0] not in versions]
        relied = [row for row in rows if row[0] in versions]
        statements = [_update(places, known)] if known else []
        if relied:
            statements.append(_update(places, relied, [versions[row[0]] for row in relied]))
        yield places, rows, statements


def _update(
    places: Sequence[int], rows: list[Row], versions: Sequence[int] | None = None
) -> Statement:
    if len(rows) == 1:
        terms = ", ".join([f"{COLUMNS[place]} = ?" for place in places])
        values = [*[rows[0][place] for place in places], rows[0][0]]
        text = f"UPDATE runs SET {terms} WHERE number = ?"
        if versions is None:
            return text, values
        return f"{text} AND xmin::text::bigint IN (?, {THIS_VERSION})", [*values, *versions]
    shared, differing = _columns(places, rows)
    terms = ", ".join(
        [f"{COLUMNS[place]} = {_term(place, False)}" for place in shared]
        + [f"{COLUMNS[place]} = {_term(place, True)}" for place in differing]
    )
    values = [*shared.values(), [row[0] for row in rows], *differing.values()]
    more = () if versions is None else ("version",)
    sql = f"UPDATE runs SET {terms} FROM {_arrays('new', differing, *more)} WHERE runs.number = new.number"
    if versions is None:
        return sql, values
    is_same = f"runs.xmin::text::bigint IN (new.version, {THIS_VERSION})"
    return f"{sql} AND {is_same}", [*values, list(versions)]


def _columns(
    places: Sequence[int], rows: Sequence[Row]
) -> tuple[dict[int, Any], dict[int, list[Any]]]:
    """The columns in which all rows agree, with their value, and the others, with all of theirs."""
    shared: dict[int, Any] = {}
    differing: dict[int, list[Any]] = {}
    for place in places:
        values = [row[place] for row in rows]
        if values.count(values[0]) == len(values):
            shared[place] = values[0]
        else:
            differing[place] = values
    return shared, differing


def _term(place: int, differs: bool) -> str:
    return f"new.{COLUMNS[place]}" if differs else f"?::{_TYPES[place]}"


def _arrays(name: str, differing: Iterable[int], *more: str) -> str:
    """The rows' numbers and differing columns as a table."""
    names = ["number", *[COLUMNS[place] for place in differing], *more]
    types = ["bigint", *[_TYPES[place] for place in differing], *["bigint" for _ in more]]
    marks = ", ".join([f"?::{one}[]" for one in types])
    return f"unnest({marks}) AS {name} ({', '.join(names)})"


def _by_columns(
    rows: Iterable[tuple[tuple[int, ...], Row]],
) -> Iterator[tuple[tuple[int, ...], list[Row]]]:
    for places, same in groupby(sorted(rows, key=_first), key=_first):
        yield places, sorted([row for _, row in same], key=_number, reverse=True)


def _first(one: tuple[tuple[int, ...], Row]) -> tuple[int, ...]:
    return one[0]


def _number(row: Row) -> int:
    return int(row[0])
