"""What changed in a source between two introspections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import Field, JsonValue

from buster_tasks.catalog.structure import ObjectKind, Place, Structure, structure_of
from buster_tasks.sources.schema import Introspection, SchemaModel

_RELATIONS = ("table", "view")


class DriftPlace(SchemaModel):
    """Which object it is: `table` is the table or view that it is or belongs to, `number` parts those of one place."""

    kind: ObjectKind
    database: str
    schema_name: str = Field(default="", alias="schema")
    table: str = ""
    name: str = ""
    number: int = 0

    @property
    def place(self) -> Place:
        """The same as a key."""
        return Place(self.kind, self.database, self.schema_name, self.table, self.name, self.number)

    def __str__(self) -> str:
        parts = [self.database, self.schema_name, self.table]
        if self.kind not in ("database", "schema", *_RELATIONS):
            parts.append(self.name)
        return f"{self.kind.replace('_', ' ')} {'.'.join(filter(None, parts))}"


class DriftObject(DriftPlace):
    """An object that was added or dropped, with its structure."""

    fields: Mapping[str, JsonValue]


class Change(SchemaModel):
    """A field that differs, with its values before and after."""

    field: str
    old: JsonValue
    new: JsonValue


class ChangedObject(DriftPlace):
    """An object that is there before and after, and differs."""

    changes: list[Change]

    def __str__(self) -> str:
        parts = (f"{change.field} {change.old!r} -> {change.new!r}" for change in self.changes)
        return f"{super().__str__()}: {', '.join(parts)}"


class Drift(SchemaModel):
    """The structure that was added, dropped and changed; row counts, sizes, dates and statistics are none.

    A renamed object is a dropped and an added one. With a table, each of its parts is dropped, too; `str(drift)` leaves
    those out. `is_certain` is False where one of the two could not see everything, or was asked for other objects: then
    what looks dropped or added may only have been out of sight.
    """

    added: list[DriftObject] = Field(default_factory=list[DriftObject])
    dropped: list[DriftObject] = Field(default_factory=list[DriftObject])
    changed: list[ChangedObject] = Field(default_factory=list[ChangedObject])
    is_certain: bool = True

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed."""
        return not (self.added or self.dropped or self.changed)

    def __str__(self) -> str:
        lines = [
            *(f"+ {one}" for one in _outermost(self.added)),
            *(f"- {one}" for one in _outermost(self.dropped)),
            *(f"~ {one}" for one in self.changed),
        ]
        return "\n".join(lines) or "no drift"


def diff(old: Introspection, new: Introspection) -> Drift:
    """What changed from the old introspection to the new one, whatever order their objects came in."""
    before, after = structure_of(old), structure_of(new)
    return Drift(
        added=[_object(place, after) for place in sorted(after.keys() - before.keys())],
        dropped=[_object(place, before) for place in sorted(before.keys() - after.keys())],
        changed=list(_changed(before, after)),
        is_certain=old.complete and new.complete and old.filters == new.filters,
    )


def _object(place: Place, structure: Structure) -> DriftObject:
    return DriftObject.model_validate({**place._asdict(), "fields": structure[place]})


def _changed(before: Structure, after: Structure) -> Iterator[ChangedObject]:
    for place in sorted(before.keys() & after.keys()):
        was, is_now = before[place], after[place]
        if was != is_now:
            changes = [
                Change(field=field, old=was[field], new=is_now[field])
                for field in was
                if was[field] != is_now[field]
            ]
            yield ChangedObject.model_validate({**place._asdict(), "changes": changes})


def _outermost(objects: list[DriftObject]) -> Iterator[DriftObject]:
    """Those that are not part of another one of them."""
    here = {one.place for one in objects}
    for one in objects:
        place = (one.database, one.schema_name)
        owners = {
            Place("database", one.database, name=one.database),
            Place("schema", *place, name=one.schema_name),
            Place("table", *place, one.table, one.table),
            Place("view", *place, one.table, one.table),
        }
        if not (owners - {one.place}) & here:
            yield one
