"""The blocking side of a PostgreSQL source: one connection, used by one thread, that reads and nothing else.

Every statement is in a transaction that is read only and rolled back, sent alone (the extended protocol takes no
second one), and the session is reset after it.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import postgres, pq, sql

from buster_tasks.errors import QueryFailedError, SourceError, SourceNotSupportedError
from buster_tasks.sources.base import QueryColumn, QueryResult
from buster_tasks.sources.blocking import Budget, OneAtATime
from buster_tasks.sources.blocking_source import Identity
from buster_tasks.sources.collected import Collected
from buster_tasks.sources.credentials import PostgresCredentials
from buster_tasks.sources.failures import no_query
from buster_tasks.sources.postgres.connection import Connection, connect, place_of
from buster_tasks.sources.postgres.failures import more_than_read, typed_error
from buster_tasks.sources.postgres.tls import TextFiles
from buster_tasks.sources.postgres.values import load_by_type

Row = tuple[Any, ...]

_OLDEST = 120_000
_CANCEL_SECONDS = 2.0
_LOCK_MS = 2_000
_FETCH = 1_000
_QUERY_CANCELED = "57014"
# libpq gives many rows at once since 17
_AT_ONCE = 1_000 if pq.version() >= 170_000 else 1
# what PostgreSQL says of a statement that it cannot make a cursor of; and classes of errors that a text can have
_NO_CURSOR = ("42601", "0A000", "42P11")
_ABOUT_THE_TEXT = ("42", "0A")
_WHO = "SELECT current_user::text, pg_catalog.current_database()::text"
_TYPE_NAMES = """
SELECT pg_catalog.format_type(t.oid, t.modifier)
FROM ROWS FROM (pg_catalog.unnest(%s::oid[]), pg_catalog.unnest(%s::int[])) WITH ORDINALITY AS t (oid, modifier, at)
ORDER BY t.at
"""
# Compiling one of our statements takes ten times as long as running it.
_FOR_THE_CATALOG = "SET LOCAL jit = off; SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL work_mem = '32MB'"
_NOTICE_THAT_WE_ARE_GONE = """
SELECT pg_catalog.set_config(name, '2000', true) FROM pg_catalog.pg_settings
WHERE name OPERATOR(pg_catalog.=) 'client_connection_check_interval' AND pg_catalog.version() LIKE '%linux%'
"""


class PostgresSession:
    """A connection that only reads, made when it is needed.

    All but `interrupt` and `abandon` belongs to one thread. `statements` counts the catalog's and the callers' own;
    `server_version` is as the server told it at the last connection.
    """

    def __init__(self, credentials: PostgresCredentials, connect_seconds: float) -> None:
        self._credentials = credentials
        self._connect_seconds = connect_seconds
        self._place = place_of(credentials)
        self._connection: Connection | None = None
        self._socket: socket.socket | None = None
        self._files = TextFiles()
        self._interrupted = False
        self._canceller = OneAtATime(self._cancel, "postgres-cancel")
        self.statements = 0
        self.server_version = ""

    @property
    def user(self) -> str:
        """The user that we log in as."""
        return self._place.user

    def open(self, budget: Budget) -> None:
        """Connect, within the time for that and the budget; does nothing when connected. Raises SourceError."""
        if (
            self._interrupted
        ):  # what stopped the last statement may still be on its way, and would stop the next
            self.close()
        if self._connection is not None:
            return
        try:
            given, most = budget.seconds, self._connect_seconds
            seconds = most if given is None else min(given, most)
            connection = connect(self._credentials, self._files, budget, seconds)
            self._connection = connection
            self._socket = socket.fromfd(connection.fileno(), socket.AF_INET, socket.SOCK_STREAM)
            load_by_type(connection)
            self.server_version = connection.info.parameter_status("server_version") or ""
            self._check_version(connection.info.server_version)
        except BaseException:
            self.close()
            raise

    def _check_version(self, number: int) -> None:
        if number < _OLDEST:
            raise SourceNotSupportedError(
                f"{self._place.server} is PostgreSQL {self.server_version}; its catalog can be read from 12 on.",
                fix="Upgrade the server.",
            )

    def close(self) -> None:
        """Give the connection back to the server, whatever state it is in."""
        self._canceller.join(_CANCEL_SECONDS)
        connection, self._connection = self._connection, None
        duplicate, self._socket = self._socket, None
        if connection is not None:
            connection.close()
        if duplicate is not None:
            duplicate.close()
        self._files.close()
        self._interrupted = False

    def interrupt(self) -> None:
        """Ask the server to stop the statement that runs now, from any thread and without waiting."""
        self._interrupted = True
        self._canceller()

    def abandon(self) -> None:
        """Cut the connection, from any thread: whatever waits for it fails at once."""
        duplicate = self._socket
        if duplicate is not None:
            with contextlib.suppress(OSError):  # it is cut already, or closed just now
                duplicate.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def reading(self, budget: Budget, *, catalog: bool = False) -> Generator[Reader]:
        """A transaction that reads one state of the database. Raises SourceError.

        For the catalog's sake the search path is empty, else it is that of the credentials or the user.
        """
        self.open(budget)
        if budget.is_spent:
            raise budget.error()
        assert self._connection is not None
        connection = self._connection
        left = budget.left()
        # The budget stops a statement from here; the server does where the way to it is gone.
        opening = _opening(
            0 if left is None else int(left * 1_000) + 500, self._path(catalog), catalog=catalog
        )
        reader = Reader(connection, opening, budget)
        try:
            connection.execute(opening)
            yield reader
            if self._interrupted:  # what stopped a statement may still be on its way
                self.close()
            else:
                self._reset(connection)
        except psycopg.Error as error:
            typed = self._typed(error, budget)
            self._recover(connection)
            raise typed from error
        except BaseException:
            self._recover(connection)
            raise
        finally:
            self.statements += reader.statements

    def whoami(self, budget: Budget) -> Identity:
        """The user that the server takes us for, and the database. Raises SourceError."""
        with self.reading(budget) as reader:
            [(user, database)] = reader.rows(_WHO, {})
        return Identity(self.server_version, str(database), str(user))

    def select(
        self, statement: str, *, max_rows: int, max_bytes: int | None = None, budget: Budget
    ) -> QueryResult:
        """At most so many rows and bytes of somebody's statement. Raises SourceError."""
        _check_text(statement)
        if not statement.strip(" \t\r\n\f;"):
            raise no_query()
        with self.reading(budget) as reader:
            return reader.select(statement, Collected(max_rows, max_bytes, page=_FETCH))

    def _path(self, catalog: bool) -> sql.Composable | None:
        if catalog:
            return sql.Literal("")
        schema = self._credentials.default_schema
        return sql.Identifier(schema) if schema else None

    def _reset(self, connection: Connection) -> None:
        """Undo all that a statement can leave behind in a session: settings, locks, temporary things."""
        connection.execute("ROLLBACK")
        connection.execute("DISCARD ALL")

    def _recover(self, connection: Connection) -> None:
        """Go on with the session where the server rejected a statement, and with a new one after anything else."""
        try:
            rejected = connection.info.transaction_status == pq.TransactionStatus.INERROR
            if self._interrupted or not rejected:
                self.close()
            else:
                self._reset(connection)
        except (psycopg.Error, SourceError):
            self.close()

    def _typed(self, error: psycopg.Error, budget: Budget) -> SourceError:
        if budget.is_spent and (error.sqlstate == _QUERY_CANCELED or error.sqlstate is None):
            return budget.error()
        return typed_error(error, self._place)

    def _cancel(self) -> None:
        connection = self._connection
        if connection is not None:
            with contextlib.suppress(
                psycopg.Error
            ):  # closed just now, or the server does not answer
                connection.cancel_safe(timeout=_CANCEL_SECONDS)


class Reader:
    """What can be read within one transaction."""

    def __init__(self, connection: Connection, opening: sql.Composed, budget: Budget) -> None:
        self._connection = connection
        self._opening = opening
        self._budget = budget
        self.statements = 0

    def rows(self, statement: str, parameters: Mapping[str, object]) -> Iterator[Row]:
        """The rows of one of our own statements, as they come."""
        self._check()
        self.statements += 1
        with self._connection.cursor() as cursor:
            yield from cursor.stream(statement.encode(), parameters, size=_AT_ONCE)

    @contextmanager
    def within(self, budget: Budget) -> Generator[None]:
        """A block that ends with this budget too. Raises its error then; no other statement can follow."""
        if budget.is_spent:
            raise budget.error()
        try:
            yield
        except psycopg.errors.QueryCanceled as error:
            if budget.is_spent:
                raise budget.error() from error
            raise

    def select(self, statement: str, found: Collected) -> QueryResult:
        """What is collected of somebody's statement; the server computes no more than is fetched."""
        self._check()
        self.statements += 1
        with self._connection.cursor("taskkit", scrollable=False) as cursor:
            try:
                cursor.execute(statement.encode())
            except psycopg.Error as error:
                raise self._about(statement, error) from error
            columns = self._columns(cursor)
            while wanted := found.wanted:
                page = cursor.fetchmany(wanted)
                self._check()
                if not page:
                    break
                found.take(page)
        return found.result(columns)

    def _check(self) -> None:
        if self._budget.is_spent:
            raise self._budget.error()

    def _about(self, statement: str, error: psycopg.Error) -> Exception:
        """The error of the statement itself, where that of its cursor has another cause or place."""
        if error.sqlstate is None or error.sqlstate[:2] not in _ABOUT_THE_TEXT:
            return error
        self._connection.execute("ROLLBACK")
        self._connection.execute(self._opening)
        parsed = self._connection.pgconn.prepare(b"", statement.encode())
        if parsed.status != pq.ExecStatus.COMMAND_OK:
            return psycopg.errors.error_from_result(parsed)
        return more_than_read() if error.sqlstate in _NO_CURSOR else error

    def _columns(self, cursor: psycopg.ServerCursor[Row]) -> tuple[QueryColumn, ...]:
        described, result = cursor.description or [], cursor.pgresult
        assert result is not None
        numbers = [(result.ftype(at), result.fmod(at)) for at in range(len(described))]
        known = [postgres.types.get(oid) for oid, _modifier in numbers]
        if all(
            info and modifier == -1 for info, (_oid, modifier) in zip(known, numbers, strict=True)
        ):
            # an array is known by the type of its items
            types = [
                info.regtype if info.oid == oid else f"{info.regtype}[]"
                for info, (oid, _modifier) in zip(known, numbers, strict=True)
                if info
            ]
        else:
            types = self._type_names(numbers)
        return tuple(
            QueryColumn(column.name, name) for column, name in zip(described, types, strict=True)
        )

    def _type_names(self, numbers: Sequence[tuple[int, int]]) -> list[str]:
        oids, modifiers = zip(*numbers, strict=True)
        with self._connection.cursor() as cursor:
            cursor.execute(_TYPE_NAMES, (list(oids), list(modifiers)))
            return [str(row[0]) for row in cursor.fetchall()]


def _check_text(statement: str) -> None:
    if "\0" in statement or statement != statement.encode(errors="ignore").decode():
        raise QueryFailedError(
            "A NUL character, or one that UTF-8 cannot write, is in the statement.",
            fix="Correct the SQL.",
        )


def _opening(server_ms: int, path: sql.Composable | None, *, catalog: bool) -> sql.Composed:
    """Begin a transaction whose settings end with it, so that a pooler in between may share the session."""
    parts: list[sql.Composable] = [
        sql.SQL("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"),
        sql.SQL("SET LOCAL statement_timeout = {}").format(sql.Literal(server_ms)),
        sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(_LOCK_MS)),
        sql.SQL("SET LOCAL IntervalStyle = postgres"),
        sql.SQL("SET LOCAL DateStyle = ISO"),
        # else a backslash would mean something in a text, other than the guard of statements has read
        sql.SQL("SET LOCAL standard_conforming_strings = on"),
        sql.SQL(_NOTICE_THAT_WE_ARE_GONE),
    ]
    if path is not None:
        parts.append(sql.SQL("SET LOCAL search_path = {}").format(path))
    if catalog:
        parts.append(sql.SQL(_FOR_THE_CATALOG))
    return sql.SQL("; ").join(parts)
