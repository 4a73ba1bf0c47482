"""What a result tells: sentences whose numbers name cells, and the chart that shows it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from buster_tasks.analyst.offline.draft import Condition, Dimension, Draft, Measure
from buster_tasks.analyst.offline.schema import Schema
from buster_tasks.analyst.offline.words import plural, stem
from buster_tasks.language_model import ToolCall

_YEAR = re.compile(r"^\d{4}$")
_MOST_RANKED = 3
_MOST_NAMED = 5
_MOST_BARS = 30
_IN_ORDER = 2
_FORMATS = {"month": "month"}


@dataclass(frozen=True, slots=True)
class Telling:
    """A result beside the draft that it came of; `rows` are the first ones of `count`."""

    draft: Draft
    schema: Schema
    result: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    count: int

    # --- charts -----------------------------------------------------------------------------------

    def charts(self, question: str) -> list[ToolCall]:
        """A line over time, bars over anything else, a metric of a single number; else nothing."""
        measure = self._measure()
        title = _title(question)
        if measure is None or not self.rows:
            return []
        dimensions = [one for one in self.draft.dimensions if one.name in self.columns]
        if not dimensions:
            return [
                ToolCall.of("create_metric", name=title, result=self.result, column=one.name)
                for one in self.draft.measures
                if one.name in self.columns and self._cell(0, one.name) is not None
            ]
        first = dimensions[0]
        if len(self.rows) < 2 or (first.grain is None and len(self.rows) > _MOST_BARS):
            return []
        color = (
            next((one.name for one in dimensions if one is not first), None)
            if first.grain
            else None
        )
        more = {} if color is None else {"color": color}
        kind = "bar" if first.grain is None else "line"
        return [
            ToolCall.of(
                "create_chart",
                kind=kind,
                title=title,
                result=self.result,
                x=first.name,
                y=[measure.name],
                **more,
            )
        ]

    # --- sentences --------------------------------------------------------------------------------

    def findings(self) -> dict[str, Any]:
        """The arguments of `submit_findings`: claims, and the first of them as the summary."""
        claims = list(self._claims())
        summary = " ".join(str(one["claim"]) for one in claims[:2])
        return {"findings": claims, "summary": summary}

    def _claims(self) -> list[dict[str, Any]]:
        if self.count == 0:
            text = f"There are no {self._things()} of which this is true."
            return [{"claim": text, "values": [], "evidence": [self.result]}]
        if not any(one.name in self.columns for one in self.draft.dimensions):
            return self._single()
        if self.draft.dimensions[0].grain is not None and self._measure() is not None:
            return self._over_time()
        if self._measure() is not None:
            return self._ranked()
        return self._listed()

    def _single(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for measure in self.draft.measures:
            if measure.name not in self.columns:
                continue
            value = self._value(measure.name, 0, measure)
            place = f"{{{{{measure.name}}}}}"
            about = self._about()
            if self._cell(0, measure.name) is None:
                text = f"There is no value for the {_spoken(measure.name)}{about}: {place}."
            elif measure.aggregate == "share" and measure.where:
                text = f"{place} of the {self._things()}{about} have {_told(measure.where[0])}."
            else:
                text = f"The {_spoken(measure.name)}{about} is {place}."
            found.append({"claim": text, "values": [value]})
        return found

    def _over_time(self) -> list[dict[str, Any]]:
        """The first and the last of the times, and the greatest where all are known."""
        measure = self._measure()
        assert measure is not None  # it was asked before
        when = self.draft.dimensions[0]
        what = _capital(_spoken(measure.name))
        is_one = len([one for one in self.draft.dimensions if one.name in self.columns]) == 1
        whole = len(self.rows) == self.count and is_one
        found: list[dict[str, Any]] = []
        if whole:
            numbers = [(_number(self._cell(at, measure.name)), at) for at in range(len(self.rows))]
            known = [one for one in numbers if one[0] is not None]
            if known:
                top = max(known, key=lambda one: (one[0], -one[1]))[1]
                text = f"{what} was highest in {{{{when}}}}: {{{{value}}}}."
                found.append(
                    {
                        "claim": text,
                        "values": [
                            self._when(when, "when", top),
                            self._named("value", measure, top),
                        ],
                    }
                )
        if whole and len(self.rows) > 1:
            last = len(self.rows) - 1
            text = f"It was {{{{first}}}} in {{{{begin}}}} and {{{{last}}}} in {{{{end}}}}, the last {when.grain}."
            values = [
                self._named("first", measure, 0), self._when(when, "begin", 0),
                self._named("last", measure, last), self._when(when, "end", last),
            ]  # fmt: skip
            found.append({"claim": text, "values": values})
        if not found:
            text = f"{what} was {{{{first}}}} in {{{{begin}}}}{self._rest(0, when)}."
            values = [
                self._named("first", measure, 0),
                self._when(when, "begin", 0),
                *self._rest_values(0, when),
            ]
            found.append({"claim": text, "values": values})
        return found

    def _rest(self, row: int, when: Dimension) -> str:
        names = [
            f"{{{{part_{row}_{at}}}}}"
            for at, one in enumerate(self.draft.dimensions)
            if one is not when and one.name in self.columns
        ]
        return f" for {' '.join(names)}" if names else ""

    def _rest_values(self, row: int, when: Dimension) -> list[dict[str, Any]]:
        return [
            self._text(f"part_{row}_{at}", one.name, row)
            for at, one in enumerate(self.draft.dimensions)
            if one is not when and one.name in self.columns
        ]

    def _ranked(self) -> list[dict[str, Any]]:
        """Who comes first, with what; then the next ones."""
        measure = self._measure()
        assert measure is not None  # it was asked before
        found: list[dict[str, Any]] = []
        for at in range(min(_MOST_RANKED, len(self.rows))):
            called, values = self._called(at)
            values.append(self._named(f"number_{at}", measure, at))
            text = self._said_of(measure, at, called, f"{{{{number_{at}}}}}")
            found.append({"claim": text, "values": values})
        return found

    def _said_of(self, measure: Measure, at: int, called: str, place: str) -> str:
        """One row in a sentence; only the first of rows that are in order is the most of something."""
        what = _spoken(measure.name)
        if self._cell(at, measure.name) is None:
            return f"{called} has no {what}: {place}."
        is_sorted = self.draft.order is measure and measure.aggregate not in ("least", "greatest")
        if is_sorted and at < _IN_ORDER and len(self.rows) > 1 and not self._ties(measure):
            return (
                f"{called} has the {self._extreme(measure)}: {place}."
                if at == 0
                else f"{called} follows with {place}."
            )
        if is_sorted and at == 0 and self.draft.limit == 1:
            return f"{called} has the {self._extreme(measure)}: {place}."
        if _is_count(measure):
            noun = what.removeprefix("number of ")
            return (
                f"{called} has {place} {_one(noun) if self._cell(at, measure.name) == 1 else noun}."
            )
        if measure.aggregate in ("least", "greatest", "average"):
            return f"The {what} of {called} is {place}."
        return f"{called} has {_article(measure)}{what} of {place}."

    def plain(self) -> dict[str, Any]:
        """The same without any wording that could be held against the rows: names and numbers of the first few."""
        claims: list[dict[str, Any]] = []
        for at in range(min(_MOST_RANKED, len(self.rows))):
            shown = list(self.columns)[:_MOST_NAMED]
            values = [
                self._text(f"cell_{at}_{number}", name, at) for number, name in enumerate(shown)
            ]
            text = ", ".join(
                f"{_spoken(name)} {{{{{value['name']}}}}}"
                for name, value in zip(shown, values, strict=True)
            )
            claims.append({"claim": f"{_capital(text)}.", "values": values})
        return (
            {"findings": claims, "summary": str(claims[0]["claim"])} if claims else self.findings()
        )

    def _ties(self, measure: Measure) -> bool:
        return bool(self._cell(0, measure.name) == self._cell(1, measure.name))

    def _extreme(self, measure: Measure) -> str:
        down = not self.draft.is_descending
        if _is_count(measure):
            return (
                f"{'fewest' if down else 'most'} {_spoken(measure.name.removeprefix('number_of_'))}"
            )
        plain = _spoken(measure.name)
        return f"{'lowest' if down else 'highest'} {plain}"

    def _listed(self) -> list[dict[str, Any]]:
        """What the rows are called; with what they are ordered by where a rank was asked for."""
        order = self.draft.order
        if isinstance(order, Dimension) and self.draft.is_ranked and order.name in self.columns:
            return [self._ranked_row(at, order) for at in range(min(_MOST_RANKED, len(self.rows)))]
        names: list[str] = []
        values: list[dict[str, Any]] = []
        for at in range(min(_MOST_NAMED, len(self.rows))):
            called, more = self._called(at)
            names.append(called)
            values += more
        things = self._things()
        if self.count == 1:
            text = f"The only one of the {things} is {names[0]}."
        elif self.count <= len(names):
            text = f"The {things} are {', '.join(names[:-1])} and {names[-1]}."
        else:
            text = f"Among the {things} are {', '.join(names[:-1])} and {names[-1]}."
        return [{"claim": text, "values": values}]

    def _ranked_row(self, at: int, order: Dimension) -> dict[str, Any]:
        called, values = self._called(at, but=order)
        values.append(self._value(f"number_{at}", at, None, column=order.name))
        way = "highest" if self.draft.is_descending else "lowest"
        if order.column.is_date:
            way = "latest" if self.draft.is_descending else "earliest"
        place = f"{{{{number_{at}}}}}"
        text = (
            f"{called} has the {way} {_spoken(order.name)}: {place}."
            if at == 0
            else f"{called} follows with {place}."
        )
        return {"claim": text, "values": values}

    # --- parts of sentences -----------------------------------------------------------------------

    def _called(
        self, row: int, *, but: Dimension | None = None
    ) -> tuple[str, list[dict[str, Any]]]:
        shown = [
            one
            for one in self.draft.dimensions
            if one.name in self.columns and one is not but and one.grain is None
        ]
        shown = [one for one in shown if self._cell(row, one.name) is not None][
            :_MOST_RANKED
        ] or shown[:1]
        values = [self._text(f"name_{row}_{at}", one.name, row) for at, one in enumerate(shown)]
        return " ".join(f"{{{{{value['name']}}}}}" for value in values) or "It", values

    def _about(self) -> str:
        told = [
            _told(one[0])
            for one in self.draft.conditions
            if len(one) == 1 and isinstance(one[0].value, str) and one[0].operator == "="
        ]
        about = f" with {' and '.join(told)}" if told else ""
        span = self.draft.span
        return f"{about} in {span.text}" if span is not None and _YEAR.match(span.text) else about

    def _things(self) -> str:
        if not self.draft.entity and not self.draft.is_grouped and self.draft.dimensions:
            words = _spoken(self.draft.dimensions[0].name).split(" ")
            return " ".join([*words[:-1], plural(words[-1])])
        name = self.draft.entity or self.draft.fact
        if self.draft.shown and not self.draft.is_grouped and self.draft.dimensions:
            name = self.draft.dimensions[0].column.table
        table = self.schema.tables[name]
        return table.plural or _spoken(table.name)

    def _measure(self) -> Measure | None:
        if isinstance(self.draft.order, Measure) and self.draft.order.name in self.columns:
            return self.draft.order
        return next((one for one in self.draft.measures if one.name in self.columns), None)

    def _cell(self, row: int, column: str) -> Any:
        return self.rows[row][list(self.columns).index(column)]

    def _value(
        self, name: str, row: int, measure: Measure | None, column: str | None = None
    ) -> dict[str, Any]:
        made: dict[str, Any] = {
            "name": name,
            "result": self.result,
            "row": row,
            "column": column or name,
        }
        if measure is not None and measure.aggregate == "share" and measure.where:
            made["unit"] = "%"
        return made

    def _named(self, name: str, measure: Measure, row: int) -> dict[str, Any]:
        return {**self._value(name, row, measure), "column": measure.name}

    def _text(self, name: str, column: str, row: int) -> dict[str, Any]:
        return {"name": name, "result": self.result, "row": row, "column": column, "format": "text"}

    def _when(self, dimension: Dimension, name: str, row: int) -> dict[str, Any]:
        return {
            **self._text(name, dimension.name, row),
            "format": _FORMATS.get(dimension.grain or "", "text"),
        }


def _told(condition: Condition) -> str:
    return (
        f"{' '.join(condition.column.words)} {condition.value}"
        if isinstance(condition.value, str)
        else " ".join(condition.column.words)
    )


def _is_count(measure: Measure) -> bool:
    return measure.aggregate == "count" and measure.name.startswith("number_of_")


def _one(noun: str) -> str:
    first, _, last = noun.rpartition(" ")
    return f"{first} {stem(last)}".strip()


def _article(measure: Measure) -> str:
    return "an " if _spoken(measure.name)[:1] in "aeiou" else "a "


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _spoken(name: str) -> str:
    return name.replace("_", " ")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _title(question: str) -> str:
    text = question.strip().partition("\n")[0].rstrip("?.")
    return text[:1].upper() + text[1:90]
