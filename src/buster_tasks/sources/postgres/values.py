"""Values of a result as Python's own types, and as PostgreSQL's text where Python has none that holds them.

By type: bool, int, float, Decimal, str, bytes, date, time, datetime (with its zone for timestamptz), timedelta, UUID,
dict and list from JSON, lists from arrays, IP addresses. As text: dates that Python cannot hold (`infinity`, years
before 1 or beyond 9999), intervals with months or years, which are no fixed time, ranges, enums, money and the rest.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import postgres
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.pq import Format

_MAY_NOT_FIT = ("date", "time", "timetz", "timestamp", "timestamptz", "json", "jsonb")
_AS_TEXT = (
    "int4range", "int8range", "numrange", "daterange", "tsrange", "tstzrange",
    "int4multirange", "int8multirange", "nummultirange", "datemultirange", "tsmultirange", "tstzmultirange",
    "record",
)  # fmt: skip
_UNFIXED = (b"mon", b"year")


def load_by_type(connection: psycopg.Connection[Any]) -> None:
    """Make the connection give values as described above."""
    adapters = connection.adapters
    for name in _MAY_NOT_FIT:
        oid = postgres.types[name].oid
        adapters.register_loader(oid, _careful(oid))
    interval = postgres.types["interval"].oid
    adapters.register_loader(interval, _careful(interval, _is_unfixed))
    for name in _AS_TEXT:
        info = postgres.types.get(name)
        if info is not None:
            adapters.register_loader(info.oid, _Text)


class _Text(Loader):
    def load(self, data: Buffer) -> str:
        return bytes(data).decode()


def _never(_data: bytes) -> bool:
    return False


def _is_unfixed(data: bytes) -> bool:
    return any(unit in data for unit in _UNFIXED)


def _careful(oid: int, is_text: Any = _never) -> type[Loader]:
    """The driver's own loader, with the text in place of what it cannot hold."""
    known = psycopg.adapters.get_loader(oid, Format.TEXT)
    assert known is not None
    make = known

    class Careful(Loader):
        def __init__(self, oid: int, context: Any = None) -> None:
            super().__init__(oid, context)
            self._known = make(oid, context)

        def load(self, data: Buffer) -> Any:
            raw = bytes(data)
            if is_text(raw):
                return raw.decode()
            try:
                return self._known.load(raw)
            except (psycopg.DataError, ValueError, OverflowError, RecursionError):
                return raw.decode()

    return Careful
