import pytest
from hypothesis import given, strategies as st

from buster_tasks.errors import InvalidFilterError
from buster_tasks.sources.filters import Selection, ascii_case, check_filters, exact_case
from buster_tasks.sources.schema import Filters

NAMES = ["orders", "Order Items", "order.notes", "100%", "[x]", "größe"]


def kept(filters: Filters, names: list[str] = NAMES, *, fold: object = ascii_case) -> list[str]:
    selection = Selection(filters, ascii_case if fold is ascii_case else exact_case)
    return [name for name in names if selection.table("shop", "main", name)]


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (None, NAMES),
        (["orders"], ["orders"]),
        (["ORDERS"], ["orders"]),
        (["order*"], ["orders", "Order Items", "order.notes"]),
        (["order?"], ["orders"]),
        (["[no]*"], ["orders", "Order Items", "order.notes"]),
        (["[x]"], ["[x]"]),
        (["main.orders", "shop.main.100%"], ["orders", "100%"]),
        (["main.*"], NAMES),
        (["other.orders"], []),
        (["order.notes"], ["order.notes"]),
        (["GRÖSSE", "GRößE"], ["größe"]),
    ],
)
def test_tables_are_kept_by_name_and_by_glob(
    patterns: list[str] | None, expected: list[str]
) -> None:
    assert kept(Filters(tables=patterns)) == expected


def test_case_counts_where_the_source_says_so() -> None:
    assert kept(Filters(tables=["ORDERS"]), fold=exact_case) == []


def test_exclusion_wins() -> None:
    assert kept(Filters(tables=["order*"], exclude_tables=["main.orders", "*notes"])) == [
        "Order Items"
    ]


def test_an_empty_exclusion_excludes_nothing() -> None:
    assert kept(Filters(exclude_tables=[])) == NAMES


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(databases=["SHOP"], schemas=["main"]), NAMES),
        (Filters(databases=["other"]), []),
        (Filters(schemas=["temp"]), []),
        (Filters(schemas=["shop.m*"]), NAMES),
    ],
)
def test_tables_go_with_their_schema_and_database(filters: Filters, expected: list[str]) -> None:
    assert kept(filters) == expected


@pytest.mark.parametrize(
    ("filters", "kind"),
    [
        (Filters(databases=[]), "Database"),
        (Filters(schemas=[]), "Schema"),
        (Filters(tables=[]), "Table"),
    ],
)
def test_an_empty_list_is_an_error_in_the_originals_words(filters: Filters, kind: str) -> None:
    with pytest.raises(InvalidFilterError) as caught:
        check_filters(filters)
    assert str(caught.value) == (
        f"{kind} filter array is empty. "
        f"Please provide at least one {kind.lower()} name or remove the filter."
    )


def test_a_pattern_that_matches_nothing_names_the_nearest() -> None:
    selection = Selection(Filters(tables=["main.ordres", "orders", "zzz"]), ascii_case)
    for name in NAMES:
        selection.table("shop", "main", name)
    first, second = selection.warnings()
    assert (first.object, first.code) == ("main.ordres", "FILTER_MATCHES_NOTHING")
    assert "orders" in first.fix
    assert (second.object, "6 names" in second.fix) == ("zzz", True)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ([], "There is nothing to choose from."),
        (["orders"], "The only name is orders."),
        (["orders", "customers"], "None of the 2 names is like it."),
    ],
)
def test_where_no_name_is_near_it_says_how_many_there_are(names: list[str], told: str) -> None:
    selection = Selection(Filters(tables=["xyz"]), exact_case)
    for name in names:
        selection.table("d", "s", name)
    assert [issue.fix for issue in selection.warnings()] == [told]


def test_the_case_of_a_name_is_the_nearest_there_is() -> None:
    selection = Selection(Filters(tables=["ORDERS", "x_Ay"]), exact_case)
    for name in ("orders", "Orders", "X_AY", "customers"):
        selection.table("shop", "main", name)
    first, second = selection.warnings()
    assert first.fix == "Nearest names: orders, Orders."
    assert second.fix == "Nearest names: X_AY."


def test_a_pattern_of_each_list_is_warned_about() -> None:
    filters = Filters(databases=["a"], schemas=["b"], tables=["c"], exclude_tables=["d"])
    selection = Selection(filters, ascii_case)
    selection.database("shop")
    selection.schema("shop", "main")
    selection.table("shop", "main", "orders")
    assert [issue.object for issue in selection.warnings()] == ["a", "b", "c", "d"]


def test_nothing_is_warned_about_without_filters() -> None:
    selection = Selection(Filters(), ascii_case)
    assert selection.table("shop", "main", "orders")
    assert selection.warnings() == []


@given(st.text(min_size=1))
def test_every_name_matches_itself(name: str) -> None:
    assert kept(Filters(tables=[name]), [name]) == [name]
    assert kept(Filters(exclude_tables=[name]), [name]) == []


@given(st.text(min_size=1), st.text(min_size=1))
def test_without_wildcards_only_the_same_name_matches(pattern: str, name: str) -> None:
    if set(pattern) & set("*?[."):
        return
    same = ascii_case(pattern) == ascii_case(name)
    assert bool(kept(Filters(tables=[pattern]), [name])) == same
