"""The blocking connection by itself, without the event loop that usually stops it."""

import functools
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from buster_tasks.errors import ConnectionFailedError, QueryCanceledError, SourceTimeoutError
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.sqlite.session import SqliteSession

COUNT = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {limit}) SELECT count(*) FROM n
"""


@pytest.fixture
def session(make_database: Callable[..., Path]) -> Iterator[SqliteSession]:
    session = SqliteSession(str(make_database()), read_only=True, lock_seconds=0.1)
    session.open(Budget(None))
    yield session
    session.close()


def test_a_statement_looks_at_its_time_by_itself(session: SqliteSession) -> None:
    with pytest.raises(SourceTimeoutError):
        session.rows(COUNT.format(limit=10**12), budget=Budget(0.05))


def test_a_statement_sees_by_itself_that_it_was_stopped(session: SqliteSession) -> None:
    budget = Budget(None)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(session.rows, COUNT.format(limit=10**12), budget=budget)
        budget.stop()
        with pytest.raises(QueryCanceledError):
            running.result(timeout=20)


def test_an_interrupt_meant_for_another_statement_does_no_harm(session: SqliteSession) -> None:
    before = session.statements
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(session.rows, COUNT.format(limit=1_000_000), budget=Budget(None))
        while not running.done() and session.statements < before + 3:
            session.interrupt()
        assert running.result(timeout=20) == [(1_000_000,)]
    assert session.statements > before + 1


class InterruptedWhileOpening(sqlite3.Connection):
    """A connection that is interrupted at the first statement of its setting up."""

    def execute(self, sql: str, *parameters: object) -> sqlite3.Cursor:
        self.create_function("interrupted", 0, self.interrupt)
        return super().execute(
            "WITH RECURSIVE n(i) AS (SELECT interrupted() UNION ALL SELECT i FROM n) SELECT count(*) FROM n"
        )


def test_whoever_opens_past_the_time_is_told_so(
    make_database: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = functools.partial(sqlite3.connect, factory=InterruptedWhileOpening)
    monkeypatch.setattr(sqlite3, "connect", connect)
    session = SqliteSession(str(make_database()), read_only=True, lock_seconds=0.1)
    with pytest.raises(SourceTimeoutError):
        session.open(Budget(0))
    with pytest.raises(ConnectionFailedError, match="closed"):
        session.rows("SELECT 1", budget=Budget(None))


def test_a_closed_session_says_so(session: SqliteSession) -> None:
    session.close()
    session.close()
    session.interrupt()
    with pytest.raises(ConnectionFailedError, match="closed"):
        session.rows("SELECT 1", budget=Budget(None))
