"""Text of others in Markdown, held against a real parser of it."""

from itertools import product

import pytest
from hypothesis import given, strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from buster_tasks.analyst.report.taming import fenced, literal, phrase, tamed

ACTIVE = {"link_open", "image", "html_inline", "html_block"}
HOSTILE = [
    "[a](http://evil.example)",
    "![a](http://evil.example/p.png)",
    "<img src=x onerror=alert(1)>",
    "<http://evil.example>",
    "[a]: http://evil.example",
    "[a]",
    "http://evil.example",
    "`",
    "``",
    "```",
    "~~~",
    "\\",
    "\n",
    "\n\n",
    "> ",
    "- ",
    "    ",
    "#",
    "|",
    "&lt;",
    "&#91;",
    "**",
    "_",
    "*",
    "x",
    " ",
]

parser = MarkdownIt("commonmark")


def kinds(markdown: str) -> set[str]:
    found: set[str] = set()
    tokens: list[Token] = list(parser.parse(markdown))
    while tokens:
        token = tokens.pop()
        found.add(token.type)
        tokens += token.children or []
    return found


def text_of(markdown: str) -> str:
    """What is read of it."""
    return "".join(
        child.content
        for token in parser.parse(markdown)
        for child in token.children or []
        if child.type in {"text", "text_special", "code_inline"}
    )


pieces = st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=4)), max_size=12).map(
    "".join
)


@given(pieces)
def test_tamed_markdown_has_no_link_no_picture_and_no_html(markdown: str) -> None:
    assert not kinds(tamed(markdown)) & ACTIVE


def test_code_that_is_none_hides_no_link() -> None:
    parts = ["[a](http://e.x)", "`", "``", "```", "\\", " ", "x", "~~~", "\n"]
    for markdown in map("".join, product(parts, repeat=4)):
        assert not kinds(f"- {phrase(markdown)}") & ACTIVE
        assert not kinds(tamed(markdown)) & ACTIVE


@given(pieces)
def test_a_phrase_is_one_line_that_begins_nothing(markdown: str) -> None:
    found = kinds(f"- {phrase(markdown)}")
    assert not found & ACTIVE
    assert not found & {
        "fence",
        "code_block",
        "heading_open",
        "blockquote_open",
        "ordered_list_open",
        "hr",
    }


@given(pieces)
def test_literal_text_reads_as_it_is(text: str) -> None:
    made = literal(text)
    assert kinds(f"a {made} b") <= {
        "paragraph_open",
        "paragraph_close",
        "inline",
        "text",
        "text_special",
    }
    assert text_of(f"a {made} b").split() == f"a {literal_input(text)} b".split()


def literal_input(text: str) -> str:
    from buster_tasks.analyst.quoting import seen

    return " ".join(seen(text).split())


@given(st.text(alphabet="`~a\n ", max_size=30))
def test_nothing_closes_the_fence_but_its_own(code: str) -> None:
    tokens = [token.type for token in parser.parse(fenced(code, "sql"))]
    assert tokens == ["fence"]


def test_what_is_plain_stays_as_it_is() -> None:
    plain = "Revenue **rose** by `12 %`:\n\n- DE, 1,234.50\n- FR (-3.5)\n\n```sql\nSELECT a[1] FROM t\n```"
    assert tamed(plain) == plain
    assert literal("Revenue rose by 94.2% (a_b), 3.") == "Revenue rose by 94.2% (a_b), 3."


def test_code_keeps_its_signs() -> None:
    assert tamed("`a[0]` [b](c)") == "`a[0]` \\[b\\](c)"


def test_plain_addresses_are_not_made_links() -> None:
    assert tamed("see http://evil.example and www.evil.example") == (
        "see http:\\/\\/evil.example and www\\.evil.example"
    )


def test_cells_do_not_break_a_table() -> None:
    assert literal("a | b\nc") == "a \\| b c"


@pytest.mark.parametrize(
    "text", ["# a", "- a", "1. a", "> a", "```a", "~~~a", "=== ", "****", "* a", "_ _ _"]
)
def test_a_line_of_others_never_begins_a_block(text: str) -> None:
    for made in (literal(text), phrase(text)):
        assert kinds(made) <= {
            "paragraph_open",
            "paragraph_close",
            "inline",
            "text",
            "text_special",
        }
