"""Tables that are one by their names: `events_20240101`, `events_20240102` ..., read as `events_*`."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

Place = tuple[str, str]
"""A dataset and a table in it."""

_SHARD = re.compile(r"(.+_)(\d{4})(\d{2})(\d{2})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Family:
    """The shards of one name by their days, oldest first; the newest stands for their columns."""

    place: Place
    days: tuple[str, ...]
    members: tuple[Place, ...]

    @property
    def newest(self) -> Place:
        """The shard whose columns are told."""
        return self.members[-1]


def families(tables: Iterable[tuple[Place, str]]) -> Mapping[Place, Family]:
    """The families by each of their members, of tables with their types; a single shard is a table of its own."""
    groups: dict[tuple[str, str, str], list[tuple[str, Place]]] = defaultdict(list)
    for (schema, name), kind in tables:
        found = _SHARD.fullmatch(name)
        if found is not None and _is_day(*found.groups()[1:]):
            groups[schema, found[1], kind].append((name[len(found[1]) :], (schema, name)))
    known: dict[Place, Family] = {}
    for (schema, prefix, _kind), shards in groups.items():
        if len(shards) > 1:
            days, members = zip(*sorted(shards), strict=True)
            family = Family((schema, f"{prefix}*"), days, members)
            known.update(dict.fromkeys(members, family))
    return known


def _is_day(year: str, month: str, day: str) -> bool:
    try:
        date(int(year), int(month), int(day))
    except ValueError:
        return False
    return True
