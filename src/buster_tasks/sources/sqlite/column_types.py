"""What a column's declared type means: SQLite's affinity, one word for all dialects, length, precision and scale."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from buster_tasks.sources.schema import NormalizedType

_ARGUMENTS = re.compile(r"\(\s*([+-]?\d+)\s*(?:,\s*([+-]?\d+)\s*)?\)")

_BY_NAME: dict[str, NormalizedType] = {
    "BOOL": "boolean",
    "BOOLEAN": "boolean",
    "BIT": "boolean",
    "DATE": "date",
    "TIME": "time",
    "DATETIME": "timestamp",
    "DATETIME2": "timestamp",
    "SMALLDATETIME": "timestamp",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP WITHOUT TIME ZONE": "timestamp",
    "TIMESTAMPTZ": "timestamptz",
    "DATETIMEOFFSET": "timestamptz",
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
    "INTERVAL": "interval",
    "DECIMAL": "decimal",
    "NUMERIC": "decimal",
    "NUMBER": "decimal",
    "MONEY": "decimal",
    "SMALLMONEY": "decimal",
    "JSON": "json",
    "JSONB": "json",
    "UUID": "uuid",
    "GUID": "uuid",
    "UNIQUEIDENTIFIER": "uuid",
    "STRING": "text",
    "BYTEA": "binary",
    "BINARY": "binary",
    "VARBINARY": "binary",
    "IMAGE": "binary",
    "POINT": "geography",
    "GEOMETRY": "geography",
    "GEOGRAPHY": "geography",
}
_BY_AFFINITY: dict[str, NormalizedType] = {
    "INTEGER": "integer",
    "TEXT": "text",
    "BLOB": "binary",
    "REAL": "float",
}


class ColumnType(NamedTuple):
    """A declared type, read."""

    affinity: str
    normalized: NormalizedType
    max_length: int | None = None
    precision: int | None = None
    scale: int | None = None


@lru_cache(maxsize=1_000)
def read_type(declared: str) -> ColumnType:
    """The meaning of a type as it stands in CREATE TABLE; SQLite takes any words there, also none."""
    name = " ".join(_ARGUMENTS.sub(" ", declared).upper().split())
    normalized = _normalized(name)
    match = _ARGUMENTS.search(declared)
    if match is None:
        return ColumnType(affinity_of(declared), normalized)
    first, second = int(match[1]), match[2]
    if normalized in ("text", "binary"):
        return ColumnType(affinity_of(declared), normalized, max_length=first)
    scale = int(second) if second is not None else 0 if normalized == "decimal" else None
    return ColumnType(affinity_of(declared), normalized, precision=first, scale=scale)


def affinity_of(declared: str) -> str:
    """The type affinity by SQLite's own five rules, in their order."""
    name = declared.upper()
    if "INT" in name:
        return "INTEGER"
    if any(part in name for part in ("CHAR", "CLOB", "TEXT")):
        return "TEXT"
    if "BLOB" in name or not name.strip():
        return "BLOB"
    if any(part in name for part in ("REAL", "FLOA", "DOUB")):
        return "REAL"
    return "NUMERIC"


def _normalized(name: str) -> NormalizedType:
    if not name:
        return "unknown"
    return _BY_NAME.get(name) or _BY_AFFINITY.get(affinity_of(name), "unknown")
