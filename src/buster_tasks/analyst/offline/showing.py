"""What stands in the columns of the answer, where the question says it."""

from __future__ import annotations

from collections.abc import Sequence

from buster_tasks.analyst.offline.draft import Dimension, Draft, Measure
from buster_tasks.analyst.offline.intent import Wanted
from buster_tasks.analyst.offline.matching import GOOD, LIGHT
from buster_tasks.analyst.offline.measuring import MONEY, SAYS_LITTLE, Measuring
from buster_tasks.analyst.offline.naming import Naming
from buster_tasks.analyst.offline.relation import Column, named_columns
from buster_tasks.analyst.offline.words import best, stem


class Showing:
    """Puts on a draft what is to be returned."""

    def __init__(self, naming: Naming) -> None:
        self._naming, self._intent = naming, naming.intent
        self._schema, self._matcher = naming.schema, naming.matcher

    def put(self, draft: Draft, entity: Sequence[Column] | None) -> bool:
        """The columns that the question asks to be returned."""
        intent = self._intent
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
            shown = [*(self._naming.named(one) for one in entity), *shown]
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

    def _shown(  # noqa: PLR0911 - one for each thing that can be shown
        self, draft: Draft, measuring: Measuring, wanted: Wanted
    ) -> Sequence[Measure | Dimension] | None:
        draft.heard.update(wanted.words)
        if wanted.aggregate is not None and wanted.aggregate != "share":
            found = measuring.measure(wanted)
            if found is None:
                known = self._known_measure(draft, wanted)
                return None if known is None else [known]
            self._naming.take(draft, found, wanted)
            return [next(one for one in draft.measures if one.name == found[0].name)]
        named = next(
            (one for one in draft.measures if one.formula and one.name in wanted.words), None
        )
        if named is not None:
            return [named]
        rate = next((one for one in self._intent.measures if one.aggregate == "share"), None)
        if rate is not None and (
            wanted.aggregate == "share"
            or "rate" in wanted.words
            or "percentage" in wanted.words
            or not wanted.words
        ):
            return []
        is_money = bool(set(wanted.words) & MONEY) and bool(draft.measures)
        words = self._of_entity(draft, wanted.words)
        dimension = self._naming.dimension(words, draft)
        if dimension is not None and not (is_money and dimension[1] < 0.9):
            columns, score, table = dimension
            draft.parts.append(score)
            table = table or self._called_after(columns, draft)
            if table and draft.is_grouped:
                draft.keys += [
                    self._schema.tables[table].columns[name]
                    for name in self._schema.tables[table].key
                ]
            return [self._naming.named(column) for column in columns]
        measure = self._known_measure(draft, wanted)
        if measure is not None:
            return [measure]
        found = measuring.measure(wanted)
        if found is None:
            return None
        self._naming.take(draft, found, wanted)
        return [draft.measures[-1]]

    def _called_after(self, columns: Sequence[Column], draft: Draft) -> str:
        """The table whose rows are told apart by the names that are shown, where nothing else is said to group by."""
        column = columns[0]
        table = self._schema.tables[column.table]
        is_name = column.words[-1:] == ("name",) and column in named_columns(table)
        return table.name if is_name and not self._intent.groups and not draft.dimensions else ""

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
