"""A model's Markdown on a page."""

import pytest

from buster_tasks.analyst.report.prose import inline, prose


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("one\ntwo\n\nthree", '<p dir="auto">one\ntwo</p><p dir="auto">three</p>'),
        ("# Big\ntext", '<h3 dir="auto">Big</h3><p dir="auto">text</p>'),
        ("- a\n- b", '<ul><li dir="auto">a</li><li dir="auto">b</li></ul>'),
        ("1. a\n2) b", '<ol><li dir="auto">a</li><li dir="auto">b</li></ol>'),
        (
            "```sql\nSELECT '<x>'\n```\nafter",
            '<pre><code>SELECT &#x27;&lt;x&gt;&#x27;</code></pre><p dir="auto">after</p>',
        ),
        ("```\nnever closed", "<pre><code>never closed</code></pre>"),
        ("", ""),
    ],
)
def test_blocks(markdown: str, html: str) -> None:
    assert prose(markdown) == html


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("**b** and *i* and _i_", "<strong>b</strong> and <em>i</em> and <em>i</em>"),
        ("`a*b*`", "<code>a*b*</code>"),
        ("snake_case_name stays", "snake_case_name stays"),
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("[a](http://evil.example)", "[a](http://evil.example)"),
        ("![a](javascript:x)", "![a](javascript:x)"),
        ("<img src=x onerror=y>", "&lt;img src=x onerror=y&gt;"),
        ("**<b>**", "<strong>&lt;b&gt;</strong>"),
        ("`<script>`", "<code>&lt;script&gt;</code>"),
    ],
)
def test_stretches(markdown: str, html: str) -> None:
    assert inline(markdown) == html


def test_a_long_hostile_line_takes_no_time() -> None:
    assert len(inline("*_`" * 30_000)) >= 90_000
