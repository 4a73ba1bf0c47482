"""The blocking side of a MySQL source: one connection, used by one thread, that reads and nothing else."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Sequence
from typing import TypeVar

from buster_tasks.errors import (
    ConnectionFailedError,
    QueryCanceledError,
    QueryFailedError,
    SourceError,
)
from buster_tasks.sources.base import QueryColumn, QueryResult
from buster_tasks.sources.blocking import Budget, OneAtATime
from buster_tasks.sources.collected import Collected
from buster_tasks.sources.credentials import MysqlCredentials
from buster_tasks.sources.mysql.link import Answer, Link, Row
from buster_tasks.sources.mysql.reading_only import refuse_writes
from buster_tasks.sources.mysql.server import FACTS, Server
from buster_tasks.sources.mysql.values import Field, is_bytes, type_name
from buster_tasks.sources.network import no_answer

T = TypeVar("T")

_KILL_SECONDS = 3.0
_PAGE = 1_000


class MysqlSession:
    """A connection that only reads, and is made anew by `open` when it was lost.

    All but `interrupt` and `abandon` belongs to one thread. `statements` counts ours and those of the user, without
    what sets up the session and its transactions.
    """

    def __init__(self, credentials: MysqlCredentials, *, read_seconds: float) -> None:
        self._credentials, self._read_seconds = credentials, read_seconds
        self._link: Link | None = None
        self._server: Server | None = None
        self._limits = ""
        self._killer = OneAtATime(self._kill, "mysql-kill")
        self._kill_is_loose = False
        self._is_working = False
        self.statements = 0

    @property
    def server(self) -> Server:
        """What the server told about itself. Raises ConnectionFailedError while there is no connection."""
        if self._server is None:
            raise _closed()
        return self._server

    def open(self, budget: Budget) -> None:
        """Connect, and make the session read only; does nothing when connected. Raises SourceError."""
        is_quiet = self._killer.join(_KILL_SECONDS)
        if self._link is not None and not (is_quiet and self._link.is_usable):
            self.close()
        if self._server is not None:
            return
        self._link = link = Link(self._credentials, self._read_seconds)
        try:
            link.open(budget)
            link.do("SET SESSION TRANSACTION READ ONLY")
            server = _server(_as_text(link.ask(FACTS).fetch()[0]))
            server.check()
        except SourceError as error:
            self.close()
            if budget.stopped:
                raise budget.error() from error
            if budget.is_spent:
                raise no_answer(link.endpoint.host, link.endpoint.port, budget.seconds) from error
            raise
        self._server = server

    def close(self) -> None:
        """Give the connection back."""
        link, self._link, self._server, self._limits = self._link, None, None, ""
        self._kill_is_loose = False
        if link is not None:
            link.close()

    def interrupt(self) -> None:
        """Stop the statement that runs now, from any thread: by KILL QUERY over another connection."""
        if self._server is None:
            self.abandon()  # it is still connecting
        else:
            self._killer()

    def abandon(self) -> None:
        """Give the connection up, from any thread and without asking the server."""
        link = self._link
        if link is not None:
            link.shut()

    def rows(self, sql: str, parameters: Sequence[str] = (), *, budget: Budget) -> list[Row]:
        """All rows of one of our own statements, where whatever is no number is text. Raises SourceError."""
        with self._watched(budget) as link:
            self._limit(link, budget, None)
            fields, rows = self._answered(link, sql, parameters, _all)
        return [_as_text(row) for row in rows] if any(map(is_bytes, fields)) else rows

    def select(
        self, sql: str, *, max_rows: int, max_bytes: int | None = None, budget: Budget
    ) -> QueryResult:
        """At most so many rows and bytes of somebody's statement. Raises SourceError."""
        refuse_writes(sql)
        try:
            with self._watched(budget) as link:
                self._limit(link, budget, max_rows + 1)
                link.do("START TRANSACTION READ ONLY")
                fields, found = self._answered(
                    link, sql, (), lambda answer: _some(answer, max_rows, max_bytes)
                )
        finally:
            self._roll_back()
        if (
            budget.is_spent
        ):  # some functions, such as SLEEP, end early without an error when they are stopped
            raise budget.error()
        return found.result([QueryColumn(field.name, type_name(field)) for field in fields])

    @contextlib.contextmanager
    def _watched(self, budget: Budget) -> Generator[Link]:
        """The connection for one statement; an error of it becomes that of the budget where this is why."""
        self._killer.join(_KILL_SECONDS)  # else it might hit the statement to come
        if budget.is_spent:
            raise budget.error()
        link = self._link
        if link is None:
            raise _closed()
        self._is_working = True
        try:
            self._absorb_loose_kill(link)
            yield link
        except SourceError as error:
            if budget.is_spent:
                raise budget.error() from error
            raise
        finally:
            self._is_working = False
            if not link.is_usable:
                self.close()

    def _absorb_loose_kill(self, link: Link) -> None:
        """Have a statement of no meaning hit by what was to stop an earlier one, which may have ended just then."""
        if self._kill_is_loose:
            self._kill_is_loose = False
            with contextlib.suppress(QueryCanceledError):
                link.do("DO 0")

    def _limit(self, link: Link, budget: Budget, rows: int | None) -> None:
        limits = self.server.limits(budget.seconds, rows)
        if limits != self._limits:
            link.do(limits)
            self._limits = limits

    def _answered(
        self, link: Link, sql: str, parameters: Sequence[str], take: Callable[[Answer], T]
    ) -> tuple[list[Field], T]:
        self.statements += 1
        answer = link.ask(sql, parameters)
        try:
            if answer.fields is None:
                raise QueryFailedError(
                    "The statement has no result.", fix="Send one SELECT statement."
                )
            taken = take(answer)
            if answer.is_open:
                self._cut_short(answer)
        finally:
            if answer.is_open:
                link.close()
            answer.give_up()
        return answer.fields, taken

    def _cut_short(self, answer: Answer) -> None:
        """End a statement whose other rows nobody wants; where the server cannot be asked to, leave the connection."""
        self._kill()
        try:
            answer.drain()
        except QueryCanceledError:
            self._kill_is_loose = False
        except SourceError:
            answer.give_up()

    def _roll_back(self) -> None:
        link = self._link
        if link is None:
            return
        try:
            link.do("ROLLBACK")
        except SourceError:
            self.close()

    def _kill(self) -> None:
        """Stop what runs on our connection; where the server cannot be asked to, break the connection."""
        link, server = self._link, self._server
        if link is None or server is None:
            return
        other = Link(self._credentials, _KILL_SECONDS)
        try:
            other.open(Budget(_KILL_SECONDS))
            self._kill_is_loose = True
            other.do(f"KILL QUERY {server.connection}")
        except SourceError:
            if self._is_working:  # else it came to its end in the meantime
                link.shut()
        finally:
            other.close()


def _all(answer: Answer) -> list[Row]:
    return answer.fetch()


def _some(answer: Answer, max_rows: int, max_bytes: int | None) -> Collected:
    found = Collected(max_rows, max_bytes, page=_PAGE)
    while wanted := found.wanted:
        page = answer.fetch(wanted)
        found.take(page)
        if len(page) < wanted:
            return found
    if answer.is_open:
        answer.fetch(1)  # so that a result which ends here is seen to end
    return found


def _closed() -> ConnectionFailedError:
    return ConnectionFailedError("The source is closed.", fix="Connect again.", transient=False)


def _as_text(row: Row) -> Row:
    """A row of the catalog with its bytes as text: servers give some of its names and expressions as binary."""
    return tuple(
        value.decode("utf-8", "replace") if isinstance(value, bytes) else value for value in row
    )


def _server(facts: Row) -> Server:
    version, user, database, connection, folding = facts
    return Server(
        version=str(version),
        user=str(user),
        database=None if database is None else str(database),
        connection=int(str(connection)),
        ignores_case=str(folding) != "0",
    )
