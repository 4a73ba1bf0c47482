"""The blocking side of a Redshift source: one connection, used by one thread, that reads and nothing else.

Every statement is in a transaction that is begun READ ONLY and rolled back. A result is asked for page by page, and for
no more of it than is wanted: that needs no cursor, whose whole result the leader node would have to keep.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

from buster_tasks.errors import QueryCanceledError, QueryFailedError, SourceError
from buster_tasks.sources.base import QueryColumn, QueryResult
from buster_tasks.sources.blocking import Budget, OneAtATime
from buster_tasks.sources.blocking_source import Identity
from buster_tasks.sources.collected import Collected
from buster_tasks.sources.credentials import RedshiftCredentials
from buster_tasks.sources.postgres.failures import Place
from buster_tasks.sources.redshift.connection import Endpoint
from buster_tasks.sources.redshift.driver import ReadingConnection
from buster_tasks.sources.redshift.failures import typed_error
from buster_tasks.sources.redshift.reading_only import refuse_writes
from buster_tasks.sources.redshift.values import type_name

Row = Sequence[Any]

_CANCEL_SECONDS = 2.0
_PAGE = 5_000
_WHO = "SELECT current_user, current_database()"
_VERSION = re.compile(r"Redshift ([\d.]+)")


class RedshiftSession:
    """A connection that only reads, made when it is needed.

    All but `interrupt` and `abandon` belongs to one thread. `statements` counts the catalog's and the callers' own.
    """

    def __init__(self, credentials: RedshiftCredentials, connect_seconds: float) -> None:
        self._schema = credentials.default_schema
        self._connect_seconds = connect_seconds
        self._endpoint = Endpoint(credentials)
        self._connection: ReadingConnection | None = None
        self._timeout: int | None = None
        self._interrupted = False
        self._canceller = OneAtATime(self._cancel, "redshift-cancel")
        self.statements = 0
        self.server_version = ""

    @property
    def user(self) -> str:
        """The user that we log in as."""
        return self._endpoint.place.user

    def open(self, budget: Budget) -> None:
        """Connect, within the time for that and the budget; does nothing when connected. Raises SourceError."""
        if self._interrupted:  # what stopped the last statement might still come, and stop the next
            self.close()
        if self._connection is not None:
            return
        given, most = budget.seconds, self._connect_seconds
        seconds = most if given is None else min(given, most)
        try:
            connection = self._endpoint.connect(budget, seconds)
            self._connection = connection
            with self._typed(connection, budget):
                self._prepare(connection)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the connection back, whatever state it is in."""
        self._canceller.join(_CANCEL_SECONDS)
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):  # whatever is wrong with it, it is thrown away
                connection.close()
        self._endpoint.close()
        self._interrupted, self._timeout = False, None

    def interrupt(self) -> None:
        """Stop the statement that runs now, from any thread and without waiting; or the connecting."""
        self._interrupted = True
        if self._connection is None:
            self._endpoint.cut()
        else:
            self._canceller()

    def abandon(self) -> None:
        """Cut the connection, from any thread: whatever waits for it fails at once."""
        self._endpoint.cut()

    @contextmanager
    def reading(self, budget: Budget) -> Generator[Reader]:
        """A transaction that only reads. Raises SourceError."""
        self.open(budget)
        assert self._connection is not None
        connection = self._connection
        reader = Reader(connection, budget, self._endpoint.place)
        try:
            with self._typed(connection, budget):
                self._limit(connection, budget)
                connection.ask("BEGIN READ ONLY")
                yield reader
        finally:
            self.statements += reader.statements
            self._roll_back(connection)

    def whoami(self, budget: Budget) -> Identity:
        """The user that the server takes us for, and the database. Raises SourceError."""
        with self.reading(budget) as reader:
            [(user, database)] = reader.rows(_WHO)
        return Identity(self.server_version, str(database), str(user))

    def select(
        self, sql: str, *, max_rows: int, max_bytes: int | None = None, budget: Budget
    ) -> QueryResult:
        """At most so many rows and bytes of somebody's statement. Raises SourceError."""
        refuse_writes(sql)
        with self.reading(budget) as reader:
            return reader.select(sql, max_rows=max_rows, max_bytes=max_bytes)

    def _prepare(self, connection: ReadingConnection) -> None:
        [(told,)] = connection.ask("SELECT version()")
        match = _VERSION.search(str(told))
        self.server_version = match[1] if match else connection.status("server_version") or ""
        connection.ask("SET datestyle TO ISO")
        if self._schema is not None:
            quoted = self._schema.replace('"', '""')
            connection.ask(f'SET search_path TO "{quoted}"')

    def _limit(self, connection: ReadingConnection, budget: Budget) -> None:
        """Have the server stop a statement too, in case that the way to it is gone by then."""
        if budget.is_spent:
            raise budget.error()
        wanted = 0 if budget.seconds is None else int(budget.seconds * 1_000) + 500
        if wanted != self._timeout:
            connection.ask(f"SET statement_timeout TO {wanted}")
            self._timeout = wanted

    def _roll_back(self, connection: ReadingConnection) -> None:
        """Go on with the connection where nothing but the statement failed, and with a new one after all else."""
        if self._interrupted or self._connection is None:
            self.close()
            return
        try:
            connection.ask("ROLLBACK")
        except Exception:  # whatever the driver says, a connection that cannot do this is of no use
            self.close()

    @contextmanager
    def _typed(self, connection: ReadingConnection, budget: Budget) -> Generator[None]:
        try:
            yield
        except Exception as error:  # the driver raises whatever comes when a connection breaks
            if budget.is_spent:
                raise budget.error() from error
            raise typed_error(error, self._endpoint.place, connection.error) from error

    def _cancel(self) -> None:
        connection = self._connection
        if connection is None or connection.key is None:
            self._endpoint.cut()
            return
        with contextlib.suppress(SourceError, OSError):  # then `abandon` has to do it
            self._endpoint.cancel(connection.key, _CANCEL_SECONDS)


class Reader:
    """What can be read within one transaction."""

    def __init__(self, connection: ReadingConnection, budget: Budget, place: Place) -> None:
        self._connection, self._budget, self._place = connection, budget, place
        self.statements = 0

    def rows(self, statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        """All rows of one of our own statements."""
        self._check()
        self.statements += 1
        return list(self._connection.ask(statement, tuple(parameters)))

    def optional(self, statement: str, parameters: Sequence[object] = ()) -> list[Row]:
        """The same for one that the server may refuse: the transaction is begun again then. Raises SourceError."""
        try:
            return self.rows(statement, parameters)
        except Exception as error:  # the driver raises whatever comes when a connection breaks
            typed = typed_error(error, self._place, self._connection.error)
            if typed.transient or self._budget.is_spent:
                raise
            if not isinstance(typed, QueryCanceledError):  # what stopped it may stop these as well
                self._connection.ask("ROLLBACK")
                self._connection.ask("BEGIN READ ONLY")
            raise typed from error

    def select(self, statement: str, *, max_rows: int, max_bytes: int | None) -> QueryResult:
        """At most so many rows and bytes of somebody's statement; the server sends little more than that."""
        self._check()
        self.statements += 1
        found = Collected(max_rows, max_bytes, page=_PAGE)
        cursor = self._connection.ask(statement, into=found)
        described = cursor.ps["row_desc"]
        if not described:
            raise QueryFailedError("The statement has no result.", fix="Send one SELECT statement.")
        columns = tuple(
            QueryColumn(
                bytes(one["label"]).decode("utf-8", "replace"),
                type_name(one["type_oid"], one["type_modifier"]),
            )
            for one in described
        )
        return found.result(columns)

    def _check(self) -> None:
        if self._budget.is_spent:
            raise self._budget.error()
