"""taskkit's values as text, for a store that keeps them as such: `to_text(run)` and `from_text(Run, text)`.

A backend may put what it wants to keep beside a run into a dataclass of its own, with the run in a field.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final, Literal, TypeVar, Union, cast, get_args, get_origin

T = TypeVar("T")

_NEVER: Final = frozenset({"secrets", "anchor", "decode_output"})
"""Fields that belong to this process: clear secrets above all."""


def to_text(value: object) -> str:
    """Everything that a dataclass of taskkit, or of a backend's own, says, as JSON in ASCII.

    It may hold text, numbers, bytes, moments, enums, JSON data (`Any`), tuples, lists and dicts of these, and
    other dataclasses, by their annotations. Clear secrets are left out. TypeError for anything else.
    """
    return json.dumps(_form(type(value)).write(value), separators=(",", ":"))


def from_text(kind: type[T], text: str | bytes) -> T:
    """The value again; `kind` is its class. What another version has put in beyond its fields is left out."""
    return cast("T", _form(kind).read(json.loads(text)))


_Way = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Form:
    """How what has this annotation becomes JSON data, and back."""

    write: _Way
    read: _Way


def _same(value: Any) -> Any:
    return value


def _seconds(value: Any) -> Any:
    """A `Duration` is kept as its seconds, which is one too."""
    return value.total_seconds() if isinstance(value, timedelta) else value


def _text_of(data: bytes) -> str:
    """Bytes are JSON, so nearly always text; what is not comes back all the same."""
    return data.decode("utf-8", "surrogateescape")


def _bytes_of(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


_AS_IT_IS: Final = _Form(_same, _same)
_SIMPLE: Final[Mapping[object, _Form]] = {
    **dict.fromkeys((Any, object, str, int, float, bool), _AS_IT_IS),
    datetime: _Form(datetime.isoformat, datetime.fromisoformat),
    bytes: _Form(_text_of, _bytes_of),
}
_COLLECTIONS: Final[Mapping[object, _Way]] = {
    tuple: tuple,
    list: list,
    frozenset: frozenset,
    Sequence: tuple,
}


def _form(kind: object) -> _Form:
    form = _forms.get(kind)
    if form is None:
        form = _forms[kind] = _form_of(kind, get_origin(kind) or kind, get_args(kind))
    return form


_forms: Final = dict(_SIMPLE)


def _form_of(kind: object, origin: Any, args: tuple[Any, ...]) -> _Form:
    if origin is Literal:
        return _AS_IT_IS
    if origin in (Union, types.UnionType):
        return _choice([one for one in args if one is not type(None)])
    if origin in (dict, Mapping):
        return _mapping(_form(args[1] if args else Any))
    if origin in _COLLECTIONS:
        return _several(_COLLECTIONS[origin], _form(args[0] if args else Any))
    if isinstance(origin, type) and issubclass(origin, Enum):
        return _Form(_value_of, origin)
    if isinstance(origin, type) and is_dataclass(origin):
        return _record(origin)
    raise TypeError(
        f"A value annotated {kind!r} has no form as text. Keep text, numbers, bytes, datetime, enums, JSON data "
        f"annotated Any, tuples, lists and dicts of these, or a dataclass."
    )


def _value_of(member: Enum) -> Any:
    return member.value


def _several(collection: _Way, one: _Form) -> _Form:
    def write(values: Sequence[Any]) -> Any:
        return [one.write(value) for value in values]

    def read(values: Sequence[Any]) -> Any:
        return collection([one.read(value) for value in values])

    return _Form(write, read)


def _mapping(one: _Form) -> _Form:
    def write(values: Mapping[str, Any]) -> Any:
        return {name: one.write(value) for name, value in values.items()}

    def read(values: Mapping[str, Any]) -> Any:
        return {name: one.read(value) for name, value in values.items()}

    return _Form(write, read)


def _choice(kinds: Sequence[Any]) -> _Form:
    """One of several, or None: dataclasses are told apart by their names, the rest by what JSON shows."""
    if len(kinds) == 1:
        form = _form(kinds[0])
    elif all(is_dataclass(kind) for kind in kinds):
        form = _named({kind.__name__: kind for kind in kinds})
    elif all(kind is timedelta or _form(kind) is _AS_IT_IS for kind in kinds):
        form = _Form(_seconds, _same)
    else:
        raise TypeError(f"Which of {kinds!r} a value was cannot be told from its text.")

    def write(value: Any) -> Any:
        return None if value is None else form.write(value)

    def read(told: Any) -> Any:
        return None if told is None else form.read(told)

    return _Form(write, read)


def _named(records: Mapping[str, type[Any]]) -> _Form:
    def write(value: Any) -> Any:
        name = type(value).__name__
        return {name: _form(records[name]).write(value)}

    def read(told: Mapping[str, Any]) -> Any:
        ((name, value),) = told.items()
        return _form(records[name]).read(value)

    return _Form(write, read)


def _record(kind: type[Any]) -> _Form:
    """Its fields by name: only what differs from the defaults."""
    from typing import get_type_hints  # which reads the modules of annotations, once for each class

    hints = get_type_hints(kind)
    kept = [
        (field.name, _default(field), _form(hints[field.name]))
        for field in fields(kind)
        if field.init and field.name not in _NEVER
    ]

    def write(value: Any) -> dict[str, Any]:
        told: dict[str, Any] = {}
        for name, default, form in kept:
            if (found := getattr(value, name)) != default:
                told[name] = form.write(found)
        return told

    def read(told: Mapping[str, Any]) -> Any:
        return kind(**{name: form.read(told[name]) for name, _, form in kept if name in told})

    return _Form(write, read)


def _default(field: Field[Any]) -> Any:
    """What the field is when it is not told; MISSING, which nothing equals, where it must be."""
    return MISSING if field.default_factory is not MISSING else field.default
