"""Changes of a run's metadata, as data: what each does, and which can be sent as one.

An operation is a mapping of `type` (set, delete, append, remove, increment, replace), `key` and `value`. A
key that begins with `$.` is a path of segments between dots: `$.steps.0.done`, and `*` for every key of an
object. Brackets and quotes are part of a segment's name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeGuard, cast

Operation: TypeAlias = Mapping[str, Any]

_PATH = "$."
_ANY = "*"
# The dashboards that read metadata are written in JavaScript, where these names reach into every object.
_REFUSED_KEYS = frozenset({"__proto__"})
_REFUSED_SEGMENTS = frozenset({"__proto__", "constructor", "prototype"})
_LONGEST_PADDING = 10_000
_COLLAPSIBLE = frozenset({"set", "increment", "delete"})


@dataclass(frozen=True, slots=True)
class Applied:
    """What an operation did. `reason` says why it could not act; None when it acted, or had nothing to do."""

    changed: bool
    reason: str | None = None


_CHANGED = Applied(True)
_UNCHANGED = Applied(False)


class _Missing:
    """Nothing is there; None is something."""


_MISSING = _Missing()


def apply(metadata: dict[str, Any], operation: Operation) -> Applied:
    """Carry out one operation on `metadata`, in place.

    Never raises for data: what cannot be applied leaves `metadata` as it is and says why. Nothing of the
    operation is shared with `metadata` afterwards.
    """
    kind, key = operation["type"], operation["key"]
    if kind == "replace":
        return _replace(metadata, operation["value"])
    refused = _refusal(key)
    if refused is not None:
        return Applied(False, refused)
    if kind == "delete":
        return _delete(metadata, key)
    if kind not in _CHANGES:
        return Applied(False, f"there is no operation {kind!r}")
    if key.startswith(_PATH):
        return _change_along(metadata, key, _PATH_CHANGES[kind], operation["value"])
    return _change(metadata, key, _CHANGES[kind], operation["value"])


def collapse(operations: Sequence[Operation]) -> list[Operation]:
    """Fewer operations with the same effect, in order.

    Increments of one key are summed, of sets of one key the last is kept, of deletes one, where nothing
    in between touches the same top-level key.
    """
    kept: list[Operation] = []
    latest: dict[str, int] = {}
    for operation in operations:
        root = _root(operation)
        if root is None:
            latest.clear()
            kept.append(operation)
            continue
        place = latest.get(root)
        merged = None if place is None else _merged(kept[place], operation)
        if place is not None and merged is not None:
            kept[place] = merged
        else:
            latest[root] = len(kept)
            kept.append(operation)
    return kept


def strict_equal(one: Any, other: Any) -> bool:
    """Equal as JSON data: numbers by value (1 and 1.0), but True is no 1, and objects in any order."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if _is_object(one) and _is_object(other):
        return one.keys() == other.keys() and all(strict_equal(one[key], other[key]) for key in one)
    if _is_list(one) and _is_list(other):
        return len(one) == len(other) and all(map(strict_equal, one, other))
    return bool(one == other)


# --- what each operation makes of a value -----------------------------------------------------------


def _set(_: Any, value: Any) -> Any:
    return value


def _append(old: Any, value: Any) -> Any:
    if old is _MISSING:
        return [value]
    if _is_list(old):
        old.append(value)
        return _CHANGED
    return [old, value]


def _append_at_path(old: Any, value: Any) -> Any:
    if old is None:
        return Applied(False, "its value is null, and a path does not append to null")
    return _append(old, value)


def _remove(old: Any, value: Any) -> Any:
    if old is _MISSING:
        return Applied(False, "there is no such key")
    if not _is_list(old):
        return Applied(False, f"its value is {_kind_of(old)}, not a list")
    return [item for item in old if not strict_equal(item, value)]


def _increment(old: Any, value: Any) -> Any:
    total = _sum(old if _is_number(old) else 0, value)
    return (
        Applied(False, "the sum is beyond what a JSON number can hold") if total is None else total
    )


# What is there, and the operation's value, to the new value; or to an Applied, when nothing is to be put.
_CHANGES: Mapping[str, Callable[[Any, Any], Any]] = {
    "set": _set,
    "append": _append,
    "remove": _remove,
    "increment": _increment,
}
_PATH_CHANGES = {**_CHANGES, "append": _append_at_path}


def _change(holder: Any, key: str | int, change: Callable[[Any, Any], Any], value: Any) -> Applied:
    old = _at(holder, key)
    new = change(old, _copied(value))
    if isinstance(new, Applied):
        return new
    if old is not _MISSING and strict_equal(old, new):
        return _UNCHANGED
    if _is_list(holder):
        index = cast("int", key)
        holder.extend([None] * (index + 1 - len(holder)))
        holder[index] = new
    else:
        holder[key] = new
    return _CHANGED


def _change_along(
    metadata: dict[str, Any], path: str, change: Callable[[Any, Any], Any], value: Any
) -> Applied:
    places = _Places(metadata, _segments(path))
    results = [_change(holder, key, change, value) for holder, key in places]
    if _CHANGED in results:
        return _CHANGED
    return results[0] if results else Applied(False, places.reason)


def _at(holder: Any, key: Any) -> Any:
    if _is_object(holder):
        return holder.get(key, _MISSING)
    return holder[key] if key < len(holder) else _MISSING


def _replace(metadata: dict[str, Any], value: Any) -> Applied:
    if not isinstance(value, Mapping):
        return Applied(False, f"metadata is an object, and {_kind_of(value)} cannot take its place")
    new: dict[str, Any] = _copied(dict(cast("Mapping[str, Any]", value)))
    for key in _REFUSED_KEYS & new.keys():
        return Applied(False, f"{key} is not allowed as a key")
    if strict_equal(metadata, new):
        return _UNCHANGED
    metadata.clear()
    metadata.update(new)
    return _CHANGED


def _delete(metadata: dict[str, Any], key: str) -> Applied:
    if metadata.pop(key, _MISSING) is not _MISSING:
        return _CHANGED
    if key.startswith(_PATH):
        return Applied(False, "delete takes a top-level key, not a path")
    return _UNCHANGED


# --- paths ------------------------------------------------------------------------------------------


def _segments(key: str) -> list[str]:
    return [segment for segment in key[len(_PATH) :].split(".") if segment]


def _refusal(key: str) -> str | None:
    if key in _REFUSED_KEYS:
        return f"{key} is not allowed as a key"
    if not key.startswith(_PATH):
        return None
    segments = _segments(key)
    for segment in segments:
        if segment in _REFUSED_SEGMENTS:
            return f"{segment} is not allowed in a path"
    return None if segments else "the path has no segments"


class _Places:
    """The (holder, key) pairs that a path leads to; `reason` says why there are none."""

    def __init__(self, metadata: dict[str, Any], segments: Sequence[str]) -> None:
        self._metadata = metadata
        self._segments = segments
        self.reason = "nothing matches the path"

    def __iter__(self) -> Iterator[tuple[Any, str | int]]:
        holders: list[Any] = [self._metadata]
        for depth, segment in enumerate(self._segments, start=1):
            places = [place for holder in holders for place in self._step(holder, segment)]
            if depth == len(self._segments):
                yield from places
                return
            holders = [_at(holder, key) for holder, key in places]

    def _step(self, holder: Any, segment: str) -> Iterator[tuple[Any, str | int]]:
        if _is_object(holder):
            yield from ((holder, key) for key in (list(holder) if segment == _ANY else [segment]))
        elif _is_list(holder) and segment != _ANY:
            index = _index(segment)
            if index is None or index > len(holder) + _LONGEST_PADDING:
                self.reason = f"{segment!r} is no place in a list"
            else:
                yield holder, index
        elif _is_list(holder):
            self.reason = "* reaches into objects, not into lists"
        elif holder is _MISSING:
            self.reason = f"there is nothing that could hold {segment!r}"
        else:
            self.reason = f"{_kind_of(holder)} cannot hold {segment!r}"


def _index(segment: str) -> int | None:
    if not (segment.isascii() and segment.isdigit() and len(segment) <= 9):
        return None
    return int(segment) if segment == str(int(segment)) else None


# --- collapsing -------------------------------------------------------------------------------------


def _root(operation: Operation) -> str | None:
    """The top-level key that an operation touches; None when it may touch several."""
    key = operation["key"]
    if operation["type"] == "replace":
        return None
    if operation["type"] == "delete" or not key.startswith(_PATH):
        return str(key)
    first = next(iter(_segments(key)), _ANY)
    return None if first == _ANY else first


def _merged(earlier: Operation, later: Operation) -> Operation | None:
    if (
        earlier["type"] != later["type"]
        or earlier["key"] != later["key"]
        or later["type"] not in _COLLAPSIBLE
    ):
        return None
    if later["type"] != "increment":
        return later
    total = _sum(earlier["value"], later["value"])
    return None if total is None else {**later, "value": total}


# --- values -----------------------------------------------------------------------------------------


def _sum(one: float, other: float) -> float | None:
    try:
        total = one + other
        return total if math.isfinite(total) else None
    except OverflowError:
        return None


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _is_object(value: Any) -> TypeGuard[dict[Any, Any]]:
    return isinstance(value, dict)


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _copied(value: Any) -> Any:
    if _is_object(value):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if _is_list(value) else value


def _kind_of(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if _is_number(value):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "a list" if isinstance(value, list) else "an object"
