"""What a column's type means: one word for all dialects, length, precision and scale, and what is within it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from buster_tasks.sources.schema import NestedField, NormalizedType, of_catalog

_BY_NAME: dict[str, NormalizedType] = {
    "int2": "integer",
    "int4": "integer",
    "int8": "integer",
    "oid": "integer",
    "numeric": "decimal",
    "money": "decimal",
    "float4": "float",
    "float8": "float",
    "bool": "boolean",
    "date": "date",
    "time": "time",
    "timetz": "time",
    "timestamp": "timestamp",
    "timestamptz": "timestamptz",
    "interval": "interval",
    "bytea": "binary",
    "json": "json",
    "jsonb": "json",
    "hstore": "json",
    "uuid": "uuid",
    "xml": "text",
    "inet": "text",
    "cidr": "text",
    "macaddr": "text",
    "macaddr8": "text",
    "bit": "text",
    "varbit": "text",
    "tsvector": "text",
    "tsquery": "text",
    "geometry": "geography",
    "geography": "geography",
    "vector": "array",
}
_BY_CATEGORY: dict[str, NormalizedType] = {
    "A": "array",
    "C": "struct",
    "E": "text",
    "G": "geography",
    "S": "text",
}
# The length of a value's header is part of the modifier.
_HEADER = 4


class ColumnType(NamedTuple):
    """A type, read."""

    normalized: NormalizedType
    max_length: int | None = None
    precision: int | None = None
    scale: int | None = None


@lru_cache(maxsize=1_000)
def read_type(name: str, category: str, modifier: int) -> ColumnType:
    """The meaning of a type by its name in pg_type, its category and the column's modifier, -1 for none."""
    normalized = _BY_NAME.get(name) or _BY_CATEGORY.get(category, "unknown")
    if modifier < 0:
        return ColumnType(normalized)
    if name in ("varchar", "bpchar"):
        return ColumnType(normalized, max_length=modifier - _HEADER)
    if name in ("bit", "varbit"):
        return ColumnType(normalized, max_length=modifier)
    if name == "numeric":
        packed = modifier - _HEADER
        scale = ((packed & 0x7FF) ^ 0x400) - 0x400  # eleven bits with a sign
        return ColumnType(normalized, precision=(packed >> 16) & 0xFFFF, scale=scale)
    if name in ("time", "timetz", "timestamp", "timestamptz"):
        return ColumnType(normalized, precision=modifier)
    return ColumnType(normalized)


def nested(parts: Sequence[Sequence[str | None]]) -> list[NestedField]:
    """The catalog's parts of a type as a tree; outer ones come first in them."""
    below: defaultdict[str, list[NestedField]] = defaultdict(list)
    for at, name, data_type, type_name, category, comment in reversed(parts):
        known = {
            "name": name,
            "data_type": data_type,
            "normalized_type": read_type(type_name or "", category or "", -1).normalized,
            "comment": comment,
            "fields": below.pop(at or "", None),
        }
        below[(at or "").rpartition(".")[0]].insert(0, of_catalog(NestedField, known))
    return below[""]
