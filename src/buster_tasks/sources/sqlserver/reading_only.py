"""Which statements are let through: one SELECT that does nothing else, as its words tell.

SQL Server has no transaction that only reads. Ours is rolled back, and this looks at every word outside of texts,
quoted names and comments: the language needs no semicolon between two statements, and all words that begin one that
writes are reserved, so that none of them can be a bare name in a SELECT.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from buster_tasks.errors import QueryFailedError, SourceError
from buster_tasks.sources.comments import end_of_comment
from buster_tasks.sources.failures import ONE_SELECT, no_query, not_a_read, several_statements

_TOKEN = re.compile(
    r"(?P<comment>--[^\n]*|/\*)|(?P<text>'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\[(?:[^\]]|\]\])*\])"
    r"|(?P<word>[\w@#$]+)|(?P<sign>[^\s])",
    re.DOTALL,
)
_FIRST = ("SELECT", "WITH")
_SET_OPERATORS = ("UNION", "EXCEPT", "INTERSECT")
# Reserved words that begin a statement, or reach out of the server; none can be in a SELECT that only reads.
_FORBIDDEN = frozenset({
    "ADD", "ALTER", "BACKUP", "BEGIN", "BULK", "CHECKPOINT", "CLOSE", "COMMIT", "CREATE", "DBCC", "DEALLOCATE",
    "DECLARE", "DELETE", "DENY", "DROP", "DUMP", "EXEC", "EXECUTE", "GOTO", "GRANT", "IF", "INSERT", "INTO",
    "KILL", "LOAD", "MERGE", "OPEN", "OPENDATASOURCE", "OPENQUERY", "OPENROWSET", "OPENXML", "PRINT",
    "RAISERROR", "READTEXT", "RECONFIGURE", "RESTORE", "RETURN", "REVERT", "REVOKE", "ROLLBACK", "SAVE", "SET",
    "SETUSER", "SHUTDOWN", "TRUNCATE", "UPDATE", "UPDATETEXT", "USE", "WAITFOR", "WHILE", "WRITETEXT",
})  # fmt: skip
# Words that begin a statement without being reserved: they do so only at the beginning, or after a semicolon.
_OTHERS = frozenset({
    "CALL", "COPY", "DISABLE", "ENABLE", "FETCH", "GET", "MOVE", "RECEIVE", "RENAME", "SEND", "THROW",
})  # fmt: skip
# Where words of the above are hints or parts of a SELECT, by the word behind them.
_HARMLESS = {"MERGE": ("JOIN", "UNION"), "USE": ("HINT", "PLAN")}


def refuse_writes(sql: str) -> None:
    """Raise PermissionDeniedError for what may do more than read, QueryFailedError for what is no single SELECT."""
    if "\0" in sql:
        raise QueryFailedError("A NUL character is in the statement.", fix="Correct the SQL.")
    words = list(_words(sql))
    if not words:
        raise no_query()
    for at, (_depth, word) in enumerate(words):
        if _writes(words, at):
            raise _refused(word)
    first = next((word for _depth, word in words if word != "("), "")
    if first not in _FIRST:
        raise _refused(first) if first in _OTHERS else _no_select(first)
    _check_single(words)


def _writes(words: list[tuple[int, str]], at: int) -> bool:
    word, behind = words[at][1], [one for _depth, one in words[at + 1 : at + 3]]
    if word == "NEXT":  # a sequence goes on, and no rollback takes that back
        return behind == ["VALUE", "FOR"]
    if word in _HARMLESS and behind[:1] and behind[0] in _HARMLESS[word]:
        return False
    if (
        word[0].isdigit() or word[0] == "$"
    ):  # a number needs no blank behind it: 1DELETE is two words
        return any(one in word for one in _FORBIDDEN)
    return word in _FORBIDDEN


def _check_single(words: list[tuple[int, str]]) -> None:
    """Raise QueryFailedError for a second SELECT, with a semicolon before it or without."""
    queries, before = 0, ""
    for at, (depth, word) in enumerate(words):
        if word == ";":
            if words[at + 1 :] != [(0, ";")] * (len(words) - at - 1):
                raise several_statements()
            break
        if depth == 0 and word.lstrip("0123456789.$") == "SELECT":
            queries += before not in (*_SET_OPERATORS, "ALL")
            if queries > 1:
                raise several_statements()
        if depth == 0 and word != "(":
            before = word


def _words(sql: str) -> Iterator[tuple[int, str]]:
    """Words in capitals, semicolons and opening parentheses, each with the number of parentheses around it."""
    depth, at = 0, 0
    while match := _TOKEN.search(sql, at):
        at = match.end()
        if match["comment"] == "/*":
            at = end_of_comment(sql, at)
        elif match["word"]:
            yield depth, match["word"].upper()
        elif match["sign"]:
            sign = match["sign"]
            if sign in "'\"[":
                raise QueryFailedError(
                    f"A text or name that begins with {sign} has no end.", fix="Correct the SQL."
                )
            if sign in ";(":
                yield depth, sign
            depth += (sign == "(") - (sign == ")")


def _refused(word: str) -> SourceError:
    return not_a_read(
        f"{word[:40]} stands in the statement outside of a text or a quoted name",
        fix="Send one SELECT statement without INTO, and put names that are reserved words in brackets.",
    )


def _no_select(word: str) -> SourceError:
    return QueryFailedError(f"No statement that reads begins with {word[:20]!r}.", fix=ONE_SELECT)
