"""Which statements are let through: one alone, that reads as far as its words tell.

Snowflake has no session that only reads, and its drivers do not tell a statement's type before it has run, so this
and the role of the credentials are all that stands between a statement and the data. When in doubt it refuses.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from buster_tasks.errors import PermissionDeniedError, QueryFailedError, SourceError
from buster_tasks.sources.failures import ONE_SELECT, not_a_read
from buster_tasks.sources.snowflake.tokens import Token, tokens

_READING = {"SELECT", "WITH", "VALUES", "SHOW", "EXPLAIN", "DESCRIBE", "DESC"}
_OTHERS = re.compile(
    "ALTER|BEGIN|CALL|COMMENT|COMMIT|COPY|CREATE|DECLARE|DELETE|DROP|EXECUTE|GET|GRANT|INSERT|LET|LIST|LS|MERGE|PUT|"
    "REMOVE|REVOKE|RM|ROLLBACK|SAVEPOINT|SET|START|TRUNCATE|UNDROP|UNSET|UPDATE|USE|ANALYZE|REFRESH|REPLACE|RENAME|"
    "RETURN|FOR|WHILE|IF|LOOP|REPEAT|CASE|FETCH|OPEN|CLOSE|RAISE|DO|END|ABORT|KILL|LOAD|UNLOAD|VACUUM|LOCK|ATTACH|"
    "DETACH|PRAGMA|INSTALL|CHECKPOINT|EXPORT|IMPORT|RESET|FROM"
)
_SYSTEM = "SYSTEM$"
_LOOKING = {
    "SYSTEM$CLUSTERING_DEPTH", "SYSTEM$CLUSTERING_INFORMATION", "SYSTEM$CLUSTERING_RATIO",
    "SYSTEM$ALLOWLIST", "SYSTEM$EXPLAIN_PLAN_JSON", "SYSTEM$GET_TAG", "SYSTEM$LAST_CHANGE_COMMIT_TIME", "SYSTEM$TYPEOF",
}  # fmt: skip


def refuse_writes(sql: str) -> None:
    """Raise PermissionDeniedError for a statement that may do more than read, QueryFailedError for none at all."""
    found = list(tokens(sql))
    first = next((token for token in found if token.text not in ("(", ";")), None)
    if first is None or any(token.kind == "open" for token in found):
        what = "There is no statement" if first is None else "A text or comment is never closed"
        raise QueryFailedError(f"{what}.", fix=ONE_SELECT)
    if first.kind != "word" or first.word not in _READING:
        raise _refused(first)
    _refuse_more(found)
    for before, token, after in zip([first, *found], found, [*found[1:], first], strict=False):
        if _acts(before, token, after):
            raise not_a_read(f"{token.text[:40]!r} may change something")


def _refuse_more(found: Sequence[Token]) -> None:
    """More than one statement: behind a semicolon, or piped into the next."""
    ended = False
    for token in found:
        if token.text == "->>" and token.kind == "sign":
            raise not_a_read("->> leads into another statement")
        if token.text == ";" and token.kind == "sign":
            ended = True
        elif ended:
            raise PermissionDeniedError("One statement is run at a time.", fix=ONE_SELECT)


def _acts(before: Token, token: Token, after: Token) -> bool:
    """Whether a reading statement does something here: a system function, a sequence, a procedure made on the spot."""
    name = token.text.strip("\"'").upper()
    if token.kind in ("word", "name") and name.startswith(_SYSTEM):
        return name not in _LOOKING
    if token.kind == "text" and _SYSTEM in name:
        return before.text == "("  # IDENTIFIER('...') makes a function of a text
    if name == "NEXTVAL":
        return before.text == "."
    if name == "GETNEXTVAL":
        return after.text == "("
    return token.word == "PROCEDURE" and before.word == "AS"


def _refused(first: Token) -> SourceError:
    if first.kind == "word" and _OTHERS.fullmatch(first.word) is None:
        return QueryFailedError(
            f"No statement begins with {first.text[:20]!r}.", fix=f"Correct the SQL. {ONE_SELECT}"
        )
    return not_a_read(f"the statement begins with {first.text[:20]}")
