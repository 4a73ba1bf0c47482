import errno
import ssl

import pymysql.err
import pytest

from buster_tasks.errors import (
    AuthenticationError,
    ConnectionFailedError,
    DatabaseNotFoundError,
    PermissionDeniedError,
    QueryCanceledError,
    QueryFailedError,
    SourceBusyError,
    SourceError,
    SourceTimeoutError,
    TlsFailedError,
)
from buster_tasks.sources.mysql.failures import Endpoint, typed_error

HERE = Endpoint("db.example", 3306, "ada", "shop")

CASES: list[tuple[int, type[SourceError], bool]] = [
    (1045, AuthenticationError, False),
    (1698, AuthenticationError, False),
    (1130, AuthenticationError, False),
    (2059, AuthenticationError, False),
    (1049, DatabaseNotFoundError, False),
    (1044, PermissionDeniedError, False),
    (1142, PermissionDeniedError, False),
    (1143, PermissionDeniedError, False),
    (1227, PermissionDeniedError, False),
    (1792, PermissionDeniedError, False),
    (1290, PermissionDeniedError, False),
    (1040, ConnectionFailedError, True),
    (1203, ConnectionFailedError, True),
    (1129, ConnectionFailedError, False),
    (1053, ConnectionFailedError, True),
    (1927, ConnectionFailedError, True),
    (0, ConnectionFailedError, True),
    (2006, ConnectionFailedError, True),
    (2013, ConnectionFailedError, True),
    (1205, SourceBusyError, True),
    (1213, SourceBusyError, True),
    (1317, QueryCanceledError, False),
    (1969, SourceTimeoutError, True),
    (3024, SourceTimeoutError, True),
    (2026, TlsFailedError, False),
    (3159, TlsFailedError, False),
    (1064, QueryFailedError, False),
    (1146, QueryFailedError, False),
    (9_999, QueryFailedError, False),
]


@pytest.mark.parametrize(("number", "kind", "transient"), CASES)
def test_by_number_and_never_by_text(number: int, kind: type[SourceError], transient: bool) -> None:
    for text in ("Access denied (1045)", "timeout", "", "TLS"):
        error = typed_error(pymysql.err.OperationalError(number, text), HERE)
        assert (type(error), error.transient) == (kind, transient)
        assert error.fix


def test_a_number_that_the_driver_reads_as_negative() -> None:
    error = typed_error(pymysql.err.OperationalError(-1, "odd"), HERE)
    assert "65535" in str(error)


def raised(cause: Exception, number: int = 2013) -> Exception:
    """The driver's error that was raised while it handled the system's."""
    try:
        try:
            raise cause
        except Exception:
            raise pymysql.err.OperationalError(number, "Lost connection")  # noqa: B904 - as the driver does
    except pymysql.err.OperationalError as error:
        return error


def test_by_the_systems_error_behind_it() -> None:
    assert isinstance(typed_error(raised(TimeoutError("timed out")), HERE), SourceTimeoutError)
    reset = typed_error(raised(ConnectionResetError(errno.ECONNRESET, "reset")), HERE)
    assert type(reset) is ConnectionFailedError
    assert "lost" in str(reset)
    refused = pymysql.err.OperationalError(2003, "Can't connect")
    refused.original_exception = ConnectionRefusedError(errno.ECONNREFUSED, "refused")  # type: ignore[attr-defined]  # the driver puts it there
    assert "refused" in str(typed_error(refused, HERE))


def test_tls() -> None:
    broken = ssl.SSLCertVerificationError(1, "certificate verify failed")
    broken.verify_message = "self-signed certificate"
    error = typed_error(raised(broken, 2003), HERE)
    assert isinstance(error, TlsFailedError)
    assert "self-signed certificate" in str(error)
    assert isinstance(typed_error(raised(ssl.SSLError(1, "x")), HERE), TlsFailedError)


def test_an_encrypted_connection_that_is_lost_is_no_fault_of_tls() -> None:
    for cause in (ssl.SSLEOFError(8, "EOF"), ssl.SSLZeroReturnError(6, "closed")):
        error = typed_error(raised(cause, 2006), HERE)
        assert (type(error), error.transient) == (ConnectionFailedError, True)


def test_what_the_driver_stumbles_over_is_no_protocol() -> None:
    for odd in (IndexError("index"), AssertionError(), ValueError("x"), KeyError(7)):
        error = typed_error(odd, HERE)
        assert type(error) is ConnectionFailedError
        assert not error.transient
    assert isinstance(
        typed_error(UnicodeEncodeError("utf-8", "\ud800", 0, 1, "no"), HERE), QueryFailedError
    )
