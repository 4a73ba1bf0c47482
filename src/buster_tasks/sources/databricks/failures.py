"""The driver's errors as our own, by HTTP status, and by the error class and SQLSTATE that Databricks promises.

The driver keeps neither of the two as a value, so both are taken from where a message has them:
`[TABLE_OR_VIEW_NOT_FOUND] ... SQLSTATE: 42P01`.
"""

from __future__ import annotations

import re
from typing import Any, cast

from buster_tasks.errors import (
    AuthenticationError,
    ConnectionFailedError,
    DatabaseNotFoundError,
    PermissionDeniedError,
    QueryFailedError,
    SourceError,
    SourceTimeoutError,
)
from buster_tasks.sources.databricks.login import Endpoint
from buster_tasks.sources.failures import behind, lost, rejected, stopped, too_slow

_CLASS = re.compile(r"\[([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)*(?:\.[A-Z0-9_]+)*)\]")
_STATE = re.compile(r"SQLSTATE: ([0-9A-Z]{5})\b")
_STACK = re.compile(r"\n\s*at [\w.$]+\(")
_LONGEST = 500
_DENIED = (
    "INSUFFICIENT_PERMISSIONS",
    "PERMISSION_DENIED",
    "UNAUTHORIZED_ACCESS",
    "INSUFFICIENT_PRIVILEGES",
)
_NO_PLACE = ("NO_SUCH_CATALOG_EXCEPTION", "CATALOG_NOT_FOUND", "SCHEMA_NOT_FOUND")
_STOPPED = ("OPERATION_CANCELED", "QUERY_CANCELED", "JOB_CANCELED")
_ABSENT = (
    "TABLE_OR_VIEW_NOT_FOUND", "SCHEMA_NOT_FOUND", "REQUIRES_SINGLE_PART_NAMESPACE", "UC_NOT_ENABLED",
    "UNITY_CATALOG_NOT_ENABLED", *_NO_PLACE,
)  # fmt: skip
_LOST = "Invalid SessionHandle"  # the only mark of a session that the server forgot; the driver looks for it too
_TIMEOUTS = {"ReadTimeoutError", "ConnectTimeoutError", "TimeoutError", "MaxRetryDurationError"}


def login_error(
    error: BaseException, endpoint: Endpoint, catalog: str | None, seconds: float
) -> SourceError:
    """Our error for a session that did not come to be."""
    own = _own(error)
    if own is not None:
        return own
    text, name = _text(error), error_class(error)
    if name.startswith(_NO_PLACE):
        return DatabaseNotFoundError(
            f"{endpoint} has no catalog {catalog!r} that the user may use: {text}.",
            fix="Check catalog and default_schema, and GRANT USE CATALOG ON CATALOG ... TO ....",
        )
    status = 503 if "ResponseError" in _kinds(error) else _status(error)  # asked as often as it may
    if status:
        return _of_login(status, text, endpoint)
    if name.startswith(_DENIED) or _state(error) == "42501":
        return _not_allowed(text)
    if _kinds(error) & _TIMEOUTS:
        return SourceTimeoutError(
            f"{endpoint} gave no session within {round(seconds, 2):g} s.",
            fix="The warehouse may be starting: try again, or allow more by connection_timeout.",
        )
    return ConnectionFailedError(
        f"{endpoint} does not answer as Databricks does ({type(error).__name__}).",
        fix="Check server_hostname and http_path, then try again.",
    )


def query_error(error: BaseException, endpoint: Endpoint) -> SourceError:
    """Our error for a statement that failed."""
    own = _own(error)
    if own is not None:
        return own
    kinds, status = _kinds(error), _status(error)
    if "HTTPError" in kinds or "OSError" in kinds or status is not None:
        return _of_request(status, _text(error), endpoint)
    if "DatabaseError" in kinds:
        return _of_statement(error, endpoint)
    if "Error" in kinds:  # the driver's own
        return _gone(endpoint)
    return QueryFailedError(
        f"The driver cannot read the result ({type(error).__name__}).",
        fix="Convert the values to text in the statement.",
    )


def error_class(error: BaseException) -> str:
    """The error class of a message, such as TABLE_OR_VIEW_NOT_FOUND; empty where it has none."""
    match = _CLASS.search(_message(error))
    return "" if match is None else match[1]


def is_absent(error: SourceError) -> bool:
    """Whether what was asked about is not there, so that it is asked for elsewhere."""
    return error_class(error.__cause__ or error).startswith(_ABSENT)


def _own(error: BaseException) -> SourceError | None:
    """One of ours that came through the driver, such as that of a token that was refused."""
    return next((one for one in behind(error) if isinstance(one, SourceError)), None)


def _of_login(status: int, text: str, endpoint: Endpoint) -> SourceError:
    if status in (401, 403):
        return AuthenticationError(
            f"{endpoint} refuses the credentials (HTTP {status}): {text}.",
            fix="Check the token, or client_id and client_secret, and that the user has CAN USE on the warehouse.",
        )
    if status in (429, 502, 503, 504):
        return ConnectionFailedError(
            f"The warehouse at {endpoint} is not ready (HTTP {status}): {text}.",
            fix="It may be starting: try again, or allow more by connection_timeout.",
        )
    return ConnectionFailedError(
        f"{endpoint} has nothing at {endpoint.path!r} (HTTP {status}): {text}.",
        fix="Check http_path against the warehouse's connection details, and server_hostname.",
        transient=status >= 500,
    )


def _of_statement(error: BaseException, endpoint: Endpoint) -> SourceError:
    name, state, text = error_class(error), _state(error), _text(error)
    if name.startswith(_DENIED) or state == "42501":
        return _not_allowed(text)
    if name.startswith(_STOPPED) or state in ("HY008", "57014"):
        return stopped("in Databricks")
    if name.startswith("INVALID_HANDLE") or _LOST in str(error):
        return _gone(endpoint)
    if name.startswith("STATEMENT_TIMEOUT") or state == "57KD0":
        return too_slow("Databricks", fix="Narrow it down, or raise STATEMENT_TIMEOUT.")
    return rejected("Databricks", text)


def _of_request(status: int | None, text: str, endpoint: Endpoint) -> SourceError:
    if status in (401, 403):
        return AuthenticationError(
            f"{endpoint} does not take the credentials any more (HTTP {status}): {text}.",
            fix="The token may have ended: give a new one.",
        )
    return _gone(endpoint)


def _gone(endpoint: Endpoint) -> SourceError:
    return lost(endpoint, fix="Try again; look whether the warehouse was stopped.")


def _not_allowed(text: str) -> SourceError:
    return PermissionDeniedError(
        f"Databricks does not allow it: {text}.",
        fix="GRANT USE CATALOG, USE SCHEMA and SELECT to the user or service principal.",
    )


def _context(error: BaseException) -> dict[str, Any]:
    found: Any = getattr(error, "context", None)
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _status(error: BaseException) -> int | None:
    """The HTTP status that a request failed with; that of an earlier one, 200, is none."""
    status = _context(error).get("http-code")
    if not _kinds(error) & {"RequestError"}:
        return None
    return status if isinstance(status, int) and status >= 400 else 0


def _message(error: BaseException) -> str:
    told = _context(error).get("error-message")
    return str(told or getattr(error, "message", None) or error)


def _state(error: BaseException) -> str | None:
    match = _STATE.search(_message(error))
    return None if match is None else match[1]


def _text(error: BaseException) -> str:
    """What the message says, without the stack of the server and what is before its class."""
    message = _STACK.split(_message(error))[0]
    name = error_class(error)
    if name:
        message = message[message.rindex(f"[{name}]") :]
    return " ".join(message.split())[:_LONGEST].rstrip(".") or type(error).__name__


def _kinds(error: BaseException) -> set[str]:
    """The names of all classes of the error and of those behind it."""
    return {kind.__name__ for one in behind(error) for kind in type(one).__mro__}
