"""A claim with its places filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from buster_tasks.analyst.claims.direction import says_down

_PLACE: Final = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Filled:
    """The text; places that no value has the name of, and values that no place names, both in order."""

    text: str
    unknown: list[str]
    unused: list[str]


def fill(claim: str, texts: Mapping[str, str]) -> Filled:
    """The claim with each `{{name}}` replaced by its text, once: what a text holds is never a place.

    `fell by {{change}}` shows a change of -5% as `fell by 5%`. A place without a value stays as it is.
    """
    pieces: list[str] = []
    unknown: dict[str, None] = {}
    used: set[str] = set()
    end = 0
    for place in _PLACE.finditer(claim):
        pieces.append(claim[end : place.start()])
        name = place[1]
        text = texts.get(name)
        if text is None:
            unknown[name] = None
            pieces.append(place[0])
        else:
            used.add(name)
            pieces.append(_without_sign(text) if says_down(claim[: place.start()]) else text)
        end = place.end()
    pieces.append(claim[end:])
    return Filled("".join(pieces), list(unknown), [name for name in texts if name not in used])


def _without_sign(text: str) -> str:
    return text[1:] if re.match(r"-[$€£¥₹]?\d", text) else text
