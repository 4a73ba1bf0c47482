"""What may be missing from the introspection of a PostgreSQL database, as issues."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Literal

from buster_tasks.sources.issues import code_of
from buster_tasks.sources.postgres.catalog import RelationRow
from buster_tasks.sources.postgres.reading import Reading
from buster_tasks.sources.quoting import in_double_quotes as quote
from buster_tasks.sources.schema import Issue

_MOST_EACH = 20


def denied(reading: Reading, user: str) -> list[Issue]:
    """Schemas and tables whose rows the user may not read; their structure is in the result all the same."""
    return [*_schemas(reading, user), *_tables(reading, user)]


def hidden(reading: Reading, user: str) -> list[Issue]:
    """Tables of whose rows the user sees those alone that a policy lets him see."""
    by_schema: dict[str, list[RelationRow]] = defaultdict(list)
    for relation in reading.relations:
        if relation.has_policy and relation.is_readable:
            by_schema[relation.schema].append(relation)
    found: list[Issue] = []
    for schema, relations in by_schema.items():
        if len(relations) > _MOST_EACH:
            first = ", ".join(repr(relation.name) for relation in relations[:_MOST_EACH])
            what = f"{len(relations)} tables in {schema!r}: {first}, and so on"
            found.append(_hidden("schema", schema, what, user))
        else:
            found += [
                _hidden("table", f"{schema}.{one.name}", f"{one.name!r} in {schema!r}", user)
                for one in relations
            ]
    return found


def locked(reading: Reading) -> list[Issue]:
    """Views whose text cannot be read now."""
    return [
        Issue(
            scope="view",
            object=f"{relation.schema}.{relation.name}",
            code="OBJECT_LOCKED",
            message=f"The query of {relation.name!r} was not read: another session holds the view to change it.",
            fix="Introspect again when that session is done.",
        )
        for relation in reading.relations
        if relation.is_locked and relation.kind in ("v", "m")
    ]


def left_out(reading: Reading) -> list[Issue]:
    """What was not read before the time limit."""
    error = reading.why_left_out
    if error is None:
        return []
    return [
        Issue(
            scope="database",
            object=reading.database.name,
            code=code_of(error),
            message=f"Not read: {', '.join(reading.left_out)}. {error.message}",
            fix="Introspect it in parts, with the options schemas or tables, or allow more time.",
        )
    ]


def _schemas(reading: Reading, user: str) -> Iterator[Issue]:
    for schema in reading.schemas:
        tables = [one for one in reading.relations if one.schema == schema.name]
        if schema.is_usable or not tables:
            continue
        yield Issue(
            scope="schema",
            object=schema.name,
            code="PERMISSION_DENIED",
            message=f"The user {user!r} may not use the schema {schema.name!r}, "
            f"so none of its {len(tables)} tables and views can be read.",
            fix=f"GRANT USAGE ON SCHEMA {quote(schema.name)} TO {quote(user)};",
        )


def _tables(reading: Reading, user: str) -> Iterator[Issue]:
    usable = {schema.name for schema in reading.schemas if schema.is_usable}
    by_schema: dict[str, list[RelationRow]] = defaultdict(list)
    for relation in reading.relations:
        if relation.schema in usable and not _is_readable(reading, relation):
            by_schema[relation.schema].append(relation)
    for schema, relations in by_schema.items():
        if len(relations) > _MOST_EACH:
            yield _many(schema, relations, user)
        else:
            yield from (_one(relation, user) for relation in relations)


def _is_readable(reading: Reading, relation: RelationRow) -> bool:
    """Whether its rows may be read, those of a partition also through what it is a part of."""
    if relation.is_readable:
        return True
    parent = reading.by_oid.get(relation.parent or 0)
    return parent is not None and _is_readable(reading, parent)


def _hidden(scope: Literal["schema", "table"], name: str, what: str, user: str) -> Issue:
    return Issue(
        scope=scope,
        object=name,
        code="ROWS_HIDDEN",
        message=f"A policy decides which rows the user {user!r} sees of {what}. Statistics and answers speak of these.",
        fix=f"ALTER ROLE {quote(user)} BYPASSRLS;",
    )


def _one(relation: RelationRow, user: str) -> Issue:
    return Issue(
        scope="view" if relation.kind == "v" else "table",
        object=f"{relation.schema}.{relation.name}",
        code="PERMISSION_DENIED",
        message=f"The user {user!r} may read no column of {relation.name!r} in {relation.schema!r}.",
        fix=f"GRANT SELECT ON {quote(relation.schema)}.{quote(relation.name)} TO {quote(user)};",
    )


def _many(schema: str, relations: Sequence[RelationRow], user: str) -> Issue:
    first = ", ".join(repr(relation.name) for relation in relations[:_MOST_EACH])
    return Issue(
        scope="schema",
        object=schema,
        code="PERMISSION_DENIED",
        message=f"The user {user!r} may read no column of {len(relations)} tables and views in {schema!r}: "
        f"{first}, and so on.",
        fix=f"GRANT SELECT ON ALL TABLES IN SCHEMA {quote(schema)} TO {quote(user)};",
    )
