"""Which statements are let through: those that read, as far as their first word tells.

BigQuery has the last word: a dry run, which carries nothing out, must call the statement one SELECT.
"""

from __future__ import annotations

import re

from buster_tasks.errors import QueryFailedError, SourceError
from buster_tasks.sources.failures import ONE_SELECT, not_a_read

READING = "SELECT"
"""What BigQuery calls a statement that only reads, also one that begins with WITH, FROM or a parenthesis."""

_SKIPPED = re.compile(r"(?:\s+|/\*.*?\*/|(?:--|#)[^\n]*(?:\n|$)|\()*", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_]*")
_OTHERS = re.compile(
    "ALTER|ANALYZE|ASSERT|BEGIN|BREAK|CALL|CASE|CLONE|COMMIT|CONTINUE|CREATE|DECLARE|DEFINE|DELETE|DROP|EXECUTE|EXPLAIN|"
    "EXPORT|FOR|GRANT|IF|IMPORT|INSERT|ITERATE|LEAVE|LOAD|LOOP|MERGE|MODULE|RAISE|RENAME|REPEAT|RETURN|REVOKE|ROLLBACK|"
    "SET|START|TRUNCATE|UNDROP|UPDATE|WHILE"
)


def refuse_writes(sql: str) -> None:
    """Raise PermissionDeniedError for a statement that begins as one that does more than read."""
    start = _SKIPPED.match(sql)
    word = _WORD.match(sql, start.end() if start is not None else 0)
    if word is not None and _OTHERS.fullmatch(word[0].upper()) is not None:
        raise _refused(word[0].upper())


def refuse_all_but_reading(kind: str | None) -> None:
    """Raise unless BigQuery calls the statement one SELECT: several are a SCRIPT, and none has no kind."""
    if kind is None:
        raise QueryFailedError("There is no statement.", fix=ONE_SELECT)
    if kind != READING:
        raise _refused(kind)


def _refused(kind: str) -> SourceError:
    what = "several statements, or a script" if kind == "SCRIPT" else kind
    return not_a_read(f"this is {what}")
