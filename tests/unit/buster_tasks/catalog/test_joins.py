from itertools import pairwise

from buster_tasks.catalog import CatalogStore, JoinPath
from buster_tasks.sources.schema import Filters
from tests.unit.buster_tasks.catalog.introspections import foreign_key, found, table

KEYS = [
    foreign_key("orders", "customer_id", "customers"),
    foreign_key("items", "order_id", "orders"),
    foreign_key("items", "product_id", "products"),
    foreign_key("employees", "boss_id", "employees"),
    foreign_key("stock", "product_id depot_id", "places", "product depot"),
]


def told(path: JoinPath) -> str:
    steps = [
        f"{join.table[2]}.{'+'.join(join.columns)}={join.to_table[2]}.{'+'.join(join.to_columns)}"
        for join in path.joins
    ]
    return f"{' '.join(steps)}{'' if path.is_to_one else ' (many)'}"


def test_neighbours_along_and_against_references(store: CatalogStore) -> None:
    store.put(found(tables=[table("orders")], foreign_keys=KEYS))
    assert list(map(told, store.joins("shop", "orders"))) == [
        "orders.customer_id=customers.id",
        "orders.id=items.order_id (many)",
    ]
    assert list(map(told, store.joins("shop", "main.employees"))) == [
        "employees.boss_id=employees.id"
    ]
    assert list(map(told, store.joins("shop", "shop.main.stock"))) == [
        "stock.product_id+depot_id=places.product+depot"
    ]
    assert store.joins("shop", "nothing") == []
    assert store.joins("another", "orders") == []


def test_the_shortest_way_to_another_table(store: CatalogStore) -> None:
    store.put(found(foreign_keys=KEYS))
    assert list(map(told, store.joins("shop", "items", to="customers"))) == [
        "items.order_id=orders.id orders.customer_id=customers.id"
    ]
    assert list(map(told, store.joins("shop", "customers", to="products"))) == [
        "customers.id=orders.customer_id orders.id=items.order_id items.product_id=products.id (many)"
    ]
    assert store.joins("shop", "items", to="employees") == []


def test_all_of_the_shortest_ways_those_that_multiply_nothing_first(store: CatalogStore) -> None:
    two = [
        foreign_key("b", "a_id", "a"),
        foreign_key("a", "first_b", "b"),
        foreign_key("a", "c_id", "c"),
    ]
    store.put(found(foreign_keys=two))
    assert list(map(told, store.joins("shop", "a", to="b"))) == [
        "a.first_b=b.id",
        "a.id=b.a_id (many)",
    ]


def test_many_ways_are_bounded(store: CatalogStore) -> None:
    """Six layers of twelve tables, each with a key to all of the next: three million ways."""
    layers = [[f"t{layer}_{n}" for n in range(12)] for layer in range(6)]
    keys = [
        foreign_key(one, "x", other)
        for layer, following in pairwise(layers)
        for one in layer
        for other in following
    ]
    store.put(found(foreign_keys=keys))
    assert len(store.joins("shop", "t0_0", to="t5_0", limit=5)) == 5


def test_keys_of_parts_are_joined_and_none_is_told_twice(store: CatalogStore) -> None:
    store.put(found(foreign_keys=KEYS[:2], filters=Filters(tables=["o*"])))
    store.put(found(after=1, foreign_keys=KEYS[1:3], filters=Filters(tables=["i*"])))
    assert len(store.joins("shop", "items", to="customers")) == 1
    assert len(store.joins("shop", "items")) == 2
