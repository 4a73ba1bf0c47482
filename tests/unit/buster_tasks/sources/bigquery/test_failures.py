"""What Google's client raises, as our own errors."""

import socket
import ssl

import pytest
import requests
from google.api_core import exceptions as api
from google.auth import exceptions as auth

from buster_tasks import errors
from buster_tasks.sources.bigquery.failures import no_project, typed_error


def told(kind: type[Exception], reason: str | None) -> Exception:
    entries = [] if reason is None else [{"reason": reason, "message": "Said so"}]
    return kind("POST https://x: Said so", errors=entries)  # type: ignore[call-arg]  # those of api have it


@pytest.mark.parametrize(
    ("kind", "reason", "error", "transient"),
    [
        (api.Forbidden, "accessDenied", errors.PermissionDeniedError, False),
        (api.Forbidden, "rateLimitExceeded", errors.SourceBusyError, True),
        (api.BadRequest, "jobRateLimitExceeded", errors.SourceBusyError, True),
        (api.Forbidden, "quotaExceeded", errors.SourceBusyError, False),
        (api.Forbidden, "billingNotEnabled", errors.PermissionDeniedError, False),
        (api.NotFound, "notFound", errors.QueryFailedError, False),
        (api.BadRequest, "invalidQuery", errors.QueryFailedError, False),
        (api.BadRequest, "bytesBilledLimitExceeded", errors.QueryFailedError, False),
        (api.BadRequest, "resourcesExceeded", errors.QueryFailedError, False),
        (api.BadRequest, "stopped", errors.QueryCanceledError, False),
        (api.InternalServerError, "backendError", errors.ConnectionFailedError, True),
        (api.BadRequest, "jobBackendError", errors.ConnectionFailedError, True),
        (api.Unauthorized, "authError", errors.AuthenticationError, False),
        (api.Unauthorized, None, errors.AuthenticationError, False),
        (api.Forbidden, "newWord", errors.PermissionDeniedError, False),
        (api.TooManyRequests, None, errors.SourceBusyError, True),
        (api.ServiceUnavailable, None, errors.ConnectionFailedError, True),
        (api.BadRequest, "newWord", errors.QueryFailedError, False),
    ],
)
def test_what_the_service_says(
    kind: type[Exception], reason: str | None, error: type[errors.SourceError], *, transient: bool
) -> None:
    made = typed_error(told(kind, reason), "host", 443)
    assert (type(made), made.transient) == (error, transient)
    assert made.fix
    assert "Said so" in made.message


def behind(cause: Exception) -> Exception:
    """An error of requests that holds another, as urllib3 gives it."""
    return requests.ConnectionError(requests.exceptions.RequestException(cause))


@pytest.mark.parametrize(
    ("raised", "error", "transient"),
    [
        (behind(ConnectionRefusedError(111, "refused")), errors.ConnectionFailedError, True),
        (behind(socket.gaierror(socket.EAI_NONAME, "unknown")), errors.HostNotFoundError, False),
        (behind(socket.gaierror(socket.EAI_AGAIN, "later")), errors.HostNotFoundError, True),
        (behind(ssl.SSLCertVerificationError("no")), errors.TlsFailedError, False),
        (behind(ssl.SSLError("wrong version")), errors.TlsFailedError, False),
        (behind(ssl.SSLEOFError("gone")), errors.ConnectionFailedError, True),
        (requests.ConnectionError("reset"), errors.ConnectionFailedError, True),
        (requests.ReadTimeout("slow"), errors.SourceTimeoutError, True),
        (requests.ConnectTimeout("slow"), errors.SourceTimeoutError, True),
        (api.RetryError("over", told(api.Forbidden, "rateLimitExceeded")), errors.SourceBusyError, True),
        (auth.RefreshError("invalid_grant: no", {"error": "invalid_grant"}), errors.AuthenticationError, False),
        (auth.RefreshError("later", retryable=True), errors.ConnectionFailedError, True),
        (auth.TransportError(ConnectionRefusedError(111, "x")), errors.ConnectionFailedError, True),
        (ValueError("no JSON"), errors.ConnectionFailedError, False),
    ],
)  # fmt: skip
def test_what_happens_on_the_way(
    raised: Exception, error: type[errors.SourceError], *, transient: bool
) -> None:
    made = typed_error(raised, "host", 443)
    assert (type(made), made.transient) == (error, transient)
    assert made.fix


def test_a_missing_project_is_a_missing_database() -> None:
    cause = told(api.NotFound, "notFound")
    made = typed_error(cause, "host", 443)
    made.__cause__ = cause
    assert isinstance(no_project("gone", made), errors.DatabaseNotFoundError)
    wrong = typed_error(told(api.BadRequest, "invalid"), "host", 443)
    assert no_project("p", wrong) is wrong
