"""What may be missing from the introspection of a SQL Server, as issues."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from buster_tasks.errors import SourceError
from buster_tasks.sources.issues import code_of, listed
from buster_tasks.sources.quoting import in_brackets as quote
from buster_tasks.sources.schema import Issue
from buster_tasks.sources.sqlserver.catalog import DatabaseRow, RelationRow
from buster_tasks.sources.sqlserver.keys import is_whole
from buster_tasks.sources.sqlserver.reading import VIEW, Reading
from buster_tasks.sources.sqlserver.server import Server


def not_entered(server: Server, databases: Sequence[DatabaseRow]) -> list[Issue]:
    """Databases that the filters keep, and that the server does not let us into."""
    return [
        Issue(
            scope="database",
            object=one.name,
            code="PERMISSION_DENIED",
            message=f"The login {server.user!r} may not enter the database {one.name!r}.",
            fix=f"USE {quote(one.name)}; CREATE USER {quote(server.user)} FOR LOGIN {quote(server.user)};",
        )
        for one in databases
    ]


def out_of_reach(server: Server, databases: Sequence[DatabaseRow]) -> list[Issue]:
    """Databases that the filters keep, and that a connection to another one cannot read."""
    return [
        Issue(
            scope="database",
            object=one.name,
            code="DATABASE_OUT_OF_REACH",
            message=f"{server.edition} reads one database for each connection, and this one is to "
            f"{server.database!r}, so {one.name!r} was not read.",
            fix=f"Introspect again with `database` {one.name!r} in the credentials.",
        )
        for one in databases
    ]


def lost(server: Server, reading: Reading) -> list[Issue]:
    """Everything of one database that could not be read."""
    return [
        *_limited(server, reading),
        *_hidden_texts(server, reading),
        *_hidden_targets(server, reading),
        *_without_columns(reading),
        *(_failed(reading, part, error) for part, error in reading.failed.items()),
    ]


def _limited(server: Server, reading: Reading) -> Iterator[Issue]:
    """The catalog shows what one has a right on, and does not say what it keeps back."""
    database = reading.database
    if (database.may_select, database.may_view) != (0, 0):
        return
    yield Issue(
        scope="database",
        object=database.name,
        code="PERMISSION_DENIED",
        message=f"The user {server.user!r} has no right on the whole of {database.name!r}: the "
        f"{len(reading.relations)} tables and views found there may not be all.",
        fix=f"USE {quote(database.name)}; ALTER ROLE db_datareader ADD MEMBER {quote(server.user)}; "
        f"GRANT VIEW DEFINITION TO {quote(server.user)};",
    )


def _hidden_texts(server: Server, reading: Reading) -> Iterator[Issue]:
    if "texts of views and checks" in reading.failed:
        return
    shown = {row.number for row in reading.texts if row.definition is not None}
    hidden = [row for row in reading.relations if row.kind == VIEW and row.number not in shown]
    if hidden:
        names = [f"{row.schema}.{row.name}" for row in hidden]
        yield Issue(
            scope="view",
            object=_place(reading, hidden[0]) if len(hidden) == 1 else reading.name,
            code="VIEW_DEFINITION_HIDDEN",
            message=f"The user {server.user!r} may not see the queries of {listed(names)}, or they are encrypted.",
            fix=f"USE {quote(reading.name)}; GRANT VIEW DEFINITION TO {quote(server.user)};",
        )


def _hidden_targets(server: Server, reading: Reading) -> Iterator[Issue]:
    places = reading.places()
    for rows in reading.by_reference():
        if not is_whole(rows):
            yield Issue(
                scope="foreign_key",
                object=f"{_place(reading, places[rows[0].number])}.{rows[0].name}",
                code="PERMISSION_DENIED",
                message=f"The user {server.user!r} may not see the table that {rows[0].name!r} refers to.",
                fix=f"USE {quote(reading.name)}; GRANT VIEW DEFINITION TO {quote(server.user)};",
            )


def _without_columns(reading: Reading) -> Iterator[Issue]:
    """A view on something that is gone keeps its columns, so this is one whose columns are not for us."""
    known = {row.number for row in reading.columns}
    for relation in reading.relations:
        if relation.number not in known:
            yield Issue(
                scope="view" if relation.kind == VIEW else "table",
                object=_place(reading, relation),
                code="OBJECT_UNREADABLE",
                message=f"The columns of {relation.name!r} in {relation.schema!r} cannot be read.",
                fix=f"GRANT SELECT ON {quote(relation.schema)}.{quote(relation.name)}, or VIEW DEFINITION.",
            )


def _failed(reading: Reading, part: str, error: SourceError) -> Issue:
    is_denied = error.code == "PERMISSION_DENIED"
    state = "VIEW DATABASE PERFORMANCE STATE (before SQL Server 2022: VIEW DATABASE STATE)"
    return Issue(
        scope="database",
        object=reading.name,
        code=code_of(error),
        message=f"The {part} of {reading.name!r} could not be read. {error.message}",
        fix=f"Grant {state} in the database." if is_denied and part == "sizes" else error.fix,
    )


def _place(reading: Reading, relation: RelationRow) -> str:
    return f"{reading.name}.{relation.schema}.{relation.name}"
