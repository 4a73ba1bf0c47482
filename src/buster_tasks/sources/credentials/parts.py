"""What the credentials of all kinds are made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import (
    AliasChoices,
    AliasGenerator,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from buster_tasks.sources.known_options import KnownOptions

REFERENCE_PREFIXES = ("env:", "file:")

Text = Annotated[str, StringConstraints(min_length=1)]
Port = Annotated[int, Field(ge=1, le=65535)]
Milliseconds = Annotated[int, Field(gt=0)]


def _reference_or_secret(value: object) -> object:
    """Make a reference plain text, whatever it came in: it is no secret, and only so it survives a round trip."""
    if isinstance(value, SecretStr) and value.get_secret_value().startswith(REFERENCE_PREFIXES):
        return value.get_secret_value()
    if not isinstance(value, str | SecretStr):
        # here, since the union would say it once for each of its parts
        raise PydanticCustomError(
            "secret", "a text is needed: the secret, or a reference such as env:NAME"
        )
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


DATABASE = AliasChoices("database", "default_database", "defaultDatabase")
DEFAULT_DATABASE = AliasChoices("default_database", "defaultDatabase", "database")
DEFAULT_SCHEMA = AliasChoices("default_schema", "defaultSchema", "schema")


class SourceModel(KnownOptions):
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


def one_way(model: SourceModel, *ways: tuple[str, ...]) -> None:
    """Raise unless the fields of exactly one way to log in are given, all of them."""
    given = {name for way in ways for name in way if getattr(model, name) is not None}
    if given in [set(way) for way in ways]:
        return
    raise PydanticCustomError(
        "ways_to_log_in",
        "one way to log in is needed, and {given}; give {ways}",
        {
            "given": f"this has {', '.join(sorted(given))}" if given else "this has none",
            "ways": ", or ".join(" with ".join(way) for way in ways),
        },
    )
