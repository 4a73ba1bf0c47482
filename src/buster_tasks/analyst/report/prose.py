"""A model's Markdown on a page: paragraphs, lists, emphasis, code. Links and pictures stay the text that they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Final

from buster_tasks.analyst.report.markup import Markup, element, join

_FENCE: Final = re.compile(r"```[^`]*\Z")
_HEADING: Final = re.compile(r" {0,3}#{1,6}\s+(.*)")
_BULLET: Final = re.compile(r" {0,3}[-*+]\s+(.*)")
_NUMBERED: Final = re.compile(r" {0,3}\d{1,9}[.)]\s+(.*)")
_INLINE: Final = re.compile(
    r"(?P<code>`[^`\n]+`)"
    r"|(?P<strong>\*\*(?=\S)[^*\n]+\*\*)"
    r"|(?P<em>\*(?=\S)[^*\n]+\*|(?<!\w)_(?=\S)[^_\n]+_(?!\w))"
)


def prose(markdown: str) -> Markup:
    """The text as HTML. Whatever it holds, it brings no link, no picture, and no markup of its own."""
    return join(_blocks(markdown.splitlines()))


def _blocks(lines: list[str]) -> Iterator[Markup]:
    at = 0
    while at < len(lines):
        if _FENCE.match(lines[at]):
            end = next(
                (n for n in range(at + 1, len(lines)) if lines[n].strip() == "```"), len(lines)
            )
            yield element("pre", element("code", "\n".join(lines[at + 1 : end])))
            at = end + 1
            continue
        end = next((n for n in range(at, len(lines)) if _FENCE.match(lines[n])), len(lines))
        for kind, group in groupby(lines[at:end], _kind):
            yield from _block(kind, list(group))
        at = end


def _kind(line: str) -> str:
    if not line.strip():
        return ""
    for kind, pattern in (("h3", _HEADING), ("ul", _BULLET), ("ol", _NUMBERED)):
        if pattern.match(line):
            return kind
    return "p"


def _block(kind: str, lines: list[str]) -> Iterator[Markup]:
    match kind:
        case "":
            return
        case "h3":
            yield from (
                element("h3", inline(_HEADING.sub(r"\1", line)), dir="auto") for line in lines
            )
        case "ul" | "ol":
            pattern = _BULLET if kind == "ul" else _NUMBERED
            items = [element("li", inline(pattern.sub(r"\1", line)), dir="auto") for line in lines]
            yield element(kind, items)
        case _:
            yield element("p", inline("\n".join(lines)), dir="auto")


def inline(text: str) -> Markup:
    """A stretch of text with its code and emphasis."""
    parts: list[str] = []
    end = 0
    for found in _INLINE.finditer(text):
        parts.append(text[end : found.start()])
        inner = found[0]
        match found.lastgroup:
            case "code":
                parts.append(element("code", inner[1:-1]))
            case "strong":
                parts.append(element("strong", inner[2:-2]))
            case _:
                parts.append(element("em", inner[1:-1]))
        end = found.end()
    return join([*parts, text[end:]])
