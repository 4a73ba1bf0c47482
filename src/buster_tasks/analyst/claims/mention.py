"""A number or date that a sentence mentions, and the span of values that it may stand for."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from buster_tasks.analyst.claims.direction import Comparison
from buster_tasks.analyst.claims.period import Period

Kind = Literal[
    "number",
    "percent",
    "points",
    "fraction",
    "factor",
    "ordinal",
    "date",
    "time",
    "entity",
    "comparison",
]

_TOLERANCE: Final = Decimal("0.05")  # of "about" and "nearly", where the digits allow more
_BEYOND: Final = Decimal("0.1")  # how far from "more than" the value may be
_FRACTION_TOLERANCE: Final = Decimal(1)  # "two thirds" are 66 to 67 percent
_FRACTION_NEAR: Final = Decimal(3)  # "nearly a quarter" is 22 percent at least
_FACTOR_TOLERANCE: Final = Decimal("0.05")


@dataclass(frozen=True, slots=True)
class Mention:
    """A mention with its place in the text.

    `value` is the number as meant (1.2 million is 1200000, 12.5 percent is 12.5, half is 50), `quantum` what its last
    digit counts, `significant` what its last digit that is no zero counts. `direction` is 1 or -1 for what something
    rose or fell by, and `differs` holds where it is a difference that has no direction. `currency` is `$`,
    `EUR` and so on, `noun` the plural that follows, `of` whether `of` does. A weak mention (`one`, `30-day`) is a claim
    only where it speaks of what the evidence counts. `periods` are the days that a date may mean.
    """

    text: str
    start: int
    end: int
    kind: Kind
    value: Decimal | None = None
    quantum: Decimal = Decimal(1)
    significant: Decimal = Decimal(1)
    periods: tuple[Period, ...] = ()
    comparison: Comparison = "exact"
    direction: int = 0
    differs: bool = False
    currency: str = ""
    noun: str = ""
    of: bool = False
    weak: bool = False

    @property
    def is_change(self) -> bool:
        """Whether it says by how much things differ, or something rose or fell."""
        return self.differs or self.direction != 0

    @property
    def is_bound(self) -> bool:
        """Whether it says on which side of it something is."""
        return self.comparison in {"over", "at_least", "under", "at_most"}

    @property
    def bounds(self) -> tuple[Decimal, Decimal]:
        """The least and the greatest value that it stands for; see `admits` for the ends."""
        value = self.value or Decimal(0)
        half = self._half
        near = max(self.quantum / 2, min(self.significant, abs(value) * _TOLERANCE))
        if self.kind == "fraction":
            near = _FRACTION_NEAR
        far = max(self.significant, abs(value) * _BEYOND)
        match self.comparison:
            case "exact":
                return value - half, value + half
            case "about":
                if self.kind != "fraction":
                    near = max(half, min(self.significant / 2, abs(value) * _TOLERANCE))
                return value - near, value + near
            case "nearly":
                return value - near, value
            case "over" | "at_least":
                return value, value + far
            case "under" | "at_most":
                return value - far, value

    @property
    def _half(self) -> Decimal:
        if self.kind == "fraction":
            return _FRACTION_TOLERANCE
        if self.kind == "factor" and not self.text[0].isdigit():
            return abs(self.value or Decimal(0)) * _FACTOR_TOLERANCE
        return self.quantum / 2

    def admits(self, exact: Decimal) -> bool:
        """Whether a value, in the unit of the mention, may be told so. A half may be rounded up, or to even."""
        low, high = self.bounds
        if not low <= exact <= high:
            return False
        match self.comparison:
            case "over" | "under":
                return exact != self.value
            case "nearly":
                return exact < high
            case _:
                return True

    def passes(self, exact: Decimal) -> bool:
        """Whether a value, however far, is on the side of this bound."""
        value = self.value or Decimal(0)
        match self.comparison:
            case "over":
                return exact > value
            case "at_least":
                return exact >= value
            case "under":
                return exact < value
            case _:
                return exact <= value
