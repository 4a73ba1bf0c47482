"""The blocking side of a Databricks source: one session, used by one thread, that reads and nothing else.

A statement is sent, looked after until it has ended, and its result fetched, each by a request of its own. What waits
too long, or for nobody, is cut at its socket, and the statement is then stopped in Databricks by its number.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Generator, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple

from buster_tasks.errors import (
    ConnectionFailedError,
    DatabaseNotFoundError,
    DriverMissingError,
    SourceError,
)
from buster_tasks.sources.base import QueryColumn, QueryResult
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.collected import Collected
from buster_tasks.sources.converting import converted
from buster_tasks.sources.credentials import DatabricksCredentials
from buster_tasks.sources.databricks.catalog import FACTS, SET_UP
from buster_tasks.sources.databricks.failures import login_error, query_error
from buster_tasks.sources.databricks.line import Line
from buster_tasks.sources.databricks.login import Endpoint, arguments, endpoint_of, reach
from buster_tasks.sources.databricks.reading_only import is_query, refuse_writes
from buster_tasks.sources.databricks.values import AMBIGUOUS, converters
from buster_tasks.sources.failures import stopped
from buster_tasks.sources.network import no_answer

Row = tuple[Any, ...]

_PAGE = 5_000
_FIRST_WAIT, _LONGEST_WAIT = 0.02, 1.0
_REQUEST_SECONDS = 60.0
_ABORT_SECONDS = 2.0
_WAITING = ("PENDING", "RUNNING")


class Facts(NamedTuple):
    """What Databricks tells about the session."""

    version: str
    catalog: str
    schema: str
    user: str


class DatabricksSession:
    """A session that only reads, and is made anew by `open` when it was lost.

    All but `interrupt` and `abandon` belongs to one thread. `statements` counts ours and those of the user, without
    what sets up the session.
    """

    def __init__(self, credentials: DatabricksCredentials) -> None:
        self._credentials = credentials
        self._connection: Any = None
        self._line: Line | None = None
        self._facts: Facts | None = None
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._is_waiting = False
        self.statements = 0

    @property
    def facts(self) -> Facts:
        """What Databricks told at the beginning. Raises ConnectionFailedError while there is no session."""
        if self._facts is None:
            raise _closed()
        return self._facts

    def open(self, budget: Budget) -> None:
        """Log in; does nothing when that was done. Raises SourceError."""
        if self._connection is not None:
            return
        endpoint, driver = endpoint_of(self._credentials), _driver()
        seconds = max(0.05, budget.left() or 0.05)
        reach(endpoint, seconds)
        try:
            self._connection = driver.connect(**arguments(self._credentials, endpoint, seconds))
        except Exception as error:
            if budget.stopped:
                raise budget.error() from None
            raise login_error(error, endpoint, self._credentials.catalog, seconds) from error
        self._line = Line(self._connection)
        self._line.limit(_REQUEST_SECONDS)
        try:
            self._ask(SET_UP, {}, budget)
            self._facts = Facts(*map(str, self._ask(FACTS, {}, budget)[1][0]))
            self._check_catalog(endpoint)
        except SourceError as error:
            self.close()
            if budget.is_spent and not budget.stopped:
                raise no_answer(endpoint.host, endpoint.port, budget.seconds) from error
            raise

    def close(self) -> None:
        """End the session."""
        connection, self._connection, self._facts = self._connection, None, None
        line, self._line = self._line, None
        if line is not None:
            line.limit(_ABORT_SECONDS)
        if connection is not None:
            # one that cannot be ended ends by itself
            with contextlib.suppress(Exception):
                connection.close()
        if line is not None:
            line.close()

    def interrupt(self) -> None:
        """Have the thread look at the budget now, from any thread."""
        self._wake.set()
        with self._lock:
            if self._is_waiting:
                self.abandon()

    def abandon(self) -> None:
        """Cut the connection, from any thread."""
        line = self._line
        if line is not None:
            line.cut()

    def rows(
        self, sql: str, parameters: Mapping[str, str] | None = None, *, budget: Budget
    ) -> tuple[list[str], list[Row]]:
        """The names of the columns and all rows of one of our own statements. Raises SourceError."""
        self.statements += 1
        return self._ask(sql, parameters or {}, budget)

    def columns(self, catalog: str, schema: str, budget: Budget) -> list[Row]:
        """What the driver tells of the columns of a schema, in one request. Raises SourceError."""
        self.statements += 1
        pattern = schema.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%")
        with self._cursor(budget, _PAGE) as cursor:
            cursor.columns(catalog_name=catalog, schema_name=pattern)
            return [tuple(row) for row in cursor.fetchall()]

    def select(
        self, sql: str, *, max_rows: int, max_bytes: int | None = None, budget: Budget
    ) -> QueryResult:
        """At most so many rows and bytes of somebody's statement. Raises SourceError."""
        refuse_writes(sql)
        self.statements += 1
        found = Collected(max_rows, max_bytes, page=_PAGE)
        with self._cursor(budget, found.wanted) as cursor:
            self._run(cursor, sql, {}, budget)
            self._fetch(cursor, budget, found)
            told = list(cursor.description or ())
        types = self._types(sql, [str(entry[1]) for entry in told], budget)
        converts = converters(types)
        rows = [converted(row, converts) for row in found.rows]
        columns = tuple(
            QueryColumn(str(entry[0]), _written(entry, name))
            for entry, name in zip(told, types, strict=True)
        )
        return QueryResult(columns, rows, truncated=found.truncated)

    def _types(self, sql: str, told: list[str], budget: Budget) -> list[str]:
        """The types of a query's columns, asked for where the driver's words for them could be two types."""
        if not any(name in AMBIGUOUS for name in told) or not is_query(sql):
            return told
        self.statements += 1
        try:
            described = self._ask(f"DESCRIBE QUERY {sql}", {}, budget)[1]
        except SourceError as error:
            if error.transient or error.code == "QUERY_CANCELED":
                raise
            return told
        return [str(row[1]) for row in described] if len(described) == len(told) else told

    def _check_catalog(self, endpoint: Endpoint) -> None:
        wanted = self._credentials.catalog
        if wanted is not None and self.facts.catalog.lower() != wanted.lower():
            raise DatabaseNotFoundError(
                f"{endpoint} has no catalog {wanted!r} that {self.facts.user!r} may use.",
                fix="Check catalog, and GRANT USE CATALOG ON CATALOG ... TO ....",
            )

    def _ask(
        self, sql: str, parameters: Mapping[str, str], budget: Budget
    ) -> tuple[list[str], list[Row]]:
        with self._cursor(budget, _PAGE) as cursor:
            self._run(cursor, sql, parameters, budget)
            found = Collected(None, None, page=_PAGE)
            self._fetch(cursor, budget, found)
            return [str(entry[0]) for entry in cursor.description or ()], found.rows

    def _run(self, cursor: Any, sql: str, parameters: Mapping[str, str], budget: Budget) -> None:
        """Send the statement and wait for its end."""
        cursor.execute_async(sql, dict(parameters) or None)
        pause = _FIRST_WAIT
        while (state := str(cursor.get_query_state().name)) in _WAITING:
            if budget.is_spent:
                raise budget.error()
            left = budget.left()
            self._wake.wait(pause if left is None else min(pause, left))
            self._wake.clear()
            pause = min(2 * pause, _LONGEST_WAIT)
        if state == "CANCELLED":
            raise stopped("in Databricks")
        cursor.get_async_execution_result()

    def _fetch(self, cursor: Any, budget: Budget, found: Collected) -> None:
        while wanted := found.wanted:
            page = cursor.fetchmany(wanted)
            if budget.is_spent:
                raise budget.error()
            if not page:
                break
            found.take(map(tuple, page))

    @contextlib.contextmanager
    def _cursor(self, budget: Budget, page: int) -> Generator[Any]:
        """A cursor; errors of the driver become ours, and whatever has not ended by then is stopped."""
        if budget.is_spent:
            raise budget.error()
        with self._typed(budget) as connection:
            cursor = connection.cursor(arraysize=max(1, page))
            try:
                with self._cuttable():
                    yield cursor
            except Exception:  # whatever the driver or the caller raises: the statement ends too
                self._abort(cursor, is_spent=budget.is_spent)
                raise
            cursor.close()

    @contextlib.contextmanager
    def _cuttable(self) -> Generator[None]:
        with self._lock:
            self._is_waiting = True
        try:
            yield
        finally:
            with self._lock:
                self._is_waiting = False

    def _abort(self, cursor: Any, *, is_spent: bool) -> None:
        """Stop the statement and have it forgotten; a session with one whose number is not known is ended."""
        line = self._line
        if line is None:
            return
        is_known = cursor.active_command_id is not None
        try:
            line.limit(_ABORT_SECONDS)
            if is_spent and is_known:
                cursor.cancel()
            line.close_operation(cursor)
            cursor.close()
            line.limit(_REQUEST_SECONDS)
        except Exception:  # whatever it was, the session is of no use any more
            self.close()
        if is_spent and not is_known:
            self.close()

    @contextlib.contextmanager
    def _typed(self, budget: Budget) -> Generator[Any]:
        """The connection; errors of the driver become ours, and a session that was lost is closed."""
        if self._connection is None:
            raise _closed()
        try:
            yield self._connection
        except SourceError:
            raise
        except Exception as error:
            if budget.is_spent:
                raise budget.error() from None
            made = query_error(error, endpoint_of(self._credentials))
            if isinstance(made, ConnectionFailedError):
                self.close()
            raise made from error


def _written(entry: Any, name: str) -> str:
    """The type as Databricks spells it; the driver has the numbers of a decimal apart."""
    if name == "decimal" and entry[4] is not None:
        return f"decimal({entry[4]},{entry[5] or 0})"
    return name


def _driver() -> ModuleType:
    # its client warns of a missing pyarrow, which nothing here needs
    quiet = logging.getLogger("databricks.sql.client")
    was, quiet.disabled = quiet.disabled, True
    try:
        driver = import_module("databricks.sql")
        import_module("databricks.sql.client")
        return driver
    except ImportError as error:
        raise DriverMissingError.of("Databricks", "databricks", error) from error
    finally:
        quiet.disabled = was


def _closed() -> ConnectionFailedError:
    return ConnectionFailedError("The source is closed.", fix="Connect again.", transient=False)
