"""Whether two results say the same: names and order of columns do not matter, nor do tiny differences of numbers."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Final

Rows = Sequence[Sequence[object]]

_DECIMALS: Final = 2
_ABSOLUTE: Final = 0.00501
_RELATIVE: Final = 1e-6
_MONTH: Final = re.compile(r"^(\d{4}-\d{2})-01$")
_MIDNIGHT: Final = re.compile(r"^(\d{4}-\d{2}-\d{2})[T ]00:00:00(?:\.0+)?$")
_QUARTER: Final = re.compile(r"^(\d{4})-Q([1-4])$")
_MOST_TRIED: Final = 5_000


def same_rows(answer: Rows, gold: Rows, *, ordered: bool = False) -> bool:
    """Whether each column of `gold` is one of `answer`, such that the rows are the same.

    The answer may have more columns, in any order; without `ordered` rows are compared as a multiset. Numbers count as
    the same when they are within half a hundredth, or a millionth of themselves, 1 and true too; a month as its first
    day, a day as its midnight.
    """
    if len(answer) != len(gold):
        return False
    if not gold:
        return True
    mine = [[plain(cell) for cell in row] for row in answer]
    right = [[plain(cell) for cell in row] for row in gold]
    wanted = right if ordered else _sorted(right)
    for tried, columns in enumerate(_assignments(mine, right)):
        if tried == _MOST_TRIED:
            return False
        picked = [[row[at] for at in columns] for row in mine]
        if _all_alike(picked if ordered else _sorted(picked), wanted):
            return True
    return False


def same_but_for_ties(answer: Rows, gold: Rows, whole: Rows) -> bool:
    """Whether the answer is as right as `gold`, the first rows of `whole`: of rows that tie any may be among them.

    Both have to show the same numbers, and every row of the answer has to be one of the whole result.
    """
    if len(answer) != len(gold) or len(whole) <= len(gold) or not gold:
        return False
    right = [[_rounded(cell) for cell in row] for row in gold]
    numeric = [
        at for at in range(len(right[0])) if all(isinstance(row[at], float) for row in right)
    ]
    there = Counter(tuple(_rounded(cell) for cell in row) for row in whole)
    mine = [[_rounded(cell) for cell in row] for row in answer]
    if not numeric:
        return False
    numbers = Counter(tuple(row[at] for at in numeric) for row in right)
    for columns in _injections(len(mine[0]), len(right[0])):
        picked = [tuple(row[at] for at in columns) for row in mine]
        if (
            Counter(tuple(row[at] for at in numeric) for row in picked) == numbers
            and not Counter(picked) - there
        ):
            return True
    return False


def plain(cell: object) -> object:
    """A cell as it is compared."""
    match cell:
        case None:
            return None
        case bool() | int() | float() | Decimal():
            number = float(cell)
            return str(number) if math.isnan(number) else number
        case datetime():
            return _plain_text(cell.replace(tzinfo=None).isoformat(sep=" "))
        case date() | time():
            return _plain_text(cell.isoformat())
        case bytes():
            return cell.hex()
        case _:
            return _plain_text(str(cell))


def _rounded(cell: object) -> object:
    shown = plain(cell)
    return round(shown, _DECIMALS) + 0.0 if isinstance(shown, float) else shown


def _sorted(rows: list[list[object]]) -> list[list[object]]:
    """The rows in one order: by their texts, and then by their numbers."""
    return sorted(rows, key=_place)


def _place(row: list[object]) -> tuple[object, ...]:
    texts = tuple("" if isinstance(cell, float) else f"{cell is None} {cell}" for cell in row)
    return texts, tuple(cell if isinstance(cell, float) else 0.0 for cell in row)


def _all_alike(rows: list[list[object]], others: list[list[object]]) -> bool:
    return all(
        _alike(one, other)
        for row, more in zip(rows, others, strict=True)
        for one, other in zip(row, more, strict=True)
    )


def _alike(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)
    return one == other


def _plain_text(text: str) -> str:
    text = text.strip()
    text = _MIDNIGHT.sub(r"\1", text)
    quarter = _QUARTER.match(text)
    if quarter:
        return f"{quarter[1]}-{3 * int(quarter[2]) - 2:02d}"
    return _MONTH.sub(r"\1", text)


def _assignments(mine: list[list[object]], right: list[list[object]]) -> Iterator[tuple[int, ...]]:
    """For each column of the right rows one of mine with the same cells, in all ways."""
    cells = [_sorted([[row[at]] for row in mine]) for at in range(len(mine[0]))]
    candidates: list[list[int]] = []
    for at in range(len(right[0])):
        wanted = _sorted([[row[at]] for row in right])
        candidates.append([one for one, held in enumerate(cells) if _all_alike(held, wanted)])
    yield from _chosen(candidates, ())


def _chosen(candidates: list[list[int]], chosen: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    if len(chosen) == len(candidates):
        yield chosen
        return
    for one in candidates[len(chosen)]:
        if one not in chosen:
            yield from _chosen(candidates, (*chosen, one))


def _injections(columns: int, wanted: int) -> Iterator[tuple[int, ...]]:
    from itertools import islice, permutations

    if columns >= wanted:
        yield from islice(permutations(range(columns), wanted), _MOST_TRIED)
