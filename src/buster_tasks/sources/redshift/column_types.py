"""What a column's type means, from its text: one word for all dialects, length, precision, scale, nested fields.

Redshift's own types as the catalog writes them, and those of external tables, which are Hive's.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from buster_tasks.sources.nested_fields import DEEPEST
from buster_tasks.sources.schema import NestedField, NormalizedType, of_catalog

_TYPE = re.compile(
    r"(?P<name>[a-z0-9\" ]+?)\s*(?:\((?P<sizes>[\d, ]+)\))?(?P<rest> with(?:out)? time zone)?"
)
_BY_NAME: dict[str, NormalizedType] = {
    **dict.fromkeys(("smallint", "integer", "bigint", "int2", "int4", "int8", "int", "tinyint", "oid"), "integer"),
    **dict.fromkeys(("numeric", "decimal"), "decimal"),
    **dict.fromkeys(("real", "double precision", "float4", "float8", "float", "double"), "float"),
    **dict.fromkeys(("boolean", "bool"), "boolean"),
    **dict.fromkeys(
        ("character varying", "character", "varchar", "char", '"char"', "bpchar", "nvarchar", "nchar", "text", "name",
         "string"),
        "text",
    ),
    "date": "date",
    "time": "time",
    "timetz": "time",
    "timestamp": "timestamp",
    "timestamptz": "timestamptz",
    **dict.fromkeys(("interval", "interval year to month", "interval day to second"), "interval"),
    **dict.fromkeys(("varbyte", "binary varying", "varbinary", "bytea", "binary", "hllsketch"), "binary"),
    **dict.fromkeys(("super", "json", "jsonb"), "json"),
    **dict.fromkeys(("geometry", "geography"), "geography"),
    "uuid": "uuid",
}  # fmt: skip
_NESTED: dict[str, NormalizedType] = {"struct": "struct", "array": "array", "map": "struct"}
_PARTS = {"array": ("element",), "map": ("key", "value")}
_SIZED = ("text", "binary")


class ColumnType(NamedTuple):
    """A type, read; `fields` has the name and the type of what is within a struct, an array or a map."""

    normalized: NormalizedType = "unknown"
    max_length: int | None = None
    precision: int | None = None
    scale: int | None = None
    fields: tuple[tuple[str, str], ...] = ()

    def nested(self, depth: int = 1) -> list[NestedField] | None:
        """The fields as introspection tells them, and theirs; None where nothing is within."""
        if depth > DEEPEST:
            return None
        return [_field(name, text, depth) for name, text in self.fields] or None


@lru_cache(maxsize=10_000)
def read_type(text: str) -> ColumnType:
    """The meaning of a type as the catalog writes it."""
    lower = text.strip().lower()
    if lower.endswith("[]"):
        return ColumnType("array", fields=(("element", text.strip()[:-2]),))
    word, opened, inside = lower.partition("<")
    if opened and word in _NESTED and inside.endswith(">"):
        written = text.strip()[len(word) + 1 : -1]
        return ColumnType(_NESTED[word], fields=tuple(_fields(word, written)))
    match = _TYPE.fullmatch(lower)
    if match is None:
        return ColumnType()
    normalized = _BY_NAME.get(match["name"], "unknown")
    if match["rest"] == " with time zone" and normalized == "timestamp":
        normalized = "timestamptz"
    sizes = [int(size) for size in (match["sizes"] or "").split(",") if size.strip()]
    if normalized == "decimal" and sizes:
        return ColumnType(normalized, precision=sizes[0], scale=sizes[1] if len(sizes) > 1 else 0)
    if normalized in _SIZED and sizes:
        return ColumnType(normalized, max_length=sizes[0])
    return ColumnType(normalized, precision=sizes[0] if sizes else None)


def _fields(word: str, inside: str) -> list[tuple[str, str]]:
    """`a:int,b:struct<c:int>` as pairs; what is within an array or a map has no names of its own."""
    if word in _PARTS:
        return list(zip(_PARTS[word], map(str.strip, _parts(inside)), strict=False))
    found: list[tuple[str, str]] = []
    for part in _parts(inside):
        name, _colon, kind = part.partition(":")
        found.append((name.strip(), kind.strip()))
    return found


def _parts(inside: str) -> list[str]:
    """What stands between the commas that are in no brackets."""
    parts, depth = [""], 0
    for letter in inside:
        depth += (letter in "<(") - (letter in ">)")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part for part in parts if part.strip()]


def _field(name: str, text: str, depth: int) -> NestedField:
    meaning = read_type(text)
    known = {
        "name": name,
        "data_type": text,
        "normalized_type": meaning.normalized,
        "fields": meaning.nested(depth + 1),
    }
    return of_catalog(NestedField, known)
