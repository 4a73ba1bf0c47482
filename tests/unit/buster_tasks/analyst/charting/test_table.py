"""The data of a chart as a table."""

from typing import Any

from buster_tasks.analyst.charting import ChartRequest, adopt, build, table_of
from buster_tasks.analyst.findings import Chart
from tests.doubles.shop_analysis import result_set


def table(columns: str, rows: list[tuple[object, ...]], **request: Any) -> Any:
    given = {"kind": "bar", "title": "t", "x": "x", "y": ["y"], **request}
    return table_of(
        build(ChartRequest.model_validate(given), result_set("r1", "", "", columns, rows), id="c")
    )


def test_names_come_first_and_times_are_as_labelled() -> None:
    found = table("x y", [("2024-01", 1), ("2024-02", None)], kind="line", unit="EUR")
    assert found.headings == ["X", "Y (EUR)"]
    assert found.rows == [["Jan 2024", 1], ["Feb 2024", None]]


def test_each_series_is_a_column() -> None:
    rows: list[tuple[object, ...]] = [("2024-01", 1, "a"), ("2024-01", 2, "b"), ("2024-02", 3, "b")]
    found = table("x y c", rows, color="c")
    assert found.headings == ["X", "b", "a"]
    assert found.rows == [["Jan 2024", 2, 1], ["Feb 2024", 3, None]]


def test_points_stay_rows() -> None:
    rows: list[tuple[object, ...]] = [(1, 1, "a"), (1, 2, "b")]
    found = table("x y c", rows, kind="scatter", color="c")
    assert found.headings == ["X", "C", "Y"]
    assert found.rows == [[1, "a", 1], [1, "b", 2]]


def test_a_pie_has_its_shares_in_the_names() -> None:
    assert table("x y", [("a", 3), ("b", 1)], kind="pie").rows == [
        ["a · 75.0%", 3],
        ["b · 25.0%", 1],
    ]


def test_a_lying_bar_has_its_names_under_their_title() -> None:
    found = table("x y", [("A product with a long name", 3)])
    assert found.headings == ["X", "Y"]


def test_columns_of_a_given_specification_are_those_that_it_draws() -> None:
    spec = {"mark": "bar", "encoding": {"y": {"field": "n"}, "x": {"field": "net_price"}}}
    result = result_set("r1", "", "", "id net_price n", [(1, 2, 3)])
    found = table_of(adopt(spec, result, id="c", title="t"))
    assert (found.headings, found.rows) == (["Net price", "N"], [[2, 3]])


def test_a_chart_without_data_is_an_empty_table() -> None:
    for spec in ({}, {"data": {"url": "x"}}, {"data": {"values": [1]}, "encoding": {"x": 1}}):
        found = table_of(Chart(id="c", title="t", kind="bar", evidence="r", spec=spec))
        assert found.rows == []
