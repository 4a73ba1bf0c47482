"""Phrases of a question as columns, and what of the question they stand for."""

from __future__ import annotations

from collections.abc import Sequence

from buster_tasks.analyst.offline.draft import Dimension, Draft, Measure
from buster_tasks.analyst.offline.intent import Intent, Wanted
from buster_tasks.analyst.offline.matching import GOOD, LIGHT, Matcher
from buster_tasks.analyst.offline.measuring import MONEY, plain
from buster_tasks.analyst.offline.relation import Column, named_columns
from buster_tasks.analyst.offline.schema import Schema
from buster_tasks.analyst.offline.words import best, stem

_KEY_WORDS = frozenset({"id", "number", "code", "key", "no", "identifier"})


class Naming:
    """Finds the columns that phrases name, for drafts over one schema."""

    def __init__(self, intent: Intent, schema: Schema, matcher: Matcher) -> None:
        self.intent, self.schema, self.matcher = intent, schema, matcher

    def dimension(
        self, words: Sequence[str], draft: Draft
    ) -> tuple[Sequence[Column], float, str] | None:
        """The columns that a phrase names; those that a table's rows are called by where it names the table."""
        if not words:
            return None
        tables: list[tuple[float, str]] = []
        for name, way in draft.ways.items():
            table = self.schema.tables[name]
            score = self.matcher.table(words, table) - 0.04 * len(way)
            if score >= GOOD:
                tables.append((score, name))
        wants_key = bool(set(words) & _KEY_WORDS)
        columns = [
            one for one in self.matcher.find(words, draft.ways)
            if not one[1].is_flag and not self._is_amount(words, one[1])
            and (wants_key or not one[1].is_key or not tables)
        ]  # fmt: skip
        top_table = max(tables, key=lambda one: one[0], default=(0.0, ""))
        if columns and columns[0][0] > top_table[0]:
            return [columns[0][1]], columns[0][0], ""
        if not tables:
            return None
        return named_columns(self.schema.tables[top_table[1]]), top_table[0], top_table[1]

    def named(self, column: Column) -> Dimension:
        """A column under a name that says of what it is."""
        words = column.words
        if set(words) <= LIGHT:
            words = (*self.schema.tables[column.table].words, *words)
        return Dimension(column, plain(" ".join(words)))

    def _is_amount(self, words: Sequence[str], column: Column) -> bool:
        """Whether a column is a number that is not itself what the words name: `category sales` for a category."""
        return column.is_number and not column.is_key and best(column.words[-1], words) < GOOD

    def tell_apart(self, draft: Draft, columns: Sequence[Column], table: str) -> None:
        """Group by these; by the key of their table too, since two of its rows may have one name."""
        for column in columns:
            if all(one.column is not column for one in draft.dimensions):
                draft.dimensions.append(self.named(column))
        if table:
            draft.keys += [
                self.schema.tables[table].columns[name] for name in self.schema.tables[table].key
            ]

    def hear(
        self, draft: Draft, words: Sequence[str], columns: Sequence[Column], more: Sequence[str]
    ) -> None:
        """Remember which of the words these columns, with their tables, stand for."""
        known = [
            *more,
            *(
                word
                for one in columns
                for word in (*one.words, *self.schema.tables[one.table].words)
            ),
        ]
        draft.heard.update(word for word in words if best(word, known) >= GOOD)

    def take(self, draft: Draft, found: tuple[Measure, float], wanted: Wanted) -> None:
        measure, score = found
        if all(one.name != measure.name for one in draft.measures):
            draft.measures.append(measure)
        draft.parts.append(score)
        named = (
            *self.schema.tables[draft.fact].words,
            *(stem(word) for word in measure.name.split("_")),
        )
        self.hear(draft, wanted.words, [*measure.used()], named)
        if measure.aggregate in ("sum", "average") or measure.formula:
            draft.heard.update(set(wanted.words) & (MONEY | LIGHT))
