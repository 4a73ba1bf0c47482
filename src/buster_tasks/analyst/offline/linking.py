"""From a question's parts to a statement over a schema: the reading that explains most of its words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from buster_tasks.analyst.offline.draft import Condition, Dimension, Draft, Measure
from buster_tasks.analyst.offline.intent import Aggregate, Intent, stems
from buster_tasks.analyst.offline.schema import Column, Edge, Schema, Table, named_columns
from buster_tasks.analyst.offline.words import STOP, overlap, words as listed

_MONEY = listed("revenue sale turnover income spending earning spend profit")
_AMOUNTS = ("revenue", "amount", "total", "turnover", "sale", "price", "value", "payment")
_SMALL = 0.34
_GOOD = 0.55
_NOT_NAMES = listed("name id number total average top count list date time year month day")
_MOST_LISTED = 100


@dataclass(frozen=True, slots=True)
class Found:
    """A value of the question that stands in a column."""

    text: str
    column: Column


class Linker:
    """Reads one question over one schema; `found` are values that were looked up beside the schema's examples."""

    def __init__(self, intent: Intent, schema: Schema, found: Sequence[Found] = ()) -> None:
        self._intent, self._schema = intent, schema
        self._found = [*found, *self._examples()]
        self._reach = {name: schema.reach(name) for name in schema.tables}

    @property
    def values(self) -> list[Found]:
        """The values of the question, and where they stand."""
        return self._found

    def draft(self) -> Draft | None:
        """The best reading, None where nothing fits."""
        intent = self._intent
        drafts: list[Draft] = []
        if intent.without:
            drafts += self._absent()
        if intent.wants_number:
            drafts += self._computed()
        if not drafts:
            drafts += self._listed()
        return max(drafts, key=lambda draft: draft.score, default=None)

    # --- what is computed -------------------------------------------------------------------------

    def _computed(self) -> Iterator[Draft]:
        for fact, reach in self._reach.items():
            table = self._schema.tables[fact]
            measures = [
                self._measure(kind, about, table) for kind, about, _ in self._intent.aggregates[:3]
            ]
            if any(measure is None for measure in measures):
                continue
            draft = Draft(fact, reach)
            scores = [one[1] for one in measures if one is not None]
            draft.measures = list(
                {one[0].name: one[0] for one in measures if one is not None}.values()
            )
            draft.score = sum(scores) / len(scores)
            if not self._with_dimensions(draft):
                continue
            self._with_conditions(draft)
            self._with_time(draft)
            self._with_order(draft)
            self._count(draft)
            yield draft

    def _measure(
        self, kind: Aggregate, about: tuple[str, ...], fact: Table
    ) -> tuple[Measure, float] | None:
        """The aggregate as this fact can compute it without meeting a row twice, and how well that fits."""
        if kind == "count":
            return self._counted(about, fact)
        wanted = tuple(word for word in about if word not in ("total", "number"))
        best: tuple[Measure, float] | None = None
        for column in fact.columns.values():
            if not self._can(kind, column):
                continue
            score = self._column_score(wanted or self._intent.words, column, fact)
            if score >= _SMALL and (best is None or score > best[1]):
                best = Measure(kind, _called(kind, column.name), (column,)), score
        product = self._product(kind, wanted, fact)
        if product is not None and (best is None or product[1] > best[1]):
            best = product
        if best is None and kind == "sum":
            return self._counted(about, fact)
        return best

    def _can(self, kind: Aggregate, column: Column) -> bool:
        if kind in ("least", "greatest") and column.is_date:
            return True
        return column.is_number and not column.is_key and not column.is_date

    def _product(
        self, kind: Aggregate, wanted: tuple[str, ...], fact: Table
    ) -> tuple[Measure, float] | None:
        """Price times quantity, less a discount, where money is asked for and the rows have both."""
        if kind not in ("sum", "average") or not set(wanted or self._intent.words) & _MONEY:
            return None
        prices = [
            one for one in fact.columns.values() if one.words[-1:] == ("price",) and one.is_number
        ]
        amounts = [
            one for one in fact.columns.values() if one.words[-1:] in (("quantity",), ("unit",))
        ]
        if not prices or not amounts:
            return None
        less = next((one for one in fact.columns.values() if one.words == ("discount",)), None)
        if less is not None and isinstance(less.least, (int, float)) and less.least > 1:
            less = None
        return Measure(kind, _called(kind, "revenue"), (prices[0], amounts[0]), less), 0.75

    def _counted(self, about: tuple[str, ...], fact: Table) -> tuple[Measure, float] | None:
        wanted = (
            tuple(word for word in about if word not in ("total", "number", "count"))
            or self._intent.words[:2]
        )
        best: tuple[float, Table] | None = None
        for name in self._reach[fact.name]:
            table = self._schema.tables[name]
            score = max(
                overlap(wanted, table.words) * (0.7 + 0.3 * overlap(table.words, wanted)),
                overlap(wanted[:1], table.words)
                * 0.9
                * (0.7 + 0.3 * overlap(table.words, wanted[:1])),
            )
            if score >= _SMALL and (best is None or score > best[0]):
                best = score, table
        if best is None:
            return None
        score, table = best
        called = f"number_of_{table.name.lower()}"
        if table.name == fact.name:
            return Measure("count", called), score + 0.05
        way = self._reach[fact.name][table.name]
        key = (
            tuple(self._column(fact.name, name) for name in way[0].columns) if len(way) == 1 else ()
        )
        key = key or tuple(table.columns[name] for name in table.key[:1])
        if not key:
            return None
        return Measure("count", called, key[:1], is_distinct=True), score - 0.1

    # --- by what ------------------------------------------------------------------------------------

    def _with_dimensions(self, draft: Draft) -> bool:
        """Add what the answer is told apart by; False where the fact does not lead to it."""
        phrases = list(self._intent.groups)
        entity = self._ranked_entity()
        if entity:
            phrases.insert(0, entity)
        phrases += self._shown_phrases(draft)
        wanted = 0
        for phrase in phrases:
            dimension = self._dimension(phrase, draft)
            if dimension is None:
                wanted += phrase not in self._intent.shown
                continue
            columns, score = dimension
            for column in columns:
                if all(column is not one.column for one in draft.dimensions):
                    draft.dimensions.append(Dimension(column, _plain(column.name)))
            draft.score += 0.3 * score
        return wanted == 0

    def _ranked_entity(self) -> tuple[str, ...]:
        """Of what the first few are wanted: `top 5 products`, `which customer has the most`."""
        if not self._intent.is_ranked:
            return ()
        question = self._intent.question
        found = re.search(
            r"\b(?:top|first|best|highest|largest|biggest|most|bottom|lowest|smallest|worst|least)[- ]?(?:\d+|\w+)\s+"
            r"(?P<what>[\w ,'-]+?)(?:\bby\b|\bwith\b|\bin\b|\bfor\b|\bof all\b|\bthat\b|\bwho\b|\bwhich\b|[?.,]|$)",
            question,
            re.IGNORECASE,
        ) or re.search(
            r"\b(?:which|what|who)\s+(?:\d+\s+|are the\s+|is the\s+|the\s+)?(?P<what>[\w ]+?)\s+"
            r"(?:has|have|had|did|made|placed|spent|bought|sold|is|are|was|generated|earned|received|gets?|with)\b",
            question,
            re.IGNORECASE,
        )
        return stems(found["what"])[:3] if found else ()

    def _shown_phrases(self, draft: Draft) -> list[tuple[str, ...]]:
        """What is to be shown beside what is computed."""
        computed = {
            word for measure in draft.measures for word in stems(measure.name.replace("_", " "))
        }
        about = {word for _, words, _ in self._intent.aggregates for word in words}
        return [
            phrase
            for phrase in self._intent.shown
            if not set(phrase) <= computed | about
            and not set(phrase) & {"number", "total", "average", "count"}
        ]

    def _dimension(
        self, phrase: tuple[str, ...], draft: Draft
    ) -> tuple[Sequence[Column], float] | None:
        best: tuple[float, Sequence[Column]] | None = None
        for name, way in draft.ways.items():
            table = self._schema.tables[name]
            near = 0.04 * len(way)
            score = overlap(phrase, table.words) * (0.6 + 0.4 * overlap(table.words, phrase)) - near
            if score >= _GOOD and (best is None or score > best[0]):
                best = score, [*self._key_beside(table), *named_columns(table)]
            for column in table.columns.values():
                if (
                    column.is_number
                    and column.words[-1:] not in (("year",), ("month",))
                    and not column.is_key
                ):
                    continue
                score = self._column_score(phrase, column, table) - near
                if score >= _GOOD and (best is None or score > best[0]):
                    best = score, [column]
        return None if best is None else (best[1], best[0])

    def _key_beside(self, table: Table) -> Sequence[Column]:
        """The key too, where two rows may have the same name; it is grouped by and not shown."""
        return ()

    def _column_score(self, wanted: Sequence[str], column: Column, table: Table) -> float:
        """How well a column fits the words: by its own, with those of its table where they are said too."""
        own = overlap(wanted, column.words)
        both = overlap(wanted, (*table.words, *column.words))
        told = overlap(column.words, (*wanted, *table.words))
        return 0.55 * own + 0.25 * both + 0.2 * told if own else 0.0

    # --- which rows ---------------------------------------------------------------------------------

    def _with_conditions(self, draft: Draft) -> None:
        seen: set[str] = set()
        for found in self._found:
            column = found.column
            if found.text.lower() in seen or column.table not in draft.ways:
                continue
            rivals = [
                one for one in self._found
                if one.text.lower() == found.text.lower() and one.column.table in draft.ways
            ]  # fmt: skip
            best = max(rivals, key=lambda one: self._fits(one, draft))
            seen.add(found.text.lower())
            draft.conditions.append(Condition(best.column, "=", best.text))
            draft.score += 0.2
        for text in self._intent.quoted:
            if text.lower() in seen or any(text.lower() in one for one in seen):
                continue
            near = self._near_text(text, draft)
            if near is not None:
                draft.conditions.append(Condition(near, "contains", text))
                draft.score += 0.1
        for bound in self._intent.bounds:
            self._bound(draft, bound.operator, bound.number, bound.words)

    def _fits(self, found: Found, draft: Draft) -> float:
        column = found.column
        table = self._schema.tables[column.table]
        said = self._column_score(self._intent.words, column, table)
        return said - 0.05 * len(draft.ways[column.table])

    def _near_text(self, text: str, draft: Draft) -> Column | None:
        """The text column that the words before a quoted text name."""
        before = stems(self._intent.question.partition(text)[0])[-4:]
        after = stems(self._intent.question.partition(text)[2])[:4]
        best: tuple[float, Column] | None = None
        for name in draft.ways:
            table = self._schema.tables[name]
            for column in table.columns.values():
                if column.is_text:
                    score = max(overlap(column.words, before), overlap(column.words, after))
                    if score > _GOOD and (best is None or score > best[0]):
                        best = score, column
        return None if best is None else best[1]

    def _bound(self, draft: Draft, operator: str, number: float, words: tuple[str, ...]) -> None:
        counted = next(
            (
                one
                for one in (self._counted(words, self._schema.tables[draft.fact]),)
                if words and one is not None and one[1] > 0.6
            ),
            None,
        )
        if counted is not None and draft.dimensions:
            draft.having.append((counted[0], operator, number))
            return
        best: tuple[float, Column] | None = None
        for name in draft.ways:
            table = self._schema.tables[name]
            for column in table.columns.values():
                if column.is_number and not column.is_key:
                    score = self._column_score(words or self._intent.words, column, table)
                    if score > _SMALL and (best is None or score > best[0]):
                        best = score, column
        if best is not None:
            draft.conditions.append(Condition(best[1], operator, number))

    def _with_time(self, draft: Draft) -> None:
        intent = self._intent
        if intent.span is None and intent.grain is None:
            return
        column = self._time_column(draft)
        if column is None:
            draft.score -= 0.3
            return
        draft.span_column, draft.span = column, intent.span
        if intent.grain is not None:
            draft.dimensions.insert(0, Dimension(column, intent.grain, intent.grain))
        draft.score += 0.15

    def _time_column(self, draft: Draft) -> Column | None:
        best: tuple[float, Column] | None = None
        for name, way in draft.ways.items():
            for column in self._schema.tables[name].columns.values():
                if not column.is_date:
                    continue
                score = overlap(column.words, self._intent.words) - 0.35 * len(way)
                score -= 0.4 * bool(
                    {"birth", "update", "modify", "modified", "updated"} & set(column.words)
                )
                if best is None or score > best[0]:
                    best = score, column
        return None if best is None else best[1]

    def _with_order(self, draft: Draft) -> None:
        intent = self._intent
        draft.limit, draft.is_descending = intent.limit, intent.is_descending
        if intent.is_ranked and draft.measures:
            draft.order = self._ranking_measure(draft)
            if not draft.dimensions:
                draft.limit = None
        elif intent.grain is not None:
            draft.order, draft.is_descending = draft.dimensions[0], False
        elif draft.dimensions and draft.measures:
            draft.order = draft.measures[0]

    def _ranking_measure(self, draft: Draft) -> Measure:
        """What the first few are the first by: what stands behind `by`, else the first that is computed."""
        found = re.search(r"\bby\b(?P<what>[^.?,]*)", self._intent.question, re.IGNORECASE)
        about = stems(found["what"]) if found else ()
        if not about:
            return draft.measures[0]
        return max(
            draft.measures, key=lambda one: overlap(about, stems(one.name.replace("_", " ")))
        )

    # --- lists --------------------------------------------------------------------------------------

    def _listed(self) -> Iterator[Draft]:
        words = self._intent.words
        for name, table in self._schema.tables.items():
            score = overlap(table.words, words) * 0.8
            if score < _GOOD:
                continue
            draft = Draft(name, self._reach[name], is_distinct=self._intent.is_distinct)
            draft.score = score + 0.1 * (overlap(words[:2], table.words))
            self._show(draft, table)
            self._with_conditions(draft)
            self._with_time(draft)
            draft.limit = self._intent.limit or _MOST_LISTED
            self._count(draft)
            yield draft

    def _absent(self) -> Iterator[Draft]:
        """Rows that no row of another table leads to: `customers who have not made any transactions`."""
        for edge in self._schema.edges:
            other, table = self._schema.tables[edge.table], self._schema.tables[edge.to]
            missing = overlap(other.words, self._intent.without)
            rest = [word for word in self._intent.words if word not in self._intent.without]
            entity = overlap(table.words, rest)
            if missing < _GOOD or entity < _GOOD:
                continue
            draft = Draft(table.name, self._reach[table.name], without=edge)
            draft.score = 1.0 + missing + entity
            if self._intent.aggregates and not self._intent.shown:
                draft.measures = [Measure("count", f"number_of_{table.name.lower()}")]
            else:
                self._show(draft, table)
            yield draft

    def _show(self, draft: Draft, table: Table) -> None:
        """The columns that the question names, else what the rows are called."""
        phrases = self._intent.shown or [self._intent.words]
        for phrase in phrases:
            part = self._dimension(phrase, draft)
            if part is not None and part[1] >= _GOOD:
                draft.dimensions += [Dimension(one, _plain(one.name)) for one in part[0]]
        if not draft.dimensions:
            draft.dimensions = [Dimension(one, _plain(one.name)) for one in named_columns(table)]
        draft.dimensions = list({one.column.name: one for one in draft.dimensions}.values())

    # --- values -------------------------------------------------------------------------------------

    def _examples(self) -> list[Found]:
        """The examples of text columns that stand in the question as whole words."""
        question = self._intent.question
        lowered = question.lower()
        known = {word for table in self._schema.tables.values() for word in table.words}
        found: list[Found] = []
        for column in self._schema.columns():
            if not column.is_text or (column.is_key and column.words[-1:] == ("id",)):
                continue
            for value in column.values:
                if not isinstance(value, str) or len(value) < 2 or len(value) > 60:
                    continue
                if (
                    _stands_in(value, question, lowered)
                    and not set(stems(value)) <= known | _NOT_NAMES
                ):
                    found.append(Found(value, column))
        texts = {one.text.lower() for one in found}
        return [
            one
            for one in found
            if not any(one.text.lower() in text and one.text.lower() != text for text in texts)
        ]

    def _column(self, table: str, name: str) -> Column:
        return self._schema.tables[table].columns[name]

    def _count(self, draft: Draft) -> None:
        """A little for each word of the question that the reading explains, a little off for each table more."""
        explained = {
            word for table in draft.tables for word in self._schema.tables[table].words
        } | {word for column in draft.used() for word in column.words}
        words = [word for word in self._intent.words if word not in STOP]
        draft.score += 0.5 * overlap(words, explained) - 0.03 * len(draft.tables)


def _stands_in(value: str, question: str, lowered: str) -> bool:
    """Whether the value is in the question as whole words; short ones only as they are spelt."""
    text, where = (value, question) if len(value) < 4 else (value.lower(), lowered)
    return re.search(rf"(?<!\w){re.escape(text)}(?!\w)", where) is not None


def _called(kind: Aggregate, name: str) -> str:
    word = {"sum": "total", "average": "average", "least": "lowest", "greatest": "highest"}.get(
        kind, kind
    )
    plain = _plain(name)
    return plain if plain.startswith(word) else f"{word}_{plain}"


def _plain(name: str) -> str:
    """A name for a column of the result, in small letters with underscores."""
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"\W+", "_", text).strip("_").lower() or "value"


def edge_text(edge: Edge) -> str:
    """The step in words, for an assumption."""
    return f"{edge.table}.{', '.join(edge.columns)} leads to {edge.to}.{', '.join(edge.to_columns)}"
