"""MySQL's and MariaDB's error numbers as our own errors; texts are shown, never looked at."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass

from buster_tasks.errors import (
    AuthenticationError,
    ConnectionFailedError,
    DatabaseNotFoundError,
    PermissionDeniedError,
    QueryFailedError,
    SourceError,
    TlsFailedError,
)
from buster_tasks.sources.failures import (
    by_number,
    locked,
    lost,
    not_a_read,
    rejected,
    stopped,
    tls_failed,
    too_slow,
)
from buster_tasks.sources.network import no_answer, unreachable

_CUT_OFF = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
"""An encrypted connection that was lost, by no fault of the encryption."""

LOST = (0, 2006, 2013, 2055)
"""What the driver says when the connection is gone."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a connection leads, for messages: nothing here is secret."""

    host: str
    port: int
    user: str
    database: str

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def typed_error(error: Exception, endpoint: Endpoint) -> SourceError:
    """Our error for one of the driver, by its number, else by the system's error behind it."""
    number, cause = _number(error), _system_error(error)
    if isinstance(cause, ssl.SSLError):
        return _tls(cause, endpoint)
    if number in _BY_NUMBER:
        return _BY_NUMBER[number](_text(error), endpoint)
    if isinstance(cause, TimeoutError):
        return no_answer(endpoint.host, endpoint.port, None)
    if number in LOST:
        return _gone("", endpoint)
    if cause is not None:
        return unreachable(endpoint.host, endpoint.port, cause)
    return _rejected(error, number, endpoint)


def _rejected(error: Exception, number: int | None, endpoint: Endpoint) -> SourceError:
    if isinstance(error, UnicodeError):
        return QueryFailedError(
            "The statement holds characters that cannot be sent.", fix="Take them out."
        )
    if number is None:
        return _not_understood(error, endpoint)
    return rejected("The server", f"{_text(error)} ({number})")


def _number(error: Exception) -> int | None:
    first = error.args[0] if len(error.args) > 1 else None
    if not isinstance(first, int) or isinstance(error, OSError):
        return None
    return first & 0xFFFF  # the driver reads it as signed


def _text(error: Exception) -> str:
    return str(error.args[1]) if len(error.args) > 1 else ""


def _system_error(error: Exception) -> OSError | None:
    """The system's error that the driver made its own of."""
    for one in (
        error,
        getattr(error, "original_exception", None),
        error.__cause__,
        error.__context__,
    ):
        if isinstance(one, OSError):
            return one
    return None


def _tls(cause: ssl.SSLError, endpoint: Endpoint) -> SourceError:
    if isinstance(cause, _CUT_OFF):
        return _gone("", endpoint)
    return tls_failed(
        cause,
        endpoint,
        certificate="Give the right `ca` in `ssl`, and the host's name as the certificate has it.",
        otherwise="Check `ssl` in the credentials, and what the server accepts.",
    )


def _no_tls(_text: str, endpoint: Endpoint) -> SourceError:
    return TlsFailedError(
        f"{endpoint} offers no TLS, which the credentials ask for.",
        fix="Enable it on the server, or set `ssl` to False where the way to it is safe.",
    )


def _tls_wanted(_text: str, endpoint: Endpoint) -> SourceError:
    return TlsFailedError(
        f"{endpoint} takes encrypted connections alone.", fix="Set `ssl` to True, with the `ca`."
    )


def _refused(text: str, endpoint: Endpoint) -> SourceError:
    return AuthenticationError(
        f"{endpoint} refuses the user {endpoint.user!r}: {text}.",
        fix="Check user and password, from which hosts the user may connect, and whether only with TLS.",
    )


def _unknown_method(text: str, endpoint: Endpoint) -> SourceError:
    return AuthenticationError(
        f"{endpoint} wants a way of authentication that is not supported: {text}.",
        fix="Give the user another authentication plugin, such as caching_sha2_password.",
    )


def _no_database(_text: str, endpoint: Endpoint) -> SourceError:
    return DatabaseNotFoundError(
        f"{endpoint} has no database {endpoint.database!r}.", fix="Check its spelling and its case."
    )


def _not_allowed(text: str, endpoint: Endpoint) -> SourceError:
    return PermissionDeniedError(
        f"The user {endpoint.user!r} may not do this: {text}.", fix="Grant it, or use another user."
    )


def _not_a_read(text: str, _endpoint: Endpoint) -> SourceError:
    return not_a_read(f"the server says: {text}")


def _full(text: str, endpoint: Endpoint) -> SourceError:
    return ConnectionFailedError(
        f"{endpoint} takes no more connections: {text}.", fix="Try again later, or raise its limit."
    )


def _blocked(text: str, endpoint: Endpoint) -> SourceError:
    return ConnectionFailedError(
        f"{endpoint} blocks this machine after failed attempts: {text}.",
        fix="Unblock it with FLUSH HOSTS.",
        transient=False,
    )


def _gone(_text: str, endpoint: Endpoint) -> SourceError:
    return lost(endpoint, fix="Try again; look at the server's log if it stays.")


def _busy(text: str, _endpoint: Endpoint) -> SourceError:
    return locked(text)


def _stopped(_text: str, _endpoint: Endpoint) -> SourceError:
    return stopped("on the server")


def _too_slow(_text: str, _endpoint: Endpoint) -> SourceError:
    return too_slow("The server")


def _not_understood(error: Exception, endpoint: Endpoint) -> SourceError:
    return ConnectionFailedError(
        f"What {endpoint} answers is not MySQL's protocol ({type(error).__name__}).",
        fix="Check host and port: something else may listen there.",
        transient=False,
    )


_Make = Callable[[str, Endpoint], SourceError]


_BY_NUMBER = by_number(
    ((1045, 1130, 1698, 1820, 1862, 3118, 3955, 4151), _refused),
    ((1251, 2049, 2054, 2058, 2059, 2061), _unknown_method),
    ((1049,), _no_database),
    ((1044, 1142, 1143, 1227, 1345, 1370), _not_allowed),
    ((1290, 1792, 1836), _not_a_read),
    ((1040, 1041, 1135, 1203, 1226), _full),
    ((1129,), _blocked),
    ((1053, 1077, 1079, 1080, 1152, 1158, 1159, 1160, 1161, 1184, 1927, 3169, 4031), _gone),
    ((1205, 1213, 3572), _busy),
    ((1028, 1317), _stopped),
    ((1969, 3024), _too_slow),
    ((2026,), _no_tls),
    ((3159,), _tls_wanted),
)
