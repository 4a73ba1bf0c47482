"""The first few of something: by a column of their own, or by what is computed of them."""

from __future__ import annotations

from collections.abc import Sequence

from buster_tasks.analyst.offline import patterns as said
from buster_tasks.analyst.offline.draft import Draft, Measure
from buster_tasks.analyst.offline.intent import Wanted
from buster_tasks.analyst.offline.matching import GOOD
from buster_tasks.analyst.offline.measuring import IN_STOCK, Measuring, counted
from buster_tasks.analyst.offline.naming import Naming
from buster_tasks.analyst.offline.relation import Column
from buster_tasks.analyst.offline.words import stem

_DEFAULTS = (0.95, 0.75, 0.6)
"""How well money, an amount, or mere rows fit where nothing is said of what the first are the first by."""


class Ranking:
    """Puts on a draft what the first few are the first by."""

    def __init__(self, naming: Naming) -> None:
        self._naming, self._intent = naming, naming.intent
        self._schema, self._matcher = naming.schema, naming.matcher

    def put(  # noqa: PLR0911 - one for each way of ranking
        self, draft: Draft, entity: Sequence[Column] | None
    ) -> bool:
        """What the first few are the first by: a column of their own, or something computed of them."""
        intent = self._intent
        if not intent.is_ranked:
            return True
        if entity is None:
            return intent.grain is not None and self._rank_times(draft)
        if intent.adjective in said.ADJECTIVES and intent.order is None:
            return self._by_adjective(draft, entity)
        wanted = intent.order or (intent.measures[0] if intent.measures else None)
        if wanted is None:
            return self._by_default(draft, entity)
        if not wanted.words:
            return False
        own = self._own_number(draft, wanted)
        if own is not None:
            draft.order = self._naming.named(own[1])
            draft.parts.append(own[0])
            draft.heard.update(wanted.words)
            self._naming.tell_apart(draft, entity, draft.entity)
            draft.shown = [*draft.dimensions, draft.order]
            return True
        found = Measuring(self._matcher, draft).measure(
            wanted, is_extreme=intent.adjective == "extreme"
        )
        if found is None:
            return False
        self._naming.take(draft, found, wanted)
        draft.order = next(one for one in draft.measures if one.name == found[0].name)
        self._naming.tell_apart(draft, entity, draft.entity)
        draft.dimensions = (
            draft.dimensions[-len(entity) :] + draft.dimensions[: -len(entity)]
            if len(draft.dimensions) > len(entity)
            else draft.dimensions
        )
        return True

    def _rank_times(self, draft: Draft) -> bool:
        """`the month with the highest revenue`."""
        wanted = self._intent.order or (self._intent.measures[0] if self._intent.measures else None)
        found = (
            None
            if wanted is None
            else Measuring(self._matcher, draft).measure(wanted, is_extreme=True)
        )
        if wanted is None or found is None:
            return False
        self._naming.take(draft, found, wanted)
        draft.order = next(one for one in draft.measures if one.name == found[0].name)
        return True

    def _by_default(self, draft: Draft, entity: Sequence[Column]) -> bool:
        """`top 5 products`, and by what is not said: by money, else by an amount, else by how often they occur."""
        if not draft.entity or draft.fact == draft.entity:
            return False
        measuring = Measuring(self._matcher, draft)
        tried = [measuring.measure(Wanted((word,), "sum")) for word in ("revenue", "quantity")]
        tried.append((Measure("count", counted(self._schema.tables[draft.fact])), GOOD))
        rank, (measure, _) = next((rank, one) for rank, one in enumerate(tried) if one is not None)
        is_stock = bool(IN_STOCK & set(self._schema.tables[draft.fact].words))
        draft.measures.append(measure)
        draft.order = measure
        draft.parts.append(_DEFAULTS[rank] - 0.3 * is_stock - 0.02 * len(draft.ways[draft.entity]))
        draft.assumptions.append(
            f"It is not said by what; taken is the {measure.name.replace('_', ' ')}."
        )
        self._naming.tell_apart(draft, entity, draft.entity)
        return True

    def _own_number(self, draft: Draft, wanted: Wanted) -> tuple[float, Column] | None:
        """A number or date of the very rows that are ranked, which nothing has to be computed of."""
        is_plain = (
            wanted.aggregate is None and self._intent.adjective != "many" and not draft.measures
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

    def _by_adjective(  # noqa: PLR0911 - one for each sort of adjective
        self, draft: Draft, entity: Sequence[Column]
    ) -> bool:
        names = said.ADJECTIVES[self._intent.adjective][0].split()
        measuring = Measuring(self._matcher, draft)
        draft.heard.update((self._intent.adjective, stem(self._intent.adjective)))
        if not names:
            return self._by_count(draft, entity)
        if self._intent.adjective in ("selling", "sale"):
            if draft.fact == draft.entity:
                return False
            found = measuring.measure(Wanted(("quantity",), "sum")) or measuring.measure(
                Wanted(("revenue",), "sum")
            )
            if found is None:
                return False
            self._naming.take(draft, found, Wanted(("sale",)))
            draft.order = draft.measures[-1]
            self._naming.tell_apart(draft, entity, draft.entity)
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
                draft.order = self._naming.named(fits[0])
                if name == "age":
                    draft.is_descending = not draft.is_descending
                draft.parts.append(0.9)
                self._naming.tell_apart(draft, entity, draft.entity)
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
        self._naming.tell_apart(draft, entity, draft.entity)
        return True
