"""How a statement is judged: limits, parser, every node, and then its own rendering the same way again."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect as Grammar
from sqlglot.errors import ErrorLevel, SqlglotError, TokenError, UnsupportedError
from sqlglot.parser import Parser
from sqlglot.tokenizer_core import Token, TokenType

from buster_tasks.sql_guard import limits
from buster_tasks.sql_guard.dialect import Dialect, words
from buster_tasks.sql_guard.inspection import Inspection
from buster_tasks.sql_guard.rendering import written
from buster_tasks.sql_guard.verdict import Allowed, Code, Refused, RefusedError

_ONE = "Send one SELECT statement, without a second one behind a semicolon."
_CORRECT = "Correct the syntax: send one SELECT statement in the dialect of the source."
# Renderings settle at once or at the second look; one that grows with each look never does.
_RENDERINGS = 4


def judge(
    sql: object,
    dialect: Dialect,
    *,
    relations: frozenset[tuple[str, ...]] | None,
    functions: frozenset[str],
) -> Allowed | Refused:
    """The verdict on a statement; see `buster_tasks.sql_guard.check`."""
    inspection = Inspection(dialect, relations=relations, functions=functions)
    try:
        return Allowed(_settled(limits.text_of(sql), dialect, inspection))
    except RefusedError as refusal:
        return refusal.refused
    except RecursionError:
        return limits.too_deep().refused
    except UnsupportedError as error:
        reason = f"Part of the SQL cannot be written anew in this dialect: {_told(error)}"
        return Refused(reason, "Write this part in another way.", Code.NOT_STABLE)
    except SqlglotError as error:
        return Refused(f"The SQL cannot be parsed: {_told(error)}", _CORRECT, Code.NOT_PARSED)
    except Exception as error:  # hostile text fails the parser in many ways, all of them a no
        reason = f"The SQL cannot be parsed ({type(error).__name__})."
        return Refused(reason, _CORRECT, Code.NOT_PARSED)


def _settled(sql: str, dialect: Dialect, inspection: Inspection) -> str:
    """The rendering that renders to itself, each step of it inspected. Raises RefusedError."""
    for _ in range(_RENDERINGS):
        tree = _parsed(sql, dialect)
        inspection.check(tree)
        rendered = written(tree, dialect.name)
        if rendered == sql:
            return sql
        sql = limits.text_of(rendered)
    raise RefusedError(
        Code.NOT_STABLE,
        "The SQL changes whenever it is parsed and written anew, so what would run is uncertain.",
        "Write it in a simpler way, with casts and brackets only where they are needed.",
    )


def _parsed(sql: str, dialect: Dialect) -> exp.Expr:
    """The tree of the one statement that is in the text. Raises RefusedError or SqlglotError."""
    grammar = _grammar(dialect.name)
    tokens = grammar.tokenize(sql)
    _check_words(tokens, dialect)
    limits.check_nesting(tokens)
    trees = _parser(dialect.name)(dialect=grammar, error_level=ErrorLevel.IMMEDIATE).parse(
        tokens, sql
    )
    found = [tree for tree in trees if tree is not None and not isinstance(tree, exp.Semicolon)]
    if len(found) != 1:
        raise RefusedError(Code.SEVERAL_STATEMENTS, "The SQL is not one statement.", _ONE)
    return found[0]


def _check_words(tokens: Sequence[Token], dialect: Dialect) -> None:
    """Raise RefusedError for no statement, several, one that does not begin as a query, and one within a comment."""
    first = next((token for token in tokens if token.token_type not in _SKIPPED), None)
    if first is None:
        raise RefusedError(Code.EMPTY, "There is no statement in the SQL.", _ONE)
    word = first.text.upper()
    if word not in dialect.first_words:
        raise RefusedError(
            Code.NOT_A_READ,
            f"The source is only read, and the statement begins with {word[:40]!r}.",
            f"Begin with one of: {', '.join(sorted(dialect.first_words))}.",
        )
    begun = ended = False
    for token in tokens:
        if ended and token.token_type != TokenType.SEMICOLON:
            raise RefusedError(
                Code.SEVERAL_STATEMENTS, "There is more than one statement in the SQL.", _ONE
            )
        begun = begun or token is first
        ended = begun and token.token_type == TokenType.SEMICOLON
        if dialect.name == "mysql" and any(
            comment.startswith(("!", "M!")) for comment in token.comments
        ):
            raise RefusedError(
                Code.SYNTAX_NOT_ALLOWED,
                "The SQL has a comment that MySQL or MariaDB runs (/*! or /*M!).",
                "Leave the comment out.",
            )


_SKIPPED = {TokenType.L_PAREN, TokenType.SEMICOLON}


def _told(error: SqlglotError) -> str:
    """The message of the parser in one line without terminal colours, at most 300 characters."""
    details = getattr(error, "errors", None)
    if isinstance(error, TokenError) or not details:
        text = str(error)
    else:
        one = details[0]
        near = f"{one['start_context'][-40:]}>>>{one['highlight']}<<<{one['end_context'][:40]}"
        text = f"{one['description']} (line {one['line']}, column {one['col']}, near {near})"
    return " ".join(text.split())[:300]


# Calls with clauses that the parser takes with their own types alone.
_SYNTACTIC = words(
    "COUNT FIRST_VALUE LAG LAST_VALUE LEAD NTH_VALUE PERCENTILE_CONT PERCENTILE_DISC"
)


@cache
def _grammar(name: str) -> Grammar:
    return Grammar.get_or_raise(name)


@cache
def _parser(name: str) -> type[Parser]:
    """The parser of a dialect that keeps calls as they are written, and gives up in time.

    sqlglot's types of functions are for translation: written again, some of them are other calls.
    """
    base: type[Parser] = _grammar(name).parser_class
    known: dict[str, Any] = {**base.FUNCTIONS}  # pyright: ignore[reportUnknownMemberType]  # sqlglot leaves it open
    syntactic = {name: known[name] for name in _SYNTACTIC if name in known}
    return type(f"Guarded{base.__name__}", (_Impatient, base), {"FUNCTIONS": syntactic})


class _Impatient(Parser):
    """Raises RefusedError for texts that can be read in exponentially many ways, and for commands."""

    steps_back = 0

    def _retreat(self, index: int) -> None:
        self.steps_back += 1
        if self.steps_back > limits.MOST_STEPS_BACK + 10 * len(self._tokens):
            raise limits.too_deep()
        super()._retreat(index)

    def _warn_unsupported(self) -> None:
        """Raise RefusedError, where sqlglot would log and make a command of the rest."""
        raise RefusedError(
            Code.NOT_A_READ, "The SQL holds a command, and the source is only read.", _ONE
        )
