"""Times and flags of a question, as conditions."""

from __future__ import annotations

from buster_tasks.analyst.offline.draft import Condition, Draft
from buster_tasks.analyst.offline.intent import Intent
from buster_tasks.analyst.offline.matching import Matcher
from buster_tasks.analyst.offline.relation import Column
from buster_tasks.analyst.offline.times import Span
from buster_tasks.analyst.offline.words import best, words as listed

_OF_TIME = listed("date time at on ts timestamp day datetime year")
_OF_FLAGS = listed("is has was are flag")
_AVOIDED = listed(
    "birth update updated modified modify due settlement required created crtd create load"
)
_SURE = 0.8
_PER_STEP = 0.4
_FARTHEST = -1.0


class Timing:
    """Puts the time that a question speaks of on a draft, and the flags that it names."""

    def __init__(self, intent: Intent, matcher: Matcher, draft: Draft) -> None:
        self._intent, self._matcher, self._draft = intent, matcher, draft

    def put(self) -> None:
        """Both; a time that no date is there for is a doubt."""
        self._time()
        self._flags()

    def column(self, tables: dict[str, int], span: Span | None) -> Column | None:
        """The date that is meant, of these tables with how far each is; of a whole year also a number of a year."""
        chosen: tuple[float, Column] | None = None
        years = self._intent.grain is None and _is_of_years(span)
        for name, steps in tables.items():
            for column in self._matcher.schema.tables[name].columns.values():
                is_year = years and column.is_number and column.words[-1:] == ("year",)
                if not column.is_date and not is_year:
                    continue
                score = self._fit(column) - _PER_STEP * steps - 0.1 * is_year
                if chosen is None or score > chosen[0]:
                    chosen = score, column
        return None if chosen is None or chosen[0] < _FARTHEST else chosen[1]

    def _fit(self, column: Column) -> float:
        """How well the words of the question name a date; those that say little of what happened are avoided."""
        own = [word for word in column.words if word not in _OF_TIME]
        said = max((best(word, self._intent.words) for word in own), default=0.3)
        return said - 0.6 * (said < _SURE and bool(_AVOIDED & set(column.words)))

    def _time(self) -> None:
        intent, draft = self._intent, self._draft
        span = intent.span if draft.absent is None else None
        if span is None and intent.grain is None:
            return
        column = self.column({name: len(way) for name, way in draft.ways.items()}, span)
        if column is None:
            draft.doubts.append("There is no date for the time that is asked for.")
            return
        if column.is_date:
            draft.span_column, draft.span = column, span
        elif span is not None:
            self._years(column, span)
        if column.table != draft.fact or not column.is_date:
            draft.assumptions.append(f"Time is told by {' '.join(column.words)}.")
        draft.heard.update(column.words)

    def _years(self, column: Column, span: Span) -> None:
        if span.begin is not None:
            self._draft.conditions.append((Condition(column, ">=", float(span.begin.year)),))
        if span.end is not None:
            self._draft.conditions.append((Condition(column, "<", float(span.end.year)),))

    def _flags(self) -> None:
        """Yes and no columns that the question names: `active tickers`, `discontinued products`."""
        draft = self._draft
        words = [word for word in self._intent.words if word not in draft.heard]
        taken = [one.column for any_of in draft.conditions for one in any_of]
        near = [name for name, way in draft.ways.items() if len(way) <= 1 or name == draft.entity]
        for name in near:
            table = self._matcher.schema.tables[name]
            for column in table.columns.values():
                own = [
                    word
                    for word in column.words
                    if word not in _OF_FLAGS and word not in table.words
                ]
                is_said = bool(own) and all(best(one, words) >= _SURE for one in own)
                if column.is_flag and is_said and column not in taken:
                    draft.conditions.append((Condition(column, "=", column.yes),))
                    draft.heard.update(column.words)


def _is_of_years(span: Span | None) -> bool:
    return span is not None and all(
        day is None or (day.month, day.day) == (1, 1) for day in (span.begin, span.end)
    )
