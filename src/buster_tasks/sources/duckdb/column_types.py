"""What DuckDB's types mean: one word for all dialects, and the fields within nested ones."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from buster_tasks.sources.nested_fields import DEEPEST
from buster_tasks.sources.schema import NestedField, NormalizedType, of_catalog

Parts = Callable[[str], tuple[str, list[tuple[str, Any]]]]
"""Takes a type apart: its kind, and what is within it by name."""

_INTEGERS = "TINYINT SMALLINT INTEGER BIGINT HUGEINT UTINYINT USMALLINT UINTEGER UBIGINT UHUGEINT BIGNUM VARINT"
_NORMALIZED: dict[str, NormalizedType] = {
    **dict.fromkeys(_INTEGERS.split(), "integer"),
    "DECIMAL": "decimal",
    "FLOAT": "float",
    "DOUBLE": "float",
    "BOOLEAN": "boolean",
    "VARCHAR": "text",
    "ENUM": "text",
    "DATE": "date",
    "TIME": "time",
    "TIME_NS": "time",
    "TIME WITH TIME ZONE": "time",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP_S": "timestamp",
    "TIMESTAMP_MS": "timestamp",
    "TIMESTAMP_NS": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
    "INTERVAL": "interval",
    "BLOB": "binary",
    "BIT": "binary",
    "JSON": "json",
    "VARIANT": "json",
    "UUID": "uuid",
    "STRUCT": "struct",
    "MAP": "struct",
    "UNION": "struct",
    "GEOMETRY": "geography",
}
_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")
_NESTED = ("STRUCT(", "MAP(", "UNION(")


@lru_cache(maxsize=1_000)
def normalized(data_type: str) -> NormalizedType:
    """The one word for all dialects."""
    if data_type.endswith("]"):
        return "array"
    return _NORMALIZED.get(data_type.partition("(")[0], "unknown")


def is_nested(data_type: str) -> bool:
    """Whether there are types within it."""
    return data_type.endswith("]") or data_type.startswith(_NESTED)


def precision_and_scale(data_type: str) -> tuple[int, int] | None:
    """Those of a decimal; None for any other type."""
    match = _DECIMAL.fullmatch(data_type)
    return None if match is None else (int(match[1]), int(match[2]))


def fields_of(data_type: str, parts: Parts, depth: int = 1) -> list[NestedField] | None:
    """What is within a nested type, down to plain ones; None where nothing is."""
    if depth > DEEPEST or not is_nested(data_type):
        return None
    kind, inner = parts(data_type)
    within = [(name, child) for name, child in inner if not isinstance(child, int)]
    if kind in ("list", "array"):
        within = [("element", child) for _name, child in within[:1]]
    if kind == "union":  # its first part is DuckDB's own tag, which has no name
        within = [(name, child) for name, child in within if name]
    return [
        _field(name, str(child), fields_of(str(child), parts, depth + 1)) for name, child in within
    ]


def _field(name: str, data_type: str, fields: list[NestedField] | None) -> NestedField:
    known = {
        "name": name,
        "data_type": data_type,
        "normalized_type": normalized(data_type),
        "fields": fields,
    }
    return of_catalog(NestedField, known)
