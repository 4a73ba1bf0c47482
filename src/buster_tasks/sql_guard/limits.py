"""What is looked at before a statement is parsed: its characters, its length, and how deep its tokens nest."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlglot.tokenizer_core import Token, TokenType

from buster_tasks.sql_guard.verdict import Code, RefusedError

MOST_CHARACTERS = 100_000
MOST_TOKENS = 20_000
# A level costs the parser some 20 of Python's 1,000 frames, and whoever calls has used some of them.
MOST_LEVELS = 24
MOST_PREFIXES = 16
# Each index behind an index costs the parser as much as all those before it.
MOST_INDEXES = 100
MOST_STEPS_BACK = 3_000
"""How often the parser may try again, beside what is usual for the number of tokens."""

_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")
_OPENING = {
    TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE,
}  # fmt: skip
_CLOSING = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.END}
_PREFIXES = {
    TokenType.NOT, TokenType.DASH, TokenType.PLUS, TokenType.TILDE, TokenType.INTERVAL, TokenType.ARROW,
    TokenType.DATE, TokenType.TIMESTAMP, TokenType.TIME, TokenType.SELECT, TokenType.LT,
}  # fmt: skip


def text_of(sql: object) -> str:
    """The statement, if it is a text that a database could be sent. Raises RefusedError."""
    if not isinstance(sql, str):
        raise RefusedError(
            Code.NOT_TEXT, f"The SQL is no text but {type(sql).__name__}.", "Send the SQL as text."
        )
    if len(sql) > MOST_CHARACTERS:
        raise RefusedError(
            Code.TOO_LONG,
            f"The SQL has {len(sql):,} characters, and {MOST_CHARACTERS:,} are the most.",
            "Join or filter in the database, rather than to write long lists of values.",
        )
    if _CONTROL.search(sql) or sql != sql.encode(errors="ignore").decode():
        raise RefusedError(
            Code.NOT_TEXT,
            "A control character, or one that UTF-8 cannot write, is in the SQL.",
            "Leave it out; chr() or its like makes one where it is needed.",
        )
    return sql


def check_nesting(tokens: Sequence[Token]) -> None:
    """Raise RefusedError for what would nest deeper than the parser goes."""
    if len(tokens) > MOST_TOKENS:
        raise RefusedError(
            Code.TOO_LONG,
            f"The SQL has {len(tokens):,} words and signs, and {MOST_TOKENS:,} are the most.",
            "Join or filter in the database, rather than to write long lists of values.",
        )
    level = prefixes = indexes = 0
    before: TokenType | None = None
    for token in tokens:
        kind = token.token_type
        indexes += before == TokenType.R_BRACKET and kind == TokenType.L_BRACKET
        before = kind
        level += (kind in _OPENING) - (kind in _CLOSING)
        prefixes = prefixes + 1 if kind in _PREFIXES else 0
        if level > MOST_LEVELS or prefixes > MOST_PREFIXES or indexes > MOST_INDEXES:
            raise too_deep()


def too_deep() -> RefusedError:
    """For what nests too deep, or can be read in too many ways."""
    return RefusedError(
        Code.TOO_DEEP,
        "The SQL nests too deep, or its brackets can be read in too many ways.",
        "Write the inner queries as WITH clauses, and leave out brackets that are not needed.",
    )
