"""What may be missing from the introspection of a Redshift database, as issues."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from buster_tasks.sources.issues import code_of
from buster_tasks.sources.quoting import in_double_quotes as quote
from buster_tasks.sources.redshift.catalog import RelationRow
from buster_tasks.sources.redshift.reading import Reading, is_late_binding
from buster_tasks.sources.schema import Issue

_MOST_EACH = 20
_WHAT = {
    "info": ("rows, sizes and distribution of tables", "SELECT ON svv_table_info"),
    "external": ("external tables", "SELECT ON svv_external_tables and svv_external_columns"),
    "late": (
        "columns of late-binding views",
        "EXECUTE ON FUNCTION pg_get_late_binding_view_cols()",
    ),
    "materialized": ("the state of materialized views", "SELECT ON svv_mv_info"),
    "shared": ("tables of the datashare", "SELECT ON svv_redshift_tables"),
    "statistics": ("statistics of columns", "SELECT ON pg_stats"),
}


def lost(reading: Reading, user: str) -> list[Issue]:
    """Whatever is not in the result, or may not be read by the user."""
    return [
        *_failed(reading, user),
        *_schemas(reading, user),
        *_tables(reading, user),
        *_late(reading),
    ]


def _failed(reading: Reading, user: str) -> Iterator[Issue]:
    for name, error in reading.failed.items():
        what, right = _WHAT[name]
        denied = error.code == "PERMISSION_DENIED"
        yield Issue(
            scope="database",
            object=f"{reading.database.name}: {what}",
            code=code_of(error),
            message=f"Without {what}: {error.message}",
            fix=f"As a superuser: GRANT {right} TO {quote(user)};" if denied else error.fix,
        )


def _schemas(reading: Reading, user: str) -> Iterator[Issue]:
    held = {row.schema for row in reading.relations}
    for schema in reading.schemas:
        if not schema.is_usable and schema.name in held:
            yield Issue(
                scope="schema",
                object=schema.name,
                code="PERMISSION_DENIED",
                message=f"The user {user!r} may not use the schema {schema.name!r}: "
                "of what is in it only names are known.",
                fix=f"GRANT USAGE ON SCHEMA {quote(schema.name)} TO {quote(user)};",
            )


def _tables(reading: Reading, user: str) -> Iterator[Issue]:
    usable = {schema.name for schema in reading.schemas if schema.is_usable}
    seen = {(row.schema, row.table) for row in reading.columns}
    by_schema: dict[str, list[RelationRow]] = defaultdict(list)
    for row in reading.relations:
        # a right to single columns shows these
        if row.schema in usable and not row.is_readable and (row.schema, row.name) not in seen:
            by_schema[row.schema].append(row)
    for schema, rows in by_schema.items():
        if len(rows) > _MOST_EACH:
            yield _many(schema, rows, user)
        else:
            yield from (_one(row, user) for row in rows)


def _one(row: RelationRow, user: str) -> Issue:
    return Issue(
        scope="view" if row.kind == "v" else "table",
        object=f"{row.schema}.{row.name}",
        code="PERMISSION_DENIED",
        message=f"The user {user!r} may not read {row.name!r} in {row.schema!r}, nor see its columns.",
        fix=f"GRANT SELECT ON {quote(row.schema)}.{quote(row.name)} TO {quote(user)};",
    )


def _many(schema: str, rows: Sequence[RelationRow], user: str) -> Issue:
    first = ", ".join(repr(row.name) for row in rows[:_MOST_EACH])
    return Issue(
        scope="schema",
        object=schema,
        code="PERMISSION_DENIED",
        message=f"The user {user!r} may not read {len(rows)} tables and views in {schema!r}, nor see their columns: "
        f"{first}, and so on.",
        fix=f"GRANT SELECT ON ALL TABLES IN SCHEMA {quote(schema)} TO {quote(user)};",
    )


def _late(reading: Reading) -> Iterator[Issue]:
    """Late-binding views without columns: what they read is gone, or not to be seen."""
    if "late" in reading.failed:
        return
    known = {(row.schema, row.view) for row in reading.late}
    known |= {(row.schema, row.table) for row in reading.columns}
    for row in reading.relations:
        if is_late_binding(row) and row.is_readable and (row.schema, row.name) not in known:
            yield Issue(
                scope="view",
                object=f"{row.schema}.{row.name}",
                code="COLUMNS_UNKNOWN",
                message=f"The late-binding view {row.name!r} in {row.schema!r} shows no columns: "
                "what it reads is not there, or not for its owner.",
                fix="Make the view again on tables that are there.",
            )
