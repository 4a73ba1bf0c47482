"""How the statements that measure are spelt: as most kinds of source understand them; each kind overrides the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Protocol, runtime_checkable

from buster_tasks.sources.schema import NormalizedType
from buster_tasks.sources.statistics.model import TargetColumn

_TEXTS = ("text",)
_OPAQUE = ("array", "struct", "geography")
_AS_TEXT = ("json", "unknown")
_BLOCKS = 100


@dataclass(frozen=True, slots=True)
class SampleWanted:
    """Some rows of a table: about `rows` of its `of`, the same for the same seed.

    `table` is its quoted name; `key` the quoted columns of its primary key, and `numbered` that one where it is a
    single column of whole numbers.
    """

    table: str
    rows: int
    of: int
    seed: int
    key: Sequence[str] = ()
    numbered: str | None = None

    @property
    def share(self) -> float:
        """Which part of the rows is wanted, at most 1."""
        return min(1.0, self.rows / self.of)

    @property
    def percent(self) -> str:
        """The same in percent, without an exponent."""
        return f"{max(self.share * 100, 1e-8):.8f}"


class StatisticsDialect:
    """The SQL of one kind of source. Names that come in are quoted already, columns stand for expressions too."""

    length_function: ClassVar[str] = "LENGTH"
    octets_function: ClassVar[str] = "OCTET_LENGTH"
    text_type: ClassVar[str] = "VARCHAR"
    float_type: ClassVar[str] = "DOUBLE PRECISION"
    approximate_distinct: ClassVar[str | None] = None
    """What counts distinct values nearly: a function, in front of its arguments."""

    def cell(self, column: TargetColumn, name: str, cut: int) -> tuple[str, str | None]:
        """What to read of a column, and its length where reading does not tell it: no more than `cut` characters."""
        kind = column.normalized_type
        if kind in _OPAQUE:
            return self.presence(name), None
        if kind == "binary":
            return self.presence(name), self.octets(name)
        if kind in _AS_TEXT:
            return self.cut(self.as_text(name), cut), None
        text = self.readable(column, name)
        if kind != "text" or (column.max_length or cut + 1) <= cut:
            return text, None
        return self.cut(text, cut), self.length(text)

    def readable(self, column: TargetColumn, name: str) -> str:
        """The column as something that functions of its `normalized_type` take."""
        return self.as_text(name) if column.normalized_type in _AS_TEXT else name

    def compared(self, column: TargetColumn, name: str) -> str:
        """The column as its values are told apart: texts by their characters, whatever the collation."""
        return self.readable(column, name)

    def ordered(self, column: TargetColumn, name: str) -> str:
        """The same as its values have an order: NaN is null."""
        return self.compared(column, name)

    def shown(self, column: TargetColumn, compared: str) -> str:
        """A value that was compared, as it is to be read."""
        return compared

    def frequencies(self, column: TargetColumn, name: str, table: str, cut: int) -> str:
        """Each value but null with its number of rows."""
        shown = self.shown(column, "v")
        if column.normalized_type in (*_TEXTS, *_AS_TEXT):
            shown = self.cut(shown, cut)
        return (
            f"SELECT {shown} AS v, n FROM (SELECT {self.compared(column, name)} AS v, {self.count()} AS n "
            f"FROM {table} WHERE {name} IS NOT NULL GROUP BY {self.compared(column, name)}) AS g"
        )

    def presence(self, name: str) -> str:
        """1, or null where the column is."""
        return f"CASE WHEN {name} IS NULL THEN NULL ELSE 1 END"

    def cut(self, text: str, length: int) -> str:
        """The first characters."""
        return f"SUBSTR({text}, 1, {length})"

    def length(self, text: str) -> str:
        """How many characters."""
        return f"{self.length_function}({text})"

    def octets(self, name: str) -> str:
        """How many bytes."""
        return f"{self.octets_function}({name})"

    def as_text(self, name: str) -> str:
        """Whatever it is as text."""
        return f"CAST({name} AS {self.text_type})"

    def as_float(self, expression: str) -> str:
        """A number as one with a point that floats."""
        return f"CAST({expression} AS {self.float_type})"

    def count(self, of: str = "*") -> str:
        """The number of rows, or of those where this is not null."""
        return f"COUNT({of})"

    def average(self, expression: str) -> str:
        """The mean of whole numbers, not cut to a whole number."""
        return f"AVG({self.as_float(expression)})"

    def distinct(self, expression: str, *, approximate: bool) -> str:
        """How many distinct values; nearly, where the kind can."""
        function = self.approximate_distinct
        if not approximate or function is None:
            return f"COUNT(DISTINCT {expression})"
        return f"{function}({expression})"

    def first(self, select: str, table: str, rows: int) -> str:
        """Some rows, whichever come first."""
        return self.limited(f"SELECT {select} FROM {table}", rows)

    def limited(self, statement: str, rows: int) -> str:
        """No more than so many rows of a SELECT."""
        return f"{statement} LIMIT {rows}"

    def samples(self, select: str, wanted: SampleWanted) -> Sequence[str]:
        """Statements that give the rows wanted: the first that the source takes is used."""
        return [
            f"SELECT {select} FROM {wanted.table} TABLESAMPLE BERNOULLI ({wanted.percent}) REPEATABLE ({wanted.seed})"
        ]

    def seconds(self, kind: NormalizedType, name: str) -> str | None:
        """A date or a time stamp as seconds since 1970 that float; None where there are no histograms of them."""
        return None

    def bucket(self, distance: str, width: float) -> str:
        """Which part of this width the distance is in, from 0."""
        return f"FLOOR({distance} / {width!r})"


@runtime_checkable
class SpellsStatistics(Protocol):
    """A source that has a dialect of its own for what measures its columns."""

    @property
    def statistics_dialect(self) -> StatisticsDialect:
        """The dialect."""
        ...


def dialect_of(source: object) -> StatisticsDialect:
    """That of the source, else the general one."""
    return (
        source.statistics_dialect if isinstance(source, SpellsStatistics) else StatisticsDialect()
    )


def number_literal(value: float | Decimal) -> str:
    """A finite number in SQL."""
    return f"({value:f})" if isinstance(value, Decimal) else f"({value!r})"


def in_blocks(select: str, wanted: SampleWanted, number: str) -> str:
    """Rows from many places of a table that is kept in the order of a column of numbers, without reading all of it."""
    each = max(1, wanted.rows // _BLOCKS)
    low, high = (f"(SELECT {edge}({number}) FROM {wanted.table})" for edge in ("MIN", "MAX"))
    parts = [
        f"SELECT * FROM (SELECT {select} FROM {wanted.table} WHERE {number} >= {low} + ({high} - {low}) * {place:.9f} "
        f"ORDER BY {number} LIMIT {each}) AS b{at}"
        for at, place in enumerate(_places(wanted.seed))
    ]
    return " UNION ALL ".join(parts)


def _places(seed: int) -> list[float]:
    """One place in each of equal parts, by the seed."""
    from random import Random

    chance = Random(seed)
    return [(at + chance.random()) / _BLOCKS for at in range(_BLOCKS)]


def by_digest(select: str, wanted: SampleWanted, key: str) -> str:
    """Rows whose key and the seed have a small digest, which chance alone decides; all rows are read for it."""
    most = f"{min(int(wanted.share * 2**64), 2**64 - 1):016x}"
    return f"SELECT {select} FROM {wanted.table} WHERE MD5({key}) < '{most}'"
