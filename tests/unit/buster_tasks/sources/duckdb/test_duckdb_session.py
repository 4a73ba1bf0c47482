"""An interrupt can hit any statement, also those that begin and end the transaction."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from buster_tasks.errors import QueryCanceledError
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.duckdb.session import DuckdbSession

# BEGIN, the statement, ROLLBACK
STATEMENTS = 3


class Interrupted:
    """A real connection, one of whose statements is interrupted while it runs: DuckDB's own error and state."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._left: int | None = None
        self._before: Callable[[], None] = lambda: None
        kinds: Any = (["BIGINT"], "BIGINT")
        connection.create_function("interrupted", self._now, *kinds, side_effects=True)

    def interrupt_at(self, statement: int, before: Callable[[], None] = lambda: None) -> None:
        self._left, self._before = statement, before

    def execute(self, sql: str) -> duckdb.DuckDBPyConnection:
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                self._left = None
                self._before()
                if sql.startswith("BEGIN"):
                    self._connection.execute(sql)
                return self._connection.execute(
                    "SELECT sum(interrupted(range)) FROM range(100_000)"
                )
        return self._connection.execute(sql)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def _now(self, value: int) -> int:
        self._connection.interrupt()
        return value


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Interrupted:
    connection = Interrupted(duckdb.connect())
    monkeypatch.setattr(duckdb, "connect", lambda *_, **__: connection)
    return connection


@pytest.fixture
def session(connection: Interrupted, tmp_path: Path) -> Iterator[DuckdbSession]:
    (tmp_path / "any.duckdb").touch()
    session = DuckdbSession(str(tmp_path / "any.duckdb"), read_only=True)
    session.open(Budget(None))
    yield session
    session.close()


def rows(session: DuckdbSession, budget: Budget) -> list[Any]:
    return list(session.select("SELECT 42", max_rows=10, budget=budget).rows)


@pytest.mark.parametrize("at", range(1, STATEMENTS + 1))
def test_an_interrupt_of_an_earlier_call_changes_nothing(
    session: DuckdbSession, connection: Interrupted, at: int
) -> None:
    connection.interrupt_at(at)
    assert rows(session, Budget(None)) == [(42,)]
    assert rows(session, Budget(None)) == [(42,)]


@pytest.mark.parametrize("at", range(1, STATEMENTS))
def test_the_call_that_is_stopped_ends_and_the_next_one_reads(
    session: DuckdbSession, connection: Interrupted, at: int
) -> None:
    budget = Budget(None)

    def stop() -> None:
        budget.stop()

    connection.interrupt_at(at, stop)
    with pytest.raises(QueryCanceledError):
        rows(session, budget)
    assert rows(session, Budget(None)) == [(42,)]


def test_a_call_that_was_stopped_before_it_began_runs_nothing(session: DuckdbSession) -> None:
    stopped = Budget(None)
    stopped.stop()
    with pytest.raises(QueryCanceledError):
        rows(session, stopped)
    assert session.statements == 0
