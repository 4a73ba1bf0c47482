"""Each mention held against the evidence: what it stands on, or nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from buster_tasks.analyst.claims import derived as arithmetic
from buster_tasks.analyst.claims.bound import bound_of_rows, count_of_bound
from buster_tasks.analyst.claims.cells import admits, cells, is_counted
from buster_tasks.analyst.claims.comparing import Derived, changes
from buster_tasks.analyst.claims.date_mentions import dates
from buster_tasks.analyst.claims.dating import is_dated
from buster_tasks.analyst.claims.direction import direction
from buster_tasks.analyst.claims.index import TIME_UNITS, Column, Table, Traits, stem, words_of
from buster_tasks.analyst.claims.mention import Mention
from buster_tasks.analyst.claims.mentions import LONGEST, may_mention, mentions
from buster_tasks.analyst.claims.ranging import is_end
from buster_tasks.analyst.claims.ranking import leaders, listed_ends, rank_of
from buster_tasks.analyst.claims.reading import (
    fits_unit,
    scale_of_column,
    scale_of_value,
)
from buster_tasks.analyst.claims.scope import Name, Scope, names_in, scope_of, sentences
from buster_tasks.analyst.claims.subject import subjects
from buster_tasks.analyst.claims.values import Resolved
from buster_tasks.analyst.claims.versus import orders
from buster_tasks.analyst.findings import CellRef

_LIMIT: Final = re.compile(r"\b(?:LIMIT|TOP|FETCH\s+(?:FIRST|NEXT))\s*\(?\s*(\d+)", re.IGNORECASE)
_COMPARED: Final = re.compile(r"(?:[<>]=?|=|\bBETWEEN|\bAND)\s*'?(-?\d+(?:\.\d+)?)", re.IGNORECASE)
_FROM: Final = re.compile(r"\s+from\s*[$€£¥₹]?$", re.IGNORECASE)
_TO: Final = re.compile(r"\bto\s*[$€£¥₹]?$", re.IGNORECASE)
_WINDOW: Final = re.compile(
    r"\b(?:last|past|previous|latest|trailing|recent|next|within|for|first)\s+$", re.IGNORECASE
)
_MOST_MENTIONS: Final = 200
_MOST_IN_SENTENCE: Final = (
    40  # with more numbers than these, one is met by arithmetic on others by chance
)
_MOST_TOLD: Final = 8  # numbers before a mention that it may be computed from


@dataclass(frozen=True, slots=True)
class MentionVerdict:
    """A mention, and by what it is supported; `by` is empty where nothing supports it."""

    mention: Mention
    by: str = ""

    @property
    def supported(self) -> bool:
        """Whether the evidence has it."""
        return bool(self.by)


@dataclass(slots=True)
class _Judge:
    """What one text is held against."""

    text: str
    values: Sequence[Resolved]
    tables: Sequence[Table]
    question: str
    asked: list[Mention]
    names: list[Name]
    places: list[tuple[int, int, Resolved]]
    found: list[tuple[Mention, Decimal]] = field(default_factory=list[tuple[Mention, Decimal]])

    def verdict(self, mention: Mention, scope: Scope) -> MentionVerdict:
        """By the values first, then by the cells, and by arithmetic last."""
        match mention.kind:
            case "date":
                by = (
                    self._name(mention)
                    or self._place(mention)
                    or is_dated(mention, scope, self.tables, self.question)
                )
            case "time":
                by = self._place(mention) or self._time(mention)
            case "ordinal":
                by = self._name(mention) or rank_of(mention, scope, self.tables)
            case _:
                by = self._number(mention, scope)
        return MentionVerdict(mention, by)

    def _number(self, mention: Mention, scope: Scope) -> str:
        stated = self._stated(mention, scope)
        if stated is not None:
            return stated
        for exact, by in cells(mention, scope, self.tables):
            if self._is_wrong_way(mention, exact, scope):
                return ""
            self.found.append((mention, exact))
            return by
        by = self._top(mention, scope) or self._filter(mention) or self._arithmetic(mention, scope)
        if by:
            return by
        # "one" and "30-day" claim something only where they count what the evidence counts
        return "no claim" if mention.weak and not is_counted(mention, self.tables) else ""

    def _stated(self, mention: Mention, scope: Scope) -> str | None:
        """By what says it as a whole: a name, a value, the question, a list of the first, a range, a bound of many.

        Empty where such is said and does not hold, None where none is.
        """
        name = self._name(mention)
        listed = None if name else listed_ends(mention, scope, self.tables)
        if listed is not None:
            return listed
        told = name or self._by_value(mention) or self._by_question(mention)
        if told:
            return told
        ranged = is_end(mention, scope, self.tables)
        return ranged if ranged is not None else bound_of_rows(mention, scope, self.tables)

    def _is_wrong_way(self, mention: Mention, exact: Decimal, scope: Scope) -> bool:
        """Whether something is said to have risen from more to less, or fallen from less to more."""
        found = _TO.search(scope.text[: mention.start - scope.start])
        for other, base in self.found if found else ():
            at = other.start - scope.start
            said = _FROM.search(scope.text[:at]) if 0 <= at < mention.start - scope.start else None
            way = direction(scope.text[: said.start()], "") if said else 0
            if way and other.kind == mention.kind and (exact - base) * way < 0:
                return True
        return False

    def _name(self, mention: Mention) -> str:
        """A number that is part of a name: `Windows 11`, `Q3_report`."""
        for name in self.names:
            if name.start <= mention.start and mention.end <= name.end:
                return f"the text of {name.column.result}.{name.column.name}"
        return ""

    def _place(self, mention: Mention) -> str:
        for start, end, value in self.places:
            if start <= mention.start and mention.end <= end:
                return f"the value {value.named.name}"
        return ""

    def _by_value(self, mention: Mention) -> str:
        for start, end, value in self.places:
            text = value.exact is None or not isinstance(value.exact, Decimal)
            if text and start <= mention.start and mention.end <= end:
                return f"the value {value.named.name}"
        placed = [
            value
            for start, end, value in self.places
            if isinstance(value.exact, Decimal) and mention.start <= start and end <= mention.end
        ]
        for value in placed or self.values:
            if isinstance(value.exact, Decimal) and self._told(mention, value, value.exact):
                self.found.append((mention, value.exact))
                return f"the value {value.named.name}"
        return ""

    def _told(self, mention: Mention, value: Resolved, exact: Decimal) -> bool:
        named = value.named
        words = words_of(named.name) | words_of(named.cell.column if named.cell else "")
        traits = Traits(words, named.unit)
        scale = scale_of_value(traits, named.format, named.unit, named.expression or "")
        if named.format == "auto" and not named.unit and named.cell is not None:
            column = _column(self.tables, named.cell)
            scale = scale_of_column(column) if column else scale
        if named.format == "percent" and mention.kind == "number":
            return False
        return fits_unit(mention, traits) and admits(mention, exact, scale, traits)

    def _by_question(self, mention: Mention) -> str:
        """What the question says may be said again, of the same: `top 3`, `at least 5 orders`, `3 stocks`."""
        is_top = arithmetic.is_top(self.text, mention)
        for other in self.asked:
            if (other.kind, other.value, other.currency) != (
                mention.kind,
                mention.value,
                mention.currency,
            ):
                continue
            if (
                (is_top and arithmetic.is_top(self.question, other))
                or (mention.noun and stem(other.noun) == stem(mention.noun))
                or (mention.is_bound and other.is_bound)
                or mention.kind != "number"
                or mention.currency
            ):
                return "the question"
        return ""

    def _time(self, mention: Mention) -> str:
        """A time of day that a cell of the results has."""
        for table in self.tables:
            for column in table.columns:
                if any(mention.text.zfill(5) in text for text in column.texts):
                    return f"{table.id}.{column.name}"
        return "the question" if mention.text in self.question else ""

    def _top(self, mention: Mention, scope: Scope) -> str:
        """How many of the first, by the names that are listed, or by a LIMIT."""
        value = mention.value or Decimal(0)
        if not arithmetic.is_top(self.text, mention):
            return ""
        if len({name.text for name in scope.names}) == value:
            return "names in the sentence"
        for table in self.tables:
            if value == table.rows or value in map(Decimal, _LIMIT.findall(table.sql)):
                return f"the limit of {table.id}"
        return self._top_of(int(value), mention, scope)

    def _filter(self, mention: Mention) -> str:
        """Bounds of a comparison, and windows of time, by what the statements say."""
        value = mention.value or Decimal(0)
        before = self.text[: mention.start]
        is_window = stem(mention.noun or "x") in TIME_UNITS and _WINDOW.search(before)
        for table in self.tables:
            if is_window and re.search(rf"(?<![\w.]){value:f}(?![\w.])", table.sql):
                return f"the filter of {table.id}"
            if mention.kind == "number" and mention.is_bound:
                compared = {Decimal(number) for number in _COMPARED.findall(table.sql)}
                if value in compared:
                    return f"the filter of {table.id}"
        return ""

    def _top_of(self, count: int, mention: Mention, scope: Scope) -> str:
        """`The top 3 have 45%` says as much of the 3 as of the 45."""
        for other in scope.mentions:
            if other is not mention:
                for one in arithmetic.derived(other, scope, self.tables):
                    if one.by.endswith(f" top {count}") and _admits_derived(other, one):
                        return one.by
        return ""

    def _arithmetic(self, mention: Mention, scope: Scope) -> str:
        if len(scope.mentions) > _MOST_IN_SENTENCE:
            return ""
        for one in self._derived(mention, scope):
            if _admits_derived(mention, one):
                return one.by
        return count_of_bound(mention, scope, self.tables)

    def _derived(self, mention: Mention, scope: Scope) -> Iterator[Derived]:
        yield from arithmetic.derived(mention, scope, self.tables)
        told = self.found[-_MOST_TOLD:]
        for place, (one, exact) in enumerate(told):
            for other, another in told[place + 1 :]:
                for first, base in self._compared(one, exact, other, another):
                    by = f"{one.text} and {other.text}"
                    yield from changes(mention, scope.text, first, base, by)
                    if mention.kind == "percent" and not mention.is_change and first and base:
                        low, high = sorted((first, base), key=abs)
                        yield Derived(low / high, by, of_one=True)

    def _compared(
        self, one: Mention, exact: Decimal, other: Mention, another: Decimal
    ) -> Iterable[tuple[Decimal, Decimal]]:
        """Two numbers of the text, the one that they are compared with last: it follows `from`, `than` and the like."""
        based = [
            bool(
                re.search(
                    r"\b(?:from|than|versus|vs\.?|against|to|with)\b[^,;.]{0,40}$",
                    self.text[: m.start],
                )
            )
            for m in (one, other)
        ]
        if re.search(r"\bfrom\b[^,;]{0,20}$", self.text[: one.start]) or not based[1]:
            return ((another, exact),)
        return ((exact, another),) if not based[0] else ((exact, another), (another, exact))


def judge_text(
    text: str, values: Sequence[Resolved], tables: Sequence[Table], question: str
) -> list[MentionVerdict]:
    """A verdict for each number, date and leading name of a text, in order."""
    _take_units(values, tables)
    names = names_in(text[:LONGEST], tables)[:_MOST_MENTIONS]
    found = mentions(_without_names(text[:LONGEST], names))
    places = list(_places(text[:LONGEST], values))
    judge = _Judge(text, values, tables, question, mentions(question), names, places)
    verdicts: list[MentionVerdict] = []
    # of a text without end the rest is not looked at, and so not supported
    looked, left = found[:_MOST_MENTIONS], found[_MOST_MENTIONS:]
    verdicts += [MentionVerdict(mention) for mention in left]
    rest = may_mention(text, LONGEST)
    if rest is not None:
        verdicts.append(MentionVerdict(rest))
    for start, sentence in sentences(text[:LONGEST]):
        scope = scope_of(start, sentence, names, looked, tables)
        # what is plain first: arithmetic is over what was found
        late = [
            one
            for one in scope.mentions
            if one.is_change or one.kind in {"percent", "factor", "fraction"}
        ]
        plain = [one for one in scope.mentions if one not in late]
        verdicts += [judge.verdict(mention, scope) for mention in (*plain, *late)]
        known = subjects(scope, tables)
        verdicts.extend(
            MentionVerdict(mention, by)
            for mention, by in (
                *leaders(scope, known, tables, question, [p[:2] for p in places]),
                *orders(scope, known),
            )
        )
    return sorted(verdicts, key=lambda verdict: verdict.mention.start)


def _without_names(text: str, names: Sequence[Name]) -> str:
    """The text with a word that says nothing for each name: a track that is called `Changes` is no change."""
    taken = [(mention.start, mention.end) for mention in dates(text)]
    for name in names:
        is_day = any(name.start < end and start < name.end for start, end in taken)
        if not is_day and not any(letter.isdigit() for letter in name.text):
            length = name.end - name.start
            text = f"{text[: name.start]}{'X' * length}{text[name.end :]}"
    return text


def _take_units(values: Sequence[Resolved], tables: Sequence[Table]) -> None:
    """The unit of a value is that of its column: what is `$` there is not `€` elsewhere."""
    for value in values:
        cell = value.named.cell
        column = _column(tables, cell) if cell is not None and value.named.unit else None
        if column is not None:
            column.traits = Traits(column.traits.words, value.named.unit)


def _column(tables: Sequence[Table], cell: CellRef) -> Column | None:
    for table in tables:
        for column in table.columns:
            if table.id == cell.result and column.name.lower() == cell.column.lower():
                return column
    return None


def _places(text: str, values: Sequence[Resolved]) -> Iterator[tuple[int, int, Resolved]]:
    """Where the texts of values stand by themselves."""
    for value in values:
        shown = value.named.text
        place = text.find(shown) if shown else -1
        while place >= 0:
            end = place + len(shown)
            if not re.match(r"\w|[.,]\d", text[end : end + 2]) and not re.search(
                r"[\w.,]$", text[place - 1 : place]
            ):
                yield place, end, value
            place = text.find(shown, place + 1)


def _admits_derived(mention: Mention, one: Derived) -> bool:
    exact = one.exact * 100 if one.of_one else one.exact
    if not one.change:
        return mention.admits(exact)
    if mention.direction:
        is_odd = (mention.value or Decimal(0)) < 0  # nothing rose by -5
        return mention.admits(abs(exact) if is_odd else exact * mention.direction)
    return mention.admits(exact) or mention.admits(-exact)
