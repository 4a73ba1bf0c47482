"""Which statements are let through: one that reads, as its words tell.

Transactions are begun READ ONLY and rolled back, and the protocol takes one statement at a time; but some statements
end the transaction that they are in (TRUNCATE, COMMIT), and others reach out of the database (UNLOAD). So this looks at
the words outside of texts, quoted names and comments. A backslash in a text escapes on Redshift and not elsewhere; a
statement has to pass both ways.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from buster_tasks.errors import QueryFailedError, SourceError
from buster_tasks.sources.comments import end_of_comment
from buster_tasks.sources.failures import ONE_SELECT, no_query, not_a_read, several_statements

_READING = frozenset({"SELECT", "WITH", "SHOW", "EXPLAIN", "VALUES", "TABLE", "DESC", "DESCRIBE"})
_OTHERS = re.compile(
    "ABORT|ALTER|ANALYSE|ANALYZE|ATTACH|BEGIN|CALL|CANCEL|CLOSE|CLUSTER|COMMENT|COMMIT|COPY|CREATE|DEALLOCATE|"
    "DECLARE|DELETE|DETACH|DISCARD|DO|DROP|END|EXECUTE|FETCH|GRANT|IMPORT|INSERT|LISTEN|LOAD|LOCK|MERGE|MOVE|"
    "NOTIFY|PREPARE|REFRESH|REINDEX|RELEASE|RESET|REVOKE|ROLLBACK|SAVEPOINT|SECURITY|SET|START|TRUNCATE|UNDROP|"
    "UNLISTEN|UNLOAD|UPDATE|USE|VACUUM"
)
# After WITH, or EXPLAIN, the statement proper may be one of these.
_WRITING = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE"})
_TEXT = {
    True: r"'(?:[^'\\]|\\.|'')*'",
    False: r"'(?:[^']|'')*'",
}


def refuse_writes(sql: str) -> None:
    """Raise PermissionDeniedError for what may do more than read, QueryFailedError for what is no single statement."""
    if "\0" in sql or sql != sql.encode(errors="ignore").decode():
        raise QueryFailedError(
            "A NUL character, or one that UTF-8 cannot write, is in the statement.",
            fix="Correct the SQL.",
        )
    readings: list[list[str]] = []
    endless: QueryFailedError | None = None
    for escapes in (True, False) if "\\" in sql else (True,):
        try:
            readings.append(list(_words(sql, escapes=escapes)))
        except QueryFailedError as error:  # who reads it so rejects it
            endless = error
    for words in readings:
        _check(words)
    if not readings and endless is not None:
        raise endless


def _check(words: list[str]) -> None:
    if not [word for word in words if word != ";"]:
        raise no_query()
    first = next(word for word in words if word != "(")
    if first not in _READING:
        raise _refused(first) if _OTHERS.fullmatch(first) else _unknown(first)
    if ";" in words and words[words.index(";") :] != [";"] * (len(words) - words.index(";")):
        raise several_statements()
    if "INTO" in words:
        raise _refused("INTO")
    if first in ("WITH", "EXPLAIN"):
        for word in words:
            if word in _WRITING:
                raise _refused(word)


def _words(sql: str, *, escapes: bool) -> Iterator[str]:
    """Words in capitals, semicolons and opening parentheses. Raises QueryFailedError for a text without an end."""
    token = re.compile(
        rf"(?P<comment>--[^\n]*|/\*)|(?P<text>{_TEXT[escapes]}|\"(?:[^\"]|\"\")*\"|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)"
        r"|(?P<word>\w+)|(?P<sign>\S)",
        re.DOTALL,
    )
    at = 0
    while match := token.search(sql, at):
        at = match.end()
        if match["comment"] == "/*":
            at = end_of_comment(sql, at)
        elif match["word"]:
            yield match["word"].upper()
        elif match["sign"] in ("'", '"'):
            raise QueryFailedError(
                f"A text or name that begins with {match['sign']} has no end.",
                fix="Correct the SQL.",
            )
        elif match["sign"] in (";", "("):
            yield match["sign"]


def _refused(word: str) -> SourceError:
    return not_a_read(
        f"{word[:40]} stands in the statement outside of a text or a quoted name",
        fix="Send one SELECT statement without INTO, and put names that are such words in double quotes.",
    )


def _unknown(word: str) -> SourceError:
    return QueryFailedError(f"No statement that reads begins with {word[:20]!r}.", fix=ONE_SELECT)
