"""How to reach a data source: one model per kind, told apart by `type`.

Field names are Buster's own, older and newer (`database` and `default_database`), in snake_case or camelCase. Unknown
options are refused. A secret is a `SecretStr`, or a reference that is resolved only when connecting: `env:NAME` or
`file:path`; so a text that begins with `env:` or `file:` is always a reference. Durations here are milliseconds, as
in the original.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Literal, cast

from pydantic import (
    AliasChoices,
    AliasGenerator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    TypeAdapter,
    field_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

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

REFERENCE_PREFIXES = ("env:", "file:")

Text = Annotated[str, StringConstraints(min_length=1)]
Port = Annotated[int, Field(ge=1, le=65535)]
Milliseconds = Annotated[int, Field(gt=0)]


def _reference_or_secret(value: object) -> object:
    """Make a reference plain text, whatever it came in: it is no secret, and only so it survives a round trip."""
    if isinstance(value, SecretStr) and value.get_secret_value().startswith(REFERENCE_PREFIXES):
        return value.get_secret_value()
    return value


SecretReference = Annotated[str, StringConstraints(pattern=r"^(env|file):.")]
Secret = Annotated[
    SecretReference | SecretStr,
    Field(union_mode="left_to_right"),
    BeforeValidator(_reference_or_secret),
]


def _spellings(name: str) -> str | AliasChoices:
    camel = to_camel(name)
    return name if name == camel else AliasChoices(name, camel)


class SourceModel(BaseModel):
    """Base of all: frozen, unknown options refused, input never shown in errors because it may hold a secret."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        alias_generator=AliasGenerator(validation_alias=_spellings),
    )


class TlsOptions(SourceModel):
    """TLS in detail; `ca`, `cert` and `key` are PEM texts."""

    reject_unauthorized: bool = True
    ca: Text | None = None
    cert: Text | None = None
    key: Secret | None = None


_DATABASE = AliasChoices("database", "default_database", "defaultDatabase")
_DEFAULT_DATABASE = AliasChoices("default_database", "defaultDatabase", "database")
_DEFAULT_SCHEMA = AliasChoices("default_schema", "defaultSchema", "schema")


class SnowflakeCredentials(SourceModel):
    """Snowflake by account, user and password."""

    type: Literal["snowflake"] = "snowflake"
    account_id: Text
    warehouse_id: Text
    username: Text
    password: Secret
    default_database: Text = Field(validation_alias=_DEFAULT_DATABASE)
    role: Text | None = None
    default_schema: Text | None = Field(default=None, validation_alias=_DEFAULT_SCHEMA)
    custom_host: Text | None = None


class PostgresCredentials(SourceModel):
    """PostgreSQL; `ssl` is False, True or details, None leaves it to the reader's default."""

    type: Literal["postgres", "postgresql"] = "postgres"
    host: Text
    port: Port = 5432
    database: Text = Field(validation_alias=_DATABASE)
    username: Text
    password: Secret
    default_schema: Text | None = Field(default=None, validation_alias=_DEFAULT_SCHEMA)
    ssl: bool | TlsOptions | None = None
    connection_timeout: Milliseconds | None = None

    @field_validator("type", mode="after")
    @classmethod
    def _one_spelling(cls, _value: str) -> Literal["postgres"]:
        return "postgres"


class MysqlCredentials(SourceModel):
    """MySQL or MariaDB."""

    type: Literal["mysql"] = "mysql"
    host: Text
    port: Port = 3306
    database: Text = Field(validation_alias=_DATABASE)
    username: Text
    password: Secret
    ssl: bool | TlsOptions | None = None
    connection_timeout: Milliseconds | None = None
    charset: Text | None = None


class BigqueryCredentials(SourceModel):
    """BigQuery; `service_account_key` is the key's JSON, as text or object, or a reference to it.

    Without a key the environment's own credentials are used.
    """

    type: Literal["bigquery"] = "bigquery"
    project_id: Text
    service_account_key: Secret | None = None
    key_file_path: Text | None = None
    default_dataset: Text | None = None
    location: Text | None = None

    @field_validator("service_account_key", mode="before")
    @classmethod
    def _key_as_text(cls, value: object) -> object:
        return json.dumps(value) if isinstance(value, Mapping) else value


class SqlserverCredentials(SourceModel):
    """SQL Server or Azure SQL; encrypted with a checked certificate unless said otherwise."""

    type: Literal["sqlserver"] = "sqlserver"
    server: Text
    port: Port = 1433
    database: Text = Field(validation_alias=_DATABASE)
    username: Text
    password: Secret
    domain: Text | None = None
    instance: Text | None = None
    encrypt: bool = True
    trust_server_certificate: bool = False
    connection_timeout: Milliseconds | None = None
    request_timeout: Milliseconds | None = None


class RedshiftCredentials(SourceModel):
    """Amazon Redshift by user and password."""

    type: Literal["redshift"] = "redshift"
    host: Text
    port: Port = 5439
    database: Text = Field(validation_alias=_DATABASE)
    username: Text
    password: Secret
    default_schema: Text | None = Field(default=None, validation_alias=_DEFAULT_SCHEMA)
    ssl: bool = True
    connection_timeout: Milliseconds | None = None
    cluster_identifier: Text | None = None


class DatabricksCredentials(SourceModel):
    """Databricks SQL by personal access token."""

    type: Literal["databricks"] = "databricks"
    server_hostname: Text
    http_path: Text
    access_token: Secret
    catalog: Text | None = None
    default_schema: Text | None = Field(default=None, validation_alias=_DEFAULT_SCHEMA)


def _file_path(value: str) -> str:
    if value == ":memory:":
        raise PydanticCustomError(
            "no_file",
            "':memory:' is a new, empty database that nobody else can see; give the path of a file",
        )
    if "\0" in value:
        raise PydanticCustomError("no_file", "a path cannot hold a NUL character")
    if value.lower().startswith(("sqlite:", "duckdb:")):
        raise PydanticCustomError(
            "no_file", "this looks like a URL; give the path of the file alone"
        )
    return value


FilePath = Annotated[
    Text, BeforeValidator(lambda value: str(value) if hasattr(value, "__fspath__") else value)
]


class SqliteCredentials(SourceModel):
    """A SQLite file, looked for where the task runs; it is never created.

    Statements are read only in any case. `read_only=False` opens the file itself for writing, which SQLite needs to
    recover a database whose last writer crashed.
    """

    type: Literal["sqlite"] = "sqlite"
    path: FilePath
    read_only: bool = True

    _check_path = field_validator("path", mode="after")(_file_path)


class DuckdbCredentials(SourceModel):
    """A DuckDB file, looked for where the task runs; it is never created."""

    type: Literal["duckdb"] = "duckdb"
    path: FilePath
    read_only: bool = True

    _check_path = field_validator("path", mode="after")(_file_path)


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
