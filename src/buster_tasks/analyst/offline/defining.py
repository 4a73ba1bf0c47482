"""What a question says of its own terms: `ASP = average sale price`, `GPM (gross margin) = (a - b) / b * 100`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

_DEFINED: Final = re.compile(
    r"\b(?P<name>[A-Z][A-Z0-9]{1,7})\b(?:\s*\((?P<long>[^)=]{3,60})\))?\s*(?:=|:=|means|stands for|is defined "
    r"as|is short for)\s*"
    r"(?P<what>[^\n;]+?)(?=\.(?:\s|$)|$|\n|;)"
)
_NOTE: Final = re.compile(
    r"^\s*(?:knowledge|hint|note|notes|evidence|definitions?)\s*:\s*", re.IGNORECASE | re.MULTILINE
)
_OPERATOR: Final = re.compile(r"\s*([*/]|(?<=\s)[-+](?=\s)|[()])\s*")
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")
_MOST_PARTS: Final = 6


@dataclass(slots=True)
class Definitions:
    """Formulas by their names, with their parts, and what else was noted."""

    formulas: dict[str, tuple[str, tuple[str, ...]]] = field(
        default_factory=dict[str, tuple[str, tuple[str, ...]]]
    )
    notes: str = ""


def definitions_of(text: str) -> tuple[str, Definitions]:
    """The question with its acronyms written out, and the definitions that it brings along."""
    question, notes = _parted(text)
    found = Definitions()
    for match in _DEFINED.finditer(f"{question}\n{notes}"):
        name, what = match["name"], match["what"].strip().rstrip(".")
        question = question.replace(match[0], " ")
        formula = _formula(what)
        if formula is None:
            plain = re.split(
                r"\b(?:in|during|for|of) (?:the )?(?:first|second|third|fourth|q\d|\d{4})\b", what
            )[0]
            question = re.sub(rf"\b{re.escape(name)}\b", plain.strip(), question)
        elif (short := _average(formula)) is not None:
            question = re.sub(rf"\b{re.escape(name)}\b", short, question)
        else:
            found.formulas[name] = formula
    found.notes = _DEFINED.sub(" ", notes)
    return question, found


def _parted(text: str) -> tuple[str, str]:
    """The question, and the lines below it, which are notes."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    if not lines:
        return "", ""
    note = _NOTE.search(lines[0])
    question = _NOTE.sub("", lines[0]) if note and len(lines) == 1 else lines[0]
    return question, _NOTE.sub("", "\n".join(lines[1:]))


def _formula(text: str) -> tuple[str, tuple[str, ...]] | None:
    """`{0} / {1} * 100` and its parts; None for what is plain words."""
    if "/" not in text and " - " not in text and "*" not in text and " + " not in text:
        return None
    parts: list[str] = []
    written: list[str] = []
    for piece in _OPERATOR.split(text):
        if not piece.strip():
            continue
        if _OPERATOR.fullmatch(piece) or piece in "()+-*/" or _NUMBER.fullmatch(piece):
            written.append(piece)
            continue
        if piece not in parts:
            parts.append(piece)
        written.append(f"{{{parts.index(piece)}}}")
    whole = " ".join(written)
    if not 0 < len(parts) <= _MOST_PARTS or not _is_sound(whole):
        return None
    return whole, tuple(parts)


def _is_sound(formula: str) -> bool:
    """Whether it reads as arithmetic over its parts."""
    import ast

    try:
        ast.parse(re.sub(r"\{(\d+)\}", r"a\1", formula), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _average(formula: tuple[str, tuple[str, ...]]) -> str | None:
    """`total amount / number of sales` is an average of the amount."""
    text, parts = formula
    if text.replace(" ", "") != "{0}/{1}":
        return None
    top, bottom = parts[0].lower(), parts[1].lower()
    if not top.startswith(("total ", "sum of ")) or not bottom.startswith(
        ("number of ", "total number of ", "count of ")
    ):
        return None
    return f"average {top.removeprefix('total ').removeprefix('sum of ')}"
