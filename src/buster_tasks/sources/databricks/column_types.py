"""What a column's type means: as Databricks spells it, one word for all dialects, and the fields of nested ones."""

from __future__ import annotations

import re
from dataclasses import dataclass

from buster_tasks.sources.nested_fields import DEEPEST
from buster_tasks.sources.schema import NestedField, NormalizedType, of_catalog

_BY_NAME: dict[str, NormalizedType] = {
    "tinyint": "integer", "byte": "integer", "smallint": "integer", "short": "integer", "int": "integer",
    "integer": "integer", "bigint": "integer", "long": "integer", "float": "float", "real": "float",
    "double": "float", "decimal": "decimal", "dec": "decimal", "numeric": "decimal", "boolean": "boolean",
    "string": "text", "varchar": "text", "char": "text", "date": "date", "time": "time", "timestamp": "timestamptz",
    "timestamp_ltz": "timestamptz", "timestamp_ntz": "timestamp", "binary": "binary", "interval": "interval",
    "variant": "json", "object": "json", "array": "array", "struct": "struct", "map": "struct",
    "geography": "geography", "geometry": "geography",
}  # fmt: skip
_PARTS = {"array": ("element",), "map": ("key", "value")}
_TOKEN = re.compile(r"\s*(`(?:[^`]|``)*`|'(?:[^'\\]|\\.)*'|[<>(),:]|[^\s<>(),:'`]+)")


@dataclass(frozen=True, slots=True)
class Type:
    """A type; `fields` are those of a struct, `parts` the types within an array or a map."""

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

    def nested(self) -> list[NestedField] | None:
        """What is within a struct, an array or a map; None where nothing is."""
        names = _PARTS.get(self.name, ())
        parts = [Field(name, kind) for name, kind in zip(names, self.parts, strict=False)]
        return [one.as_nested() for one in self.fields or parts] or None


@dataclass(frozen=True, slots=True)
class Field:
    """Something within a type; `is_nullable` is None where the text is silent: some of them leave out NOT NULL."""

    name: str
    type: Type
    is_nullable: bool | None = None
    comment: str | None = None

    def as_nested(self) -> NestedField:
        """The field as introspection tells it, with what is within."""
        known = {
            "name": self.name,
            "data_type": self.type.written,
            "normalized_type": self.type.normalized,
            "is_nullable": self.is_nullable,
            "comment": self.comment,
            "fields": self.type.nested(),
        }
        return of_catalog(NestedField, known)


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
        if self.depth > DEEPEST:
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
            is_nullable, comment = None, None
            while self._peek() not in (",", ">"):
                word = self._take().upper()
                if word == "NOT":
                    is_nullable = False
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
