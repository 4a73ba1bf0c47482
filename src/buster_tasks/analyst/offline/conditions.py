"""Which rows a question is about: values, bounds, flags, and what there must be none of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from buster_tasks.analyst.offline.draft import Absent, Condition, Draft, Measure, Operator
from buster_tasks.analyst.offline.intent import Bound, Intent, Mention
from buster_tasks.analyst.offline.matching import GOOD, LIGHT, Matcher
from buster_tasks.analyst.offline.measuring import MONEY, Measuring
from buster_tasks.analyst.offline.relation import Column, Edge, Table, named_columns
from buster_tasks.analyst.offline.timing import Timing
from buster_tasks.analyst.offline.values import Found
from buster_tasks.analyst.offline.words import SOFT, best

_MANNERS = frozenset(
    {"letter", "start", "begin", "end", "include", "starting", "ending", "contain", "containing"}
)
_ENOUGH = 0.5


class Conditions:
    """Puts the conditions of a question on a draft."""

    def __init__(
        self, intent: Intent, matcher: Matcher, found: Sequence[Found], draft: Draft
    ) -> None:
        self._intent, self._matcher, self._found, self._draft = intent, matcher, found, draft

    def put(self) -> None:
        """All of them; what cannot be placed is a doubt."""
        for mention in self._intent.mentions:
            self._value(mention)
        for bound in self._intent.bounds:
            self._bound(bound)
        if self._intent.without:
            self._absent()
        Timing(self._intent, self._matcher, self._draft).put()

    # --- values -----------------------------------------------------------------------------------

    def _value(self, mention: Mention) -> None:
        condition = self.condition(mention)
        draft = self._draft
        if condition is None:
            draft.doubts.append(f"{mention.text!r} is not found in the data.")
            return
        self.heard(condition)
        same = [
            one for any_of in draft.conditions for one in any_of if one.column is condition.column
        ]
        if same and condition.operator == "=" and same[-1].operator == "=":
            if not mention.joins:
                draft.doubts.append(f"{mention.text!r} and {same[-1].value!r} cannot both hold.")
            draft.conditions[-1] = (*draft.conditions[-1], condition)
        elif (
            mention.joins and draft.conditions and (mention.manner != "equal" or mention.is_quoted)
        ):
            draft.conditions[-1] = (*draft.conditions[-1], condition)
        else:
            draft.conditions.append((condition,))

    def heard(self, condition: Condition) -> None:
        """What the value stands for explains the words of its column."""
        self._draft.heard.update(condition.column.words)

    def condition(self, mention: Mention) -> Condition | None:
        """The column that a text is a value of, by what it holds and by the words around it."""
        text = mention.text.lower()
        operator: Operator = "<>" if mention.is_negated else "="
        if mention.manner != "equal":
            column = self._near(mention)
            return None if column is None else Condition(column, mention.manner, mention.text)
        rivals = [
            one
            for one in self._found
            if one.text.lower() == text and one.column.table in self._draft.ways
        ]
        if rivals:
            best_one = max(rivals, key=lambda one: self._fits(one.column, mention))
            return Condition(best_one.column, operator, best_one.text)
        if not mention.is_quoted:
            return self._begun(mention)
        column = self._near(mention)
        if column is None or not column.is_text:
            return None
        return (
            Condition(column, operator, mention.text)
            if column.is_complete
            else Condition(column, "contains", mention.text)
        )

    def _begun(self, mention: Mention) -> Condition | None:
        """A word that is a form of one of a few values: `cancellation` of `cancelled`."""
        for name in self._draft.ways:
            for column in self._matcher.schema.tables[name].columns.values():
                if column.is_flag:
                    if any(
                        best(mention.text.lower(), (word,)) >= 0.8 or _same_root(mention.text, word)
                        for word in column.words
                    ):
                        return Condition(column, "=", column.yes)
                    continue
                if not (column.is_text and column.is_complete):
                    continue
                for value in column.values:
                    if isinstance(value, str) and _same_root(mention.text, value):
                        return Condition(column, "=", value)
        return None

    def _fits(self, column: Column, mention: Mention) -> float:
        near = max(
            (best(word, column.words) for word in (*mention.before[-2:], *mention.after[:2])),
            default=0.0,
        )
        table = self._matcher.schema.tables[column.table]
        beside = max(
            (best(word, table.words) for word in (*mention.before[-2:], *mention.after[:2])),
            default=0.0,
        )
        steps = len(self._draft.ways[column.table])
        return near + 0.3 * beside - 0.1 * steps + 0.05 * (column.table == self._draft.entity)

    def _near(self, mention: Mention) -> Column | None:
        """The column of a quoted text: named before it or behind, or that of the text which it is an alternative to."""
        column = None if mention.follows else self._named(mention.before, mention)
        if column is not None or (mention.joins and self._draft.conditions and not mention.follows):
            return column or self._draft.conditions[-1][-1].column
        return self._named(
            (*mention.after, *mention.before) if not mention.follows else mention.after, mention
        )

    def _named(self, words: Sequence[str], mention: Mention) -> Column | None:
        """The text column that these words name; a name where they name a table alone."""
        around = [word for word in words if word not in _MANNERS]
        chosen: tuple[float, Column] | None = None
        for name, way in self._draft.ways.items():
            table = self._matcher.schema.tables[name]
            called = {one.name for one in named_columns(table)}
            for column in table.columns.values():
                if not column.is_text:
                    continue
                own = max(
                    (best(one, around) for one in column.words if one not in LIGHT), default=0.0
                )
                own = max(
                    own,
                    0.7 * best("name", around) * (column.name in called),
                    0.8 * best("title", around) * ("title" in column.words),
                )
                if column.name in called and not own:
                    own = 0.65 * (
                        self._matcher.table(around[-1:], table) >= GOOD
                        or self._matcher.table(around[:1], table) >= GOOD
                    )
                score = own - 0.05 * len(way) + 0.1 * (name == self._draft.entity)
                if own >= GOOD and (chosen is None or score > chosen[0]):
                    chosen = score, column
        return None if chosen is None else chosen[1]

    # --- bounds -----------------------------------------------------------------------------------

    def _bound(self, bound: Bound) -> None:
        draft = self._draft
        measuring = Measuring(self._matcher, draft)
        if bound.before.aggregate is not None and bound.before.aggregate != "count":
            found = measuring.measure(bound.before)
            if found is not None:
                draft.having.append((found[0], bound.operator, bound.number))
                draft.heard.update(bound.before.words)
                return
        if set(bound.before.words) & MONEY and draft.entity and draft.fact != draft.entity:
            words = tuple(word for word in bound.before.words if word in MONEY)
            found = measuring.measure(replace(bound.before, words=words, aggregate="sum"))
            if found is not None:
                draft.having.append((found[0], bound.operator, bound.number))
                draft.heard.update(words)
                return
        counted = self._counted(bound, measuring)
        column = self._number(bound)
        if counted is not None and (column is None or counted[1] > column[0]):
            draft.having.append((counted[0], bound.operator, bound.number))
            draft.heard.update((*bound.after, *bound.before.words))
        elif column is not None:
            operator: Operator = bound.operator  # type: ignore[assignment]  # bounds have no others
            draft.conditions.append((Condition(column[1], operator, bound.number),))
            draft.heard.update((*bound.after, *column[1].words))
        else:
            draft.doubts.append(f"It is not clear what {bound.number:g} is a bound of.")

    def _counted(self, bound: Bound, measuring: Measuring) -> tuple[Measure, float] | None:
        """Rows that are counted per group: `customers with more than 3 orders`."""
        for words in (bound.after, bound.before.words if bound.before.aggregate == "count" else ()):
            kept = tuple(word for word in words if word not in ("total", "different"))
            if not kept:
                continue
            found = measuring.count(replace(bound.before, words=kept, aggregate="count"))
            if found is not None and found[0].aggregate == "count" and found[1] >= GOOD:
                return found
        return None

    def _number(self, bound: Bound) -> tuple[float, Column] | None:
        found: tuple[float, Column] | None = None
        for words in (bound.before.words, bound.after):
            kept = [word for word in words if word not in self._entity_words()] or list(words)
            for name, way in self._draft.ways.items():
                for column in self._matcher.schema.tables[name].columns.values():
                    if not column.is_number or column.is_key:
                        continue
                    score = max(
                        (
                            self._matcher.column(kept[-size:], column)
                            for size in (1, 2, 3)
                            if kept[-size:]
                        ),
                        default=0.0,
                    )
                    score -= 0.05 * len(way)
                    if score >= _ENOUGH and (found is None or score > found[0]):
                        found = score, column
        return found

    def _entity_words(self) -> tuple[str, ...]:
        entity = self._draft.entity or self._draft.fact
        return self._matcher.schema.tables[entity].words

    # --- what there must be none of ---------------------------------------------------------------

    def _absent(self) -> None:
        """Rows that no row of another table leads to, or whose own column is empty."""
        words = self._intent.without
        draft = self._draft
        column = self._empty(words)
        table = self._missing(words)
        if column is not None and (table is None or column[0] > table[0]):
            chosen = column[1]
            if chosen.is_date and self._intent.span is not None:
                draft.doubts.append("It is not clear what did not happen at that time.")
            if chosen.is_flag:
                draft.conditions.append((Condition(chosen, "<>", chosen.yes),))
            else:
                draft.conditions.append((Condition(chosen, "empty"),))
            draft.heard.update((*words, *chosen.words))
            return
        if table is None:
            draft.doubts.append("What there must be none of is no table and no column.")
            return
        _, other, way = table
        conditions: list[Condition] = []
        inner = Draft(other.name, self._matcher.ways(other.name)[0])
        for mention in self._intent.without_mentions:
            one = Conditions(self._intent, self._matcher, self._found, inner).condition(mention)
            if one is None or one.column.table != other.name:
                draft.doubts.append(f"{mention.text!r} is not found in {other.name}.")
            else:
                conditions.append(one)
        span, when = self._intent.span, None
        if span is not None:
            when = Timing(self._intent, self._matcher, draft).column({other.name: 0}, span)
            if when is None:
                draft.doubts.append("The time cannot be placed.")
        draft.absent = Absent(other.name, tuple(way), tuple(conditions), span, when)
        draft.heard.update((*words, *other.words))

    def _missing(self, words: Sequence[str]) -> tuple[float, Table, list[Edge]] | None:
        found: tuple[float, Table, list[Edge]] | None = None
        for other in self._matcher.schema.tables.values():
            named = [word for word in words if word not in SOFT] or words
            score = max(
                self._matcher.table(named, other),
                *(0.95 * self._matcher.table([word], other) for word in named),
            )
            if (
                score < GOOD
                or other.name == self._draft.fact
                or (found is not None and score <= found[0])
            ):
                continue
            way = self._matcher.ways(other.name)[0].get(self._draft.fact)
            if way and len(way) <= 2:
                found = score, other, way
        return found

    def _empty(self, words: Sequence[str]) -> tuple[float, Column] | None:
        fact = self._matcher.schema.tables[self._draft.fact]
        found: tuple[float, Column] | None = None
        if self._draft.entity not in ("", fact.name):
            return None
        for column in fact.columns.values():
            if column.is_required and not column.is_flag:
                continue
            own = [
                word
                for word in column.words
                if word not in LIGHT | {"is", "has", "was", "at", "on"}
            ]
            score = max((best(word, own) for word in words), default=0.0)
            score *= sum(best(one, words) >= GOOD for one in own) / (len(own) or 1)
            if score >= 0.75 and (found is None or score > found[0]):
                found = score, column
        return found


def _same_root(word: str, value: str) -> bool:
    """Whether both begin alike for at least five letters, as `cancellation` and `cancelled`."""
    one, other = word.lower(), value.lower()
    alike = next(
        (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
        min(len(one), len(other)),
    )
    return " " not in other and alike >= 5 and alike >= min(len(one), len(other)) - 4
