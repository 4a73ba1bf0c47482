"""Statements and tables on the page."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pydantic import JsonValue

from buster_tasks.analyst.findings import Query
from buster_tasks.analyst.quoting import cut
from buster_tasks.analyst.report.content import as_decimal, cell_text, size_of
from buster_tasks.analyst.report.markup import Markup, element

_CELL_CHARACTERS = 300
_DECIMALS = 4


def statement(query: Query, number: int) -> Markup:
    """What was run and what came of it, under an anchor."""
    evidence = query.evidence
    facts = [("Source", evidence.source), ("Result", size_of(evidence))]
    return element(
        "div",
        element("p", query.name or evidence.purpose, class_="purpose", dir="auto"),
        element("pre", element("code", evidence.sql), class_="sql", tabindex=0),
        element(
            "dl",
            [[element("dt", name), element("dd", value)] for name, value in facts],
            element("dt", "Digest"),
            element("dd", element("code", evidence.digest[:12], title=evidence.digest)),
            class_="facts",
        ),
        _sample(query),
        class_="statement",
        id=f"statement-{number}",
    )


def _sample(query: Query) -> Markup | None:
    evidence = query.evidence
    if not evidence.sample:
        return element("p", "The result has no rows.", class_="quiet")
    shown, rows = len(evidence.sample), evidence.row_count
    caption = f"The first {shown} of {rows:,} rows" if shown < rows else "All rows"
    return table([column.name for column in evidence.columns], evidence.sample, caption=caption)


def table(
    headings: Sequence[str],
    rows: Sequence[Sequence[JsonValue]],
    *,
    caption: str,
    grouped: bool = False,
) -> Markup:
    """A table that scrolls by itself where it is wider than the page. `grouped` tells thousands apart."""
    places = [_places([row[n] for row in rows], grouped and n > 0) for n in range(len(headings))]
    head = [
        element("th", name, scope="col", dir="auto", class_=None if form is None else "number")
        for name, form in zip(headings, places, strict=True)
    ]
    body = [element("tr", _cells(row, places)) for row in rows]
    whole = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", head)),
        element("tbody", body),
    )
    return element("div", whole, class_="scroll", tabindex=0, role="group", aria_label=caption)


def _places(cells: Sequence[JsonValue], grouped: bool) -> str | None:
    """How the numbers of a column are written: "" for as they are; None where it holds anything else."""
    known = [as_decimal(cell) for cell in cells if cell is not None]
    exact = [number for number in known if number is not None]
    is_measured = any(isinstance(cell, int | float) for cell in cells)
    if not is_measured or len(exact) < len(known):
        return None
    exponents = [number.normalize().as_tuple().exponent for number in exact]
    decimals = max((-one for one in exponents if isinstance(one, int)), default=0)
    return f",.{max(0, min(decimals, _DECIMALS))}f" if grouped else ""


def _cells(row: Sequence[JsonValue], forms: Sequence[str | None]) -> list[Markup]:
    return [_cell(value, form) for value, form in zip(row, forms, strict=True)]


def _cell(value: JsonValue, form: str | None) -> Markup:
    if value is None:
        kind = "none" if form is None else "number none"
        return element("td", "\N{EN DASH}", class_=kind, title="no value")
    exact = as_decimal(value)
    if form is not None and exact is not None:
        return element("td", format(exact, form) if form else cell_text(value), class_="number")
    is_tree = isinstance(value, list | dict)
    text = json.dumps(value, ensure_ascii=False) if is_tree else cell_text(value)
    return element("td", cut(text, _CELL_CHARACTERS), dir="auto")
