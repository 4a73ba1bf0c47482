"""Which statements are let through: one alone, that reads as far as its words tell.

Databricks has no session that only reads, so this and the rights of the credentials are all that stands between a
statement and the data. When in doubt it refuses.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from buster_tasks.errors import PermissionDeniedError, QueryFailedError, SourceError
from buster_tasks.sources.databricks.tokens import Token, tokens
from buster_tasks.sources.failures import ONE_SELECT, not_a_read

_QUERY = {"SELECT", "WITH", "VALUES", "TABLE"}
_READING = _QUERY | {"SHOW", "DESCRIBE", "DESC", "EXPLAIN"}
_KINDS_OF_PLAN = {"EXTENDED", "CODEGEN", "COST", "FORMATTED", "ANALYZED"}
_OTHERS = re.compile(
    "ADD|ALTER|ANALYZE|APPLY|BEGIN|CACHE|CALL|CLEAR|CLONE|COMMENT|COMMIT|CONVERT|COPY|CREATE|DECLARE|DELETE|DENY|DROP|"
    "END|EXECUTE|EXPORT|FROM|FSCK|GENERATE|GET|GRANT|IF|IMPORT|INSERT|LIST|LOAD|LOCK|MAP|MERGE|MSCK|OPTIMIZE|PUT|REDUCE|"
    "REFRESH|REMOVE|REORG|REPAIR|REPLACE|RESET|RESTORE|REVOKE|ROLLBACK|SET|START|SYNC|TRUNCATE|UNCACHE|UNDROP|UNLOCK|"
    "UNSET|UPDATE|USE|VACUUM|WHILE|FOR|LOOP|REPEAT|LEAVE|ITERATE"
)
_WRITING = {"INSERT", "UPDATE", "DELETE", "MERGE"}
# Functions that reach out of the data: into the JVM, to other systems, to files, to secrets, to paid models.
_REACHING = {
    "REFLECT", "JAVA_METHOD", "TRY_REFLECT", "HTTP_REQUEST", "REMOTE_QUERY", "READ_FILES", "SECRET", "TRY_SECRET",
    "LIST_SECRETS", "AI_QUERY", "IDENTIFIER", "READ_KAFKA", "READ_KINESIS", "READ_PUBSUB", "READ_PULSAR",
}  # fmt: skip
_FORMATS = {
    "CSV",
    "JSON",
    "TEXT",
    "PARQUET",
    "ORC",
    "AVRO",
    "XML",
    "DELTA",
    "ICEBERG",
    "BINARYFILE",
    "IMAGE",
}
_FIX = f"{ONE_SELECT} Put names that are such words in back-quotes."


def refuse_writes(sql: str) -> None:
    """Raise PermissionDeniedError for a statement that may do more than read, QueryFailedError for none at all."""
    found = list(tokens(sql))
    if any(token.kind == "doubtful" for token in found):
        raise _may_write("where its comments end cannot be told")
    first = next((token for token in found if token.text not in ("(", ";")), None)
    if first is None or any(token.kind == "open" for token in found):
        what = "There is no statement" if first is None else "A text or comment is never closed"
        raise QueryFailedError(f"{what}.", fix=ONE_SELECT)
    if first.word not in _READING:
        raise _refused(first)
    if first.word == "EXPLAIN":
        _refuse_plans(found[found.index(first) + 1 :])
    _refuse_more(found)
    padded = [*found, first, first]
    for at, token in enumerate(found):
        if _acts(found[at - 1] if at else first, token, padded[at + 1], padded[at + 2]):
            raise _may_write(
                f"{token.text[:40]!r} may change something, or reaches out of the data"
            )


def is_query(sql: str) -> bool:
    """Whether a statement that is let through is a query, which can be described."""
    first = next((token for token in tokens(sql) if token.text != "("), None)
    return first is not None and first.word in _QUERY


def _refuse_plans(behind: Sequence[Token]) -> None:
    """EXPLAIN of a query alone."""
    rest = [token for token in behind if token.word not in _KINDS_OF_PLAN and token.text != "("]
    if not rest or rest[0].word not in _QUERY:
        raise _may_write("EXPLAIN is for queries")


def _refuse_more(found: Sequence[Token]) -> None:
    """More than one statement."""
    ended = False
    for token in found:
        if token.text == ";" and token.kind == "sign":
            ended = True
        elif ended:
            raise PermissionDeniedError("One statement is run at a time.", fix=ONE_SELECT)


def _acts(before: Token, token: Token, after: Token, last: Token) -> bool:
    """Whether something is done here: a write behind WITH or FROM, a script, a function that reaches out, a file."""
    if token.depth == 0 and token.word in _WRITING and before.text not in (".", ","):
        return after.kind in ("word", "name")
    if token.word == "USING":
        return after.kind == "text"  # SELECT TRANSFORM(...) USING 'command'
    if token.called in _REACHING:
        return after.text == "("
    if token.called in _FORMATS:
        return (
            after.text == "." and last.kind == "name" and re.search(r"[/:]", last.text) is not None
        )
    return False


def _refused(first: Token) -> SourceError:
    if first.kind == "word" and _OTHERS.fullmatch(first.word) is None:
        return QueryFailedError(
            f"No statement begins with {first.text[:20]!r}.", fix=f"Correct the SQL. {ONE_SELECT}"
        )
    return _may_write(f"the statement begins with {first.text[:20]}")


def _may_write(what: str) -> PermissionDeniedError:
    return not_a_read(what, fix=_FIX)
