"""A statement of Databricks' SQL as a row of tokens, as far as one must tell texts and comments from the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple, get_args

Kind = Literal["word", "name", "text", "sign", "open", "doubtful"]
_KINDS: dict[str, Kind] = {kind: kind for kind in get_args(Kind)}

# What server and reader could see the ends of differently is doubtful: a comment in a comment, a backslash at the end
# of one, and quotes in a hint.
_TOKEN = re.compile(
    r"""
      (?P<doubtful> --[^\n]*\\\r?\n | /\*(?:(?!\*/).)*?/\* | /\*\+(?:(?!\*/).)*?['"`] )
    | (?P<skip> \s+ | --[^\r\n]* | /\*.*?\*/ )
    | (?P<text> (?<![\w])[rR](?:'[^']*'|"[^"]*") | '(?:[^'\\]|\\.)*' | "(?:[^"\\]|\\.)*" )
    | (?P<name> `(?:[^`]|``)*` )
    | (?P<word> [^\W\d]\w* )
    | (?P<open> ['"`] | /\* )
    | (?P<sign> \|> | . )
    """,
    re.DOTALL | re.VERBOSE,
)


class Token(NamedTuple):
    """A part of a statement: a bare word, a quoted name, a text, a sign, or the begin of what is never closed."""

    kind: Kind
    text: str
    depth: int

    @property
    def word(self) -> str:
        """The bare word in capitals, empty for what is none."""
        return self.text.upper() if self.kind == "word" else ""

    @property
    def called(self) -> str:
        """The name in capitals, quoted or not, empty for what is none."""
        return self.text.strip("`").upper() if self.kind in ("word", "name") else ""


def tokens(sql: str) -> Iterator[Token]:
    """The statement's tokens without blanks and comments, each with the number of parentheses around it."""
    depth = 0
    for found in _TOKEN.finditer(sql):
        kind = _KINDS.get(found.lastgroup or "")
        if kind is not None:
            depth -= found[0] == ")"
            yield Token(kind, found[0], depth)
            depth += found[0] == "("
