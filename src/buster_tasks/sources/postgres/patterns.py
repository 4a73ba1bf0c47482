"""Filters as conditions of SQL whose values are bound: PostgreSQL then reads only what is kept."""

from __future__ import annotations

import re
from collections.abc import Sequence

_GLOB = re.compile(r"[*?\[]")


def condition(prefix: str, spellings: Sequence[str]) -> str:
    """SQL that is true where one of the spellings (expressions of type text) is, or matches, one of the patterns.

    Its parameters are those of `parameters` for the same prefix.
    """
    tests = [
        f"{spelling} = ANY (%({prefix}_names)s::text[]) OR {spelling} ~ ANY (%({prefix}_globs)s::text[])"
        for spelling in spellings
    ]
    return f"({' OR '.join(tests)})"


def parameters(prefix: str, patterns: Sequence[str]) -> dict[str, object]:
    """What `condition` needs for these patterns."""
    globs = [regular_expression(pattern) for pattern in patterns if _GLOB.search(pattern)]
    return {
        f"{prefix}_names": [pattern for pattern in patterns if "\0" not in pattern],
        f"{prefix}_globs": [glob for glob in globs if glob is not None],
    }


def regular_expression(glob: str) -> str | None:
    """A glob, as `fnmatch` understands it, as one of PostgreSQL's regular expressions; None if nothing can match it."""
    if "\0" in glob:
        return None
    parts: list[str] = []
    at = 0
    while at < len(glob):
        letter, at = glob[at], at + 1
        if letter == "*":
            parts.append(".*")
        elif letter == "?":
            parts.append(".")
        elif letter == "[" and (end := _end_of_set(glob, at)) is not None:
            letters = _set(glob[at:end])
            if letters is None:
                return None
            parts.append(letters)
            at = end + 1
        else:
            parts.append(_escaped(letter))
    return f"^{''.join(parts)}$"


def _end_of_set(glob: str, start: int) -> int | None:
    """Where the `]` of a set is; one that comes first belongs to the set."""
    first = start + 1 if glob[start : start + 1] == "!" else start
    end = glob.find("]", first + 1)
    return None if end < 0 else end


def _set(text: str) -> str | None:
    """A set as a bracket expression; None for one that holds no letter at all."""
    negated = text.startswith("!")
    letters = text[1:] if negated else text
    ranges: list[str] = []
    at = 0
    while at < len(letters):
        first = last = letters[at]
        if letters[at + 1 : at + 2] == "-" and at + 2 < len(letters):
            last = letters[at + 2]
            at += 2
        at += 1
        if first <= last:
            ranges.append(f"{_code(first)}-{_code(last)}")
    if not ranges:
        return "." if negated else None
    return f"[{'^' if negated else ''}{''.join(ranges)}]"


def _escaped(letter: str) -> str:
    return letter if letter.isalnum() or letter == "_" else _code(letter)


def _code(letter: str) -> str:
    return f"\\U{ord(letter):08X}"
