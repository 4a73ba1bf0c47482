"""Both forms of a report, made of one analysis."""

import sys

import pytest
from markdown_it import MarkdownIt

from buster_tasks.analyst.findings import Check, Finding
from buster_tasks.analyst.models import AnalystResult
from buster_tasks.analyst.report import markdown, report_of
from tests.doubles import shop_analysis as shop


@pytest.mark.anyio
@pytest.mark.timeout(120)
async def test_a_report_has_pictures_and_text() -> None:
    report = await report_of(shop.analysis(), shop.QUESTION, metadata=shop.metadata())
    assert report.html.count('role="img"') == 3
    assert report.html.count("<svg aria-hidden") == 9
    assert "Charts are shown as tables" not in report.html
    assert report.markdown.startswith("# How did revenue develop in 2024")


@pytest.mark.anyio
async def test_a_report_without_the_extra_has_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    report = await report_of(shop.analysis(), shop.QUESTION)
    assert 'role="img"' not in report.html
    assert "pip install &quot;buster-tasks[charts]&quot;" in report.html


def test_the_markdown_has_all_parts() -> None:
    text = markdown(
        shop.analysis(), shop.QUESTION, metadata=shop.metadata(), finished_at=shop.FINISHED_AT
    )
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert headings == [
        "## Metrics",
        "## Revenue 2024",
        "## Charts",
        "## Findings",
        "## Warnings",
        "## Assumptions",
        "## Plan",
        "## Statements",
        "## Work",
    ]
    assert "| Orders | 7,615 | 2024 | 1 |" in text
    assert "### Revenue rose from **41,250.40 EUR** in January to **80,120.30 EUR**" in text
    assert "**Contradicted.** The data says something else. Statement 3." in text
    assert "- [ ] Do returns change the picture?" in text
    assert "Source shop, 2 rows, cut: there are more" in text


def test_hostile_texts_do_nothing_in_markdown() -> None:
    bad = "[a](http://evil.example) <img src=x> ![b](javascript:x)\n# c"
    result = AnalystResult(
        status="completed",
        response=bad,
        findings=[
            Finding(
                id="f",
                claim=bad,
                text=bad,
                checks=[Check(code="c", severity="info", message=bad)],
            )
        ],
        assumptions=[bad],
        used_data_sources=[bad],
    )
    tokens = MarkdownIt("commonmark").parse(markdown(result, bad))
    kinds = {child.type for token in tokens for child in token.children or []}
    kinds |= {token.type for token in tokens}
    assert not kinds & {"link_open", "image", "html_inline", "html_block"}
