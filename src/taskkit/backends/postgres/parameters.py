"""Values as PostgreSQL's binary format wants them: whole numbers are bigint, everywhere in our schema."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any, Final

from psycopg.pq import Format

_BIGINT, _TEXT, _BYTEA, _DOUBLE = 20, 25, 17, 701
_ARRAYS: Final = {_BIGINT: 1016, _TEXT: 1009, _BYTEA: 1001, _DOUBLE: 1022}
_OIDS: Final[dict[type[Any], int]] = {int: _BIGINT, str: _TEXT, bytes: _BYTEA, float: _DOUBLE}

_int = struct.Struct(">q").pack
_float = struct.Struct(">d").pack
_length = struct.Struct(">i").pack
_head = struct.Struct(">iiiii").pack
_NULL: Final = _length(-1)


def _bytes(value: bytes) -> bytes:
    return value


class UnstorableTextError(ValueError):
    """A text that PostgreSQL cannot hold."""


def _text(value: str) -> bytes:
    """UTF-8. It has no byte for the half of a surrogate pair, and PostgreSQL's texts have no U+0000."""
    try:
        data = value.encode()
    except UnicodeEncodeError:
        raise UnstorableTextError(value) from None
    if b"\0" in data:
        raise UnstorableTextError(value)
    return data


_WRITE: Final[dict[type[Any], Callable[[Any], bytes]]] = {
    int: _int,
    str: _text,
    bytes: _bytes,
    float: _float,
}


def oids_of(values: Sequence[object]) -> tuple[int, ...]:
    """The types of values; 0, which lets the server decide, for None and for a list of nothing else."""
    return tuple(
        [0 if value is None else _OIDS.get(type(value)) or _of_list(value) for value in values]
    )


def _of_list(values: Any) -> int:
    element = _element(values)
    return 0 if element is None else _ARRAYS[_OIDS[element]]


def _element(values: Sequence[object]) -> type[Any] | None:
    for value in values:
        if value is not None:
            return type(value)
    return None


def written(values: Sequence[Any], oids: Sequence[int]) -> tuple[list[bytes | None], list[Format]]:
    """The bytes of values, and which of the two formats they are in."""
    parts: list[bytes | None] = []
    formats = [Format.BINARY] * len(oids)
    for place, value in enumerate(values):
        if value is None:
            parts.append(None)
        elif (write := _WRITE.get(value.__class__)) is not None:
            parts.append(write(value))
        elif oids[place]:
            parts.append(_array(value))
        else:  # the binary format of an array names a type, which we do not know
            parts.append(f"{{{','.join(['NULL'] * len(value))}}}".encode())
            formats[place] = Format.TEXT
    return parts, formats


def _array(values: list[Any]) -> bytes:
    element = _element(values)
    assert element is not None
    write = _WRITE[element]
    parts = [_head(1, int(None in values), _OIDS[element], len(values), 1)]
    for value in values:
        if value is None:
            parts.append(_NULL)
        else:
            one = write(value)
            parts += (_length(len(one)), one)
    return b"".join(parts)
