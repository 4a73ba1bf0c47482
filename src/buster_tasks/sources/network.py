"""Reaching a server: addresses of its name, and the system's errors as our own, by errno and never by text."""

from __future__ import annotations

import errno
import os
import socket

from buster_tasks.errors import (
    ConnectionFailedError,
    HostNotFoundError,
    SourceError,
    SourceTimeoutError,
)

_UNREACHABLE = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN)


def addresses(host: str, port: int) -> list[str]:
    """The numeric addresses of the host, in the system's order. Raises HostNotFoundError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise HostNotFoundError(
            f"No address is known for the host {host!r}: {error.strerror}.",
            fix="Check its spelling, and the name server of the machine that runs the task.",
            transient=error.errno == socket.EAI_AGAIN,
        ) from error
    except UnicodeError as error:
        raise HostNotFoundError(
            f"{host!r} cannot be the name of a host.", fix="Check its spelling."
        ) from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def unreachable(host: str, port: int, error: OSError) -> SourceError:
    """Why no connection to the host came to be, by the system's error."""
    where = f"{host}:{port}"
    if isinstance(error, TimeoutError) or error.errno == errno.ETIMEDOUT:
        return no_answer(host, port, None)
    if error.errno == errno.ECONNREFUSED:
        return ConnectionFailedError(
            f"Nothing listens on {where}: the connection was refused.",
            fix="Check host and port, and that the database is started.",
        )
    if error.errno in _UNREACHABLE:
        return ConnectionFailedError(
            f"No way leads to {where}: {os.strerror(error.errno or 0)}.",
            fix="Check the network between the machine that runs the task and the database.",
        )
    reason = os.strerror(error.errno) if error.errno else type(error).__name__
    return ConnectionFailedError(
        f"The connection to {where} failed: {reason}.", fix="Try again, or look at the network."
    )


def no_answer(host: str, port: int, seconds: float | None) -> SourceTimeoutError:
    """Nobody answered in time."""
    within = "" if seconds is None else f" within {round(seconds, 2):g} s"
    return SourceTimeoutError(
        f"{host}:{port} did not answer{within}.",
        fix="Check host, port and firewall, or allow more by connection_timeout.",
    )
