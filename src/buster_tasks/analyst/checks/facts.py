"""What a catalog knows that checks need: columns, keys, references, and the values of small columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from buster_tasks.sources.schema import Column, Introspection, NormalizedType

_Place = tuple[str, str, str]
"""Database, schema, name."""
_MIDNIGHT: Final = ("00:00", "00:00:00")


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """A column. `values` are all that it has, where they are known to be all; `is_nullable` may be unknown.

    `has_times` says of times whether some are not at midnight, where values of it are known.
    """

    name: str
    type: NormalizedType = "unknown"
    is_nullable: bool | None = None
    values: frozenset[str] | None = None
    has_times: bool | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """Columns that refer to those of another table; names in lower case, in pairs by position."""

    columns: tuple[str, ...]
    table: str
    referenced: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableFacts:
    """A table or view: columns by name in lower case, the sets of columns that identify a row, what it refers to."""

    name: str
    schema: str = ""
    columns: Mapping[str, ColumnFacts] = field(default_factory=dict[str, ColumnFacts])
    keys: tuple[frozenset[str], ...] = ()
    references: tuple[Reference, ...] = ()

    def is_unique(self, columns: Iterable[str]) -> bool:
        """Whether a value of the columns names one row at most."""
        given = frozenset(columns)
        return any(key <= given for key in self.keys)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a source; what it does not have is not known, and nothing is told of it."""

    tables: Mapping[str, Sequence[TableFacts]] = field(
        default_factory=dict[str, Sequence[TableFacts]]
    )

    def table(self, name: str, schema: str = "") -> TableFacts | None:
        """The table of a name; None where there is none, or several and no schema tells which."""
        found = [
            table
            for table in self.tables.get(name.lower(), ())
            if not schema or table.schema.lower() == schema.lower()
        ]
        return found[0] if len(found) == 1 else None

    def with_values(self, table: str, column: str, values: Iterable[str]) -> Facts:
        """The same, knowing all values of a column, as a question to the source told them."""
        known = frozenset(values)

        def told(one: TableFacts) -> TableFacts:
            old = one.columns.get(column.lower())
            if old is None:
                return one
            return replace(one, columns={**one.columns, column.lower(): replace(old, values=known)})

        name = table.lower()
        return Facts({**self.tables, name: [told(one) for one in self.tables.get(name, ())]})


def facts_of(found: Introspection) -> Facts:
    """The facts of an introspection."""
    columns: dict[_Place, dict[str, ColumnFacts]] = {}
    for column in found.columns:
        place = (column.database, column.schema_name, column.table)
        columns.setdefault(place, {})[column.name.lower()] = _column(column)
    keys = _keys(found)
    references: dict[_Place, list[Reference]] = {}
    for one in found.foreign_keys:
        place = (one.source_database, one.source_schema, one.source_table)
        pairs = (
            _lower(one.source_columns),
            one.referenced_table.lower(),
            _lower(one.referenced_columns),
        )
        references.setdefault(place, []).append(Reference(*pairs))
    tables: dict[str, list[TableFacts]] = {}
    for place, known in columns.items():
        _, schema, name = place
        facts = TableFacts(
            name, schema, known, keys.get(place, ()), tuple(references.get(place, ()))
        )
        tables.setdefault(name.lower(), []).append(facts)
    return Facts(tables)


def _keys(found: Introspection) -> dict[_Place, tuple[frozenset[str], ...]]:
    keys: dict[_Place, tuple[frozenset[str], ...]] = {}
    given = [
        (key.database, key.schema_name, key.table, key.columns)
        for key in (*found.primary_keys, *found.unique_keys)
    ]
    # an index over a part of the rows, or of a value, identifies no row
    given += [
        (index.database, index.schema_name, index.table, index.columns)
        for index in found.indexes
        if index.is_unique
        and index.predicate is None
        and all(part.column and not part.prefix_length for part in index.parts)
    ]
    for database, schema, table, names in given:
        place = (database, schema, table)
        keys[place] = (*keys.get(place, ()), frozenset(_lower(names)))
    return keys


def _column(column: Column) -> ColumnFacts:
    samples = column.sample_values or []
    texts = frozenset(one for one in samples if isinstance(one, str))
    is_complete = (
        column.statistics_kind == "exact"
        and column.distinct_count is not None
        and 0 < column.distinct_count == len(texts) == len(samples)
    )
    ends = [str(one) for one in (*samples, column.min_value, column.max_value) if one is not None]
    return ColumnFacts(
        column.name,
        column.normalized_type,
        False if column.is_primary_key else column.is_nullable,
        texts if is_complete else None,
        any(_time_of(end) not in _MIDNIGHT for end in ends if _time_of(end)) if ends else None,
    )


def _time_of(text: str) -> str:
    """The time of a moment as text, without its zone and fractions; empty where it has none."""
    return text[11:19].rstrip("Z") if len(text) > 10 and text[10:11] in "T " else ""


def _lower(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name.lower() for name in names)
