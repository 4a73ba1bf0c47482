import psycopg
import pytest

from buster_tasks.errors import (
    AuthenticationError,
    ConnectionFailedError,
    DatabaseCorruptError,
    DatabaseNotFoundError,
    PermissionDeniedError,
    QueryCanceledError,
    QueryFailedError,
    SourceBusyError,
    SourceError,
)
from buster_tasks.sources.postgres.failures import Place, by_state, login_error, typed_error

PLACE = Place("db.example", 5432, "shop", "anna")


@pytest.mark.parametrize(
    ("state", "kind", "is_transient"),
    [
        ("28P01", AuthenticationError, False),
        ("28000", AuthenticationError, False),
        ("3D000", DatabaseNotFoundError, False),
        ("42501", PermissionDeniedError, False),
        ("25006", PermissionDeniedError, False),
        ("25001", PermissionDeniedError, False),
        ("57014", QueryCanceledError, False),
        ("57P01", ConnectionFailedError, True),
        ("57P02", ConnectionFailedError, True),
        ("57P03", ConnectionFailedError, True),
        ("57P04", DatabaseNotFoundError, False),
        ("57P05", ConnectionFailedError, True),
        ("25P03", ConnectionFailedError, True),
        ("08006", ConnectionFailedError, True),
        ("53300", ConnectionFailedError, True),
        ("53100", ConnectionFailedError, True),
        ("55P03", SourceBusyError, True),
        ("40001", SourceBusyError, True),
        ("40P01", SourceBusyError, True),
        ("XX001", DatabaseCorruptError, False),
        ("42P01", QueryFailedError, False),
        ("42601", QueryFailedError, False),
        ("22012", QueryFailedError, False),
        ("55000", QueryFailedError, False),
        ("0A000", QueryFailedError, False),
        ("ZZ999", QueryFailedError, False),
    ],
)
def test_the_state_decides(state: str, kind: type[SourceError], is_transient: bool) -> None:
    error = by_state(state, PLACE, "some words")
    assert type(error) is kind
    assert error.transient is is_transient
    assert error.fix


@pytest.mark.parametrize(
    ("state", "kind", "is_transient"),
    [
        ("28P01", AuthenticationError, False),
        ("57P03", ConnectionFailedError, True),
        ("53300", ConnectionFailedError, True),
        ("55000", ConnectionFailedError, False),
        ("08P01", ConnectionFailedError, True),
        ("0A000", ConnectionFailedError, False),
        ("22023", ConnectionFailedError, False),
    ],
)
def test_a_refused_connection_is_no_refused_statement(
    state: str, kind: type[SourceError], is_transient: bool
) -> None:
    error = login_error(state, PLACE)
    assert (type(error), error.transient) == (kind, is_transient)


def test_words_decide_nothing() -> None:
    words = psycopg.errors.UndefinedTable("password authentication failed; permission denied")
    assert type(typed_error(words, PLACE)) is QueryFailedError
    lost = psycopg.OperationalError("syntax error")
    assert type(typed_error(lost, PLACE)) is ConnectionFailedError
    assert type(typed_error(psycopg.DataError("timeout"), PLACE)) is QueryFailedError
