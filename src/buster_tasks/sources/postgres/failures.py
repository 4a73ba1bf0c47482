"""What PostgreSQL says as our own errors: by SQLSTATE where there is one, never by the words of a message."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from buster_tasks.errors import (
    AuthenticationError,
    ConnectionFailedError,
    DatabaseCorruptError,
    DatabaseNotFoundError,
    PermissionDeniedError,
    QueryCanceledError,
    QueryFailedError,
    SourceBusyError,
    SourceError,
)
from buster_tasks.sources.failures import not_a_read, rejected
from buster_tasks.sources.quoting import in_double_quotes as quote

if TYPE_CHECKING:
    import psycopg


class Place(NamedTuple):
    """Where we connect, and as whom."""

    host: str
    port: int
    database: str
    user: str

    @property
    def server(self) -> str:
        """Host and port as messages show them."""
        return f"{self.host}:{self.port}"


def typed_error(error: psycopg.Error, place: Place) -> SourceError:
    """Our error for one that the driver raised while it was connected."""
    import psycopg  # all else here serves Redshift too, whose driver is another

    if error.sqlstate is None:
        if isinstance(error, psycopg.OperationalError):
            return _lost(place, "")
        return QueryFailedError(f"The statement cannot be sent: {error}.", fix="Correct the SQL.")
    return by_state(error.sqlstate, place, _text(error))


def by_state(state: str, place: Place, text: str = "") -> SourceError:
    """Our error for a SQLSTATE, by the whole of it, else by its class."""
    make = _BY_STATE.get(state) or _BY_STATE.get(state[:2]) or _rejected
    return make(place, text or f"SQLSTATE {state}")


def login_error(state: str, place: Place) -> SourceError:
    """Our error for the SQLSTATE that a connection was refused with."""
    if state == "55000":
        return _closed_database(place, f"SQLSTATE {state}")
    if state == "42501":
        return _may_not_connect(place)
    known = by_state(state, place)
    if isinstance(known, QueryFailedError):
        return ConnectionFailedError(
            f"{place.server} refuses the connection: SQLSTATE {state}.",
            fix="Look into the server's log.",
            transient=False,
        )
    return known


def more_than_read(text: str = "it is no SELECT") -> PermissionDeniedError:
    """The statement would do more than read."""
    return not_a_read(f"this statement would do more: {text}")


def _text(error: psycopg.Error) -> str:
    """The server's sentence with its hint and where in the statement it is, on one line."""
    diag = error.diag
    parts = [diag.message_primary or type(error).__name__]
    if diag.statement_position:
        parts.append(f"at character {diag.statement_position}")
    if diag.message_hint:
        parts.append(f"hint: {diag.message_hint}")
    return "; ".join(part.rstrip(".") for part in parts)


def _rejected(_place: Place, text: str) -> SourceError:
    return rejected("PostgreSQL", text)


def _lost(place: Place, text: str) -> SourceError:
    why = f": {text}" if text else ""
    return ConnectionFailedError(
        f"The connection to {place.server} was lost{why}.",
        fix="Try again; if it stays so, look into the server's log.",
    )


def _not_now(place: Place, text: str) -> SourceError:
    return ConnectionFailedError(
        f"{place.server} takes no connections now: {text}.", fix="Try again when it is up."
    )


def _crowded(place: Place, text: str) -> SourceError:
    return ConnectionFailedError(
        f"{place.server} has no room for more: {text}.",
        fix="Try again later, or raise the server's limit.",
    )


def _wrong_password(place: Place, _text: str) -> SourceError:
    return AuthenticationError(
        f"{place.server} refuses the user {place.user!r} or the password.",
        fix="Correct username and password of the credentials.",
    )


def _not_admitted(place: Place, _text: str) -> SourceError:
    return AuthenticationError(
        f"{place.server} does not admit the user {place.user!r} from here to the database {place.database!r}.",
        fix="Check the user name, whether the server wants TLS (option ssl), and its pg_hba.conf.",
    )


def _no_database(place: Place, _text: str) -> SourceError:
    return DatabaseNotFoundError(
        f"{place.server} has no database {place.database!r}.",
        fix="Correct the option database; its case matters.",
    )


def _closed_database(place: Place, text: str) -> SourceError:
    return ConnectionFailedError(
        f"The database {place.database!r} takes no connections: {text}.",
        fix="Use another database, or have it allow connections.",
        transient=False,
    )


def _may_not_connect(place: Place) -> SourceError:
    return PermissionDeniedError(
        f"The user {place.user!r} may not connect to the database {place.database!r}.",
        fix=f"GRANT CONNECT ON DATABASE {quote(place.database)} TO {quote(place.user)};",
    )


def _denied(place: Place, text: str) -> SourceError:
    return PermissionDeniedError(
        f"The user {place.user!r} may not do this in {place.database!r}: {text}.",
        fix="Grant the user what is missing (CONNECT on the database, USAGE on the schema, SELECT on the table).",
    )


def _busy(place: Place, text: str) -> SourceError:
    return SourceBusyError(
        f"Somebody else holds in {place.database!r} what this needs: {text}.",
        fix="Try again when that one is done.",
    )


def _canceled(_place: Place, text: str) -> SourceError:
    return QueryCanceledError(
        f"The server stopped the statement: {text}.", fix="Run it again if it is still wanted."
    )


def _damaged(place: Place, text: str) -> SourceError:
    return DatabaseCorruptError(
        f"The database {place.database!r} has damaged data: {text}.",
        fix="Have its administrator look at it.",
    )


_BY_STATE: dict[str, Callable[[Place, str], SourceError]] = {
    "08": _lost,
    "25001": lambda _place, text: more_than_read(text),
    "25006": lambda _place, text: more_than_read(text),
    "28": _not_admitted,
    "28P01": _wrong_password,
    "3D000": _no_database,
    "40": _busy,
    "42501": _denied,
    "53": _crowded,
    "25P03": _lost,
    "55P03": _busy,
    "55006": _busy,
    "57": _lost,
    "57014": _canceled,
    "57P03": _not_now,
    "57P04": _no_database,
    "XX001": _damaged,
    "XX002": _damaged,
}
