"""What Google's client raises as our own errors, by class and by the `reason` that the service gives."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Callable
from typing import Any, cast

import requests
from google.api_core import exceptions as api
from google.auth import exceptions as auth

from buster_tasks.errors import (
    AuthenticationError,
    ConnectionFailedError,
    DatabaseNotFoundError,
    HostNotFoundError,
    PermissionDeniedError,
    QueryCanceledError,
    QueryFailedError,
    SourceBusyError,
    SourceError,
    SourceTimeoutError,
)
from buster_tasks.sources.failures import behind, lost, tls_failed
from buster_tasks.sources.network import unreachable

Make = Callable[[str], SourceError]


def typed_error(error: Exception, host: str, port: int) -> SourceError:
    """Our error for one of the client; `host` and `port` are for messages."""
    if isinstance(error, SourceError):
        return error
    if isinstance(error, api.RetryError) and isinstance(error.cause, Exception):
        return typed_error(error.cause, host, port)
    if isinstance(error, auth.RefreshError):
        return _not_logged_in(error)
    if isinstance(error, auth.InvalidOperation):  # it wants another token, and we have none
        return _nobody("nobody is logged in")
    if isinstance(error, api.GoogleAPICallError):
        return _told(error)
    return _on_the_way(error, host, port)


def reason_of(error: BaseException) -> str | None:
    """The word by which the service says what went wrong."""
    return _entry(error).get("reason")


def no_project(project: str, error: SourceError) -> SourceError:
    """The error of the first request, where what is not found can only be the project."""
    if isinstance(error, QueryFailedError) and isinstance(error.__cause__, api.NotFound):
        return DatabaseNotFoundError(
            f"There is no project {project!r}, or it has no BigQuery. {error.message}",
            fix="Check project_id: it is the project's ID, not its name or number.",
        )
    return error


def _text(error: api.GoogleAPICallError) -> str:
    """What the service says, without the address that was asked."""
    told = _entry(error).get("message") or str(getattr(error, "message", None) or "")
    return told.partition("\n")[0].rstrip(".")


def _entry(error: BaseException) -> dict[str, str]:
    """The first of the reasons that the service gives, with the words for it."""
    entries: Any = getattr(error, "errors", None)
    return dict(entries[0]) if entries and isinstance(entries[0], dict) else {}


def _told(error: api.GoogleAPICallError) -> SourceError:
    make = _BY_REASON.get(reason_of(error) or "")
    if make is None:
        make = next((one for kind, one in _BY_CLASS if isinstance(error, kind)), _unavailable)
    return make(_text(error))


def _not_logged_in(error: auth.RefreshError) -> SourceError:
    """Google says why by a word; the rest of what it says is of no more use."""
    details: Any = error.args[1] if len(error.args) > 1 else None
    word = cast("dict[str, object]", details).get("error") if isinstance(details, dict) else None
    if getattr(error, "retryable", False):
        return ConnectionFailedError(
            "Google's service for tokens is not available now.", fix="Try again."
        )
    return AuthenticationError(
        f"Google refuses the login{f': {word}' if isinstance(word, str) else ''}.",
        fix="Check that the service account and its key are neither disabled nor deleted and that the clock of this "
        "machine is right, or make a new key; for a login of gcloud, log in again.",
    )


def _on_the_way(error: Exception, host: str, port: int) -> SourceError:
    causes = behind(error)
    for one in causes:
        known = _of_cause(one, host, port)
        if known is not None:
            return known
    if any(isinstance(one, (requests.Timeout, TimeoutError)) for one in causes):
        return unreachable(host, port, TimeoutError())
    system = [one for one in causes if isinstance(one, OSError) and one.errno in errno.errorcode]
    if system:
        return unreachable(host, port, system[0])
    if any(isinstance(one, (requests.ConnectionError, auth.TransportError)) for one in causes):
        return lost(f"{host}:{port}", fix="Try again.")
    return ConnectionFailedError(
        f"What {host}:{port} answers is not BigQuery's protocol ({type(error).__name__}).",
        fix="Check api_endpoint: something else may listen there.",
        transient=False,
    )


def _of_cause(one: BaseException, host: str, port: int) -> SourceError | None:
    if isinstance(one, SourceError):
        return one
    if isinstance(one, ssl.SSLError):
        return _no_tls(one, host, port)
    if isinstance(one, socket.gaierror):
        return HostNotFoundError(
            f"No address is known for the host {host!r}: {one.strerror}.",
            fix="Check api_endpoint, and the name server of the machine that runs the task.",
            transient=one.errno == socket.EAI_AGAIN,
        )
    return None


def _no_tls(error: ssl.SSLError, host: str, port: int) -> SourceError:
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return lost(f"{host}:{port}", fix="Try again.")
    return tls_failed(
        error,
        f"{host}:{port}",
        certificate="Check api_endpoint; behind a proxy of your own, name its authority in REQUESTS_CA_BUNDLE.",
        otherwise="Check api_endpoint: what listens there may not speak TLS.",
    )


def _denied(text: str) -> SourceError:
    return PermissionDeniedError(
        f"{text}.",
        fix="Grant roles/bigquery.jobUser on the project and roles/bigquery.dataViewer on the datasets.",
    )


def _no_billing(text: str) -> SourceError:
    return PermissionDeniedError(f"{text}.", fix="Enable billing and the BigQuery API there.")


def _not_found(text: str) -> SourceError:
    return QueryFailedError(
        f"{text}.",
        fix="Check project, dataset and table, and `location`: a statement sees the datasets of one location.",
    )


def _rejected(text: str) -> SourceError:
    return QueryFailedError(
        f"BigQuery rejects the statement: {text}.", fix="Correct the SQL: send one SELECT."
    )


def _too_dear(text: str) -> SourceError:
    return QueryFailedError(
        f"{text}.", fix="Read fewer columns or partitions, or raise maximum_bytes_billed."
    )


def _too_large(text: str) -> SourceError:
    return QueryFailedError(f"{text}.", fix="Narrow the statement down.")


def _too_often(text: str) -> SourceError:
    return SourceBusyError(f"{text}.", fix="Try again in some seconds, or ask less at a time.")


def _quota(text: str) -> SourceError:
    return SourceBusyError(
        f"{text}.", fix="Wait until the quota is renewed, or have it raised.", transient=False
    )


def _stopped(text: str) -> SourceError:
    return QueryCanceledError(f"{text}.", fix="Run it again if it is still wanted.")


def _too_slow(text: str) -> SourceError:
    return SourceTimeoutError(f"{text}.", fix="Narrow it down, or allow it more time.")


def _unavailable(text: str) -> SourceError:
    return ConnectionFailedError(f"BigQuery failed: {text}.", fix="Try again in some seconds.")


def _nobody(text: str) -> SourceError:
    return AuthenticationError(
        f"BigQuery refuses the login: {text}.",
        fix="Check the key, and that its service account is enabled.",
    )


_BY_REASON: dict[str, Make] = {
    "accessDenied": _denied,
    "notFound": _not_found,
    "authError": _nobody,
    "required": _nobody,
    "billingNotEnabled": _no_billing,
    "accessNotConfigured": _no_billing,
    "rateLimitExceeded": _too_often,
    "jobRateLimitExceeded": _too_often,
    "quotaExceeded": _quota,
    "invalid": _rejected,
    "invalidQuery": _rejected,
    "bytesBilledLimitExceeded": _too_dear,
    "billingTierLimitExceeded": _too_dear,
    "resourcesExceeded": _too_large,
    "responseTooLarge": _too_large,
    "stopped": _stopped,
    "timeout": _too_slow,
    **dict.fromkeys(
        (
            "backendError",
            "internalError",
            "jobBackendError",
            "jobInternalError",
            "tableUnavailable",
        ),
        _unavailable,
    ),
}
_BY_CLASS: tuple[tuple[type[Exception], Make], ...] = (
    (api.Unauthorized, _nobody),
    (api.Forbidden, _denied),
    (api.NotFound, _not_found),
    (api.TooManyRequests, _too_often),
    (api.ServerError, _unavailable),
    (api.ClientError, _rejected),
)
