"""Databases that are reached at a host and a port."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from buster_tasks.sources.credentials.parts import (
    DATABASE,
    DEFAULT_SCHEMA,
    Milliseconds,
    Port,
    Secret,
    SourceModel,
    Text,
    TlsOptions,
)

EntraLogin = Literal["entra-default", "entra-password", "entra-service-principal", "entra-msi"]


class PostgresCredentials(SourceModel):
    """PostgreSQL; `ssl` is False, True or details, None leaves it to the reader's default."""

    type: Literal["postgres", "postgresql"] = "postgres"
    host: Text
    port: Port = 5432
    database: Text = Field(validation_alias=DATABASE)
    username: Text
    password: Secret
    default_schema: Text | None = Field(default=None, validation_alias=DEFAULT_SCHEMA)
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
    database: Text = Field(validation_alias=DATABASE)
    username: Text
    password: Secret
    ssl: bool | TlsOptions | None = None
    connection_timeout: Milliseconds | None = None
    charset: Text | None = None


class SqlserverCredentials(SourceModel):
    """SQL Server or Azure SQL; encrypted with a checked certificate unless said otherwise.

    `authentication` None is a login of the server itself by `username` and `password`. Of Microsoft Entra's,
    "entra-password" and "entra-service-principal" (the client's id and secret) need both, "entra-msi" takes a managed
    identity, `username` saying which, and "entra-default" whatever the machine is logged in with. `driver` is the name
    of an ODBC driver that is installed, found by itself when None. `instance` is looked up with the server's browser.
    """

    type: Literal["sqlserver"] = "sqlserver"
    server: Text
    port: Port = 1433
    database: Text = Field(validation_alias=DATABASE)
    username: Text | None = None
    password: Secret | None = None
    authentication: EntraLogin | None = None
    domain: Text | None = None
    instance: Text | None = None
    encrypt: bool = True
    trust_server_certificate: bool = False
    host_name_in_certificate: Text | None = None
    driver: Text | None = None
    connection_timeout: Milliseconds | None = None
    request_timeout: Milliseconds | None = None

    @model_validator(mode="after")
    def _can_log_in(self) -> Self:
        if self.authentication in {"entra-default", "entra-msi"}:
            return self
        if self.username is None or self.password is None:
            raise PydanticCustomError(
                "ways_to_log_in",
                "username and password are needed, or authentication as 'entra-default' or 'entra-msi'",
            )
        return self


class RedshiftCredentials(SourceModel):
    """Amazon Redshift by user and password, or by IAM when `iam` is true.

    IAM takes the environment's AWS credentials, those of `profile`, or `access_key_id` with `secret_access_key` (and
    `session_token`), and makes a temporary password for `username`; where the host does not tell the cluster,
    `cluster_identifier` or `serverless_work_group` does.
    """

    type: Literal["redshift"] = "redshift"
    host: Text
    port: Port = 5439
    database: Text = Field(validation_alias=DATABASE)
    username: Text | None = None
    password: Secret | None = None
    default_schema: Text | None = Field(default=None, validation_alias=DEFAULT_SCHEMA)
    ssl: bool | TlsOptions = True
    connection_timeout: Milliseconds | None = None
    cluster_identifier: Text | None = None
    iam: bool = False
    profile: Text | None = None
    region: Text | None = None
    access_key_id: Text | None = None
    secret_access_key: Secret | None = None
    session_token: Secret | None = None
    serverless_work_group: Text | None = None

    @model_validator(mode="after")
    def _can_log_in(self) -> Self:
        if self.iam:
            if self.password is not None:
                raise PydanticCustomError("ways_to_log_in", "IAM makes the password; give none")
        elif self.username is None or self.password is None:
            raise PydanticCustomError(
                "ways_to_log_in", "username and password are needed, or iam set to true"
            )
        return self
