"""From a question's parts to a statement over a schema: the reading that explains most of its words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from buster_tasks.analyst.offline import patterns as said
from buster_tasks.analyst.offline.conditions import Conditions
from buster_tasks.analyst.offline.draft import Condition, Dimension, Draft, Measure
from buster_tasks.analyst.offline.intent import Wanted, plain_words
from buster_tasks.analyst.offline.matching import GOOD, Matcher
from buster_tasks.analyst.offline.measuring import Measuring, plain
from buster_tasks.analyst.offline.naming import Naming
from buster_tasks.analyst.offline.ranking import Ranking
from buster_tasks.analyst.offline.reading import read
from buster_tasks.analyst.offline.relation import Column, named_columns
from buster_tasks.analyst.offline.schema import Schema
from buster_tasks.analyst.offline.showing import Showing
from buster_tasks.analyst.offline.values import Found, examples_in
from buster_tasks.analyst.offline.words import SOFT, best, stem

ENOUGH = 0.62
"""From this score on a reading is taken for what was meant."""

_LEAST_EXPLAINED = 0.78
_PER_TABLE = 0.03
_PER_VIEW = 0.15
_MOST_LISTED = 1_000
_SORTED = frozenset({"order", "ordered", "sort", "sorted", "rank", "ranked"})
_RANKED = frozenset({*said.ADJECTIVES, *(stem(word) for word in said.ADJECTIVES)})
_HEARD = frozenset(
    {"howmany", "many", "much", "percentage", "most", "signup", "registration", "number"}
)


class Linker:
    """Reads one question over one schema; `found` are values that were looked up beside the schema's examples."""

    def __init__(self, question: str, schema: Schema, found: Sequence[Found] = ()) -> None:
        question = re.sub(r"(?<=[a-z])_(?=[a-z])", " ", question)
        self.values = [*found, *examples_in(question, schema)]
        names = {word for table in schema.tables.values() for word in table.words}
        self.intent = read(question, list(dict.fromkeys(one.text for one in self.values)), names)
        self._schema = schema
        self._matcher = Matcher(schema, self.intent.words)
        self._naming = Naming(self.intent, schema, self._matcher)

    def draft(self) -> Draft | None:
        """The best reading, None where nothing fits; one that is not good enough has doubts."""
        drafts = list(self._drafts())
        if not drafts:
            return None
        drafts.sort(key=lambda draft: -draft.score)
        first = drafts[0]
        if self.intent.unclear:
            first.doubts += self.intent.unclear
        if first.score < ENOUGH:
            first.doubts.append("The words of the question do not fit the names well enough.")
        if first.unexplained and self._explained(first) < _LEAST_EXPLAINED:
            first.doubts.append(
                f"Nothing is called {', '.join(self._as_written(first.unexplained[:4]))}."
            )
        return first

    def _as_written(self, words: Sequence[str]) -> list[str]:
        """The words of the question that these are the stems of."""
        written = {stem(word): word for word in plain_words(self.intent.question)}
        return [written.get(word, word) for word in words]

    def _drafts(self) -> Iterator[Draft]:
        for fact in self._schema.tables:
            draft = self._drafted(fact)
            if draft is not None:
                self._score(draft)
                yield draft

    def _drafted(self, fact: str) -> Draft | None:
        intent = self.intent
        ways, unsure = self._matcher.ways(fact)
        draft = Draft(
            fact,
            ways,
            is_descending=intent.is_descending,
            limit=intent.limit,
            is_ranked=intent.is_ranked,
        )
        entity = self._entity(draft)
        if intent.entity and entity is None:
            return None
        ranking, showing = Ranking(self._naming), Showing(self._naming)
        steps = (self._group, self._measure, ranking.put, showing.put)
        if not all(step(draft, entity) for step in steps):
            return None
        is_share = any(one.aggregate == "share" for one in intent.measures)
        is_empty = not draft.measures and not draft.dimensions and not draft.shown
        if is_empty and not is_share and not self._list(draft):
            return None
        Conditions(intent, self._matcher, self.values, draft).put()
        self._shares(draft)
        self._over_time(draft)
        self._finish(draft)
        if unsure & set(draft.tables):
            draft.doubts.append(
                f"There are several ways to {', '.join(sorted(unsure & set(draft.tables)))}."
            )
        return draft

    def _entity(self, draft: Draft) -> Sequence[Column] | None:
        """What the rows of the answer are: the columns that they are called by."""
        found = self._naming.dimension(self.intent.entity, draft)
        if found is None:
            return None
        columns, score, table = found
        draft.entity = table
        draft.parts.append(score)
        self._naming.hear(draft, self.intent.entity, columns, ())
        return columns

    def _group(self, draft: Draft, _entity: object) -> bool:
        for words in self.intent.groups:
            found = self._naming.dimension(words, draft) or self._naming.dimension(words[:1], draft)
            if found is None:
                return False
            columns, score, table = found
            draft.parts.append(score)
            self._naming.hear(draft, words, columns, ())
            self._naming.tell_apart(draft, columns, table)
        return True

    def _measure(self, draft: Draft, _entity: object) -> bool:
        measuring = Measuring(self._matcher, draft)
        for wanted in self.intent.measures or self._counted_by_groups():
            if wanted.aggregate == "share":
                continue
            found = measuring.measure(wanted)
            if found is None and not wanted.words and wanted.aggregate == "count":
                found = measuring.count(wanted)
            if found is None:
                return False
            self._naming.take(draft, found, wanted)
        return self._formulas(draft, measuring)

    def _counted_by_groups(self) -> list[Wanted]:
        """`alerts by severity`: how many, since nothing else is said."""
        intent = self.intent
        is_list = (
            intent.question.lower().lstrip().startswith(("list", "which", "what", "who", "sort"))
        )
        if (
            intent.formulas
            or intent.is_ranked
            or intent.shown
            or is_list
            or not (intent.groups or intent.grain)
        ):
            return []
        return [Wanted(intent.entity, "count")] if intent.entity else []

    def _formulas(self, draft: Draft, measuring: Measuring) -> bool:
        conditions = Conditions(self.intent, self._matcher, self.values, draft)
        for formula in self.intent.formulas.values():
            parts: list[Measure] = []
            for wanted in formula.parts:
                found = measuring.measure(wanted) or (
                    measuring.measure(Wanted(wanted.words, "sum"))
                    if wanted.aggregate is None
                    else None
                )
                if found is None:
                    return False
                where = [
                    one
                    for mention in wanted.mentions
                    if (one := conditions.condition(mention)) is not None
                ]
                if len(where) < len(wanted.mentions) or (where and found[0].aggregate != "count"):
                    return False
                found = measuring.only(found, where)
                parts.append(found[0])
                draft.parts.append(found[1])
            measure = measuring.formula(formula, parts)
            draft.measures.append(measure)
            draft.heard.update((stem(formula.name.lower()),))
        return True

    def _list(self, draft: Draft) -> bool:
        """What the rows are called, and what else of them the question speaks of."""
        if not draft.entity or not self.intent.entity:
            found = (
                self._naming.dimension(self.intent.entity or self.intent.words, draft)
                if self.intent.entity
                else None
            )
            if found is None:
                return False
            draft.dimensions = [self._naming.named(column) for column in found[0]]
            draft.is_distinct = True
            return True
        table = self._schema.tables[draft.entity]
        self._naming.tell_apart(draft, named_columns(table), table.name)
        draft.is_distinct = self.intent.is_distinct or draft.entity != draft.fact
        return True

    def _shares(self, draft: Draft) -> None:
        """The part of the rows that meets the conditions, instead of those rows alone."""
        wanted = next((one for one in self.intent.measures if one.aggregate == "share"), None)
        if wanted is None:
            return
        conditions = Conditions(self.intent, self._matcher, self.values, draft)
        where: list[Condition] = []
        for mention in wanted.mentions:
            condition = conditions.condition(mention)
            if condition is not None:
                conditions.heard(condition)
                draft.heard.add(stem(mention.text))
                where.append(condition)
        if not where and draft.conditions:
            where = [draft.conditions.pop()[0]]
        base = self._schema.tables[draft.fact]
        score = self._matcher.table(wanted.words[:2], base) if wanted.words else 0.5
        if not where or where[0].column.table not in draft.ways:
            draft.doubts.append("It is not clear what the share is of.")
            return
        draft.heard.update((*wanted.words, *where[0].column.words, "rate"))
        called = plain(
            str(where[0].value)
            if isinstance(where[0].value, str)
            else " ".join(where[0].column.words)
        )
        measure = Measure("share", f"{called}_percentage", where=tuple(where[:1]))
        draft.measures.append(measure)
        draft.parts.append(max(score, 0.3 if wanted.words else 0.6))
        if draft.shown:
            draft.shown.append(measure)
        if draft.order is None and self.intent.is_ordered:
            draft.order = measure

    def _over_time(self, draft: Draft) -> None:
        grain, column = self.intent.grain, draft.span_column
        if grain is None or column is None:
            return
        dimension = Dimension(column, grain, grain)
        if not draft.measures:
            draft.doubts.append("It is not said what is to be computed over time.")
        draft.dimensions.insert(0, dimension)
        if draft.shown:
            draft.shown = [
                one
                for one in draft.shown
                if not (isinstance(one, Dimension) and one.column is column)
            ]
            draft.shown.insert(0, dimension)
        if draft.order is None:
            draft.order, draft.is_descending = dimension, False
        draft.heard.add(grain)

    def _finish(self, draft: Draft) -> None:
        intent = self.intent
        if intent.is_share and not any(one.aggregate == "share" for one in draft.measures):
            draft.doubts.append("It is not clear what the share is of.")
        self._sort(draft)
        if isinstance(draft.order, Dimension) and intent.is_ranked and intent.groups:
            draft.doubts.append("It asks for the first of each group.")
        if draft.having and not draft.dimensions:
            draft.doubts.append("It is not clear of what the rows are counted.")
        if not draft.measures and not draft.having:
            draft.keys = []
            draft.limit = draft.limit or _MOST_LISTED
        if draft.having and not draft.measures and not draft.shown:
            draft.measures.append(draft.having[0][0])
            draft.order = draft.order or draft.having[0][0]
        if draft.entity and self._schema.tables[draft.entity].key == () and draft.is_grouped:
            draft.keys = []
        draft.keys = list(dict.fromkeys(draft.keys))

    def _sort(self, draft: Draft) -> None:
        wanted = self.intent.order
        if draft.order is None and wanted is not None:
            draft.order = next(
                (
                    one
                    for one in draft.measures
                    if best(
                        wanted.words[-1] if wanted.words else "",
                        [stem(w) for w in one.name.split("_")],
                    )
                    >= GOOD
                    or one.aggregate == wanted.aggregate == "count"
                ),
                None,
            )
            if draft.order is None and wanted.words:
                draft.order = next(
                    (
                        one
                        for one in draft.dimensions
                        if self._matcher.column(wanted.words, one.column) >= GOOD
                    ),
                    None,
                )
            if draft.order is None and wanted.words and not draft.is_grouped:
                found = self._matcher.find(wanted.words, {draft.fact: []})
                draft.order = self._naming.named(found[0][1]) if found else None
            draft.heard.update(wanted.words)
        if draft.order is None and draft.measures and draft.dimensions:
            draft.order = draft.measures[0]
            draft.is_descending = draft.is_descending or not self.intent.is_ordered

    def _score(self, draft: Draft) -> None:
        """How well the parts fit, how much of the question they explain, and how far they are apart."""
        known = {word for name in draft.tables for word in self._schema.tables[name].words}
        known |= {word for column in draft.used() for word in column.words}
        known |= draft.heard | _HEARD | self._said_by_ways(draft)
        if self.intent.is_ranked:
            known |= _RANKED
        if self.intent.is_ordered:
            known |= _SORTED
        draft.unexplained = [
            word for word in dict.fromkeys(self.intent.words)
            if word not in SOFT and not word.isdigit() and best(word, known) < GOOD
        ]  # fmt: skip
        fit = sum(draft.parts) / len(draft.parts) if draft.parts else 0.5
        own = self._matcher.schema.tables[draft.fact].words
        said_of = sum(best(word, self.intent.words) >= 0.8 for word in own) / (len(own) or 1)
        draft.score = 0.5 * fit + 0.5 * self._explained(draft) + 0.08 * said_of
        draft.score -= _PER_VIEW * self._schema.tables[draft.fact].is_view
        draft.score -= _PER_TABLE * len(draft.tables) + 0.3 * len(draft.doubts)

    def _said_by_ways(self, draft: Draft) -> set[str]:
        """The names of the references that are followed; of those of rows that are counted too."""
        names = {
            (edge.table, name)
            for table in draft.tables
            for edge in draft.ways[table]
            for name in edge.columns
        }
        if any(one.aggregate == "count" and not one.columns for one in draft.measures):
            fact = self._schema.tables[draft.fact]
            names |= {(fact.name, one.name) for one in fact.columns.values() if one.is_reference}
        return {
            word for table, name in names for word in self._schema.tables[table].columns[name].words
        }

    def _explained(self, draft: Draft) -> float:
        words = [
            word
            for word in dict.fromkeys(self.intent.words)
            if word not in SOFT and not word.isdigit()
        ]
        return 1.0 - len(draft.unexplained) / len(words) if words else 1.0
