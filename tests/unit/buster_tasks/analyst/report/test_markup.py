"""HTML that escapes by default."""

import pytest

from buster_tasks.analyst.report.markup import element, join, verbatim


def test_text_is_escaped_and_markup_is_not() -> None:
    inner = element("b", "<script>")
    assert element("p", "a & b", inner, None, ["c", 1234]) == (
        "<p>a &amp; b<b>&lt;script&gt;</b>c1,234</p>"
    )
    assert join("<i>") == "&lt;i&gt;"
    assert join(verbatim("<i>")) == "<i>"


def test_attributes_are_escaped_and_named_as_in_html() -> None:
    made = element(
        "td", class_="n", aria_label='"><img onerror=x>', hidden=True, title=None, open=False
    )
    assert made == '<td class="n" aria-label="&quot;&gt;&lt;img onerror=x&gt;" hidden></td>'


def test_empty_elements_are_not_closed() -> None:
    assert element("meta", name="a", content="b") == '<meta name="a" content="b">'


def test_what_nobody_sees_is_left_out() -> None:
    assert element("p", "a\u202eb\u200bc\x00d") == "<p>abcd</p>"


@pytest.mark.parametrize("name", ["p onload=x", "<p>", "", "P"])
def test_only_names_of_html_are_elements(name: str) -> None:
    with pytest.raises(ValueError, match="no name of an element"):
        element(name)


@pytest.mark.parametrize("name", ["onclick", "a b", "x>"])
def test_nothing_that_runs_is_an_attribute(name: str) -> None:
    with pytest.raises(ValueError, match="no attribute"):
        element("p", **{name: "x"})
