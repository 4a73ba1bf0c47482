"""Secrets in a payload: found by their type, set aside by path, put back where the task runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, cast

from pydantic import BaseModel, Secret, SecretBytes, SecretStr, TypeAdapter
from pydantic_core import from_json, to_json

MASK = "********"
_SECRETS = (SecretStr, SecretBytes, Secret)


def may_hold_secrets(adapter: TypeAdapter[Any]) -> bool:
    """Whether a schema has a secret anywhere; a schema that cannot be described may."""
    try:
        schema = adapter.json_schema(mode="validation")
    except Exception:  # a custom type may refuse in any way it likes
        return True
    return _mentions_secret(schema)


def _mentions_secret(schema: object) -> bool:
    if isinstance(schema, dict):
        found = cast("dict[str, object]", schema)
        return found.get("writeOnly") is True or any(map(_mentions_secret, found.values()))
    return isinstance(schema, list) and any(map(_mentions_secret, cast("list[object]", schema)))


def set_aside(value: Any) -> tuple[Any, dict[str, str]]:
    """The value with a mask for each secret, and the secrets as JSON texts by JSON pointer."""
    found: dict[str, str] = {}
    return _masked(value, "", found), found


def _masked(value: Any, path: str, found: dict[str, str]) -> Any:
    if isinstance(value, _SECRETS):
        secret = cast("object", value.get_secret_value())
        found[path] = to_json(secret).decode()
        return MASK
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        return {key: _masked(item, f"{path}/{_escape(str(key))}", found) for key, item in items}
    if isinstance(value, list | tuple):
        listed = cast("Sequence[object]", value)
        return [_masked(item, f"{path}/{index}", found) for index, item in enumerate(listed)]
    return value


def put_back(data: Any, secrets: Mapping[str, str]) -> Any:
    """JSON data with each secret at its path again."""
    for pointer, text in secrets.items():
        secret = from_json(text)
        if not pointer:
            return secret
        *parents, last = [_unescape(part) for part in pointer.split("/")[1:]]
        holder = data
        for part in parents:
            holder = holder[int(part) if isinstance(holder, list) else part]
        holder[int(last) if isinstance(holder, list) else last] = secret
    return data


def _escape(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


def _unescape(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")


def first_difference(before: object, after: object, path: str = "") -> str:
    """Where two values that should be equal differ first, as a dotted path."""
    here = path or "payload"
    if type(before) is not type(after):
        return here
    for name, old, new in _parts(before, after):
        if old != new:
            return first_difference(old, new, f"{path}.{name}" if path else name)
    return here


def _parts(before: Any, after: Any) -> list[tuple[str, Any, Any]]:
    if isinstance(before, BaseModel):
        names = type(before).model_fields
        return [(name, getattr(before, name), getattr(after, name)) for name in names]
    if is_dataclass(before):
        return [(f.name, getattr(before, f.name), getattr(after, f.name)) for f in fields(before)]
    if isinstance(before, Mapping):
        items = cast("Mapping[object, object]", before).items()
        return [(str(key), item, after.get(key)) for key, item in items]
    if isinstance(before, list | tuple):
        pairs = zip(cast("Sequence[object]", before), after, strict=False)
        return [(str(index), *pair) for index, pair in enumerate(pairs)]
    return []
