"""From credentials to the text that an ODBC driver connects with; nobody but the driver ever sees it."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

from buster_tasks.errors import (
    AuthenticationError,
    DriverMissingError,
    HostNotFoundError,
    SourceNotSupportedError,
    TlsFailedError,
)
from buster_tasks.sources.credentials import SqlserverCredentials
from buster_tasks.sources.secrets import resolve_secret
from buster_tasks.sources.sqlserver.driver import EXTRA, Driver
from taskkit import logger

PROGRAM = "buster-tasks"
_ACCESS_TOKEN = 1256  # SQL_COPT_SS_ACCESS_TOKEN
_SCOPE = "https://database.windows.net/.default"
_AUTHENTICATION = {
    "entra-password": "ActiveDirectoryPassword",
    "entra-service-principal": "ActiveDirectoryServicePrincipal",
    "entra-msi": "ActiveDirectoryMsi",
}


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server is; `port` is None where its browser is asked for that of an instance."""

    host: str
    port: int | None
    instance: str | None = None

    def __str__(self) -> str:
        return f"{self.host}\\{self.instance}" if self.port is None else f"{self.host}:{self.port}"


def address_of(credentials: SqlserverCredentials) -> Address:
    """Where the server is; a port that is given goes before an instance, as no browser is needed then."""
    host, _backslash, within = credentials.server.partition("\\")
    instance = credentials.instance or within or None
    if instance is not None and "port" not in credentials.model_fields_set:
        return Address(host, None, instance)
    return Address(host, credentials.port)


def connection_text(credentials: SqlserverCredentials, driver: Driver) -> str:
    """The connection string, each value in braces. Holds secrets: for the driver alone.

    Raises SourceNotSupportedError and TlsFailedError for what this driver cannot do, SecretNotFoundError.
    """
    address = address_of(credentials)
    written = f"{address.host}{address.instance or ''}"
    if set(written) & set(",;{}\\/\0") or not address.host.strip():
        raise HostNotFoundError(
            f"{str(address)!r} cannot be the name of a host or an instance.",
            fix="Give the host alone as `server`, with `port` or `instance` beside it.",
        )
    options = {"DRIVER": driver.name}
    if driver.is_freetds:
        options |= _of_freetds(credentials, address)
    else:
        options |= _of_microsoft(credentials, address)
    options |= {"DATABASE": credentials.database, "APP": PROGRAM, "ApplicationIntent": "ReadOnly"}
    # FreeTDS reads over the end of a last value that has no semicolon behind it
    return "".join(f"{name}={_in_braces(name, value, driver)};" for name, value in options.items())


def _in_braces(name: str, value: str, driver: Driver) -> str:
    if "\0" in value or (driver.is_freetds and "}" in value):
        raise SourceNotSupportedError(
            f"{_SPOKEN.get(name, name)} holds a character that "
            f"{'FreeTDS' if driver.is_freetds else 'ODBC'} cannot be given.",
            fix="Use Microsoft's driver, or another value without NUL and `}`.",
        )
    return "{" + value.replace("}", "}}") + "}"


_SPOKEN = {"PWD": "The password", "UID": "The user's name", "DATABASE": "The database's name"}


def _of_microsoft(credentials: SqlserverCredentials, address: Address) -> Mapping[str, str]:
    if credentials.domain is not None:
        raise SourceNotSupportedError(
            "Microsoft's ODBC driver logs in to a Windows domain by Kerberos alone, not with its password.",
            fix="Leave `domain` out for a login of the server, or use FreeTDS as `driver`.",
        )
    where = (
        f"{address.host}\\{address.instance}"
        if address.port is None
        else f"tcp:{address.host},{address.port}"
    )
    known = {
        "SERVER": where,
        "Encrypt": _yes(credentials.encrypt),
        "TrustServerCertificate": _yes(credentials.trust_server_certificate),
        "HostNameInCertificate": credentials.host_name_in_certificate,
        "KeepAlive": "30",
        "KeepAliveInterval": "1",
        "ConnectRetryCount": "0",  # a session that was lost is not to be remade behind our back
        "Authentication": _AUTHENTICATION.get(credentials.authentication or ""),
    }
    if credentials.authentication != "entra-default":
        known |= {"UID": credentials.username, "PWD": _password(credentials)}
    return {name: value for name, value in known.items() if value is not None}


def _of_freetds(credentials: SqlserverCredentials, address: Address) -> Mapping[str, str]:
    if credentials.authentication is not None:
        raise SourceNotSupportedError(
            "FreeTDS cannot log in with Microsoft Entra.", fix="Use Microsoft's driver."
        )
    if credentials.encrypt and not credentials.trust_server_certificate:
        raise TlsFailedError(
            "FreeTDS cannot be told by us to check the server's certificate.",
            fix="Use Microsoft's driver (pip install mssql-python-odbc), or where the way to the server is safe "
            "set `trust_server_certificate`.",
        )
    user = credentials.username or ""
    known = {
        "SERVER": address.host if address.port else f"{address.host}\\{address.instance}",
        "PORT": None if address.port is None else str(address.port),
        "TDS_Version": "7.4",
        "ClientCharset": "UTF-8",
        "Encryption": "require" if credentials.encrypt else "off",
        "UID": user if credentials.domain is None else f"{credentials.domain}\\{user}",
        "PWD": _password(credentials),
    }
    return {name: value for name, value in known.items() if value is not None}


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _password(credentials: SqlserverCredentials) -> str | None:
    return None if credentials.password is None else resolve_secret(credentials.password)


def attributes(credentials: SqlserverCredentials) -> dict[int, bytes]:
    """What the driver is given beside the text: for "entra-default" the token of whom the machine is logged in as.

    The driver has no keyword for that login, so the package azure-identity is asked. Raises DriverMissingError,
    AuthenticationError.
    """
    if credentials.authentication != "entra-default":
        return {}
    try:
        identity = import_module("azure.identity")
        refusal: type[Exception] = import_module("azure.core.exceptions").ClientAuthenticationError
    except ImportError as error:
        raise DriverMissingError(
            "`authentication` 'entra-default' needs the package azure-identity, which cannot be imported.",
            fix="Run: pip install azure-identity, or use another `authentication`.",
            extra=EXTRA,
        ) from error
    try:
        token = str(identity.DefaultAzureCredential().get_token(_SCOPE).token)
    except refusal as error:
        raise AuthenticationError(
            "The machine is not logged in to Microsoft Entra in any way that azure-identity knows.",
            fix="Log in (az login), or give it a managed identity, or use another `authentication`.",
        ) from error
    logger.mask(token)
    return {_ACCESS_TOKEN: packed(token)}


def packed(token: str) -> bytes:
    """The token as the driver wants it: its length, then its letters, two bytes each."""
    data = token.encode("utf-16-le")
    return struct.pack("<I", len(data)) + data
