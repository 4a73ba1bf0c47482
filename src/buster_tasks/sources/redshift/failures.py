"""What Redshift says as our own errors: by SQLSTATE, as PostgreSQL's, where the server gave one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from buster_tasks.errors import (
    AuthenticationError,
    ConnectionFailedError,
    PermissionDeniedError,
    QueryFailedError,
    SourceError,
)
from buster_tasks.sources.failures import lost, rejected
from buster_tasks.sources.postgres.failures import Place, by_state

_DENIED = "42501"
_UNKNOWN_SETTING = "42704"


def typed_error(error: BaseException, place: Place, told: object = None) -> SourceError:
    """Our error for one that the driver raised; `told` is the last that the server sent, where the driver kept it.

    The driver raises whatever comes when a connection breaks in the middle of a message.
    """
    if isinstance(error, SourceError):
        return error
    for fields in (_fields(error), _fields(told)):
        if fields is not None:
            return _by_fields(fields, place)
    return lost(
        place.server,
        fix="Try again; if it stays so, look at the network and at the cluster's events.",
    )


def login_error(error: BaseException, place: Place, told: object = None) -> SourceError:
    """Our error for one that the driver raised while it was connecting."""
    fields = _fields(error) or _fields(told)
    if fields is None:
        return ConnectionFailedError(
            f"What listens on {place.server} does not answer as Redshift does.",
            fix="Check host and port, and that the cluster is available.",
        )
    if fields.get("C") == _UNKNOWN_SETTING:
        return ConnectionFailedError(
            f"{place.server} is a PostgreSQL server, and no Redshift: it does not know the driver's settings.",
            fix="Use credentials of the type postgres.",
            transient=False,
        )
    known = _by_fields(fields, place)
    if isinstance(known, QueryFailedError):
        return ConnectionFailedError(
            f"{place.server} refuses the connection: SQLSTATE {fields.get('C')}.",
            fix="Look at the cluster's connection log.",
            transient=False,
        )
    return known


def _fields(error: object) -> Mapping[str, str] | None:
    """What the server said, where this is an error of it."""
    arguments: tuple[Any, ...] = getattr(error, "args", ())
    if arguments and isinstance(arguments[0], dict) and "C" in arguments[0]:
        return cast("Mapping[str, str]", arguments[0])
    return None


def _by_fields(fields: Mapping[str, str], place: Place) -> SourceError:
    parts = [fields.get("M") or f"SQLSTATE {fields['C']}"]
    if fields.get("P"):
        parts.append(f"at character {fields['P']}")
    if fields.get("H"):
        parts.append(f"hint: {fields['H']}")
    text = "; ".join(part.rstrip(".") for part in parts)
    state = fields["C"]
    make = _OWN.get(state) or _OWN.get(state[:2])
    if make is not None:
        return make(place, text)
    known = by_state(state, place, text)
    if isinstance(known, QueryFailedError):
        return rejected("Redshift", text)
    return known


def _not_admitted(place: Place, _text: str) -> SourceError:
    return AuthenticationError(
        f"{place.server} refuses the user {place.user!r} or the password.",
        fix="Correct username and password of the credentials; a temporary password may have expired.",
    )


def _denied(place: Place, text: str) -> SourceError:
    return PermissionDeniedError(
        f"The user {place.user!r} may not do this in {place.database!r}: {text}.",
        fix="Grant the user what is missing (USAGE on the schema, SELECT on the table).",
    )


# Redshift gives the class alone for a wrong password, and has no pg_hba.conf.
_OWN: dict[str, Callable[[Place, str], SourceError]] = {"28": _not_admitted, _DENIED: _denied}
