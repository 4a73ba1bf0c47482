"""What the guard says of a statement: `Allowed` with the text to run, or `Refused` with why and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    """Why a statement is refused, for programs; the names stay what they are."""

    NOT_TEXT = "NOT_TEXT"
    TOO_LONG = "TOO_LONG"
    TOO_DEEP = "TOO_DEEP"
    EMPTY = "EMPTY"
    NOT_PARSED = "NOT_PARSED"
    SEVERAL_STATEMENTS = "SEVERAL_STATEMENTS"
    NOT_A_READ = "NOT_A_READ"
    SYNTAX_NOT_ALLOWED = "SYNTAX_NOT_ALLOWED"
    VARIABLE_NOT_ALLOWED = "VARIABLE_NOT_ALLOWED"
    HINT_NOT_ALLOWED = "HINT_NOT_ALLOWED"
    FUNCTION_NOT_ALLOWED = "FUNCTION_NOT_ALLOWED"
    RELATION_NOT_ALLOWED = "RELATION_NOT_ALLOWED"
    TOO_MUCH = "TOO_MUCH"
    NOT_STABLE = "NOT_STABLE"


@dataclass(frozen=True, slots=True)
class Allowed:
    """The statement only reads; `sql` is what may be run, written anew without comments. Run it and not the input."""

    sql: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The statement must not run: `reason` says why, `fix` what to write instead, `code` is for programs."""

    reason: str
    fix: str
    code: Code


class RefusedError(Exception):
    """Carries a refusal from the place that finds it to the door; never leaves the guard."""

    def __init__(self, code: Code, reason: str, fix: str) -> None:
        super().__init__(reason)
        self.refused = Refused(reason, fix, code)
