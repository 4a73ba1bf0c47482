"""What may be missing from the introspection of Databricks, as issues."""

from __future__ import annotations

from collections.abc import Iterator

from buster_tasks.errors import SourceError
from buster_tasks.sources.databricks.catalog import dotted
from buster_tasks.sources.databricks.keys import is_whole
from buster_tasks.sources.databricks.reading import TEXTS, Reading, is_view
from buster_tasks.sources.databricks.session import Facts
from buster_tasks.sources.issues import code_of, listed
from buster_tasks.sources.quoting import in_back_quotes as quote
from buster_tasks.sources.schema import Filters, Issue


def lost(facts: Facts, reading: Reading, filters: Filters) -> list[Issue]:
    """Everything that could not be read."""
    return [
        *_without_unity(reading),
        *_nothing_shown(facts, reading, filters),
        *_hidden_texts(facts, reading),
        *_hidden_targets(facts, reading),
        *_without_columns(reading),
        *(_unread(place, error) for place, error in reading.unread_schemas.items()),
        *(_failed(facts, part, error) for part, error in reading.failed.items()),
    ]


def remarks(reading: Reading) -> list[Issue]:
    """What is as asked, and still less than one might think."""
    if not reading.left_out:
        return []
    return [
        Issue(
            scope="source",
            object="statistics",
            code="SIZES_LIMITED",
            message=f"The sizes of {reading.left_out} tables were not asked for: each is a statement of its own.",
            fix="Narrow the filters to the tables whose size matters.",
        )
    ]


def _without_unity(reading: Reading) -> Iterator[Issue]:
    for name in reading.legacy:
        yield Issue(
            scope="database",
            object=name,
            code="NO_UNITY_CATALOG",
            message=f"{name!r} is outside of Unity Catalog: keys, defaults, identities and generated columns are not "
            "told there.",
            fix="Upgrade its tables to Unity Catalog.",
        )


def _nothing_shown(facts: Facts, reading: Reading, filters: Filters) -> Iterator[Issue]:
    """A catalog shows what one has a right on, and does not say what it keeps back."""
    if filters.schemas is not None or filters.tables is not None or filters.exclude_tables:
        return
    full = {row.catalog for row in reading.relations}
    for row in reading.catalogs:
        if row.catalog not in full and row.catalog not in reading.legacy:
            yield Issue(
                scope="database",
                object=row.catalog,
                code="NOTHING_VISIBLE",
                message=f"{row.catalog!r} shows no table to {facts.user!r}: it is empty, or a right is missing.",
                fix=f"GRANT USE CATALOG, USE SCHEMA, SELECT ON CATALOG {quote(row.catalog)} TO {quote(facts.user)};",
            )


def _hidden_texts(facts: Facts, reading: Reading) -> Iterator[Issue]:
    if TEXTS in reading.failed:
        return
    shown = {row.place for row in reading.views if row.text}
    hidden = [row for row in reading.relations if is_view(row) and row.place not in shown]
    if hidden:
        names = [".".join(row.place) for row in hidden]
        yield Issue(
            scope="view",
            object=names[0] if len(hidden) == 1 else hidden[0].catalog,
            code="VIEW_DEFINITION_HIDDEN",
            message=f"The queries of {listed(names)} are shown to their owners, and {facts.user!r} is none.",
            fix=f"GRANT MANAGE ON VIEW {dotted(*hidden[0].place)} TO {quote(facts.user)}; or use the owner's token.",
        )


def _hidden_targets(facts: Facts, reading: Reading) -> Iterator[Issue]:
    for rows in reading.by_reference():
        if not is_whole(rows):
            yield Issue(
                scope="foreign_key",
                object=".".join((*rows[0].place, rows[0].name)),
                code="PERMISSION_DENIED",
                message=f"{facts.user!r} may not see the table that {rows[0].name!r} refers to.",
                fix="GRANT BROWSE ON CATALOG ..., or SELECT on that table.",
            )


def _without_columns(reading: Reading) -> Iterator[Issue]:
    known = {row.place for row in reading.columns}
    for row in reading.relations:
        if row.place not in known:
            yield Issue(
                scope="view" if is_view(row) else "table",
                object=".".join(row.place),
                code="OBJECT_UNREADABLE",
                message=f"The columns of {row.name!r} in {row.schema!r} cannot be read.",
                fix=f"Look at it: DESCRIBE TABLE {dotted(*row.place)};",
            )


def _unread(place: tuple[str, str], error: SourceError) -> Issue:
    return Issue(
        scope="schema",
        object=".".join(place),
        code=error.code,
        message=f"The schema {place[1]!r} of {place[0]!r} could not be read. {error.message}",
        fix=f"GRANT USAGE, READ_METADATA, SELECT ON SCHEMA {dotted(*place)} TO ...;",
    )


def _failed(facts: Facts, part: str, error: SourceError) -> Issue:
    is_denied = error.code == "PERMISSION_DENIED"
    return Issue(
        scope="source",
        object=part,
        code=code_of(error),
        message=f"The {part} could not be read. {error.message}",
        fix=f"GRANT USE SCHEMA, SELECT ON SCHEMA system.information_schema TO {quote(facts.user)};"
        if is_denied
        else error.fix,
    )
