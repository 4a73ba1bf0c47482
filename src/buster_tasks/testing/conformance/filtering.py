"""Filters: what they keep, with all that belongs to it, and what matches nothing."""

from __future__ import annotations

from buster_tasks.errors import InvalidFilterError
from buster_tasks.sources.schema import Column, Filters, Index, Introspection, Table, TableKey, View
from buster_tasks.testing.conformance.check import Trial, check
from buster_tasks.testing.fixture import CITY, CUSTOMER, OTHER_TABLES, VIEW, tables
from taskkit.testing.conformance.check import expect, expect_error, expect_that


def _names(found: Introspection, schema: str) -> list[str]:
    both: list[Table | View] = [*found.tables, *found.views]
    return sorted(one.name for one in both if one.schema_name == schema)


@check()
async def a_table_filter_keeps_that_table(trial: Trial) -> None:
    """A name keeps that table with its columns, keys and indexes, and nothing of another."""
    found = await trial.found(tables=["region"])
    expect("the tables", _names(found, trial.dialect.schema), ["region"])
    beside: list[Column | TableKey | Index] = [*found.columns, *found.primary_keys]
    beside += [*found.unique_keys, *found.indexes]
    expect("tables of what belongs to them", {one.table for one in beside}, {"region"})
    expect("foreign keys", found.foreign_keys, [])


@check()
async def a_filter_is_a_glob(trial: Trial) -> None:
    """`*` and `?` stand for any letters, for views too."""
    found = await trial.found(tables=["cust*", "c?ty"])
    expect("the names", _names(found, trial.dialect.schema), ["city", "customer", VIEW])


@check()
async def a_filter_may_name_schema_and_database(trial: Trial) -> None:
    """`schema.table` and `database.schema.table` keep that one table alone."""
    schema = trial.dialect.schema
    (whole,) = [
        one for one in (await trial.found(tables=["city"])).tables if one.schema_name == schema
    ]
    for pattern in (f"{schema}.city", f"{whole.database}.{schema}.city"):
        found = await trial.found(tables=[pattern])
        told = [(one.schema_name, one.name) for one in found.tables]
        expect(f"tables kept by {pattern!r}", told, [(schema, "city")])


@check()
async def a_schema_filter_keeps_that_schema(trial: Trial) -> None:
    """A schema's name keeps all of it and nothing of another."""
    schema = trial.dialect.schema
    found = await trial.found(schemas=[schema])
    wanted = sorted([*(one.name for one in tables(trial.dialect)), VIEW])
    expect("the names", _names(found, schema), wanted)
    expect("the schemas", {one.schema_name for one in found.tables}, {schema})


@check("other_schema")
async def another_schema_can_be_chosen(trial: Trial) -> None:
    """The filter keeps the other schema's tables of the same names."""
    other = trial.dialect.other_schema or ""
    found = await trial.found(schemas=[other])
    expect("the names", _names(found, other), sorted(one.name for one in OTHER_TABLES))
    expect("the schemas", {one.schema_name for one in found.columns}, {other})


@check()
async def a_database_filter_keeps_that_database(trial: Trial) -> None:
    """The database's own name keeps everything, another name nothing."""
    schema = trial.dialect.schema
    (table,) = [
        one for one in (await trial.found(tables=["empty"])).tables if one.schema_name == schema
    ]
    kept = await trial.found(databases=[table.database])
    expect_that("tables", "empty" in _names(kept, schema), expected="kept", came=kept.counts())
    nothing = await trial.found(databases=["there-is-no-such-database"])
    expect("tables of no database", _names(nothing, schema), [])


@check()
async def an_exclusion_wins(trial: Trial) -> None:
    """What is excluded is left out, also where a filter would keep it."""
    found = await trial.found(tables=["c*"], exclude_tables=["cit*"])
    expect("the names", _names(found, trial.dialect.schema), ["customer", VIEW])


@check()
async def an_empty_filter_is_an_error(trial: Trial) -> None:
    """A list without a name is refused, since it could match nothing."""
    for name in ("databases", "schemas", "tables"):
        call = trial.source.introspect(Filters.model_validate({name: []}))
        await expect_error(f"introspect with {name}=[]", InvalidFilterError, call)


@check()
async def a_filter_that_matches_nothing_warns(trial: Trial) -> None:
    """A pattern that matches nothing is an issue that names what is near; the others still count."""
    found = await trial.found(tables=["custmer", "city"])
    expect("the names", _names(found, trial.dialect.schema), ["city"])
    issues = [one for one in found.issues if one.code == "FILTER_MATCHES_NOTHING"]
    expect("issues about filters", [one.object for one in issues], ["custmer"])
    expect_that(
        "the fix", CUSTOMER.name in issues[0].fix, expected=CUSTOMER.name, came=issues[0].fix
    )


@check()
async def a_reference_out_of_the_filter_is_told(trial: Trial) -> None:
    """A foreign key is told with both its ends, also where the table it leads to is not kept."""
    found = await trial.found(tables=[f"{trial.dialect.schema}.city"])
    told = sorted(
        (one.referenced_table, tuple(sorted(one.referenced_columns))) for one in found.foreign_keys
    )
    expect(
        "the foreign keys",
        told,
        sorted((key.table, tuple(sorted(key.referenced))) for key in CITY.foreign),
    )


@check()
async def the_answer_names_its_filters(trial: Trial) -> None:
    """The introspection says which filters it is the answer to."""
    filters = Filters(tables=["city"], exclude_tables=["x"])
    expect("filters", (await trial.source.introspect(filters)).filters, filters)
