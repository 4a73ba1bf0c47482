"""The blocking side of a SQLite source: one connection, used by one thread, that reads and nothing else."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

from buster_tasks.errors import (
    ConnectionFailedError,
    DatabaseNotFoundError,
    PermissionDeniedError,
    SourceBusyError,
    SourceError,
)
from buster_tasks.sources.access import check_path
from buster_tasks.sources.base import QueryColumn, QueryResult
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.collected import Collected
from buster_tasks.sources.failures import no_query
from buster_tasks.sources.sqlite.failures import result_code, typed_error
from buster_tasks.sources.sqlite.permissions import may_run

Row = tuple[object, ...]

_BUSY_SLICE_MS = 200
_OPERATIONS_BETWEEN_LOOKS = 10_000
_FETCH = 1_000
_LONGEST_VALUE = 256 * 1024 * 1024
_STORAGE_CLASSES: dict[type, str] = {int: "INTEGER", float: "REAL", str: "TEXT", bytes: "BLOB"}
_PRAGMAS = (
    "query_only=ON",
    "trusted_schema=OFF",  # a view or default in a file from elsewhere must not call what has effects
    "cell_size_check=ON",
    f"busy_timeout={_BUSY_SLICE_MS}",
)


class SqliteSession:
    """A connection that only reads. All but `interrupt` belongs to one thread; `statements` counts what ran."""

    def __init__(self, path: str, *, read_only: bool, lock_seconds: float) -> None:
        self._path = Path(path)
        self._mode = "ro" if read_only else "rw"
        self._lock_seconds = lock_seconds
        self._connection: sqlite3.Connection | None = None
        self._budget = Budget(None)
        self.statements = 0

    def open(self, budget: Budget) -> None:
        """Open the file and read its header, so that a wrong file shows here. Raises SourceError."""
        if self._connection is not None:
            return
        check_path(str(self._path))
        uri = f"{_existing_file(self._path).as_uri()}?mode={self._mode}"
        self._budget = budget
        try:
            # `interrupt` and the closing of an abandoned source come from other threads.
            self._connection = sqlite3.connect(
                uri, uri=True, isolation_level=None, check_same_thread=False
            )
            _prepare(self._connection)
            self._connection.set_progress_handler(self._look, _OPERATIONS_BETWEEN_LOOKS)
            self.rows("SELECT count(*) FROM main.sqlite_schema", budget=budget)
        except sqlite3.Error as error:
            self.close()
            if budget.is_spent:
                raise budget.error() from error
            raise typed_error(error, str(self._path)) from error
        except SourceError:
            self.close()
            raise

    def close(self) -> None:
        """Give the file back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def interrupt(self) -> None:
        """Stop the statement that runs now, from any thread. Has no effect between statements."""
        connection = self._connection
        if connection is None:
            return
        try:
            connection.interrupt()
        except sqlite3.ProgrammingError:  # closed just now by its own thread
            return

    def abandon(self) -> None:
        """Nothing: `interrupt` always works."""

    def rows(self, sql: str, parameters: Sequence[str] = (), *, budget: Budget) -> list[Row]:
        """All rows of one of our own statements. Raises SourceError."""
        return self._patiently(sql, parameters, budget)[1].rows

    def select(
        self, sql: str, *, max_rows: int, max_bytes: int | None = None, budget: Budget
    ) -> QueryResult:
        """At most so many rows and bytes of somebody's statement. Raises SourceError."""
        names, found = self._patiently(sql, (), budget, max_rows, max_bytes)
        if names is None:
            raise no_query()
        return found.result(
            [QueryColumn(name, _storage_class(found.rows, at)) for at, name in enumerate(names)]
        )

    def _patiently(
        self,
        sql: str,
        parameters: Sequence[str],
        budget: Budget,
        max_rows: int | None = None,
        max_bytes: int | None = None,
    ) -> tuple[list[str] | None, Collected]:
        """Run a statement, and again while the file is locked: SQLite's own waiting cannot be interrupted."""
        give_up = time.monotonic() + self._lock_seconds
        while True:
            try:
                found = Collected(max_rows, max_bytes, page=_FETCH)
                return self._once(sql, parameters, budget, found)
            except SourceBusyError:
                if time.monotonic() >= give_up:
                    raise

    def _once(
        self, sql: str, parameters: Sequence[str], budget: Budget, found: Collected
    ) -> tuple[list[str] | None, Collected]:
        if self._connection is None:
            raise ConnectionFailedError(
                "The source is closed.", fix="Connect again.", transient=False
            )
        if budget.is_spent:
            raise budget.error()
        self._budget = budget
        self.statements += 1
        try:
            cursor = self._connection.execute(sql, parameters)
            try:
                described = cursor.description
                names = None if described is None else [str(entry[0]) for entry in described]
                while wanted := found.wanted:
                    page = cursor.fetchmany(wanted)
                    if not page:
                        break
                    found.take(page)
                return names, found
            finally:
                cursor.close()
        except (sqlite3.Error, sqlite3.Warning, UnicodeError) as error:
            if result_code(error) == sqlite3.SQLITE_INTERRUPT:
                if budget.is_spent:
                    raise budget.error() from error
                # it was meant for an earlier call
                return self._once(sql, parameters, budget, found.emptied())
            raise typed_error(error, str(self._path)) from error

    def _look(self) -> int:
        return int(self._budget.is_spent)


def _existing_file(path: Path) -> Path:
    """The absolute path of a file that is there. Raises DatabaseNotFoundError, PermissionDeniedError."""
    where = str(path)
    fix = "Give the path of a SQLite file as the machine that runs the task sees it."
    try:
        absolute = path.expanduser().absolute()
        if absolute.is_dir():
            raise DatabaseNotFoundError(f"{where!r} is a folder, not a SQLite file.", fix=fix)
        if not absolute.exists():
            raise DatabaseNotFoundError(f"There is no file {where!r}.", fix=fix)
        if not absolute.is_file():  # opening a pipe would wait for its other end for ever
            raise DatabaseNotFoundError(f"{where!r} is no regular file.", fix=fix)
        if not os.access(absolute, os.R_OK):
            raise PermissionDeniedError(
                f"{where!r} may not be read by this user.", fix="Change the rights of the file."
            )
    except (OSError, RuntimeError) as error:
        raise PermissionDeniedError(f"{where!r} cannot be looked at: {error}.", fix=fix) from error
    return absolute


def _prepare(connection: sqlite3.Connection) -> None:
    """Make the connection unable to write, and wary of what a file from elsewhere may hold."""
    connection.text_factory = _text
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
    connection.set_authorizer(may_run)


def _storage_class(rows: Sequence[Row], at: int) -> str | None:
    """The one storage class of a column's values but NULL; None for several, or where there is no value."""
    kinds: set[type] = {type(row[at]) for row in rows} - {type(None)}
    return _STORAGE_CLASSES.get(kinds.pop()) if len(kinds) == 1 else None


def _text(value: bytes) -> str | bytes:
    """Text as SQLite gives it; what is no UTF-8 stays bytes rather than being lost."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value
