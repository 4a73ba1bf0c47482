"""Fields within columns: as paths, as JSON, in pieces of it."""

import json
from typing import Any

from buster_tasks.sources.nested_fields import DEEPEST, field_paths
from buster_tasks.sources.schema import Column, NestedField


def field(name: str, kind: Any = "text", *fields: NestedField) -> NestedField:
    return NestedField(
        name=name, data_type=kind.upper(), normalized_type=kind, fields=list(fields) or None
    )


def column(kind: Any, *fields: NestedField) -> Column:
    return Column(
        name="c", table="t", schema="s", database="d", position=1, data_type="X", normalized_type=kind,
        fields=list(fields) or None,
    )  # fmt: skip


def test_paths_have_outer_fields_first_and_no_elements() -> None:
    price = field("element", "struct", field("price"), field("element"))
    address = column("struct", field("geo", "struct", field("lat")), field("items", "array", price))
    assert list(field_paths(address)) == [
        "c.geo", "c.geo.lat", "c.items", "c.items.price", "c.items.element",
    ]  # fmt: skip


def test_paths_of_arrays_and_maps() -> None:
    rows = field("element", "array", field("element", "struct", field("a")))
    assert list(field_paths(column("array", rows))) == ["c.a"]
    assert list(field_paths(column("array", field("element")))) == []
    assert list(field_paths(column("struct", field("key"), field("value")))) == ["c.key", "c.value"]
    assert list(field_paths(column("text"))) == []


def test_the_deepest_comes_back_from_json() -> None:
    within = field("element")
    for _level in range(DEEPEST - 1):
        within = field("element", "array", within)
    whole = column("array", within)
    written = whole.model_dump_json(by_alias=True)
    assert Column.model_validate_json(written) == whole
    assert json.loads(written)["fields"][0]["normalizedType"] == "array"


def test_what_is_not_known_of_a_field_is_left_out() -> None:
    told = json.loads(column("struct", field("a")).model_dump_json(by_alias=True))
    assert told["fields"] == [{"name": "a", "dataType": "TEXT", "normalizedType": "text"}]
    assert "fields" not in json.loads(column("text").model_dump_json(by_alias=True))
