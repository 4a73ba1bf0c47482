import socket
from collections.abc import Iterator

import pytest
import snowflake.connector.errors as driver

from benchmarks.servers import free_port
from buster_tasks.errors import (
    AuthenticationError,
    ConnectionFailedError,
    HostNotFoundError,
    PermissionDeniedError,
    QueryCanceledError,
    QueryFailedError,
    SourceError,
    SourceTimeoutError,
    TlsFailedError,
)
from buster_tasks.sources.snowflake.failures import (
    Endpoint,
    TooMuchError,
    login_error,
    query_error,
)


def endpoint(port: int = 443, *, host: str = "127.0.0.1", is_encrypted: bool = True) -> Endpoint:
    return Endpoint(host, port, is_encrypted, "ADA", "SHOP", "READING", "ANALYST")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def listening() -> Iterator[int]:
    """A port where somebody listens and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


STATEMENTS: list[tuple[driver.Error, type[SourceError], bool]] = [
    (driver.ProgrammingError("no such", 2003, "42S02"), QueryFailedError, False),
    (driver.ProgrammingError("syntax", 1003, "42000"), QueryFailedError, False),
    (driver.ProgrammingError("new number", 999_999, None), QueryFailedError, False),
    (driver.ProgrammingError("rights", 3001, "42501"), PermissionDeniedError, False),
    (driver.ProgrammingError("new number", 999_999, "42501"), PermissionDeniedError, False),
    (driver.ProgrammingError("no warehouse", 606, "57P03"), PermissionDeniedError, False),
    (driver.ProgrammingError("canceled", 604, "57014"), QueryCanceledError, False),
    (driver.ProgrammingError("timeout", 630, "57014"), SourceTimeoutError, True),
    (driver.ProgrammingError("too much", 90030, "22000"), TooMuchError, False),
    (driver.ProgrammingError("log in again", 390114, "08001"), ConnectionFailedError, True),
    (driver.OperationalError("I/O", 4, None), ConnectionFailedError, True),
    (driver.OperationalError("timeout", 14, "HYT00"), ConnectionFailedError, True),
    (driver.InternalError("404", 6, None), ConnectionFailedError, True),
    (driver.InterfaceError("convert", 252005, None), QueryFailedError, False),
    (driver.DatabaseError("other", 100_038, None), QueryFailedError, False),
]


@pytest.mark.parametrize(("error", "kind", "is_transient"), STATEMENTS)
def test_a_statement_that_failed(
    error: driver.Error, kind: type[SourceError], is_transient: bool
) -> None:
    made = query_error(error, endpoint())
    assert (type(made), made.transient, bool(made.fix)) == (kind, is_transient, True)


def test_a_value_that_the_driver_cannot_make() -> None:
    made = query_error(OverflowError("year is out of range"), endpoint())
    assert isinstance(made, QueryFailedError)


def test_the_drivers_own_marks_are_left_out() -> None:
    told = "002003 (42S02): 002003 (42S02): Object 'T' does not exist. (sfqid=ab-1)"
    made = query_error(driver.ProgrammingError(told, 2003, "42S02"), endpoint())
    assert made.message == "Snowflake rejects the statement: Object 'T' does not exist (2003)."


@pytest.mark.parametrize("number", [390100, 390144, 394304, 390318, 390999])
def test_a_login_that_is_refused(number: int) -> None:
    made = login_error(driver.DatabaseError("no", number, "28000"), endpoint(), 1, major=5)
    assert isinstance(made, AuthenticationError)
    assert "'ADA'" in made.message


@pytest.mark.parametrize(("number", "word"), [(390189, "role"), (390422, "network policy")])
def test_a_login_that_is_not_allowed(number: int, word: str) -> None:
    made = login_error(driver.DatabaseError("no", number, "08001"), endpoint(), 1, major=5)
    assert isinstance(made, PermissionDeniedError)
    assert word in str(made)


def test_version_4_keeps_the_number_of_some_refusals_to_itself(listening: int) -> None:
    there, error = (
        endpoint(listening, is_encrypted=False),
        driver.DatabaseError("no", 250001, "08001"),
    )
    assert isinstance(login_error(error, there, 1, major=4), AuthenticationError)
    made = login_error(error, there, 1, major=5)
    assert (type(made), made.transient) == (ConnectionFailedError, True)
    assert "does not answer as Snowflake does" in made.message


def test_the_reason_is_looked_for_where_the_driver_does_not_tell(listening: int) -> None:
    error = driver.OperationalError("no", 250001, "08001")
    refused = login_error(error, endpoint(free_port()), 1, major=5)
    assert "refused" in refused.message
    unknown = login_error(error, endpoint(host="no-such-host.invalid"), 1, major=5)
    assert isinstance(unknown, HostNotFoundError)


def test_tls_with_what_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        import threading

        def answer() -> None:
            made, _ = listener.accept()
            with made:
                made.recv(10)
                made.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        error = driver.OperationalError("no", 250003, None)
        made = login_error(error, endpoint(listener.getsockname()[1]), 1, major=4)
        thread.join()
    assert isinstance(made, TlsFailedError)


def test_a_login_that_takes_too_long(listening: int) -> None:
    error = driver.OperationalError("timed out", 14, "HYT00")
    made = login_error(error, endpoint(listening, is_encrypted=False), 1, major=5)
    assert isinstance(made, SourceTimeoutError)


def test_behind_a_proxy_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    made = login_error(
        driver.OperationalError("no", 250001, None), endpoint(free_port()), 1, major=5
    )
    assert "does not answer as Snowflake does" in made.message


def test_arguments_that_the_driver_does_not_take() -> None:
    error = driver.ProgrammingError("unknown option", 251_000, None)
    made = login_error(error, endpoint(host="no-such-host.invalid"), 1, major=5)
    assert isinstance(made, HostNotFoundError)
