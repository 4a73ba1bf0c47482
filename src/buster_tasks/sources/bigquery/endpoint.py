"""Where BigQuery is, and where a token may be sent."""

from __future__ import annotations

from urllib.parse import urlsplit

from buster_tasks.errors import ConnectionFailedError, TlsFailedError
from buster_tasks.sources.credentials import BigqueryCredentials

SERVICE = "https://bigquery.googleapis.com"

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def endpoint_of(credentials: BigqueryCredentials) -> str:
    """Where the service is. Raises ConnectionFailedError for an address that a token may not be sent to."""
    address = credentials.api_endpoint or SERVICE
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConnectionFailedError(
            f"The api_endpoint {address!r} is no address of a service.",
            fix="Write it as https://host, or as http://127.0.0.1:port for an emulator.",
            transient=False,
        )
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise TlsFailedError(
            f"The api_endpoint {address!r} is not encrypted, and whoever listens would have the token.",
            fix="Write https://; http:// is for an emulator on this machine alone.",
        )
    return address
