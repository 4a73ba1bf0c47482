"""Texts of the data in a question: cut out under numbers, and told with the words around them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Final

from buster_tasks.analyst.offline.intent import PLACE, Mention, stems

_QUOTED: Final = re.compile(
    r"(?<!\w)'([^']{1,80})'(?!\w)|\"([^\"]{1,80})\"|\u201c([^\u201d]{1,80})\u201d|\u2018([^\u2019]{1,80})\u2019"
)
_NEAR: Final = 5
_SHORT: Final = 3
_MANNERS: Final = (
    (re.compile(r"\b(?:start|begin)(?:s|ing)? with(?: the)?(?: letters?)?\s*$"), "begins"),
    (re.compile(r"\bend(?:s|ing)? (?:with|in)(?: the)?(?: letters?)?\s*$"), "ends"),
    (re.compile(r"\b(?:contain(?:s|ing)?|includ(?:es|ing)|like)(?: the)?(?: (?:word|text|string|"
    r"letters?))?\s*$"), "contains"),
)  # fmt: skip
_LETTER: Final = re.compile(
    r"\b(?P<before>(?:start|begin|end)(?:s|ing)? (?:with|in)(?: the)?(?: letters?)?) (?!the\b|an?\b|"
    r"letter)(?P<letter>[A-Za-z]{1,3})\b"
)
_NEGATED: Final = re.compile(
    r"(?:\b(?:not|other than|except|excluding|outside(?: of)?|isn't|aren't|weren't|wasn't)(?: in| from| the| "
    r"of)*|\bnon-?)\s*$"
)


class Texts:
    """The texts of one question; in what is read of it each stands as a place with its number."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._quoted: set[int] = set()

    def placed(self, question: str, values: Sequence[str]) -> str:
        """The question in small letters, with places instead of texts of the data."""
        text = PLACE.sub(" ", question)
        text = _LETTER.sub(
            lambda match: f"{match['before']} {self._place(match['letter'], quoted=True)}", text
        )
        text = _QUOTED.sub(
            lambda match: self._place(next(filter(None, match.groups())), quoted=True), text
        )
        for value in sorted(values, key=len, reverse=True):
            exact = len(value) <= 3 and not value.isdigit()
            ending = "(?:e?s)?" if len(value) > _SHORT and value[-1:].isalpha() else ""
            pattern = re.compile(
                rf"(?<![\w\ue000]){re.escape(value)}{ending}(?![\w\ue001])",
                0 if exact else re.IGNORECASE,
            )
            text = pattern.sub(partial(self._known, value), text)
        return re.sub(r"\s+", " ", text.lower()).strip()

    def _known(self, value: str, _match: re.Match[str]) -> str:
        return self._place(value)

    def _place(self, text: str, *, quoted: bool = False) -> str:
        self.texts.append(text)
        if quoted:
            self._quoted.add(len(self.texts) - 1)
        return f"\ue000{len(self.texts) - 1}\ue001"

    def _mention(self, text: str, match: re.Match[str]) -> Mention:
        before, after = text[: match.start()], text[match.end() :]
        manner = next((name for pattern, name in _MANNERS if pattern.search(before)), "equal")
        at = int(match[1])
        follows = (
            manner == "equal"
            and at in self._quoted
            and re.match(r"\s*in (?:its|their|the|a|his|her)\b", after) is not None
        )
        manner = "contains" if follows else manner
        earlier = list(PLACE.finditer(before))
        between = before[earlier[-1].end() :] if earlier else ""
        return Mention(
            self.texts[at] if at < len(self.texts) else "",
            stems(before[earlier[-1].end() if earlier else 0 :])[-_NEAR:],
            stems(PLACE.split(after)[0])[:_NEAR],
            manner,  # type: ignore[arg-type]  # the names above are those of the literal
            is_negated=_NEGATED.search(before) is not None,
            joins=bool(re.search(r"\bor\b", between))
            or (bool(earlier) and between.strip() in (",", "and", ", and", "&")),
            is_quoted=at in self._quoted,
            follows=follows,
        )

    def mentions(self, text: str) -> tuple[Mention, ...]:
        return tuple(self._mention(text, match) for match in PLACE.finditer(text))
