"""Pictures: what is in them, that they are the same each time, and what happens when there are none."""

import re
import struct
import sys
from typing import Any

import pytest

from buster_tasks.analyst.charting import ChartRequest, adopt, build, draw, draw_all, png, theme
from buster_tasks.analyst.charting.fitting import room
from buster_tasks.analyst.errors import DrawingFailedError
from buster_tasks.analyst.findings import Chart
from taskkit.errors import MissingExtraError
from tests.doubles.shop_analysis import artifacts, result_set

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]


def chart(rows: list[tuple[object, ...]], **request: Any) -> Chart:
    given = {"kind": "bar", "title": "A title", "x": "x", "y": ["y"], **request}
    return build(ChartRequest.model_validate(given), result_set("r1", "", "", "x y", rows), id="c1")


def widths(svg: str) -> int:
    found = re.search(r'<svg [^>]*width="(\d+)"', svg)
    assert found
    return int(found[1])


async def test_all_charts_of_an_analysis_are_drawn_the_same_each_time() -> None:
    charts = [one for one in artifacts() if isinstance(one, Chart)]
    drawings, missing = await draw_all(charts)
    assert missing == []
    assert list(drawings) == ["c1", "c2", "c3"]
    assert drawings["c1"] == await draw(charts[0])


async def test_a_drawing_has_three_widths_and_shows_its_texts() -> None:
    drawing = await draw(chart([("2024-01", 1), ("2024-02", 2)], kind="line"))
    assert {name: widths(svg) for name, svg in drawing.all.items()} == {
        "wide": 860,
        "medium": 480,
        "narrow": 340,
    }
    assert "Jan 2024" in drawing.wide
    assert "A title" not in re.sub(r'aria-label="[^"]*"', "", drawing.wide)


async def test_a_drawing_has_colors_of_the_theme_alone() -> None:
    known = {*theme.PALETTE, theme.TEXT, theme.MUTED, theme.GRID, theme.ZERO, "none", "transparent"}
    charts = [one for one in artifacts() if isinstance(one, Chart)]
    for drawing in (await draw_all(charts))[0].values():
        for svg in drawing.all.values():
            assert set(re.findall(r'(?:fill|stroke)="([^"]+)"', svg)) <= known


async def test_hostile_names_are_text() -> None:
    name = "</text><script>alert(1)</script>\"' onload=x"
    drawing = await draw(chart([(name, 1), ("b", 2)]))
    for svg in drawing.all.values():
        assert "<script" not in svg


async def test_a_given_specification_is_drawn() -> None:
    spec = {
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": {"field": "month", "type": "temporal", "timeUnit": "yearmonth"},
            "y": {"field": "n", "aggregate": "sum"},
        },
    }
    result = result_set("r1", "", "", "month n", [("2024-01", 1), ("2024-02", 2)])
    assert "<path" in (await draw(adopt(spec, result, id="c", title="t"))).wide


async def test_a_png_has_the_size_asked_for() -> None:
    picture = await png(chart([("a", 1)]), scale=1.0)
    assert picture.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", picture[16:24])
    assert (width, height) == (theme.WIDTH, theme.HEIGHT)


async def test_what_cannot_be_drawn_does_not_keep_others_from_it() -> None:
    broken = Chart(id="broken", title="t", kind="bar", evidence="r", spec={"mark": 5})
    drawings, missing = await draw_all([broken, chart([("a", 1)])])
    assert list(drawings) == ["c1"]
    assert len(missing) == 1
    assert "'broken' cannot be drawn" in missing[0]


async def test_what_takes_too_long_is_given_up() -> None:
    with pytest.raises(DrawingFailedError, match=r"not drawn in the 0\.01 seconds"):
        await draw(chart([("a", 1)]), timeout=0.01)


async def test_the_time_is_for_all_charts_together() -> None:
    drawings, missing = await draw_all([chart([("a", 1)]), chart([("b", 1)])], timeout=0.0)
    assert drawings == {}
    assert len(missing) == 2


async def test_a_process_that_does_not_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(DrawingFailedError, match="did not start"):
        await draw(chart([("a", 1)]))


async def test_a_process_that_ends_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/true")
    with pytest.raises(DrawingFailedError, match="has ended by itself"):
        await draw(chart([("a", 1)]))


async def test_a_drawing_that_is_too_large_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("buster_tasks.analyst.charting.drawing.MOST_BYTES", 1_000)
    with pytest.raises(DrawingFailedError, match="over 1,000 bytes"):
        await draw(chart([("a", 1)]))


async def test_without_the_extra_it_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(MissingExtraError, match=r'pip install "buster-tasks\[charts\]"'):
        await draw(chart([("a", 1)]))
    drawings, missing = await draw_all([chart([("a", 1)])])
    assert drawings == {}
    assert 'pip install "buster-tasks[charts]"' in missing[0]


def test_longer_labels_take_more_room() -> None:
    assert 1 < room(["1"], 400) < room(["1,000,000"], 400) < room(["1,000,000"], 200) < 4
    assert room([], 400) > 1
