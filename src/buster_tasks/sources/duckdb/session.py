"""The blocking side of a DuckDB source: one connection, used by one thread, that reads and nothing else.

Only SELECT statements are run, each in a transaction that is read only and rolled back; the file is the only thing
that DuckDB may touch, and no statement can change that.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from buster_tasks.errors import (
    ConnectionFailedError,
    DatabaseNotFoundError,
    PermissionDeniedError,
)
from buster_tasks.sources.access import check_path
from buster_tasks.sources.base import QueryColumn, QueryResult
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.collected import Collected
from buster_tasks.sources.duckdb.failures import not_opened, rejected
from buster_tasks.sources.failures import no_query

Row = dict[str, Any]

_FETCH = 1_000
_SETTINGS: dict[str, Any] = {
    "enable_external_access": False,
    "python_enable_replacements": False,  # FROM name is a table, and no variable of ours
    "autoload_known_extensions": False,
    "autoinstall_known_extensions": False,
    "lock_configuration": True,
}


class DuckdbSession:
    """A connection that only reads. All but `interrupt` belongs to one thread; `statements` counts what ran."""

    def __init__(self, path: str, *, read_only: bool) -> None:
        self._path = Path(path)
        self._read_only = read_only
        self._connection: duckdb.DuckDBPyConnection | None = None
        self.statements = 0

    def open(self, budget: Budget) -> None:
        """Open the file; does nothing when it is open. Raises SourceError."""
        if self._connection is not None:
            return
        if budget.is_spent:
            raise budget.error()
        check_path(str(self._path))
        path = _existing_file(self._path)
        try:
            self._connection = duckdb.connect(
                str(path), read_only=self._read_only, config=_SETTINGS
            )
        except duckdb.Error as error:
            raise not_opened(error, path) from error

    def close(self) -> None:
        """Give the file back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def interrupt(self) -> None:
        """Stop the statement that runs now, from any thread. Has no effect between statements."""
        connection = self._connection
        if connection is not None:
            with contextlib.suppress(duckdb.Error):  # closed just now by its own thread
                connection.interrupt()

    def abandon(self) -> None:
        """Nothing: `interrupt` always works."""

    @contextmanager
    def reading(self, budget: Budget) -> Generator[Reader]:
        """A transaction that sees one state of the file. Raises SourceError."""
        if self._connection is None:
            raise ConnectionFailedError(
                "The source is closed.", fix="Connect again.", transient=False
            )
        connection = self._connection
        reader = Reader(connection, budget)
        try:
            reader.begin()
            yield reader
        except duckdb.Error as error:
            raise rejected(error) from error
        finally:
            self.statements += reader.statements
            _roll_back(connection)

    def select(
        self, sql: str, *, max_rows: int, max_bytes: int | None = None, budget: Budget
    ) -> QueryResult:
        """At most so many rows and bytes of somebody's statement. Raises SourceError."""
        with self.reading(budget) as reader:
            return reader.select(sql, max_rows=max_rows, max_bytes=max_bytes)

    def version(self) -> str:
        """DuckDB's version."""
        return duckdb.__version__


class Reader:
    """What can be read within one transaction, once `begin` was called."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, budget: Budget) -> None:
        self._connection = connection
        self._budget = budget
        self.statements = 0

    def begin(self) -> None:
        """Begin the transaction, whatever interrupts this. Raises SourceError when the budget is spent."""
        while True:
            if self._budget.is_spent:
                raise self._budget.error()
            try:
                self._connection.execute("BEGIN TRANSACTION READ ONLY")
            except duckdb.InterruptException:
                # what was begun is there all the same, and of no use
                _roll_back(self._connection)
            else:
                return

    def rows(self, sql: str) -> list[Row]:
        """The rows of one of our own statements, by column names: they differ between versions."""
        names, found = self._run(sql)
        return [dict(zip((name for name, _type in names), row, strict=True)) for row in found.rows]

    def parts(self, type_name: str) -> tuple[str, list[tuple[str, Any]]]:
        """A type's kind, and what is within it by name: types as texts, sizes as numbers."""
        known = self._connection.type(type_name)
        return str(known.id), [(str(name), child) for name, child in known.children]

    def select(self, sql: str, *, max_rows: int, max_bytes: int | None) -> QueryResult:
        """At most so many rows and bytes of somebody's statement."""
        self._check(sql)
        names, found = self._run(sql, max_rows, max_bytes)
        return found.result([QueryColumn(name, kind) for name, kind in names])

    def _check(self, sql: str) -> None:
        """Raise unless it is one statement, and a reading one, as DuckDB itself understands the text."""
        found = self._connection.extract_statements(sql)
        if not found:
            raise no_query()
        if len(found) > 1:
            raise PermissionDeniedError(
                f"The text holds {len(found)} statements.", fix="Send one SELECT statement."
            )
        if found[0].type != duckdb.StatementType.SELECT:
            raise PermissionDeniedError(
                f"A data source is only read, and this is a statement of type {found[0].type.name}.",
                fix="Send one SELECT statement.",
            )

    def _run(
        self, sql: str, max_rows: int | None = None, max_bytes: int | None = None
    ) -> tuple[list[tuple[str, str]], Collected]:
        while True:
            if self._budget.is_spent:
                raise self._budget.error()
            self.statements += 1
            try:
                return self._fetched(sql, Collected(max_rows, max_bytes, page=_FETCH))
            except duckdb.InterruptException as error:
                if self._budget.is_spent:
                    raise self._budget.error() from error
                # it was meant for an earlier call, and has made the transaction useless
                _roll_back(self._connection)
                self.begin()

    def _fetched(self, sql: str, found: Collected) -> tuple[list[tuple[str, str]], Collected]:
        result = self._connection.execute(sql)
        names = [(str(entry[0]), str(entry[1])) for entry in result.description or []]
        while wanted := found.wanted:
            page = result.fetchmany(wanted)
            if self._budget.is_spent:
                raise self._budget.error()
            if not page:
                break
            found.take(page)
        return names, found


def _roll_back(connection: duckdb.DuckDBPyConnection) -> None:
    """End the transaction for certain: an interrupt can stop this statement too, and leave it open."""
    while True:
        try:
            connection.execute("ROLLBACK")
        except duckdb.InterruptException:
            continue
        except duckdb.Error:  # there is none any more, or a fatal error has ended all
            return
        else:
            return


def _existing_file(path: Path) -> Path:
    """The absolute path of a file that is there. Raises DatabaseNotFoundError, PermissionDeniedError."""
    where = str(path)
    fix = "Give the path of a DuckDB file as the machine that runs the task sees it."
    try:
        absolute = path.expanduser().absolute()
        if not absolute.exists():
            raise DatabaseNotFoundError(f"There is no file {where!r}.", fix=fix)
        if not absolute.is_file():  # a folder, or a pipe, which would be waited for
            raise DatabaseNotFoundError(f"{where!r} is no regular file.", fix=fix)
        if not os.access(absolute, os.R_OK):
            raise PermissionDeniedError(
                f"{where!r} may not be read by this user.", fix="Change the rights of the file."
            )
    except (OSError, RuntimeError) as error:
        raise PermissionDeniedError(f"{where!r} cannot be looked at: {error}.", fix=fix) from error
    return absolute
