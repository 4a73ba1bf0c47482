"""What may be missing from the introspection of a Snowflake account, as issues."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from buster_tasks.errors import PermissionDeniedError
from buster_tasks.sources.issues import code_of, listed
from buster_tasks.sources.quoting import in_double_quotes as quote
from buster_tasks.sources.schema import Issue
from buster_tasks.sources.snowflake.reading import MATERIALIZED_VIEW, VIEW, Cut, Failure, Reading


def lost(reading: Reading) -> list[Issue]:
    """Everything that could not be read. What the role may not see at all, Snowflake does not mention."""
    return [
        *(_without_schemas(reading, name) for name in reading.without_schemas),
        *(_failed(reading, failure) for failure in reading.failures),
        *(_cut(cut) for cut in reading.cuts),
        *_hidden_texts(reading),
        *_without_columns(reading),
    ]


def _without_schemas(reading: Reading, database: str) -> Issue:
    return Issue(
        scope="database",
        object=database,
        code="PERMISSION_DENIED",
        message=f"The role {reading.facts.role!r} sees no schema in {database!r}.",
        fix=f"GRANT USAGE ON ALL SCHEMAS IN DATABASE {quote(database)} TO ROLE {_role(reading)}; "
        f"GRANT SELECT ON ALL TABLES IN DATABASE {quote(database)} TO ROLE {_role(reading)};",
    )


def _failed(reading: Reading, failure: Failure) -> Issue:
    is_refused = isinstance(failure.error, PermissionDeniedError)
    return Issue(
        scope="database",
        object=failure.database,
        code=code_of(failure.error),
        message=f"The {failure.part} of {failure.database!r} could not be read. {failure.error.message}",
        fix=f"GRANT USAGE ON DATABASE {quote(failure.database)} TO ROLE {_role(reading)};"
        if is_refused
        else failure.error.fix,
    )


def _cut(cut: Cut) -> Issue:
    return Issue(
        scope="schema",
        object=f"{cut.database}.{cut.schema}",
        code="CATALOG_CUT",
        message=f"{cut.schema!r} has more {cut.part} than Snowflake shows: the first 10,000 rows are here.",
        fix="Use fewer tables per schema; a filter does not help, since SHOW takes none.",
    )


def _hidden_texts(reading: Reading) -> Iterator[Issue]:
    """Views whose query only their owner may see."""
    told = {row.place for row in reading.views if row.text}
    hidden: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    parts = {VIEW: "view definitions", MATERIALIZED_VIEW: "definitions of materialized views"}
    for one in reading.relations:
        part = parts.get(one.kind)
        if part and one.place not in told and not reading.failed(one.database, part):
            hidden[one.database, one.schema].append(one.name)
    for (database, schema), names in hidden.items():
        yield Issue(
            scope="view",
            object=f"{database}.{schema}" + (f".{names[0]}" if len(names) == 1 else ""),
            code="VIEW_DEFINITION_HIDDEN",
            message=f"The role {reading.facts.role!r} may not see the queries of {listed(names)}.",
            fix="Secure views show theirs to their owner alone: use a role that has the owner's.",
        )


def _without_columns(reading: Reading) -> Iterator[Issue]:
    """What has no column: a view on something that is gone, an external table whose files are gone."""
    known = {row.place for row in reading.columns}
    for one in reading.relations:
        if one.place not in known and not reading.failed(one.database, "columns"):
            yield Issue(
                scope="view" if one.kind == VIEW else "table",
                object=".".join(one.place),
                code="OBJECT_UNREADABLE",
                message=f"The columns of {one.name!r} in {one.schema!r} cannot be read.",
                fix="Repair or drop it, or GRANT SELECT on it to the role.",
            )


def _role(reading: Reading) -> str:
    return quote(reading.facts.role) if reading.facts.role else "..."
