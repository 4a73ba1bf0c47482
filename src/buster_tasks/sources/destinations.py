"""Where credentials lead: the hosts and files that a source made of them will ask for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, assert_never

from buster_tasks.errors import AccessRefusedError
from buster_tasks.sources.access import HOSTS, allowed_hosts, check_path, is_restricted
from buster_tasks.sources.allowed_hosts import AllowedHosts
from buster_tasks.sources.credentials import (
    AnyCredentials,
    BigqueryCredentials,
    BuiltInCredentials,
    CustomCredentials,
    DatabricksCredentials,
    Destination,
    DuckdbCredentials,
    MysqlCredentials,
    PostgresCredentials,
    RedshiftCredentials,
    SnowflakeCredentials,
    SqliteCredentials,
    SqlserverCredentials,
)
from buster_tasks.sources.network import host_and_port

_HOSTS_OF_CLOUDS: Final = {
    "Google": ("*.googleapis.com",),
    "Azure": (
        "*.database.windows.net",
        "*.database.usgovcloudapi.net",
        "*.database.chinacloudapi.cn",
        "*.sql.azuresynapse.net",
        "*.fabric.microsoft.com",
    ),
    # and not all of amazonaws.com, where everybody's machines have names too
    "AWS": (
        "*.redshift.amazonaws.com",
        "*.redshift-serverless.amazonaws.com",
        "*.redshift.amazonaws.com.cn",
        "*.redshift-serverless.amazonaws.com.cn",
    ),
}
_OWN_LOGIN: Final = (
    "the machine's own login is for hosts of {cloud} alone, as long as "
    + HOSTS
    + " names no others"
)


def check_access(credentials: AnyCredentials) -> None:
    """Raise AccessRefusedError where the operator's settings do not allow what the credentials lead to.

    Where nothing is set, a login that is the machine's own and not of the credentials is for hosts of its cloud alone:
    else whoever writes credentials could have it sent to a host of his. Nothing is looked up, and no connection made.
    """
    if isinstance(credentials, CustomCredentials):
        _check_custom(credentials)
        return
    if isinstance(credentials, SqliteCredentials | DuckdbCredentials):
        check_path(credentials.path)
        return
    allowed = allowed_hosts()
    if allowed is not None:
        for host, port in destinations(credentials):
            allowed.check_written(host, port)
        return
    cloud = _cloud_of(credentials)
    if cloud is not None:
        host, port = destinations(credentials)[0]
        AllowedHosts(_HOSTS_OF_CLOUDS[cloud], where=_OWN_LOGIN.format(cloud=cloud)).check_written(
            host, port
        )


def _check_custom(credentials: CustomCredentials) -> None:
    found = credentials.destinations()
    if found is None:
        if is_restricted():
            raise AccessRefusedError(
                f"What may be reached is restricted, and the kind {credentials.type!r} does not say where it leads.",
                fix="The package that brings it has to override CustomCredentials.destinations.",
            )
        return
    allowed = allowed_hosts()
    for place in found:
        if isinstance(place, Path):
            check_path(str(place))
        elif allowed is not None:
            allowed.check_written(*place)


def destinations(credentials: BuiltInCredentials) -> list[Destination]:
    """The hosts, none for files. Raises SourceError for a text that is no host."""
    return list(_destinations(credentials))


def _destinations(credentials: BuiltInCredentials) -> Iterator[Destination]:
    match credentials:
        case SqliteCredentials() | DuckdbCredentials():
            return
        case PostgresCredentials() | MysqlCredentials():
            yield credentials.host, credentials.port
        case RedshiftCredentials():
            yield credentials.host, credentials.port
            if credentials.iam:
                yield from _of_aws(credentials)
        case SqlserverCredentials():
            from buster_tasks.sources.sqlserver.login import address_of

            address = address_of(credentials)
            yield address.host, address.port
        case SnowflakeCredentials():
            from buster_tasks.sources.snowflake.login import endpoint_of as of_snowflake

            account = of_snowflake(credentials)
            yield account.host, account.port
            if credentials.token_url is not None:
                yield host_and_port(credentials.token_url)
        case BigqueryCredentials():
            from buster_tasks.sources.bigquery.endpoint import endpoint_of as of_bigquery

            yield host_and_port(of_bigquery(credentials))
        case DatabricksCredentials():
            from buster_tasks.sources.databricks.login import endpoint_of as of_databricks

            workspace = of_databricks(credentials)
            yield workspace.host, workspace.port
        case _:
            assert_never(credentials)


def _cloud_of(credentials: BuiltInCredentials) -> str | None:
    """Whose login the machine's own is, None where the credentials hold the login."""
    match credentials:
        case BigqueryCredentials(service_account_key=None, key_file_path=None):
            is_emulator = (credentials.api_endpoint or "").startswith("http:")
            return None if is_emulator else "Google"
        case SqlserverCredentials(authentication="entra-default" | "entra-msi"):
            return "Azure"
        case RedshiftCredentials(iam=True, access_key_id=None):
            return "AWS"
        case _:
            return None


def _of_aws(credentials: RedshiftCredentials) -> Iterator[Destination]:
    """The service that makes the password, where the credentials say its region."""
    from buster_tasks.sources.redshift.login import target_of

    target = target_of(credentials)
    if target.region is not None:
        service = "redshift-serverless" if target.is_serverless else "redshift"
        yield f"{service}.{target.region}.amazonaws.com", 443
