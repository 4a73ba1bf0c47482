"""All that was read of a project, with the look-ups that making models from it needs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from buster_tasks.errors import SourceError
from buster_tasks.sources.bigquery.shards import Family, Place

Row = Mapping[str, Any]

VIEW, MATERIALIZED = "VIEW", "MATERIALIZED VIEW"


@dataclass(slots=True)
class Reading:
    """The catalog's rows about what was kept.

    `relations` has every shard, `families` tells which of them are read as one, and the other rows are about the newest
    of each. `failed` are the parts that could not be read, by name and location, `denied` the datasets.
    """

    project: str
    datasets: Mapping[str, str]
    """Name and location of what was kept."""

    has_seen_any: bool = True
    relations: dict[Place, Row] = field(default_factory=dict[Place, Row])
    families: Mapping[Place, Family] = field(default_factory=dict[Place, Family])
    columns: list[Row] = field(default_factory=list[Row])
    fields: list[Row] = field(default_factory=list[Row])
    options: list[Row] = field(default_factory=list[Row])
    views: list[Row] = field(default_factory=list[Row])
    keys: list[Row] = field(default_factory=list[Row])
    storage: list[Row] = field(default_factory=list[Row])
    details: list[Row] = field(default_factory=list[Row])
    failed: list[tuple[str, str, SourceError]] = field(
        default_factory=list[tuple[str, str, SourceError]]
    )
    denied: list[tuple[str, SourceError]] = field(default_factory=list[tuple[str, SourceError]])
    is_hurried: bool = False
    """Whether what is optional was left out for want of time."""

    def told(self) -> list[Place]:
        """What is told as one thing, in order: tables, views, and the newest of each family."""
        return sorted(place for place in self.relations if self._stands_for_itself(place))

    def name_of(self, place: Place) -> Place:
        """Under which name it is told."""
        family = self.families.get(place)
        return place if family is None else family.place

    def members(self, place: Place) -> tuple[Place, ...]:
        """The tables that are told under one name."""
        family = self.families.get(place)
        return (place,) if family is None else family.members

    def kind(self, place: Place) -> str:
        """Its type in BigQuery's words."""
        return str(self.relations[place]["table_type"])

    def in_order(self) -> list[Row]:
        """The columns of what is told, sorted."""
        kept = set(self.told())
        inside = (row for row in self.columns if place_of(row) in kept)
        return sorted(inside, key=lambda row: (*place_of(row), row["ordinal_position"] or 0))

    def options_of(self) -> Mapping[tuple[str, str | None], dict[str, str]]:
        """Options as written, of tables by dataset and name, of datasets without a name."""
        found: dict[tuple[str, str | None], dict[str, str]] = defaultdict(dict)
        for row in self.options:
            name = row["option_name"]
            found[row["table_schema"], row["table_name"]][name] = row["option_value"]
        return found

    def by_key(self) -> Iterator[list[Row]]:
        """The columns of each key of what is told, in key order."""
        groups: dict[tuple[Place, str], list[Row]] = defaultdict(list)
        for row in self.keys:
            groups[place_of(row), row["constraint_name"]].append(row)
        for _name, rows in sorted(groups.items()):
            yield sorted(rows, key=lambda row: row["ordinal_position"])

    def _stands_for_itself(self, place: Place) -> bool:
        family = self.families.get(place)
        return family is None or family.newest == place


def place_of(row: Row) -> Place:
    """Where the row's table is."""
    return row["table_schema"], row["table_name"]


def by_place(rows: Iterable[Row]) -> dict[Place, Row]:
    """Rows of which each table has one."""
    return {place_of(row): row for row in rows}
