"""Tables and columns as the offline model knows them, and the steps between them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from buster_tasks.analyst.offline.words import plural

_NUMBERS = ("int", "num", "dec", "float", "double", "real", "money", "serial", "byte")
_DATES = ("date", "time")
_DATE_VALUE = re.compile(r"^\d{4}-\d{2}-\d{2}")
_KEYS = tuple((word,) for word in ("id", "key", "code", "no", "uuid", "guid", "number"))
_YES = frozenset({"1", "y", "yes", "t", "true", "1.0"})
_NO = frozenset({"0", "n", "no", "f", "false", "0.0"})
_FLAGS = frozenset({"is", "has", "was", "are", "can"})
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
    def is_percentage(self) -> bool:
        """Whether it holds percents, 0 to 100, and not shares of 1."""
        told = [value for value in (*self.values, self.greatest) if isinstance(value, (int, float))]
        return any(value > 1 for value in told) or (not told and "percent" in self.words)

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


def likely_key(table: Table) -> tuple[str, ...]:
    """The column that identifies a row, where none is declared: called after the table, and each value once."""
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


def leads(column: Column, other: Table, key: Column) -> float:
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
