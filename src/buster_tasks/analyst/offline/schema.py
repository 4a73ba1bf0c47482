"""The tables as the tools describe them, with keys that are declared or can be told from names."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from buster_tasks.analyst.offline.words import parts_of, stem

_REFERENCE = re.compile(r"^\((.*)\) -> (.*) \((.*)\)$")
_NUMBERS = ("int", "num", "dec", "float", "double", "real", "money", "serial", "byte")
_DATES = ("date", "time")
_TEXTS = ("char", "text", "string", "clob", "enum", "varchar", "name", "uuid", "set(")
_DATE_VALUE = re.compile(r"^\d{4}-\d{2}-\d{2}")
_LONGEST = 4


@dataclass(frozen=True, slots=True)
class Column:
    """A column; `values` are examples of what it holds."""

    table: str
    name: str
    type: str
    words: tuple[str, ...]
    values: tuple[Any, ...] = ()
    distinct: int | None = None
    least: Any = None

    @property
    def is_number(self) -> bool:
        """Whether it can be added up, by its type; what is no type of a number may hold numbers all the same."""
        name = self.type.lower()
        if any(name.startswith(one) or f" {one}" in name for one in _NUMBERS) or "int" in name:
            return not self.is_date
        return not name and all(isinstance(value, (int, float)) for value in self.values)

    @property
    def is_date(self) -> bool:
        """Whether it holds dates or times, by its type, or by its values where those are text."""
        name = self.type.lower()
        if any(one in name for one in _DATES):
            return True
        texts = [value for value in (*self.values, self.least) if isinstance(value, str)]
        return bool(texts) and all(_DATE_VALUE.match(text) for text in texts)

    @property
    def is_text(self) -> bool:
        """Whether it holds text that is no date."""
        return not self.is_number and not self.is_date

    @property
    def is_key(self) -> bool:
        """Whether it looks like a key, which nobody adds up."""
        return bool(self.words) and self.words[-1] in (
            "id",
            "key",
            "code",
            "no",
            "uuid",
            "guid",
            "number",
        )


@dataclass(slots=True)
class Table:
    """A table with its columns; `key` is what identifies a row."""

    source: str
    place: str
    name: str
    words: tuple[str, ...]
    columns: dict[str, Column]
    key: tuple[str, ...] = ()
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """From a row of `table` to at most one of `to`, over paired columns."""

    table: str
    columns: tuple[str, ...]
    to: str
    to_columns: tuple[str, ...]


@dataclass(slots=True)
class Schema:
    """Tables of one source by their names, and the ways between them."""

    tables: dict[str, Table] = field(default_factory=dict[str, Table])
    edges: list[Edge] = field(default_factory=list[Edge])

    @classmethod
    def of(cls, described: Iterable[Mapping[str, Any]]) -> Schema:
        """From what `describe_table` tells; where no reference is declared at all, those that names tell of."""
        schema = cls()
        known = list(described)
        for one in known:
            table = _table(one)
            schema.tables.setdefault(table.name, table)
        noise = schema._noise()
        for table in schema.tables.values():
            table.words = _without(table.words, noise)
            table.columns = {
                name: _renamed(column, _without(column.words, noise))
                for name, column in table.columns.items()
            }
        for one in known:
            schema.edges += _declared(one, schema.tables)
        schema.edges += schema._guessed()
        return schema

    def path(self, start: str, end: str) -> list[Edge] | None:
        """The shortest way from a table to another on which no row is met twice; None where there is none."""
        waiting: deque[tuple[str, list[Edge]]] = deque([(start, [])])
        seen = {start}
        while waiting:
            table, way = waiting.popleft()
            if table == end:
                return way
            if len(way) == _LONGEST:
                continue
            for edge in self.edges:
                if edge.table == table and edge.to not in seen:
                    seen.add(edge.to)
                    waiting.append((edge.to, [*way, edge]))
        return None

    def reach(self, start: str) -> dict[str, list[Edge]]:
        """Every table that a row leads to at most one row of, with the way."""
        return {name: way for name in self.tables if (way := self.path(start, name)) is not None}

    def columns(self) -> list[Column]:
        """All columns of all tables."""
        return [column for table in self.tables.values() for column in table.columns.values()]

    def _noise(self) -> frozenset[str]:
        """Words that begin most names, as `sb` in `sbCustomer`: they tell nothing apart."""
        first = Counter(table.words[0] for table in self.tables.values() if len(table.words) > 1)
        return frozenset(
            word for word, times in first.items() if times > 2 and times >= 0.8 * len(self.tables)
        )

    def _guessed(self) -> list[Edge]:
        """`orders.customer_id` leads to `customers.id`, where nothing is declared for the column."""
        declared = {(edge.table, edge.columns) for edge in self.edges}
        found: list[Edge] = []
        for table in self.tables.values():
            for column in table.columns.values():
                if (table.name, (column.name,)) in declared or column.words[-1:] not in (
                    ("id",),
                    ("key",),
                    ("code",),
                ):
                    continue
                target = self._target(table, column)
                if target is not None:
                    found.append(Edge(table.name, (column.name,), target.name, target.key))
        return found

    def _target(self, table: Table, column: Column) -> Table | None:
        about = column.words[:-1]
        if not about:
            return None
        for other in self.tables.values():
            if other.name == table.name or len(other.key) != 1:
                continue
            key = other.columns[other.key[0]].words
            whole = (*other.words, *key) if key in (("id",), ("key",), ("code",)) else key
            if column.words == whole or column.words[-len(whole) :] == whole:
                return other
            if key == ("id",) and about[-1:] == other.words[-1:]:
                return other
        return None


def _table(described: Mapping[str, Any]) -> Table:
    place = str(described["table"])
    name = place.rpartition(".")[2]
    columns = {
        str(one["name"]): Column(
            name,
            str(one["name"]),
            str(one.get("type", "")),
            parts_of(str(one["name"])),
            tuple(one.get("examples", ())),
            one.get("distinct"),
            one.get("from"),
        )
        for one in described.get("columns", ())
    }
    rows = re.sub(r"\D", "", str(described.get("rows", "")))
    table = Table(
        str(described.get("source", "")),
        place,
        name,
        parts_of(name),
        columns,
        tuple(described.get("primary_key", ())),
        int(rows) if rows else None,
    )
    if not table.key:
        table.key = _likely_key(table)
    return table


def _likely_key(table: Table) -> tuple[str, ...]:
    for column in table.columns.values():
        if column.words in (("id",), (*table.words, "id"), (stem(table.name), "id")):
            return (column.name,)
    first = next(iter(table.columns.values()), None)
    if first is not None and first.words[-1:] == ("id",):
        return (first.name,)
    return ()


def _declared(described: Mapping[str, Any], tables: Mapping[str, Table]) -> list[Edge]:
    name = str(described["table"]).rpartition(".")[2]
    found: list[Edge] = []
    for text in described.get("references", ()):
        match = _REFERENCE.match(str(text))
        if match and match[2] in tables:
            found.append(
                Edge(name, tuple(match[1].split(", ")), match[2], tuple(match[3].split(", ")))
            )
    return found


def _without(words: tuple[str, ...], noise: frozenset[str]) -> tuple[str, ...]:
    return words[1:] if len(words) > 1 and words[0] in noise else words


def _renamed(column: Column, words: tuple[str, ...]) -> Column:
    return Column(
        column.table, column.name, column.type, words, column.values, column.distinct, column.least
    )


def named_columns(table: Table) -> Sequence[Column]:
    """What a row of the table is called: its name, first and last name, title, else its key."""
    columns = list(table.columns.values())
    both = [
        column
        for column in columns
        if column.words[-2:] in (("first", "name"), ("last", "name")) and column.is_text
    ]
    if len(both) == 2:
        return both
    for wanted in ("name", "title", "symbol", "label", "description", "code", "email", "model"):
        found = [one for one in columns if one.words[-1:] == (wanted,) and one.is_text]
        own = [
            one for one in found if len(one.words) == 1 or set(one.words[:-1]) <= set(table.words)
        ]
        if own or found:
            return [(own or found)[0]]
    return [table.columns[name] for name in table.key] or columns[:1]


__all__ = ["Column", "Edge", "Schema", "Table", "named_columns"]
