"""Tables are read with their plain words, and with the references that are declared or that names tell of."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from buster_tasks.analyst.offline.relation import named_columns
from buster_tasks.analyst.offline.schema import Schema
from tests.doubles.offline_reading import table

SHOP = [
    table("customers", {"id": "INTEGER", "first_name": "TEXT", "last_name": "TEXT"}, key="id"),
    table("orders", {"id": "INTEGER", "customer_id": "INTEGER", "ordered_on": "DATE"}, key="id"),
]


def test_references_are_told_from_names() -> None:
    edges = Schema.of(SHOP).edges
    assert [(edge.table, edge.columns, edge.to, edge.to_columns) for edge in edges] == [
        ("orders", ("customer_id",), "customers", ("id",))
    ]


@pytest.mark.parametrize(
    ("column", "key"),
    [
        ("CustomerID", "CustomerID"),
        ("cust_id", "id"),
        ("customer_no", "customer_no"),
        ("billing_customer_id", "id"),
    ],
)
def test_however_they_are_spelt(column: str, key: str) -> None:
    customers = table("Customers", {key: "INTEGER", "Name": "TEXT"}, key=key)
    orders = table("Orders", {"OrderNo": "INTEGER", column: "INTEGER"}, key="OrderNo")
    found = Schema.of([customers, orders])
    assert [edge.to for edge in found.edges] == ["Customers"]


def test_declared_ones_are_kept_and_not_guessed_again() -> None:
    orders = {**SHOP[1], "references": ["(customer_id) -> customers (id)"]}
    assert len(Schema.of([SHOP[0], orders]).edges) == 1


def test_a_text_is_no_reference_to_a_number() -> None:
    notes = table("notes", {"id": "INTEGER", "customer_id": "TEXT"}, key="id")
    assert Schema.of([SHOP[0], notes]).edges == []


def test_what_begins_all_names_tells_nothing() -> None:
    found = Schema.of(
        [
            table(
                "sbCustomer",
                {"sbCustId": "INT", "sbCustName": "TEXT", "sbCustCity": "TEXT"},
                key="sbCustId",
            ),
            table(
                "sbTicker",
                {"sbTickerId": "INT", "sbTickerName": "TEXT", "sbTickerType": "TEXT"},
                key="sbTickerId",
            ),
        ]
    )
    assert [one.words for one in found.tables.values()] == [("customer",), ("ticker",)]
    assert found.tables["sbCustomer"].columns["sbCustName"].words == ("name",)


def test_what_tables_are_about_is_no_prefix() -> None:
    found = Schema.of(
        [table("payments_made", {"id": "INT"}), table("payments_received", {"id": "INT"})]
    )
    assert [one.words for one in found.tables.values()] == [
        ("payment", "made"),
        ("payment", "received"),
    ]


def test_names_in_small_letters_are_taken_apart() -> None:
    found = Schema.of(
        [table("tblhotels", {"hotelid": "INT", "nightlyrate": "NUMERIC"})], (), ("hotel",)
    )
    assert found.tables["tblhotels"].words == ("hotel",)
    assert found.tables["tblhotels"].columns["nightlyrate"].words == ("nightly", "rate")


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"id": "INT", "first_name": "TEXT", "last_name": "TEXT"}, ["first_name", "last_name"]),
        ({"id": "INT", "LastName": "TEXT", "FirstName": "TEXT"}, ["FirstName", "LastName"]),
        ({"id": "INT", "title": "TEXT", "city": "TEXT"}, ["title"]),
        ({"id": "INT", "ship_name": "TEXT"}, ["id"]),
        ({"id": "INT", "company_name": "TEXT"}, ["company_name"]),
    ],
)
def test_what_rows_are_called(columns: dict[str, str], expected: list[str]) -> None:
    found = Schema.of([table("things", columns, key="id")])
    assert [one.name for one in named_columns(found.tables["things"])] == expected


def test_ways_meet_no_row_twice() -> None:
    reach = Schema.of(SHOP).reach
    assert set(reach("orders")) == {"orders", "customers"}
    assert set(reach("customers")) == {"customers"}


@pytest.mark.parametrize(
    ("kind", "examples", "is_flag"),
    [
        ("BOOLEAN", [], True),
        ("bit", [], True),
        ("INTEGER", [0, 1], True),
        ("INTEGER", [1, 2], False),
        ("TEXT", ["Y", "N"], True),
        ("TEXT", ["yes"], True),
        ("TEXT", ["red"], False),
    ],
)
def test_flags(kind: str, examples: list[object], is_flag: bool) -> None:
    found = Schema.of(
        [
            table(
                "things",
                {"id": "INT", "is_active": kind},
                examples={"is_active": examples} if examples else {},
            )
        ]
    )
    assert found.tables["things"].columns["is_active"].is_flag is is_flag


_NAMES = st.text(min_size=1, max_size=30)


@given(
    st.dictionaries(_NAMES, st.dictionaries(_NAMES, st.text(max_size=12), max_size=5), max_size=5)
)
def test_any_tables_can_be_read(tables: dict[str, dict[str, str]]) -> None:
    found = Schema.of([table(name, columns) for name, columns in tables.items()])
    for name in found.tables:
        assert found.reach(name)[name] == [[]]
