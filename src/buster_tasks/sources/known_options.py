"""Options that are refused when there is none of their name, with the name that was meant."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from typing import cast

from pydantic import AliasChoices, BaseModel, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError


class KnownOptions(BaseModel):
    """Base of models that refuse an option which they do not have, telling the nearest and never the value."""

    @model_validator(mode="before")
    @classmethod
    def _only_options(cls, value: object) -> object:
        """Refuse whatever is no option by its name: the value may be a secret under a wrong one."""
        if not isinstance(value, Mapping):
            return value
        given = cast("Mapping[object, object]", value)
        known = _names_of(cls)
        unknown = [name for name in given if name not in known]
        if unknown:
            errors = [_unknown(cls, str(name)) for name in unknown]
            raise ValidationError.from_exception_data(cls.__name__, errors, hide_input=True)
        return given


@cache
def _names_of(model: type[BaseModel]) -> frozenset[str]:
    """Each name that an option may be given under."""
    names: set[str] = set()
    for name, field in model.model_fields.items():
        alias = field.validation_alias
        if isinstance(alias, AliasChoices):
            names.update(map(str, alias.choices))
        else:
            names.add(name if alias is None else str(alias))
        if model.model_config.get("populate_by_name"):
            names.add(name)
    return frozenset(names)


def _unknown(model: type[BaseModel], name: str) -> InitErrorDetails:
    near = get_close_matches(name.lower(), model.model_fields, n=1)
    fix = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(model.model_fields)}"
    error = PydanticCustomError("unknown_option", "this is no option; {fix}", {"fix": fix})
    # without the value, which may be a secret
    return InitErrorDetails(type=error, loc=(name,), input=None)
