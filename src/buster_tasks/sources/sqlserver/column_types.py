"""What a column's type means: as it would be written, one word for all dialects, and its sizes."""

from __future__ import annotations

from dataclasses import dataclass

from buster_tasks.sources.schema import NormalizedType

_BY_NAME: dict[str, NormalizedType] = {
    **dict.fromkeys(("tinyint", "smallint", "int", "bigint"), "integer"),
    **dict.fromkeys(("decimal", "numeric", "money", "smallmoney"), "decimal"),
    **dict.fromkeys(("float", "real"), "float"),
    **dict.fromkeys(
        ("char", "varchar", "nchar", "nvarchar", "text", "ntext", "sysname", "xml", "hierarchyid"),
        "text",
    ),
    **dict.fromkeys(("datetime", "datetime2", "smalldatetime"), "timestamp"),
    **dict.fromkeys(("binary", "varbinary", "image", "timestamp", "rowversion"), "binary"),
    **dict.fromkeys(("geography", "geometry"), "geography"),
    "bit": "boolean",
    "date": "date",
    "time": "time",
    "datetimeoffset": "timestamptz",
    "uniqueidentifier": "uuid",
    "json": "json",
    "vector": "array",
}
_LENGTHS = ("char", "varchar", "binary", "varbinary", "nchar", "nvarchar")
_TWO_BYTES = ("nchar", "nvarchar")
_FRACTIONS = ("time", "datetime2", "datetimeoffset")
_NUMBERS = ("decimal", "numeric", "money", "smallmoney", "tinyint", "smallint", "int", "bigint")


@dataclass(frozen=True, slots=True)
class ColumnType:
    """A type as written, its word, and its sizes where it has them: letters or bytes, digits, decimals."""

    written: str
    normalized: NormalizedType
    max_length: int | None = None
    precision: int | None = None
    scale: int | None = None


def column_type(
    name: str | None, base: str | None, longest: int, digits: int, decimals: int
) -> ColumnType:
    """The type of a column: `base` is the server's own type behind an alias, and is what its sizes are of."""
    own = base or name or "unknown"
    length = _length(own, longest)
    sizes = _sizes(own, length, digits, decimals)
    written = f"{own}{sizes}" if name in (None, own) else str(name)
    is_counted = own in _NUMBERS or own in ("float", "real")
    return ColumnType(
        written=written,
        normalized=_BY_NAME.get(own, "unknown"),
        max_length=length if length and length > 0 else None,
        precision=digits if is_counted else decimals if own in _FRACTIONS else None,
        scale=decimals if own in _NUMBERS else None,
    )


def _length(own: str, longest: int) -> int | None:
    """In letters of a text, in bytes of a binary; -1 is max."""
    if own not in _LENGTHS:
        return None
    return longest // 2 if own in _TWO_BYTES and longest > 0 else longest


def _sizes(own: str, length: int | None, digits: int, decimals: int) -> str:
    if length is not None:
        return "(max)" if length < 0 else f"({length})"
    if own in ("decimal", "numeric"):
        return f"({digits},{decimals})"
    return f"({decimals})" if own in _FRACTIONS else ""
