"""Credentials as arguments of the driver's `connect`, for its major versions 4 and 5.

Nothing is written to the home folder that the driver can be told to leave alone: no token is cached. Version 4 would
ask the certificate's issuer whether it was revoked, over plain HTTP and with a cache in the home folder; version 5 does
not, and neither do we. The certificate itself is checked in any case.
"""

from __future__ import annotations

import re
from math import ceil
from typing import Any
from urllib.parse import SplitResult, urlsplit

from buster_tasks.errors import (
    AuthenticationError,
    ConnectionFailedError,
    HostNotFoundError,
    TlsFailedError,
)
from buster_tasks.sources.credentials import SnowflakeCredentials
from buster_tasks.sources.secrets import resolve_secret
from buster_tasks.sources.snowflake.failures import Endpoint

SESSION: dict[str, Any] = {
    "QUERY_TAG": "buster-tasks",
    "MULTI_STATEMENT_COUNT": 1,
    "STATEMENT_TIMEOUT_IN_SECONDS": 3_600,
    "AUTOCOMMIT": True,
    "TIMEZONE": "UTC",
    "QUOTED_IDENTIFIERS_IGNORE_CASE": False,
    "GEOGRAPHY_OUTPUT_FORMAT": "GeoJSON",
    "GEOMETRY_OUTPUT_FORMAT": "GeoJSON",
    "CLIENT_TELEMETRY_ENABLED": False,
    "CLIENT_SESSION_KEEP_ALIVE": False,
}
"""What a session is set to, whatever the account's or the user's defaults are."""

_APPLICATION = "buster_tasks"
_PORTS = {"https": 443, "http": 80}
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_ACCOUNT = re.compile(r"[\w.-]+")


def endpoint_of(credentials: SnowflakeCredentials) -> Endpoint:
    """Where the account is reached. Raises HostNotFoundError for what is no host, and TlsFailedError.

    Only a server on this machine may be spoken to without TLS.
    """
    if credentials.token_url is not None:
        _check_encryption(urlsplit(credentials.token_url), "token_url")
    parts = _custom(credentials.custom_host) if credentials.custom_host else None
    scheme = parts.scheme if parts is not None else "https"
    return Endpoint(
        host=(parts.hostname or "") if parts is not None else _host(credentials.account_id),
        port=(parts.port if parts is not None else None) or _PORTS[scheme],
        is_encrypted=scheme == "https",
        user=credentials.username,
        database=credentials.default_database,
        warehouse=credentials.warehouse_id,
        role=credentials.role,
    )


def arguments(
    credentials: SnowflakeCredentials, major: int, *, open_seconds: float, network_seconds: float
) -> dict[str, Any]:
    """All arguments of `connect`. Raises AuthenticationError for a key that cannot be read, SecretNotFoundError."""
    endpoint = endpoint_of(credentials)
    known: dict[str, Any] = {
        "account": credentials.account_id,
        "host": endpoint.host,
        "port": endpoint.port,
        "protocol": "https" if endpoint.is_encrypted else "http",
        "user": credentials.username,
        "database": credentials.default_database,
        "schema": credentials.default_schema,
        "warehouse": credentials.warehouse_id,
        "role": credentials.role,
        "application": _APPLICATION,
        "paramstyle": "qmark",
        "session_parameters": dict(SESSION),
        "client_store_temporary_credential": False,
        **_way_in(credentials),
        **_limits(major, ceil(open_seconds), ceil(network_seconds)),
    }
    return {name: value for name, value in known.items() if value is not None}


def _limits(major: int, opening: int, network: int) -> dict[str, Any]:
    if major < 5:
        return {
            "login_timeout": opening,
            "network_timeout": network,
            "socket_timeout": min(opening, network),
            "disable_ocsp_checks": True,
        }
    return {
        "login_timeout": opening,
        "connect_timeout": opening,
        "request_timeout": network,
        "query_timeout": network,
        "retry_max_attempts": 3,
        "logout_max_attempts": 1,
        "logout_total_timeout_seconds": min(opening, network),
        "server_session_keep_alive": False,
        "enable_server_session_keep_alive_auto_detection": False,
        "crl_enable_disk_caching": False,
        "auto_cleanup": False,
    }


def _way_in(credentials: SnowflakeCredentials) -> dict[str, Any]:
    """The one way to log in that the credentials have."""
    if credentials.password is not None:
        return {"password": resolve_secret(credentials.password)}
    if credentials.private_key is not None:
        return {"authenticator": "SNOWFLAKE_JWT", "private_key": _key(credentials)}
    if credentials.access_token is not None:
        is_programmatic = credentials.token_type == "programmatic"  # noqa: S105 - it names a kind
        return {
            "authenticator": "PROGRAMMATIC_ACCESS_TOKEN" if is_programmatic else "OAUTH",
            "token": resolve_secret(credentials.access_token),
        }
    assert credentials.client_secret is not None, "the model takes nothing else"
    return {
        "authenticator": "OAUTH_CLIENT_CREDENTIALS",
        "oauth_client_id": credentials.client_id,
        "oauth_client_secret": resolve_secret(credentials.client_secret),
        "oauth_token_request_url": credentials.token_url,
    }


def _key(credentials: SnowflakeCredentials) -> bytes:
    """The private key as PKCS #8 in DER, which both majors of the driver take."""
    from cryptography.hazmat.primitives import serialization

    assert credentials.private_key is not None
    text = resolve_secret(credentials.private_key).replace("\\n", "\n")
    secret = credentials.private_key_passphrase
    passphrase = None if secret is None else resolve_secret(secret).encode()
    try:
        key = serialization.load_pem_private_key(text.strip().encode(), passphrase)
        return key.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    except TypeError:
        raise _no_key(
            "needs a passphrase"
            if passphrase is None
            else "is not encrypted, and a passphrase is given",
            "Give private_key_passphrase exactly when the key has one.",
        ) from None
    except (
        Exception
    ):  # cryptography has many of its own, and their texts may hold a part of the key
        raise _no_key(
            "cannot be read",
            "Give the whole PEM text with its BEGIN and END lines, best as file:/path/key.p8, and its passphrase.",
        ) from None


def _no_key(what: str, fix: str) -> AuthenticationError:
    return AuthenticationError(f"The private key {what}.", fix=fix)


def _host(account: str) -> str:
    """The account's public host, as the driver makes it."""
    if not _ACCOUNT.fullmatch(account):
        raise HostNotFoundError(
            f"account_id {account!r} is none.",
            fix="Write it as organisation-account, without a host.",
        )
    top = "cn" if ".cn-" in account.lower() else "com"
    return f"{account.replace('_', '-')}.snowflakecomputing.{top}"


def _custom(text: str) -> SplitResult:
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        is_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise _no_host(text) from None
    if not is_host or parts.username or parts.path.strip("/") or parts.query:
        raise _no_host(text)
    if parts.scheme not in _PORTS:
        raise ConnectionFailedError(
            f"custom_host begins with {parts.scheme}://, which no Snowflake speaks.",
            fix="Write https://host, or the host alone.",
            transient=False,
        )
    _check_encryption(parts, "custom_host")
    return parts


def _check_encryption(parts: SplitResult, field: str) -> None:
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise TlsFailedError(
            f"{field} begins with http://, and would send the login over the network as it is.",
            fix="Write https://; http:// is for a server on this machine alone.",
        )


def _no_host(text: str) -> HostNotFoundError:
    shown = text if "@" not in text else "…@" + text.rpartition("@")[2]
    return HostNotFoundError(
        f"custom_host {shown!r} is no host.",
        fix="Write a host, or https://host:port, and nothing more.",
    )
