"""The session: values there and back, one failure among many statements, and what becomes of a lost connection."""

import math
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings, strategies as st

from taskkit.backends.postgres.connection import connect, is_outage, place_of, within
from taskkit.backends.postgres.session import Session

INTEGERS = st.integers(-(2**63), 2**63 - 1)
TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"))
FLOATS = st.floats(allow_nan=False)


@pytest.fixture(scope="module")
def session(new_postgres_url: Any) -> Iterator[Session]:
    session = Session(place_of(new_postgres_url()), writes=True)
    yield session
    session.close()


def there_and_back(session: Session, kind: str, value: Any) -> Any:
    return session.send(f"SELECT ?::{kind}", (value,)).fetchall()[0][0]


@settings(max_examples=60)
@given(INTEGERS, TEXTS, st.binary(), FLOATS)
def test_values_come_back_as_they_were(
    session: Session, number: int, text: str, data: bytes, part: float
) -> None:
    assert there_and_back(session, "bigint", number) == number
    assert there_and_back(session, "text", text) == text
    assert there_and_back(session, "bytea", data) == data
    back = there_and_back(session, "double precision", part)
    assert back == part
    assert math.copysign(1, back) == math.copysign(1, part)


@settings(max_examples=60)
@given(
    st.lists(st.none() | INTEGERS), st.lists(st.none() | TEXTS), st.lists(st.none() | st.binary())
)
def test_arrays_come_back_as_they_were(
    session: Session, numbers: list[Any], texts: list[Any], data: list[Any]
) -> None:
    assert there_and_back(session, "bigint[]", numbers) == numbers
    assert there_and_back(session, "text[]", texts) == texts
    assert there_and_back(session, "bytea[]", data) == data


def test_a_value_of_another_type_is_another_statement(session: Session) -> None:
    for value in (1.5, 2, None, 3.5):
        assert there_and_back(session, "double precision", value) == value


def test_one_failure_is_told_and_nothing_of_the_transaction_stays(session: Session) -> None:
    session.send("BEGIN")
    session.send("INSERT INTO queues (name) VALUES (?)", ("first",))
    session.send("SELECT 1 / ?::bigint", (0,))
    after = session.send("INSERT INTO queues (name) VALUES (?)", ("second",))
    session.send("COMMIT")
    with pytest.raises(psycopg.errors.DivisionByZero):
        session.sync()
    assert after.result is None
    session.roll_back()
    assert session.send("SELECT name FROM queues").fetchall() == []


def test_statements_that_the_server_skipped_are_prepared_again(session: Session) -> None:
    session.send("SELECT 2 / ?::bigint", (0,))
    session.send("SELECT 'skipped'")
    with pytest.raises(psycopg.errors.DivisionByZero):
        session.sync()
    session.roll_back()
    assert session.send("SELECT 'skipped'").fetchone() == ("skipped",)
    assert session.send("SELECT 2 / ?::bigint", (2,)).fetchone() == (1,)


def test_more_statements_than_are_kept_prepared(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taskkit.backends.postgres.session._MOST", 10)
    answers = [session.send(f"SELECT {number}") for number in range(50)]
    assert [answer.fetchone() for answer in answers] == [(number,) for number in range(50)]
    assert session.send("SELECT 0").fetchone() == (0,)
    kept = session.send("SELECT count(*) FROM pg_prepared_statements").fetchone()
    assert kept[0] <= 11


def test_many_statements_fit_in_no_buffer(session: Session) -> None:
    text = "x" * 200_000
    answers = [session.send("SELECT ?::text", (text,)) for _ in range(100)]
    session.sync()
    assert {answer.fetchone() for answer in answers} == {(text,)}


def test_a_connection_that_was_ended_is_told_and_replaced(
    session: Session, postgres_url: str
) -> None:
    (pid,) = session.send("SELECT pg_backend_pid()::bigint").fetchone()
    other = Session(place_of(postgres_url), writes=False)
    other.send("SELECT pg_terminate_backend(?::bigint::integer)", (pid,)).fetchall()
    with pytest.raises(psycopg.OperationalError):
        session.send("SELECT 1").fetchall()
    session.roll_back()
    assert session.send("SELECT pg_backend_pid()::bigint").fetchone() != (pid,)
    other.close()


def test_an_answer_that_does_not_come_is_waited_for_no_longer_than_said(postgres_url: str) -> None:
    session = Session(replace(place_of(postgres_url), patience=0.1), writes=False)
    with pytest.raises(psycopg.OperationalError, match=r"not answered within 0\.1 s"):
        session.send("SELECT pg_sleep(20)").fetchall()
    session.roll_back()
    assert session.send("SELECT 1").fetchone() == (1,)
    session.close()


def test_the_driver_waits_no_longer_than_said(postgres_url: str) -> None:
    connection = connect(place_of(postgres_url))
    with (
        pytest.raises(psycopg.OperationalError, match=r"not answered within 0\.1 s"),
        within(0.1, connection),
    ):
        connection.execute("SELECT pg_sleep(20)")
    assert connection.closed


def test_what_is_answered_in_time_leaves_the_connection_alone(postgres_url: str) -> None:
    connection = connect(place_of(postgres_url))
    with within(0.2, connection):
        connection.execute("SELECT 1")
    connection.execute("SELECT pg_sleep(0.3)")  # past what was allowed to the block
    connection.close()


@pytest.mark.parametrize("state", ["57P01", "57014", "25P03", "25006", "53100", "53300"])
def test_what_others_did_to_the_server_is_an_outage(state: str) -> None:
    assert is_outage(psycopg.errors.lookup(state)())


@pytest.mark.parametrize("state", ["42P01", "42501", "22012"])
def test_what_is_wrong_with_a_statement_is_none(state: str) -> None:
    assert not is_outage(psycopg.errors.lookup(state)())


def test_nothing_is_compiled(session: Session) -> None:
    """A plan that is only there because the others are switched off looks dear enough to be compiled."""
    assert session.send("SELECT current_setting('jit')").fetchone() == ("off",)


def test_sessions_that_make_the_schema_at_once_make_it_together(postgres_url: str) -> None:
    together = threading.Barrier(6)

    def make() -> None:
        together.wait()
        Session(place_of(postgres_url), writes=True).close()

    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(make) for _ in range(6)]:
            done.result()
