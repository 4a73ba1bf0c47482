import json
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from buster_tasks.sources.schema import (
    Column,
    ForeignKey,
    Index,
    Introspection,
    Table,
    of_catalog,
)


def test_the_wire_has_camel_case_and_comes_back() -> None:
    column = Column(name="id", table="t", schema="main", database="d", position=1, data_type="INT")
    wire = json.loads(column.model_dump_json(by_alias=True))
    assert wire["dataType"] == "INT"
    assert wire["schema"] == "main"
    assert Column.model_validate(wire) == column


def test_snake_case_is_taken_too() -> None:
    raw = {
        "name": "t",
        "schema_name": "main",
        "database": "d",
        "row_count": 3,
        "row_count_kind": "exact",
    }
    assert Table.model_validate(raw) == Table.model_validate(
        {"name": "t", "schema": "main", "database": "d", "rowCount": 3, "rowCountKind": "exact"}
    )


def test_the_unknown_is_none() -> None:
    table = Table(name="t", schema="main", database="d")
    known = table.model_dump(exclude_none=True)
    assert known == {
        "name": "t", "schema_name": "main", "database": "d", "type": "TABLE", "row_count_kind": "unknown",
        "metadata": {},
    }  # fmt: skip


def test_json_leaves_the_unknown_out() -> None:
    table = Table(name="t", schema="main", database="d", metadata={"kept": None})
    assert json.loads(table.model_dump_json(by_alias=True)) == {
        "name": "t", "schema": "main", "database": "d", "type": "TABLE", "rowCountKind": "unknown",
        "metadata": {"kept": None},
    }  # fmt: skip
    assert Table.model_validate_json(table.model_dump_json(by_alias=True)) == table
    assert table.model_dump()["row_count"] is None


def test_models_are_frozen_and_whole() -> None:
    table = Table(name="t", schema="main", database="d")
    with pytest.raises(ValidationError):
        setattr(table, "name", "other")  # noqa: B010 a type checker would refuse the statement
    with pytest.raises(ValidationError):
        Table.model_validate({"name": "t", "schema": "main", "database": "d", "rows": 1})
    with pytest.raises(ValidationError):
        Table(name="t", schema="main", database="d", row_count=-1)


def test_an_introspection_counts_what_it_has() -> None:
    table = Table(name="t", schema="main", database="d")
    key = ForeignKey(
        source_table="t", source_schema="main", source_database="d", source_columns=["a"], referenced_table="t",
        referenced_schema="main", referenced_database="d", referenced_columns=["b"],
    )  # fmt: skip
    index = Index(
        name="i", table="t", schema="main", database="d", columns=["a"], is_unique=True, is_primary_key=False
    )  # fmt: skip
    found = Introspection(
        data_source_name="d", data_source_type="sqlite", tables=[table, table], foreign_keys=[key], indexes=[index],
        introspected_at=datetime(2025, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    assert {kind: count for kind, count in found.counts().items() if count} == {
        "tables": 2,
        "foreign_keys": 1,
        "indexes": 1,
    }
    assert Introspection.model_validate_json(found.model_dump_json(by_alias=True)) == found


def test_a_model_of_a_catalog_is_like_any_other() -> None:
    known = {"name": "id", "table": "t", "database": "d", "position": 1, "data_type": "INT"}
    made = of_catalog(Column, {**known, "schema_name": "main", "comment": None, "scale": 2})
    called = Column.model_validate({**known, "schema": "main", "scale": 2})
    assert made == called
    assert made.model_dump_json(by_alias=True) == called.model_dump_json(by_alias=True)
    assert made.model_fields_set == called.model_fields_set
    assert Column.model_validate_json(made.model_dump_json()) == called
    changed = made.model_copy(update={"comment": "new"})
    assert (changed.comment, made.model_fields_set) == ("new", called.model_fields_set)
    with pytest.raises(ValidationError):
        made.name = "other"  # type: ignore[misc]  # that it is frozen is what this looks at


def test_models_of_a_catalog_share_nothing_that_can_change() -> None:
    known = {"name": "t", "schema_name": "main", "database": "d"}
    one, other = of_catalog(Table, known), of_catalog(Table, known)
    one.metadata["changed"] = True
    assert other.metadata == {}
