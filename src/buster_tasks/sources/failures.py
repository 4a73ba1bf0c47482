"""What every server may say to a connection or a statement, as our own errors, in one wording each.

How a driver says it is its kind's own matter: `failures.py` there tells the cases apart.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable
from typing import TypeVar

from buster_tasks.errors import (
    ConnectionFailedError,
    PermissionDeniedError,
    QueryCanceledError,
    QueryFailedError,
    SourceBusyError,
    SourceTimeoutError,
    TlsFailedError,
)

ONE_SELECT = "Send one SELECT statement."

MakeT = TypeVar("MakeT", bound=Callable[..., object])


def lost(place: object, *, fix: str) -> ConnectionFailedError:
    """The connection was there, and is gone."""
    return ConnectionFailedError(f"The connection to {place} was lost.", fix=fix)


def rejected(who: str, text: str) -> QueryFailedError:
    """The statement is wrong."""
    return QueryFailedError(
        f"{who} rejects the statement: {text.removesuffix('.')}.", fix="Correct the SQL."
    )


def not_a_read(what: str, *, fix: str = ONE_SELECT) -> PermissionDeniedError:
    """The statement may do more than read, and `what` says why."""
    return PermissionDeniedError(
        f"A data source is only read, and {what.removesuffix('.')}.", fix=fix
    )


def no_query() -> QueryFailedError:
    """The text has blanks and comments alone."""
    return QueryFailedError("The text holds no query, so there is no result.", fix=ONE_SELECT)


def several_statements() -> QueryFailedError:
    """The text has more than the one statement that is run."""
    return QueryFailedError("The text holds more than one statement.", fix=ONE_SELECT)


def stopped(where: str) -> QueryCanceledError:
    """Somebody, we ourselves most often, had the statement stopped; `where` is such as "on the server"."""
    return QueryCanceledError(
        f"The statement was stopped {where}.", fix="Run it again if it is still wanted."
    )


def too_slow(
    who: str, *, fix: str = "Narrow it down, or allow it more time."
) -> SourceTimeoutError:
    """A time limit of the server's own is over."""
    return SourceTimeoutError(f"{who} stopped the statement at its time limit.", fix=fix)


def locked(text: str) -> SourceBusyError:
    """What the statement needs is held by another one."""
    return SourceBusyError(
        f"Somebody else holds a lock: {text.removesuffix('.')}.",
        fix="Try again when that one is done.",
    )


def tls_failed(
    error: ssl.SSLError, place: object, *, certificate: str, otherwise: str
) -> TlsFailedError:
    """No encryption came to be; the fixes are for a certificate that does not hold, and for all else."""
    if isinstance(error, ssl.SSLCertVerificationError):
        why = getattr(error, "verify_message", error)
        return TlsFailedError(f"The certificate of {place} does not hold: {why}.", fix=certificate)
    why = getattr(error, "reason", None) or "no agreement"
    return TlsFailedError(f"TLS with {place} failed: {why}.", fix=otherwise)


def by_number(*entries: tuple[Iterable[int], MakeT]) -> dict[int, MakeT]:
    """A table of error numbers, from one that is written by what they mean."""
    return {number: make for numbers, make in entries for number in numbers}


def behind(error: BaseException) -> list[BaseException]:
    """The error and all that it has within: as its cause, its context, its reason, or among its arguments."""
    found: list[BaseException] = []
    rest: list[object] = [error]
    while rest:
        one = rest.pop(0)
        if isinstance(one, BaseException) and one not in found:
            found.append(one)
            rest += [getattr(one, "reason", None), one.__cause__, one.__context__, *one.args]
    return found
