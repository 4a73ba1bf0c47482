import pytest
from hypothesis import given, settings, strategies as st

from buster_tasks.catalog import CatalogStore
from buster_tasks.sources.schema import Filters, NestedField, TopValue
from tests.unit.buster_tasks.catalog.introspections import column, found, table, view

SHOP = found(
    tables=[
        table("customers", comment="Who buys from us"),
        table("OrderItems"),
        table("顧客注文"),
        table("größen"),
    ],
    views=[view("best_sellers", comment="Products by turnover")],
    columns=[
        column("customers", "id"),
        column("customers", "email_address", comment="Where invoices go"),
        column("OrderItems", "id"),
        column("OrderItems", "unitPrice", data_type="NUMERIC"),
        column("best_sellers", "turnover"),
        column("customers", "state", sample_values=["Nordrhein-Westfalen", None, 7]),
        column(
            "customers",
            "plz",
            semantic_type="postal_code",
            top_values=[TopValue(value="80331", count=9), TopValue(value="10115", count=2)],
        ),
    ],
)


@pytest.fixture
def shop(store: CatalogStore) -> CatalogStore:
    store.put(SHOP)
    return store


@pytest.mark.parametrize(
    ("question", "best"),
    [
        ("customers", "customers"),
        ("customer", "customers"),  # English endings
        ("CUSTOMER", "customers"),
        ("order items", "OrderItems"),
        ("order_items", "OrderItems"),
        ("orderitems", "OrderItems"),
        ("price", "unitPrice"),
        ("customer email", "email_address"),
        ("turnover products", "best_sellers"),
        ("who buys", "customers"),
        ("invoice", "email_address"),
        ("westfalen", "state"),
        ("7", "state"),
        ("10115", "plz"),
        ("postal code", "plz"),
        ("顧客", "顧客注文"),
        ("注文", "顧客注文"),
        ("grossen", "größen"),
        ("GRÖSSEN", "größen"),
        ("emai", "email_address"),  # a beginning
        ("the price of something", "unitPrice"),  # some of the words
    ],
)
def test_the_best_hit_comes_first(shop: CatalogStore, question: str, best: str) -> None:
    assert shop.search(question)[0].name == best


def test_a_column_is_found_by_the_fields_within_it(store: CatalogStore) -> None:
    deep = NestedField(name="postalCode", data_type="VARCHAR")
    geo = NestedField(name="geo", data_type="STRUCT", normalized_type="struct", fields=[deep])
    plain = found(columns=[column("t", "address"), column("t", "other")])
    nested = found(after=1, columns=[column("t", "address", fields=[geo]), column("t", "other")])
    store.put(plain)
    assert not store.search("postal code")
    store.put(nested)
    assert [hit.name for hit in store.search("postal code")] == ["address"]
    assert store.search("geo")[0].name == "address"


def test_a_hit_says_where_it_is(shop: CatalogStore) -> None:
    hit = next(hit for hit in shop.search("unit price") if hit.kind == "column")
    assert (hit.kind, hit.database, hit.schema, hit.table) == (
        "column",
        "shop",
        "main",
        "OrderItems",
    )
    assert (hit.data_type, hit.comment, hit.data_source_name) == ("NUMERIC", None, "shop")
    assert shop.get(hit.snapshot_id).introspection == SHOP
    assert shop.search("turnover products")[0].comment == "Products by turnover"


def test_scores_fall_and_the_limit_holds(shop: CatalogStore) -> None:
    hits = shop.search("id customers order", limit=4)
    assert len(hits) == 4
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert [hit.name for hit in shop.search("id customers order", limit=2)] == [
        hit.name for hit in hits[:2]
    ]
    assert shop.search("id", limit=0) == []


@pytest.mark.parametrize("question", ["", "   ", "👍", "zzz", "'\"*():-^", "NEAR(", "a" * 5_000])
def test_what_fits_nothing_finds_nothing(shop: CatalogStore, question: str) -> None:
    assert shop.search(question) == []


def test_sources_are_searched_together_or_alone(shop: CatalogStore) -> None:
    shop.put(found(name="crm", tables=[table("customers")]))
    assert {hit.data_source_name for hit in shop.search("customers")} == {"shop", "crm"}
    only = shop.search("customers", data_source_name="crm")
    assert {hit.data_source_name for hit in only} == {"crm"}


def test_only_the_newest_is_searched(shop: CatalogStore) -> None:
    shop.put(found(after=5, tables=[table("clients")]))
    shop.put(found(after=3, tables=[table("late_comers")]))  # taken before, written after
    assert shop.search("customers") == []
    assert shop.search("comers") == []
    assert [hit.name for hit in shop.search("clients")] == ["clients"]


def test_where_two_parts_show_the_same_the_newer_one_counts(store: CatalogStore) -> None:
    for after, names in enumerate((["a*"], ["*"])):
        store.put(
            found(
                after=after,
                tables=[table("accounts", comment=f"number {after}")],
                filters=Filters(tables=names),
            )
        )
    assert [hit.comment for hit in store.search("accounts")] == ["number 1"]


def test_a_word_that_is_everywhere_hides_no_rare_one(store: CatalogStore) -> None:
    columns = [column("log", f"field{n}", comment="value of a thing") for n in range(5_000)]
    columns.append(column("log", "churn", comment="the last one"))
    store.put(found(tables=[table("log")], columns=columns))
    assert store.search("churn value missing")[0].name == "churn"
    assert store.search("value thing", limit=3) != []


@settings(max_examples=50)
@given(
    name=st.text(min_size=1, max_size=30).filter(
        lambda text: text.encode(errors="ignore").decode() == text
    )
)
def test_whatever_is_called_something_is_found_by_it(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    store = CatalogStore(tmp_path_factory.mktemp("catalog") / "c.db")
    store.put(found(tables=[table(name)], columns=[column(name, "id")]))
    hits = store.search(name)
    if any("a" <= letter <= "z" or "0" <= letter <= "9" for letter in name):
        assert hits[0].name == name
