"""A result as evidence: canonical cells, their digest, and what of it is shown."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from hashlib import sha256
from typing import cast

from pydantic import JsonValue

from buster_tasks.analyst.findings import Evidence, ResultColumn
from buster_tasks.sources.base import QueryResult

_SAMPLE_ROWS = 5
_CELL_CHARACTERS = 1_000
_DIGITS = 12
_EXACT = 2**53  # beyond it a float leaves out whole numbers


@dataclass(frozen=True, slots=True)
class ResultSet:
    """The rows of a statement as the desk keeps them, under the id that claims and charts name it by."""

    id: str
    source: str
    sql: str
    purpose: str
    result: QueryResult
    is_ordered: bool = False

    @property
    def columns(self) -> list[str]:
        """The names, in order."""
        return [column.name for column in self.result.columns]

    @property
    def digest(self) -> str:
        """See `digest_of`."""
        return digest_of(self.result, is_ordered=self.is_ordered)

    def evidence(self) -> Evidence:
        """What the output has of it."""
        return Evidence(
            id=self.id,
            source=self.source,
            sql=self.sql,
            purpose=self.purpose,
            columns=[
                ResultColumn(name=column.name, data_type=column.data_type)
                for column in self.result.columns
            ],
            row_count=self.result.row_count,
            truncated=self.result.truncated,
            digest=self.digest,
            sample=[[excerpt(cell) for cell in row] for row in self.result.rows[:_SAMPLE_ROWS]],
        )


def digest_of(result: QueryResult, *, is_ordered: bool) -> str:
    """The SHA-256, in hex, of the names and cells, whatever their types are in Python.

    Rows count in their order where the statement orders them, else as a set with repeats. Equal numbers are equal
    (1, 1.0 and Decimal("1.00")), floats to twelve digits, so that adding up in another order changes nothing.
    """
    names = [column.name.lower() for column in result.columns]
    rows = [json.dumps([canonical(cell) for cell in row]) for row in result.rows]
    if not is_ordered:
        rows.sort()
    return sha256(json.dumps([names, rows, result.truncated]).encode("utf-8")).hexdigest()


def canonical(cell: object) -> str | None:
    """The cell as text that starts with a letter for its sort; None stays None."""
    match cell:
        case None:
            text = None
        case bool():
            text = f"b:{cell}"
        case int() | float() | Decimal():
            text = f"n:{_number(cell)}"
        case datetime() | date() | time():
            text = f"t:{cell.isoformat()}"
        case bytes() | bytearray():
            text = f"x:{cell.hex()}"
        case list() | tuple() | dict():
            text = f"j:{json.dumps(shown(cast('object', cell)), sort_keys=True)}"
        case _:
            text = f"s:{cell}"
    return text


def shown(cell: object) -> JsonValue:
    """The cell as JSON: exact numbers that a float cannot hold as text, times in ISO 8601, bytes in hex."""
    value: JsonValue
    match cell:
        case None | bool() | str():
            value = cell
        case int():
            value = cell if abs(cell) < _EXACT else str(cell)
        case float():
            value = cell if math.isfinite(cell) else str(cell)
        case Decimal():
            value = _decimal(cell)
        case datetime() | date() | time():
            value = cell.isoformat()
        case bytes() | bytearray():
            value = f"0x{cell.hex()}"
        case list() | tuple():
            value = [shown(one) for one in cast("Sequence[object]", cell)]
        case dict():
            known = cast("Mapping[object, object]", cell)
            value = {str(name): shown(one) for name, one in known.items()}
        case _:
            value = str(cell)
    return value


def excerpt(cell: object) -> JsonValue:
    """The cell as `shown`, of a long one the first thousand characters."""
    value = shown(cell)
    text = json.dumps(value) if isinstance(value, (list, dict)) else str(value)
    return value if len(text) <= _CELL_CHARACTERS else f"{text[: _CELL_CHARACTERS - 1]}…"


def _decimal(cell: Decimal) -> JsonValue:
    if not cell.is_finite():
        return str(cell)
    if cell == cell.to_integral_value() and abs(cell) < _EXACT:
        return int(cell)
    number = float(cell)
    return number if Decimal(repr(number)) == cell else str(cell)


def _number(cell: float | Decimal) -> str:
    """The value to twelve digits, which adding up in another order keeps; a whole number to its last."""
    if not math.isfinite(cell):
        return str(float(cell))
    exact = Decimal(cell) if isinstance(cell, int) else Decimal(f"{cell:.{_DIGITS}g}")
    return "0" if exact == 0 else format(exact.normalize(), "f")
