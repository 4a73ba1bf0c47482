"""What a filter keeps of an introspection that is there already."""

from __future__ import annotations

from buster_tasks.sources.filters import Selection
from buster_tasks.sources.schema import Column, Index, Introspection, Table, TableKey, View


def narrowed(found: Introspection, selection: Selection) -> Introspection:
    """The introspection with the objects that are kept, and what belongs to them."""
    relations: list[Table | View] = [*found.tables, *found.views]
    kept = {
        (one.database, one.schema_name, one.name)
        for one in relations
        if selection.table(one.database, one.schema_name, one.name)
    }

    def named(one: Table | View) -> bool:
        return (one.database, one.schema_name, one.name) in kept

    def belongs(one: Column | TableKey | Index) -> bool:
        return (one.database, one.schema_name, one.table) in kept

    return found.model_copy(
        update={
            "databases": [one for one in found.databases if selection.database(one.name)],
            "schemas": [one for one in found.schemas if selection.schema(one.database, one.name)],
            "tables": [one for one in found.tables if named(one)],
            "views": [one for one in found.views if named(one)],
            "columns": [one for one in found.columns if belongs(one)],
            "primary_keys": [one for one in found.primary_keys if belongs(one)],
            "unique_keys": [one for one in found.unique_keys if belongs(one)],
            "indexes": [one for one in found.indexes if belongs(one)],
            "foreign_keys": [
                one
                for one in found.foreign_keys
                if (one.source_database, one.source_schema, one.source_table) in kept
            ],
        }
    )
