"""The relations that a statement may read, given as names, parts of names, or a catalog's tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, Self, TypeAlias


class Relation(Protocol):
    """A table or view of a catalog; those of `buster_tasks.sources.schema` are such."""

    @property
    def name(self) -> str: ...
    @property
    def schema(self) -> str: ...
    @property
    def database(self) -> str: ...


RelationName: TypeAlias = str | Sequence[str] | Relation
"""`"shop.public.orders"`, or `("public", "order.items")` where a part has a dot, or a `Relation`."""


class RelationNames(frozenset[tuple[str, ...]]):
    """Every way to name some relations; made once where many statements are checked against a large catalog."""

    @classmethod
    def of(cls, relations: Iterable[RelationName]) -> Self:
        """The names of these relations, from the last part alone to all parts; in small letters."""
        names: set[tuple[str, ...]] = set()
        for relation in relations:
            parts = _parts(relation)
            names.update(parts[at:] for at in range(len(parts)))
        return cls(names)


def _parts(relation: RelationName) -> tuple[str, ...]:
    if isinstance(relation, str):
        found: Sequence[str] = relation.split(".")
    elif isinstance(relation, Sequence):
        found = relation
    else:
        found = (relation.database, relation.schema, relation.name)
    return tuple(part.lower() for part in found if part)
