"""What a column's type means: as Snowflake's DESCRIBE spells it, and one word for all dialects."""

from __future__ import annotations

from buster_tasks.sources.schema import NormalizedType

_BY_NAME: dict[str, NormalizedType] = {
    "FLOAT": "float",
    "DECFLOAT": "float",
    "TEXT": "text",
    "VARCHAR": "text",
    "BINARY": "binary",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIME": "time",
    "TIMESTAMP_NTZ": "timestamp",
    "TIMESTAMP_LTZ": "timestamptz",
    "TIMESTAMP_TZ": "timestamptz",
    "VARIANT": "json",
    "OBJECT": "struct",
    "MAP": "struct",
    "ARRAY": "array",
    "VECTOR": "array",
    "GEOGRAPHY": "geography",
    "GEOMETRY": "geography",
    "UUID": "uuid",
}


def written(name: str, longest: int | None, precision: int | None, scale: int | None) -> str:
    """The type with its lengths, as DESCRIBE TABLE has it; the catalog gives them in columns of their own."""
    if name == "NUMBER" and precision is not None:
        return f"NUMBER({precision},{scale or 0})"
    if name in ("TEXT", "VARCHAR"):
        return "VARCHAR" if longest is None else f"VARCHAR({longest})"
    if name == "BINARY" and longest is not None:
        return f"BINARY({longest})"
    return name


def normalized(name: str, scale: int | None) -> NormalizedType:
    """One word for the type; a NUMBER without decimals is an integer."""
    if name == "NUMBER":
        return "decimal" if scale else "integer"
    base = name.partition("(")[0].strip().upper()
    if base.startswith("INTERVAL"):
        return "interval"
    return _BY_NAME.get(base, "unknown")
