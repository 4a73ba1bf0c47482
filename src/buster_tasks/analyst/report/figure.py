"""Metrics, charts and dashboards on the page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

from pydantic import JsonValue

from buster_tasks.analyst.charting import table_of
from buster_tasks.analyst.findings import Chart, Dashboard, Metric
from buster_tasks.analyst.report.content import Content, metric_text
from buster_tasks.analyst.report.markup import Markup, element, join, verbatim
from buster_tasks.analyst.report.statement import table

_TABLE_ROWS = 100
_SHAPES = {"svg", "g", "path", "line", "rect", "circle", "text", "tspan", "title", "desc"}
_DRAWN_ELEMENTS = _SHAPES | {"defs", "clippath", "lineargradient", "stop"}


def tile(metric: Metric, content: Content) -> Markup:
    """A metric: its name, its value in large, its time."""
    return element(
        "div",
        element("p", metric.name, class_="name", dir="auto"),
        element("p", _value(metric), class_="value", dir="auto"),
        element("p", metric.time_frame, class_="quiet", dir="auto") if metric.time_frame else None,
        element("p", metric.description, class_="quiet", dir="auto")
        if metric.description
        else None,
        link(metric.evidence, content),
        class_="tile",
    )


def figure(chart: Chart, content: Content) -> Markup:
    """A chart: its picture, else its data as a table, with what it leaves out said below the title."""
    caption = element(
        "figcaption",
        element("h3", chart.title, dir="auto"),
        [element("p", note, class_="quiet") for note in _notes(chart)],
    )
    picture = _picture(chart, content)
    data = _data(chart)
    shown = (
        join([picture, element("details", element("summary", "Data"), data)]) if picture else data
    )
    return element("figure", caption, shown, link(chart.evidence, content), class_=chart.kind)


def dashboard(board: Dashboard, content: Content) -> Markup:
    """A dashboard: its rows, each of metrics and charts beside each other."""
    return element(
        "section",
        element("h2", board.name, dir="auto"),
        element("p", board.description, class_="quiet", dir="auto") if board.description else None,
        [
            element("div", _row(row, content), class_=f"row of-{min(len(row), 4)}")
            for row in board.rows
        ],
        class_="dashboard",
    )


def _value(metric: Metric) -> list[Markup | str]:
    """The value, its unit smaller."""
    text = metric_text(metric)
    if metric.unit and text.endswith(f" {metric.unit}"):
        return [text.removesuffix(metric.unit), element("span", metric.unit, class_="unit")]
    return [text]


def link(evidence: str, content: Content) -> Markup | None:
    """Where the statement behind it stands on the page."""
    number = content.numbers().get(evidence)
    if number is None:
        return None
    inner = element("a", f"Statement {number}", href=f"#statement-{number}")
    return element("p", inner, class_="source")


def _row(row: list[str], content: Content) -> Iterator[Markup]:
    for name in row:
        match content.artifact(name):
            case Metric() as metric:
                yield tile(metric, content)
            case Chart() as chart:
                yield figure(chart, content)
            case _:
                yield element("p", f"{name} is not part of this answer.", class_="quiet")


def _notes(chart: Chart) -> list[str]:
    title = chart.spec.get("title")
    below = title.get("subtitle") if isinstance(title, dict) else None
    lines: list[JsonValue] = below if isinstance(below, list) else [below]
    return [" ".join(line for line in lines if isinstance(line, str))] if any(lines) else []


def _picture(chart: Chart, content: Content) -> Markup | None:
    drawing = content.drawings.get(chart.id)
    if drawing is None or not all(map(is_inert, drawing.all.values())):
        return None
    description = chart.spec.get("description")
    place = list(content.drawings).index(chart.id)
    return element(
        "div",
        [
            element("div", verbatim(_apart(svg, f"chart-{place}-{width}-")), class_=width)
            for width, svg in drawing.all.items()
        ],
        class_="picture",
        role="img",
        aria_label=description if isinstance(description, str) else chart.title,
    )


def _data(chart: Chart) -> Markup:
    found = table_of(chart)
    if not found.rows:
        return element("p", "There is no data to show.", class_="quiet")
    rows = found.rows[:_TABLE_ROWS]
    whole = table(found.headings, rows, caption=chart.title, grouped=True)
    if len(rows) == len(found.rows):
        return whole
    return join(
        [whole, element("p", f"The first {len(rows)} of {len(found.rows):,} rows.", class_="quiet")]
    )


def _apart(svg: str, prefix: str) -> str:
    """The drawing with ids of its own: two drawings on one page have the same ones."""
    svg = re.sub(r'\bid="', f'id="{prefix}', svg)
    svg = svg.replace("url(#", f"url(#{prefix}")
    # the root's role and label stand on what surrounds it
    return svg.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)


def is_inert(svg: str) -> bool:
    """Whether the drawing holds shapes and text alone: nothing that runs, links or loads."""
    look = _Inert()
    if "<!" in svg or "<?" in svg or not svg.lstrip().startswith("<svg"):
        return False
    look.feed(svg)
    look.close()
    return look.is_inert


class _Inert(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.is_inert = True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            text = (value or "").replace("url(#", "")
            is_namespace = name in {"xmlns", "xmlns:xlink"}
            loads = "url(" in text.lower() or (":" in text and "//" in text and not is_namespace)
            if name.startswith("on") or "href" in name or (loads and name != "aria-label"):
                self.is_inert = False
        if tag not in _DRAWN_ELEMENTS:
            self.is_inert = False
