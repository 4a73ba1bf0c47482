"""The tables as the tools describe them, with keys that are declared or can be told from names."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from buster_tasks.analyst.offline.words import parts_of, pieces_of, plural, stem

_REFERENCE = re.compile(r"^\((.*)\) -> (.*) \((.*)\)$")
_NUMBERS = ("int", "num", "dec", "float", "double", "real", "money", "serial", "byte")
_DATES = ("date", "time")
_TEXTS = ("char", "text", "string", "clob", "enum", "varchar", "name", "uuid", "set(")
_DATE_VALUE = re.compile(r"^\d{4}-\d{2}-\d{2}")
_LONGEST = 4
_MOST_WAYS = 400
_OFTEN = 0.8
_USUAL_NOISE = frozenset({"tbl", "dim", "fact", "stg", "vw"})
_KEYS = tuple((word,) for word in ("id", "key", "code", "no", "uuid", "guid", "number"))
_YES = frozenset({"1", "y", "yes", "t", "true", "1.0"})
_NO = frozenset({"0", "n", "no", "f", "false", "0.0"})
_FLAGS = frozenset({"is", "has", "was", "are", "can"})


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
    greatest: Any = None
    is_reference: bool = False
    is_required: bool = False

    @property
    def is_flag(self) -> bool:
        """Whether it says yes or no."""
        name = self.type.lower()
        if "bool" in name or name in ("bit", "tinyint(1)"):
            return True
        told = {str(value).lower() for value in self.values}
        return bool(told) and told <= _YES | _NO and (self.distinct or 0) <= 2 and (
            self.words[0] in _FLAGS or self.words[-1:] == ("flag",) or not self.is_number or len(self.words) == 1
        )  # fmt: skip

    @property
    def yes(self) -> str | float | bool:
        """How a yes is written in it."""
        told = [value for value in (*self.values, self.greatest) if str(value).lower() in _YES]
        if "bool" in self.type.lower():
            return True
        if told and isinstance(told[0], str):
            return told[0]
        return 1.0 if self.is_number or told else self._spelt_yes()

    def _spelt_yes(self) -> str:
        """A yes where only a no was seen."""
        no = str(self.values[0]) if self.values else "0"
        return {
            "n": "y",
            "N": "Y",
            "no": "yes",
            "No": "Yes",
            "0": "1",
            "f": "t",
            "false": "true",
        }.get(no, "1")

    @property
    def is_number(self) -> bool:
        """Whether it can be added up, by its type; what is no type of a number may hold numbers all the same."""
        name = self.type.lower()
        if "bool" in name:
            return False
        if any(name.startswith(one) or f" {one}" in name for one in _NUMBERS) or "int" in name:
            return not any(one in name for one in _DATES)
        return not name and all(isinstance(value, (int, float)) for value in self.values)

    @property
    def is_date(self) -> bool:
        """Whether it holds dates or times, by its type, or by its values where those are text."""
        name = self.type.lower()
        if any(one in name for one in _DATES):
            texts = [value for value in self.values if isinstance(value, str)]
            return name != "time" and all(_DATE_VALUE.match(text) for text in texts)
        if any(name.startswith(one) for one in _NUMBERS) or "int" in name:
            return False
        texts = [value for value in (*self.values, self.least) if isinstance(value, str)]
        return bool(texts) and all(_DATE_VALUE.match(text) for text in texts)

    @property
    def is_text(self) -> bool:
        """Whether it holds text that is no date."""
        return not self.is_number and not self.is_date and "bool" not in self.type.lower()

    @property
    def is_complete(self) -> bool:
        """Whether the examples are all that it holds."""
        return self.distinct is not None and 0 < self.distinct <= len(set(map(str, self.values)))

    @property
    def is_key(self) -> bool:
        """Whether it looks like a key, which nobody adds up."""
        return self.is_reference or self.words[-1:] in _KEYS


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
    is_view: bool = False

    @property
    def plural(self) -> str:
        """What its rows are called, as words of a sentence."""
        return " ".join([*self.words[:-1], plural(self.words[-1])]) if self.words else ""


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
                table.key = _likely_key(table)
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
        return frozenset(often) | _USUAL_NOISE

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
            score = _leads(column, other, key)
            if score and (best is None or score > best[0]):
                best = score, other
        return None if best is None else best[1]


def _apart(words: tuple[str, ...], lexicon: frozenset[str]) -> tuple[str, ...]:
    return tuple(piece for word in words for piece in pieces_of(word, lexicon))


def _leads(column: Column, other: Table, key: Column) -> float:
    """How surely a column holds keys of another table, by their names alone."""
    words, own = column.words, other.words
    if column.name == key.name and key.is_key and len(key.name) > len("code"):
        return 2.5
    if len(key.words) > 1 and key.is_key and words == key.words:
        return 3.0
    ends = words[-1:] in _KEYS
    about = words[:-1] if ends else words
    if not about or not own or not (ends or (len(words) == 1 and key.is_number)):
        return 0.0
    if about == own or (key.words == words and set(own) & set(about)):
        return 2.0
    if about[-len(own) :] == own:
        return 1.5
    return 1.0 if ends and about[-1:] == own[-1:] and len(own) == 2 and len(about) == 1 else 0.0


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
    table = Table(
        str(described.get("source", "")),
        place,
        name,
        parts_of(name),
        columns,
        tuple(described.get("primary_key", ())),
        int(rows) if rows else None,
        described.get("kind") == "view",
    )
    return table


def _likely_key(table: Table) -> tuple[str, ...]:
    """The column that identifies a row, where none is declared: called after the table, with a value of its own each."""
    for column in table.columns.values():
        if column.is_date or not _is_unique(column, table):
            continue
        last = column.words[-1:] in _KEYS
        about = column.words[:-1]
        if last and (not about or about == table.words or about[-1:] == table.words[-1:]):
            return (column.name,)
    first = next(iter(table.columns.values()), None)
    if first is not None and first.words[-1:] in _KEYS and _is_unique(first, table):
        return (first.name,)
    return ()


def _is_unique(column: Column, table: Table) -> bool:
    return column.distinct is None or table.rows is None or column.distinct >= table.rows


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


def named_columns(table: Table) -> Sequence[Column]:
    """What a row of the table is called: its name, first and last name, title, else its key."""
    columns = list(table.columns.values())
    both = [one for one in columns if set(one.words) >= {"first", "name"} or set(one.words) >= {"last", "name"}
            or one.words in (("surname",), ("firstname",), ("lastname",), ("forename",))]  # fmt: skip
    if len(both) == 2 and all(one.is_text for one in both):
        return sorted(
            both, key=lambda one: "last" in one.words or one.words[0] in ("surname", "lastname")
        )
    for wanted in _NAMES:
        for column in columns:
            about = set(column.words[:-1])
            if (
                column.words[-1:] == (wanted,)
                and column.is_text
                and not column.is_reference
                and about <= {*table.words, *_SORTS_OF_NAMES}
            ):
                return [column]
    return [table.columns[name] for name in table.key] or columns[:1]


_SORTS_OF_NAMES = (
    "full",
    "company",
    "display",
    "user",
    "short",
    "common",
    "brand",
    "official",
    "main",
)
_NAMES = ("name", "title", "symbol", "label", "description", "model", "code", "email")

__all__ = ["Column", "Edge", "Schema", "Table", "named_columns"]
