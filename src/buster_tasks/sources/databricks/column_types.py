"""What a column's type means: as Databricks spells it, one word for all dialects, and the fields of nested ones."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydantic import JsonValue

from buster_tasks.sources.schema import NormalizedType

_BY_NAME: dict[str, NormalizedType] = {
    "tinyint": "integer", "byte": "integer", "smallint": "integer", "short": "integer", "int": "integer",
    "integer": "integer", "bigint": "integer", "long": "integer", "float": "float", "real": "float",
    "double": "float", "decimal": "decimal", "dec": "decimal", "numeric": "decimal", "boolean": "boolean",
    "string": "text", "varchar": "text", "char": "text", "date": "date", "time": "time", "timestamp": "timestamptz",
    "timestamp_ltz": "timestamptz", "timestamp_ntz": "timestamp", "binary": "binary", "interval": "interval",
    "variant": "json", "object": "json", "array": "array", "struct": "struct", "map": "struct",
    "geography": "geography", "geometry": "geography",
}  # fmt: skip
_TOKEN = re.compile(r"\s*(`(?:[^`]|``)*`|'(?:[^'\\]|\\.)*'|[<>(),:]|[^\s<>(),:'`]+)")
_DEEPEST = 50


@dataclass(frozen=True, slots=True)
class Type:
    """A type; `fields` are those of a struct, `element` of an array, `key` and `value` of a map."""

    written: str
    name: str
    numbers: tuple[int, ...] = ()
    fields: tuple[Field, ...] = ()
    parts: tuple[Type, ...] = ()

    @property
    def normalized(self) -> NormalizedType:
        """One word for the type."""
        return _BY_NAME.get(self.name, "unknown")

    @property
    def precision(self) -> int | None:
        """Of a decimal."""
        return self.numbers[0] if self.normalized == "decimal" and self.numbers else None

    @property
    def scale(self) -> int | None:
        """Of a decimal."""
        if self.normalized != "decimal" or not self.numbers:
            return None
        return self.numbers[1] if len(self.numbers) > 1 else 0

    @property
    def max_length(self) -> int | None:
        """Of a varchar or char."""
        return self.numbers[0] if self.normalized == "text" and self.numbers else None

    def nested(self) -> dict[str, JsonValue]:
        """What is within: `fields` of a struct, `element` of an array, `key` and `value` of a map; empty for others."""
        if self.name == "struct":
            return {"fields": [one.shown() for one in self.fields]}
        if self.name == "array" and self.parts:
            return {"element": self.parts[0].shown()}
        if self.name == "map" and len(self.parts) == 2:
            return {"key": self.parts[0].shown(), "value": self.parts[1].shown()}
        return {}

    def shown(self) -> dict[str, JsonValue]:
        """The type and what is within, as JSON."""
        return {"type": self.written, "normalizedType": self.normalized, **self.nested()}


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a struct."""

    name: str
    type: Type
    is_nullable: bool = True
    comment: str | None = None

    def shown(self) -> dict[str, JsonValue]:
        """As JSON."""
        known: dict[str, JsonValue] = {"name": self.name, **self.type.shown()}
        if not self.is_nullable:
            known["nullable"] = False
        if self.comment is not None:
            known["comment"] = self.comment
        return known


def column_type(written: str) -> Type:
    """The type of this spelling; one that cannot be read is what its first word says, without what is within."""
    try:
        return _Reader(written).whole()
    except (_UnreadableError, IndexError):
        return Type(written, re.split(r"[<(\s]", written.strip().lower(), maxsplit=1)[0])


class _UnreadableError(Exception):
    """The spelling is not one that is known here."""


@dataclass(slots=True)
class _Reader:
    """Reads one spelling from left to right."""

    text: str
    at: int = 0
    depth: int = 0

    def whole(self) -> Type:
        made = self._type()
        if self._peek():
            raise _UnreadableError
        return made

    def _type(self) -> Type:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise _UnreadableError
        begin = self.at
        name = self._take().lower()
        if not name[0].isalpha():
            raise _UnreadableError
        fields: tuple[Field, ...] = ()
        parts: tuple[Type, ...] = ()
        numbers: tuple[int, ...] = ()
        if self._peek() == "<":
            self._take()
            if name == "struct":
                fields = self._fields()
            else:
                parts = self._types()
        elif self._peek() == "(":
            numbers = self._numbers()
        elif name == "interval":
            while self._peek() and self._peek() not in (">", ",", ")"):
                self._take()
        self.depth -= 1
        return Type(self.text[begin : self.at].strip(), name, numbers, fields, parts)

    def _fields(self) -> tuple[Field, ...]:
        made: list[Field] = []
        while self._peek() != ">":
            name = self._take()
            if name.startswith("`"):
                name = name[1:-1].replace("``", "`")
            if self._peek() == ":":
                self._take()
            kind = self._type()
            is_nullable, comment = True, None
            while self._peek() not in (",", ">"):
                word = self._take().upper()
                is_nullable = is_nullable and word != "NOT"
                if word == "COMMENT":
                    comment = re.sub(r"\\(.)", r"\1", self._take()[1:-1])
            made.append(Field(name, kind, is_nullable, comment))
            if self._peek() == ",":
                self._take()
        self._take()
        return tuple(made)

    def _types(self) -> tuple[Type, ...]:
        made = [self._type()]
        while self._peek() == ",":
            self._take()
            made.append(self._type())
        if self._take() != ">":
            raise _UnreadableError
        return tuple(made)

    def _numbers(self) -> tuple[int, ...]:
        made: list[int] = []
        while self._take() != ")":
            if self._peek().isdigit():
                made.append(int(self._take()))
            elif self._peek() != ")":
                self._take()  # a collation, or where a geography is
        return tuple(made)

    def _peek(self) -> str:
        match = _TOKEN.match(self.text, self.at)
        return "" if match is None else match[1]

    def _take(self) -> str:
        match = _TOKEN.match(self.text, self.at)
        if match is None:
            raise _UnreadableError
        self.at = match.end()
        return match[1]
