"""The driver's errors as ours, by status, class and state."""

from typing import Any

import pytest

pytest.importorskip("databricks.sql")

from databricks.sql.exc import DatabaseError, RequestError, ServerOperationError

from buster_tasks.errors import (
    AuthenticationError,
    ConnectionFailedError,
    DatabaseNotFoundError,
    PermissionDeniedError,
    QueryCanceledError,
    QueryFailedError,
    SourceTimeoutError,
)
from buster_tasks.sources.databricks.failures import is_absent, login_error, query_error
from buster_tasks.sources.databricks.login import Endpoint

HERE = Endpoint("dbc.example", 443, is_encrypted=True, path="/sql/x")


def request_error(status: int, text: str = "") -> RequestError:
    return RequestError(
        "Error during request to server.", {"http-code": status, "error-message": text}
    )


@pytest.mark.parametrize(
    ("error", "kind", "is_transient"),
    [
        (request_error(403, "Invalid access token."), AuthenticationError, False),
        (request_error(401), AuthenticationError, False),
        (request_error(404, "ENDPOINT_NOT_FOUND"), ConnectionFailedError, False),
        (request_error(503, "TEMPORARILY_UNAVAILABLE"), ConnectionFailedError, True),
        (request_error(429), ConnectionFailedError, True),
        (request_error(500), ConnectionFailedError, True),
        (request_error(200), ConnectionFailedError, True),
        (
            request_error(404, "[NO_SUCH_CATALOG_EXCEPTION] Catalog 'x' was not found."),
            DatabaseNotFoundError,
            False,
        ),
        (DatabaseError("[CATALOG_NOT_FOUND] x SQLSTATE: 42P08"), DatabaseNotFoundError, False),
        (DatabaseError("[X_Y] no SQLSTATE: 42501"), PermissionDeniedError, False),
        (TimeoutError(), SourceTimeoutError, True),
    ],
)
def test_a_login_that_failed(error: Exception, kind: type[Any], is_transient: bool) -> None:
    made = login_error(error, HERE, "x", 10)
    assert (type(made), made.transient) == (kind, is_transient)
    assert made.fix


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("[TABLE_OR_VIEW_NOT_FOUND] The table `x`. SQLSTATE: 42P01", QueryFailedError),
        ("[INSUFFICIENT_PERMISSIONS] Insufficient privileges", PermissionDeniedError),
        ("[UNKNOWN_CLASS] no right SQLSTATE: 42501", PermissionDeniedError),
        ("[OPERATION_CANCELED] canceled SQLSTATE: HY008", QueryCanceledError),
        ("[INVALID_HANDLE.SESSION_NOT_FOUND] gone SQLSTATE: HY000", ConnectionFailedError),
        ("Invalid SessionHandle: SessionHandle [1-2]", ConnectionFailedError),
        ("Query exceeded SQLSTATE: 57KD0", SourceTimeoutError),
        ("something without a class", QueryFailedError),
    ],
)
def test_a_statement_that_failed(text: str, kind: type[Any]) -> None:
    assert type(query_error(ServerOperationError(text, {"operation-id": "1"}), HERE)) is kind


def test_a_token_that_ended_in_between() -> None:
    assert type(query_error(request_error(403), HERE)) is AuthenticationError
    assert type(query_error(request_error(200), HERE)) is ConnectionFailedError


def test_an_error_of_ours_comes_through_the_driver() -> None:
    own = AuthenticationError("no token", fix="x")
    assert login_error(RequestError("m", {}, None, own), HERE, None, 1) is own


def test_the_stack_of_the_server_is_left_out() -> None:
    text = (
        "org.apache.hive.service.cli.HiveSQLException: Error running query: [NO_X] "
        "org.apache.spark.SomeException: [NO_X] There is no x.\nPick another.\n\tat org.apache.A.b(A.scala:1)"
    )
    made = query_error(ServerOperationError(text, {}), HERE)
    assert made.message == "Databricks rejects the statement: [NO_X] There is no x. Pick another."


def test_what_is_absent_is_asked_for_elsewhere() -> None:
    cause = ServerOperationError("[TABLE_OR_VIEW_NOT_FOUND] x", {})
    made = query_error(cause, HERE)
    made.__cause__ = cause
    assert is_absent(made)
    assert not is_absent(QueryFailedError("[PARSE_SYNTAX_ERROR] x"))
