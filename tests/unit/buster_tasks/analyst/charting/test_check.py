"""Specifications of somebody else's: what is drawn, what is refused, and that nothing raises."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, strategies as st

from buster_tasks.analyst.charting import adopt, problems
from buster_tasks.analyst.errors import ToolRefusedError
from tests.doubles.shop_analysis import result_set

COLUMNS = ["month", "revenue", "country", "a.b"]
GOOD: dict[str, Any] = {
    "mark": "bar",
    "encoding": {
        "x": {"field": "month", "type": "ordinal"},
        "y": {"field": "revenue", "type": "quantitative"},
    },
}


def encoding(**channels: Any) -> dict[str, Any]:
    return {"mark": "bar", "encoding": channels}


TIME_LINE = encoding(
    x={"field": "month", "type": "temporal", "timeUnit": "yearmonth"},
    y={"field": "revenue", "aggregate": "sum", "axis": {"format": "$,.2f", "tickCount": 5}},
)
TOTALS = {"aggregate": [{"op": "sum", "field": "revenue", "as": "total"}], "groupby": ["country"]}


@pytest.mark.parametrize(
    "spec",
    [
        GOOD,
        {**TIME_LINE, "title": "Any title: with http://a.link"},
        {
            **GOOD,
            "mark": {"type": "line", "point": True, "interpolate": "monotone", "strokeDash": [4]},
        },
        encoding(
            color={"field": "country", "scale": {"range": ["#3c5ecd", "teal"]}, "legend": None}
        ),
        encoding(x={"field": "revenue", "bin": {"maxbins": 20}}, y={"aggregate": "count"}),
        encoding(x={"field": "country", "sort": "-y"}, tooltip=[{"field": "revenue"}]),
        {"layer": [{"mark": "line"}, {"mark": {"type": "rule", "color": "red"}}]},
        {"layer": [{"mark": "line"}, {"mark": "rule", "encoding": {"y": {"datum": 5}}}]},
        {"mark": "arc", "encoding": {"theta": {"field": "revenue"}, "color": {"field": "country"}}},
        {**GOOD, "transform": [{"filter": {"field": "country", "oneOf": ["DE", "FR"]}}]},
        {**GOOD, "transform": [{"filter": {"and": [{"not": {"field": "month", "equal": None}}]}}]},
        {"mark": "bar", "encoding": {"y": {"field": "total"}}, "transform": [TOTALS]},
        {
            **encoding(color={"field": "key"}, y={"field": "value"}),
            "transform": [{"fold": ["revenue"]}],
        },
        {
            **GOOD,
            "data": {"url": "http://evil.example"},
            "config": {},
            "$schema": "http://evil.example",
        },
        {**encoding(text={"value": "any text, url(x)"}), "layer": [{"mark": "text"}]},
    ],
)
def test_what_is_plain_is_let_through(spec: Any) -> None:
    assert problems(spec, COLUMNS) == []


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (None, "must be an object"),
        ([GOOD], "must be an object"),
        ("bar", "must be an object"),
        ({}, "one mark must be of"),
        ({"mark": "text"}, "one mark must be of"),
        ({"mark": "image"}, "'image' may not be drawn"),
        ({"mark": "geoshape"}, "may not be drawn"),
        ({"mark": {"type": "bar", "href": "javascript:alert(1)"}}, "'href' may not be used"),
        ({"mark": {"type": "bar", "color": "url(http://evil.example)"}}, "must be a colour"),
        ({"mark": {"type": "bar", "color": {"expr": "x"}}}, "must be a colour"),
        ({"mark": {"type": "bar", "fill": {"gradient": "linear"}}}, "must be a colour"),
        ({"mark": {"type": "point", "shape": "M0,0L1,1"}}, "must be one of"),
        ({"mark": {"type": "bar", "size": float("nan")}}, "must be a number"),
        ({**GOOD, "params": [{"name": "p", "bind": "url"}]}, "'params' may not be used"),
        ({**GOOD, "usermeta": {"embedOptions": {"loader": {}}}}, "'usermeta' may not be used"),
        ({**GOOD, "datasets": {"a": []}}, "'datasets' may not be used"),
        ({**GOOD, "width": 1e9}, "pixels"),
        ({**GOOD, "width": "container"}, "pixels"),
        ({**GOOD, "resolve": {}}, "'resolve' may not be used"),
        (encoding(href={"field": "month"}), "'href' may not be used"),
        (encoding(url={"field": "month"}), "'url' may not be used"),
        (encoding(x={"field": "mnth"}), "Did you mean 'month'?"),
        (encoding(x={"field": {"repeat": "row"}}), "must be the name of a column"),
        (encoding(x={"field": "a.b"}), "name the column with AS"),
        (
            encoding(x={"field": "month", "condition": {"test": "datum.x"}}),
            "'condition' may not be used",
        ),
        (encoding(x={"field": "month", "axis": {"labelExpr": "1"}}), "'labelExpr' may not be used"),
        (encoding(x={"field": "month", "axis": {"tickCount": 1e9}}), "up to 100"),
        (encoding(x={"field": "month", "axis": {"values": {"signal": "x"}}}), "must be a list"),
        (encoding(x={"field": "month", "scale": {"domain": {"param": "p"}}}), "must be a list"),
        (encoding(x={"field": "month", "bin": {"step": 1e-9}}), "'step' may not be used"),
        (encoding(color={"value": "url(#x)"}), "must be a colour"),
        (encoding(color={"field": "country", "scale": {"range": ["url(#x)"]}}), "must be a colour"),
        (
            {**GOOD, "transform": [{"calculate": "1+1", "as": "x"}]},
            "compute the column in the statement",
        ),
        ({**GOOD, "transform": [{"filter": "datum.x > 1"}]}, "expressions are not run"),
        (
            {**GOOD, "transform": [{"lookup": "x", "from": {"data": {"url": "http://e"}}}]},
            "must be aggregate",
        ),
        ({**GOOD, "transform": ["x"]}, "must be aggregate, filter or fold"),
        ({**GOOD, "transform": [TOTALS]}, "no column 'month'"),
        ({**GOOD, "title": "x" * 501}, "too long"),
        ({**GOOD, "encoding": {"x": {"field": "month", "sort": [[]] * 3000}}}, "over 2000 parts"),
    ],
)
def test_what_could_do_harm_or_draw_nothing_is_told(spec: Any, said: str) -> None:
    found = problems(spec, COLUMNS)
    assert any(said in one for one in found), found


def test_depth_does_not_hurt() -> None:
    deep: Any = {}
    for _ in range(100_000):
        deep = {"layer": [deep]}
    assert problems(deep, COLUMNS) == ["spec is nested over 12 deep: make it simpler."]


_WORDS = (
    "mark encoding x field type layer transform filter aggregate and groupby scale axis sort text "
    "title data oneOf value fold bin"
)
_names = st.sampled_from(_WORDS.split())
_json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(_names, inner, max_size=4)
    ),
    max_leaves=25,
)


@given(_json)
def test_nothing_raises(spec: Any) -> None:
    found = problems(spec, COLUMNS)
    assert all(isinstance(one, str) and one for one in found)


def test_the_data_is_ours() -> None:
    rows: list[tuple[object, ...]] = [
        ("2024-01", Decimal("1.10"), date(2024, 1, 1), datetime(2024, 1, 1, 5, tzinfo=UTC)),
        (None, float("nan"), None, b"\x01"),
    ]
    result = result_set("r3", "", "", "month revenue day at", rows, truncated=True)
    given_ = {**GOOD, "data": {"values": [{"month": "made up", "revenue": 1}]}, "config": {}}
    chart = adopt(given_, result, id="c1", title="Mine")
    assert (chart.kind, chart.evidence) == ("bar", "r3")
    spec: Any = chart.spec
    assert spec["data"]["values"] == [
        {
            "month": "2024-01",
            "revenue": 1.1,
            "day": "2024-01-01T00:00:00",
            "at": "2024-01-01T05:00:00",
        },
        {"month": None, "revenue": None, "day": None, "at": "0x01"},
    ]
    assert "made up" not in json.dumps(spec, allow_nan=False)
    assert spec["title"]["subtitle"] == ["Only the first 2 rows of the result: there are more."]


def test_a_specification_with_problems_is_refused_with_all_of_them() -> None:
    result = result_set("r1", "", "", "month revenue", [("2024-01", 1)])
    with pytest.raises(ToolRefusedError) as refused:
        adopt({"mark": "image", "encoding": {"x": {"field": "z"}}}, result, id="c", title="t")
    assert "image" in refused.value.fix
    assert "no column 'z'" in refused.value.fix


def test_an_empty_result_is_refused() -> None:
    with pytest.raises(ToolRefusedError, match="no rows"):
        adopt(GOOD, result_set("r1", "", "", "month revenue", []), id="c", title="t")
