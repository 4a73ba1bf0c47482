"""The tables as the tools describe them, with keys that are declared or can be told from names."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from buster_tasks.analyst.offline.relation import Column, Edge, Table, leads, likely_key
from buster_tasks.analyst.offline.words import is_usual, parts_of, pieces_of, stem

_REFERENCE = re.compile(r"^\((.*)\) -> (.*) \((.*)\)$")
_LONGEST = 4
_MOST_WAYS = 400
_OFTEN = 0.8
_USUAL_NOISE = frozenset({"tbl", "dim", "fact", "stg", "vw"})


@dataclass(slots=True)
class Schema:
    """Tables of one source by their names, and the ways between them."""

    tables: dict[str, Table] = field(default_factory=dict[str, Table])
    edges: list[Edge] = field(default_factory=list[Edge])
    noise: frozenset[str] = frozenset()
    _edges_from: dict[str, list[Edge]] = field(default_factory=dict[str, list[Edge]])

    @classmethod
    def of(
        cls,
        described: Iterable[Mapping[str, Any]],
        noise: Iterable[str] = (),
        known: Iterable[str] = (),
    ) -> Schema:
        """From what `describe_table` tells, with the references that names tell of where none is declared.

        `noise` are words that are known to begin the names of tables, as `sb` in `sbCustomer`; `known` are those of the
        question, which names that are written together may be made of.
        """
        schema = cls()
        found = list(described)
        for one in found:
            table = _table(one)
            schema.tables.setdefault(table.name, table)
        schema._take_apart(known)
        schema.noise = schema._noise() | frozenset(noise)
        for table in schema.tables.values():
            table.words = _without(table.words, schema.noise)
            table.columns = _named_plainly(table, schema.noise)
        for table in schema.tables.values():
            if not table.key:
                table.key = likely_key(table)
        for one in found:
            schema.edges += _declared(one, schema.tables)
        schema.edges += schema._guessed()
        for edge in schema.edges:
            for name in edge.columns:
                column = schema.tables[edge.table].columns[name]
                schema.tables[edge.table].columns[name] = replace(column, is_reference=True)
        return schema

    def reach(self, start: str) -> dict[str, list[list[Edge]]]:
        """Every table that a row leads to at most one row of, with the ways, the shortest first."""
        found: dict[str, list[list[Edge]]] = {start: [[]]}
        waiting: deque[list[Edge]] = deque([[]])
        for _ in range(_MOST_WAYS):
            if not waiting:
                break
            way = waiting.popleft()
            met = {start, *(edge.to for edge in way)}
            for edge in self._from().get(way[-1].to if way else start, ()):
                if edge.to in met:
                    continue
                longer = [*way, edge]
                found.setdefault(edge.to, []).append(longer)
                if len(longer) < _LONGEST:
                    waiting.append(longer)
        return found

    def _from(self) -> dict[str, list[Edge]]:
        if not self._edges_from:
            for edge in self.edges:
                self._edges_from.setdefault(edge.table, []).append(edge)
        return self._edges_from

    def columns(self) -> list[Column]:
        """All columns of all tables."""
        return [column for table in self.tables.values() for column in table.columns.values()]

    def _noise(self) -> frozenset[str]:
        """Words that begin most names, as `sb` in `sbCustomer`: they tell nothing apart."""
        first = Counter(table.words[0] for table in self.tables.values() if len(table.words) > 1)
        often = {
            word
            for word, times in first.items()
            if times > 1 and times >= _OFTEN * len(self.tables)
        }
        return frozenset(word for word in often if not is_usual(word)) | _USUAL_NOISE

    def _take_apart(self, known: Iterable[str]) -> None:
        """Names that are written together are taken apart, by the words of the question and of the tables."""
        tables = {
            stem(word.removeprefix("tbl")) for table in self.tables.values() for word in table.words
        }
        lexicon = frozenset({*known, *tables, *_USUAL_NOISE})
        for table in self.tables.values():
            table.words = _apart(table.words, lexicon)
            table.columns = {
                name: replace(column, words=_apart(column.words, lexicon))
                for name, column in table.columns.items()
            }

    def _guessed(self) -> list[Edge]:
        """`orders.customer_id` leads to `customers.id`, where nothing is declared for the column."""
        declared = {(edge.table, name) for edge in self.edges for name in edge.columns}
        found: list[Edge] = []
        for table in self.tables.values():
            for column in table.columns.values():
                if (
                    (table.name, column.name) in declared
                    or column.is_date
                    or table.key == (column.name,)
                ):
                    continue
                target = self._target(table, column)
                if target is not None:
                    found.append(Edge(table.name, (column.name,), target.name, target.key))
        return found

    def _target(self, table: Table, column: Column) -> Table | None:
        """The table whose key a column is called after: of several the one that is called the most alike."""
        best: tuple[float, Table] | None = None
        for other in self.tables.values():
            if other.name == table.name or len(other.key) != 1:
                continue
            key = other.columns[other.key[0]]
            if key.is_number != column.is_number:
                continue
            score = leads(column, other, key)
            if score and (best is None or score > best[0]):
                best = score, other
        return None if best is None else best[1]


def _apart(words: tuple[str, ...], lexicon: frozenset[str]) -> tuple[str, ...]:
    return tuple(piece for word in words for piece in pieces_of(word, lexicon))


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
            one.get("to"),
            is_required=bool(one.get("required")),
        )
        for one in described.get("columns", ())
    }
    rows = re.sub(r"\D", "", str(described.get("rows", "")))
    return Table(
        str(described.get("source", "")),
        place,
        name,
        parts_of(name),
        columns,
        tuple(described.get("primary_key", ())),
        int(rows) if rows else None,
        described.get("kind") == "view",
    )


def _declared(described: Mapping[str, Any], tables: Mapping[str, Table]) -> list[Edge]:
    name = str(described["table"]).rpartition(".")[2]
    found: list[Edge] = []
    for text in described.get("references", ()):
        match = _REFERENCE.match(str(text))
        if match and match[2] in tables:
            edge = Edge(name, tuple(match[1].split(", ")), match[2], tuple(match[3].split(", ")))
            if set(edge.columns) <= set(tables[name].columns):
                found.append(edge)
    return found


def _without(words: tuple[str, ...], noise: frozenset[str]) -> tuple[str, ...]:
    return words[1:] if len(words) > 1 and words[0] in noise else words


def _named_plainly(table: Table, noise: frozenset[str]) -> dict[str, Column]:
    """The columns without the words that begin nearly all of them: those of the whole schema, and of this table."""
    found = {
        name: replace(column, words=_without(column.words, noise))
        for name, column in table.columns.items()
    }
    for _ in range(2):
        first = Counter(column.words[0] for column in found.values() if column.words)
        often = [word for word, times in first.items() if times >= _OFTEN * len(found) > 2]
        if not often:
            break
        found = {
            name: replace(column, words=_without(column.words, frozenset(often)))
            for name, column in found.items()
        }
    return found
