"""The rows of a result, page by page, up to a number of rows and of bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from buster_tasks.sources.base import QueryColumn, QueryResult

Row = tuple[object, ...]

_FIRST_PAGE = 16  # before the size of a row is known
_OF_A_ROW, _OF_A_CELL = 16, 8


class Collected:
    """Takes pages until one row or byte more would be over a limit; that there was one more is `truncated`.

    A page holds as many rows as are wanted still, by the rows and by the average size up to now, so that wide rows
    are not all in memory before they are counted.
    """

    def __init__(self, max_rows: int | None, max_bytes: int | None, *, page: int) -> None:
        """None is no limit."""
        self._most, self._most_bytes, self._page = max_rows, max_bytes, page
        self._bytes = 0
        self.rows: list[Row] = []
        self.truncated = False

    @property
    def wanted(self) -> int:
        """How many rows to fetch next; 0 when nobody wants more."""
        if self.truncated:
            return 0
        wanted = self._page
        if self._most is not None:
            wanted = min(wanted, self._most + 1 - len(self.rows))
        if self._most_bytes is None:
            return wanted
        if not self.rows:
            return min(wanted, _FIRST_PAGE)
        average = max(1, self._bytes // len(self.rows))
        return min(wanted, max(1, (self._most_bytes - self._bytes) // average + 1))

    def take(self, page: Iterable[Sequence[Any]]) -> None:
        """Keep what is within the limits."""
        for row in page:
            if len(self.rows) == self._most:
                self.truncated = True
                return
            if self._most_bytes is not None:
                size = size_of(row)
                if self._bytes + size > self._most_bytes:
                    self.truncated = True
                    return
                self._bytes += size
            self.rows.append(tuple(row))

    def emptied(self) -> Collected:
        """Another one with the same limits, for a statement that is run again."""
        return Collected(self._most, self._most_bytes, page=self._page)

    def result(self, columns: Sequence[QueryColumn]) -> QueryResult:
        """What was kept, under these columns."""
        return QueryResult(tuple(columns), self.rows, truncated=self.truncated)


def size_of(row: Iterable[object]) -> int:
    """About how many bytes a row takes: text and bytes by their length, all else by a word."""
    return _OF_A_ROW + sum(map(_size, row))


def _size(cell: object) -> int:
    if isinstance(cell, (str, bytes, bytearray)):
        return _OF_A_CELL + len(cell)
    if isinstance(cell, (list, tuple)):
        return _OF_A_CELL + sum(map(_size, cast("Sequence[object]", cell)))
    if isinstance(cell, dict):
        parts = cast("Mapping[object, object]", cell).items()
        return _OF_A_CELL + sum(_size(name) + _size(value) for name, value in parts)
    return _OF_A_CELL
