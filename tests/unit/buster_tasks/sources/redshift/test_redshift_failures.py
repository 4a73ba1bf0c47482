import subprocess
import sys

import pytest

from benchmarks.servers import free_port
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
)
from buster_tasks.sources.postgres.failures import Place
from buster_tasks.sources.redshift.failures import login_error, typed_error

PLACE = Place("cluster", 5439, "dev", "reader")


class DriverError(Exception):
    """As the driver's: what the server said, by the letters of the protocol."""


def told(state: str) -> DriverError:
    return DriverError({"S": "ERROR", "C": state, "M": "what it says.", "P": "7", "H": "a hint"})


@pytest.mark.parametrize(
    ("state", "kind", "transient"),
    [
        ("28000", AuthenticationError, False),
        ("28P01", AuthenticationError, False),
        ("3D000", DatabaseNotFoundError, False),
        ("42501", PermissionDeniedError, False),
        ("25006", PermissionDeniedError, False),
        ("42601", QueryFailedError, False),
        ("XX000", QueryFailedError, False),
        ("57014", QueryCanceledError, False),
        ("57P01", ConnectionFailedError, True),
        ("53300", ConnectionFailedError, True),
        ("40001", SourceBusyError, True),
    ],
)
def test_the_state_tells_the_kind(state: str, kind: type[SourceError], transient: bool) -> None:
    error = typed_error(told(state), PLACE)
    assert (type(error), error.transient) == (kind, transient)
    assert error.fix


def test_the_server_s_words_are_passed_on() -> None:
    error = typed_error(told("42601"), PLACE)
    assert "what it says; at character 7; hint: a hint" in error.message


def test_a_break_in_mid_message_is_a_lost_connection() -> None:
    for error in (
        OSError(104, "reset"),
        ValueError("unpack requires a buffer"),
        DriverError("BrokenPipe: ..."),
    ):
        typed = typed_error(error, PLACE)
        assert (type(typed), typed.transient) == (ConnectionFailedError, True)


def test_what_the_server_said_last_goes_before_the_break() -> None:
    assert type(typed_error(ValueError("unpack"), PLACE, told("57P01"))) is ConnectionFailedError
    assert "what it says" in typed_error(ValueError("unpack"), PLACE, told("57P01")).message


def test_our_own_errors_stay_what_they_are() -> None:
    own = SourceTimeoutError("late")
    assert typed_error(own, PLACE) is own


def test_while_logging_in() -> None:
    assert type(login_error(told("28000"), PLACE)) is AuthenticationError
    assert "type postgres" in login_error(told("42704"), PLACE).fix
    refused = login_error(told("XX000"), PLACE)
    assert (type(refused), refused.transient) == (ConnectionFailedError, False)
    assert "does not answer as Redshift does" in login_error(KeyError(b"H"), PLACE).message


NO_DRIVER = """
import asyncio, sys
sys.modules[sys.argv[1]] = None
from buster_tasks.sources import connect

async def main():
    place = {"type": "redshift", "host": "127.0.0.1", "port": int(sys.argv[2]), "database": "d"}
    source = connect({**place, "username": "u", "password": "p"})
    print((await source.test()).error_code)
    await source.close()

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("missing", "code"),
    [("redshift_connector", "DRIVER_MISSING"), ("psycopg", "CONNECTION_FAILED")],
)
def test_the_driver_is_needed_and_no_other(missing: str, code: str) -> None:
    command = [sys.executable, "-c", NO_DRIVER, missing, str(free_port())]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == code
