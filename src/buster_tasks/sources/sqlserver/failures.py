"""The errors of ODBC drivers as our own: by SQL Server's number, else by SQLSTATE; texts are shown, never looked at."""

from __future__ import annotations

import re
from collections.abc import Callable

from buster_tasks.errors import (
    AuthenticationError,
    ConnectionFailedError,
    DatabaseNotFoundError,
    DriverMissingError,
    PermissionDeniedError,
    SourceError,
    SourceTimeoutError,
    TlsFailedError,
)
from buster_tasks.sources.failures import (
    by_number,
    locked,
    lost,
    not_a_read,
    rejected,
    stopped,
)
from buster_tasks.sources.sqlserver.driver import EXTRA
from buster_tasks.sources.sqlserver.login import Address

# How pyodbc writes one record of a driver's: `[08001] text (18456) (SQLDriverConnect)`.
_RECORD = re.compile(r"\[(\w{5})\] (.*?) \((-?\d+)\) ?(?=\(SQL\w+\)|; \[\w{5}\]|$)", re.DOTALL)
_VENDORS = re.compile(r"(?:\[[^\]]*\])+")


class Failure:
    """What a driver said: SQLSTATE, numbers of the server and texts, the first of each the most telling."""

    def __init__(self, error: Exception) -> None:
        arguments = [str(one) for one in error.args]
        self.state = arguments[0] if arguments else ""
        records = _RECORD.findall(arguments[1] if len(arguments) > 1 else "")
        self.numbers = [int(number) for _state, _text, number in records]
        said = [_VENDORS.sub("", text, count=1).strip() for _state, text, _number in records]
        self.text = " ".join(dict.fromkeys(said)) or self.state


def typed_error(
    error: Exception,
    address: Address,
    database: str,
    user: str | None,
    *,
    is_connecting: bool = False,
) -> SourceError:
    """Our error for one of the driver's; while it connects there is no statement that could be wrong."""
    failure = Failure(error)
    for number in failure.numbers:
        if number in _BY_NUMBER:
            return _BY_NUMBER[number](failure.text, _Where(address, database, user))
    otherwise = _not_understood if is_connecting else _rejected
    made = _BY_STATE.get(failure.state) or _BY_STATE.get(failure.state[:2], otherwise)
    return made(failure.text, _Where(address, database, user))


def is_lost(error: Exception) -> bool:
    """Whether the connection is gone with this error."""
    failure = Failure(error)
    return failure.state.startswith("08") or any(one in _GONE for one in failure.numbers)


class _Where:
    def __init__(self, address: Address, database: str, user: str | None) -> None:
        self.address, self.database, self.user = address, database, user


def _refused(text: str, where: _Where) -> SourceError:
    return AuthenticationError(
        f"{where.address} refuses the user {where.user!r}: {text}",
        fix="Check user and password, and whether the server takes logins of its own (mixed mode).",
    )


def _no_database(_text: str, where: _Where) -> SourceError:
    return DatabaseNotFoundError(
        f"{where.address} has no database {where.database!r} that {where.user!r} may enter.",
        fix="Check its spelling, and that the login has a user in it.",
    )


def _not_allowed(text: str, where: _Where) -> SourceError:
    return PermissionDeniedError(
        f"The user {where.user!r} may not do this: {text}", fix="Grant it, or use another user."
    )


def _not_a_read(text: str, _where: _Where) -> SourceError:
    return not_a_read(f"the server says: {text}")


def _not_ready(text: str, where: _Where) -> SourceError:
    return ConnectionFailedError(
        f"{where.address} cannot serve us now: {text}", fix="Try again later."
    )


def _gone(_text: str, where: _Where) -> SourceError:
    return lost(where.address, fix="Try again; look at the server's log if it stays.")


def _firewall(text: str, where: _Where) -> SourceError:
    return ConnectionFailedError(
        f"{where.address} keeps this machine out: {text}",
        fix="Add its address to the server's firewall rules.",
        transient=False,
    )


def _busy(text: str, _where: _Where) -> SourceError:
    return locked(text)


def _no_tls(_text: str, where: _Where) -> SourceError:
    return TlsFailedError(
        f"{where.address} offers no TLS, which the credentials ask for.",
        fix="Enable it on the server, or set `encrypt` to False where the way to it is safe.",
    )


def _tls(text: str, where: _Where) -> SourceError:
    """The host answered just before, so what fails on the way to the login is the encryption."""
    return TlsFailedError(
        f"No agreement on TLS with {where.address}: {text}",
        fix="Make the server's authority known to this machine (its certificates, or SSL_CERT_FILE), give the name "
        "in the certificate as `host_name_in_certificate`, or where the way is safe set "
        "`trust_server_certificate`.",
    )


def _too_slow(_text: str, where: _Where) -> SourceError:
    return SourceTimeoutError(
        f"{where.address} did not answer in time.",
        fix="Narrow the statement down, or allow it more time; for a login, check host, port and firewall.",
    )


def _stopped(_text: str, _where: _Where) -> SourceError:
    return stopped("on the server")


def _no_driver(text: str, _where: _Where) -> SourceError:
    return DriverMissingError(
        f"The ODBC driver cannot be loaded: {text}",
        fix="Install what it needs (its message names the library), or give another `driver`.",
        extra=EXTRA,
    )


def _not_understood(text: str, where: _Where) -> SourceError:
    return ConnectionFailedError(
        f"No connection to {where.address} came to be: {text}",
        fix="Check host and port: something else than SQL Server may listen there.",
        transient=False,
    )


def _rejected(text: str, _where: _Where) -> SourceError:
    return rejected("The server", text)


_Make = Callable[[str, _Where], SourceError]


_GONE = (596, 6005, 6006, 10053, 10054, 10060)
_BY_NUMBER = by_number(
    ((18450, 18451, 18452, 18456, 18470, 18486, 18487, 18488, 33134), _refused),
    ((911, 4060, 4064), _no_database),
    (
        (229, 230, 262, 297, 300, 371, 378, 916, 1088, 4604, 5011, 15247, 15562, 40515),
        _not_allowed,
    ),
    ((3906, 3908, 978, 979), _not_a_read),
    ((1222, 1205, 3960), _busy),
    (
        (17809, 17830, 18461, 40197, 40501, 40613, 49918, 49919, 49920, 10928, 10929, 701, 8645),
        _not_ready,
    ),
    ((40615, 40914, 47073), _firewall),
    (_GONE, _gone),
    ((20,), _no_tls),
)
_BY_STATE: dict[str, _Make] = {
    "28000": _refused,
    "08001": _tls,
    "08": _gone,
    "HYT": _too_slow,
    "HYT00": _too_slow,
    "HYT01": _too_slow,
    "HY008": _stopped,
    "01000": _no_driver,
    "IM": _no_driver,
}
