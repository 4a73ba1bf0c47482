"""Credentials as arguments of the driver's `connect`: where the workspace is, and how one logs in."""

from __future__ import annotations

import os
import socket
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from buster_tasks.errors import ConnectionFailedError, HostNotFoundError, TlsFailedError
from buster_tasks.sources.credentials import DatabricksCredentials
from buster_tasks.sources.databricks.principal import ServicePrincipal
from buster_tasks.sources.network import addresses, check_host, unreachable
from buster_tasks.sources.secrets import resolve_secret

_PORTS = {"https": 443, "http": 80}
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
_ATTEMPT_SECONDS = 5  # the driver waits no less before it asks a warehouse that is starting again


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a connection leads, for messages too: nothing here is secret."""

    host: str
    port: int
    is_encrypted: bool
    path: str

    @property
    def url(self) -> str:
        """The workspace's address, without a path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.is_encrypted else 'http'}://{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def endpoint_of(credentials: DatabricksCredentials) -> Endpoint:
    """Where the workspace is reached. Raises HostNotFoundError for a `server_hostname` that is no host.

    Only a server on this machine may be spoken to without TLS, since each request has the token in it.
    """
    parts = _parts(credentials.server_hostname)
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ConnectionFailedError(
            "server_hostname begins with http://, and would send the token over the network as it is.",
            fix="Write the host alone, or https://host:port.",
            transient=False,
        )
    return Endpoint(
        host=parts.hostname or "",
        port=parts.port or _PORTS[parts.scheme],
        is_encrypted=parts.scheme == "https",
        path=credentials.http_path,
    )


def arguments(
    credentials: DatabricksCredentials, endpoint: Endpoint, seconds: float
) -> dict[str, Any]:
    """All arguments of `connect`. Raises SecretNotFoundError.

    Nothing is told to the driver's makers, nothing fetched from elsewhere than the workspace, and a warehouse that is
    starting is asked again for as long as the opening may take.
    """
    known: dict[str, Any] = {
        "server_hostname": endpoint.host,
        "http_path": endpoint.path,
        "_connection_uri": endpoint.url + endpoint.path,
        "catalog": credentials.catalog,
        "schema": credentials.default_schema,
        "enable_telemetry": False,
        "use_cloud_fetch": False,
        "user_agent_entry": "buster_tasks",
        "_use_arrow_native_complex_types": False,
        "_socket_timeout": seconds,
        "_retry_delay_min": 0.1,
        "_retry_delay_max": _ATTEMPT_SECONDS,
        "_retry_stop_after_attempts_count": max(1, min(60, int(seconds // _ATTEMPT_SECONDS))),
        "_retry_stop_after_attempts_duration": max(1.0, seconds),
    }
    if credentials.access_token is not None:
        known["access_token"] = resolve_secret(credentials.access_token)
    else:
        assert credentials.client_secret is not None, "the model takes nothing else"
        known["credentials_provider"] = ServicePrincipal(
            endpoint.url,
            credentials.client_id or "",
            resolve_secret(credentials.client_secret),
            seconds=seconds,
        )
    return {name: value for name, value in known.items() if value is not None}


def reach(endpoint: Endpoint, seconds: float) -> None:
    """Raise our own error where the host cannot or may not be reached, since the driver's tell little of the reason.

    Nothing more is looked at where a proxy leads there.
    """
    check_host(endpoint.host, endpoint.port)
    if any(os.environ.get(name) for name in _PROXIES):
        return
    addresses(endpoint.host, endpoint.port)
    place = (endpoint.host, endpoint.port)  # by its name, so that each of its addresses is tried
    try:
        with socket.create_connection(place, timeout=seconds) as made:
            if endpoint.is_encrypted:
                context = ssl.create_default_context()
                with context.wrap_socket(made, server_hostname=endpoint.host):
                    pass
    except ssl.SSLCertVerificationError as error:
        raise TlsFailedError(
            f"The certificate of {endpoint} does not hold: {error.verify_message}.",
            fix="Check server_hostname, and the certificates that this machine trusts.",
        ) from error
    except ssl.SSLError as error:
        raise TlsFailedError(
            f"TLS with {endpoint} failed: {error.reason or 'no agreement'}.",
            fix="Check host and port of server_hostname: something without TLS may listen there.",
        ) from error
    except OSError as error:
        raise unreachable(endpoint.host, endpoint.port, error) from error


def _parts(text: str) -> SplitResult:
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        is_host = bool(parts.hostname) and parts.port != 0 and parts.scheme in _PORTS
    except ValueError:
        raise _no_host(text) from None
    if not is_host or parts.username or parts.path.strip("/") or parts.query:
        raise _no_host(text)
    return parts


def _no_host(text: str) -> HostNotFoundError:
    shown = text if "@" not in text else "…@" + text.rpartition("@")[2]
    return HostNotFoundError(
        f"server_hostname {shown!r} is no host.",
        fix="Write a host, or https://host:port, and nothing more; the path goes into http_path.",
    )
