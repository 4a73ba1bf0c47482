"""Warehouses that are services, reached over HTTPS."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from buster_tasks.sources.credentials.parts import (
    DEFAULT_DATABASE,
    DEFAULT_SCHEMA,
    Milliseconds,
    Secret,
    SourceModel,
    Text,
    one_way,
)


class SnowflakeCredentials(SourceModel):
    """Snowflake by a user's password, key pair or OAuth token, or by a client's OAuth secret.

    `private_key` is PEM text, best as a reference `file:/path/key.p8`. `access_token` is an OAuth access token, or with
    `token_type` "programmatic" a programmatic access token. `client_id`, `client_secret` and `token_url` are those of
    OAuth client credentials. `custom_host` is the host of a private link, or a whole `https://host:port`.
    """

    type: Literal["snowflake"] = "snowflake"
    account_id: Text
    warehouse_id: Text
    username: Text
    password: Secret | None = None
    private_key: Secret | None = None
    private_key_passphrase: Secret | None = None
    access_token: Secret | None = None
    token_type: Literal["oauth", "programmatic"] = "oauth"  # noqa: S105 - it names a kind
    client_id: Text | None = None
    client_secret: Secret | None = None
    token_url: Text | None = None
    default_database: Text = Field(validation_alias=DEFAULT_DATABASE)
    role: Text | None = None
    default_schema: Text | None = Field(default=None, validation_alias=DEFAULT_SCHEMA)
    custom_host: Text | None = None
    connection_timeout: Milliseconds | None = None

    @model_validator(mode="after")
    def _can_log_in(self) -> Self:
        one_way(
            self,
            ("password",),
            ("private_key",),
            ("private_key", "private_key_passphrase"),
            ("access_token",),
            ("client_id", "client_secret", "token_url"),
        )
        return self


class BigqueryCredentials(SourceModel):
    """BigQuery; `service_account_key` is the key's JSON, as text or object, or a reference to it.

    It goes before `key_file_path`; without both the environment's own credentials are used. `maximum_bytes_billed`
    refuses statements that would cost more; `api_endpoint` is another address of the service, such as that of a private
    connection.
    """

    type: Literal["bigquery"] = "bigquery"
    project_id: Text
    service_account_key: Secret | None = None
    key_file_path: Text | None = None
    default_dataset: Text | None = None
    location: Text | None = None
    api_endpoint: Text | None = None
    maximum_bytes_billed: int | None = Field(default=None, gt=0)
    connection_timeout: Milliseconds | None = None

    @field_validator("service_account_key", mode="before")
    @classmethod
    def _key_as_text(cls, value: object) -> object:
        return json.dumps(value) if isinstance(value, Mapping) else value


class DatabricksCredentials(SourceModel):
    """Databricks SQL by personal access token, or by a service principal's OAuth secret.

    `server_hostname` is a host, or `https://host:port`; `http_path` that of a SQL warehouse or a cluster.
    """

    type: Literal["databricks"] = "databricks"
    server_hostname: Text
    http_path: Text
    access_token: Secret | None = None
    client_id: Text | None = None
    client_secret: Secret | None = None
    catalog: Text | None = None
    default_schema: Text | None = Field(default=None, validation_alias=DEFAULT_SCHEMA)
    connection_timeout: Milliseconds | None = None

    @model_validator(mode="after")
    def _can_log_in(self) -> Self:
        one_way(self, ("access_token",), ("client_id", "client_secret"))
        if not self.http_path.startswith("/"):
            raise PydanticCustomError(
                "http_path", "http_path begins with a slash, such as /sql/1.0/warehouses/abc"
            )
        return self
