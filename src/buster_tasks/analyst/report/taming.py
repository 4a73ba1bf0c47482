"""Text of others inside of a Markdown document: it reads as it did, and does nothing."""

from __future__ import annotations

import re
from typing import Final

from buster_tasks.analyst.quoting import seen

_SPECIAL: Final = re.compile(r"[\\`*\[\]<>|~&$]|(?<!\w)_|_(?!\w)")
_ACTIVE: Final = re.compile(r"[\[\]<>]|&(?=#|\w)")
_AUTOLINK: Final = re.compile(r"(?<=:)//|(?<=www)\.", re.IGNORECASE)
_LINE_START: Final = re.compile(
    r"^(\s*)([-+=#>]|~{3}|\*(?=\s)|[*_](?=[*_\s]*\Z)|\d+(?=[.)](?:\s|\Z)))"
)
_FENCE: Final = re.compile(r"(`{3,})[^`]*\Z")
# an escape, a stretch of code on one line, or text
_PIECE: Final = re.compile(r"\\.|(?<!`)(`+)(?!`)(?P<code>.+?)(?<!`)\1(?!`)|`+|\\\Z|[^`\\]+")


def literal(text: str) -> str:
    """The text on one line, none of its characters read as Markdown, HTML or a link."""
    line = " ".join(seen(text).split())
    line = _SPECIAL.sub(_escaped, line)
    line = _AUTOLINK.sub(_escaped, line)
    return _LINE_START.sub(_at_start, line)


def phrase(markdown: str) -> str:
    """One line of others' Markdown, its emphasis and code kept, to stand anywhere in a line but in a table."""
    line = " ".join(seen(markdown).split())
    return _LINE_START.sub(_at_start, _tame_line(line))


def tamed(markdown: str) -> str:
    """Markdown of others without links, pictures and HTML: these are shown as what was typed.

    What is read as code is left as it is; where it is in doubt whether something is code, it is not.
    """
    lines: list[str] = []
    fence = ""
    for line in seen(markdown).splitlines():
        opened = _FENCE.match(line)
        if fence:
            lines.append(line)
            if re.fullmatch(rf" {{0,3}}{fence}`*[ \t]*", line):
                fence = ""
        elif opened:
            fence = opened[1]
            lines.append(line)
        else:
            lines.append(_tame_line(line))
    if fence:
        lines.append(fence)
    return "\n".join(lines)


def fenced(code: str, language: str) -> str:
    """The code between fences that nothing in it can close."""
    longest = max((len(run) for run in re.findall(r"`+", code)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{seen(code)}\n{fence}"


def _tame_line(line: str) -> str:
    return "".join(_tame_piece(piece) for piece in _PIECE.finditer(line))


def _tame_piece(piece: re.Match[str]) -> str:
    text = piece[0]
    if piece["code"] is not None or text.startswith("\\"):
        return text
    if text.startswith("`"):
        # it would open code that ends on another line
        return "\\`" * len(text)
    return _AUTOLINK.sub(_escaped, _ACTIVE.sub(_escaped, text))


def _escaped(found: re.Match[str]) -> str:
    return "".join("&amp;" if one == "&" else f"\\{one}" for one in found[0])


def _at_start(found: re.Match[str]) -> str:
    return f"{found[1]}\\{found[2]}" if not found[2].isdigit() else f"{found[1]}{found[2]}\\"
