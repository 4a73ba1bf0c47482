"""What the credentials of all kinds are made of."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, cast

from pydantic import (
    AliasChoices,
    AliasGenerator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import InitErrorDetails, PydanticCustomError

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


class SourceModel(BaseModel):
    """Base of all: frozen, unknown options refused, input never shown in errors because it may hold a secret."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        alias_generator=AliasGenerator(validation_alias=_spellings),
    )

    @model_validator(mode="before")
    @classmethod
    def _only_options(cls, value: object) -> object:
        """Refuse whatever is no option by its name, telling the one that is nearest."""
        if not isinstance(value, Mapping):
            return value
        given = cast("Mapping[object, object]", value)
        known = cls._names()
        unknown = [name for name in given if name not in known]
        if unknown:
            errors = [cls._unknown(str(name)) for name in unknown]
            raise ValidationError.from_exception_data(cls.__name__, errors, hide_input=True)
        return given

    @classmethod
    def _names(cls) -> set[str]:
        """Each name that an option may be given under."""
        aliases = [(name, field.validation_alias) for name, field in cls.model_fields.items()]
        return {
            str(spelling)
            for name, alias in aliases
            for spelling in (alias.choices if isinstance(alias, AliasChoices) else [alias or name])
        }

    @classmethod
    def _unknown(cls, name: str) -> InitErrorDetails:
        near = get_close_matches(name.lower(), cls.model_fields, n=1)
        fix = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(cls.model_fields)}"
        error = PydanticCustomError("unknown_option", "this is no option; {fix}", {"fix": fix})
        # without the value, which may be a secret
        return InitErrorDetails(type=error, loc=(name,), input=None)


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
