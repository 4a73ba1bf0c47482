"""What is known of the tables of one source: by name, with their columns, keys and neighbours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from functools import cached_property
from itertools import islice

from pydantic import JsonValue

from buster_tasks.analyst.errors import ToolRefusedError
from buster_tasks.analyst.quoting import COMMENT_CHARACTERS, cut
from buster_tasks.sources.nested_fields import field_paths
from buster_tasks.sources.schema import Column, ForeignKey, Introspection, Table, TableKey, View
from buster_tasks.sql_guard import RelationNames

MOST_COLUMNS = 80
"""How many columns of a table are described; of the others the names alone."""

_SAMPLES, _DOMAIN, _FIELDS = 5, 12, 20

Place = tuple[str, str, str]
"""Database, schema and name."""


class KnownTables:
    """The tables and views of an introspection."""

    def __init__(self, found: Introspection) -> None:
        self._found = found
        relations: list[Table | View] = [*found.tables, *found.views]
        self._relations = {_place(one): one for one in relations}
        self._columns: defaultdict[Place, list[Column]] = defaultdict(list)
        for column in found.columns:
            self._columns[column.database, column.schema_name, column.table].append(column)

    @property
    def introspection(self) -> Introspection:
        """All that was found."""
        return self._found

    @cached_property
    def names(self) -> RelationNames:
        """Every table and view, as the guard takes them."""
        return RelationNames.of(self._relations)

    @cached_property
    def places(self) -> Sequence[Place]:
        """Every table and view."""
        return list(self._relations)

    def columns(self, place: Place) -> Sequence[Column]:
        """The columns of a table, in order."""
        return self._columns[place]

    def find(self, name: str) -> Place:
        """The table of this name: `table`, `schema.table` or `database.schema.table`. Raises ToolRefusedError."""
        wanted = name.strip().strip('"`[]').lower()
        found = [place for place in self.places if wanted in _spellings(place)]
        if len(found) == 1:
            return found[0]
        if not found:
            raise ToolRefusedError(f"There is no table {name!r}.", fix=self.near(name))
        several = ", ".join(".".join(place) for place in found[:5])
        raise ToolRefusedError(
            f"Several tables are called {name!r}.", fix=f"Name one of: {several}."
        )

    def near(self, text: str) -> str:
        """Which tables are called like a word of the text, as a sentence; empty where none is."""
        by_name = {place[2].lower(): place for place in self.places}
        words = [word.strip("'\"`[],.").lower() for word in text.split()]
        found = [
            name
            for word in words
            if len(word) > 2
            for name in get_close_matches(word.split(".")[-1], by_name, n=3, cutoff=0.6)
        ]
        names = list(dict.fromkeys(found))[:5]
        return f"There are tables called {', '.join(names)}." if names else ""

    def described(self, place: Place) -> dict[str, JsonValue]:
        """The table as a model is shown it: columns with what is known of their values, keys, neighbours."""
        relation, columns = self._relations[place], self._columns[place]
        told: dict[str, JsonValue] = {"table": ".".join(part for part in place if part)}
        if isinstance(relation, Table):
            if relation.row_count is not None:
                about = "about " if relation.row_count_kind == "estimate" else ""
                told["rows"] = f"{about}{relation.row_count}"
        else:
            told["kind"] = "view"
        if relation.comment:
            told["comment"] = cut(relation.comment, COMMENT_CHARACTERS)
        told["columns"] = [_column(column) for column in columns[:MOST_COLUMNS]]
        if len(columns) > MOST_COLUMNS:
            told["more_columns"] = [column.name for column in columns[MOST_COLUMNS:]]
        key = next((one for one in self._found.primary_keys if _owner(one) == place), None)
        if key is not None:
            told["primary_key"] = list(key.columns)
        references = [one for one in self._found.foreign_keys if _source(one) == place]
        if references:
            told["references"] = [
                _reference(one.source_columns, _target(one), one.referenced_columns)
                for one in references
            ]
        referenced = [one for one in self._found.foreign_keys if _target(one) == place]
        if referenced:
            told["referenced_by"] = [
                _reference(one.referenced_columns, _source(one), one.source_columns)
                for one in referenced[:20]
            ]
        return told

    def neighbours(self, places: Iterable[Place]) -> list[Place]:
        """The tables that a foreign key leads to from these, or from which one leads here."""
        known = set(places)
        found = [
            other
            for key in self._found.foreign_keys
            for one, other in ((_source(key), _target(key)), (_target(key), _source(key)))
            if one in known and other not in known and other in self._relations
        ]
        return list(dict.fromkeys(found))


def _place(one: Table | View) -> Place:
    return one.database, one.schema_name, one.name


def _spellings(place: Place) -> tuple[str, str, str]:
    database, schema, name = (part.lower() for part in place)
    return name, f"{schema}.{name}", f"{database}.{schema}.{name}"


def _owner(key: TableKey) -> Place:
    return key.database, key.schema_name, key.table


def _source(key: ForeignKey) -> Place:
    return key.source_database, key.source_schema, key.source_table


def _target(key: ForeignKey) -> Place:
    return key.referenced_database, key.referenced_schema, key.referenced_table


def _reference(columns: Sequence[str], place: Place, others: Sequence[str]) -> str:
    return f"({', '.join(columns)}) -> {place[2]} ({', '.join(others)})"


def _column(column: Column) -> dict[str, JsonValue]:
    told: dict[str, JsonValue] = {"name": column.name, "type": column.data_type}
    if column.fields:
        told["fields"] = list[JsonValue](islice(field_paths(column), _FIELDS))
    if column.is_nullable is False:
        told["required"] = True
    if column.comment:
        told["comment"] = cut(column.comment, COMMENT_CHARACTERS)
    if column.distinct_count is not None:
        told["distinct"] = column.distinct_count
    if column.min_value is not None:
        told["from"], told["to"] = column.min_value, column.max_value
    if column.semantic_type is not None:
        told["holds"] = column.semantic_type
    examples = [top.value for top in column.top_values or ()] or list(column.sample_values or ())
    is_domain = column.distinct_count is not None and column.distinct_count <= _DOMAIN
    if examples:
        told["examples"] = examples[: _DOMAIN if is_domain else _SAMPLES]
    return told
