"""Arithmetic that a sentence's words ask for: totals, averages, shares, growth, differences, multiples, counts.

A number that nothing names is looked for in it only where the words are there, and only over the rows and columns
that the sentence speaks of: the more arithmetic is tried, the more a wrong number may be met by chance.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import permutations, product
from statistics import median
from typing import Final

from buster_tasks.analyst.claims.comparing import (
    MEAN,
    MOST_ROWS,
    SHARE,
    Derived,
    asked,
    changes,
    numbers_of,
    pairs,
    words,
)
from buster_tasks.analyst.claims.index import Column, Table, stem
from buster_tasks.analyst.claims.mention import Mention
from buster_tasks.analyst.claims.reading import scale_of_column
from buster_tasks.analyst.claims.scope import Scope

_WHOLE: Final = 100
_MOST_COLUMNS: Final = 8
_TOTAL: Final = words(
    "total(?:s|ed|led|ing)?|sum(?:s|med)?|all|entire|whole|both|across|jointly|add(?:s|ed)?\\s+up|amount(?:s|ed)?\\s+to"
)
# these speak of all rows even where some are named
_IN_ALL: Final = re.compile(
    r"\b(?:altogether|combined|together|overall|in\s+total|in\s+all)\b"
    r"|\b(?:of|among)\s+(?:(?:the|all|a)\s+)+(?:total\s+(?:of\s+)?)?[$€£¥₹]?$"
    r"|(?:\d|%|percent|half|thirds?|quarters?)\s+of\s+[$€£¥₹]?$",
    re.IGNORECASE,
)
_REST: Final = words("rest|remaining|remainder|others?|without|excluding|except")
_PER: Final = words("per|each")
_MEDIAN: Final = words("median|typical(?:ly)?")
_NONE: Final = words("no|none|zero|without|missing|null|never|not|unknown|empty")
_COUNTED: Final = re.compile(
    r"\b(?:number\s+of|count|counted|how\s+many|there\s+(?:are|were|is|was)|rows)\b[^,;]*$|\b(?:the|all)\s*$",
    re.IGNORECASE,
)
_OF_ALL: Final = re.compile(r"\bof\s+(?:the|all)\s+$", re.IGNORECASE)
_TOP: Final = re.compile(
    r"\b(?:top|first|best|leading|largest|biggest|highest)\s*-?\s*$", re.IGNORECASE
)
_SUPERLATIVE: Final = words(
    "most|highest|largest|biggest|best|top|leads?|leading|greatest|lowest|least|fewest|smallest|worst|peak(?:ed)?"
)
_REVENUE: Final = words(
    "revenues?|sales|turnover|earn(?:s|ed|ings)?|proceeds|takings|worth|brought\\s+in"
)
_REVENUE_COLUMNS: Final = frozenset({"revenue", "sale", "turnover", "earning", "amount", "total"})
_QUANTITY: Final = frozenset({"unit", "quantity", "qty", "sold", "volume", "piece", "count"})
_PRICE: Final = frozenset({"price", "fee", "tariff"})
_NO_SUM: Final = frozenset({"price", "avg", "average", "mean", "median", "min", "max", "rank"})
_ROWS: Final = frozenset({"row", "record", "result", "entry", "line", "group", "item", "value"})


def is_top(text: str, mention: Mention) -> bool:
    """Whether the number says how many of the first: `top 5`."""
    return mention.kind == "number" and bool(_TOP.search(text[: mention.start]))


def derived(mention: Mention, scope: Scope, tables: Sequence[Table]) -> Iterator[Derived]:
    """What the words of the sentence ask for, of the results."""
    for table in tables:
        if _is_count(mention):
            yield from _counts(mention, table, scope.rows_meant(mention, table), scope)
        # of a result that was cut, what is not here would count too
        if not mention.is_change and not table.truncated:
            yield from _whole(mention, scope, table)
        if not mention.is_change:
            yield from _products(mention, scope, table)
    for table in tables:
        columns = asked(table, mention, scope.text)
        for one, base, by in pairs(mention, scope, table, columns):
            yield from changes(mention, scope.text, one, base, by)


def _whole(mention: Mention, scope: Scope, table: Table) -> Iterator[Derived]:
    """Arithmetic over all rows of a result, or over those that are named."""
    rows = scope.rows_meant(mention, table)
    if (mention.start, table.id) not in scope.paired:
        rows = scope.span(table) or rows
    for column in asked(table, mention, scope.text):
        if mention.kind == "number":
            yield from _aggregates(mention, column, rows, scope)
        elif mention.kind in {"percent", "fraction"}:
            yield from _shares(scope, column, rows, table)
    # small whole numbers are met by too many ratios
    if mention.kind == "number" and (
        mention.quantum < 1 or abs(mention.value or Decimal(0)) >= _WHOLE
    ):
        yield from _ratios(scope.text, table, rows)
    if mention.kind == "number" and mention.of:
        yield from _parts(table, rows)
    if mention.kind == "fraction" and _NONE.search(scope.text):
        yield from _missing(table)


def _is_count(mention: Mention) -> bool:
    return (
        mention.kind == "number"
        and not mention.is_change
        and not mention.currency
        and mention.quantum == 1
    )


def _counts(
    mention: Mention, table: Table, rows: frozenset[int], scope: Scope
) -> Iterator[Derived]:
    """How many there are of what is counted: rows, different texts, names in the sentence, rows that pass a bound."""
    noun = stem(mention.noun) if mention.noun else ""
    before = scope.text[: mention.start - scope.start]
    if any(noun in column.traits.words for column in table.measures):
        return
    if not (noun or mention.of or _COUNTED.search(before)):
        return
    is_least = mention.comparison in {"over", "at_least"}
    if (not table.truncated or is_least) and not _is_bounded(mention, scope):
        yield from _all_rows(table, noun)
    if noun in {"column", "field"}:
        yield Derived(Decimal(len(table.columns)), f"columns of {table.id}")
    if not table.truncated:
        yield from _named_rows(table, rows, noun, scope)
        if (noun or mention.of) and not _OF_ALL.search(before):
            yield from _passing(table, scope, mention)


def _all_rows(table: Table, noun: str) -> Iterator[Derived]:
    yield Derived(Decimal(table.rows), f"rows of {table.id}")
    for column in table.columns:
        if column.nulls and column.is_measure:
            yield Derived(Decimal(len(column.numbers)), f"rows of {table.id} with {column.name}")
        if column.texts and noun in column.traits.words:
            yield Derived(Decimal(len(column.texts)), f"different {table.id}.{column.name}")


def _named_rows(table: Table, rows: frozenset[int], noun: str, scope: Scope) -> Iterator[Derived]:
    if len(rows) > 1 and noun not in _ROWS:
        yield Derived(Decimal(len(rows)), f"rows of {table.id} that are named")
    if rows and _REST.search(scope.text):
        yield Derived(Decimal(table.rows - len(rows)), f"other rows of {table.id}")
    listed = {name.text for name in scope.names if name.column in table.columns}
    if len(listed) > 1:
        yield Derived(Decimal(len(listed)), "names in the sentence")


def _is_bounded(mention: Mention, scope: Scope) -> bool:
    """Whether a bound follows, so that not all rows are counted: `3 countries have more than 90 orders`."""
    return any(
        other.is_bound
        and other.start > mention.end
        and not re.search(
            r"[,;:.(]", scope.text[mention.end - scope.start : other.start - scope.start]
        )
        for other in scope.mentions
        if other is not mention
    )


def _passing(table: Table, scope: Scope, mention: Mention) -> Iterator[Derived]:
    """How many rows pass the comparison that the sentence makes with another number, or have nothing."""
    for other in scope.mentions:
        if other is mention or not other.is_bound:
            continue
        for column in asked(table, other):
            count = sum(other.passes(number) for number in column.numbers.values())
            if count:
                yield Derived(Decimal(count), f"rows of {table.id} by {column.name}")
    if _NONE.search(scope.text):
        for column in table.columns:
            nothing = column.nulls + sum(number == 0 for number in column.numbers.values())
            if nothing:
                yield Derived(Decimal(nothing), f"rows of {table.id} without {column.name}")


def _aggregates(
    mention: Mention, column: Column, rows: frozenset[int] | None, scope: Scope
) -> Iterator[Derived]:
    numbers, chosen = list(column.numbers.values()), numbers_of(column, rows)
    if not numbers:
        return
    name = f"{column.result}.{column.name}"
    yield from _sums(mention, column, chosen, scope)
    if _REST.search(scope.text) and chosen:
        yield Derived(column.total - sum(chosen, Decimal(0)), f"rest of {name}")
    if MEAN.search(scope.text) or (_PER.search(scope.text) and not chosen):
        if not _is_stretch(scope, chosen):
            yield Derived(column.total / len(numbers), f"average of {name}")
        if len(chosen) > 1:
            yield Derived(sum(chosen, Decimal(0)) / len(chosen), f"average of {name}, named rows")
    if _MEDIAN.search(scope.text):
        yield Derived(median(numbers), f"median of {name}")


def _sums(
    mention: Mention, column: Column, chosen: Sequence[Decimal], scope: Scope
) -> Iterator[Derived]:
    """The sum of all rows, of the named ones, and of the first. A named row is told by its own number first."""
    before = scope.text[: mention.start - scope.start]
    in_all = bool(_IN_ALL.search(scope.text) or _IN_ALL.search(before))
    counted = mention.noun and stem(mention.noun) in column.traits.words and column.is_whole
    said = in_all or bool(_TOTAL.search(scope.text))
    name = f"{column.result}.{column.name}"
    is_all = in_all and not _is_stretch(scope, chosen)
    if is_all or _IN_ALL.search(before) or (not chosen and (said or counted)):
        yield Derived(column.total, f"sum of {name}")
    if len(chosen) > 1 and (said or _is_whole(scope, column)):
        yield Derived(sum(chosen, Decimal(0)), f"sum of {name} over named rows")
    if said:
        for count, total in _tops(column, scope):
            yield Derived(total, f"sum of {name} over the top {count}")


def _is_whole(scope: Scope, column: Column) -> bool:
    """Whether a year that has months, or a name that several rows have, is all of them."""
    if column.traits.words & _NO_SUM or column.traits.is_percent or MEAN.search(scope.text):
        return False
    names = {name.text for name in scope.names}
    return len(names) == 1 or (not names and bool(scope.days))


def _is_stretch(scope: Scope, chosen: Sequence[Decimal]) -> bool:
    """Whether a sentence speaks of a stretch of time alone: `in Q1`, `from March to June`."""
    days = len(scope.days)
    return (
        len(chosen) > 1
        and not scope.names
        and (days == 1 or (days == 2 and scope.ends is not None))
    )


def _ratios(text: str, table: Table, rows: frozenset[int] | None) -> Iterator[Derived]:
    """One column per another, `revenue per customer`: of the rows that are named, else of all."""
    is_mean, is_per = MEAN.search(text), _PER.search(text)
    if not (is_mean or is_per):
        return
    for one, other in permutations(table.measures[:_MOST_COLUMNS], 2):
        by = f"{table.id}.{one.name} per {other.name}"
        if other.total and (is_mean or not rows):
            yield Derived(one.total / other.total, by)
        for row in sorted(rows or ())[:MOST_ROWS]:
            if other.numbers.get(row) and row in one.numbers:
                yield Derived(one.numbers[row] / other.numbers[row], by)


def _products(mention: Mention, scope: Scope, table: Table) -> Iterator[Derived]:
    """Units times their price, where revenue is told and no column has it: of the rows that are named, else of all."""
    said = _REVENUE.search(scope.text)
    if mention.kind != "number" or not said:
        return
    if any(column.traits.words & _REVENUE_COLUMNS for column in table.measures):
        return
    rows = scope.rows_meant(mention, table)
    chosen = sorted(rows or range(table.rows))
    for one, other in product(table.measures, table.measures):
        if one.traits.words & _QUANTITY and other.traits.words & _PRICE:
            found = [
                one.numbers[row] * other.numbers[row]
                for row in chosen
                if row in one.numbers and row in other.numbers
            ]
            if found and (rows or not table.truncated):
                yield Derived(sum(found, Decimal(0)), f"{table.id}.{one.name} times {other.name}")


def _parts(table: Table, rows: frozenset[int] | None) -> Iterator[Derived]:
    """A rate of another column in numbers: `210 of the 500` are 42%."""
    chosen = sorted(rows or range(table.rows))
    rates = [column for column in table.measures if column.traits.is_percent]
    if len(chosen) > MOST_ROWS:
        return
    for rate, column in product(rates, table.measures):
        scale = scale_of_column(rate)
        for row in chosen:
            if column is not rate and row in rate.numbers and row in column.numbers:
                part = rate.numbers[row] * column.numbers[row]
                by = f"{table.id}.{rate.name} of {column.name}"
                yield Derived(part if scale.of_one else part / _WHOLE, by)


def _shares(scope: Scope, column: Column, rows: frozenset[int], table: Table) -> Iterator[Derived]:
    """Parts of a column's total: of the rows of the sentence, of all but those, of the first."""
    text = scope.text
    if not SHARE.search(text) or not column.total or column.traits.is_percent:
        return
    by = f"share of {column.result}.{column.name}"
    chosen = numbers_of(column, rows)
    parts = [] if scope.is_together else [*chosen]
    if scope.is_list or scope.is_together or len(scope.names) < 2:
        parts.append(sum(chosen, Decimal(0)))
    parts = parts if chosen else []
    if not chosen and _SUPERLATIVE.search(text):
        parts = [column.numbers[row] for row in sorted(column.extreme_rows)[:2]]
    if chosen and _REST.search(text):
        parts.append(column.total - sum(chosen, Decimal(0)))
    for part in parts:
        yield Derived(part / column.total, by, of_one=True)
    for count in re.findall(r"\btop\s+(\w+)", text.lower())[:3]:
        number = _small(count)
        if 0 < number < table.rows:
            yield Derived(_top(column, number) / column.total, f"{by}: top {number}", of_one=True)


def _missing(table: Table) -> Iterator[Derived]:
    for column in table.columns:
        nothing = column.nulls + sum(number == 0 for number in column.numbers.values())
        if table.rows:
            yield Derived(Decimal(nothing) / table.rows, f"without {column.name}", of_one=True)


def _tops(column: Column, scope: Scope) -> Iterator[tuple[int, Decimal]]:
    for mention in scope.mentions:
        if is_top(scope.text, _moved(mention, scope)) and mention.value is not None:
            count = int(mention.value)
            if 0 < count < len(column.numbers):
                yield count, _top(column, count)


def _moved(mention: Mention, scope: Scope) -> Mention:
    from dataclasses import replace

    return replace(mention, start=mention.start - scope.start, end=mention.end - scope.start)


def _top(column: Column, count: int) -> Decimal:
    return sum(sorted(column.numbers.values(), reverse=True)[:count], Decimal(0))


def _small(word: str) -> int:
    from buster_tasks.analyst.claims.number_words import number_of_words

    if word.isdigit():
        return int(word) if len(word) < 6 else 0
    try:
        return number_of_words(word)
    except KeyError:
        return 0
