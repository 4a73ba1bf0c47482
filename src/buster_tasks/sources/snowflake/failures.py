"""Snowflake's and its driver's error numbers as our own errors; texts are shown, never looked at."""

from __future__ import annotations

import os
import re
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from buster_tasks.errors import (
    AuthenticationError,
    ConnectionFailedError,
    PermissionDeniedError,
    QueryFailedError,
    SourceError,
)
from buster_tasks.sources.failures import (
    by_number,
    lost,
    rejected,
    stopped,
    tls_failed,
    too_slow,
)
from buster_tasks.sources.network import addresses, no_answer, unreachable

NOT_CONNECTED = 250001
"""What every version says when no session came to be, whatever the reason."""

_PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
# The number, in version 5 also a second time, and the driver's own marks.
_DECORATION = re.compile(r"^(\d{6}( \(\w+\))?: )+|\s*\((request_id|sfqid)=[^)]*\)$")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a connection leads and as whom, for messages: nothing here is secret."""

    host: str
    port: int
    is_encrypted: bool
    user: str
    database: str
    warehouse: str
    role: str | None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class TooMuchError(QueryFailedError):
    """A view of the catalog would have more rows than Snowflake gives; less of it may be asked for."""


def login_error(
    error: Exception, endpoint: Endpoint, seconds: float, *, major: int, is_late: bool = False
) -> SourceError:
    """Our error for a login that failed: by its number, else by what a look at the host tells.

    Version 5 of the driver hands on the number that Snowflake gives, version 4 that of some refusals alone, and it
    does not tell a host that says nothing: `is_late` is that the time was over.
    """
    number = _number(error)
    made = _LOGIN.get(number)
    if made is not None:
        return made(_text(error), endpoint)
    if 390_000 <= number < 400_000:
        return _refused(_text(error), endpoint)
    found = _look(endpoint, seconds)
    if found is not None:
        return found
    if is_late or _state(error) == "HYT00":
        return no_answer(endpoint.host, endpoint.port, seconds)
    return _unexplained(error, endpoint, major)


def _unexplained(error: Exception, endpoint: Endpoint, major: int) -> SourceError:
    """What it may be where the host can be reached, by the class of the driver's error."""
    kinds = {one.__name__ for one in type(error).__mro__}
    if major < 5 and _number(error) == NOT_CONNECTED and type(error).__name__ == "DatabaseError":
        return _refused(_text(error), endpoint)
    if "ProgrammingError" in kinds:
        return ConnectionFailedError(
            f"The driver does not take the credentials: {_text(error)}.",
            fix="Check their fields.",
            transient=False,
        )
    return _not_understood(error, endpoint)


def query_error(error: Exception, endpoint: Endpoint) -> SourceError:
    """Our error for a statement that failed."""
    number = _number(error)
    made = _QUERY.get(number)
    if made is not None:
        return made(_text(error), endpoint)
    kinds = {one.__name__ for one in type(error).__mro__}
    if _state(error) == "42501":
        return _not_allowed(_text(error), endpoint)
    if "ProgrammingError" in kinds or "IntegrityError" in kinds or "DataError" in kinds:
        return rejected("Snowflake", f"{_text(error)} ({number})")
    if not ({"OperationalError", "InternalError", "InterfaceError", "HttpError"} & kinds):
        if "DatabaseError" in kinds:
            return QueryFailedError(
                f"The statement failed: {_text(error)} ({number}).", fix="Correct the SQL."
            )
        if "Error" not in kinds:
            return _unreadable(type(error).__name__, endpoint)
    return _gone("", endpoint)


def _look(endpoint: Endpoint, seconds: float) -> SourceError | None:
    """What keeps us from the host, by the system's own error; None where nothing does, or a proxy leads there."""
    if any(os.environ.get(name) for name in _PROXIES):
        return None
    try:
        found = addresses(endpoint.host, endpoint.port)[0]
        with socket.create_connection((found, endpoint.port), timeout=seconds) as made:
            if endpoint.is_encrypted:
                context = ssl.create_default_context()
                with context.wrap_socket(made, server_hostname=endpoint.host):
                    pass
    except SourceError as error:
        return error
    except ssl.SSLError as error:
        return tls_failed(
            error,
            endpoint,
            certificate="Check account_id or custom_host, and the certificates that this machine trusts.",
            otherwise="Check host and port of custom_host: something without TLS may listen there.",
        )
    except OSError as error:
        return unreachable(endpoint.host, endpoint.port, error)
    return None


def _number(error: Exception) -> int:
    number = getattr(error, "errno", None)
    return number if isinstance(number, int) else -1


def _state(error: Exception) -> str | None:
    state = getattr(error, "sqlstate", None)
    return state if isinstance(state, str) else None


def _text(error: Exception) -> str:
    text = getattr(error, "raw_msg", None) or getattr(error, "msg", None) or str(error)
    return _DECORATION.sub("", str(text)).strip().rstrip(".")


def _refused(text: str, endpoint: Endpoint) -> SourceError:
    return AuthenticationError(
        f"Snowflake at {endpoint} refuses the user {endpoint.user!r}: {text}.",
        fix="Check account_id, username and the password, key or token, and that the user may log in this way.",
    )


def _not_from_here(text: str, endpoint: Endpoint) -> SourceError:
    return PermissionDeniedError(
        f"{endpoint} lets nobody in from here: {text}.",
        fix="Add the address of this machine to the account's network policy.",
    )


def _no_role(text: str, endpoint: Endpoint) -> SourceError:
    return PermissionDeniedError(
        f"The user {endpoint.user!r} may not take the role {endpoint.role!r}: {text}.",
        fix=f"GRANT ROLE ... TO USER {endpoint.user}; or name another role.",
    )


def _not_allowed(text: str, endpoint: Endpoint) -> SourceError:
    return PermissionDeniedError(
        f"The user {endpoint.user!r} may not do this: {text}.",
        fix="Grant it to the role, or use another role.",
    )


def _no_warehouse(text: str, endpoint: Endpoint) -> SourceError:
    return PermissionDeniedError(
        f"The warehouse {endpoint.warehouse!r} cannot be used: {text}.",
        fix="Check warehouse_id, and GRANT USAGE ON WAREHOUSE ... TO ROLE ...; it must be able to resume.",
    )


def _gone(_text: str, endpoint: Endpoint) -> SourceError:
    return lost(endpoint, fix="Try again; look at Snowflake's status page if it stays.")


def _stopped(_text: str, _endpoint: Endpoint) -> SourceError:
    return stopped("in Snowflake")


def _too_slow(_text: str, _endpoint: Endpoint) -> SourceError:
    return too_slow("Snowflake")


def _too_much(text: str, _endpoint: Endpoint) -> SourceError:
    return TooMuchError(f"{text}.", fix="Narrow the filters: schemas, or tables.")


def _unreadable(text: str, _endpoint: Endpoint) -> SourceError:
    return QueryFailedError(
        f"The driver cannot read the result: {text}.",
        fix="Convert the values to text in the statement, such as dates before the year 1.",
    )


def _not_understood(error: Exception, endpoint: Endpoint) -> SourceError:
    return ConnectionFailedError(
        f"{endpoint} does not answer as Snowflake does: {_text(error)} ({_number(error)}).",
        fix="Check account_id, custom_host and token_url, and whether Snowflake is available; then try again.",
    )


_Make = Callable[[str, Endpoint], SourceError]


_LOGIN = by_number(((390_186, 390_189), _no_role), ((390_420, 390_421, 390_422), _not_from_here))
_QUERY = by_number(
    ((3001, 3003, 3005), _not_allowed),
    ((606, 90_073, 90_080, 90_082), _no_warehouse),
    ((604,), _stopped),
    ((630,), _too_slow),
    ((90_030,), _too_much),
    ((252_005, 255_001, 255_002, 255_003, 255_004, 255_005), _unreadable),
    ((390_104, 390_111, 390_112, 390_113, 390_114, 390_115), _gone),
)
