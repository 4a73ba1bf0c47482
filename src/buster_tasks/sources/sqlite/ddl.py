"""What SQLite's catalog keeps only as CREATE text: generated columns, expressions, predicates, constraint names.

These functions read text that SQLite itself has accepted. They never raise: what they do not understand is absent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from buster_tasks.sources.filters import ascii_case

_TOKEN = re.compile(
    r"""
    (?P<skip>[ \t\n\f\r]+ | --[^\n]* | /\*.*?(?:\*/|\Z))
  | (?P<quoted>'[^']*(?:''[^']*)*' | "[^"]*(?:""[^"]*)*" | `[^`]*(?:``[^`]*)*` | \[[^\]]*\])
  | (?P<word>[A-Za-z_\u0080-\U0010ffff][A-Za-z0-9_$\u0080-\U0010ffff]*)
  | (?P<other>[0-9][0-9A-Za-z_.]*|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_WORTH_READING = re.compile(r"\b(?:AS|AUTOINCREMENT|CHECK|COLLATE|CONSTRAINT)\b", re.IGNORECASE)
_TABLE_CONSTRAINTS = {"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"}
_NAMED_BY_CONSTRAINT = {"NOT", "NULL", "DEFAULT", "COLLATE", "GENERATED"}
_PAIRS = {'"': '"', "'": "'", "`": "`", "[": "]"}


class Atom(NamedTuple):
    """A word, a quoted name or text, a parenthesised group with all within, or another character."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def keyword(self) -> str:
        """The word in capitals; empty for anything quoted, which is never a keyword."""
        return self.text.upper() if self.kind == "word" else ""

    @property
    def name(self) -> str:
        """The identifier without its quotes."""
        if self.kind != "quoted":
            return self.text
        close = _PAIRS[self.text[0]]
        inside = self.text[1:-1]
        return inside if close == "]" else inside.replace(close * 2, close)


@dataclass(slots=True)
class TableText:
    """What a CREATE TABLE says beyond the pragmas; columns by their name in lower case."""

    generated: dict[str, str] = field(default_factory=dict[str, str])
    collations: dict[str, str] = field(default_factory=dict[str, str])
    autoincrement: bool = False
    primary_key_name: str | None = None
    unique_names: dict[tuple[str, ...], str] = field(default_factory=dict[tuple[str, ...], str])
    foreign_key_names: list[str | None] = field(default_factory=list[str | None])
    checks: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class IndexText:
    """What a CREATE INDEX says beyond the pragmas: the text of each part, and the predicate."""

    parts: tuple[str, ...] = ()
    predicate: str | None = None


def read_table(sql: str | None) -> TableText:
    """The details of a CREATE TABLE statement."""
    table = TableText()
    if sql is None or not _WORTH_READING.search(sql):
        return table
    body = next((atom for atom in _atoms(sql) if atom.kind == "group"), None)
    if body is not None:
        for definition in _split(_inside(sql, body)):
            _read_definition(definition, table)
    return table


def read_index(sql: str | None) -> IndexText:
    """The details of a CREATE INDEX statement."""
    if sql is None:
        return IndexText()
    atoms = list(_atoms(sql))
    at = next((at for at, atom in enumerate(atoms) if atom.kind == "group"), None)
    if at is None:
        return IndexText()
    parts = tuple(_expression(sql, part) for part in _split(_inside(sql, atoms[at])))
    after = next((atom for atom in atoms[at + 1 :] if atom.keyword == "WHERE"), None)
    return IndexText(parts, None if after is None else sql[after.end :].strip())


def read_view(sql: str | None) -> str | None:
    """The query of a CREATE VIEW statement, or the whole text where it is not found."""
    if sql is None:
        return None
    after = next((atom for atom in _atoms(sql) if atom.keyword == "AS"), None)
    return sql if after is None else sql[after.end :].strip()


def read_module(sql: str | None) -> str | None:
    """The module of a CREATE VIRTUAL TABLE statement."""
    words = pairwise(_atoms(sql or ""))
    return next((after.name for atom, after in words if atom.keyword == "USING"), None)


def _atoms(sql: str, start: int = 0, end: int | None = None) -> Iterator[Atom]:
    """The atoms of the text, each outermost pair of parentheses as one."""
    depth, opened = 0, 0
    for match in _TOKEN.finditer(sql, start, len(sql) if end is None else end):
        kind, text = str(match.lastgroup), match.group()
        if text == "(":
            opened = match.start() if depth == 0 else opened
            depth += 1
        elif text == ")" and depth > 0:
            depth -= 1
            if depth == 0:
                yield Atom("group", sql[opened : match.end()], opened, match.end())
        elif depth == 0 and kind != "skip":
            yield Atom(kind, text, match.start(), match.end())


def _inside(sql: str, group: Atom) -> Iterator[Atom]:
    return _atoms(sql, group.start + 1, group.end - 1)


def _split(atoms: Iterator[Atom]) -> list[list[Atom]]:
    parts: list[list[Atom]] = [[]]
    for atom in atoms:
        if atom.text == ",":
            parts.append([])
        else:
            parts[-1].append(atom)
    return [part for part in parts if part]


def _read_definition(atoms: list[Atom], table: TableText) -> None:
    """One column with its constraints, or table constraints, for which SQLite does not insist on commas."""
    column = None if atoms[0].keyword in _TABLE_CONSTRAINTS else ascii_case(atoms[0].name)
    label: str | None = None
    for at, atom in enumerate(
        atoms if column is None else atoms[1:], start=0 if column is None else 1
    ):
        keyword, following = atom.keyword, atoms[at + 1 :]
        if keyword == "CONSTRAINT" and following:
            label = following[0].name
        elif keyword and _read_constraint(keyword, following, column, label, table):
            label = None


def _read_constraint(
    keyword: str, following: list[Atom], column: str | None, label: str | None, table: TableText
) -> bool:
    """Take one constraint in; whether it was one that a CONSTRAINT name before it belongs to."""
    group = next((atom for atom in following if atom.kind == "group"), None)
    inside = group.text[1:-1].strip() if group is not None else ""
    if keyword == "REFERENCES":
        table.foreign_key_names.append(label)
    elif keyword == "PRIMARY":
        table.primary_key_name = label
    elif keyword == "UNIQUE":
        if label is not None:
            table.unique_names[_key_columns(group, column)] = label
    elif keyword == "CHECK":
        table.checks.append(inside)
    elif keyword == "AS" and column is not None:
        table.generated[column] = inside
    elif keyword == "COLLATE" and column is not None and following:
        table.collations[column] = following[0].name
    elif keyword == "AUTOINCREMENT":
        table.autoincrement = True
    else:
        return keyword in _NAMED_BY_CONSTRAINT
    return keyword != "AUTOINCREMENT"


def _key_columns(group: Atom | None, column: str | None) -> tuple[str, ...]:
    if column is not None or group is None:
        return (column,) if column is not None else ()
    return tuple(ascii_case(part[0].name) for part in _split(_inside(group.text, _whole(group))))


def _whole(group: Atom) -> Atom:
    return Atom("group", group.text, 0, len(group.text))


def _expression(sql: str, part: list[Atom]) -> str:
    """The text of an indexed column or expression without its collation and direction."""
    end = len(part)
    if part[end - 1].keyword in {"ASC", "DESC"} and end > 1:
        end -= 1
    if end > 2 and part[end - 2].keyword == "COLLATE":
        end -= 2
    return sql[part[0].start : part[end - 1].end]
