"""From a question's parts to a statement over a schema: the reading that explains most of its words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from buster_tasks.analyst.offline import patterns as said
from buster_tasks.analyst.offline.conditions import Conditions, Found
from buster_tasks.analyst.offline.draft import Condition, Dimension, Draft, Measure
from buster_tasks.analyst.offline.intent import Wanted
from buster_tasks.analyst.offline.matching import GOOD, LIGHT, Matcher
from buster_tasks.analyst.offline.measuring import MONEY, SAYS_LITTLE, Measuring, counted, plain
from buster_tasks.analyst.offline.reading import read
from buster_tasks.analyst.offline.schema import Column, Schema, Table, named_columns
from buster_tasks.analyst.offline.words import SOFT, best, stem, words as listed

ENOUGH = 0.62
"""From this score on a reading is taken for what was meant."""

_LONG = 4
_LEAST_EXPLAINED = 0.78
_PER_TABLE = 0.03
_PER_VIEW = 0.15
_MOST_LISTED = 1_000
_KEY_WORDS = frozenset({"id", "number", "code", "key", "no", "identifier"})
_NO_VALUES = listed(
    """name id number total average top count list date time year month day week quarter all new other none the and each
    most more first last second third fourth high low large small old best worst start end good yes no true false any
    not in on at of for by with from to or is are as per"""
)
_SORTED = frozenset({"order", "ordered", "sort", "sorted", "rank", "ranked"})
_RANKED = frozenset({*said.ADJECTIVES, *(stem(word) for word in said.ADJECTIVES)})
_HEARD = frozenset(
    {"howmany", "many", "much", "percentage", "most", "signup", "registration", "number"}
)


class Linker:
    """Reads one question over one schema; `found` are values that were looked up beside the schema's examples."""

    def __init__(self, question: str, schema: Schema, found: Sequence[Found] = ()) -> None:
        question = re.sub(r"(?<=[a-z])_(?=[a-z])", " ", question)
        self.values = [*found, *_examples(question, schema)]
        names = {word for table in schema.tables.values() for word in table.words}
        self.intent = read(question, list(dict.fromkeys(one.text for one in self.values)), names)
        self._schema = schema
        self._matcher = Matcher(schema, self.intent.words)

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
            first.doubts.append(f"Nothing is called {', '.join(first.unexplained[:4])}.")
        return first

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
        steps = (self._group, self._measure, self._rank, self._show)
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

    # --- of what, and by what ---------------------------------------------------------------------

    def _entity(self, draft: Draft) -> Sequence[Column] | None:
        """What the rows of the answer are: the columns that they are called by."""
        found = self._dimension(self.intent.entity, draft)
        if found is None:
            return None
        columns, score, table = found
        draft.entity = table
        draft.parts.append(score)
        self._hear(draft, self.intent.entity, columns, ())
        return columns

    def _hear(
        self, draft: Draft, words: Sequence[str], columns: Sequence[Column], more: Sequence[str]
    ) -> None:
        """Remember which of the words these columns, with their tables, stand for."""
        known = [
            *more,
            *(
                word
                for one in columns
                for word in (*one.words, *self._schema.tables[one.table].words)
            ),
        ]
        draft.heard.update(word for word in words if best(word, known) >= GOOD)

    def _dimension(
        self, words: Sequence[str], draft: Draft
    ) -> tuple[Sequence[Column], float, str] | None:
        """The columns that a phrase names; those that a table's rows are called by where it names the table."""
        if not words:
            return None
        tables = []
        for name, way in draft.ways.items():
            table = self._schema.tables[name]
            score = self._matcher.table(words, table) - 0.04 * len(way)
            if score >= GOOD:
                tables.append((score, name))
        wants_key = bool(set(words) & _KEY_WORDS)
        columns = [
            one for one in self._matcher.find(words, draft.ways)
            if not one[1].is_flag and not self._is_amount(words, one[1]) and (wants_key or not one[1].is_key or not tables)
        ]  # fmt: skip
        top_table = max(tables, key=lambda one: one[0], default=(0.0, ""))
        if columns and columns[0][0] > top_table[0]:
            return [columns[0][1]], columns[0][0], ""
        if not tables:
            return None
        return named_columns(self._schema.tables[top_table[1]]), top_table[0], top_table[1]

    def _named(self, column: Column) -> Dimension:
        """A column under a name that says of what it is."""
        words = column.words
        if set(words) <= LIGHT:
            words = (*self._schema.tables[column.table].words, *words)
        return Dimension(column, plain(" ".join(words)))

    def _is_amount(self, words: Sequence[str], column: Column) -> bool:
        """Whether a column is a number that is not itself what the words name: `category sales` for a category."""
        return column.is_number and not column.is_key and best(column.words[-1], words) < GOOD

    def _group(self, draft: Draft, _entity: object) -> bool:
        for words in self.intent.groups:
            found = self._dimension(words, draft) or self._dimension(words[:1], draft)
            if found is None:
                return False
            columns, score, table = found
            draft.parts.append(score)
            self._hear(draft, words, columns, ())
            self._tell_apart(draft, columns, table)
        return True

    def _tell_apart(self, draft: Draft, columns: Sequence[Column], table: str) -> None:
        """Group by these; by the key of their table too, since two of its rows may have one name."""
        for column in columns:
            if all(one.column is not column for one in draft.dimensions):
                draft.dimensions.append(self._named(column))
        if table:
            draft.keys += [
                self._schema.tables[table].columns[name] for name in self._schema.tables[table].key
            ]

    # --- what is computed -------------------------------------------------------------------------

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
            self._take(draft, found, wanted)
        return self._formulas(draft, measuring)

    def _counted_by_groups(self) -> list[Wanted]:
        """`alerts by severity`: how many, since nothing else is said."""
        intent = self.intent
        is_list = (
            intent.question.lower()
            .lstrip()
            .startswith(("list", "which", "what", "who", "sort", "order"))
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

    def _take(self, draft: Draft, found: tuple[Measure, float], wanted: Wanted) -> None:
        measure, score = found
        if all(one.name != measure.name for one in draft.measures):
            draft.measures.append(measure)
        draft.parts.append(score)
        named = (
            *self._schema.tables[draft.fact].words,
            *(stem(word) for word in measure.name.split("_")),
        )
        self._hear(draft, wanted.words, [*measure.used()], named)
        if measure.aggregate in ("sum", "average") or measure.formula:
            draft.heard.update(set(wanted.words) & (MONEY | LIGHT))

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

    def _rank(self, draft: Draft, entity: Sequence[Column] | None) -> bool:
        """What the first few are the first by: a column of their own, or something computed of them."""
        intent = self.intent
        if not intent.is_ranked:
            return True
        if entity is None:
            return intent.grain is not None and self._rank_times(draft)
        if intent.adjective in said.ADJECTIVES and intent.order is None:
            return self._by_adjective(draft, entity)
        wanted = intent.order or (intent.measures[0] if intent.measures else None)
        if wanted is None:
            return self._by_default(draft, entity)
        own = self._own_number(draft, wanted)
        if own is not None:
            draft.order = self._named(own[1])
            draft.parts.append(own[0])
            draft.heard.update(wanted.words)
            self._tell_apart(draft, entity, draft.entity)
            draft.shown = [*draft.dimensions, draft.order]
            return True
        found = Measuring(self._matcher, draft).measure(
            wanted, is_extreme=intent.adjective == "extreme"
        )
        if found is None:
            return False
        self._take(draft, found, wanted)
        draft.order = next(one for one in draft.measures if one.name == found[0].name)
        self._tell_apart(draft, entity, draft.entity)
        draft.dimensions = (
            draft.dimensions[-len(entity) :] + draft.dimensions[: -len(entity)]
            if len(draft.dimensions) > len(entity)
            else draft.dimensions
        )
        return True

    def _rank_times(self, draft: Draft) -> bool:
        """`the month with the highest revenue`."""
        wanted = self.intent.order or (self.intent.measures[0] if self.intent.measures else None)
        found = (
            None
            if wanted is None
            else Measuring(self._matcher, draft).measure(wanted, is_extreme=True)
        )
        if wanted is None or found is None:
            return False
        self._take(draft, found, wanted)
        draft.order = next(one for one in draft.measures if one.name == found[0].name)
        return True

    def _by_default(self, draft: Draft, entity: Sequence[Column]) -> bool:
        """`top 5 products`, and by what is not said: by money, else by an amount, else by how often they occur."""
        if not draft.entity or draft.fact == draft.entity:
            return False
        measuring = Measuring(self._matcher, draft)
        for rank, words in enumerate((("revenue",), ("quantity",))):
            found = measuring.measure(Wanted(words, "sum"))
            if found is not None:
                break
        else:
            rank, found = 2, (Measure("count", counted(self._schema.tables[draft.fact])), GOOD)
        measure, score = found
        draft.measures.append(measure)
        draft.order = measure
        draft.parts.append(score - 0.1 * rank - 0.02 * len(draft.ways[draft.entity]))
        draft.assumptions.append(
            f"It is not said by what; taken is the {measure.name.replace('_', ' ')}."
        )
        self._tell_apart(draft, entity, draft.entity)
        return True

    def _own_number(self, draft: Draft, wanted: Wanted) -> tuple[float, Column] | None:
        """A number or date of the very rows that are ranked, which nothing has to be computed of."""
        is_plain = (
            wanted.aggregate is None and self.intent.adjective != "many" and not draft.measures
        )
        if draft.entity != draft.fact or not is_plain:
            return None
        found = [
            (score, column)
            for column in self._schema.tables[draft.fact].columns.values()
            if (column.is_number or column.is_date)
            and not column.is_key
            and (score := self._matcher.column(wanted.words, column)) >= GOOD
        ]
        return max(found, key=lambda one: one[0], default=None)

    def _by_adjective(self, draft: Draft, entity: Sequence[Column]) -> bool:
        names = said.ADJECTIVES[self.intent.adjective][0].split()
        measuring = Measuring(self._matcher, draft)
        draft.heard.update((self.intent.adjective, stem(self.intent.adjective)))
        if not names:
            return self._by_count(draft, entity)
        if self.intent.adjective in ("selling", "sale"):
            if draft.fact == draft.entity:
                return False
            found = measuring.measure(Wanted(("quantity",), "sum")) or measuring.measure(
                Wanted(("revenue",), "sum")
            )
            if found is None:
                return False
            self._take(draft, found, Wanted(("sale",)))
            draft.order = draft.measures[-1]
            self._tell_apart(draft, entity, draft.entity)
            return True
        if draft.fact != draft.entity:
            return False
        columns = [
            one
            for one in self._schema.tables[draft.fact].columns.values()
            if (one.is_number or one.is_date) and not one.is_key
        ]
        for name in names:
            fits = [one for one in columns if name in one.words]
            if fits:
                draft.order = self._named(fits[0])
                if name == "age":
                    draft.is_descending = not draft.is_descending
                draft.parts.append(0.9)
                self._tell_apart(draft, entity, draft.entity)
                draft.shown = [*draft.dimensions, draft.order]
                return True
        return False

    def _by_count(self, draft: Draft, entity: Sequence[Column]) -> bool:
        """`the most common city`: by how many rows there are."""
        of_table = bool(draft.entity)
        if of_table and draft.fact == draft.entity:
            return False
        if of_table:
            leading = {edge.table for edge in self._schema.edges if edge.to == draft.entity}
            if len(leading) != 1 or draft.fact not in leading:
                return False
        elif entity[0].table != draft.fact:
            return False
        measure = Measure("count", counted(self._schema.tables[draft.fact]))
        draft.measures.append(measure)
        draft.order = measure
        draft.parts.append(0.8)
        self._tell_apart(draft, entity, draft.entity)
        return True

    # --- what is shown ----------------------------------------------------------------------------

    def _show(self, draft: Draft, entity: Sequence[Column] | None) -> bool:
        """The columns that the question asks to be returned."""
        intent = self.intent
        if not intent.shown:
            if intent.is_distinct and not draft.is_grouped:
                draft.is_distinct = True
            return True
        shown: list[Measure | Dimension] = []
        measuring = Measuring(self._matcher, draft)
        for wanted in intent.shown:
            found = self._shown(draft, measuring, wanted)
            if found is None:
                return False
            shown += [one for one in found if one not in shown]
        if intent.adds and entity is not None:
            shown = [*(self._named(one) for one in entity), *shown]
        dimensions = [one for one in shown if isinstance(one, Dimension)]
        for one in dimensions:
            if all(known.column is not one.column for known in draft.dimensions) and not (
                isinstance(draft.order, Dimension) and draft.order.column is one.column
            ):
                draft.dimensions.append(one)
        if not dimensions and (draft.measures and draft.dimensions):
            shown = [*draft.dimensions, *shown]
        if (
            entity is not None
            and draft.entity
            and draft.is_grouped
            and not draft.keys
            and not intent.groups
            and self._is_of(draft, dimensions)
        ):
            draft.keys += [
                self._schema.tables[draft.entity].columns[name]
                for name in self._schema.tables[draft.entity].key
            ]
        draft.shown = shown
        draft.is_distinct = intent.is_distinct or (
            bool(draft.entity) and draft.entity != draft.fact and not draft.is_grouped
        )
        return True

    def _is_of(self, draft: Draft, dimensions: Sequence[Dimension]) -> bool:
        return bool(dimensions) and all(one.column.table == draft.entity for one in dimensions)

    def _shown(
        self, draft: Draft, measuring: Measuring, wanted: Wanted
    ) -> Sequence[Measure | Dimension] | None:
        draft.heard.update(wanted.words)
        if wanted.aggregate is not None and wanted.aggregate != "share":
            found = measuring.measure(wanted)
            if found is None:
                known = self._known_measure(draft, wanted)
                return None if known is None else [known]
            self._take(draft, found, wanted)
            return [next(one for one in draft.measures if one.name == found[0].name)]
        named = next(
            (one for one in draft.measures if one.formula and one.name in wanted.words), None
        )
        if named is not None:
            return [named]
        rate = next((one for one in self.intent.measures if one.aggregate == "share"), None)
        if rate is not None and (
            wanted.aggregate == "share"
            or "rate" in wanted.words
            or "percentage" in wanted.words
            or not wanted.words
        ):
            return []
        is_money = bool(set(wanted.words) & MONEY) and bool(draft.measures)
        words = self._of_entity(draft, wanted.words)
        dimension = self._dimension(words, draft)
        if dimension is not None and not (is_money and dimension[1] < 0.9):
            columns, score, table = dimension
            draft.parts.append(score)
            table = table or self._called_after(columns, draft)
            if table and draft.is_grouped:
                draft.keys += [
                    self._schema.tables[table].columns[name]
                    for name in self._schema.tables[table].key
                ]
            return [self._named(column) for column in columns]
        measure = self._known_measure(draft, wanted)
        if measure is not None:
            return [measure]
        found = measuring.measure(wanted)
        if found is None:
            return None
        self._take(draft, found, wanted)
        return [draft.measures[-1]]

    def _called_after(self, columns: Sequence[Column], draft: Draft) -> str:
        """The table whose rows are told apart by the names that are shown, where nothing else is said to group by."""
        column = columns[0]
        table = self._schema.tables[column.table]
        is_name = column.words[-1:] == ("name",) and column in named_columns(table)
        return table.name if is_name and not self.intent.groups and not draft.dimensions else ""

    def _of_entity(self, draft: Draft, words: tuple[str, ...]) -> tuple[str, ...]:
        """A bare `name` or `ID` is that of what the rows are."""
        if (
            set(words) <= LIGHT | {"first", "last", "email", "city", "phone", "address"}
            and draft.entity
        ):
            return (*self._schema.tables[draft.entity].words, *words)
        return words

    def _known_measure(self, draft: Draft, wanted: Wanted) -> Measure | None:
        """What is computed already, by another of its names."""
        for one in draft.measures:
            words = {stem(word) for word in one.name.split("_")}
            if any(best(word, words) >= GOOD for word in wanted.words if word not in LIGHT) or (
                len(draft.measures) == 1 and set(wanted.words) <= LIGHT | MONEY | SAYS_LITTLE
            ):
                return one
        return None

    # --- lists, shares, times ---------------------------------------------------------------------

    def _list(self, draft: Draft) -> bool:
        """What the rows are called, and what else of them the question speaks of."""
        if not draft.entity or not self.intent.entity:
            found = (
                self._dimension(self.intent.entity or self.intent.words, draft)
                if self.intent.entity
                else None
            )
            if found is None:
                return False
            draft.dimensions = [self._named(column) for column in found[0]]
            draft.is_distinct = True
            return True
        table = self._schema.tables[draft.entity]
        self._tell_apart(draft, named_columns(table), table.name)
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

    # --- at the end -------------------------------------------------------------------------------

    def _finish(self, draft: Draft) -> None:
        intent = self.intent
        if intent.is_share and not any(one.aggregate == "share" for one in draft.measures):
            draft.doubts.append("It is not clear what the share is of.")
        self._sort(draft)
        if draft.having and not draft.dimensions:
            self._group_by_entity(draft)
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
                draft.order = self._named(found[0][1]) if found else None
            draft.heard.update(wanted.words)
        if draft.order is None and draft.measures and draft.dimensions:
            draft.order = draft.measures[0]
            draft.is_descending = True if not self.intent.is_ordered else draft.is_descending

    def _group_by_entity(self, draft: Draft) -> None:
        """`customers with more than 3 orders`: the rows that are counted belong to the entity."""
        draft.doubts.append("It is not clear of what the rows are counted.")

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


def _examples(question: str, schema: Schema) -> list[Found]:
    """The examples of text columns that stand in the question as whole words, and are no names of tables or columns."""
    lowered = question.lower()
    known = {word for table in schema.tables.values() for word in table.words}
    found: list[Found] = []
    for column in schema.columns():
        if not column.is_text or column.is_flag:
            continue
        for value in column.values:
            if (
                isinstance(value, str)
                and 2 <= len(value) <= 60
                and _stands_in(value, question, lowered)
                and not _is_name(value, known, column)
            ):
                found.append(Found(value, column))
    texts = {one.text.lower() for one in found}
    return [
        one
        for one in found
        if not any(one.text.lower() in text and one.text.lower() != text for text in texts)
    ]


def _is_name(value: str, known: set[str], column: Column) -> bool:
    words = {stem(part) for part in value.lower().split()}
    return words <= known | _NO_VALUES | set(column.words)


def _stands_in(value: str, question: str, lowered: str) -> bool:
    """Whether the value is in the question as whole words; short ones only as they are spelt."""
    is_short = len(value) < _LONG
    text, where = (value, question) if is_short else (value.lower(), lowered)
    ending = "(?:e?s)?" if not is_short and value[-1:].isalpha() else ""
    return (
        text in where and re.search(rf"(?<!\w){re.escape(text)}{ending}(?!\w)", where) is not None
    )


__all__ = ["Condition", "Found", "Linker", "Table"]
