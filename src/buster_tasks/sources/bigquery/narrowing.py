"""Filters as conditions of the catalog's SQL, with every name bound; what they keep too much, `Selection` drops."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from buster_tasks.sources.schema import Filters

OF_DATASETS = "t.table_schema IN UNNEST(@datasets)"

_MOST_PLACES = 10_000
_SPELLINGS = (
    "t.table_name",
    "CONCAT(t.table_schema, '.', t.table_name)",
    "CONCAT(@project, '.', t.table_schema, '.', t.table_name)",
)


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on the view `t`, and its parameters by name."""

    sql: str
    parameters: dict[str, str | list[str]] = field(default_factory=dict[str, str | list[str]])


def of_datasets(datasets: Sequence[str]) -> Condition:
    """Everything in these datasets."""
    return Condition(OF_DATASETS, {"datasets": list(datasets)})


def of_tables(filters: Filters, project: str, datasets: Sequence[str]) -> Condition:
    """Tables of these datasets that the filters may keep."""
    whole = of_datasets(datasets)
    if filters.tables is None:
        return whole
    some = " OR ".join(f"REGEXP_CONTAINS({spelling}, @tables)" for spelling in _SPELLINGS)
    pattern = "|".join(map(regular, filters.tables))
    more: dict[str, str | list[str]] = {"tables": f"^(?s:{pattern})$", "project": project}
    return Condition(f"{OF_DATASETS} AND ({some})", {**whole.parameters, **more})


def of_kept(
    places: Sequence[tuple[str, str]], datasets: Sequence[str], *, all_of_them: bool
) -> Condition:
    """What belongs to these tables; by name where they are few and not all there are."""
    whole = of_datasets(datasets)
    if all_of_them or len(places) > _MOST_PLACES:
        return whole
    names = [f"{schema}.{name}" for schema, name in places]
    sql = f"{OF_DATASETS} AND CONCAT(t.table_schema, '.', t.table_name) IN UNNEST(@places)"
    return Condition(sql, {**whole.parameters, "places": names})


def regular(glob: str) -> str:
    """A regular expression that matches all that the glob does, and its own spelling, and maybe more."""
    made, at = "", 0
    while at < len(glob):
        end = glob.find("]", at + 2)
        if glob[at] == "[" and end > 0:
            made, at = made + ".*", end
        elif glob[at] in "*?":
            made += ".*" if glob[at] == "*" else "."
        else:
            made += re.escape(glob[at])
        at += 1
    return made
