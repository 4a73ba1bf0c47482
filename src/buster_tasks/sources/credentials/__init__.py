"""How to reach a data source: one model per kind, told apart by `type`.

Field names are Buster's own, older and newer (`database` and `default_database`), in snake_case or camelCase. Unknown
options are refused. A secret is a `SecretStr`, or a reference that is resolved only when connecting: `env:NAME` or
`file:path`; so a text that begins with `env:` or `file:` is always a reference. Durations here are milliseconds, as
in the original.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, cast

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter
from pydantic_core import PydanticCustomError

from buster_tasks.sources.credentials.files import DuckdbCredentials, SqliteCredentials
from buster_tasks.sources.credentials.parts import REFERENCE_PREFIXES, Secret, TlsOptions
from buster_tasks.sources.credentials.servers import (
    MysqlCredentials,
    PostgresCredentials,
    RedshiftCredentials,
    SqlserverCredentials,
)
from buster_tasks.sources.credentials.warehouses import (
    BigqueryCredentials,
    DatabricksCredentials,
    SnowflakeCredentials,
)

__all__ = [
    "KINDS",
    "REFERENCE_PREFIXES",
    "AnyCredentials",
    "BigqueryCredentials",
    "Credentials",
    "DatabricksCredentials",
    "DuckdbCredentials",
    "MysqlCredentials",
    "PostgresCredentials",
    "RedshiftCredentials",
    "Secret",
    "SnowflakeCredentials",
    "SqliteCredentials",
    "SqlserverCredentials",
    "TlsOptions",
    "parse_credentials",
]

KINDS = (
    "snowflake",
    "postgres",
    "mysql",
    "bigquery",
    "sqlserver",
    "redshift",
    "databricks",
    "sqlite",
    "duckdb",
)
"""Every kind of source, by its `type`; `postgresql` is another spelling of `postgres`."""


def _known_kind(value: object) -> object:
    kind = _kind_of(value)
    if kind in (*KINDS, "postgresql"):
        return value
    given = "credentials need a `type`" if kind is None else f"{kind!r} is no kind of data source"
    raise PydanticCustomError(
        "credentials_type",
        "{given}; use one of {kinds}",
        {"given": given, "kinds": ", ".join(KINDS)},
    )


def _kind_of(value: object) -> object:
    if isinstance(value, Mapping):
        return cast("Mapping[str, object]", value).get("type")
    return getattr(value, "type", None)


AnyCredentials = (
    SnowflakeCredentials
    | PostgresCredentials
    | MysqlCredentials
    | BigqueryCredentials
    | SqlserverCredentials
    | RedshiftCredentials
    | DatabricksCredentials
    | SqliteCredentials
    | DuckdbCredentials
)
Credentials = Annotated[AnyCredentials, Field(discriminator="type"), BeforeValidator(_known_kind)]

_ADAPTER: TypeAdapter[AnyCredentials] = TypeAdapter(
    Credentials, config=ConfigDict(hide_input_in_errors=True)
)


def parse_credentials(value: object) -> AnyCredentials:
    """The model for a mapping of credentials, or for one that is a model already.

    Raises pydantic's ValidationError, which never shows the input.
    """
    return _ADAPTER.validate_python(value)
