"""Keys and indexes: of the right table, with the right columns, in the right order."""

from __future__ import annotations

from buster_tasks.sources.schema import ForeignKey, Introspection
from buster_tasks.testing.conformance.check import Trial, check
from buster_tasks.testing.conformance.structure import facts_of
from buster_tasks.testing.fixture import CITY, CUSTOMER, OTHER_CITY, OTHER_TABLES, REGION, tables
from taskkit.testing.conformance.check import expect


@check()
async def primary_keys_are_in_key_order(trial: Trial) -> None:
    """A table has its primary key, with the columns in the order of the key, not of the table."""
    found = await trial.found()
    told = {
        one.table: tuple(one.columns)
        for one in found.primary_keys
        if one.schema_name == trial.dialect.schema
    }
    expect("the primary keys", told, {one.name: one.primary for one in tables(trial.dialect)})


@check("has_unique")
async def unique_keys_are_told(trial: Trial) -> None:
    """A UNIQUE constraint is a unique key of its table."""
    found = await trial.found()
    told = [
        (one.table, tuple(one.columns))
        for one in found.unique_keys
        if one.schema_name == trial.dialect.schema and one.table in (CUSTOMER.name, REGION.name)
    ]
    expect("the unique keys", told, [(CUSTOMER.name, columns) for columns in CUSTOMER.unique])


@check()
async def foreign_keys_pair_the_right_columns(trial: Trial) -> None:
    """A foreign key leads from its columns to those it refers to, paired by position."""
    found = await trial.found()
    keys = _keys_of(found, trial.dialect.schema)
    told = sorted((one.source_table, one.referenced_table, *_pairs(one)) for one in keys)
    facts = sorted(
        (CITY.name, key.table, *sorted(zip(key.columns, key.referenced, strict=True)))
        for key in CITY.foreign
    )
    expect("the foreign keys", told, facts)


@check()
async def foreign_keys_stay_in_their_schema(trial: Trial) -> None:
    """Schema and database of both ends are those of the tables."""
    found = await trial.found()
    for key in _keys_of(found, trial.dialect.schema):
        ends = (key.source_schema, key.referenced_schema)
        expect("the schemas of a foreign key", ends, (trial.dialect.schema,) * 2)
        expect("the database it leads to", key.referenced_database, key.source_database)


@check("other_schema")
async def foreign_keys_of_the_same_name_are_kept_apart(trial: Trial) -> None:
    """A foreign key between tables whose names exist twice leads to the one of its own schema."""
    found, other = await trial.found(), trial.dialect.other_schema or ""
    told = [
        (one.source_table, one.referenced_schema, one.referenced_table, *_pairs(one))
        for one in _keys_of(found, other)
    ]
    expect("the foreign keys", told, [(OTHER_CITY.name, other, "customer", ("mayor", "number"))])


@check("has_actions")
async def actions_of_foreign_keys_are_told(trial: Trial) -> None:
    """ON DELETE is told of the key that has it."""
    keys = _keys_of(await trial.found(), trial.dialect.schema)
    told = {one.referenced_table: one.on_delete for one in keys}
    expect("on_delete of the key with CASCADE", told.get(CUSTOMER.name), "CASCADE")
    expect("whether the other cascades", told.get(REGION.name) == "CASCADE", False)


@check()
async def columns_know_their_keys(trial: Trial) -> None:
    """`is_primary_key` and `is_foreign_key` of a column agree with the keys."""
    for table, fact, column in facts_of(trial, await trial.found()):
        referring = {name for key in table.foreign for name in key.columns}
        told = (column.is_primary_key, column.is_foreign_key)
        declared = (fact.name in table.primary, fact.name in referring)
        expect(f"the keys that {table.name}.{fact.name} is in", told, declared)


@check("has_indexes")
async def indexes_are_told(trial: Trial) -> None:
    """An index has its name, table, columns in order, and whether it is unique."""
    found = await trial.found()
    told = {
        (one.table, one.name): (tuple(one.columns), one.is_unique, one.is_primary_key)
        for one in found.indexes
        if one.schema_name == trial.dialect.schema
    }
    for table in tables(trial.dialect):
        for index in table.indexes:
            facts = (index.columns, index.unique, False)
            expect(f"the index {index.name!r}", told.get((table.name, index.name)), facts)


@check("other_schema")
async def unique_keys_and_indexes_of_the_same_name_are_kept_apart(trial: Trial) -> None:
    """Unique keys and indexes of tables whose names exist twice are told of the one that has them."""
    found, other = await trial.found(), trial.dialect.other_schema
    for table in OTHER_TABLES:
        unique = [tuple(one.columns) for one in found.unique_keys
                  if (one.schema_name, one.table) == (other, table.name)]  # fmt: skip
        wanted = list(table.unique) if trial.dialect.has_unique else []
        expect(f"the unique keys of {other}.{table.name}", unique, wanted)
        told = {one.name: (tuple(one.columns), one.is_unique) for one in found.indexes
                if (one.schema_name, one.table) == (other, table.name)}  # fmt: skip
        for index in table.indexes if trial.dialect.has_indexes else ():
            what = f"the index {index.name!r} of {other}.{table.name}"
            expect(what, told.get(index.name), (index.columns, index.unique))


def _keys_of(found: Introspection, schema: str) -> list[ForeignKey]:
    return [one for one in found.foreign_keys if one.source_schema == schema]


def _pairs(key: ForeignKey) -> list[tuple[str, str]]:
    """Which column goes with which; in what order they are told is the database's own affair."""
    return sorted(zip(key.source_columns, key.referenced_columns, strict=True))
