"""Data sources: `connect(credentials)` gives a `DataSource`, whatever its kind."""

from __future__ import annotations

from buster_tasks.sources.base import ConnectionTest, DataSource, Progress, QueryColumn, QueryResult
from buster_tasks.sources.credentials import (
    KINDS,
    BigqueryCredentials,
    Credentials,
    CustomCredentials,
    DatabricksCredentials,
    DuckdbCredentials,
    MysqlCredentials,
    PostgresCredentials,
    RedshiftCredentials,
    Secret,
    SnowflakeCredentials,
    SqliteCredentials,
    SqlserverCredentials,
    TlsOptions,
    parse_credentials,
)
from buster_tasks.sources.destinations import check_access
from buster_tasks.sources.kinds import source_class
from buster_tasks.sources.schema import Filters, Introspection
from buster_tasks.sources.secrets import resolve_secret
from buster_tasks.sources.source_url import credentials_from_url

__all__ = [
    "KINDS",
    "BigqueryCredentials",
    "ConnectionTest",
    "Credentials",
    "CustomCredentials",
    "DataSource",
    "DatabricksCredentials",
    "DuckdbCredentials",
    "Filters",
    "Introspection",
    "MysqlCredentials",
    "PostgresCredentials",
    "Progress",
    "QueryColumn",
    "QueryResult",
    "RedshiftCredentials",
    "Secret",
    "SnowflakeCredentials",
    "SqliteCredentials",
    "SqlserverCredentials",
    "TlsOptions",
    "connect",
    "credentials_from_url",
    "resolve_secret",
]


def connect(credentials: object) -> DataSource:
    """The data source for these credentials (a model or a mapping); it connects at first use.

    Raises pydantic's ValidationError for credentials that are not whole, AccessRefusedError for a host or a file that
    the operator's settings do not allow.
    """
    known = parse_credentials(credentials)
    check_access(known)
    return source_class(known.type)(known)
