import random
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st
from pydantic import JsonValue

from buster_tasks.catalog import Drift, diff
from buster_tasks.catalog.structure import STRUCTURE, Place, structure_of
from buster_tasks.sources.schema import (
    Database,
    Filters,
    Index,
    IndexPart,
    Introspection,
    NestedField,
    PrimaryKey,
    SchemaModel,
    UniqueKey,
)
from tests.unit.buster_tasks.catalog.introspections import (
    START,
    column,
    foreign_key,
    found,
    table,
    view,
)

# Fields that say which object it is, and those that change without anybody changing the structure.
IDENTITY = {
    "name", "schema_name", "database", "table", "source_table", "source_schema", "source_database",
}  # fmt: skip
GROWING = {
    "created", "last_modified", "row_count", "row_count_kind", "size_bytes", "position", "is_primary_key",
    "is_foreign_key", "statistics_kind", "distinct_count", "null_count", "min_value", "max_value",
    "sample_values", "shortest_length", "longest_length", "average_length", "top_values", "histogram",
    "semantic_type", "measured_rows",
}  # fmt: skip


@pytest.mark.parametrize("model", STRUCTURE)
def test_each_field_is_structure_or_known_to_be_none(model: type[SchemaModel]) -> None:
    """A new field makes this fail: say in STRUCTURE that it is one, or here that it only grows."""
    named = IDENTITY | set(STRUCTURE[model]) | (GROWING if model is not Index else {"name"})
    if model is Database:
        named |= {"metadata"}  # facts of the server: its version
    assert set(model.model_fields) - named == set()


def keyed(name: str = "t") -> Introspection:
    place: dict[str, Any] = {"schema": "main", "database": "shop", "table": name}
    return found(
        tables=[table(name, comment="old", owner="ada", row_count=1, size_bytes=4096)],
        columns=[column(name, "id", data_type="INT"), column(name, "name")],
        views=[view("v", definition="SELECT 1")],
        primary_keys=[PrimaryKey(columns=["id"], **place)],
        unique_keys=[UniqueKey(columns=["name"], **place)],
        indexes=[Index(name="i", columns=["name"], is_unique=False, is_primary_key=False, **place)],
        foreign_keys=[foreign_key(name, "id", "other")],
    )


def test_nothing_changed() -> None:
    drift = diff(keyed(), keyed())
    assert drift.is_empty
    assert str(drift) == "no drift"


def test_rows_sizes_dates_statistics_and_positions_are_no_drift() -> None:
    old = keyed()
    grown = old.model_copy(
        update={
            "introspected_at": START + timedelta(days=1),
            "tables": [
                one.model_copy(
                    update={"row_count": 9, "row_count_kind": "exact", "size_bytes": 1, "last_modified": START,
                            "metadata": {"nextAutoIncrement": 12}}
                )
                for one in old.tables
            ],
            "columns": [
                one.model_copy(update={"position": 7, "distinct_count": 3, "sample_values": ["x"]})
                for one in old.columns
            ],
        }
    )  # fmt: skip
    assert diff(old, grown).is_empty


def test_a_new_table_comes_with_its_parts_and_is_told_in_one_line() -> None:
    drift = diff(found(), keyed())
    assert {one.kind for one in drift.added} == {
        "table", "view", "column", "primary_key", "unique_key", "index", "foreign_key",
    }  # fmt: skip
    assert str(drift) == "+ table shop.main.t\n+ view shop.main.v"
    assert not diff(keyed(), found()).added


def test_what_differs_is_told_before_and_after() -> None:
    old = keyed()
    changed = old.model_copy(
        update={
            "tables": [old.tables[0].model_copy(update={"comment": "new"})],
            "columns": [
                old.columns[0].model_copy(update={"data_type": "BIGINT", "is_nullable": False}),
                old.columns[1],
            ],
            "views": [old.views[0].model_copy(update={"definition": "SELECT 2"})],
            "indexes": [
                old.indexes[0].model_copy(update={"parts": [IndexPart(column="name", is_descending=True)]})
            ],
            "foreign_keys": [old.foreign_keys[0].model_copy(update={"on_delete": "CASCADE"})],
            "primary_keys": [old.primary_keys[0].model_copy(update={"columns": ["id", "name"]})],
        }
    )  # fmt: skip
    drift = diff(old, changed)
    assert (drift.added, drift.dropped) == ([], [])
    told = {
        (one.kind, one.name): [(c.field, c.old, c.new) for c in one.changes]
        for one in drift.changed
    }
    assert told[("table", "t")] == [("comment", "old", "new")]
    assert told[("column", "id")] == [
        ("data_type", "INT", "BIGINT"),
        ("is_nullable", None, False),
    ]
    assert told[("view", "v")] == [("definition", "SELECT 1", "SELECT 2")]
    assert told[("primary_key", "")] == [("columns", ["id"], ["id", "name"])]
    assert {kind for kind, _ in told} >= {"index", "foreign_key"}
    assert "~ column shop.main.t.id: data_type 'INT' -> 'BIGINT'" in str(drift)


def test_a_field_within_a_column_is_a_change_of_the_column() -> None:
    def address(data_type: str) -> Introspection:
        zip_code = NestedField(name="zip", data_type=data_type)
        geo = NestedField(name="geo", data_type="STRUCT", fields=[zip_code])
        return found(columns=[column("t", "address", fields=[geo])])

    assert diff(address("INT"), address("INT")).is_empty
    ((change,),) = (one.changes for one in diff(address("INT"), address("TEXT")).changed)
    assert change.field == "fields"
    old: Any = change.old
    new: Any = change.new
    assert old[0]["fields"][0]["data_type"] == "INT"
    assert new[0]["fields"][0]["data_type"] == "TEXT"
    (other,) = diff(found(columns=[column("t", "address")]), address("INT")).changed
    assert other.changes[0].old is None


def test_a_renamed_column_is_a_dropped_and_an_added_one() -> None:
    old, new = found(columns=[column("t", "a")]), found(columns=[column("t", "b")])
    drift = diff(old, new)
    assert [str(one) for one in drift.dropped] == ["column shop.main.t.a"]
    assert [str(one) for one in drift.added] == ["column shop.main.t.b"]


def test_same_names_in_two_schemas_are_two_objects() -> None:
    old = found(tables=[table("t", "a", comment="x"), table("t", "b")])
    new = found(tables=[table("t", "a"), table("t", "b", comment="x")])
    assert [one.schema_name for one in diff(old, new).changed] == ["a", "b"]


def test_keys_without_names_are_told_apart() -> None:
    two = [foreign_key("t", "a", "x"), foreign_key("t", "a", "y")]
    drift = diff(found(foreign_keys=two), found(foreign_keys=two[:1]))
    assert len(drift.dropped) == 1
    assert drift.dropped[0].fields["referenced_table"] == "y"


def test_what_was_out_of_sight_may_look_dropped() -> None:
    assert diff(keyed(), keyed()).is_certain
    assert not diff(keyed(), found(complete=False)).is_certain
    assert not diff(keyed(), found(filters=Filters(tables=["a"]))).is_certain


def test_drift_is_json() -> None:
    drift = diff(keyed(), found())
    assert Drift.model_validate_json(drift.model_dump_json(by_alias=True)) == drift


# --- properties ---------------------------------------------------------------------------------------

names = st.sampled_from(["a", "b", "c"])
comments = st.sampled_from([None, "x", "y"])
places = {"schema": names, "database": st.just("shop")}
lists = st.lists(names, min_size=1, max_size=2)


def several(model: type[SchemaModel], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    def make(**given: Any) -> SchemaModel:
        return model(**given)  # Hypothesis would give the model the names on the wire as well

    return st.lists(st.builds(make, **fields), max_size=4)


introspections = st.builds(
    found,
    tables=st.lists(st.builds(table, names, names, comment=comments), max_size=4),
    columns=st.lists(st.builds(column, names, names, comment=comments), max_size=6),
    views=st.lists(st.builds(view, names, definition=comments), max_size=3),
    unique_keys=several(UniqueKey, name=comments, table=names, columns=lists, **places),
    primary_keys=several(PrimaryKey, name=comments, table=names, columns=lists, **places),
    foreign_keys=st.lists(st.builds(foreign_key, names, names, names, names), max_size=4),
    indexes=several(
        Index, name=names, table=names, columns=lists, is_unique=st.booleans(), is_primary_key=st.just(False), **places
    ),
)  # fmt: skip


def applied(
    structure: Mapping[Place, Mapping[str, JsonValue]], drift: Drift
) -> dict[Place, Mapping[str, JsonValue]]:
    after = dict(structure)
    for gone in drift.dropped:
        assert after.pop(gone.place) == gone.fields
    for new in drift.added:
        assert new.place not in after
        after[new.place] = new.fields
    for changed in drift.changed:
        state = dict(after[changed.place])
        for change in changed.changes:
            assert state[change.field] == change.old
            assert change.old != change.new
            state[change.field] = change.new
        after[changed.place] = state
    return after


@given(introspections)
def test_nothing_differs_from_itself_in_any_order(one: Introspection) -> None:
    order = random.Random(1)
    lists = [name for name, value in one if isinstance(value, list)]
    turned = {name: order.sample(getattr(one, name), len(getattr(one, name))) for name in lists}
    assert diff(one, one.model_copy(update=turned)).is_empty


@given(introspections, introspections)
def test_the_way_back_swaps_what_is_added_and_dropped(
    old: Introspection, new: Introspection
) -> None:
    there, back = diff(old, new), diff(new, old)
    assert (there.added, there.dropped) == (back.dropped, back.added)
    assert there.is_empty == (structure_of(old) == structure_of(new))
    swapped = [
        [(change.field, change.new, change.old) for change in one.changes] for one in back.changed
    ]
    assert swapped == [
        [(change.field, change.old, change.new) for change in one.changes] for one in there.changed
    ]


@given(introspections, introspections)
def test_applied_to_the_old_it_gives_the_new(old: Introspection, new: Introspection) -> None:
    assert applied(structure_of(old), diff(old, new)) == structure_of(new)
