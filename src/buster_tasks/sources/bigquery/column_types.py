"""What BigQuery's types mean: one word for all dialects, and their sizes."""

from __future__ import annotations

import re
from functools import lru_cache

from buster_tasks.sources.schema import NormalizedType

_NORMALIZED: dict[str, NormalizedType] = {
    "INT64": "integer",
    "NUMERIC": "decimal",
    "BIGNUMERIC": "decimal",
    "FLOAT64": "float",
    "BOOL": "boolean",
    "STRING": "text",
    "BYTES": "binary",
    "DATE": "date",
    "TIME": "time",
    "DATETIME": "timestamp",
    "TIMESTAMP": "timestamptz",
    "INTERVAL": "interval",
    "JSON": "json",
    "ARRAY": "array",
    "STRUCT": "struct",
    "RANGE": "struct",
    "GEOGRAPHY": "geography",
}
_BASE = re.compile(r"[A-Z0-9]+")
_ARRAY = re.compile(r"\s*ARRAY\s*<(.+)>\s*", re.IGNORECASE | re.DOTALL)
_SIZES = re.compile(r"(STRING|BYTES|NUMERIC|BIGNUMERIC)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)")


@lru_cache(maxsize=1_000)
def normalized(data_type: str) -> NormalizedType:
    """The one word for all dialects."""
    base = _BASE.match(data_type.upper())
    return "unknown" if base is None else _NORMALIZED.get(base[0], "unknown")


def element_of(data_type: str) -> str | None:
    """The type of an array's elements; None for any other type."""
    found = _ARRAY.fullmatch(data_type)
    return None if found is None else found[1].strip()


def sizes(data_type: str) -> dict[str, int]:
    """Length, or precision and scale, where the type says them."""
    found = _SIZES.fullmatch(data_type.upper())
    if found is None:
        return {}
    if found[1] in ("STRING", "BYTES"):
        return {"max_length": int(found[2])}
    return {"precision": int(found[2]), "scale": int(found[3] or 0)}
