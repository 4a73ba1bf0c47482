"""The blocking side of a Snowflake source: one session, used by one thread, that reads and nothing else.

Statements run detached: Snowflake gives the number of one at once, under which it is looked after, and stopped where
its time is over or nobody waits for it. So no call to the driver takes longer than a round trip, and what is stopped
is that statement and no other.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
import warnings
from collections.abc import Generator, Sequence
from importlib import import_module
from math import ceil
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
from buster_tasks.sources.credentials import SnowflakeCredentials
from buster_tasks.sources.network import check_host, check_url, no_answer
from buster_tasks.sources.snowflake.catalog import FACTS, NO_SECONDARY_ROLES
from buster_tasks.sources.snowflake.failures import Endpoint, login_error, query_error
from buster_tasks.sources.snowflake.login import arguments, endpoint_of
from buster_tasks.sources.snowflake.reading_only import refuse_writes
from buster_tasks.sources.snowflake.values import Field, converters, fields_of, type_name

Row = tuple[Any, ...]

_PAGE = 1_000
_FIRST_WAIT, _LONGEST_WAIT = 0.02, 1.0
_ABORT_SECONDS = 5.0
_LOOK_SECONDS = 3.0


class Facts(NamedTuple):
    """What Snowflake tells about the session."""

    version: str | None
    user: str | None
    role: str | None
    database: str | None
    schema: str | None
    warehouse: str | None


class SnowflakeSession:
    """A session that only reads, and is made anew by `open` when it was lost.

    All but `interrupt` belongs to one thread. `statements` counts ours and those of the user, without what sets up
    the session.
    """

    def __init__(self, credentials: SnowflakeCredentials, *, network_seconds: float) -> None:
        self._credentials, self._network_seconds = credentials, network_seconds
        self._connection: Any = None
        self._facts: Facts | None = None
        self._wake = threading.Event()
        self.statements = 0

    @property
    def facts(self) -> Facts:
        """What Snowflake told at the beginning. Raises ConnectionFailedError while there is no session."""
        if self._facts is None:
            raise _closed()
        return self._facts

    def open(self, budget: Budget) -> None:
        """Log in; does nothing when that was done. Raises SourceError."""
        if self._connection is not None:
            return
        endpoint = endpoint_of(self._credentials)
        check_host(endpoint.host, endpoint.port)
        if self._credentials.token_url is not None:
            check_url(self._credentials.token_url)
        driver = _driver()
        seconds = budget.seconds if budget.seconds is not None else self._network_seconds
        major = int(str(driver.__version__).partition(".")[0])
        given = arguments(
            self._credentials,
            major,
            open_seconds=seconds,
            network_seconds=self._network_seconds,
        )
        try:
            self._connection = driver.connect(**given)
        except Exception as error:
            if budget.stopped:
                raise budget.error() from None
            look, is_late = min(seconds, _LOOK_SECONDS), budget.is_spent
            raise login_error(error, endpoint, look, major=major, is_late=is_late) from error
        try:
            self._facts = self._set_up(endpoint)
        except SourceError as error:
            self.close()
            if budget.stopped:
                raise budget.error() from error
            if budget.is_spent:
                raise no_answer(endpoint.host, endpoint.port, budget.seconds) from error
            raise

    def close(self) -> None:
        """Log out."""
        connection, self._connection, self._facts = self._connection, None, None
        if connection is not None:
            # a session that cannot be logged out of ends by itself
            with contextlib.suppress(Exception):
                connection.close(retry=False)

    def interrupt(self) -> None:
        """Have the thread look at the budget now, from any thread."""
        self._wake.set()

    def abandon(self) -> None:
        """Nothing: a request ends at its own time limit, whatever happens to the network."""

    def rows(
        self, sql: str, parameters: Sequence[str] = (), *, budget: Budget
    ) -> tuple[list[str], list[Row]]:
        """The names of the columns in lower case and all rows of one of our own statements. Raises SourceError."""
        found = Collected(None, None, page=_PAGE)
        fields = self._answer(sql, parameters, budget, found, None)
        return [field.name.lower() for field in fields], found.rows

    def select(
        self, sql: str, *, max_rows: int, max_bytes: int | None = None, budget: Budget
    ) -> QueryResult:
        """At most so many rows and bytes of somebody's statement. Raises SourceError."""
        refuse_writes(sql)
        found = Collected(max_rows, max_bytes, page=_PAGE)
        fields = self._answer(sql, (), budget, found, max_rows + 1)
        return found.result([QueryColumn(field.name, type_name(field)) for field in fields])

    def _set_up(self, endpoint: Endpoint) -> Facts:
        with self._typed() as connection, contextlib.closing(connection.cursor()) as cursor:
            cursor.execute(NO_SECONDARY_ROLES)
            cursor.execute(FACTS)
            facts = Facts(*cursor.fetchone())
        if facts.database is None:
            raise DatabaseNotFoundError(
                f"{endpoint} has no database {endpoint.database!r} that the role {facts.role!r} may use.",
                fix="Check default_database, and GRANT USAGE ON DATABASE ... TO ROLE ....",
            )
        return facts

    def _answer(
        self,
        sql: str,
        parameters: Sequence[str],
        budget: Budget,
        found: Collected,
        most: int | None,
    ) -> list[Field]:
        if budget.is_spent:
            raise budget.error()
        self.statements += 1
        with self._typed() as connection, contextlib.closing(connection.cursor()) as cursor:
            number = self._begun(cursor, sql, parameters, budget, most)
            self._wait(connection, cursor, number, budget)
            cursor.query_result(number)
            fields = fields_of(cursor.description)
            converts = converters(fields)
            while wanted := found.wanted:
                page = cursor.fetchmany(wanted)
                if budget.is_spent:
                    raise budget.error()
                if not page:
                    break
                found.take(converted(row, converts) for row in page)
            return fields

    def _begun(
        self, cursor: Any, sql: str, parameters: Sequence[str], budget: Budget, most: int | None
    ) -> str:
        limits: dict[str, int] = {}
        if budget.seconds is not None:  # so that it ends even where we are gone
            limits["STATEMENT_TIMEOUT_IN_SECONDS"] = ceil(budget.seconds) + 1
        if most is not None:
            limits["ROWS_PER_RESULTSET"] = most
        begun = cursor.execute_async(
            sql, tuple(parameters) or None, _statement_params=limits or None
        )
        return str(begun["queryId"])

    def _wait(self, connection: Any, cursor: Any, number: str, budget: Budget) -> None:
        """Until the statement has ended; one whose budget is spent is stopped."""
        pause = _FIRST_WAIT
        while connection.is_still_running(connection.get_query_status(number)):
            if budget.is_spent:
                self._abort(connection, cursor, number)
                raise budget.error()
            left = budget.left()
            self._wake.wait(pause if left is None else min(pause, left))
            self._wake.clear()
            pause = min(2 * pause, _LONGEST_WAIT)

    def _abort(self, connection: Any, cursor: Any, number: str) -> None:
        """Stop the statement, and see it end: what still runs would keep its session from being closed."""
        ends = time.monotonic() + _ABORT_SECONDS
        with contextlib.suppress(Exception):  # the budget's error is what matters
            cursor.abort_query(number)
            while connection.is_still_running(connection.get_query_status(number)):
                if time.monotonic() > ends:
                    break
                threading.Event().wait(_FIRST_WAIT)

    @contextlib.contextmanager
    def _typed(self) -> Generator[Any]:
        """The connection; errors of the driver become ours, and one that was lost is closed."""
        if self._connection is None:
            raise _closed()
        try:
            yield self._connection
        except SourceError:
            raise
        except Exception as error:
            made = query_error(error, endpoint_of(self._credentials))
            if isinstance(made, ConnectionFailedError):
                self.close()
            raise made from error


def _driver() -> ModuleType:
    # else it asks the cloud's metadata service, and AWS who we are, and tells Snowflake
    os.environ.setdefault("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # what the driver's own imports deprecate is not the user's
            return import_module("snowflake.connector")
    except ImportError as error:
        raise DriverMissingError.of("Snowflake", "snowflake", error) from error


def _closed() -> ConnectionFailedError:
    return ConnectionFailedError("The source is closed.", fix="Connect again.", transient=False)
