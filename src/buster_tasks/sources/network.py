"""Reaching a server: addresses of its name, and the system's errors as our own, by errno and never by text."""

from __future__ import annotations

import errno
import os
import re
import socket
from urllib.parse import urlsplit

from buster_tasks.errors import (
    ConnectionFailedError,
    HostNotAllowedError,
    HostNotFoundError,
    SourceError,
    SourceTimeoutError,
)
from buster_tasks.sources.access import allowed_hosts

_DOUBTFUL = re.compile(r"[\s\\@\x00-\x1f\x7f]")
_PORTS = {"https": 443, "http": 80}
_UNREACHABLE = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN)


def addresses(host: str, port: int) -> list[str]:
    """The numeric addresses of the host, in the system's order. Raises HostNotFoundError, HostNotAllowedError.

    Who connects to these, and does not look the name up again, cannot be led to another place than was checked.
    """
    allowed = allowed_hosts()
    if allowed is not None:
        allowed.check_written(host, port)
    found = _looked_up(host, port)
    if allowed is not None:
        allowed.check(host, port, found)
    return found


def check_host(host: str, port: int | None) -> None:
    """Raise HostNotAllowedError unless the host may be connected to, by a driver that looks its name up by itself."""
    allowed = allowed_hosts()
    if allowed is None:
        return
    is_named = allowed.check_written(host, port)
    try:
        found = _looked_up(host, port)
    except HostNotFoundError:
        if is_named:
            return  # a proxy may know it, or the driver fails too
        raise
    allowed.check(host, port, found)


def check_url(url: str) -> None:
    """The same for the host of a URL."""
    host, port = host_and_port(url)
    check_host(host, port)


def host_and_port(url: str) -> tuple[str, int]:
    """Whom a URL of HTTP leads to. Raises HostNotAllowedError for one that leads nowhere, or not everybody to the same.

    Libraries do not agree on where a host ends that has a user, a backslash or a blank before it or in it.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if host and parts.scheme in _PORTS and not _DOUBTFUL.search(url):
        return host, port or _PORTS[parts.scheme]
    raise HostNotAllowedError(
        "A URL among the credentials has no host, or a doubtful one, or is none of HTTP.",
        fix="Write https://host/path.",
    )


def _looked_up(host: str, port: int | None) -> list[str]:
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
