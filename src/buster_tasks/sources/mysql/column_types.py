"""What a column's type means: one word for all dialects, and the values of an ENUM or SET."""

from __future__ import annotations

import re

from buster_tasks.sources.schema import NormalizedType

_BY_NAME: dict[str, NormalizedType] = {
    **dict.fromkeys(
        ("tinyint", "smallint", "mediumint", "int", "integer", "bigint", "year", "bit"), "integer"
    ),
    **dict.fromkeys(("decimal", "numeric"), "decimal"),
    **dict.fromkeys(("float", "double", "real"), "float"),
    **dict.fromkeys(
        ("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set"), "text"
    ),
    **dict.fromkeys(("inet4", "inet6"), "text"),
    **dict.fromkeys(
        ("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"), "binary"
    ),
    **dict.fromkeys(
        (
            "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon",
            "geometrycollection", "geomcollection",
        ),
        "geography",
    ),
    "date": "date",
    "datetime": "timestamp",
    "json": "json",
    "time": "time",
    "timestamp": "timestamptz",
    "uuid": "uuid",
    "vector": "array",
}  # fmt: skip
_BOOLEANS = ("tinyint(1)", "bit(1)")
_LITERAL = re.compile(r"'((?:[^']|'')*)'")


def normalized(base_type: str, full_type: str) -> NormalizedType:
    """One word for the type; BOOLEAN is TINYINT(1) here, and TIMESTAMP a moment whatever the zone it is shown in."""
    if full_type.lower() in _BOOLEANS:
        return "boolean"
    return _BY_NAME.get(base_type.lower(), "unknown")


def values_of(base_type: str, full_type: str) -> list[str] | None:
    """The values of an ENUM or SET in their order; None for other types."""
    if base_type.lower() not in ("enum", "set"):
        return None
    return [match.replace("''", "'") for match in _LITERAL.findall(full_type)]
