"""Data sources: `connect(credentials)` gives a `DataSource`, whatever its kind."""

from __future__ import annotations

from importlib import import_module

from buster_tasks.sources.base import ConnectionTest, DataSource, Progress, QueryColumn, QueryResult
from buster_tasks.sources.credentials import (
    KINDS,
    BigqueryCredentials,
    Credentials,
    DatabricksCredentials,
    DuckdbCredentials,
    MysqlCredentials,
    PostgresCredentials,
    RedshiftCredentials,
    SnowflakeCredentials,
    SqliteCredentials,
    SqlserverCredentials,
    TlsOptions,
    parse_credentials,
)
from buster_tasks.sources.destinations import check_access
from buster_tasks.sources.schema import Filters, Introspection
from buster_tasks.sources.secrets import resolve_secret
from buster_tasks.sources.source_url import credentials_from_url

__all__ = [
    "KINDS",
    "BigqueryCredentials",
    "ConnectionTest",
    "Credentials",
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
    "SnowflakeCredentials",
    "SqliteCredentials",
    "SqlserverCredentials",
    "TlsOptions",
    "connect",
    "credentials_from_url",
    "resolve_secret",
]

_READERS = {
    "sqlite": ("buster_tasks.sources.sqlite", "SqliteSource"),
    "postgres": ("buster_tasks.sources.postgres", "PostgresSource"),
    "mysql": ("buster_tasks.sources.mysql", "MysqlSource"),
    "duckdb": ("buster_tasks.sources.duckdb", "DuckdbSource"),
    "redshift": ("buster_tasks.sources.redshift", "RedshiftSource"),
    "bigquery": ("buster_tasks.sources.bigquery", "BigquerySource"),
    "snowflake": ("buster_tasks.sources.snowflake", "SnowflakeSource"),
    "sqlserver": ("buster_tasks.sources.sqlserver", "SqlserverSource"),
    "databricks": ("buster_tasks.sources.databricks", "DatabricksSource"),
}


def connect(credentials: object) -> DataSource:
    """The data source for these credentials (a model or a mapping); it connects at first use.

    Raises pydantic's ValidationError for credentials that are not whole, AccessRefusedError for a host or a file that
    the operator's settings do not allow.
    """
    known = parse_credentials(credentials)
    check_access(known)
    module, name = _READERS[known.type]
    source: DataSource = getattr(import_module(module), name)(known)
    return source
