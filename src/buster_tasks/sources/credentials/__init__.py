"""How to reach a data source: one model per kind, told apart by `type`. Packages may add kinds (`CustomCredentials`).

Field names are Buster's own, older and newer (`database` and `default_database`), in snake_case or camelCase. Unknown
options are refused. A secret is a `SecretStr`, or a reference that is resolved only when connecting: `env:NAME` or
`file:path`; so a text that begins with `env:` or `file:` is always a reference. Durations here are milliseconds, as
in the original.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, cast

from pydantic import (
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    TypeAdapter,
    ValidatorFunctionWrapHandler,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from buster_tasks.errors import SourceNotSupportedError
from buster_tasks.sources.credentials.custom import (
    CustomCredentials,
    Destination,
    credentials_model,
)
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
from buster_tasks.sources.kinds import KINDS, known_kinds

__all__ = [
    "KINDS",
    "REFERENCE_PREFIXES",
    "AnyCredentials",
    "BigqueryCredentials",
    "BuiltInCredentials",
    "Credentials",
    "CustomCredentials",
    "DatabricksCredentials",
    "Destination",
    "DuckdbCredentials",
    "MysqlCredentials",
    "PostgresCredentials",
    "RedshiftCredentials",
    "Secret",
    "SnowflakeCredentials",
    "SqliteCredentials",
    "SqlserverCredentials",
    "TlsOptions",
    "credentials_model",
    "parse_credentials",
]

BuiltInCredentials = (
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
AnyCredentials = BuiltInCredentials | CustomCredentials


class _ByKind:
    """Has pydantic validate credentials by the model of their kind, which is looked up, and write them by that too."""

    def __get_pydantic_core_schema__(self, _: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        own = handler.generate_schema(Annotated[BuiltInCredentials, Field(discriminator="type")])
        return core_schema.no_info_wrap_validator_function(
            _validated, own, serialization=core_schema.simple_ser_schema("any")
        )


def _validated(value: object, own: ValidatorFunctionWrapHandler) -> object:
    kind = _kind_of(value)
    if kind in (*KINDS, "postgresql"):
        return own(value)
    if not isinstance(kind, str):
        raise _kind_error(f"credentials need a `type`; use one of {', '.join(known_kinds())}")
    try:
        model = credentials_model(kind)
    except SourceNotSupportedError as error:
        raise _kind_error(str(error).removesuffix(".")) from error
    return model.model_validate(value)


def _kind_of(value: object) -> object:
    if isinstance(value, Mapping):
        return cast("Mapping[str, object]", value).get("type")
    return getattr(value, "type", None)


def _kind_error(message: str) -> PydanticCustomError:
    return PydanticCustomError("credentials_type", "{message}", {"message": message})


Credentials = Annotated[AnyCredentials, _ByKind()]

_ADAPTER: TypeAdapter[AnyCredentials] = TypeAdapter(
    Credentials, config=ConfigDict(title="credentials", hide_input_in_errors=True)
)


def parse_credentials(value: object) -> AnyCredentials:
    """The model for a mapping of credentials, or for one that is a model already.

    Raises pydantic's ValidationError, which never shows the input.
    """
    return _ADAPTER.validate_python(value)
