"""Which statements are let through to the server: those that read, as far as their first word tells.

The server has the last word: sessions and transactions are read only, and it takes one statement at a time. What a
read-only transaction does not stop is refused here: SET, FLUSH, KILL, CALL and the like, and files on the server.
"""

from __future__ import annotations

import re

from buster_tasks.errors import QueryFailedError, SourceError
from buster_tasks.sources.failures import not_a_read

_SKIPPED = re.compile(
    r"(?:\s+|/\*(?!M?!).*?\*/|(?:--(?=[\s\x00-\x1f]|$)|#)[^\n]*(?:\n|$)|\()*", re.DOTALL
)
_WORD = re.compile(r"[A-Za-z_]*")
_READING = {"SELECT", "WITH", "TABLE", "VALUES", "SHOW", "EXPLAIN", "DESCRIBE", "DESC"}
_OTHERS = re.compile(
    "ALTER|ANALYZE|BACKUP|BEGIN|BINLOG|CACHE|CALL|CHANGE|CHECK|CHECKSUM|CLONE|COMMIT|CREATE|DEALLOCATE|DELETE|DO|DROP|"
    "EXECUTE|FLUSH|GET|GRANT|HANDLER|HELP|IMPORT|INSERT|INSTALL|KILL|LOAD|LOCK|OPTIMIZE|PREPARE|PURGE|RELEASE|RENAME|"
    "REPAIR|REPLACE|RESET|RESIGNAL|RESTART|REVOKE|ROLLBACK|SAVEPOINT|SET|SHUTDOWN|SIGNAL|START|STOP|TRUNCATE|"
    "UNINSTALL|UNLOCK|UPDATE|USE|XA"
)
# Both are reserved words; inside a string they are refused too, rather than to guess where strings end.
_FILE = re.compile(r"\b(OUTFILE|DUMPFILE)\b", re.IGNORECASE)


def refuse_writes(sql: str) -> None:
    """Raise PermissionDeniedError for a statement that may do more than read, QueryFailedError for none at all."""
    start = _SKIPPED.match(sql)
    begin = start.end() if start is not None else 0
    match = _WORD.match(sql, begin)
    word = match[0] if match is not None else ""
    if word and word.upper() not in _READING:
        raise _refused(word.upper())
    if not word and begin < len(sql):
        raise not_a_read(
            f"the statement begins with {sql[begin : begin + 3]!r}",
            fix="Send one SELECT statement, without /*! comments at its start.",
        )
    if _FILE.search(sql):
        raise not_a_read(
            "the statement would write a file on the server",
            fix="Leave OUTFILE and DUMPFILE out, also as a part of texts.",
        )


def _refused(word: str) -> SourceError:
    if _OTHERS.fullmatch(word) is None:
        return QueryFailedError(
            f"No statement begins with {word[:20]!r}.",
            fix="Correct the SQL: send one SELECT statement.",
        )
    return not_a_read(f"the statement begins with {word}")
