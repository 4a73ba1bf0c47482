"""User and password to log in with: those of the credentials, or temporary ones that AWS makes for an IAM identity."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NamedTuple

from pydantic import SecretStr

from buster_tasks.errors import (
    AuthenticationError,
    ConnectionFailedError,
    DriverMissingError,
    SourceError,
)
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.credentials import RedshiftCredentials
from buster_tasks.sources.credentials.parts import Secret
from buster_tasks.sources.secrets import resolve_secret

_PROVISIONED = re.compile(r"(?P<name>[^.]+)\.[^.]+\.(?P<region>[^.]+)\.redshift\.amazonaws\.com.*")
_SERVERLESS = re.compile(
    r"(?P<name>[^.]+)\.\d+\.(?P<region>[^.]+)\.redshift-serverless\.amazonaws\.com.*"
)
_TALKATIVE = ("botocore.auth", "botocore.endpoint", "botocore.parsers")
_LONGEST_SECONDS = 10.0
_SHORTEST_SECONDS = 0.5


class Login(NamedTuple):
    """Whom we log in as."""

    user: str
    password: str


class Target(NamedTuple):
    """What AWS has to be asked about: a cluster, or a workgroup of Redshift Serverless."""

    name: str
    region: str | None
    is_serverless: bool


def read_login(credentials: RedshiftCredentials, budget: Budget) -> Login:
    """The user and the password, which IAM makes where it is asked to. Raises SourceError."""
    if not credentials.iam:
        assert credentials.username is not None
        assert credentials.password is not None
        return Login(credentials.username, resolve_secret(credentials.password))
    return _temporary(credentials, target_of(credentials), budget)


def target_of(credentials: RedshiftCredentials) -> Target:
    """The cluster or workgroup, as the credentials or the host tell it. Raises AuthenticationError."""
    provisioned = _PROVISIONED.fullmatch(credentials.host)
    serverless = _SERVERLESS.fullmatch(credentials.host)
    seen = provisioned or serverless
    region = credentials.region or (seen["region"] if seen else None)
    if credentials.serverless_work_group is not None:
        return Target(credentials.serverless_work_group, region, is_serverless=True)
    if credentials.cluster_identifier is not None:
        return Target(credentials.cluster_identifier, region, is_serverless=False)
    if seen is None:
        raise AuthenticationError(
            f"The host {credentials.host!r} does not tell for which cluster AWS shall make a password.",
            fix="Give cluster_identifier, or serverless_work_group, and region.",
        )
    return Target(seen["name"], region, is_serverless=seen is serverless)


def _temporary(credentials: RedshiftCredentials, target: Target, budget: Budget) -> Login:
    """A password that AWS makes; the driver's own way has no time limit, and keeps all secrets for later."""
    boto3, errors, config = _modules()
    left = budget.left()
    seconds = max(_SHORTEST_SECONDS, _LONGEST_SECONDS if left is None else left / 2)
    limits = config.Config(
        connect_timeout=seconds, read_timeout=seconds, retries={"total_max_attempts": 1}
    )
    service = "redshift-serverless" if target.is_serverless else "redshift"
    try:
        session = boto3.Session(**_session_options(credentials, target))
        client = session.client(service, config=limits)
        try:
            with _unlogged():
                made = _asked(client, credentials, target)
        finally:
            client.close()
    except errors.ClientError as error:
        raise _refused(target, str(error.response.get("Error", {}).get("Code"))) from None
    except (errors.HTTPClientError, errors.ConnectionError) as error:
        raise _unreachable(service, error) from None
    except errors.BotoCoreError as error:  # none that it can find, an unknown profile, no region
        raise AuthenticationError(
            f"AWS cannot be asked for a password: {type(error).__name__}.",
            fix="Check profile, access_key_id with secret_access_key, region, and the AWS settings of the machine.",
        ) from None
    # so that it is masked like all other secrets
    return Login(made.user, resolve_secret(SecretStr(made.password)))


@contextmanager
def _unlogged() -> Generator[None]:
    """In this block AWS's library writes no request or answer of this thread into its log: secrets are in both."""
    here = threading.get_ident()

    def is_kept(_record: logging.LogRecord) -> bool:
        return threading.get_ident() != here

    loggers = [logging.getLogger(name) for name in _TALKATIVE]
    for logger in loggers:
        logger.addFilter(is_kept)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(is_kept)


def _session_options(credentials: RedshiftCredentials, target: Target) -> dict[str, str]:
    known: dict[str, str | None] = {
        "profile_name": credentials.profile,
        "region_name": target.region,
        "aws_access_key_id": credentials.access_key_id,
        "aws_secret_access_key": _resolved(credentials.secret_access_key),
        "aws_session_token": _resolved(credentials.session_token),
    }
    return {name: value for name, value in known.items() if value is not None}


def _asked(client: Any, credentials: RedshiftCredentials, target: Target) -> Login:
    database = credentials.database
    if target.is_serverless:
        made = client.get_credentials(workgroupName=target.name, dbName=database)
        return Login(made["dbUser"], made["dbPassword"])
    if credentials.username is None:
        made = client.get_cluster_credentials_with_iam(
            ClusterIdentifier=target.name, DbName=database
        )
    else:
        made = client.get_cluster_credentials(
            ClusterIdentifier=target.name,
            DbName=database,
            DbUser=credentials.username,
            AutoCreate=False,
        )
    return Login(made["DbUser"], made["DbPassword"])


def _resolved(secret: Secret | None) -> str | None:
    return None if secret is None else resolve_secret(secret)


def _modules() -> tuple[Any, Any, Any]:
    try:
        return (
            import_module("boto3"),
            import_module("botocore.exceptions"),
            import_module("botocore.config"),
        )
    except ImportError as error:
        raise DriverMissingError.of("Redshift by IAM", "redshift", error) from None


def _refused(target: Target, code: str) -> SourceError:
    what = "workgroup" if target.is_serverless else "cluster"
    right = (
        "redshift-serverless:GetCredentials"
        if target.is_serverless
        else "redshift:GetClusterCredentials (without username: GetClusterCredentialsWithIAM)"
    )
    return AuthenticationError(
        f"AWS makes no password for the {what} {target.name!r}: {code}.",
        fix=f"Check the name and the region, and that the identity is allowed {right}.",
    )


def _unreachable(service: str, error: Exception) -> SourceError:
    return ConnectionFailedError(
        f"The service {service} of AWS, which makes the password, did not answer: {type(error).__name__}.",
        fix="Check the network and the region, or log in with username and password.",
    )
