"""Types as Databricks spells them: what they mean, and what is within."""

import pytest

from buster_tasks.sources.databricks.column_types import column_type
from buster_tasks.sources.schema import NestedField


@pytest.mark.parametrize(
    ("written", "normalized", "numbers"),
    [
        ("int", "integer", (None, None, None)),
        ("DECIMAL(12,4)", "decimal", (12, 4, None)),
        ("decimal(10)", "decimal", (10, 0, None)),
        ("varchar(20)", "text", (None, None, 20)),
        ("string collate utf8_lcase", "text", (None, None, None)),
        ("timestamp", "timestamptz", (None, None, None)),
        ("timestamp_ntz", "timestamp", (None, None, None)),
        ("interval day to second", "interval", (None, None, None)),
        ("variant", "json", (None, None, None)),
        ("map<string,int>", "struct", (None, None, None)),
        ("array<struct<a:int>>", "array", (None, None, None)),
        ("geography(4326)", "geography", (None, None, None)),
        ("something_new", "unknown", (None, None, None)),
    ],
)
def test_a_type_is_one_word_and_its_numbers(
    written: str, normalized: str, numbers: tuple[int | None, ...]
) -> None:
    found = column_type(written)
    assert found.normalized == normalized
    assert (found.precision, found.scale, found.max_length) == numbers


def test_what_is_within_comes_to_any_depth() -> None:
    written = (
        "struct<id: BIGINT NOT NULL COMMENT 'its \\'number\\'', `odd ``name`: "
        "array<struct<x:decimal(5,2),y:map<string,interval day to second>>>>"
    )
    interval = NestedField(
        name="value", data_type="interval day to second", normalized_type="interval"
    )
    key = NestedField(name="key", data_type="string", normalized_type="text")
    number = NestedField(name="x", data_type="decimal(5,2)", normalized_type="decimal")
    of_map = NestedField(
        name="y",
        data_type="map<string,interval day to second>",
        normalized_type="struct",
        fields=[key, interval],
    )
    struct = NestedField(
        name="element",
        data_type="struct<x:decimal(5,2),y:map<string,interval day to second>>",
        normalized_type="struct",
        fields=[number, of_map],
    )
    assert column_type(written).nested() == [
        NestedField(
            name="id", data_type="BIGINT", normalized_type="integer", is_nullable=False, comment="its 'number'"
        ),
        NestedField(
            name="odd `name",
            data_type="array<struct<x:decimal(5,2),y:map<string,interval day to second>>>",
            normalized_type="array",
            fields=[struct],
        ),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "written",
    ["struct<a:int", "array<>", "struct<... 20 more fields>", "array<" * 300, "", "map<a"],
)
def test_what_cannot_be_read_is_told_by_its_first_word(written: str) -> None:
    found = column_type(written)
    assert found.written == written
    assert found.nested() is None
