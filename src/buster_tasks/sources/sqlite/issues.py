"""What may be missing from the introspection of a SQLite file, as issues."""

from __future__ import annotations

from buster_tasks.errors import SourceError
from buster_tasks.sources.schema import ForeignKey, Issue

SCHEMA = "main"


def unreadable(kind: str, name: str, error: SourceError) -> Issue:
    """The columns of a view or table could not be read."""
    is_view = kind == "view"
    return Issue(
        scope="view" if is_view else "table",
        object=f"{SCHEMA}.{name}",
        code="OBJECT_UNREADABLE",
        message=f"The columns of {name!r} cannot be read. {error.message}",
        fix="Repair or drop the view." if is_view else "Load the module that the table needs.",
    )


def uncounted(table: str, error: SourceError, *, has_estimate: bool) -> Issue:
    """The rows of a table could not be counted."""
    return Issue(
        scope="table",
        object=f"{SCHEMA}.{table}",
        code="ROW_COUNT_ESTIMATED" if has_estimate else "ROW_COUNT_UNKNOWN",
        message=f"The rows of {table!r} were not counted. {error.message}",
        fix="The number given is that of the last ANALYZE."
        if has_estimate
        else "Run ANALYZE in the database to have an estimate.",
    )


def unsized(database: str, error: SourceError) -> Issue:
    """The sizes of the tables could not be added up."""
    return Issue(
        scope="database",
        object=database,
        code="SIZES_UNKNOWN",
        message=f"The sizes of the tables were not added up. {error.message}",
        fix=error.fix,
    )


def dangling(key: ForeignKey) -> Issue:
    """A foreign key refers to a table that is missing, or has no fitting primary key."""
    return Issue(
        scope="foreign_key",
        object=f"{SCHEMA}.{key.source_table}",
        code="FOREIGN_KEY_DANGLING",
        message=f"{', '.join(key.source_columns)} of {key.source_table!r} refers to "
        f"{key.referenced_table!r}, which is missing or has no primary key that fits.",
        fix="Create the table, or name its columns in REFERENCES.",
    )
