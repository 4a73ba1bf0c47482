"""Charts made from a request: what is drawn, what is said, what is refused."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, strategies as st

from buster_tasks.analyst.charting import ChartRequest, build, theme
from buster_tasks.analyst.errors import ToolRefusedError
from buster_tasks.analyst.evidence import ResultSet
from tests.doubles.shop_analysis import result_set

MONTHS = [f"2024-{n:02}" for n in range(1, 13)]


def spec_of(
    columns: str, rows: list[tuple[object, ...]], *, truncated: bool = False, **request: Any
) -> Any:
    return chart_of(result_set("r1", "", "", columns, rows, truncated=truncated), **request).spec


def chart_of(result: ResultSet, **request: Any) -> Any:
    given = {"kind": "bar", "title": "A title", "x": "x", "y": ["y"], **request}
    return build(ChartRequest.model_validate(given), result, id="c1")


def refusal(columns: str, rows: list[tuple[object, ...]], **request: Any) -> str:
    with pytest.raises(ToolRefusedError) as refused:
        spec_of(columns, rows, **request)
    assert refused.value.fix
    return str(refused.value)


def rows_of(spec: Any) -> list[dict[str, Any]]:
    return spec["data"]["values"]


def test_a_chart_names_its_evidence_and_holds_its_data() -> None:
    result = result_set("r7", "", "", "x y", [("a", Decimal("1.5")), ("b", 3)])
    chart = chart_of(result)
    assert (chart.id, chart.kind, chart.evidence, chart.title) == ("c1", "bar", "r7", "A title")
    assert rows_of(chart.spec) == [
        {"x": "b", "y": 3, "label": "3.00"},
        {"x": "a", "y": 1.5, "label": "1.50"},
    ]
    assert chart == chart_of(result)


def test_months_as_text_are_times_in_their_order() -> None:
    rows: list[tuple[object, ...]] = [("2024-02", 2), ("2024-01", None), ("2024-03", 3)]
    spec = spec_of("x y", rows, kind="line")
    assert spec["encoding"]["x"]["type"] == "temporal"
    assert spec["encoding"]["x"]["scale"] == {"type": "utc"}
    assert spec["encoding"]["x"]["axis"]["format"] == "%b %Y"
    assert rows_of(spec) == [
        {"x": "2024-01-01T00:00:00Z", "y": None},
        {"x": "2024-02-01T00:00:00Z", "y": 2},
        {"x": "2024-03-01T00:00:00Z", "y": 3},
    ]


def test_labels_of_time_stand_at_times_of_the_data() -> None:
    days = [datetime(2024, 3, 1, tzinfo=UTC) + timedelta(days=n) for n in range(60)]
    spec = spec_of("x y", [(day, n) for n, day in enumerate(days)], kind="line")
    ticks = spec["encoding"]["x"]["axis"]["values"]
    assert len(ticks) <= 7
    assert {tick / 1000 for tick in ticks} <= {day.timestamp() for day in days}
    assert spec["encoding"]["x"]["axis"]["format"] == "%-d %b"
    assert spec["encoding"]["x"]["title"] == "X, 2024"


def test_bars_begin_at_zero_and_lines_where_the_values_are() -> None:
    far: list[tuple[object, ...]] = [("2024-01", 990), ("2024-02", 1000)]
    near: list[tuple[object, ...]] = [("2024-01", 90), ("2024-02", 1000)]
    assert spec_of("x y", far)["encoding"]["y"]["scale"]["zero"] is True
    assert spec_of("x y", far, kind="area")["encoding"]["y"]["scale"]["zero"] is True
    assert spec_of("x y", far, kind="line")["encoding"]["y"]["scale"]["zero"] is False
    assert spec_of("x y", near, kind="line")["encoding"]["y"]["scale"]["zero"] is True


def test_names_are_sorted_by_size_and_steps_by_their_order() -> None:
    names = spec_of("x y", [("a", 1), ("b", None), ("c", 3)])
    assert names["encoding"]["x"]["sort"] == ["c", "a", "b"]
    months = spec_of("x y", [("2024-02", 1), ("2024-01", 3)])
    assert months["encoding"]["x"]["sort"] == ["Jan 2024", "Feb 2024"]
    numbers = spec_of("x y", [(10, 1), (9, 3)])
    assert numbers["encoding"]["x"]["sort"] == ["9", "10"]
    weekdays = spec_of("x y", [("Tue", 9), ("Mon", 1)])
    assert weekdays["encoding"]["x"]["sort"] == ["Mon", "Tue"]


@pytest.mark.parametrize(
    ("sort", "order"),
    [("descending", ["b", "a", "c"]), ("ascending", ["c", "a", "b"]), ("as_is", ["a", "b", "c"])],
)
def test_the_order_can_be_asked_for(sort: str, order: list[str]) -> None:
    spec = spec_of("x y", [("a", 2), ("b", 3), ("c", 1)], sort=sort)
    assert spec["encoding"]["x"]["sort"] == order


def test_long_or_many_names_lie() -> None:
    long = spec_of("x y", [("A product with a long name", 2), ("b", 1)])
    many = spec_of("x y", [(f"p{n}", n) for n in range(12)])
    for spec in (long, many):
        assert spec["encoding"]["y"]["field"] == "x"
        assert spec["layer"][1]["mark"]["type"] == "text"
    assert "layer" not in spec_of("x y", [("a", 1)])
    below_zero = spec_of("x y", [("A product with a long name", -2), ("b", 1)])
    assert "layer" not in below_zero


def test_of_too_many_names_the_largest_are_kept_and_it_is_said() -> None:
    spec = spec_of("x y", [(f"p{n}", n) for n in range(30)])
    assert len(rows_of(spec)) == 20
    assert rows_of(spec)[0]["x"] == "p29"
    assert "The largest 20 of 30" in " ".join(spec["title"]["subtitle"])
    assert "The largest 20 of 30" in spec["description"]


def test_the_rest_is_added_up_where_that_was_asked_for() -> None:
    spec = spec_of("x y", [(f"p{n}", n) for n in range(30)], rest="summed")
    assert len(rows_of(spec)) == 20
    assert rows_of(spec)[-1] == {"x": "other (11)", "y": sum(range(11)), "label": "55"}
    assert "other (11) is the sum" in " ".join(spec["title"]["subtitle"])


def test_the_rest_never_takes_the_name_of_another() -> None:
    rows: list[tuple[object, ...]] = [("other (11)", 100), *((f"p{n}", n) for n in range(29))]
    spec = spec_of("x y", rows, rest="summed")
    assert [row["x"] for row in rows_of(spec)].count("other (11)") == 1
    assert rows_of(spec)[-1]["x"] == "all other (11)"


def test_a_cut_result_is_said_to_be_one() -> None:
    spec = spec_of("x y", [("a", 1)], truncated=True)
    assert "Only the first 1 rows" in " ".join(spec["title"]["subtitle"])


def test_several_y_are_series_with_colors_of_the_palette() -> None:
    spec = spec_of("q cost revenue", [("2024-Q1", 1, 2)], x="q", y=["revenue", "cost"])
    assert [(row["series"], row["y"]) for row in rows_of(spec)] == [("Revenue", 2), ("Cost", 1)]
    scale = spec["encoding"]["color"]["scale"]
    assert scale == {"domain": ["Revenue", "Cost"], "range": list(theme.PALETTE[:2])}
    assert spec["encoding"]["xOffset"]["field"] == "series"


def test_stacked_bars_stand_on_each_other() -> None:
    rows: list[tuple[object, ...]] = [("2024-01", 1, "web"), ("2024-01", 2, "shop")]
    spec = spec_of("x y c", rows, color="c", stacked=True)
    assert spec["encoding"]["y"]["stack"] == "zero"
    assert "xOffset" not in spec["encoding"]


def test_series_are_no_more_than_colors() -> None:
    rows: list[tuple[object, ...]] = [("2024-01", n, f"s{n}") for n in range(12)]
    spec = spec_of("x y c", rows, kind="line", color="c")
    assert spec["encoding"]["color"]["scale"]["domain"] == [f"s{n}" for n in range(11, 3, -1)]
    assert "8 of 12 series" in spec["description"]


def test_a_color_of_one_value_is_said_instead_of_drawn() -> None:
    spec = spec_of("x y plan", [("a", 1, "free"), ("b", 2, "free")], color="plan")
    assert "color" not in spec["encoding"]
    assert spec["title"]["subtitle"] == ["Plan: free."]


def test_a_pie_says_its_shares() -> None:
    spec = spec_of("x y", [("DE", 3), ("FR", 1)], kind="pie")
    assert spec["encoding"]["color"]["scale"]["domain"] == ["DE · 75.0%", "FR · 25.0%"]
    summed = spec_of("x y", [(f"p{n}", n) for n in range(1, 12)], kind="pie", rest="summed")
    assert len(rows_of(summed)) == 8
    assert sum(row["y"] for row in rows_of(summed)) == sum(range(1, 12))


def test_numbers_on_the_axis_are_readable() -> None:
    def axis(values: list[float], **request: Any) -> Any:
        return spec_of("x y", [(n, v) for n, v in enumerate(values)], **request)["encoding"]["y"][
            "axis"
        ]

    assert axis([1.0, 7.0])["format"] == ",d"
    assert axis([0.25, 0.5])["format"] == ",~g"
    assert axis([0.25, 0.5], y_format="percent")["format"] == ".0%"
    assert axis([0.025, 0.05], y_format="percent")["format"] == ".1%"
    assert "~s" in axis([5e6])["labelExpr"]


def test_the_title_of_y_has_the_unit() -> None:
    spec = spec_of("x y", [("a", 1)], unit="EUR", y_title="Net revenue")
    assert spec["encoding"]["y"]["title"] == "Net revenue (EUR)"
    assert spec["description"].startswith("Bar chart: A title. Net revenue (EUR) by X")


def test_a_description_has_reach_and_extremes() -> None:
    rows: list[tuple[object, ...]] = [(date(2024, n, 1), 10 * n) for n in range(1, 5)]
    spec = spec_of("x y", rows, kind="line")
    assert "4 values, from Jan 2024 to Apr 2024." in spec["description"]
    assert "Highest 40 (Apr 2024), lowest 10 (Jan 2024)." in spec["description"]


def test_what_rounds_to_nothing_is_not_called_nothing() -> None:
    spec = spec_of("x y", [("A product with a long name", 0.0004), ("b", 0.2)])
    assert {row["label"] for row in rows_of(spec)} == {"0.0004", "0.20"}


def test_a_long_title_is_broken_into_lines() -> None:
    spec = spec_of("x y", [("a", 1)], title="word " * 39 + "end")
    assert len(spec["title"]["text"]) == 3


@pytest.mark.parametrize(
    ("columns", "rows", "request_", "said"),
    [
        ("x y", [], {}, "has no rows"),
        ("x y", [("a", "b")], {}, "y must be numbers, and the column 'y' holds 'b'"),
        ("x y", [("a", None)], {}, "nothing but NULL"),
        ("x y", [("a", 1)], {"x": "z"}, "no column 'z'"),
        ("x y", [("a", 1)], {"color": "z"}, "no column 'z'"),
        ("x y", [("a", 1)], {"x": "y"}, "named twice"),
        ("x y z c", [("a", 1, 2, "c")], {"y": ["y", "z"], "color": "c"}, "Several y and a color"),
        ("x y", [("a", 1), ("b", 2)], {"kind": "line"}, "have no order"),
        ("x y", [("a", 1), ("b", 2)], {"kind": "area"}, "have no order"),
        ("x y", [("a", 1), ("b", 2)], {"kind": "scatter"}, "neither"),
        ("x y", [("a", 1), ("a", 2), ("b", 3)], {}, "has 2 rows for 'a'"),
        ("x y", [("2024-01", 1), ("2024-01", 2)], {"kind": "line"}, "name the column that tells"),
        ("x y", [("a", -1), ("b", 2)], {"kind": "pie"}, "below zero"),
        ("x y", [("a", 0), ("b", 0)], {"kind": "pie"}, "add up to 0"),
        ("x y", [(f"p{n}", 1) for n in range(9)], {"kind": "pie"}, "pie of 9 slices"),
        ("x y z", [("a", 1, 2)], {"kind": "pie", "y": ["y", "z"]}, "pie has one y"),
        ("x y", [(n, 1) for n in range(61)], {}, "61 bars"),
        (
            "x y c",
            [(1, -1, "a"), (1, 1, "b")],
            {"color": "c", "stacked": True},
            "cannot be stacked",
        ),
        ("x y c", [(1, -1, "a"), (1, 1, "b")], {"kind": "area", "color": "c"}, "cannot be stacked"),
    ],
)
def test_what_would_make_no_sense_is_refused(
    columns: str, rows: list[tuple[object, ...]], request_: dict[str, Any], said: str
) -> None:
    assert said in refusal(columns, rows, **request_)


def test_a_refusal_names_the_columns_that_are_numbers() -> None:
    said = refusal("x name total", [("a", "b", 1)], y=["name"])
    assert "Numbers are in total." in said


def test_rows_without_a_place_are_left_out_and_counted() -> None:
    spec = spec_of("x y", [("2024-01", 1), (None, 5), ("2024-02", 2)], kind="line")
    assert len(rows_of(spec)) == 2
    assert "1 without X left out." in spec["description"]
    named = spec_of("x y", [("a", 1), (None, 5)])
    assert rows_of(named)[0]["x"] == "(no value)"


_cells = st.one_of(
    st.none(),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.dates(),
    st.datetimes(),
    st.text(max_size=12),
    st.sampled_from(["2024-01", "Mon", "a", "b"]),
    st.booleans(),
    st.binary(max_size=4),
)


@given(
    rows=st.lists(
        st.tuples(_cells, st.one_of(st.none(), st.integers(), st.floats(), st.decimals()), _cells),
        max_size=30,
    ),
    kind=st.sampled_from(["bar", "line", "area", "scatter", "pie"]),
    color=st.sampled_from([None, "c"]),
    rest=st.sampled_from(["left_out", "summed"]),
    stacked=st.booleans(),
)
def test_whatever_the_cells_are_it_is_valid_json_or_a_refusal(
    rows: list[tuple[object, ...]], kind: str, color: str | None, rest: str, *, stacked: bool
) -> None:
    try:
        spec = spec_of("x y c", rows, kind=kind, color=color, rest=rest, stacked=stacked)
    except ToolRefusedError:
        return
    assert json.loads(json.dumps(spec, allow_nan=False)) == spec
    known = {None if row["y"] is None else float(row["y"]) for row in rows_of(spec)}
    given_ = {None} | {float(y) for _, y, _ in rows if y is not None and float(y) == float(y)}  # type: ignore[arg-type] # all are numbers
    assert rest == "summed" or known <= given_
