"""Two results are the same whatever their columns are called and however they are ordered, not when a cell differs."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from buster_tasks.eval.comparison import same_but_for_ties, same_rows


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ([(1, "a"), (2, "b")], [("b", 2), ("a", 1)]),
        ([("a", 1, "x")], [(1, "a")]),
        ([(Decimal("1.50"),)], [(1.5,)]),
        ([(33.333333,)], [(33.33,)]),
        ([(1_000_000.4,)], [(1_000_000.9,)]),
        ([(True,)], [(1,)]),
        ([(date(2024, 3, 1), 5)], [("2024-03", 5)]),
        ([("2024-Q2",)], [("2024-04-01",)]),
        ([(datetime(2024, 3, 5, tzinfo=UTC),)], [("2024-03-05",)]),
        ([(None, "a")], [("a", None)]),
        ([], []),
        ([(1, 1), (2, 2)], [(1, 1), (2, 2)]),
    ],
)
def test_the_same(answer: list[tuple[object, ...]], gold: list[tuple[object, ...]]) -> None:
    assert same_rows(answer, gold)


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ([(1,)], [(2,)]),
        ([(1,)], [(1,), (1,)]),
        ([(1,)], [(1, "a")]),
        ([(1, 2), (2, 1)], [(1, 1), (2, 2)]),
        ([("1",)], [(1,)]),
        ([(0.01,)], [(0.02,)]),
        ([("Ada",)], [("ada",)]),
        ([(None,)], [(0,)]),
        ([], [(1,)]),
        ([(date(2024, 3, 2),)], [("2024-03",)]),
    ],
)
def test_not_the_same(answer: list[tuple[object, ...]], gold: list[tuple[object, ...]]) -> None:
    assert not same_rows(answer, gold)


def test_order_counts_where_it_is_asked_for() -> None:
    assert same_rows([(2,), (1,)], [(1,), (2,)])
    assert not same_rows([(2,), (1,)], [(1,), (2,)], ordered=True)
    assert same_rows([("b", 2), ("a", 1)], [(2,), (1,)], ordered=True)


def test_of_rows_that_tie_any_may_be_among_the_first() -> None:
    whole = [("a", 3), ("b", 2), ("c", 2), ("d", 1)]
    assert same_but_for_ties([("a", 3), ("c", 2)], whole[:2], whole)
    assert not same_but_for_ties([("a", 3), ("d", 1)], whole[:2], whole)
    assert not same_but_for_ties([("a", 3), ("x", 2)], whole[:2], whole)
    assert not same_but_for_ties([("a",)], [("b",)], [("a",), ("b",)])


_CELLS = st.one_of(st.none(), st.integers(-1000, 1000), st.text(max_size=5), st.booleans())


@given(st.lists(st.tuples(_CELLS, _CELLS), max_size=6), st.randoms())
def test_rows_and_columns_may_be_shuffled(
    rows: list[tuple[object, object]], random: object
) -> None:
    shuffled = [(two, one) for one, two in rows]
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis gives a random.Random
    assert same_rows(shuffled, rows)
    assert not same_rows([*shuffled, ("more", "more")], rows)
