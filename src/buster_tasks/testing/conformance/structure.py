"""Tables, columns and views: all of them, in order, each with what it has and nothing made up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from buster_tasks.sources.schema import Column, Introspection
from buster_tasks.testing.conformance.check import Trial, check
from buster_tasks.testing.fixture import (
    OTHER_TABLES,
    RESERVED,
    VIEW,
    VIEW_COLUMNS,
    ColumnFact,
    TableFact,
    strange,
    tables,
)
from taskkit.testing.conformance.check import expect, expect_that


def columns_by_table(found: Introspection, schema: str) -> dict[str, list[Column]]:
    """The columns of each table and view of the schema, as they come."""
    by_table: dict[str, list[Column]] = {}
    for column in found.columns:
        if column.schema_name == schema:
            by_table.setdefault(column.table, []).append(column)
    return by_table


def facts_of(trial: Trial, found: Introspection) -> Iterator[tuple[TableFact, ColumnFact, Column]]:
    """Each column that must be there, with what was found of it."""
    known = columns_by_table(found, trial.dialect.schema)
    for table in tables(trial.dialect):
        by_name = {column.name: column for column in known.get(table.name, [])}
        for fact in table.columns:
            expect_that(
                f"column {fact.name!r} of {table.name!r}",
                fact.name in by_name,
                expected="found",
                came=sorted(by_name),
            )
            yield table, fact, by_name[fact.name]


@check()
async def every_table_is_found(trial: Trial) -> None:
    """All tables of the schema are told, no other, and the answer calls itself complete."""
    found = await trial.found()
    told = sorted(one.name for one in found.tables if one.schema_name == trial.dialect.schema)
    expect("the tables", told, sorted(one.name for one in tables(trial.dialect)))
    expect("complete", found.complete, True)


@check()
async def tables_are_of_type_table(trial: Trial) -> None:
    """A plain table is a TABLE."""
    for table in (await trial.found()).tables:
        if table.schema_name == trial.dialect.schema:
            expect(f"the type of {table.name!r}", table.type, "TABLE")


@check()
async def every_object_is_in_a_listed_place(trial: Trial) -> None:
    """The database and the schema that an object names are listed themselves."""
    found = await trial.found()
    databases = {one.name for one in found.databases}
    schemas = {(one.database, one.name) for one in found.schemas}
    expect_that(
        "the schemas",
        trial.dialect.schema in {name for _database, name in schemas},
        expected=trial.dialect.schema,
        came=schemas,
    )
    for one in [*found.tables, *found.views, *found.columns, *found.primary_keys, *found.indexes]:
        place = (one.database, one.schema_name)
        expect_that(
            "a place",
            place in schemas and place[0] in databases,
            expected="listed",
            came=place,
        )


@check()
async def the_kind_is_told(trial: Trial) -> None:
    """`data_source_type` is the `kind` of the source."""
    expect("data_source_type", (await trial.found()).data_source_type, trial.source.kind)


@check()
async def columns_are_in_order(trial: Trial) -> None:
    """A table's columns come all, in the order of its declaration, with positions from 1."""
    known = columns_by_table(await trial.found(), trial.dialect.schema)
    for table in tables(trial.dialect):
        told = [(column.name, column.position) for column in known.get(table.name, [])]
        declared = [(fact.name, at) for at, fact in enumerate(table.columns, 1)]
        expect(f"the columns of {table.name!r}", told, declared)


@check()
async def types_are_as_declared(trial: Trial) -> None:
    """A column has the database's own spelling of its type, and the one word for all dialects."""
    for table, fact, column in facts_of(trial, await trial.found()):
        spelling = trial.dialect.types[fact.type]
        what = f"the type of {table.name}.{fact.name}"
        expect(
            what,
            (column.data_type, column.normalized_type),
            (spelling.data_type, spelling.normalized),
        )


@check()
async def nullability_is_as_declared(trial: Trial) -> None:
    """`is_nullable` is False where the column is declared NOT NULL, True elsewhere."""
    for table, fact, column in facts_of(trial, await trial.found()):
        expect(f"is_nullable of {table.name}.{fact.name}", column.is_nullable, fact.nullable)


@check()
async def defaults_are_told(trial: Trial) -> None:
    """A default is told as an expression, and no default is None."""
    for table, fact, column in facts_of(trial, await trial.found()):
        what, told = f"the default of {table.name}.{fact.name}", column.default_value
        if fact.default is None:
            expect(what, told, None)
        else:
            expect_that(what, fact.default in (told or ""), expected=fact.default, came=told)


@check()
async def sizes_of_types_are_numbers_or_none(trial: Trial) -> None:
    """Precision, scale and length are told where the type has them, and are None, not zero, where it has not."""
    for table, fact, column in facts_of(trial, await trial.found()):
        what = f"{table.name}.{fact.name}"
        if column.normalized_type == "decimal" and "(12,4)" in column.data_type:
            expect(f"precision and scale of {what}", (column.precision, column.scale), (12, 4))
        if column.normalized_type in ("date", "boolean", "binary"):
            expect(f"scale of {what}", column.scale, None)
        if fact.type in ("integer", "decimal", "date"):
            expect(f"max_length of {what}", column.max_length, None)


@check("comments")
async def comments_are_told(trial: Trial) -> None:
    """Comments of tables and columns are as written, and None where there is none."""
    found = await trial.found()
    told: Mapping[str, str | None] = {
        one.name: one.comment for one in found.tables if one.schema_name == trial.dialect.schema
    }
    for table in tables(trial.dialect):
        expect(f"the comment of {table.name!r}", told.get(table.name), table.comment)
    for table, fact, column in facts_of(trial, found):
        expect(f"the comment of {table.name}.{fact.name}", column.comment, fact.comment)


@check()
async def views_are_told_with_their_text(trial: Trial) -> None:
    """A view is listed once, among the views, with the query behind it and its columns."""
    found = await trial.found()
    views = [one for one in found.views if one.schema_name == trial.dialect.schema]
    expect("the views", [one.name for one in views], [VIEW])
    text = (views[0].definition or "").lower()
    expect_that(
        "the definition",
        "select" in text and "email" in text,
        expected="the query behind the view",
        came=views[0].definition,
    )
    columns = columns_by_table(found, trial.dialect.schema).get(VIEW, [])
    told = [(column.name, column.position) for column in columns]
    expect("the view's columns", told, [(name, at) for at, name in enumerate(VIEW_COLUMNS, 1)])


@check("other_schema")
async def tables_of_the_same_name_are_kept_apart(trial: Trial) -> None:
    """Two tables of one name in two schemas have each their own columns and keys."""
    found = await trial.found()
    other = trial.dialect.other_schema or ""
    known = columns_by_table(found, other)
    for table in OTHER_TABLES:
        told = [column.name for column in known.get(table.name, [])]
        expect(f"columns of {other}.{table.name}", told, [fact.name for fact in table.columns])
        keys = [
            tuple(one.columns)
            for one in found.primary_keys
            if (one.schema_name, one.table) == (other, table.name)
        ]
        expect(f"primary keys of {other}.{table.name}", keys, [table.primary])
    own = columns_by_table(found, trial.dialect.schema)
    for table in tables(trial.dialect):
        told = [column.name for column in own.get(table.name, [])]
        expect(f"columns of {table.name}", told, [fact.name for fact in table.columns])


@check()
async def strange_names_survive(trial: Trial) -> None:
    """A name with quotes, blanks and signs is told as it is, and `quote` makes it usable in a statement."""
    known = columns_by_table(await trial.found(), trial.dialect.schema)
    odd = strange(trial.dialect).name
    for name in (odd, RESERVED):
        expect_that("the tables", name in known, expected=name, came=sorted(known))
    quote = trial.source.quote
    table = f"{quote(trial.dialect.schema)}.{quote(odd)}"
    rows = await trial.rows(f"SELECT {quote(odd)} FROM {table}")
    expect("rows of the table with a strange name", rows, [("found",)])


@check()
async def two_looks_see_the_same(trial: Trial) -> None:
    """Nothing depends on a first introspection: a second one tells the same."""
    first, second = await trial.found(), await trial.found()
    without = {"introspected_at"}
    expect(
        "the second introspection",
        second.model_dump(exclude=without) == first.model_dump(exclude=without),
        True,
    )
