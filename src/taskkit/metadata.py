"""Progress and other data on the run that is carried out.

All of it is plain and does no I/O: changes are applied here at once and sent every second, before each
wait, and when the attempt ends. Calls can be chained. Outside of a run a write does nothing but log a
warning.

Keys that begin with `$.` are paths: `$.steps.0.done`, `$.items.*`. What a write cannot be applied to (a
missing parent, a value that is no list) is left as it is, and logged.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sized
from typing import Any, Literal, TypeVar, cast

from pydantic_core import from_json

from taskkit.errors import InvalidOptionError, PayloadTooLargeError
from taskkit.model.codec import METADATA_LIMIT, check_depth, json_data, json_of
from taskkit.runtime.buffers import Buffers
from taskkit.runtime.portal import twin
from taskkit.runtime.scope import current_scope

_log = logging.getLogger("taskkit.metadata")
T = TypeVar("T")


class Metadata:
    """The metadata of the running run, or of a relative of it."""

    __slots__ = ("_whose",)

    def __init__(self, whose: Literal["run", "parent", "root"]) -> None:
        self._whose = whose

    # --- reading ------------------------------------------------------------------------------------

    def current(self) -> dict[str, Any]:
        """A copy of the whole, with everything written here applied; {} outside of a run.

        Of a parent or root that is another run InvalidOptionError: to know it takes I/O.
        """
        buffers = self._buffers()
        if buffers is None:
            return {}
        if buffers.is_of_relative:
            raise InvalidOptionError(
                f"metadata.{self._whose}",
                self,
                f"the {self._whose}'s metadata can only be written from here, reading it would be I/O. Write: "
                f"(await runs.retrieve(ctx.run.{self._whose}_id)).metadata",
            )
        data: dict[str, Any] = json_data(buffers.metadata, "The metadata")
        return data

    def get(self, key: str) -> Any:
        """The value of a top-level key; None when there is none."""
        return self.current().get(_key(key))

    # --- writing ------------------------------------------------------------------------------------

    def set(self, key: str, value: Any) -> Metadata:
        """Set a key, or a path, to JSON data."""
        return self._write("set", key, value)

    def delete(self, key: str) -> Metadata:
        """Remove a top-level key."""
        return self._apply({"type": "delete", "key": _key(key)})

    def append(self, key: str, value: Any) -> Metadata:
        """Add to a list; a missing one begins with this value, a single value becomes a list of both."""
        return self._write("append", key, value)

    def remove(self, key: str, value: Any) -> Metadata:
        """Take every equal value out of a list."""
        return self._write("remove", key, value)

    def increment(self, key: str, amount: float = 1) -> Metadata:
        """Add to a number; anything that is no number counts as 0."""
        return self._apply({"type": "increment", "key": _key(key), "value": _amount(amount)})

    def decrement(self, key: str, amount: float = 1) -> Metadata:
        """Take from a number."""
        step = _amount(amount)
        return self.increment(key, -step if self._whose == "run" else -abs(step))

    def replace(self, data: Mapping[str, Any]) -> Metadata:
        """Replace everything."""
        return self._write("replace", "", _mapping(data))

    async def flush(self) -> None:
        """Return once everything said so far is stored."""
        scope = current_scope.get()
        if scope is not None and not scope.ended:
            await scope.flush()

    def track(
        self, items: Iterable[T], total: int | None = None, key: str = "progress"
    ) -> Iterator[T]:
        """The items, while `key` goes from 0 to 1: `for row in metadata.track(rows): ...`.

        `total` is only needed where the items have no length. After the last item `key` is 1, however many
        they were.
        """
        if total is None:
            if not isinstance(items, Sized):
                raise InvalidOptionError(
                    "total", None, "these items have no length; say how many there are."
                )
            total = len(items)
        return self._tracked(items, _length(total), _key(key))

    def _tracked(self, items: Iterable[T], total: int, key: str) -> Iterator[T]:
        self.set(key, 0)
        for count, item in enumerate(items, start=1):
            yield item
            if count < total:
                self.set(key, count / total)
        self.set(key, 1)

    # --- within -------------------------------------------------------------------------------------

    def _write(self, kind: str, key: str, value: Any) -> Metadata:
        what = "The metadata" if kind == "replace" else f"The metadata value for {_key(key)!r}"
        data = json_of(value, what)
        check_depth(data, METADATA_LIMIT, what)
        operation = {"type": kind, "key": key, "value": from_json(data)}
        buffers = self._buffers()
        if buffers is not None and kind != "remove":
            size = 0 if kind == "replace" else buffers.metadata_size()
            if size + len(data) > METADATA_LIMIT:
                size = buffers.size_after(operation)
                if size > METADATA_LIMIT:
                    what = what if kind == "replace" else f"The metadata with {key!r}"
                    raise PayloadTooLargeError(what, size, METADATA_LIMIT)
        return self._apply(operation)

    def _apply(self, operation: Mapping[str, Any]) -> Metadata:
        buffers = self._buffers()
        if buffers is None:
            _log.warning("metadata.%s outside of a run does nothing", operation["type"])
            return self
        reason = buffers.operate(operation)
        if reason is not None:
            _log.warning(
                "metadata.%s of %r did nothing: %s", operation["type"], operation["key"], reason
            )
        return self

    def _buffers(self) -> Buffers | None:
        scope = current_scope.get()
        if scope is None or scope.ended:
            return None
        request = scope.lease.run.request
        relative = {"run": None, "parent": request.parent_id, "root": request.root_id}[self._whose]
        return scope.buffers if relative is None else scope.buffers_of(relative)

    def __repr__(self) -> str:
        return f"<metadata of the {self._whose}>"


def _key(key: object) -> str:
    if not isinstance(key, str) or not key:
        raise InvalidOptionError("the metadata key", key, "give a text that is not empty.")
    return key


def _mapping(data: object) -> object:
    if not isinstance(data, Mapping):
        raise InvalidOptionError(
            "metadata.replace's data", data, "give a mapping of names to JSON data."
        )
    return cast("object", data)


def _length(total: object) -> int:
    if isinstance(total, bool) or not isinstance(total, int) or total < 0:
        raise InvalidOptionError("total", total, "give a whole number of at least 0.")
    return total


def _amount(amount: object) -> float:
    if (
        isinstance(amount, bool)
        or not isinstance(amount, int | float)
        or not abs(amount) < float("inf")
    ):
        raise InvalidOptionError("the amount", amount, "give a finite number.")
    return amount


_own = Metadata("run")
parent = Metadata("parent")
"""The metadata of the run that triggered this one; its own where there is none."""
root = Metadata("root")
"""The metadata of the run at the top of the tree; its own where there is none."""

current = _own.current
get = _own.get
set = _own.set  # noqa: A001 - metadata.set is the name users know
delete = _own.delete
append = _own.append
remove = _own.remove
increment = _own.increment
decrement = _own.decrement
replace = _own.replace
flush = _own.flush
track = _own.track


class sync:
    """For plain code; `metadata.sync.flush()`."""

    flush = staticmethod(twin(_own.flush))
