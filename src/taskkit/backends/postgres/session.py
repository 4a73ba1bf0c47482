"""A connection whose statements go out in a pipeline, and that comes back after an outage."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from taskkit.backends.postgres.connection import Place, connect, told
from taskkit.backends.postgres.schema import migrate

_PLANS = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
"""Every statement of ours finds its rows by an index. One planned while a table was small must not scan it later."""

Cursor = psycopg.Cursor[tuple[Any, ...]]


class Session:
    """Statements are sent as they come, and the server answers when something is fetched or at `sync`."""

    def __init__(self, place: Place, *, migrates: bool) -> None:
        self._place = place
        self._migrates = migrates
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        self._entered: AbstractContextManager[psycopg.Pipeline] | None = None
        self._pipeline: psycopg.Pipeline | None = None
        self._spelt: dict[str, bytes] = {}
        self.open()

    def open(self) -> None:
        """Connect, and make the tables where they are missing."""
        connection = None
        try:
            connection = connect(self._place)
            if self._migrates:
                migrate(connection, self._place.schema)
                for setting, value in _PLANS.items():
                    connection.execute("SELECT set_config(%s, %s, false)", (setting, value))
            self._entered = connection.pipeline()
            self._pipeline = self._entered.__enter__()
            self._connection = connection
        except Exception as error:
            if connection is not None:
                connection.close()
            raise told(self._place, error) from error

    def live(self) -> psycopg.Connection[tuple[Any, ...]]:
        """The connection; a new one when it was lost."""
        if self._connection is None or self._connection.closed:
            self._drop()
            self.open()
        assert self._connection is not None
        return self._connection

    def close(self) -> None:
        if self._entered is not None and self._connection is not None:
            with suppress(psycopg.Error):
                self._entered.__exit__(None, None, None)
        self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        self._entered = self._pipeline = None
        if connection is not None:
            connection.close()

    # --- statements ---------------------------------------------------------------------------------

    def send(self, sql: str, values: Sequence[Any] = ()) -> Cursor:
        return self.live().execute(self._text(sql), values, prepare=True, binary=True)

    def send_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        if len(rows) == 1:
            self.send(sql, rows[0])
        elif rows:
            self.live().cursor().executemany(self._text(sql), rows)

    def _text(self, sql: str) -> bytes:
        text = self._spelt.get(sql)
        if text is None:
            text = self._spelt[sql] = sql.replace("%", "%%").replace("?", "%s").encode()
        return text

    def sync(self) -> None:
        """Wait until the server has done all of it; raises what went wrong."""
        assert self._pipeline is not None
        self._pipeline.sync()

    def roll_back(self) -> None:
        """Leave the transaction, whatever state it is in."""
        connection = self._connection
        if connection is None:
            return
        try:
            with suppress(psycopg.Error):
                self.sync()
            if connection.info.transaction_status != TransactionStatus.IDLE:
                connection.execute("ROLLBACK", prepare=True)
                self.sync()
                # At a rollback psycopg forgets what it has prepared. It has to tell the server so before
                # anything else is in the pipeline, else the two no longer agree on what there is.
                connection.execute("SELECT 1", prepare=False)
                self.sync()
        except psycopg.Error:
            self._drop()
