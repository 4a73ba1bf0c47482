"""What a column's type means, from its text: one word for all dialects, length, precision, scale, nested fields.

Redshift's own types as the catalog writes them, and those of external tables, which are Hive's.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from pydantic import JsonValue

from buster_tasks.sources.schema import NormalizedType

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
_SIZED = ("text", "binary")


class ColumnType(NamedTuple):
    """A type, read; `fields` are those of a struct, each with its name and type."""

    normalized: NormalizedType = "unknown"
    max_length: int | None = None
    precision: int | None = None
    scale: int | None = None
    fields: tuple[tuple[str, str], ...] = ()

    def nested(self) -> list[JsonValue]:
        """The fields, and theirs, for a column's metadata."""
        return [_field(name, text) for name, text in self.fields]


@lru_cache(maxsize=10_000)
def read_type(text: str) -> ColumnType:
    """The meaning of a type as the catalog writes it."""
    lower = text.strip().lower()
    if lower.endswith("[]"):
        return ColumnType("array")
    word, opened, inside = lower.partition("<")
    if opened and word in _NESTED and inside.endswith(">"):
        written = text.strip()[len(word) + 1 : -1]
        fields = tuple(_fields(written)) if word == "struct" else ()
        return ColumnType(_NESTED[word], fields=fields)
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


def _fields(inside: str) -> list[tuple[str, str]]:
    """`a:int,b:struct<c:int>` as pairs."""
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


def _field(name: str, text: str) -> JsonValue:
    known = read_type(text)
    field: dict[str, JsonValue] = {"name": name, "type": text, "normalizedType": known.normalized}
    if known.fields:
        field["fields"] = known.nested()
    return field
