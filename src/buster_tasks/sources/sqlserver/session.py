"""The blocking side of a SQL Server source: one connection, used by one thread, that reads and nothing else.

It says that it only reads (ApplicationIntent=ReadOnly), and every statement is in a transaction that is rolled back.
"""

from __future__ import annotations

import contextlib
import math
import socket
import threading
import time
from collections.abc import Generator, Sequence
from typing import Any

from buster_tasks.errors import ConnectionFailedError, QueryFailedError, SourceError
from buster_tasks.sources.base import QueryColumn, QueryResult
from buster_tasks.sources.blocking import Budget, OneAtATime
from buster_tasks.sources.collected import Collected
from buster_tasks.sources.credentials import SqlserverCredentials
from buster_tasks.sources.failures import several_statements
from buster_tasks.sources.network import addresses, check_host, no_answer, unreachable
from buster_tasks.sources.sqlserver.driver import bundled_driver, find_driver, load_pyodbc
from buster_tasks.sources.sqlserver.failures import is_lost, typed_error
from buster_tasks.sources.sqlserver.login import address_of, attributes, connection_text
from buster_tasks.sources.sqlserver.reading_only import refuse_writes
from buster_tasks.sources.sqlserver.server import FACTS, Server
from buster_tasks.sources.sqlserver.sockets import Line
from buster_tasks.sources.sqlserver.values import CONVERTERS, type_name

Row = tuple[Any, ...]

_PAGE = 5_000
_CANCEL_SECONDS = 2.0
_SETTINGS = "SET LOCK_TIMEOUT 5000"


class SqlserverSession:
    """A connection that only reads, and is made anew by `open` when it was lost.

    All but `interrupt` and `abandon` belongs to one thread. `statements` counts ours and those of the user, without
    what sets up the session.
    """

    def __init__(self, credentials: SqlserverCredentials) -> None:
        self._credentials = credentials
        self._address = address_of(credentials)
        self._pyodbc: Any = None
        self._connection: Any = None
        self._cursor: Any = None
        self._line: Line | None = None
        self._server: Server | None = None
        # ODBC takes a cancel from another thread, but not while the statement is being freed
        self._freeing = threading.Lock()
        self._canceller = OneAtATime(self._cancel, "sqlserver-cancel")
        self._interrupted: float | None = None
        self.statements = 0

    @property
    def server(self) -> Server:
        """What the server told about itself. Raises ConnectionFailedError while there is no connection."""
        if self._server is None:
            raise _closed()
        return self._server

    def open(self, budget: Budget) -> None:
        """Connect; does nothing when connected. Raises SourceError."""
        if self._server is not None:
            return
        try:
            self._connect(budget)
            with self._watched(budget) as cursor:
                cursor.execute(_SETTINGS)
                server = _server(cursor.execute(FACTS).fetchone())
            server.check()
        except SourceError as error:
            self.close()
            if budget.stopped:
                raise budget.error() from None
            if budget.is_spent and self._address.port is not None:
                raise no_answer(self._address.host, self._address.port, budget.seconds) from error
            raise
        self._server = server

    def close(self) -> None:
        """Give the connection back."""
        connection, self._connection, self._server = self._connection, None, None
        line, self._line = self._line, None
        if connection is not None:
            with contextlib.suppress(Exception):  # whatever a lost one says, it is closed
                connection.close()
        if line is not None:
            line.close()

    def interrupt(self) -> None:
        """Have the server stop the statement that runs now, from any thread; cut a connection that is being made.

        Where the statement does not end by that, as calls of this after two seconds tell, the connection is cut.
        """
        if self._cursor is None:
            if self._server is None:
                self.abandon()
            return
        now = time.monotonic()
        if self._interrupted is None:
            self._interrupted = now
        if now - self._interrupted < _CANCEL_SECONDS:
            self._canceller()
        else:
            self.abandon()

    def abandon(self) -> None:
        """Cut the connection, from any thread and without asking the server."""
        line = self._line
        if line is not None:
            line.cut()

    def rows(self, sql: str, parameters: Sequence[str] = (), *, budget: Budget) -> list[Row]:
        """All rows of one of our own statements. Raises SourceError."""
        with self._watched(budget) as cursor:
            self.statements += 1
            found: list[Row] = []
            cursor.execute(sql, *parameters)
            while page := cursor.fetchmany(_PAGE):
                found += map(tuple, page)
                if budget.is_spent:
                    raise budget.error()
        return found

    def select(
        self, sql: str, *, max_rows: int, max_bytes: int | None = None, budget: Budget
    ) -> QueryResult:
        """At most so many rows and bytes of somebody's statement. Raises SourceError."""
        refuse_writes(sql)
        with self._watched(budget) as cursor:
            self.statements += 1
            cursor.noscan = True  # it is sent as it is
            cursor.execute(sql)
            if budget.is_spent:  # a statement that was stopped may end without an error
                raise budget.error()
            if cursor.description is None:
                raise QueryFailedError(
                    "The statement has no result.", fix="Send one SELECT statement."
                )
            described = cursor.description
            found = Collected(max_rows, max_bytes, page=_PAGE)
            self._fetch(cursor, found, budget)
            rows = found.rows
            columns = [
                QueryColumn(one[0], type_name(one, (row[at] for row in rows)))
                for at, one in enumerate(described)
            ]
            if found.truncated:
                self._cancel()  # nobody wants the others
            elif cursor.nextset() and cursor.description is not None:
                raise several_statements()
        return found.result(columns)

    def _fetch(self, cursor: Any, found: Collected, budget: Budget) -> None:
        while wanted := found.wanted:
            page = cursor.fetchmany(wanted)
            if budget.is_spent:
                raise budget.error()
            if not page:
                break
            found.take(page)

    def _connect(self, budget: Budget) -> None:
        pyodbc = self._load()
        driver = find_driver(self._credentials.driver, pyodbc.drivers(), bundled_driver())
        text, extra = connection_text(self._credentials, driver), attributes(self._credentials)
        self._reach(budget)
        left = budget.left()
        seconds = 0 if left is None else max(1, math.ceil(left))
        try:
            connection = pyodbc.connect(text, timeout=seconds, autocommit=False, attrs_before=extra)
        except pyodbc.Error as error:
            raise self._typed(
                error, is_connecting=True
            ) from None  # what is behind it may show the text
        self._connection = connection
        if self._line is not None:
            self._line.take()
        for number, convert in CONVERTERS.items():
            connection.add_output_converter(number, convert)
        # else texts would come in the encoding of this machine's locale, which may not have all letters
        connection.setdecoding(pyodbc.SQL_CHAR, encoding="utf-16le", ctype=pyodbc.SQL_WCHAR)

    def _load(self) -> Any:
        if self._pyodbc is None:
            self._pyodbc = load_pyodbc()
            # a connection that is closed is to be gone; it counts from the first connection of the process on
            self._pyodbc.pooling = False
        return self._pyodbc

    def _reach(self, budget: Budget) -> None:
        """Raise SourceError where nobody listens: the driver would try until its time is over, and not say why."""
        host, port = self._address.host, self._address.port
        if port is None:
            check_host(host, None)
            return
        found = addresses(host, port)
        failed: OSError | None = None
        for address in found:
            try:
                socket.create_connection((address, port), timeout=budget.left()).close()
            except OSError as error:
                failed = error
            else:
                self._line = Line(found, port)
                return
        assert failed is not None
        raise unreachable(host, port, failed) from failed

    def _cancel(self) -> None:
        """Stop the statement; this waits for the server to say that it did."""
        with self._freeing:
            if self._cursor is not None:
                with contextlib.suppress(self._load().Error):  # it has just ended
                    self._cursor.cancel()

    @contextlib.contextmanager
    def _watched(self, budget: Budget) -> Generator[Any]:
        """A cursor for one statement; an error of it becomes that of the budget where this is why."""
        self._canceller.join(_CANCEL_SECONDS)  # else it might hit the statement to come
        if budget.is_spent:
            raise budget.error()
        if self._connection is None:
            raise _closed()
        is_usable = True
        self._interrupted = None
        self._cursor = cursor = self._connection.cursor()
        try:
            yield cursor
        except self._load().Error as error:
            is_usable = not is_lost(error)
            if budget.is_spent:
                raise budget.error() from error
            raise self._typed(error) from error
        finally:
            if not (self._free(cursor) and is_usable and self._roll_back()):
                self.close()

    def _free(self, cursor: Any) -> bool:
        """Let go of the statement, once nobody cancels it; whether that went well."""
        with self._freeing:
            self._cursor = None
            try:
                cursor.close()
            except self._load().Error:
                return False
        return True

    def _roll_back(self) -> bool:
        try:
            self._connection.rollback()
        except self._load().Error:
            return False
        return True

    def _typed(self, error: Exception, *, is_connecting: bool = False) -> SourceError:
        database, user = self._credentials.database, self._credentials.username
        return typed_error(error, self._address, database, user, is_connecting=is_connecting)


def _closed() -> ConnectionFailedError:
    return ConnectionFailedError("The source is closed.", fix="Connect again.", transient=False)


def _server(facts: Sequence[Any]) -> Server:
    version, engine, edition, database, user, collation = facts
    return Server(
        version=str(version),
        engine=int(engine),
        edition=str(edition),
        database=str(database),
        user=str(user),
        collation=str(collation or ""),
    )
