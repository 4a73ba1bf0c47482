"""A statement of Snowflake's SQL as a row of tokens, as far as one must tell texts and comments from the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

Kind = Literal["word", "name", "text", "sign", "open"]

_TOKEN = re.compile(
    r"""
      (?P<skip> \s+ | (?:--|//)[^\n]*(?:\n|$) | /\*.*?\*/ )
    | (?P<text> '(?:[^'\\]|\\.|'')*' | \$\$.*?\$\$ )
    | (?P<name> "(?:[^"]|"")*" )
    | (?P<word> [^\W\d][\w$]* )
    | (?P<open> ['"] | \$\$ | /\* )
    | (?P<sign> ->> | . )
    """,
    re.DOTALL | re.VERBOSE,
)


_KINDS: dict[str, Kind] = {
    "word": "word", "name": "name", "text": "text", "sign": "sign", "open": "open",
}  # fmt: skip


class Token(NamedTuple):
    """A part of a statement: a bare word, a quoted name, a text, one sign, or the begin of what is never closed."""

    kind: Kind
    text: str
    end: int

    @property
    def word(self) -> str:
        """The bare word in capitals, empty for what is none."""
        return self.text.upper() if self.kind == "word" else ""


def tokens(sql: str) -> Iterator[Token]:
    """The statement's tokens without blanks and comments."""
    for found in _TOKEN.finditer(sql):
        kind = _KINDS.get(found.lastgroup or "")
        if kind is not None:
            yield Token(kind, found[0], found.end())


def query_of_view(sql: str) -> str:
    """The query in the text of a CREATE VIEW: what stands behind its AS; the whole text where there is none."""
    depth, seen = 0, False
    for token in tokens(sql):
        depth += (token.text == "(") - (token.text == ")") if token.kind == "sign" else 0
        seen = seen or token.word == "VIEW"
        if seen and depth == 0 and token.word == "AS":
            return sql[token.end :].strip().removesuffix(";").rstrip()
    return sql.strip()
