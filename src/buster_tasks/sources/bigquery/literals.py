"""The values of options as BigQuery writes them, in its own SQL: `"text"`, `[STRUCT("a", "b")]`, `TIMESTAMP "..."`."""

from __future__ import annotations

import ast
import re

from pydantic import JsonValue

_TEXT = re.compile(
    r"""(?P<raw>[rRbB]{0,2})(?:"{3}(?P<a>(?:\\.|[^\\])*?)"{3}|'{3}(?P<b>(?:\\.|[^\\])*?)'{3}"""
    r"""|"(?P<c>(?:\\.|[^"\\])*)"|'(?P<d>(?:\\.|[^'\\])*)')""",
    re.DOTALL,
)
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_WORD = re.compile(r"[A-Za-z_]+")
_SPACE = re.compile(r"\s*")
_ESCAPE = re.compile(
    r"\\(?:[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)", re.DOTALL
)
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_WORDS: dict[str, JsonValue] = {"TRUE": True, "FALSE": False, "NULL": None}


def value_of(text: str) -> JsonValue:
    """What the text stands for; where it is nothing that is known, the text itself."""
    try:
        value, end = _value(text, _skip(text, 0))
    except (ValueError, IndexError, RecursionError):
        return text
    return value if _skip(text, end) == len(text) else text


def _value(text: str, at: int) -> tuple[JsonValue, int]:
    found = _TEXT.match(text, at)
    if found is not None:
        body = next(one for one in found.group("a", "b", "c", "d") if one is not None)
        return body if "r" in found["raw"].lower() else _ESCAPE.sub(_letter, body), found.end()
    if text[at] in "[(":
        return _several(text, at)
    number = _NUMBER.match(text, at)
    if number is not None:
        return ast.literal_eval(number[0].lstrip("+").lstrip("0") or "0"), number.end()
    return _named(text, at)


def _named(text: str, at: int) -> tuple[JsonValue, int]:
    """TRUE, or a word before a value: STRUCT, TIMESTAMP, DATE, NUMERIC, JSON."""
    word = _WORD.match(text, at)
    if word is None:
        raise ValueError(text)
    if word[0].upper() in _WORDS:
        return _WORDS[word[0].upper()], word.end()
    return _value(text, _skip(text, word.end()))


def _several(text: str, at: int) -> tuple[JsonValue, int]:
    closing, values = {"[": "]", "(": ")"}[text[at]], list[JsonValue]()
    at = _skip(text, at + 1)
    while text[at] != closing:
        value, at = _value(text, at)
        values.append(value)
        at = _skip(text, at)
        if text[at] == ",":
            at = _skip(text, at + 1)
        elif text[at] != closing:
            raise ValueError(text)
    return values, at + 1


def _skip(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return at if space is None else space.end()


def _letter(found: re.Match[str]) -> str:
    escaped = found[0][1:]
    if escaped[0] in "xXuU":
        return chr(int(escaped[1:], 16))
    if len(escaped) == 3:
        return chr(int(escaped, 8))
    return _LETTERS.get(escaped, escaped)
