"""The page: self-contained, balanced, accessible, and harmless whatever it is given."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest

from buster_tasks.analyst.charting import ChartRequest, Drawing, build
from buster_tasks.analyst.findings import (
    Chart,
    Check,
    Dashboard,
    Evidence,
    Finding,
    Metric,
    NamedValue,
    Plan,
    PlanStep,
    Query,
    ResultColumn,
)
from buster_tasks.analyst.models import AnalystMetadata, AnalystResult, ExecutionStep
from buster_tasks.analyst.report import html
from buster_tasks.analyst.state import State
from tests.doubles import shop_analysis as shop

VOID = {"meta", "br", "hr", "path", "rect", "line", "circle", "stop"}
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><path d="M0,0"></path></svg>'
HOSTILE = (
    "</p></td></textarea></style><script>alert(1)</script><img src=x onerror=alert(1)>\"'`{{x}}"
)


class Page(HTMLParser):
    """What a page holds: its elements with attributes, its text, and whether each is closed."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(document)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs)
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def sample(**changes: Any) -> str:
    result = shop.analysis().model_copy(update=changes)
    drawings = {name: Drawing(SVG, SVG, SVG) for name in ("c1", "c2", "c3")}
    return html(
        result,
        shop.QUESTION,
        metadata=shop.metadata(),
        drawings=drawings,
        finished_at=shop.FINISHED_AT,
    )


def hostile() -> AnalystResult:
    """An analysis all of whose texts want to break out."""
    evidence = Evidence(
        id=HOSTILE,
        source=HOSTILE,
        sql=f"SELECT '{HOSTILE}'",
        columns=[ResultColumn(name=HOSTILE), ResultColumn(name="javascript:alert(1)")],
        row_count=1,
        truncated=True,
        digest=HOSTILE,
        sample=[[HOSTILE, {HOSTILE: [HOSTILE]}]],
    )
    value = NamedValue(name="x", expression=HOSTILE, text=HOSTILE)
    chart_spec: Any = {
        "title": {"subtitle": [HOSTILE]},
        "description": HOSTILE,
        "data": {"values": [{"x": HOSTILE, "y": 1}]},
        "encoding": {"x": {"field": "x", "title": HOSTILE}, "y": {"field": "y"}},
    }
    return AnalystResult(
        status="failed",
        response=f"# {HOSTILE}\n- [a](javascript:alert(1)) ![b](http://evil.example/x.png)\n\n{HOSTILE}",
        findings=[
            Finding(
                id=HOSTILE,
                claim="{{x}} is " + HOSTILE,
                text=f"{HOSTILE} is {HOSTILE}",
                values=[value],
                evidence=[HOSTILE],
                checks=[Check(code=HOSTILE, severity="error", message=HOSTILE)],
            )
        ],
        artifacts=[
            Metric(
                id="m",
                name=HOSTILE,
                description=HOSTILE,
                time_frame=HOSTILE,
                source="s",
                sql="",
                evidence=HOSTILE,
                value=HOSTILE,
                unit=HOSTILE,
            ),
            Chart(id=HOSTILE, title=HOSTILE, kind="bar", evidence=HOSTILE, spec=chart_spec),
            Dashboard(id="d", name=HOSTILE, description=HOSTILE, rows=[[HOSTILE, "missing"]]),
            Query(id="q", name=HOSTILE, evidence=evidence),
        ],
        used_data_sources=[HOSTILE],
        execution_steps=[
            ExecutionStep(number=1, state=State.ANALYZING, tool=HOSTILE, summary=HOSTILE)
        ],
        plan=Plan(steps=[PlanStep(question=HOSTILE, method=HOSTILE)], assumptions=[HOSTILE]),
        assumptions=[HOSTILE],
        warnings=[Check(code="c", severity="warning", message=HOSTILE)],
    )


def assert_harmless(document: str) -> Page:
    page = Page(document)
    for tag, attributes in page.elements:
        assert tag not in {
            "script",
            "img",
            "iframe",
            "link",
            "object",
            "embed",
            "form",
            "base",
            "input",
        }
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in {"href", "src", "action", "xlink:href"}:
                assert re.fullmatch(r"#statement-\d+", value or "")
            elif name not in {"title", "aria-label", "xmlns", "xmlns:xlink"}:
                assert "://" not in (value or "")
    style = re.findall(r"<style>(.*?)</style>", document, re.DOTALL)
    assert len(style) == 1
    assert "url(" not in style[0]
    assert "@import" not in style[0]
    return page


def test_the_page_is_whole_and_loads_nothing() -> None:
    page = assert_harmless(sample())
    policy = next(one for one in page.named("meta") if one.get("http-equiv"))
    assert (policy["content"] or "").startswith("default-src 'none'")


def test_the_same_analysis_is_the_same_page() -> None:
    assert sample() == sample()


@pytest.mark.parametrize("with_drawings", [False, True])
def test_hostile_texts_stay_texts(*, with_drawings: bool) -> None:
    drawings = {HOSTILE: Drawing(SVG, SVG, SVG)} if with_drawings else {}
    metadata = AnalystMetadata(model=HOSTILE)
    page = assert_harmless(
        html(hostile(), HOSTILE, metadata=metadata, drawings=drawings, missing=[HOSTILE])
    )
    assert "<script>alert(1)</script>" in page.text
    assert "[a](javascript:alert(1))" in page.text


def test_headings_are_in_order_and_landmarks_are_there() -> None:
    page = Page(sample())
    tags = [tag for tag, _ in page.elements]
    assert [tags.count(one) for one in ("header", "main", "footer", "h1")] == [1, 1, 1, 1]
    levels = [int(tag[1]) for tag in tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))
    assert page.named("html")[0]["lang"] == "en"


def test_ids_are_there_once_and_links_lead_to_one() -> None:
    page = Page(sample())
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {one["href"] for one in page.named("a")} <= {f"#{one}" for one in ids}
    assert len(page.named("a")) >= 5


def test_pictures_are_described_from_the_data() -> None:
    page = Page(sample())
    described = [one for one in page.named("div") if one.get("role") == "img"]
    assert len(described) == 3
    assert all("Highest" in (one["aria-label"] or "") for one in described)
    assert all(one.get("aria-hidden") == "true" for one in page.named("svg"))


def test_tables_have_captions_and_headings() -> None:
    document = sample()
    page = Page(document)
    assert len(page.named("table")) == len(page.named("caption")) == 7
    assert all(one["scope"] == "col" for one in page.named("th"))


def test_a_verdict_is_said_in_words() -> None:
    text = Page(sample()).text
    assert "Verified The statements were run again and gave the same." in text
    assert "Contradicted The data says something else." in text
    assert "Not supported" in text
    assert "Completed with warnings" in text


def test_values_are_marked_where_they_stand() -> None:
    document = sample()
    assert (
        'Revenue rose from <mark title="january: r1, row 1, revenue">41,250.40 EUR</mark> in January'
    ) in document
    assert '<mark title="growth: (december - january) / january">94.2%</mark>.' in document


def test_each_statement_stands_once_with_what_came_of_it() -> None:
    document = sample()
    for evidence in (one.evidence() for one in shop.results().values()):
        assert document.count(f'title="{evidence.digest}"') == 1
    text = Page(document).text
    assert "The first 5 of 12 rows" in text
    assert "2 rows, cut: there are more" in text
    assert "Further statements" in text


def test_numbers_stand_to_the_right_and_are_told_apart_in_charts_alone() -> None:
    document = sample()
    assert '<td class="number">41250.4</td>' in document
    assert '<td class="number">41,250.40</td>' in document
    assert '<td class="none" title="no value">\N{EN DASH}</td>' in document


def test_text_of_any_direction_and_length_fits() -> None:
    document = sample()
    assert '<td dir="auto">العميل يفضل التوصيل في المساء</td>' in document
    assert "(310 more characters)" in document


def test_without_pictures_there_are_tables_and_how_to_get_pictures() -> None:
    told = 'Drawing charts needs vl-convert-python. Run: pip install "buster-tasks[charts]"'
    page = assert_harmless(html(shop.analysis(), missing=[told]))
    assert f"Charts are shown as tables. {told}" in page.text
    assert not [one for one in page.named("div") if one.get("role") == "img"]
    assert "Jan 2024" in page.text
    some = html(
        shop.analysis(), drawings={"c1": Drawing(SVG, SVG, SVG)}, missing=["No c2.", "No c3."]
    )
    assert "Some charts are shown as tables. No c2. No c3." in Page(some).text


@pytest.mark.parametrize(
    "svg",
    [
        "<svg><script>alert(1)</script></svg>",
        '<svg onload="alert(1)"></svg>',
        '<svg><a href="javascript:x"></a></svg>',
        '<svg><image xlink:href="http://evil.example/x.png"></image></svg>',
        '<svg><rect fill="url(http://evil.example#x)"></rect></svg>',
        "<svg><foreignObject></foreignObject></svg>",
        "<svg><style>@import 'x'</style></svg>",
        "<!DOCTYPE svg><svg></svg>",
        "<p></p>",
    ],
)
def test_a_drawing_that_could_do_anything_is_not_shown(svg: str) -> None:
    drawing = Drawing(SVG, svg, SVG)
    assert svg not in html(shop.analysis(), drawings={"c1": drawing})
    assert_harmless(html(shop.analysis(), drawings={"c1": drawing}))


def test_drawings_keep_their_ids_apart() -> None:
    svg = '<svg><defs><clipPath id="clip0"></clipPath></defs><g clip-path="url(#clip0)"></g></svg>'
    document = html(
        shop.analysis(), drawings={"c1": Drawing(svg, svg, svg), "c2": Drawing(svg, svg, svg)}
    )
    ids = re.findall(r' id="([^"]*clip0)"', document)
    assert len(set(ids)) == len(ids) == 6
    assert sorted(re.findall(r"url\(#([^)]*)\)", document)) == sorted(ids)


def test_of_a_long_chart_the_first_rows_are_in_the_table() -> None:
    rows: list[tuple[object, ...]] = [(n, n) for n in range(150)]
    chart = build(
        ChartRequest(kind="scatter", title="Many", x="a", y=["b"]),
        shop.result_set("r1", "", "", "a b", rows),
        id="c",
    )
    page = Page(html(AnalystResult(status="completed", response="", artifacts=[chart])))
    assert len(page.named("tr")) == 101
    assert "The first 100 of 150 rows." in page.text


def test_an_empty_answer_is_a_page_too() -> None:
    page = assert_harmless(html(AnalystResult(status="refused", response="")))
    assert "Refused" in page.text
    assert "Findings" not in page.text


def test_a_question_back_is_shown() -> None:
    page = Page(sample(clarification="Which year do you mean?"))
    assert "Which year do you mean?" in page.text


def test_what_it_took_is_said() -> None:
    text = Page(sample()).text
    assert "Tokens 48,210 in, 2,904 out, 31,000 of those in from a cache" in text
    assert "Cost 0.1042 USD" in text
    assert "Time 38.2 s" in text
    unknown = shop.metadata().usage.model_copy(update={"cost_usd": None})
    page = Page(html(shop.analysis(), metadata=AnalystMetadata(usage=unknown)))
    assert "Cost unknown" in page.text


def test_a_metric_is_shown_in_its_format_or_as_it_is() -> None:
    text = Page(sample()).text
    assert "651,859.99 EUR" in text
    assert "94.2%" in text
    odd = Metric(
        id="m", name="Odd", source="s", sql="", evidence="e", value="n/a", format="percent"
    )
    assert "n/a" in Page(html(AnalystResult(status="completed", response="", artifacts=[odd]))).text


def test_the_day_is_said_in_its_zone() -> None:
    document = html(shop.analysis(), finished_at=datetime(2025, 3, 9, 8, 5, tzinfo=UTC))
    assert "09 March 2025, 08:05 UTC" in document
