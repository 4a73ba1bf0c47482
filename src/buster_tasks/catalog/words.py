"""Names and texts as words, and a question as an expression of SQLite's full-text search.

`order_items`, `orderItems` and `OrderItems` are the words `order items`. Scripts that write no spaces are taken
letter by letter, and looked for as phrases.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

_CHUNK = re.compile(r"[^\W_]+")
_ASCII_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
# Thai to Khmer, kana, Han, Hangul, and the Han of the higher planes
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
    "\U00020000-\U0003ffff]"
)
MOST_WORDS: Final = 16
_WORTH_A_PREFIX = 3


def indexed_text(text: str) -> str:
    """The words of a text for the index, in lower case."""
    if text.isascii():
        return " ".join(_ASCII_PART.findall(text)).lower()
    return " ".join(word for chunk in _chunks(text) for word in chunk)


@lru_cache(maxsize=10_000)
def indexed_words(name: str) -> str:
    """The words of a name that is met often, for the index."""
    return indexed_text(name)


def indexed_name(name: str) -> str:
    """The words of a name for the index, also written as one: `order items orderitems`."""
    words = indexed_words(name)
    return f"{words} {words.replace(' ', '')}" if " " in words else words


def terms_of(question: str) -> list[str]:
    """The parts of a question, each an expression: a word, or a phrase of letters in a script without spaces."""
    found: list[str] = []
    for chunk in _chunks(question):
        if len(chunk) > 1 and all(map(_UNSPACED.fullmatch, chunk)):
            found.append(_quoted(chunk))
        else:
            found.extend(_quoted([word]) for word in chunk)
    return list(dict.fromkeys(found))[:MOST_WORDS]


def beginning_with(term: str) -> str:
    """The term, also met by longer words that begin so; too short a beginning would meet half of the catalog."""
    return f"{term}*" if len(term) - 2 >= _WORTH_A_PREFIX else term


def _quoted(words: Sequence[str]) -> str:
    return f'"{" ".join(words)}"'


def _chunks(text: str) -> Iterator[list[str]]:
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    for chunk in _CHUNK.findall(text):
        parts = _ASCII_PART.findall(chunk) if chunk.isascii() else _parts(chunk)
        yield [part.casefold() for part in parts]


def _parts(chunk: str) -> Iterator[str]:
    """The same as the pattern for ASCII, for all scripts: parted before a capital, round digits, at each Han letter."""
    begin = 0
    for place in range(1, len(chunk)):
        before, here, after = chunk[place - 1], chunk[place], chunk[place + 1 : place + 2]
        if (
            (here.isupper() and (not before.isupper() or after.islower()))
            or (here.isdigit() != before.isdigit())
            or _UNSPACED.match(here)
            or _UNSPACED.match(before)
        ):
            yield chunk[begin:place]
            begin = place
    yield chunk[begin:]
