"""What is known of tables: found by name, described within limits, with their neighbours."""

from datetime import UTC, datetime
from typing import Any

import pytest

from buster_tasks.analyst.errors import ToolRefusedError
from buster_tasks.analyst.known_tables import MOST_COLUMNS, KnownTables
from buster_tasks.sources.schema import (
    Column,
    ForeignKey,
    Introspection,
    NestedField,
    PrimaryKey,
    Table,
    TopValue,
    View,
)

ORDERS, CUSTOMERS, OLD = (
    ("shop", "public", "orders"),
    ("shop", "public", "customers"),
    ("shop", "archive", "orders"),
)
PUBLIC: dict[str, Any] = {"database": "shop", "schema": "public"}


def column(table: str, name: str, position: int = 1, **more: Any) -> Column:
    return Column(name=name, table=table, position=position, data_type="text", **{**PUBLIC, **more})


def known(**more: Any) -> KnownTables:
    parts: dict[str, Any] = {
        "tables": [
            Table(
                name="orders", row_count=5, row_count_kind="estimate", comment="c" * 1_000, **PUBLIC
            ),
            Table(name="customers", row_count=4, row_count_kind="exact", **PUBLIC),
            Table(name="orders", database="shop", schema="archive"),
        ],
        "views": [View(name="Big Customers", **PUBLIC)],
        "columns": [
            column("orders", "id", is_nullable=False, min_value=1, max_value=5),
            column("orders", "customer_id", 2),
            column("orders", "status", 3, distinct_count=9, sample_values=list("abcdefghi")),
            column("orders", "note", 4, distinct_count=900, sample_values=list("abcdefghi")),
            column(
                "orders",
                "kind",
                5,
                top_values=[TopValue(value="web", count=3)],
                sample_values=["z"],
            ),
            column("customers", "id"),
        ],
        "primary_keys": [PrimaryKey(name="pk", table="orders", columns=["id"], **PUBLIC)],
        "foreign_keys": [
            ForeignKey(
                source_table="orders",
                source_schema="public",
                source_database="shop",
                source_columns=["customer_id"],
                referenced_table="customers",
                referenced_schema="public",
                referenced_database="shop",
                referenced_columns=["id"],
            )
        ],
    }
    return KnownTables(
        Introspection(
            data_source_name="shop",
            data_source_type="postgres",
            introspected_at=datetime(2024, 1, 1, tzinfo=UTC),
            **{**parts, **more},
        )
    )


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("customers", CUSTOMERS),
        ("CUSTOMERS", CUSTOMERS),
        ('"customers"', CUSTOMERS),
        (" public.orders ", ORDERS),
        ("archive.orders", OLD),
        ("shop.archive.orders", OLD),
        ("[Big Customers]", ("shop", "public", "Big Customers")),
    ],
)
def test_a_table_is_found_by_its_name(name: str, place: tuple[str, str, str]) -> None:
    assert known().find(name) == place


def test_a_name_of_two_tables_and_one_of_none_say_what_there_is() -> None:
    with pytest.raises(ToolRefusedError) as caught:
        known().find("orders")
    assert caught.value.fix == "Name one of: shop.public.orders, shop.archive.orders."
    with pytest.raises(ToolRefusedError) as caught:
        known().find("custommers")
    assert caught.value.fix == "There are tables called customers, big customers."
    for name in ("", ".", "' OR 1=1 --", "\0", "x" * 10_000):
        with pytest.raises(ToolRefusedError, match="There is no table"):
            known().find(name)


def test_fields_within_a_column_are_named_up_to_a_limit() -> None:
    fields = [NestedField(name=f"f{at}", data_type="INT") for at in range(30)]
    nested = column("orders", "address", normalized_type="struct", fields=fields)
    told: Any = known(columns=[nested, column("orders", "id", 2)]).described(ORDERS)["columns"]
    assert told[0]["fields"] == [f"address.f{at}" for at in range(20)]
    assert "fields" not in told[1]


def test_a_table_is_described_with_keys_and_what_its_columns_hold() -> None:
    told: dict[str, Any] = known().described(ORDERS)
    assert told["table"] == "shop.public.orders"
    assert told["rows"] == "about 5"
    assert told["comment"].endswith("(700 more characters)")
    by_name = {one["name"]: one for one in told["columns"]}
    assert by_name["id"] == {"name": "id", "type": "text", "required": True, "from": 1, "to": 5}
    assert len(by_name["status"]["examples"]) == 9
    assert len(by_name["note"]["examples"]) == 5
    assert by_name["kind"]["examples"] == ["web"]
    assert told["primary_key"] == ["id"]
    assert told["references"] == ["(customer_id) -> customers (id)"]
    customers: dict[str, Any] = known().described(CUSTOMERS)
    assert customers["rows"] == "4"
    assert customers["referenced_by"] == ["(id) -> orders (customer_id)"]
    assert known().described(("shop", "public", "Big Customers"))["kind"] == "view"


def test_of_a_wide_table_the_names_of_the_other_columns_are_told() -> None:
    columns = [column("orders", f"c{at}", at) for at in range(1, 1_001)]
    told: dict[str, Any] = known(columns=columns).described(ORDERS)
    assert len(told["columns"]) == MOST_COLUMNS
    assert told["more_columns"] == [f"c{at}" for at in range(MOST_COLUMNS + 1, 1_001)]


def test_neighbours_are_those_that_a_key_joins_either_way() -> None:
    assert known().neighbours([ORDERS]) == [CUSTOMERS]
    assert known().neighbours([CUSTOMERS]) == [ORDERS]
    assert known().neighbours([ORDERS, CUSTOMERS]) == []
    assert known().neighbours([OLD]) == []
