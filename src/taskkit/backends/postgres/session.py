"""A connection whose statements go out together, and that comes back after an outage."""

from __future__ import annotations

import select
import time
from collections.abc import Sequence
from typing import Any, Final

import psycopg
from psycopg.adapt import Transformer
from psycopg.pq import DiagnosticField, ExecStatus, Format, PipelineStatus

from taskkit.backends.postgres.connection import Place, connect, set_all, silence, told, within
from taskkit.backends.postgres.parameters import oids_of, written
from taskkit.backends.postgres.schema import migrate, version_of
from taskkit.backends.sql.schema import latest

_PLANS: Final = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_bitmapscan": "off",  # it loses the order of the index, and then all rows are sorted for the first few
}
"""Every statement of ours finds its rows by an index. One planned while a table was small must not scan it later."""

_DATA: Final = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)
_MOST: Final = 1_000
"""Statements that the server keeps prepared."""
_FORWARD: Final = 64
"""Statements after which what was gathered is sent on, so that the server has something to do meanwhile."""


class Answer:
    """What the server says to one statement; asking for it sends everything that was gathered before."""

    __slots__ = ("_rows", "_session", "result")

    def __init__(self, session: Session) -> None:
        self._session = session
        self.result: Any = None
        self._rows: list[Any] | None = None

    def fetchall(self) -> list[Any]:
        if self.result is None:
            self._session.sync()
        if self._rows is None:
            self._rows = self._session.rows_of(self.result)
        return self._rows

    def fetchone(self) -> Any:
        rows = self.fetchall()
        return rows[0] if rows else None


class Session:
    """Statements are gathered, each prepared once, and sent when an answer is wanted, with a sync behind them.

    At a sync the server counts as idle in its transaction: one whose client was stopped is ended by the server's
    own time limit. Whatever takes the server longer than `patience` seconds counts as a lost connection.
    """

    def __init__(self, place: Place, *, writes: bool, **parameters: str) -> None:
        """`parameters` are the server's, for this session."""
        self._place = place
        self._writes = writes
        self._parameters = parameters
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        self._prepared: dict[tuple[str, tuple[int, ...]], bytes] = {}
        self._unsure: list[tuple[str, tuple[int, ...]]] = []
        self._was_open = False
        self._count = 0
        self._asked: list[Answer | None] = []
        self.open()

    def open(self) -> None:
        """Connect, and make the tables where they are missing."""
        connection = None
        try:
            connection = connect(self._place, **self._parameters)
            if self._writes:
                self._prepare_schema(connection)
            connection.pgconn.enter_pipeline_mode()
        except Exception as error:
            if connection is not None:
                connection.close()
            raise told(self._place, error) from error
        self._connection, self._was_open = connection, True
        self._transformer = Transformer(connection)
        self._prepared, self._unsure, self._asked = {}, [], []

    def _prepare_schema(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        place = self._place
        with within(place.patience, connection):
            version = version_of(connection, place.schema)
        if version != latest():  # which may take as long as it takes
            migrate(connection, place.schema, upgrades=place.upgrades, newer=self._was_open)
        with within(place.patience, connection):
            set_all(connection, _PLANS)

    def live(self) -> psycopg.Connection[tuple[Any, ...]]:
        """The connection; a new one when it was lost."""
        if self._connection is None:
            self.open()
        assert self._connection is not None
        return self._connection

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    # --- statements ---------------------------------------------------------------------------------

    def send(self, sql: str, values: Sequence[Any] = ()) -> Answer:
        """Gather a statement, with ? for each value."""
        server = self.live().pgconn
        oids = oids_of(values)
        name = self._prepared.get((sql, oids))
        if name is None:
            name = self._prepare(sql, oids)
        parameters, formats = written(values, oids)
        server.send_query_prepared(name, parameters, formats, Format.BINARY)
        answer = Answer(self)
        self._asked.append(answer)
        if len(self._asked) % _FORWARD == 0:
            server.flush()
        return answer

    def _prepare(self, sql: str, oids: tuple[int, ...]) -> bytes:
        server = self.live().pgconn
        if len(self._prepared) >= _MOST:
            server.send_query_params(b"DEALLOCATE ALL", None)
            self._asked.append(None)
            self._prepared.clear()
        self._count += 1
        name = self._prepared[sql, oids] = f"taskkit_{self._count}".encode()
        self._unsure.append((sql, oids))
        server.send_prepare(name, _numbered(sql), oids)
        self._asked.append(None)
        return name

    def send_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        for values in rows:
            self.send(sql, values)

    def rows_of(self, result: Any) -> list[Any]:
        self._transformer.set_pgresult(result, format=Format.BINARY)
        return self._transformer.load_rows(0, result.ntuples, tuple)

    # --- answers ------------------------------------------------------------------------------------

    def sync(self) -> None:
        """Wait until the server has answered everything; raises the first thing that went wrong."""
        server = self.live().pgconn
        server.pipeline_sync()
        asked, self._asked = self._asked, []
        error: psycopg.Error | None = None
        for answer in asked:
            result = self._result()
            if result.status in _DATA:
                if answer is not None:
                    answer.result = result
            elif error is None and result.status != ExecStatus.PIPELINE_ABORTED:
                error = _error_of(result)
            while self._result(may_end=True) is not None:
                pass
        while self._result().status != ExecStatus.PIPELINE_SYNC:
            pass
        if error is not None:
            for known in self._unsure:  # the server may have skipped them
                self._prepared.pop(known, None)
            self._unsure = []
            raise error
        self._unsure = []

    def _result(self, *, may_end: bool = False) -> Any:
        server = self.live().pgconn
        ends = time.monotonic() + self._place.patience
        while True:
            is_sent = server.flush() == 0
            if not server.is_busy():
                result = server.get_result()
                if result is not None or may_end:
                    return result
            poll = select.poll()
            poll.register(
                server.socket, select.POLLIN if is_sent else select.POLLIN | select.POLLOUT
            )
            left = ends - time.monotonic()
            if left <= 0 or not poll.poll(left * 1_000):
                self.close()  # nobody waits for it a second time
                raise silence(self._place.patience)
            server.consume_input()

    def roll_back(self) -> None:
        """Leave the transaction, whatever state it is in; a connection with which that does not go is dropped."""
        connection = self._connection
        if connection is None:
            return
        try:
            if connection.pgconn.pipeline_status == PipelineStatus.OFF:
                raise psycopg.OperationalError("the connection is lost")
            self.send("ROLLBACK")
            self.sync()
        except psycopg.Error:
            if connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                self.close()


def _numbered(sql: str) -> bytes:
    """The statement with $1, $2, ... in the place of its question marks."""
    first, *rest = sql.split("?")
    return "".join([first, *[f"${number}{text}" for number, text in enumerate(rest, 1)]]).encode()


def _error_of(result: Any) -> psycopg.Error:
    state = result.error_field(DiagnosticField.SQLSTATE)
    message = result.error_message.decode(errors="replace").strip()
    if state is None:
        return psycopg.OperationalError(message)
    try:
        kind = psycopg.errors.lookup(state.decode())
    except KeyError:
        kind = psycopg.DatabaseError
    error = kind(message)
    if error.sqlstate is None:
        error.sqlstate = state.decode()
    return error
