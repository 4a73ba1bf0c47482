"""How deep fields within a type are read, and how they are written as paths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from buster_tasks.sources.schema import Column, NestedField

DEEPEST: Final = 50
"""Levels of types that are read: JSON has two for each, and readers of JSON stop at some 200."""


def field_paths(column: Column) -> Iterator[str]:
    """Every named field within a column, outer ones before what is in them: `address.geo`, `address.geo.lat`.

    The element of an array adds nothing to a path: `items.price` for an array of structs.
    """
    return _within(column, column.name)


def _within(of: Column | NestedField, path: str) -> Iterator[str]:
    for field in of.fields or ():
        inner = path
        if of.normalized_type != "array":
            inner = f"{path}.{field.name}"
            yield inner
        yield from _within(field, inner)
