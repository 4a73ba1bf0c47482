"""What may be missing from the introspection of a MySQL server, as issues."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from buster_tasks.errors import SourceError
from buster_tasks.sources.issues import code_of, listed
from buster_tasks.sources.mysql.catalog import Place, RelationRow
from buster_tasks.sources.mysql.reading import VIEW, Reading
from buster_tasks.sources.quoting import in_back_quotes as quote
from buster_tasks.sources.schema import Issue


def lost(reading: Reading, *, database: str | None) -> list[Issue]:
    """Everything that could not be read; `database` is the one that the credentials name."""
    return [
        *_limited(reading),
        *_invisible(reading, database),
        *_hidden_texts(reading),
        *_hidden_actions(reading),
        *_unreadable(reading),
        *(_failed(part, error) for part, error in reading.failed.items()),
    ]


def _limited(reading: Reading) -> Iterator[Issue]:
    """Databases of which we see some tables or none: the catalog does not say what it keeps from us."""
    if reading.rights is None:
        return
    counts: dict[str, int] = defaultdict(int)
    for relation in reading.relations:
        counts[relation.schema] += 1
    for one in reading.databases:
        if not reading.rights.show_all(one.schema):
            yield Issue(
                scope="database",
                object=one.schema,
                code="PERMISSION_DENIED",
                message=f"The user {reading.server.user!r} has no right on the whole of {one.schema!r}: "
                f"the {counts[one.schema]} tables and views found there, and their columns, may not be all.",
                fix=f"GRANT SELECT, SHOW VIEW, REFERENCES ON {quote(one.schema)}.* TO {_account(reading)};",
            )


def _invisible(reading: Reading, database: str | None) -> Iterator[Issue]:
    if not reading.databases and reading.rights is not None and not reading.rights.everywhere:
        yield Issue(
            scope="source",
            object=database or reading.server.user,
            code="PERMISSION_DENIED",
            message=f"The user {reading.server.user!r} sees no database that the filters keep.",
            fix=f"Grant SELECT, SHOW VIEW, REFERENCES on the databases to {_account(reading)}, or widen the filters.",
        )


def _hidden_texts(reading: Reading) -> Iterator[Issue]:
    hidden = [(row.schema, row.name) for row in reading.views if not row.definition]
    for schema, names in _by_schema(hidden):
        yield Issue(
            scope="view",
            object=f"{schema}.{names[0]}" if len(names) == 1 else schema,
            code="VIEW_DEFINITION_HIDDEN",
            message=f"The user {reading.server.user!r} may not see the queries of {listed(names)} in {schema!r}.",
            fix=f"GRANT SHOW VIEW ON {quote(schema)}.* TO {_account(reading)};",
        )


def _hidden_actions(reading: Reading) -> Iterator[Issue]:
    """MariaDB shows what foreign keys do on a change only to those who have more than SELECT."""
    known = reading.actions()
    if "constraints" in reading.failed:
        return
    keys = {(row.schema, row.table, row.name) for row in reading.references} - known.keys()
    for schema, names in _by_schema((schema, name) for schema, _table, name in sorted(keys)):
        yield Issue(
            scope="foreign_key",
            object=f"{schema}.{names[0]}" if len(names) == 1 else schema,
            code="FOREIGN_KEY_ACTIONS_HIDDEN",
            message=f"The user {reading.server.user!r} may not see what the foreign keys {listed(names)} "
            f"in {schema!r} do on update and on delete.",
            fix=f"GRANT REFERENCES ON {quote(schema)}.* TO {_account(reading)};",
        )


def _unreadable(reading: Reading) -> Iterator[Issue]:
    """Whatever has no column: a view on something that is gone, a table whose files are damaged."""
    known = {(row.schema, row.table) for row in reading.columns}
    for relation in reading.relations:
        if relation.place not in known:
            yield _without_columns(relation)


def _without_columns(relation: RelationRow) -> Issue:
    is_view = relation.kind == VIEW
    said = (
        f" The server says: {relation.comment}." if relation.comment not in (None, "", VIEW) else ""
    )
    return Issue(
        scope="view" if is_view else "table",
        object=f"{relation.schema}.{relation.name}",
        code="OBJECT_UNREADABLE",
        message=f"The columns of {relation.name!r} in {relation.schema!r} cannot be read.{said}",
        fix="Repair or drop the view, or grant its definer the rights it needs."
        if is_view
        else "Repair the table, or grant SELECT on it.",
    )


def _failed(part: str, error: SourceError) -> Issue:
    return Issue(
        scope="source",
        object=part,
        code=code_of(error),
        message=f"The catalog's {part} could not be read. {error.message}",
        fix=error.fix,
    )


def _account(reading: Reading) -> str:
    """The user as GRANT wants it."""
    name, _at, host = reading.server.user.rpartition("@")
    return "@".join("'" + part.replace("'", "''") + "'" for part in (name, host))


def _by_schema(places: Iterable[Place]) -> Iterable[tuple[str, list[str]]]:
    found: dict[str, list[str]] = defaultdict(list)
    for schema, name in places:
        found[schema].append(name)
    return found.items()
