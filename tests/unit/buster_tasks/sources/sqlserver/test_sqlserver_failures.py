import pytest

from buster_tasks import errors
from buster_tasks.sources.sqlserver.failures import is_lost, typed_error
from buster_tasks.sources.sqlserver.login import Address

HERE = Address("db.example", 1433)


def raised(state: str, text: str, number: int, call: str = "SQLExecDirectW") -> Exception:
    """As pyodbc raises what Microsoft's driver says."""
    said = f"[{state}] [Microsoft][ODBC Driver 18 for SQL Server][SQL Server]{text} ({number}) ({call})"
    return Exception(state, said)


@pytest.mark.parametrize(
    ("state", "number", "kind", "transient"),
    [
        ("28000", 18456, errors.AuthenticationError, False),
        ("42000", 18456, errors.AuthenticationError, False),  # as FreeTDS says it
        ("42000", 4060, errors.DatabaseNotFoundError, False),
        ("42S02", 208, errors.QueryFailedError, False),
        ("42000", 102, errors.QueryFailedError, False),
        ("42000", 229, errors.PermissionDeniedError, False),
        ("42000", 262, errors.PermissionDeniedError, False),
        ("42000", 916, errors.PermissionDeniedError, False),
        ("42000", 3906, errors.PermissionDeniedError, False),
        ("42000", 1222, errors.SourceBusyError, True),
        ("40001", 1205, errors.SourceBusyError, True),
        ("HYT00", 0, errors.SourceTimeoutError, True),
        ("HY008", 0, errors.QueryCanceledError, False),
        ("08001", -1, errors.TlsFailedError, False),
        ("08001", 20, errors.TlsFailedError, False),
        ("08S01", 10054, errors.ConnectionFailedError, True),
        ("08S01", 0, errors.ConnectionFailedError, True),
        ("42000", 40613, errors.ConnectionFailedError, True),
        ("42000", 40615, errors.ConnectionFailedError, False),
        ("IM002", 0, errors.DriverMissingError, False),
        ("01000", 0, errors.DriverMissingError, False),
    ],
)
def test_each_number_or_state_is_a_type(
    state: str, number: int, kind: type[errors.SourceError], transient: bool
) -> None:
    error = typed_error(raised(state, "Said so.", number), HERE, "shop", "reader")
    assert (type(error), error.transient) == (kind, transient)
    assert error.fix


def test_the_first_record_that_is_known_counts() -> None:
    text = (
        "[42000] [Microsoft][ODBC Driver 18 for SQL Server][SQL Server]Cannot open database. (4060) "
        "(SQLDriverConnect); [28000] [Microsoft][ODBC Driver 18 for SQL Server][SQL Server]Login failed. (18456)"
    )
    error = typed_error(Exception("42000", text), HERE, "shop", "reader")
    assert isinstance(error, errors.DatabaseNotFoundError)


def test_the_text_is_the_servers_own() -> None:
    error = typed_error(raised("42S02", "Invalid (208) name 'x'.", 208), HERE, "shop", "reader")
    assert error.message == "The server rejects the statement: Invalid (208) name 'x'."


def test_while_it_connects_no_statement_is_wrong() -> None:
    unknown = raised("HY000", "Protocol error in TDS stream", 0)
    error = typed_error(unknown, HERE, "shop", None, is_connecting=True)
    assert (type(error), error.transient) == (errors.ConnectionFailedError, False)
    assert isinstance(typed_error(unknown, HERE, "shop", None), errors.QueryFailedError)


def test_which_errors_lose_the_connection() -> None:
    assert is_lost(raised("08S01", "x", 0))
    assert is_lost(raised("HY000", "x", 596))
    assert not is_lost(raised("42000", "x", 102))
