"""A driver's row as ours, where some columns have still to be made of what it gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Convert = Callable[[Any], object]


def converted(row: Sequence[Any], converts: Sequence[tuple[int, Convert]]) -> tuple[object, ...]:
    """The row, with what is made of the values in these columns; None stays None."""
    values = list(row)
    for at, convert in converts:
        if values[at] is not None:
            values[at] = convert(values[at])
    return tuple(values)
