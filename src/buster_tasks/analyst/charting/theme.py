"""How every chart looks: one palette, one font, few lines."""

from __future__ import annotations

from typing import Final

from pydantic import JsonValue

# Chosen by search: each has a contrast of 3:1 to white and to the dark page, and any two are apart by 15 in CIELAB
# (the first five by 25), also for eyes without one of the three cones.
PALETTE: Final = (
    "#3c5ecd",
    "#dd7c04",
    "#15a3a0",
    "#c90060",
    "#a46c36",
    "#d15dcb",
    "#d00200",
    "#00786d",
)

# A page in the dark replaces these four, and nothing else, in a drawing.
TEXT: Final = "#1f2430"
MUTED: Final = "#5b6472"
GRID: Final = "#e3e6eb"
ZERO: Final = "#9aa3b0"

# Arial and Liberation Sans are of one width: text takes the room that it was measured for.
FONT: Final = "Liberation Sans, Arial, Helvetica, sans-serif"

SCHEMA: Final = "https://vega.github.io/schema/vega-lite/v5.json"
WIDTH: Final = 640
HEIGHT: Final = 300


def config() -> dict[str, JsonValue]:
    """The `config` of a specification. The drawing as a whole is described, its parts are not read out one by one."""
    return {
        "font": FONT,
        "background": "transparent",
        "padding": 4,
        "view": {"stroke": None},
        "mark": {"aria": False},
        "title": {
            "anchor": "start",
            "frame": "bounds",
            "color": TEXT,
            "fontSize": 16,
            "fontWeight": 600,
            "subtitleColor": MUTED,
            "subtitleFontSize": 12,
            "subtitlePadding": 4,
            "offset": 14,
            "aria": False,
        },
        "axis": {
            "labelColor": MUTED,
            "labelFontSize": 12,
            "labelPadding": 6,
            "labelLimit": 200,
            "labelSeparation": 12,
            "titleColor": MUTED,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "titlePadding": 10,
            "gridColor": GRID,
            "domainColor": GRID,
            "tickColor": GRID,
            "ticks": False,
            "domain": False,
            "aria": False,
        },
        "legend": {
            "labelColor": TEXT,
            "labelFontSize": 12,
            "labelLimit": 200,
            "titleColor": MUTED,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "symbolType": "circle",
            "symbolSize": 90,
            "symbolStrokeWidth": 0,
            "rowPadding": 6,
            "columnPadding": 16,
            "aria": False,
        },
        "bar": {"cornerRadiusEnd": 2},
        "line": {"strokeWidth": 2.5, "strokeCap": "round", "strokeJoin": "round"},
        "area": {"fillOpacity": 0.75, "line": True},
        "arc": {"stroke": None, "padAngle": 0.012},
        "point": {"filled": True, "size": 60, "opacity": 0.75},
        "range": {"category": list(PALETTE)},
    }
