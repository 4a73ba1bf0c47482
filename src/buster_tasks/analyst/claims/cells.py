"""Cells that a number may be: of the rows and columns that the sentence speaks of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final

from buster_tasks.analyst.claims.index import GENERIC, Column, Table, Traits, stem, words_of
from buster_tasks.analyst.claims.mention import Mention
from buster_tasks.analyst.claims.reading import Scale, fits_unit, readings, scale_of_column, way_of
from buster_tasks.analyst.claims.scope import Scope

_NEAR: Final = 3  # words after a number that may be a column's name


def cells(mention: Mention, scope: Scope, tables: Sequence[Table]) -> Iterator[tuple[Decimal, str]]:
    """The cells that are told so, each with its place."""
    for table in tables:
        rows = scope.rows_of(mention, table)
        for column in _columns(mention, scope, table, is_named=is_counted(mention, tables)):
            for row, exact in _near(mention, column):
                if (rows is None or row in rows) and _is_told(mention, column, exact, table):
                    yield exact, f"{table.id}.{column.name}, row {row}"


def is_counted(mention: Mention, tables: Sequence[Table]) -> bool:
    """Whether what the mention counts is the name of a column."""
    noun = stem(mention.noun) if mention.noun else ""
    return bool(noun) and any(
        noun in column.traits.words for table in tables for column in table.columns
    )


def admits(mention: Mention, exact: Decimal, scale: Scale, traits: Traits) -> bool:
    """Whether a number, by any way that it is told, with its sign, may be the mention."""
    signed = way_of(mention, exact, traits)
    return any(mention.admits(reading) for reading in readings(mention, signed, scale))


def _columns(mention: Mention, scope: Scope, table: Table, *, is_named: bool) -> Iterator[Column]:
    """The columns that the counted noun allows, or the only number of a sentence that names one.

    A column whose name tells nothing is always allowed.
    """
    said = _said(mention, scope, table)
    if is_named:
        after = scope.text[mention.end - scope.start :].split()[:_NEAR]
        said = _best(_with_noun(mention, table.columns), words_of(" ".join(after)))
    for column in table.columns:
        if (is_named or said) and column not in said and not column.traits.is_generic:
            continue
        if column.numbers and (column.is_measure or _is_name(mention, column, scope)):
            yield column


def _with_noun(mention: Mention, columns: Iterable[Column]) -> list[Column]:
    noun = stem(mention.noun)
    return [column for column in columns if noun in column.traits.words]


def _best(columns: Sequence[Column], words: frozenset[str]) -> list[Column]:
    """The columns that have most of the words: `units in stock` is `units_in_stock`, not `unit_price`."""
    most = max((len(column.traits.words & words) for column in columns), default=0)
    return [column for column in columns if len(column.traits.words & words) == most]


def _said(mention: Mention, scope: Scope, table: Table) -> list[Column]:
    """The columns that the sentence names, where it has no other number and no noun that may be another's name."""
    plain = [one for one in scope.mentions if one.kind in {"number", "percent"}]
    if mention.noun or len(plain) != 1:
        return []
    words = words_of(scope.unnamed) - GENERIC
    return _best([column for column in table.measures if column.traits.words & words], words)


def _is_name(mention: Mention, column: Column, scope: Scope) -> bool:
    """Whether a number is told as a name of a row: `customer 18`, `the customer ids 18 and 19`."""
    before = re.search(r"([A-Za-z]+)\W{0,2}$", scope.text[: mention.start - scope.start])
    word = stem(before[1]) if before else ""
    if word in column.traits.words | {"id", "no", "number", "year"}:
        return True
    return column.traits.is_id and column.traits.words <= words_of(scope.text)


def _near(mention: Mention, column: Column) -> Iterator[tuple[int, Decimal]]:
    """The numbers of a column that may be meant, by their size in each way that they are told."""
    low, high = mention.bounds
    scale = scale_of_column(column)
    factors = [Decimal(1)]
    if mention.kind in {"percent", "points", "fraction"}:
        factors = [Decimal(100)] * scale.of_one + [Decimal(1)] * scale.of_hundred
    for factor in factors:
        yield from column.between(low / factor, high / factor)
        if mention.is_change:
            yield from column.between(-high / factor, -low / factor)


def _is_told(mention: Mention, column: Column, exact: Decimal, table: Table) -> bool:
    traits = column.traits
    if mention.is_change and not (
        traits.is_change or table.rows == 1 or (mention.direction < 0 and exact < 0)
    ):
        return False
    if mention.kind == "points" and not traits.is_change:
        return False
    if mention.kind == "factor" and not traits.is_factor:
        return False
    if not fits_unit(mention, traits):
        return False
    return admits(mention, exact, scale_of_column(column), traits)
