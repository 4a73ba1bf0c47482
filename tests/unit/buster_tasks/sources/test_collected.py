"""Rows of a result, collected up to limits."""

import itertools

from hypothesis import given, strategies as st

from buster_tasks.sources.base import QueryColumn
from buster_tasks.sources.collected import Collected, Row, size_of


def collected(
    rows: list[Row], max_rows: int | None, max_bytes: int | None, page: int = 3
) -> Collected:
    """What is left of the rows when they are fetched as many as are wanted, as a driver is asked."""
    found, rest = Collected(max_rows, max_bytes, page=page), iter(rows)
    while wanted := found.wanted:
        fetched = list(itertools.islice(rest, wanted))
        if not fetched:
            break
        found.take(fetched)
    return found


ROWS = st.lists(st.tuples(st.integers(), st.text(max_size=30)), max_size=30)


@given(ROWS, st.integers(0, 35), st.integers(1, 9))
def test_rows_are_cut_exactly_where_the_limit_is(rows: list[Row], most: int, page: int) -> None:
    found = collected(rows, most, None, page)
    assert found.rows == rows[:most]
    assert found.truncated == (len(rows) > most)


@given(ROWS, st.integers(0, 2_000), st.integers(1, 9))
def test_no_row_is_kept_that_is_over_the_bytes_and_none_is_left_out_that_is_not(
    rows: list[Row], most: int, page: int
) -> None:
    found = collected(rows, None, most, page)
    sizes = list(itertools.accumulate(map(size_of, rows)))
    assert found.rows == rows[: sum(size <= most for size in sizes)]
    assert found.truncated == (len(found.rows) < len(rows))


def test_wide_rows_are_fetched_few_at_a_time() -> None:
    found = Collected(100_000, 1_000_000, page=1_000)
    assert found.wanted == 16
    found.take([("x" * 100_000,)])
    assert found.wanted == 9
    found.take([("x" * 100_000,)] * 9)
    assert (len(found.rows), found.truncated, found.wanted) == (9, True, 0)


def test_narrow_rows_are_fetched_by_whole_pages() -> None:
    found = Collected(100_000, 1_000_000, page=1_000)
    found.take([(1,)] * 16)
    assert found.wanted == 1_000


def test_one_row_that_is_too_large_is_left_out_and_told() -> None:
    found = collected([("x" * 100,)], 10, 50)
    assert (found.rows, found.truncated) == ([], True)


def test_the_size_of_what_is_within_a_cell_counts() -> None:
    assert size_of(({"a": ["x" * 100]}, b"y" * 50)) > 150
    assert size_of((None, 1, 2.5, True)) < 60


def test_the_result_has_the_columns_and_says_whether_there_was_more() -> None:
    result = collected([(1,), (2,)], 1, None).result([QueryColumn("a")])
    assert (result.columns, result.rows, result.truncated) == ((QueryColumn("a"),), [(1,)], True)


def test_a_statement_that_is_run_again_begins_with_nothing() -> None:
    found = collected([(1,), (2,)], 1, None)
    again = found.emptied()
    assert (again.rows, again.truncated, again.wanted) == ([], False, 2)
